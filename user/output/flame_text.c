// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Nodes of flame graphs by name. */
#include "output/flame_text.h"

#include <string.h>

#include "output/site_text.h"

#define LABEL_BYTES 256

/* Of a frame without a name the address that is the same in every process. */
static struct frame frame_of(const struct flame_node *n)
{
	struct frame f = *n->frame;

	f.line = f.fn_line;
	f.is_inlined = false;
	f.tier = TIER_NONE;
	if (!f.fn && f.module_address)
		f.ip = f.module_address;
	return f;
}

static void add_label(struct strbuf *out, const char *label)
{
	if (*label)
		strbuf_add_text(out, label, strnlen(label, LABEL_BYTES));
	else
		strbuf_addc(out, '?');
}

void flame_name_add(struct strbuf *out, const struct flame_node *n, unsigned width)
{
	size_t before = out->len;
	struct frame f;

	if (!n->frame) {
		add_label(out, n->label);
		return;
	}
	f = frame_of(n);
	frame_text_add_wide(out, &f, width);
	if (out->len == before)
		strbuf_addc(out, '?');
}

void flame_name_add_long(struct strbuf *out, const struct flame_node *n)
{
	struct frame f;

	if (!n->frame) {
		add_label(out, n->label);
		return;
	}
	f = frame_of(n);
	frame_text_add_long(out, &f, "  ");
}

const struct flame_node *flame_next(const struct flame_node *n, bool deeper)
{
	if (deeper && n->first_child)
		return n->first_child;
	while (n && !n->next)
		n = n->parent;
	return n ? n->next : NULL;
}

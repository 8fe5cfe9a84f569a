// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The path to each node that stacks end at. Names are rewritten where they would be read as
 * something else: flamegraph.pl and inferno take a number behind the last space for a count, and
 * two for a comparison.
 *
 * LIMITATIONS: Firefox's profiler takes each byte for a sample of its own, and has no end.
 */
#include "output/folded.h"

#include <string.h>

#include "output/flame_text.h"

/* Of a function: who renders it cuts it to fit, and searches all of it */
#define NAME_COLUMNS 200

/* How much of the line is the path to each depth. */
struct path {
	struct strbuf text;
	size_t end[FLAME_DEPTH_MAX + 1];
};

static bool is_number(const char *s)
{
	return *s && strspn(s, "0123456789.") == strlen(s);
}

/* ';' parts names, so none has one; none ends like a count. */
static void name_add(struct strbuf *out, const struct flame_node *n)
{
	struct strbuf name;
	char *space;

	strbuf_init(&name);
	flame_name_add(&name, n, NAME_COLUMNS);
	for (char *at = name.s; name.len && (at = strchr(at, ';')); at++)
		*at = ':';
	space = strrchr(name.s, ' ');
	if (space && is_number(space + 1))
		*space = '_';
	strbuf_add(out, name.s, name.len);
	if (name.err)
		out->err = name.err;
	strbuf_release(&name);
}

/* The root is left out: who renders it has one of its own. */
static void path_go(struct path *p, const struct flame_node *n)
{
	size_t below = n->depth > 1 ? p->end[n->depth - 1] : 0;

	p->text.len = below;
	if (below)
		strbuf_addc(&p->text, ';');
	name_add(&p->text, n);
	p->end[n->depth] = p->text.len;
}

void folded_add(struct strbuf *out, const struct flame *f, enum flame_side side)
{
	struct path path = {0};

	strbuf_init(&path.text);
	for (const struct flame_node *n = f->root; n; n = flame_next(n, n->bytes[side])) {
		if (!n->bytes[side])
			continue;
		path_go(&path, n);
		if (!n->self[side])
			continue;
		strbuf_add(out, path.text.s, path.text.len);
		strbuf_addc(out, ' ');
		strbuf_addu(out, n->self[side]);
		strbuf_addc(out, '\n');
	}
	if (path.text.err)
		out->err = path.text.err;
	strbuf_release(&path.text);
}

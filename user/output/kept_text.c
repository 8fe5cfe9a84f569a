/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "output/kept_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "analysis/evidence.h"
#include "base/units.h"

#define INDENT	  "  "
#define ALL_SHARE 0.995 /* rounds to 100 % */

static void add(struct strbuf *out, const char *hostile)
{
	strbuf_add_text(out, hostile, strlen(hostile));
}

/* " handles.js:12" */
static void add_source(struct strbuf *out, const char *file, uint32_t line)
{
	const char *slash = strrchr(file, '/');

	if (!file[0])
		return;
	strbuf_addc(out, ' ');
	add(out, slash && slash[1] ? slash + 1 : file);
	if (line)
		strbuf_addf(out, ":%" PRIu32, line);
}

/* That a variable is of a V8 Context goes without saying: its file says more. */
static bool is_telling(const char *node)
{
	return node[0] && strcmp(node, "Context") != 0;
}

static void add_by(struct strbuf *out, const struct kept_by *by)
{
	bool has_node = is_telling(by->node) || !by->edge[0];

	if (by->container[0]) {
		strbuf_adds(out, ": ");
		if (by->share < ALL_SHARE)
			strbuf_addf(out, "%.0f%% ", 100 * by->share);
		strbuf_adds(out, "kept by ");
		add(out, by->container);
		strbuf_adds(out, ", ");
	} else {
		strbuf_adds(out, ": one of them by ");
	}
	add(out, by->edge);
	if (by->edge[0] && has_node)
		strbuf_adds(out, " of ");
	if (has_node)
		add(out, by->node);
	add_source(out, by->file, by->line);
}

static bool is_same(const struct kept_by *a, const struct kept_by *b)
{
	return a->container[0] && !strcmp(a->container, b->container) &&
	       !strcmp(a->edge, b->edge) && !strcmp(a->node, b->node) && a->count == b->count;
}

void kept_line_add(struct strbuf *out, const struct kept *k, unsigned index)
{
	const struct kept_constructor *c = &k->constructors[index];
	char bytes[UNITS_SIZE];

	strbuf_addf(out, "%+" PRId64 " ", c->delta_count);
	add(out, c->name);
	add_source(out, c->file, c->line);
	strbuf_addf(out, ", %s", units_format_delta(bytes, sizeof(bytes), c->delta_bytes));
	if (index && is_same(&c->by, &c[-1].by))
		strbuf_adds(out, ": kept by the same");
	else if (c->by.edge[0] || c->by.node[0])
		add_by(out, &c->by);
}

void kept_head_add(struct strbuf *out, const struct kept *k)
{
	char span[EVIDENCE_BYTES];

	evidence_span(span, round(k->seconds));
	if (k->count)
		strbuf_addf(out, "grew in V8's heap within %s, by two censuses of it:", span);
	else
		strbuf_addf(out, "two censuses of V8's heap, %s apart, show nothing that grew",
			    span);
}

void kept_text_add(struct strbuf *out, const struct kept *k, const char *prefix)
{
	strbuf_adds(out, prefix);
	kept_head_add(out, k);
	strbuf_addc(out, '\n');
	for (unsigned i = 0; i < k->count && i < KEPT_MAX; i++) {
		strbuf_addf(out, "%s" INDENT, prefix);
		kept_line_add(out, k, i);
		strbuf_addc(out, '\n');
	}
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bytes over time as a chart within a page (html_page.h): SVG that is there without a script, as
 * wide as the page, and its values as JSON for the script that tells them where it is pointed at.
 *
 * All names are literals: nothing in a chart is of the target.
 */
#ifndef MEMWATCH_OUTPUT_HTML_CHART_H
#define MEMWATCH_OUTPUT_HTML_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

#define CHART_SERIES_MAX 4
#define CHART_MARKS_MAX	 24
#define CHART_UNKNOWN	 UINT64_MAX /* a value that is not there; lines go on to the next */

struct chart_series {
	const char *name, *style; /* @style: class in page.css */
	const uint64_t *bytes;
	bool has_dots; /* lines: where there is a value */
};

/* Moments without a value, as strokes at the bottom. */
struct chart_strokes {
	const char *style;
	const uint64_t *ns;
	size_t count;
};

struct chart_mark {
	uint64_t ns;
	const char *name;
	bool is_soft; /* nothing bad */
};

struct chart {
	const char *title;
	uint64_t begin_ns, end_ns, begin_wall_ns;
	const uint64_t *ns;
	size_t count;
	struct chart_series series[CHART_SERIES_MAX];
	unsigned series_count;
	bool is_stacked;	/* areas upon each other, the first at the bottom; else lines */
	const char *total_name; /* of all series together; NULL: that is no sum */
	const uint64_t *high;	/* a thin line above the areas; or NULL */
	uint64_t hold_ns; /* after a gap of more than ten times that, a value had held until so
			     long before the next; 0: lines go straight */
	struct chart_strokes strokes[2];
	struct chart_mark marks[CHART_MARKS_MAX];
	unsigned mark_count;
	uint64_t limit_bytes; /* 0: none */
	const char *limit_name;
};

/** chart_mark_add - one more; past CHART_MARKS_MAX, and what is not within the chart, is dropped */
void chart_mark_add(struct chart *c, uint64_t ns, const char *name, bool is_soft);

/**
 * html_chart_add - with title and legend
 *
 * A limit of more than twice the largest value is told in words, not drawn.
 */
void html_chart_add(struct strbuf *out, const struct chart *c);

#endif

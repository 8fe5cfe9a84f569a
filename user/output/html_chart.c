// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Curves are in an inner <svg> that is stretched to the width of the page; what must not be
 * stretched (text, rules, marks) is placed by percentages of the outer one. Heights are pixels.
 */
#include "output/html_chart.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/units.h"
#include "output/html_page.h"

#define WIDTH	      1000.0 /* of the inner <svg>, in its own units */
#define HEIGHT	      240.0  /* as in page.css */
#define UNIT_MOST     (1ULL << 50)
#define RULES_MOST    5
#define TIMES_MOST    6
#define STROKES_MOST  500 /* more of them would be a block */
#define LIMIT_NEAR    2	  /* times the largest value, at the most, to be drawn */
#define HOLD_GAPS     10
#define HEADROOM      1.05
#define SECONDS_A_DAY 86400
#define MARK_TURNS    0.8  /* names of marks right of this stand left of them */
#define TIME_TURNS    0.96 /* times right of this stand left of their place */

/* How the chart's plane is laid out. */
struct plane {
	const struct chart *c;
	double top;    /* bytes */
	uint64_t rule; /* bytes between two rules */
	bool has_limit;
};

/* --- scales --- */

static uint64_t sum_at(const struct chart *c, size_t i, unsigned series)
{
	uint64_t sum = 0;

	for (unsigned k = 0; k < series; k++) {
		if (c->series[k].bytes[i] != CHART_UNKNOWN)
			sum += c->series[k].bytes[i];
	}
	return sum;
}

static uint64_t value_at(const struct chart *c, size_t i, unsigned series)
{
	return c->is_stacked ? sum_at(c, i, series + 1) : c->series[series].bytes[i];
}

static double largest(const struct chart *c)
{
	uint64_t most = 0;

	for (size_t i = 0; i < c->count; i++) {
		for (unsigned k = 0; k < c->series_count; k++) {
			uint64_t v = value_at(c, i, k);

			most = v != CHART_UNKNOWN && v > most ? v : most;
		}
		if (c->high && c->high[i] > most)
			most = c->high[i];
	}
	return (double)most;
}

/* 1, 2, 5, ... 500 of a binary unit, such that there are few rules. */
static uint64_t rule_of(double top)
{
	static const unsigned steps[] = {1, 2, 5, 10, 20, 50, 100, 200, 500};

	for (uint64_t unit = 1; unit <= UNIT_MOST; unit *= 1024) {
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
			if ((double)(steps[i] * unit) * RULES_MOST >= top)
				return steps[i] * unit;
		}
	}
	return UINT64_MAX / 2; /* no machine has that */
}

static void plane_init(struct plane *p, const struct chart *c)
{
	double most = largest(c), limit = (double)c->limit_bytes;

	*p = (struct plane){.c = c, .has_limit = limit > 0 && limit <= most * LIMIT_NEAR};
	if (p->has_limit && limit > most)
		most = limit;
	p->top = most > 0 ? most * HEADROOM : 1024;
	p->rule = rule_of(p->top);
}

/* 0..1 of the width */
static double x_of(const struct chart *c, uint64_t ns)
{
	if (ns <= c->begin_ns)
		return 0;
	return ns >= c->end_ns ? 1 : (double)(ns - c->begin_ns) / (double)(c->end_ns - c->begin_ns);
}

static double y_of(const struct plane *p, uint64_t bytes)
{
	return HEIGHT * (1 - (double)bytes / p->top);
}

/* --- axes --- */

static void add_rules(struct strbuf *out, const struct plane *p)
{
	char text[UNITS_SIZE];

	/* Whatever a recording claims, there is an end. */
	for (unsigned i = 0; i <= RULES_MOST && (double)i * (double)p->rule <= p->top; i++) {
		uint64_t at = i * p->rule;
		double y = y_of(p, at);

		units_format_bytes(text, sizeof(text), at);
		strbuf_addf(out,
			    "<line class=\"grid\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>"
			    "<text x=\"-8\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
			    y, y, y + 4, text);
	}
}

static uint64_t time_step(uint64_t seconds)
{
	static const uint64_t steps[] = {1,    2,    5,	    10,	   15,	  30,
					 60,   120,  300,   600,   900,	  1800,
					 3600, 7200, 10800, 21600, 43200, SECONDS_A_DAY};
	size_t last = sizeof(steps) / sizeof(steps[0]) - 1;

	for (size_t i = 0; i < last; i++) {
		if (seconds / steps[i] < TIMES_MOST)
			return steps[i];
	}
	return steps[last] * (1 + seconds / SECONDS_A_DAY / TIMES_MOST);
}

/* "08:50", "08:50:26", "11-23 08:50" of "2026-11-23T08:50:26.123Z" */
static void add_time(struct strbuf *out, uint64_t wall_ns, uint64_t step, uint64_t seconds)
{
	char time[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(time, sizeof(time), wall_ns);
	if (seconds >= SECONDS_A_DAY)
		strbuf_addf(out, "%.5s %.5s", time + 5, time + 11);
	else
		strbuf_addf(out, "%.*s", step < 60 ? 8 : 5, time + 11);
}

static void add_times(struct strbuf *out, const struct chart *c)
{
	uint64_t span = c->end_ns - c->begin_ns, seconds = span / NSEC_PER_SEC;
	uint64_t step = time_step(seconds);
	uint64_t at = (c->begin_wall_ns / NSEC_PER_SEC / step + 1) * step * NSEC_PER_SEC;

	for (unsigned i = 0; i <= TIMES_MOST && at <= c->begin_wall_ns + span; i++) {
		double x = (double)(at - c->begin_wall_ns) / (double)span;

		strbuf_addf(out, "<text%s x=\"%.2f%%\" y=\"%.0f\" text-anchor=\"%s\">",
			    i % 2 ? " class=\"odd\"" : "", 100 * x, HEIGHT + 18,
			    x > TIME_TURNS ? "end" : "middle");
		add_time(out, at, step, seconds);
		strbuf_adds(out, "</text>\n");
		at += step * NSEC_PER_SEC;
	}
}

/* --- curves --- */

static void add_point(struct strbuf *out, const struct plane *p, char how, uint64_t ns,
		      uint64_t bytes)
{
	strbuf_addf(out, "%c%.1f %.1f", how, WIDTH * x_of(p->c, ns), y_of(p, bytes));
}

static void add_points(struct strbuf *out, const struct plane *p, unsigned series,
		       const uint64_t *values)
{
	const struct chart *c = p->c;
	uint64_t before = CHART_UNKNOWN;

	for (size_t i = 0; i < c->count; i++) {
		uint64_t v = values ? values[i] : value_at(c, i, series);

		if (v == CHART_UNKNOWN)
			continue;
		if (before != CHART_UNKNOWN && c->hold_ns &&
		    c->ns[i] - c->ns[i - 1] > HOLD_GAPS * c->hold_ns)
			add_point(out, p, 'L', c->ns[i] - c->hold_ns, before);
		add_point(out, p, before == CHART_UNKNOWN ? 'M' : 'L', c->ns[i], v);
		before = v;
	}
}

static void add_area(struct strbuf *out, const struct plane *p, unsigned series)
{
	strbuf_addf(out, "<path class=\"%s\" d=\"", p->c->series[series].style);
	add_points(out, p, series, NULL);
	strbuf_addf(out, "H%.0fV%.0fH%.1fZ\"/>\n", WIDTH, HEIGHT, WIDTH * x_of(p->c, p->c->ns[0]));
}

/* Lines of no length with round ends: dots that are not stretched with the plane. */
static void add_dots(struct strbuf *out, const struct plane *p, const struct chart_series *s)
{
	strbuf_addf(out, "<path class=\"dots %s\" d=\"", s->style);
	for (size_t i = 0; i < p->c->count; i++) {
		if (s->bytes[i] == CHART_UNKNOWN)
			continue;
		add_point(out, p, 'M', p->c->ns[i], s->bytes[i]);
		strbuf_adds(out, "h0");
	}
	strbuf_adds(out, "\"/>\n");
}

static void add_line(struct strbuf *out, const struct plane *p, unsigned series)
{
	strbuf_addf(out, "<path class=\"line %s\" d=\"", p->c->series[series].style);
	add_points(out, p, series, NULL);
	strbuf_adds(out, "\"/>\n");
	if (p->c->series[series].has_dots)
		add_dots(out, p, &p->c->series[series]);
}

static void add_strokes(struct strbuf *out, const struct chart *c, const struct chart_strokes *s)
{
	size_t every = s->count / STROKES_MOST + 1;

	if (!s->count)
		return;
	strbuf_addf(out, "<path class=\"strokes %s\" d=\"", s->style);
	for (size_t i = 0; i < s->count; i += every)
		strbuf_addf(out, "M%.1f %.0fv-8", WIDTH * x_of(c, s->ns[i]), HEIGHT);
	strbuf_adds(out, "\"/>\n");
}

static void add_curves(struct strbuf *out, const struct plane *p)
{
	const struct chart *c = p->c;

	strbuf_addf(out, "<svg viewBox=\"0 0 %.0f %.0f\" preserveAspectRatio=\"none\">\n", WIDTH,
		    HEIGHT);
	for (unsigned k = c->series_count; c->count && k-- > 0;) {
		if (c->is_stacked)
			add_area(out, p, k);
		else
			add_line(out, p, k);
	}
	if (c->high && c->count) {
		strbuf_adds(out, "<path class=\"line high\" d=\"");
		add_points(out, p, 0, c->high);
		strbuf_adds(out, "\"/>\n");
	}
	for (size_t i = 0; i < sizeof(c->strokes) / sizeof(c->strokes[0]); i++)
		add_strokes(out, c, &c->strokes[i]);
	strbuf_adds(out, "</svg>\n");
}

/* --- marks --- */

void chart_mark_add(struct chart *c, uint64_t ns, const char *name, bool is_soft)
{
	if (c->mark_count < CHART_MARKS_MAX && ns >= c->begin_ns && ns <= c->end_ns)
		c->marks[c->mark_count++] = (struct chart_mark){ns, name, is_soft};
}

/* Names stand above the plane, on two lines by turns, so that neighbours can be read. */
static void add_marks(struct strbuf *out, const struct chart *c)
{
	for (unsigned i = 0; i < c->mark_count; i++) {
		const struct chart_mark *m = &c->marks[i];
		double x = x_of(c, m->ns);
		const char *soft = m->is_soft ? " soft" : "";

		strbuf_addf(out,
			    "<line class=\"mark%s\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"0\" "
			    "y2=\"100%%\"/><text class=\"mark-name%s\" x=\"%.2f%%\" dx=\"%d\" "
			    "y=\"%d\" text-anchor=\"%s\">%s</text>\n",
			    soft, 100 * x, 100 * x, soft, 100 * x, x > MARK_TURNS ? -5 : 5,
			    i % 2 ? -17 : -4, x > MARK_TURNS ? "end" : "start", m->name);
	}
}

static void add_limit(struct strbuf *out, const struct plane *p)
{
	char text[UNITS_SIZE];
	double y = y_of(p, p->c->limit_bytes);

	if (!p->has_limit)
		return;
	units_format_bytes(text, sizeof(text), p->c->limit_bytes);
	strbuf_addf(out,
		    "<line class=\"limit\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>"
		    "<text class=\"limit-name\" x=\"100%%\" y=\"%.1f\" "
		    "text-anchor=\"end\">%s %s</text>\n",
		    y, y, y + 14, p->c->limit_name, text);
}

/* --- the whole --- */

static void add_data(struct strbuf *out, const struct chart *c)
{
	struct json j;

	strbuf_adds(out, "<script type=\"application/json\">");
	json_begin(&j, out);
	json_u64(&j, "begin_ms", c->begin_wall_ns / NSEC_PER_MSEC);
	json_u64(&j, "span_ms", (c->end_ns - c->begin_ns) / NSEC_PER_MSEC);
	json_str(&j, "total", c->total_name);
	json_array_begin(&j, "ms");
	for (size_t i = 0; i < c->count; i++)
		json_u64(&j, NULL, (c->ns[i] - c->begin_ns) / NSEC_PER_MSEC);
	json_array_end(&j);
	json_array_begin(&j, "series");
	for (unsigned k = 0; k < c->series_count; k++) {
		json_object_begin(&j, NULL);
		json_str(&j, "name", c->series[k].name);
		json_str(&j, "style", c->series[k].style);
		json_array_begin(&j, "bytes");
		for (size_t i = 0; i < c->count; i++) {
			if (c->series[k].bytes[i] == CHART_UNKNOWN)
				json_null(&j, NULL);
			else
				json_u64(&j, NULL, c->series[k].bytes[i]);
		}
		json_array_end(&j);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_end(&j);
	strbuf_adds(out, "</script>");
}

static void add_legend(struct strbuf *out, const struct plane *p)
{
	const struct chart *c = p->c;
	char text[UNITS_SIZE];

	strbuf_addf(out, "<figcaption><b>%s</b>", c->title);
	for (unsigned k = 0; k < c->series_count; k++)
		strbuf_addf(out, "<span class=\"key %s\">%s</span>", c->series[k].style,
			    c->series[k].name);
	for (size_t i = 0; i < sizeof(c->strokes) / sizeof(c->strokes[0]); i++) {
		if (c->strokes[i].count)
			strbuf_addf(out, "<span class=\"key %s\">%zu %s collection%s</span>",
				    c->strokes[i].style, c->strokes[i].count, c->strokes[i].style,
				    c->strokes[i].count == 1 ? "" : "s");
	}
	if (c->high)
		strbuf_adds(out, "<span class=\"key high\">highest in between</span>");
	if (c->limit_bytes && !p->has_limit)
		strbuf_addf(out, "<span>%s %s: above the chart</span>", c->limit_name,
			    units_format_bytes(text, sizeof(text), c->limit_bytes));
	strbuf_adds(out, "</figcaption>\n");
}

void html_chart_add(struct strbuf *out, const struct chart *c)
{
	struct plane p;

	plane_init(&p, c);
	strbuf_adds(out, "<figure>");
	add_legend(out, &p);
	strbuf_addf(out, "<div class=\"chart\"><svg role=\"img\" aria-label=\"%s over time\">\n",
		    c->title);
	add_rules(out, &p);
	add_times(out, c);
	add_curves(out, &p);
	add_limit(out, &p);
	add_marks(out, c);
	strbuf_adds(out, "</svg>");
	add_data(out, c);
	strbuf_adds(out, "</div></figure>\n");
}

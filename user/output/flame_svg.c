// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Each frame is an <svg> of its own within the graph, placed by percentages: so the graph is as
 * wide as its window or page, and text is cut at the end of its frame, without a script. Root at
 * the bottom. A file of its own has a size, for viewers without scripts and pages that show it as
 * an image: with only a share of what they have it would be 300 pixels wide there.
 *
 * No style attributes or elements: the pages that graphs are in refuse them. Frames come parents
 * first, with their depth in data-d: that is all that the script needs to know of the tree.
 */
#include "output/flame_svg.h"

#include <math.h>
#include <string.h>

#include "base/incbin.h"
#include "base/units.h"
#include "output/flame_text.h"

#define ROW	     17		 /* pixels */
#define HEAD	     76		 /* above the frames: title, totals, legend */
#define FOOT	     30		 /* below: what is pointed at */
#define WIDTH	     1200	 /* of a file of its own, until its script fits it to the window */
#define THINNEST     (5 * WIDTH) /* a fifth of a pixel */
#define TEXT_PERCENT 0.6	 /* narrower ones have no space for text */
#define NAME_COLUMNS 60		 /* of a function, in a frame */
#define NAME_BYTES   120	 /* in a frame */
#define LONG_BYTES   500	 /* in what it says when it is pointed at */
#define TITLE_BYTES  200
#define LEGEND_ROW   14
#define LEGEND_WIDE  4 /* entries of a row: more have no space in half a window */

INCBIN(flame_js, "user/output/flame.js");

struct drawing {
	struct strbuf *out;
	const struct flame *f;
	double total;			/* bytes of the root */
	double most;			/* largest difference of a node */
	unsigned rows;			/* that are drawn */
	unsigned left_out;		/* frames too thin, those above them not counted */
	uint64_t gone;			/* bytes of the first run where the second has none */
	double at[FLAME_DEPTH_MAX + 2]; /* where the next one of that depth begins */
};

/* --- colours --- */

/* Whose code it is by hue; JavaScript is brighter than native code. */
static const struct colour {
	const char *of;
	double hue, saturation, lightness;
} colours[] = {
	{"yours, JS", 28, .95, .66},	  {"yours, native", 4, .75, .70},
	{"dependency, JS", 54, .85, .62}, {"dependency, native", 90, .45, .66},
	{"runtime, JS", 188, .50, .68},	  {"runtime, native", 215, .35, .78},
	{"no name", 0, 0, .82},
};

enum { COLOURS = sizeof(colours) / sizeof(colours[0]), COLOUR_NONE = COLOURS - 1 };

static const struct colour *colour_of(const struct flame_node *n)
{
	const struct frame *f = n->frame;

	if (!f || !f->fn || f->origin > FRAME_RUNTIME)
		return &colours[COLOUR_NONE];
	return &colours[2 * f->origin + (f->kind == FRAME_NATIVE)];
}

static unsigned channel(const struct colour *c, double lightness, int shift)
{
	double k = fmod(shift + c->hue / 30, 12);
	double a = c->saturation * fmin(lightness, 1 - lightness);

	return (unsigned)lround(255 * (lightness - a * fmax(-1, fmin(fmin(k - 3, 9 - k), 1))));
}

static void add_colour(struct strbuf *out, const struct colour *c, double lightness)
{
	strbuf_addf(out, "#%02x%02x%02x", channel(c, lightness, 0), channel(c, lightness, 8),
		    channel(c, lightness, 4));
}

/* Neighbours of one colour are told apart by a little. */
static void add_plain_colour(struct strbuf *out, const struct flame_node *n)
{
	const struct colour *c = colour_of(n);
	uint64_t hash = n->frame ? frame_function_hash(n->frame) : 0;

	add_colour(out, c, c->lightness + (double)(hash % 7) / 100);
}

static double difference(const struct flame_node *n)
{
	return (double)n->bytes[FLAME_B] - (double)n->bytes[FLAME_A];
}

/* Red for more, blue for less. */
static void add_diff_colour(struct drawing *d, const struct flame_node *n)
{
	static const struct colour more = {.hue = 4, .saturation = .9},
				   less = {.hue = 215, .saturation = .85};
	double by = difference(n), share = d->most > 0 ? fabs(by) / d->most : 0;

	add_colour(d->out, by < 0 ? &less : &more, share > 0 ? .92 - .28 * share : .94);
}

/* --- text --- */

static void add_markup(struct strbuf *out, const char *text, size_t max)
{
	size_t len = strnlen(text, max + 1);

	strbuf_add_markup(out, text, len > max ? max : len);
	if (len > max)
		strbuf_adds(out, "…");
}

static void add_name(struct strbuf *out, const struct flame_node *n, bool is_long)
{
	struct strbuf name;

	strbuf_init(&name);
	if (is_long)
		flame_name_add_long(&name, n);
	else
		flame_name_add(&name, n, NAME_COLUMNS);
	add_markup(out, name.s, is_long ? LONG_BYTES : NAME_BYTES);
	if (name.err)
		out->err = name.err;
	strbuf_release(&name);
}

/* "12.3M (45.6 %), 120 samples"; of two runs "12.3M, before 4.5M: +7.8M, ...". */
static void add_numbers(struct drawing *d, const struct flame_node *n)
{
	char now[UNITS_SIZE], before[UNITS_SIZE], delta[UNITS_SIZE];

	units_format_bytes(now, sizeof(now), n->bytes[FLAME_B]);
	strbuf_adds(d->out, now);
	if (d->f->is_diff) {
		units_format_bytes(before, sizeof(before), n->bytes[FLAME_A]);
		units_format_delta(delta, sizeof(delta),
				   (int64_t)(n->bytes[FLAME_B] - n->bytes[FLAME_A]));
		strbuf_addf(d->out, ", in the first run %s: %s", before, delta);
	}
	strbuf_addf(d->out, " (%.1f %%), %llu samples",
		    d->total > 0 ? 100 * (double)n->bytes[FLAME_B] / d->total : 0,
		    (unsigned long long)n->samples[FLAME_B]);
}

/* --- frames --- */

static bool is_drawn(const struct drawing *d, const struct flame_node *n)
{
	return n->bytes[FLAME_B] && (double)n->bytes[FLAME_B] * THINNEST >= d->total;
}

static void measure(struct drawing *d)
{
	const struct flame_node *n = d->f->root;
	bool drawn;

	d->total = (double)n->bytes[FLAME_B];
	for (; n; n = flame_next(n, drawn)) {
		drawn = is_drawn(d, n);
		if (fabs(difference(n)) > d->most)
			d->most = fabs(difference(n));
		if (drawn && n->depth + 1 > d->rows)
			d->rows = n->depth + 1;
		d->left_out += !drawn && n->bytes[FLAME_B];
		d->gone += n->bytes[FLAME_B] ? 0 : n->bytes[FLAME_A];
	}
}

static void add_frame(struct drawing *d, const struct flame_node *n, double x, double width)
{
	unsigned y = HEAD + (d->rows - 1 - n->depth) * ROW;

	strbuf_addf(d->out,
		    "<svg class=\"f\" data-d=\"%u\" x=\"%.5f%%\" y=\"%u\" width=\"%.5f%%\" "
		    "height=\"%u\"><title>",
		    n->depth, x, y, width, ROW - 1);
	add_name(d->out, n, true);
	strbuf_addc(d->out, '\n');
	add_numbers(d, n);
	strbuf_adds(d->out, "</title><rect width=\"100%\" height=\"100%\" rx=\"2\" fill=\"");
	if (d->f->is_diff)
		add_diff_colour(d, n);
	else
		add_plain_colour(d->out, n);
	strbuf_adds(d->out, "\"/>");
	if (width >= TEXT_PERCENT) {
		strbuf_adds(d->out, "<text x=\"3\" y=\"12\">");
		add_name(d->out, n, false);
		strbuf_adds(d->out, "</text>");
	}
	strbuf_adds(d->out, "</svg>\n");
}

static void add_frames(struct drawing *d)
{
	bool drawn;

	for (const struct flame_node *n = d->f->root; n; n = flame_next(n, drawn)) {
		double x = d->at[n->depth];
		double width = d->total > 0 ? 100 * (double)n->bytes[FLAME_B] / d->total : 0;

		drawn = is_drawn(d, n);
		d->at[n->depth] += width;
		d->at[n->depth + 1] = x;
		if (drawn)
			add_frame(d, n, x, width);
	}
}

/* --- around them --- */

static void add_totals(struct drawing *d)
{
	char gone[UNITS_SIZE];

	strbuf_adds(d->out, "<text class=\"total\" x=\"8\" y=\"36\" fill=\"#555\">");
	if (d->total > 0)
		add_numbers(d, d->f->root);
	else
		strbuf_adds(d->out, "no growth was seen whose code is known");
	if (d->gone)
		strbuf_addf(d->out, "; %s of the first run is gone, and not drawn",
			    units_format_bytes(gone, sizeof(gone), d->gone));
	if (d->left_out)
		strbuf_addf(d->out, "; %u too thin to be drawn", d->left_out);
	strbuf_adds(d->out, "</text>\n");
}

static void add_legend_entry(struct drawing *d, unsigned at, const struct colour *c, const char *of)
{
	unsigned x = at % LEGEND_WIDE * (100 / LEGEND_WIDE);
	unsigned y = 44 + at / LEGEND_WIDE * LEGEND_ROW;

	strbuf_addf(d->out,
		    "<svg class=\"legend\" x=\"%u%%\" y=\"%u\" overflow=\"visible\"><rect x=\"8\" "
		    "width=\"10\" height=\"10\" fill=\"",
		    x, y);
	add_colour(d->out, c, c->lightness);
	strbuf_addf(d->out,
		    "\"/><text x=\"22\" y=\"9\" font-size=\"11\" fill=\"#555\">%s</text></svg>\n",
		    of);
}

static void add_legend(struct drawing *d)
{
	static const struct colour more = {"more than in the first run", 4, .9, .64},
				   less = {"less", 215, .85, .64};

	if (d->f->is_diff) {
		add_legend_entry(d, 0, &less, less.of);
		add_legend_entry(d, 1, &more, more.of);
		return;
	}
	for (unsigned i = 0; i < COLOURS; i++)
		add_legend_entry(d, i, &colours[i], colours[i].of);
}

static void add_begin(struct drawing *d, const struct flame_svg_options *o)
{
	unsigned height = HEAD + d->rows * ROW + FOOT;
	const char *title = o->title ? o->title : "";

	if (!o->is_inline)
		strbuf_adds(d->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	strbuf_adds(d->out, "<svg class=\"flame\"");
	if (!o->is_inline)
		strbuf_adds(d->out, " xmlns=\"http://www.w3.org/2000/svg\"");
	if (o->is_inline)
		strbuf_adds(d->out, " width=\"100%\"");
	else
		strbuf_addf(d->out, " width=\"%d\" viewBox=\"0 0 %d %u\"", WIDTH, WIDTH, height);
	strbuf_addf(
		d->out,
		" id=\"%s\" height=\"%u\" data-bytes=\"%.0f\" font-size=\"12\" "
		"font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\">\n",
		o->id ? o->id : "flame", height, d->total);
	if (!o->is_inline) { /* what the window is called */
		strbuf_adds(d->out, "<title>");
		add_markup(d->out, title, TITLE_BYTES);
		strbuf_adds(d->out, "</title>\n");
	}
	strbuf_adds(d->out, "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
			    "<text class=\"title\" x=\"8\" y=\"19\" font-size=\"15\">");
	add_markup(d->out, title, TITLE_BYTES);
	strbuf_adds(d->out, "</text>\n");
	add_totals(d);
	add_legend(d);
	strbuf_addf(d->out, "<text class=\"details\" x=\"8\" y=\"%u\"></text>\n", height - 10);
}

void flame_svg_add(struct strbuf *out, const struct flame *f, const struct flame_svg_options *o)
{
	struct drawing d = {.out = out, .f = f};

	measure(&d);
	add_begin(&d, o);
	strbuf_adds(out, "<g class=\"frames\">\n");
	add_frames(&d);
	strbuf_adds(out, "</g>\n");
	if (!o->is_inline) {
		strbuf_adds(out, "<script><![CDATA[\n");
		strbuf_adds(out, flame_js);
		strbuf_adds(out, "]]></script>\n");
	}
	strbuf_adds(out, "</svg>\n");
}

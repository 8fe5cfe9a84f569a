/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A flame graph as SVG: in a file of its own, or within a page. It can be looked at without its
 * script; with it (flame.js), frames are zoomed into by a click, and searched for by name.
 *
 * One that compares two runs is as wide as the second; red is what that has more, blue less.
 */
#ifndef MEMWATCH_OUTPUT_FLAME_SVG_H
#define MEMWATCH_OUTPUT_FLAME_SVG_H

#include "analysis/flame.h"
#include "base/strbuf.h"

struct flame_svg_options {
	const char *title; /* hostile */
	bool is_inline; /* an <svg> within HTML, whose page has flame_js once; else a whole file */
	const char *id; /* of the <svg>, unique in the page; literal */
};

extern const char flame_js[]; /* user/output/flame.js: serves every svg.flame of a document */

/** flame_svg_add - all of it; what is thinner than a fifth of a pixel is left out, and said */
void flame_svg_add(struct strbuf *out, const struct flame *f, const struct flame_svg_options *o);

#endif

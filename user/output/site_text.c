// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One line for a site: the function that it is, then who called it. What everybody can
 * guess (folders, parameters, arguments of templates) is left out of the short form.
 *
 * LIMITATIONS: a package is known by its folder below node_modules or site-packages; other
 * dependencies are shown by their file or library alone.
 */
#include "output/site_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "output/fields.h"

#define NAME_COLUMNS 60 /* of a function's name in the short form */
#define TEXT_BYTES   4096
#define LINE_BEGIN   37 /* columns before the chain in a line of a list */
#define CHAIN_MIN    20

/* --- pieces --- */

static void add_safe(struct strbuf *out, const char *text)
{
	strbuf_add_text(out, text, strnlen(text, TEXT_BYTES));
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* The folder of a package in @path, "@scope/name" or "name"; its length, or 0. */
static size_t package_of(const char *path, const char **out)
{
	static const char *const folders[] = {"/node_modules/", "/site-packages/",
					      "/dist-packages/"};
	const char *at = NULL;
	size_t len;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		const char *found = path;

		while ((found = strstr(found, folders[i])) != NULL) {
			found += strlen(folders[i]);
			at = found; /* the last: packages hold packages */
		}
		if (at)
			break;
	}
	if (!at)
		return 0;
	len = strcspn(at, "/");
	if (*at == '@' && at[len])
		len += 1 + strcspn(at + len + 1, "/");
	*out = at;
	return len;
}

/* Where the parameters of a C++ function begin: the '(' of the last ')', if that ends the name. */
static size_t without_parameters(const char *fn, size_t len)
{
	size_t at = len;
	int depth = 0;

	while (at && fn[at - 1] != ')') /* " const" */
		at--;
	if (!at || (at < len && fn[at] != ' '))
		return len;
	do {
		char c = fn[--at];

		depth += c == ')' ? 1 : c == '(' ? -1 : 0;
	} while (at && depth);
	/* "(anonymous)", and "operator()" itself */
	if (depth || !at || (at >= 8 && !memcmp(fn + at - 8, "operator", 8)))
		return len;
	return at;
}

/* Drops what is between '<' and '>' behind a name; operators and "<T as Trait>" keep theirs. */
static void add_without_arguments(struct strbuf *out, const char *fn, size_t len)
{
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		bool opens = fn[i] == '<' && i &&
			     (depth || isalnum((unsigned char)fn[i - 1]) || fn[i - 1] == '_');
		bool is_operator = i >= 8 && !memcmp(fn + i - 8, "operator", 8);

		if (fn[i] == '>' && depth && fn[i - 1] != '-')
			depth--;
		if (!depth)
			strbuf_addc(out, fn[i]);
		if (opens && !is_operator)
			depth++;
	}
}

/* A native function's name, as short as it can be told by. */
static void add_native_name(struct strbuf *out, const char *fn, unsigned width)
{
	struct strbuf name, safe;
	size_t len = without_parameters(fn, strnlen(fn, TEXT_BYTES));

	strbuf_init(&name);
	strbuf_init(&safe);
	if (len > width * 3 / 4)
		add_without_arguments(&name, fn, len);
	else
		strbuf_add(&name, fn, len);
	strbuf_add_text(&safe, name.s, name.len);
	column_cut(out, safe.s, width);
	strbuf_release(&name);
	strbuf_release(&safe);
}

static void add_js_name(struct strbuf *out, const char *fn, unsigned width)
{
	struct strbuf safe;

	strbuf_init(&safe);
	add_safe(&safe, fn);
	column_cut(out, safe.s, width);
	strbuf_release(&safe);
}

static void add_name(struct strbuf *out, const struct frame *f, unsigned width)
{
	if (f->fn && f->kind == FRAME_NATIVE)
		add_native_name(out, f->fn, width);
	else if (f->fn)
		add_js_name(out, f->fn, width);
	else if (f->ip)
		strbuf_addf(out, "0x%llx", (unsigned long long)f->ip);
	else
		strbuf_adds(out, "?");
}

static void add_line_number(struct strbuf *out, const struct frame *f)
{
	if (f->line)
		strbuf_addf(out, ":%u", f->line);
}

/* --- a frame --- */

static const char *path_of(const struct frame *f)
{
	return f->file ? f->file : f->module;
}

void frame_text_add_wide(struct strbuf *out, const struct frame *f, unsigned width)
{
	const char *package = NULL, *path = path_of(f);
	size_t len = path && f->origin == FRAME_DEPENDENCY ? package_of(path, &package) : 0;

	if (f->is_approximate)
		strbuf_addc(out, '~');
	if (f->origin == FRAME_RUNTIME && f->kind == FRAME_JS) {
		strbuf_adds(out, "node: ");
		add_name(out, f, width);
		return;
	}
	if (len) {
		strbuf_addc(out, '[');
		strbuf_add_text(out, package, len);
		strbuf_adds(out, "] ");
	}
	add_name(out, f, width);
	if (f->kind == FRAME_BUILTIN) {
		strbuf_adds(out, " (builtin)");
	} else if (f->file) {
		strbuf_addc(out, ' ');
		add_safe(out, base_of(f->file));
		add_line_number(out, f);
	} else if (f->module) {
		strbuf_adds(out, " (");
		add_safe(out, base_of(f->module));
		strbuf_addc(out, ')');
	}
}

void frame_text_add(struct strbuf *out, const struct frame *f)
{
	frame_text_add_wide(out, f, NAME_COLUMNS);
}

/* What else is known of it, " (turbofan, inlined)". */
static void add_remarks(struct strbuf *out, const struct frame *f)
{
	static const char *const tiers[] = {NULL, "interpreted", "baseline", "maglev", "turbofan"};
	static const char *const origins[] = {NULL, "dependency", "runtime"};
	const char *remarks[] = {
		f->kind == FRAME_BUILTIN ? "builtin" : NULL,
		f->origin < sizeof(origins) / sizeof(origins[0]) ? origins[f->origin] : NULL,
		f->tier < sizeof(tiers) / sizeof(tiers[0]) ? tiers[f->tier] : NULL,
		f->is_inlined ? "inlined" : NULL,
		f->is_approximate ? "or one that is inlined into it" : NULL,
	};
	const char *before = " (";

	if (f->kind == FRAME_JS && f->fn_line && f->fn_line != f->line) {
		strbuf_addf(out, "%sfunction at line %u", before, f->fn_line);
		before = ", ";
	}
	for (size_t i = 0; i < sizeof(remarks) / sizeof(remarks[0]); i++) {
		if (!remarks[i])
			continue;
		strbuf_addf(out, "%s%s", before, remarks[i]);
		before = ", ";
	}
	if (*before == ',')
		strbuf_addc(out, ')');
}

void frame_text_add_long(struct strbuf *out, const struct frame *f, const char *between)
{
	if (f->is_approximate)
		strbuf_addc(out, '~');
	if (f->fn && f->kind == FRAME_NATIVE)
		strbuf_add_text(out, f->fn, without_parameters(f->fn, strnlen(f->fn, TEXT_BYTES)));
	else if (f->fn)
		add_safe(out, f->fn);
	else
		add_name(out, f, NAME_COLUMNS);
	strbuf_adds(out, between);
	if (f->file)
		add_safe(out, f->file);
	else if (f->module)
		add_safe(out, base_of(f->module));
	if (f->file)
		add_line_number(out, f);
	add_remarks(out, f);
}

void source_text_add(struct strbuf *out, const char *file, uint32_t line)
{
	const char *package = NULL;
	size_t len = package_of(file, &package);

	if (len) {
		strbuf_addc(out, '[');
		strbuf_add_text(out, package, len);
		strbuf_adds(out, "] ");
	}
	add_safe(out, strncmp(file, "node:", 5) ? base_of(file) : file);
	if (line)
		strbuf_addf(out, ":%u", line);
}

/* --- a site --- */

void site_text_add(struct strbuf *out, const struct site *s, int width, bool utf8)
{
	const char *arrow = utf8 ? " ← " : " <- ";
	int between = text_columns(arrow), used = 0;
	struct strbuf frame;

	if (s->note) {
		strbuf_adds(out, s->note);
		return;
	}
	if (!s->chain.count) {
		strbuf_adds(out, "(a stack that could not be read)");
		return;
	}
	strbuf_init(&frame);
	for (unsigned i = 0; i < s->chain.count; i++) {
		int wide;

		strbuf_clear(&frame);
		frame_text_add(&frame, &s->stack->frames[s->chain.at[i]]);
		wide = text_columns(frame.s);
		if (i && width && used + between + wide > width)
			break;
		if (i)
			strbuf_adds(out, arrow);
		if (width)
			column_cut(out, frame.s, width);
		else
			strbuf_add(out, frame.s, frame.len);
		used += wide + (i ? between : 0);
	}
	strbuf_release(&frame);
}

void site_group_text_add(struct strbuf *out, const struct site_group *g, int width, bool utf8)
{
	char more[16] = "";

	if (g->chains > 1 && !g->top->note)
		snprintf(more, sizeof(more), " (+%u)", g->chains - 1);
	site_text_add(out, g->top, width ? width - (int)strlen(more) : 0, utf8);
	strbuf_adds(out, more);
}

void site_titles_add(struct strbuf *out)
{
	strbuf_adds(out, "  BYTES      RATE SHARE KIND         SITE");
}

void site_line_add(struct strbuf *out, const struct site_group *g, uint64_t now_ns, int width,
		   bool utf8)
{
	char bytes[UNITS_SIZE], rate[UNITS_SIZE];
	int left = width > LINE_BEGIN + CHAIN_MIN ? width - LINE_BEGIN : CHAIN_MIN;

	strbuf_addf(out, "%7s %7s/s %4.0f%% %-11s  ",
		    units_format_bytes(bytes, sizeof(bytes), g->bytes),
		    units_format_delta(rate, sizeof(rate), (int64_t)site_rate(g, now_ns)),
		    100 * g->share, site_kind_name(g->kind));
	site_group_text_add(out, g, width ? left : 0, utf8);
}

/* --- what is not known --- */

static uint64_t all_samples(const struct site_table *t)
{
	uint64_t sum = 0;

	for (unsigned kind = 0; kind < MW_SITE_KINDS; kind++)
		sum += t->samples[kind];
	return sum;
}

static const char *level_text(const char *level)
{
	static const struct {
		const char *level, *text;
	} texts[] = {
		{"fault", "page faults"},
		{"v8-alloc", "what it allocates"},
		{"v8-survived", "what survives"},
	};

	for (size_t i = 0; level && i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!strcmp(level, texts[i].level))
			return texts[i].text;
	}
	return level ? level : "what there is";
}

bool site_state_add(struct strbuf *out, const struct site_table *t)
{
	const char *why = t ? t->quality.why : NULL;

	if (!t) {
		strbuf_adds(out, "no stacks are taken of this process");
		return true;
	}
	if (!all_samples(t))
		strbuf_adds(out, "no growth was sampled yet");
	if (!why)
		return !all_samples(t);
	if (!all_samples(t))
		strbuf_adds(out, "; ");
	strbuf_addf(out, "JavaScript by %s: ", level_text(t->quality.level));
	add_safe(out, why);
	return true;
}

static void add_count(struct strbuf *out, uint64_t count, const char *what)
{
	char text[UNITS_SIZE];

	if (count)
		strbuf_addf(out, ", %s %s", units_format_count(text, sizeof(text), count), what);
}

void site_quality_add(struct strbuf *out, const struct site_table *t)
{
	const struct site_quality *q = &t->quality;
	char text[UNITS_SIZE];

	strbuf_addf(out, "%s stacks", units_format_count(text, sizeof(text), q->stacks));
	add_count(out, q->stacks_cut, "cut");
	add_count(out, q->stacks_unreadable, "unreadable at the end");
	add_count(out, q->stacks_recovered, "from code without frame pointers");
	if (q->frames)
		strbuf_addf(out, "; %.1f %% of frames without a name",
			    100.0 * q->frames_unnamed / q->frames);
	if (t->unnamed_bytes)
		strbuf_addf(out, "; %s could not be named in time",
			    units_format_bytes(text, sizeof(text), t->unnamed_bytes));
	if (t->dropped_bytes)
		strbuf_addf(out, "; %s of sites past the limit",
			    units_format_bytes(text, sizeof(text), t->dropped_bytes));
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * File after file, so that one is open at a time: all its frames of all processes.
 *
 * LIMITATIONS: of more than MAX_FILES files those that come first.
 */
#include "cmd/report_symbols.h"

#include "sym/symbolizer.h"

#define MAX_FILES   256
#define MAX_FRAMES  1024 /* of a stack, with those that were inlined */
#define MAX_INLINED 32

/* A file that frames without a name are in. */
struct file {
	const char *path, *build_id;
};

struct naming {
	struct recorded *r;
	struct symbolizer *symbolizer;
	struct file files[MAX_FILES];
	unsigned file_count;
	/* The one that is open. */
	const struct file *file;
	struct symbol_file *symbols;
	unsigned named;
};

static bool is_open_question(const struct frame *f)
{
	return !f->fn && f->module && f->build_id && f->module_address;
}

/* Names of a recording are interned: a hostile one may have millions of frames to compare. */
static bool is_in(const struct frame *f, const struct file *file)
{
	return is_open_question(f) && f->module == file->path && f->build_id == file->build_id;
}

/* --- each site --- */

typedef void (*site_fn)(struct naming *n, struct site_table *t, struct site *s);

static void for_each_site(struct naming *n, site_fn fn)
{
	for (size_t i = 0; i < n->r->process_count; i++) {
		struct site_table *t = n->r->processes[i].sites;
		struct hmap_node *node;

		if (!t)
			continue;
		hmap_for_each (&t->by_hash, node)
			fn(n, t, hmap_entry(node, struct site, node));
	}
}

static void find_files(struct naming *n, struct site_table *t, struct site *s)
{
	(void)t;
	for (unsigned i = 0; i < s->stack->count; i++) {
		const struct frame *f = &s->stack->frames[i];
		unsigned k = 0;

		if (!is_open_question(f))
			continue;
		while (k < n->file_count && !is_in(f, &n->files[k]))
			k++;
		if (k == n->file_count && k < MAX_FILES)
			n->files[n->file_count++] = (struct file){f->module, f->build_id};
	}
}

static void name_site(struct naming *n, struct site_table *t, struct site *s)
{
	struct frame frames[MAX_FRAMES];
	unsigned count = 0, named = 0;

	for (unsigned i = 0; i < s->stack->count; i++) {
		const struct frame *f = &s->stack->frames[i];

		if (count + MAX_INLINED > MAX_FRAMES)
			return; /* no stack of ours is so deep */
		if (!is_in(f, n->file)) {
			frames[count++] = *f;
			continue;
		}
		count += symbolizer_name(n->symbolizer, n->symbols, f, frames + count, MAX_INLINED);
		named += frames[count - 1].fn != NULL;
	}
	if (!named || site_set_frames(s, frames, count))
		return;
	n->named += named;
	t->quality.frames_unnamed -=
		named < t->quality.frames_unnamed ? named : t->quality.frames_unnamed;
}

unsigned report_symbols_name(struct recorded *r)
{
	struct naming n = {.r = r};

	for_each_site(&n, find_files);
	n.symbolizer = n.file_count ? symbolizer_new(r->names) : NULL;
	for (unsigned i = 0; i < n.file_count && n.symbolizer; i++) {
		n.file = &n.files[i];
		n.symbols = symbolizer_find(n.symbolizer, n.file->path, n.file->build_id);
		if (!n.symbols)
			continue;
		for_each_site(&n, name_site);
		symbolizer_put(n.symbolizer, n.symbols);
	}
	symbolizer_free(n.symbolizer);
	return n.named;
}

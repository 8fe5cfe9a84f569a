// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The growth sites of one process, by kind and frames.
 *
 * LIMITATIONS: sites are never dropped while the table lives: what comes past SITES_MAX is for the
 * caller to count. Equal hashes of differing stacks are told apart by at most MAX_PROBES.
 */
#include "model/site.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/site_note.h"

#define MAX_PROBES  64
#define MIN_KEPT    10 /* samples that full collections found alive */
#define MIN_SAMPLES 3  /* with fewer, a share says nothing that bytes could be scaled by */

static const struct {
	const char *name, *help;
} kinds[MW_SITE_KINDS] = {
	[0] = {"unknown", "bytes of an unknown kind"},
	[MW_SITE_FAULT] = {"fault", "memory that became resident by page faults"},
	[MW_SITE_BRK] = {"brk", "growth of the brk heap"},
	[MW_SITE_MMAP] = {"mmap", "memory that was mapped, resident or not"},
	[MW_SITE_V8_ALLOC] = {"v8-alloc", "allocated in V8's heap, garbage included"},
	[MW_SITE_V8_SURVIVED] = {"v8-survived", "allocated in V8's heap, and kept"},
	[MW_SITE_EXTERNAL] = {"external", "Buffers and ArrayBuffers, less what was freed"},
};

const char *site_kind_name(enum mw_site_kind kind)
{
	return kinds[(unsigned)kind < MW_SITE_KINDS ? kind : 0].name;
}

enum mw_site_kind site_kind_parse(const char *name)
{
	for (unsigned kind = 1; kind < MW_SITE_KINDS; kind++) {
		if (!strcmp(name, kinds[kind].name))
			return (enum mw_site_kind)kind;
	}
	return 0;
}

const char *site_kind_help(enum mw_site_kind kind)
{
	return kinds[(unsigned)kind < MW_SITE_KINDS ? kind : 0].help;
}

/* --- the table --- */

struct site_table *site_table_new(void)
{
	struct site_table *t = calloc(1, sizeof(*t));
	int err = t ? hmap_init(&t->by_hash) : -ENOMEM;

	if (!err) {
		t->begin_ns = clock_boot_ns();
		return t;
	}
	free(t);
	errno = -err;
	return NULL;
}

void site_table_free(struct site_table *t)
{
	struct hmap_node *node, *next;

	if (!t)
		return;
	for (node = hmap_next(&t->by_hash, NULL); node; node = next) {
		struct site *s = hmap_entry(node, struct site, node);

		next = hmap_next(&t->by_hash, node);
		free(s->stack);
		free(s);
	}
	hmap_release(&t->by_hash);
	free(t);
}

static bool site_is(const struct site *s, enum mw_site_kind kind, const struct frame *frames,
		    unsigned count)
{
	if (s->kind != kind || s->stack->count != count)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (!frame_is_same(&s->stack->frames[i], &frames[i]))
			return false;
	}
	return true;
}

/* What the frames of its stack say. */
static void learn_place(struct site *s)
{
	s->note = site_note(s->stack);
	stack_chain_of(s->stack, &s->chain);
	s->chain_hash = stack_chain_hash(s->stack, &s->chain);
	s->function_hash =
		s->chain.count ? frame_function_hash(&s->stack->frames[s->chain.at[0]]) : 0;
}

int site_set_frames(struct site *s, const struct frame *frames, unsigned count)
{
	struct stack *stack = stack_new(frames, count, s->stack->is_cut);

	if (!stack)
		return -errno;
	free(s->stack);
	s->stack = stack;
	learn_place(s);
	return 0;
}

static struct site *add_site(struct site_table *t, uint64_t key, enum mw_site_kind kind,
			     const struct frame *frames, unsigned count, bool is_cut)
{
	struct site *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->stack = stack_new(frames, count, is_cut);
	if (!s->stack) {
		free(s);
		return NULL;
	}
	s->kind = kind;
	learn_place(s);
	hmap_add(&t->by_hash, &s->node, key);
	return s;
}

struct site *site_table_get(struct site_table *t, enum mw_site_kind kind,
			    const struct frame *frames, unsigned count, bool is_cut)
{
	uint64_t key = stack_hash(frames, count) + ((uint64_t)kind << 56);

	if (!kind || (unsigned)kind >= MW_SITE_KINDS) {
		errno = EINVAL;
		return NULL;
	}
	for (unsigned i = 0; i < MAX_PROBES; i++, key++) {
		struct hmap_node *node = hmap_find(&t->by_hash, key);
		struct site *s;

		if (!node && t->by_hash.count >= SITES_MAX)
			break;
		if (!node)
			return add_site(t, key, kind, frames, count, is_cut);
		s = hmap_entry(node, struct site, node);
		if (site_is(s, kind, frames, count)) {
			s->stack->is_cut |= is_cut;
			return s;
		}
	}
	errno = ENOSPC;
	return NULL;
}

/* --- at a tick --- */

struct sums {
	uint64_t bytes[MW_SITE_KINDS];
};

/* Whether full collections have found enough alive to tell by these alone. */
static bool is_decided(const struct site_table *t)
{
	int64_t kept = 0;
	struct hmap_node *node;

	hmap_for_each (&t->by_hash, node) {
		const struct site *s = hmap_entry(node, struct site, node);

		if (s->kind == MW_SITE_V8_SURVIVED)
			kept += (int64_t)s->kept_samples;
	}
	return kept >= MIN_KEPT;
}

/*
 * Of what is open for a site the share counts that was kept of it before; until enough is decided
 * as if one sample more had been kept.
 */
static uint64_t estimate(const struct site *s, bool is_decided)
{
	double kept = (double)(int64_t)s->kept_samples, bytes = (double)(int64_t)s->kept_bytes;
	double prior = is_decided ? 0 : 1, open, all;

	if (s->kind != MW_SITE_V8_SURVIVED)
		return s->sampled_bytes;
	if (kept < 0 || bytes < 0) /* counts of one moment that do not fit those of another */
		kept = bytes = 0;
	open = (double)s->sampled_bytes - bytes;
	all = kept + (double)s->freed_samples + prior;
	return (uint64_t)(bytes + (open > 0 && all > 0 ? open * (kept + prior) / all : 0));
}

static void sum_up(struct site_table *t, struct sums *sums)
{
	bool decided = is_decided(t);
	struct hmap_node *node;

	for (unsigned kind = 0; kind < MW_SITE_KINDS; kind++)
		sums->bytes[kind] = t->samples[kind] = t->total_bytes[kind] = 0;
	hmap_for_each (&t->by_hash, node) {
		struct site *s = hmap_entry(node, struct site, node);

		s->estimated_bytes = estimate(s, decided);
		sums->bytes[s->kind] += s->estimated_bytes;
		t->samples[s->kind] += s->samples;
	}
}

void site_table_finish_tick(struct site_table *t)
{
	bool was_scaled = t->v8_is_scaled;
	uint64_t grown =
		t->v8_live_last > t->v8_live_first ? t->v8_live_last - t->v8_live_first : 0;
	struct hmap_node *node;
	struct sums sums;

	sum_up(t, &sums);
	t->v8_is_scaled = t->v8_live_first && t->v8_live_last &&
			  t->samples[MW_SITE_V8_SURVIVED] >= MIN_SAMPLES;
	hmap_for_each (&t->by_hash, node) {
		struct site *s = hmap_entry(node, struct site, node);
		bool is_scalable = s->kind == MW_SITE_V8_SURVIVED;
		uint64_t before = s->bytes, all = sums.bytes[s->kind];

		s->share = all ? (double)s->estimated_bytes / all : 0;
		s->bytes = is_scalable && t->v8_is_scaled ? (uint64_t)(s->share * grown)
							  : s->estimated_bytes;
		s->delta_bytes = (int64_t)(s->bytes - before);
		if (is_scalable && t->v8_is_scaled != was_scaled) /* another measure: no change */
			s->delta_bytes = 0;
		t->total_bytes[s->kind] += s->bytes;
	}
}

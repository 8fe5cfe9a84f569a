/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Growth sites of two runs: all of both in one list, sorted, so that those of one function are
 * neighbours and become one.
 *
 * A site is known by samples of memory. That n of them were taken of what are really as many as n
 * bytes' worth is chance, and so the weight of one says how many there would be of another amount.
 */
#include "analysis/run_diff_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/chance.h"
#include "analysis/sites.h"
#include "base/clock.h"

/* A site of one of them. */
struct entry {
	const struct site *site;
	enum run_side side;
	double units; /* in which its bytes came */
	bool by_name; /* files are compared without their folders */
};

static const struct frame *frame_of(const struct site *s)
{
	return s->chain.count ? &s->stack->frames[s->chain.at[0]] : NULL;
}

static const char *file_of(const struct frame *f, bool by_name)
{
	return run_file_name(f->file ? f->file : f->module, by_name);
}

/* The same in every process that maps the file, if it is known. */
static uint64_t address_of(const struct frame *f)
{
	return f->build_id && f->module_address ? f->module_address : f->ip;
}

static int compare_functions(const struct frame *a, const struct frame *b, bool by_name)
{
	int order;

	if (!a || !b)
		return (a != NULL) - (b != NULL);
	order = run_compare_text(a->fn, b->fn);
	if (!order)
		order = run_compare_text(file_of(a, by_name), file_of(b, by_name));
	if (!order && !a->fn)
		order = run_compare_text(a->build_id, b->build_id);
	if (!order && !a->fn)
		order = (address_of(a) > address_of(b)) - (address_of(a) < address_of(b));
	return order;
}

/* Whether they are one, and else some order. */
static int compare_entries(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;

	if (a->site->kind != b->site->kind)
		return a->site->kind < b->site->kind ? -1 : 1;
	if (a->site->note || b->site->note)
		return run_compare_text(a->site->note, b->site->note);
	return compare_functions(frame_of(a->site), frame_of(b->site), a->by_name);
}

static uint64_t left_samples(const struct site *s)
{
	uint64_t left = s->samples > s->freed_samples ? s->samples - s->freed_samples : 0;

	return left || !s->bytes ? left : 1;
}

static double span_of(const struct run_pair *p, enum run_side side, enum run_unit unit,
		      const struct recorded_process *of, enum mw_site_kind kind)
{
	const struct site_table *t = of->sites;

	if (unit == RUN_PER_REQUEST)
		return p->units[side];
	if (kind == MW_SITE_V8_SURVIVED && t->v8_is_scaled && t->v8_live_span_ns)
		return (double)t->v8_live_span_ns / NSEC_PER_SEC;
	if (of->sites_ns > t->begin_ns)
		return (double)(of->sites_ns - t->begin_ns) / NSEC_PER_SEC;
	return p->units[side];
}

/* --- all sites of a pair --- */

static size_t count_sites(const struct run_pair *p)
{
	size_t count = 0;

	for (int side = 0; side < RUN_SIDES; side++)
		for (unsigned i = 0; i < p->count[side]; i++)
			if (p->of[side][i]->sites)
				count += p->of[side][i]->sites->by_hash.count;
	return count;
}

static size_t collect(const struct run_pair *p, enum run_unit unit, struct entry *out)
{
	struct hmap_node *node;
	size_t count = 0;

	for (int side = 0; side < RUN_SIDES; side++) {
		for (unsigned i = 0; i < p->count[side]; i++) {
			const struct recorded_process *of = p->of[side][i];

			if (!of->sites)
				continue;
			hmap_for_each (&of->sites->by_hash, node) {
				const struct site *s = hmap_entry(node, struct site, node);

				if (!s->bytes || !site_is_growth(of->sites, s))
					continue;
				out[count++] = (struct entry){
					.site = s,
					.side = (enum run_side)side,
					.units = span_of(p, (enum run_side)side, unit, of, s->kind),
				};
			}
		}
	}
	return count;
}

static struct run_file own_file(const void *pe)
{
	const struct entry *e = pe;
	const struct frame *f = frame_of(e->site);

	return (struct run_file){f && f->origin != FRAME_RUNTIME ? f->file : NULL, e->side};
}

/* --- one line --- */

static void add_entry(struct run_diff_site *to, const struct entry *e)
{
	const struct site *s = e->site, **top = &to->top[e->side];

	if (!*top || s->bytes > (*top)->bytes)
		*top = s;
	to->kind = s->kind;
	to->bytes[e->side] += s->bytes;
	to->samples[e->side] += left_samples(s);
	if (e->units > 0)
		to->change.per[e->side] += (double)s->bytes / e->units;
}

/* As many that come by chance alone as say no more than @samples, which are off together, too. */
static double telling(uint64_t samples)
{
	double n = (double)samples;

	return n / (1 + n * RUN_NOISE_SITE * RUN_NOISE_SITE);
}

/* How many samples there would be of one byte a unit; 0: nobody knows. */
static double exposure_of(const struct run_diff_site *s, enum run_side side)
{
	return s->change.per[side] > 0 ? telling(s->samples[side]) / s->change.per[side] : 0;
}

static void finish(struct run_diff_site *s, const struct run_pair *p)
{
	struct run_change *c = &s->change;
	double exposure[] = {exposure_of(s, RUN_A), exposure_of(s, RUN_B)};

	/* Nothing was seen there: that would have been sampled as densely as in the other. */
	for (int side = 0; side < RUN_SIDES; side++) {
		if (!exposure[side])
			exposure[side] = exposure[!side] * p->units[side] / p->units[!side];
	}
	c->delta = c->per[RUN_B] - c->per[RUN_A];
	c->more = -1;
	if (s->samples[RUN_A] + s->samples[RUN_B] >= RUN_SAMPLES_MIN)
		c->more = chance_more((uint64_t)round(telling(s->samples[RUN_A])), exposure[RUN_A],
				      (uint64_t)round(telling(s->samples[RUN_B])), exposure[RUN_B]);
	if (s->kind == MW_SITE_V8_SURVIVED && c->more > 0.5)
		c->more = fmin(c->more,
			       chance_laplace(c->delta * p->units[RUN_B] / RUN_NOISE_SURVIVED));
}

static const struct site *shown_of(const struct run_diff_site *s)
{
	return s->top[RUN_B] ? s->top[RUN_B] : s->top[RUN_A];
}

/* What the runtime does of its own accord last: it says nothing about whose code it is. */
static int compare_ranks(const void *pa, const void *pb)
{
	const struct run_diff_site *a = pa, *b = pb;
	const struct site *s = shown_of(a), *o = shown_of(b);

	if (!s->note != !o->note)
		return s->note ? 1 : -1;
	if (a->change.delta != b->change.delta)
		return a->change.delta < b->change.delta ? 1 : -1;
	return (s->node.key > o->node.key) - (s->node.key < o->node.key);
}

static size_t merge(const struct run_pair *p, const struct entry *entries, size_t count,
		    struct run_diff_site *out)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		if (!i || compare_entries(&entries[i - 1], &entries[i]))
			found++;
		add_entry(&out[found - 1], &entries[i]);
	}
	for (size_t i = 0; i < found; i++)
		finish(&out[i], p);
	return found;
}

int run_pair_add_sites(struct run_pair *p, enum run_unit unit)
{
	size_t count = count_sites(p);
	struct entry *entries = calloc(count + 1, sizeof(*entries));
	int err = -ENOMEM;

	p->sites = calloc(count + 1, sizeof(*p->sites));
	if (!entries || !p->sites)
		goto out;
	count = collect(p, unit, entries);
	err = run_files_are_apart(entries, count, sizeof(*entries), own_file, &p->by_name);
	if (err)
		goto out;
	for (size_t i = 0; i < count; i++)
		entries[i].by_name = p->by_name;
	qsort(entries, count, sizeof(*entries), compare_entries);
	p->site_count = merge(p, entries, count, p->sites);
	qsort(p->sites, p->site_count, sizeof(*p->sites), compare_ranks);
out:
	free(entries);
	return err;
}

double run_pair_load(const struct run_pair *p)
{
	double per_s[RUN_SIDES] = {0};

	for (int side = 0; side < RUN_SIDES; side++) {
		uint64_t samples = 0;

		for (unsigned i = 0; i < p->count[side]; i++) {
			const struct recorded_process *of = p->of[side][i];
			const struct site_table *t = of->sites;

			if (!t || of->sites_ns <= t->begin_ns)
				continue;
			samples += t->samples[MW_SITE_V8_ALLOC];
			per_s[side] += (double)t->total_bytes[MW_SITE_V8_ALLOC] * NSEC_PER_SEC /
				       (double)(of->sites_ns - t->begin_ns);
		}
		if (samples < RUN_LOAD_SAMPLES || per_s[side] <= 0)
			return 0;
	}
	return per_s[RUN_B] / per_s[RUN_A];
}

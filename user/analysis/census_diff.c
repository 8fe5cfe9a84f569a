/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Censuses side by side: all constructors of all of them in one list, sorted, so that the same ones
 * are neighbours and become one change.
 *
 * LIMITATIONS: an isolate that ended and another one at its address are one.
 */
#include "analysis/census_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define GROWER_SHARE 0.05 /* of all growth, at the least */
#define OWN_SHARE                                                                                  \
	0.002 /* of a class of the program's own: what hangs on it may be 100 times as large */
#define GROWER_MIN_BYTES 4096

/* A constructor in one of them. */
struct entry {
	const struct constructor *what;
	int isolate; /* index of the diff's; -1 when they do not matter */
	enum census_when when;
};

/* --- amounts --- */

/* Numbers may come out of a file that somebody made up. */
static uint64_t add_up(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void amount_add(struct census_amount *a, uint64_t count, uint64_t bytes, uint64_t external)
{
	a->count = add_up(a->count, count);
	a->bytes = add_up(a->bytes, bytes);
	a->external_bytes = add_up(a->external_bytes, external);
}

uint64_t census_amount_bytes(const struct census_amount *a)
{
	return add_up(a->bytes, a->external_bytes);
}

static int64_t difference(uint64_t now, uint64_t then)
{
	uint64_t much = now > then ? now - then : then - now;
	int64_t value = much > INT64_MAX ? INT64_MAX : (int64_t)much;

	return now > then ? value : -value;
}

int64_t census_grown_count(const struct census_amount at[CENSUS_WHENS], enum census_when since)
{
	return difference(at[CENSUS_NOW].count, at[since].count);
}

int64_t census_grown_bytes(const struct census_amount at[CENSUS_WHENS], enum census_when since)
{
	return difference(census_amount_bytes(&at[CENSUS_NOW]), census_amount_bytes(&at[since]));
}

double census_diff_seconds(const struct census_diff *d, enum census_when since)
{
	const struct census *a = d->of[since], *b = d->of[CENSUS_NOW];
	bool is_one = a->pid == b->pid && a->start_ns == b->start_ns;
	uint64_t from = is_one ? a->taken_ns : a->wall_ns, to = is_one ? b->taken_ns : b->wall_ns;

	return from && to > from ? (double)(to - from) / NSEC_PER_SEC : 0;
}

/* --- isolates --- */

static struct census_isolate_change *isolate_get(struct census_diff *d, uint64_t id)
{
	for (unsigned i = 0; i < d->isolate_count; i++) {
		if (d->isolates[i].id == id)
			return &d->isolates[i];
	}
	if (d->isolate_count == sizeof(d->isolates) / sizeof(d->isolates[0]))
		return &d->isolates[d->isolate_count - 1];
	d->isolates[d->isolate_count].id = id;
	return &d->isolates[d->isolate_count++];
}

static bool have_isolate_in_common(const struct census *a, const struct census *b)
{
	for (unsigned i = 0; i < a->isolate_count; i++) {
		for (unsigned k = 0; k < b->isolate_count; k++) {
			if (a->isolates[i].id == b->isolates[k].id)
				return true;
		}
	}
	return false;
}

static bool is_by_isolate(const struct census *a, const struct census *b)
{
	return a->pid == b->pid && a->start_ns == b->start_ns && have_isolate_in_common(a, b);
}

static void add_isolates(struct census_diff *d, enum census_when when)
{
	const struct census *c = d->of[when];

	for (unsigned i = 0; i < c->isolate_count; i++) {
		const struct census_isolate *from = &c->isolates[i];

		amount_add(&isolate_get(d, from->id)->at[when], from->count, from->bytes,
			   from->external_bytes);
	}
}

static int isolate_of(struct census_diff *d, const struct census *c, const struct constructor *k)
{
	if (!d->by_isolate || k->isolate >= c->isolate_count)
		return -1;
	return (int)(isolate_get(d, c->isolates[k->isolate].id) - d->isolates);
}

/* --- constructors --- */

static int compare_text(const char *a, const char *b)
{
	return a == b ? 0 : strcmp(a ? a : "", b ? b : "");
}

/* Whether they are one, and else some order. */
static int compare_keys(const struct entry *a, const struct entry *b)
{
	int order = compare_text(a->what->name, b->what->name);

	if (!order)
		order = compare_text(a->what->file, b->what->file);
	if (!order)
		order = compare_text(a->what->class_name, b->what->class_name);
	if (!order)
		order = (a->what->line > b->what->line) - (a->what->line < b->what->line);
	if (!order)
		order = (int)a->what->kind - (int)b->what->kind;
	return order ? order : a->isolate - b->isolate;
}

static int compare_entries(const void *a, const void *b)
{
	int order = compare_keys(a, b);

	if (!order) /* the last census last: it says what it is */
		order = (int)((const struct entry *)a)->when - (int)((const struct entry *)b)->when;
	return order;
}

static int compare_changes(const void *pa, const void *pb)
{
	const struct census_change *a = pa, *b = pb;
	int64_t bytes[] = {census_grown_bytes(a->at, CENSUS_FIRST),
			   census_grown_bytes(b->at, CENSUS_FIRST)};
	int64_t count[] = {census_grown_count(a->at, CENSUS_FIRST),
			   census_grown_count(b->at, CENSUS_FIRST)};
	uint64_t now[] = {census_amount_bytes(&a->at[CENSUS_NOW]),
			  census_amount_bytes(&b->at[CENSUS_NOW])};

	if (bytes[0] != bytes[1])
		return bytes[0] < bytes[1] ? 1 : -1;
	if (count[0] != count[1])
		return count[0] < count[1] ? 1 : -1;
	if (now[0] != now[1])
		return now[0] < now[1] ? 1 : -1;
	return compare_keys(&(struct entry){.what = a->what, .isolate = a->isolate},
			    &(struct entry){.what = b->what, .isolate = b->isolate});
}

static size_t add_entries(struct census_diff *d, enum census_when when, struct entry *out)
{
	const struct census *c = d->of[when];

	for (unsigned i = 0; i < c->constructor_count; i++) {
		const struct constructor *k = &c->constructors[i];

		out[i] = (struct entry){k, isolate_of(d, c, k), when};
		amount_add(&d->total[when], k->count, k->bytes, k->external_bytes);
	}
	return c->constructor_count;
}

static void merge(struct census_diff *d, const struct entry *entries, size_t count)
{
	struct census_change *to = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct entry *e = &entries[i];

		if (!i || compare_keys(e, e - 1))
			to = &d->changes[d->count++];
		to->what = e->what;
		to->isolate = e->isolate;
		to->is_gone = e->when != CENSUS_NOW;
		amount_add(&to->at[e->when], e->what->count, e->what->bytes,
			   e->what->external_bytes);
	}
}

static int compare_all(struct census_diff *d)
{
	size_t count = 0, room = 0;
	struct entry *entries;

	for (int when = 0; when < CENSUS_WHENS; when++)
		room += d->of[when]->constructor_count;
	entries = calloc(room + 1, sizeof(*entries));
	d->changes = calloc(room + 1, sizeof(*d->changes));
	if (!entries || !d->changes) {
		free(entries);
		return -ENOMEM;
	}
	for (int when = 0; when < CENSUS_WHENS; when++)
		count += add_entries(d, when, entries + count);
	qsort(entries, count, sizeof(*entries), compare_entries);
	merge(d, entries, count);
	free(entries);
	qsort(d->changes, d->count, sizeof(*d->changes), compare_changes);
	return 0;
}

struct census_diff *census_diff_new(const struct census *first, const struct census *before,
				    const struct census *now)
{
	struct census_diff *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->of[CENSUS_FIRST] = first;
	d->of[CENSUS_BEFORE] = before ? before : first;
	d->of[CENSUS_NOW] = now;
	d->by_isolate = is_by_isolate(first, now) && is_by_isolate(d->of[CENSUS_BEFORE], now);
	for (int when = CENSUS_NOW; d->by_isolate && when >= 0; when--)
		add_isolates(d, (enum census_when)when);
	if (!compare_all(d))
		return d;
	census_diff_free(d);
	errno = ENOMEM;
	return NULL;
}

void census_diff_free(struct census_diff *d)
{
	if (!d)
		return;
	free(d->changes);
	free(d);
}

/* --- growers --- */

#define TIERS 3

/* Which of them are asked first; -1: none of these. */
static int tier_of(unsigned kind)
{
	switch (kind) {
	case CENSUS_OBJECT:
	case CENSUS_REGEXP:
		return 0;
	case CENSUS_CLOSURE:
	case CENSUS_CONTEXT:
		return 1;
	case CENSUS_ARRAY:
	case CENSUS_STRING:
	case CENSUS_NUMBER:
	case CENSUS_SYMBOL:
		return 2;
	default:
		return -1;
	}
}

/* A table that became larger is one as before; objects do not grow. */
static bool is_grower(const struct census_change *c, int tier, enum census_when since,
		      double least_bytes)
{
	int64_t bytes = census_grown_bytes(c->at, since);

	return !c->is_gone && tier_of(c->what->kind) == tier && (double)bytes >= least_bytes &&
	       (tier == TIERS - 1 || census_grown_count(c->at, since) > 0);
}

/* Keeps @out sorted from @begin on. */
static unsigned insert(const struct census_change **out, unsigned begin, unsigned count,
		       const struct census_change *c, enum census_when since)
{
	int64_t bytes = census_grown_bytes(c->at, since);
	unsigned at = count;

	while (at > begin && census_grown_bytes(out[at - 1]->at, since) < bytes)
		at--;
	if (at == CENSUS_GROWERS_MAX)
		return count;
	count += count < CENSUS_GROWERS_MAX;
	memmove(&out[at + 1], &out[at], (count - 1 - at) * sizeof(*out));
	out[at] = c;
	return count;
}

static double grown_in_all(const struct census_diff *d, enum census_when since)
{
	double sum = 0;

	for (unsigned i = 0; i < d->count; i++) {
		int64_t bytes = census_grown_bytes(d->changes[i].at, since);

		if (bytes > 0 && tier_of(d->changes[i].what->kind) >= 0)
			sum += (double)bytes;
	}
	return sum;
}

bool constructor_is_own_class(const struct constructor *k)
{
	return k->kind == CENSUS_OBJECT && k->file && (k->file[0] == '/' || strstr(k->file, "://"));
}

static const struct census_change *fastest_own(const struct census_diff *d, enum census_when since,
					       double least)
{
	const struct census_change *fastest = NULL;

	for (unsigned i = 0; i < d->count; i++) {
		const struct census_change *c = &d->changes[i];

		if (constructor_is_own_class(c->what) && is_grower(c, 0, since, least) &&
		    (!fastest ||
		     census_grown_bytes(c->at, since) > census_grown_bytes(fastest->at, since)))
			fastest = c;
	}
	return fastest;
}

static double at_least(double bytes)
{
	return bytes > GROWER_MIN_BYTES ? bytes : GROWER_MIN_BYTES;
}

unsigned census_diff_growers(const struct census_diff *d, enum census_when since,
			     const struct census_change *out[CENSUS_GROWERS_MAX])
{
	double all = grown_in_all(d, since), explained = 0;
	const struct census_change *own = fastest_own(d, since, at_least(all * OWN_SHARE));
	unsigned count = 0;

	if (own)
		out[count++] = own;
	for (int tier = 0; tier < TIERS; tier++) {
		unsigned begin = count;

		if (tier == TIERS - 1 && explained >= all / 2)
			break;
		for (unsigned i = 0; i < d->count; i++) {
			const struct census_change *c = &d->changes[i];

			if (c != own && is_grower(c, tier, since, at_least(all * GROWER_SHARE)))
				count = insert(out, begin, count, c, since);
		}
		for (unsigned i = tier ? begin : 0; i < count; i++)
			explained += (double)census_grown_bytes(out[i]->at, since);
	}
	return count;
}

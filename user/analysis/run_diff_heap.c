/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Constructors of two runs: all of the first and the last censuses of both in one list, sorted, so
 * that the same ones are neighbours and become one. And of the one that explains most, who keeps
 * it.
 *
 * Those of two releases are one if the name, the class and the file are; the line may be another,
 * but of what has no name of its own.
 */
#include "analysis/run_diff_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/census_diff.h"
#include "analysis/chance.h"
#include "analysis/doubles.h"
#include "base/clock.h"

#define USUAL_LEAST	  5	 /* fewer say nothing about what is usual */
#define NUMBER_TABLE_MOST 0x4000 /* entries: see is_v8s_array() */

/* A constructor in one of the censuses. */
struct entry {
	const struct constructor *what;
	enum run_side side;
	bool is_first; /* counts against it */
	bool by_name;  /* files are compared without their folders */
};

/* --- which censuses --- */

static const struct census *census_at(const struct recorded_process *p, bool is_first)
{
	const struct recorded_census *c = p->censuses;

	if (is_first)
		return p->census_count > 1 ? c[0].census : NULL;
	return p->census_count ? c[p->census_count - 1].census : NULL;
}

/* Whether each process of @side has a census that is the first, or the last, of it. */
static bool have_census(const struct run_pair *p, enum run_side side, bool is_first)
{
	for (unsigned i = 0; i < p->count[side]; i++) {
		if (!census_at(p->of[side][i], is_first))
			return false;
	}
	return true;
}

/* Seconds from the first census to the last, the longest. */
static double span_of(const struct run_pair *p, enum run_side side)
{
	double longest = 0;

	for (unsigned i = 0; i < p->count[side]; i++) {
		const struct census *first = census_at(p->of[side][i], true),
				    *last = census_at(p->of[side][i], false);

		if (first && last && last->taken_ns > first->taken_ns)
			longest = fmax(longest,
				       (double)(last->taken_ns - first->taken_ns) / NSEC_PER_SEC);
	}
	return longest;
}

/* --- one list --- */

static const char *file_of(const struct entry *e)
{
	return run_file_name(e->what->file, e->by_name);
}

/* Its line is all that tells it from others. */
static bool is_nameless(const struct constructor *k)
{
	return strstr(k->name, "(anonymous)") != NULL;
}

static int compare_entries(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	int order = (int)a->what->kind - (int)b->what->kind;

	if (!order)
		order = run_compare_text(a->what->name, b->what->name);
	if (!order)
		order = run_compare_text(a->what->class_name, b->what->class_name);
	if (!order)
		order = run_compare_text(file_of(a), file_of(b));
	if (!order && is_nameless(a->what))
		order = (a->what->line > b->what->line) - (a->what->line < b->what->line);
	return order;
}

static size_t add_census(const struct census *c, enum run_side side, bool is_first,
			 struct entry *out)
{
	for (unsigned i = 0; c && i < c->constructor_count; i++)
		out[i] = (struct entry){&c->constructors[i], side, is_first, false};
	return c ? c->constructor_count : 0;
}

/* Of all censuses that count; how many there are if @out is NULL. */
static size_t collect(const struct run_pair *p, struct entry *out)
{
	size_t count = 0;

	for (int side = 0; side < RUN_SIDES; side++) {
		for (unsigned i = 0; i < p->count[side]; i++) {
			for (int first = p->has_level ? 0 : 1; first >= 0; first--) {
				const struct census *c = census_at(p->of[side][i], first);

				if (!out)
					count += c ? c->constructor_count : 0;
				else
					count += add_census(c, (enum run_side)side, first,
							    out + count);
			}
		}
	}
	return count;
}

static struct run_file own_file(const void *pe)
{
	const struct entry *e = pe;

	return (struct run_file){constructor_is_own_class(e->what) ? e->what->file : NULL, e->side};
}

/* --- one line --- */

/* Numbers may come out of a file that somebody made up. */
static int64_t add_up(int64_t sum, uint64_t value, bool less)
{
	int64_t add = value > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)value, out;

	if (__builtin_add_overflow(sum, less ? -add : add, &out))
		return sum;
	return out;
}

static bool is_v8s_own(const struct constructor *k)
{
	return k->kind == CENSUS_CODE || k->kind == CENSUS_SHAPE || k->kind == CENSUS_SYSTEM ||
	       !strncmp(k->name, "system / ", strlen("system / "));
}

static void add_entry(struct run_diff_constructor *to, const struct entry *e)
{
	const struct constructor *k = e->what;
	struct census_amount amount = {k->count, k->bytes, k->external_bytes};

	if (!to->what || e->side == RUN_B)
		to->what = k;
	to->kind = k->kind;
	to->is_own = is_v8s_own(k);
	to->count[e->side] = add_up(to->count[e->side], k->count, e->is_first);
	to->bytes[e->side] = add_up(to->bytes[e->side], census_amount_bytes(&amount), e->is_first);
}

static const struct retainer *retainer_in(const struct census *c, const struct constructor *k)
{
	for (unsigned i = 0; c && i < c->retainer_count; i++) {
		const struct retainer *r = &c->retainers[i];

		if (r->of_kind == k->kind && run_is_same_text(r->of, k->name) &&
		    run_is_same_text(r->of_file, k->file))
			return r;
	}
	return NULL;
}

/* Who holds most of these at the end of B; NULL: nobody looked. */
static const struct retainer *retainer_of(const struct run_pair *p,
					  const struct run_diff_constructor *c)
{
	const struct retainer *r = NULL;

	for (unsigned i = 0; i < p->count[RUN_B] && !r; i++)
		r = retainer_in(census_at(p->of[RUN_B][i], false), c->what);
	return r;
}

/*
 * Whether that is an array of V8's own: one that is a root itself, which no program can make. It is
 * the table of numbers and their texts, which a program that prints numbers fills up to 2^14
 * entries, some 640 KiB (Heap::MaxNumberToStringCacheSize(), Node 12 to 26), and anew after each
 * full collection; or what a handle refers to that may be no more in use (census/handles.c), as the
 * storage of a Map from before it was moved, with what was in it then.
 */
static bool is_v8s_array(const struct retainer *r)
{
	unsigned i = 0;

	if (r->owner_count || !r->step_count || r->steps_left_out)
		return false;
	/* No object of JavaScript is on the way to it. */
	for (; i + 1 < r->step_count; i++) {
		if (!run_is_same_text(r->steps[i].node, "array"))
			return false;
	}
	return run_is_same_text(r->steps[i].node, "native code") &&
	       run_is_same_text(r->container ? r->container : r->steps[0].node, "array");
}

/* One that holds objects of the program at the end of B; NULL: there is none. */
static const struct retainer *find_v8s_array(const struct run_pair *p)
{
	for (unsigned i = 0; i < p->count[RUN_B]; i++) {
		const struct census *c = census_at(p->of[RUN_B][i], false);

		for (unsigned n = 0; n < c->retainer_count; n++) {
			if (c->retainers[n].of_kind == CENSUS_OBJECT &&
			    is_v8s_array(&c->retainers[n]))
				return &c->retainers[n];
		}
	}
	return NULL;
}

/* That A lost some is no growth of B. */
static double more_objects(const struct run_diff_constructor *c)
{
	return c->count_per[RUN_B] - fmax(c->count_per[RUN_A], 0);
}

/* Whether what B has more of is no more than such an array holds. Not of all constructors it was
 * looked who holds them: then all that is behind the array may be it. */
static bool is_held_by_v8(const struct run_pair *p, const struct run_diff_constructor *c,
			  double units)
{
	double more = more_objects(c) * units;
	const struct retainer *r = retainer_of(p, c);

	if (!r)
		r = find_v8s_array(p);
	if (!r || !is_v8s_array(r))
		return false;
	if (!r->count) /* several arrays hold one each */
		return more <= NUMBER_TABLE_MOST;
	return more <= (double)r->count && c->change.delta * units <= (double)r->bytes;
}

static double least_noise(const struct run_diff_constructor *c)
{
	if (c->is_own)
		return RUN_NOISE_SYSTEM;
	if (c->kind == CENSUS_STRING || c->kind == CENSUS_NUMBER || c->kind == CENSUS_ARRAY ||
	    c->kind == CENSUS_SYMBOL)
		return RUN_NOISE_DATA;
	return RUN_NOISE_OBJECT;
}

/*
 * What constructors differ by without meaning anything, in bytes a unit: the median of those that B
 * has less of. Chance goes both ways, and what grows in B is not among them.
 */
static double usual_difference(const struct run_pair *p)
{
	double *off = malloc((p->constructor_count + 1) * sizeof(*off)), median = 0;
	size_t count = 0;

	for (size_t i = 0; off && i < p->constructor_count; i++) {
		if (p->constructors[i].change.delta < 0)
			off[count++] = -p->constructors[i].change.delta;
	}
	if (count >= USUAL_LEAST) {
		doubles_sort(off, count);
		median = off[count / 2]; /* of two the greater one, which claims less */
	}
	free(off);
	return median;
}

/* @wider: by which what is off in A counts more, since A was less than B */
static void rate(struct run_diff_constructor *c, double usual, double units, double wider)
{
	double least_bytes = fmax(least_noise(c) * wider, usual * units);
	double bytes = least_bytes + RUN_NOISE_SHARE * fabs(c->change.per[RUN_A]) * units;
	double count =
		RUN_NOISE_COUNT * wider + RUN_NOISE_SHARE * fabs(c->count_per[RUN_A]) * units;
	double more_bytes = chance_laplace(c->change.delta * units / bytes);
	double more_count = chance_laplace(more_objects(c) * units / count);

	/* A table or a string that became larger is one as before. */
	c->change.more = c->is_own || least_noise(c) > RUN_NOISE_OBJECT
				 ? more_bytes
				 : fmin(more_bytes, more_count);
}

static void rate_all(struct run_pair *p, const double units[RUN_SIDES])
{
	double wider = (1 + fmax(1, units[RUN_B] / units[RUN_A])) / 2, usual;

	for (size_t i = 0; i < p->constructor_count; i++) {
		struct run_diff_constructor *c = &p->constructors[i];

		for (int side = 0; side < RUN_SIDES; side++) {
			c->count_per[side] = (double)c->count[side] / units[side];
			c->change.per[side] = (double)c->bytes[side] / units[side];
		}
		c->change.delta = c->change.per[RUN_B] - fmax(c->change.per[RUN_A], 0);
	}
	usual = usual_difference(p);
	for (size_t i = 0; i < p->constructor_count; i++) {
		struct run_diff_constructor *c = &p->constructors[i];

		rate(c, usual, units[RUN_B], wider);
		if (is_held_by_v8(p, c, units[RUN_B]))
			c->change.more = fmin(c->change.more, 0.5);
	}
}

static int compare_ranks(const void *pa, const void *pb)
{
	const struct run_diff_constructor *a = pa, *b = pb;

	if (a->change.delta != b->change.delta)
		return a->change.delta < b->change.delta ? 1 : -1;
	return run_compare_text(a->what->name, b->what->name);
}

static int merge(struct run_pair *p, struct entry *entries, size_t count)
{
	bool by_name;
	int err = run_files_are_apart(entries, count, sizeof(*entries), own_file, &by_name);

	if (err)
		return err;
	p->constructors = calloc(count + 1, sizeof(*p->constructors));
	if (!p->constructors)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		entries[i].by_name = by_name;
	qsort(entries, count, sizeof(*entries), compare_entries);
	for (size_t i = 0; i < count; i++) {
		if (!i || compare_entries(&entries[i - 1], &entries[i]))
			p->constructor_count++;
		add_entry(&p->constructors[p->constructor_count - 1], &entries[i]);
	}
	return 0;
}

int run_pair_add_constructors(struct run_pair *p, enum run_unit unit)
{
	double units[RUN_SIDES] = {p->units[RUN_A], p->units[RUN_B]};
	struct entry *entries;
	size_t count;
	int err;

	if (!have_census(p, RUN_A, false) || !have_census(p, RUN_B, false))
		return 0;
	p->has_level = !have_census(p, RUN_A, true) || !have_census(p, RUN_B, true);
	for (int side = 0; side < RUN_SIDES; side++) {
		if (p->has_level) /* what there is is of no length of time */
			units[side] = 1;
		else if (unit == RUN_PER_SECOND && span_of(p, (enum run_side)side) > 0)
			units[side] = span_of(p, (enum run_side)side);
	}
	count = collect(p, NULL);
	entries = malloc((count + 1) * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	collect(p, entries);
	err = merge(p, entries, count);
	free(entries);
	if (err)
		return err;
	rate_all(p, units);
	qsort(p->constructors, p->constructor_count, sizeof(*p->constructors), compare_ranks);
	return 0;
}

/* --- the one that explains most --- */

#define OWN_CLASS_SHARE 0.002 /* of all growth: as census_diff_growers() has it */

static double all_growth(const struct run_pair *p)
{
	double sum = 0;

	for (size_t i = 0; i < p->constructor_count; i++) {
		if (run_change_is_growth(&p->constructors[i].change))
			sum += p->constructors[i].change.delta;
	}
	return sum;
}

/* A class of the program's own however small, since the others hang on it; else objects; else what
 * grows most. */
static const struct run_diff_constructor *find_grower(const struct run_pair *p)
{
	const struct run_diff_constructor *best[3] = {NULL};
	double least = all_growth(p) * OWN_CLASS_SHARE;

	for (size_t i = 0; i < p->constructor_count; i++) {
		const struct run_diff_constructor *c = &p->constructors[i];
		int tier = constructor_is_own_class(c->what)		  ? 0
			   : !c->is_own && c->what->kind == CENSUS_OBJECT ? 1
									  : 2;

		if (!run_change_is_growth(&c->change) || best[tier] ||
		    (!tier && c->change.delta < least))
			continue;
		best[tier] = c;
	}
	return best[0] ? best[0] : best[1] ? best[1] : best[2];
}

/* --- who keeps it --- */

/* The file that the container is in: of the first step that has one. */
static const char *file_of_path(const struct retainer *r)
{
	for (unsigned i = 0; i < r->step_count; i++) {
		if (r->steps[i].file)
			return r->steps[i].file;
	}
	return NULL;
}

/* A variable in the constructor's own file says most, then any variable (who puts something into
 * the container is first), then how the path goes. */
static const struct retainer_step *find_where(const struct retainer *r)
{
	const struct retainer_step *best = r->step_count ? &r->steps[0] : NULL;
	int rank = 0;

	for (unsigned i = 0; i < r->owner_count; i++) {
		const struct retainer_step *o = &r->owners[i];
		int is = !strncmp(o->edge, "variable ", strlen("variable "));

		is += is && o->file && run_is_same_text(o->file, r->of_file);
		if (is > rank) {
			rank = is;
			best = o;
		}
	}
	return best;
}

static bool is_insertion(const struct frame *f, const char *container)
{
	static const char *const methods[] = {"set", "add", "push", "unshift", "splice"};
	size_t len = strlen(container);
	const char *at = f->fn;

	if (f->kind != FRAME_BUILTIN || !at || strncmp(at, container, len) ||
	    strncmp(at + len, ".prototype.", strlen(".prototype.")))
		return false;
	at += len + strlen(".prototype.");
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (!strcmp(at, methods[i]))
			return true;
	}
	return false;
}

/* Whether @s was taken while a function of @file put something into such a container. */
static const struct frame *inserter_in(const struct site *s, const char *container,
				       const char *file)
{
	for (unsigned i = 0; i + 1 < s->stack->count; i++) {
		const struct frame *f = &s->stack->frames[i], *by = &f[1];

		if (is_insertion(f, container) && by->fn && by->kind == FRAME_JS &&
		    run_is_same_text(by->file, file))
			return by;
	}
	return NULL;
}

/* The one of most samples. @is_sole: no other function of @file does the same */
static const struct frame *find_inserter(const struct run_pair *p, const char *container,
					 const char *file, bool *is_sole)
{
	const struct frame *found = NULL;
	struct hmap_node *node;
	uint64_t most = 0;

	*is_sole = true;
	for (unsigned i = 0; i < p->count[RUN_B]; i++) {
		if (!p->of[RUN_B][i]->sites)
			continue;
		hmap_for_each (&p->of[RUN_B][i]->sites->by_hash, node) {
			const struct site *s = hmap_entry(node, struct site, node);
			const struct frame *by = inserter_in(s, container, file);

			if (by && found && strcmp(by->fn, found->fn))
				*is_sole = false;
			if (by && s->samples > most) {
				most = s->samples;
				found = by;
			}
		}
	}
	return found;
}

/* Whether @where is a variable in whose scope @by is the only one that is known to do it. */
static bool is_variable_of(const struct retainer_step *where, const struct frame *by)
{
	static const char scope[] = "scope of function ";

	return !strncmp(where->edge, "variable ", strlen("variable ")) &&
	       !strncmp(where->node, scope, strlen(scope)) &&
	       !strcmp(where->node + strlen(scope), by->fn) &&
	       run_is_same_text(where->file, by->file);
}

static void add_inserter(const struct run_pair *p, struct run_holder *h)
{
	const char *file = h->where && h->where->file ? h->where->file : file_of_path(h->retainer);

	if (!h->retainer->container || h->retainer->share <= 0 || !file)
		return;
	h->inserter = find_inserter(p, h->retainer->container, file, &h->is_sole);
	h->is_sole &= h->inserter && h->where && is_variable_of(h->where, h->inserter);
}

/* Another one that grows, and of which it is known who keeps it and as much as there is of @c: with
 * a place in the program if there is one. */
static const struct run_diff_constructor *find_held(const struct run_pair *p,
						    const struct run_diff_constructor *c)
{
	const struct run_diff_constructor *best = NULL;

	for (size_t i = 0; i < p->constructor_count; i++) {
		const struct run_diff_constructor *o = &p->constructors[i];
		const struct retainer *r;

		if (!run_change_is_growth(&o->change) || o->is_own || (best && !o->what->file))
			continue;
		r = retainer_of(p, o);
		if (!r || r->share <= 0 || (double)r->bytes < (double)c->bytes[RUN_B])
			continue;
		best = o;
		if (o->what->file)
			break;
	}
	return best;
}

void run_pair_find_holder(struct run_pair *p)
{
	const struct run_diff_constructor *held;

	p->grower = find_grower(p);
	p->holder.retainer = p->grower ? retainer_of(p, p->grower) : NULL;
	/* A class of the program says enough by itself; "Array" does not. */
	if (p->grower && !p->holder.retainer && !constructor_is_own_class(p->grower->what)) {
		held = find_held(p, p->grower);
		p->grower = held ? held : p->grower;
		p->holder.retainer = retainer_of(p, p->grower);
	}
	if (!p->holder.retainer)
		return;
	p->holder.where = find_where(p->holder.retainer);
	add_inserter(p, &p->holder);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which processes of two recordings belong together, and whether the second ones grow more. */
#include "analysis/run_diff.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/run_diff_internal.h"
#include "base/clock.h"

#define SHORT_SHARE 3 /* times shorter: too little of one of them */

/* --- names --- */

const char *run_kind_name(enum run_kind kind)
{
	static const char *const names[RUN_KINDS] = {
		[RUN_ANON] = "anon",	   [RUN_FILE] = "file",	      [RUN_SHMEM] = "shmem",
		[RUN_SWAP] = "swap",	   [RUN_PGTABLE] = "pgtable", [RUN_BRK] = "brk",
		[RUN_PRIVATE] = "private", [RUN_LIVE] = "live",
	};

	return names[kind];
}

const char *run_kind_help(enum run_kind kind)
{
	static const char *const help[RUN_KINDS] = {
		[RUN_ANON] = "anonymous memory", [RUN_FILE] = "mapped files",
		[RUN_SHMEM] = "shared memory",	 [RUN_SWAP] = "swapped out",
		[RUN_PGTABLE] = "page tables",	 [RUN_BRK] = "the brk heap, as mapped",
		[RUN_PRIVATE] = "anon and swap", [RUN_LIVE] = "V8's heap after full collections",
	};

	return help[kind];
}

const char *run_unit_name(enum run_unit unit)
{
	return unit == RUN_PER_REQUEST ? "request" : "s";
}

const char *run_basis_name(enum run_basis basis)
{
	static const char *const names[] = {
		[RUN_BY_NOTHING] = NULL, [RUN_BY_CENSUS] = "census",   [RUN_BY_LEVEL] = "level",
		[RUN_BY_GC] = "gc",	 [RUN_BY_PRIVATE] = "private", [RUN_BY_VERDICT] = "verdict",
	};

	return names[basis];
}

const char *run_basis_help(enum run_basis basis)
{
	static const char *const help[] = {
		[RUN_BY_NOTHING] = "too little of anything",
		[RUN_BY_CENSUS] = "live objects, by the first and the last census of each",
		[RUN_BY_LEVEL] = "live objects, by the last census of each",
		[RUN_BY_GC] = "what full collections of garbage leave",
		[RUN_BY_PRIVATE] = "what private memory falls back to",
		[RUN_BY_VERDICT] = "a leak that was called in B and not in A",
	};

	return help[basis];
}

bool run_is_same_text(const char *a, const char *b)
{
	return !run_compare_text(a, b);
}

int run_compare_text(const char *a, const char *b)
{
	if (a == b)
		return 0;
	if (!a || !b)
		return a ? 1 : -1;
	return strcmp(a, b);
}

const char *run_file_name(const char *path, bool by_name)
{
	const char *slash = path && by_name ? strrchr(path, '/') : NULL;

	return slash && slash[1] ? slash + 1 : path;
}

static int compare_files(const void *a, const void *b)
{
	const struct run_file *f = a, *o = b;

	return strcmp(f->path, o->path);
}

static bool are_apart(struct run_file *files, size_t count)
{
	bool has[RUN_SIDES] = {0};

	qsort(files, count, sizeof(*files), compare_files);
	for (size_t i = 0; i < count; i++) {
		has[files[i].side] = true;
		if (i && files[i].side != files[i - 1].side &&
		    !compare_files(&files[i], &files[i - 1]))
			return false;
	}
	return has[RUN_A] && has[RUN_B];
}

int run_files_are_apart(const void *entries, size_t count, size_t size,
			struct run_file (*file_of)(const void *entry), bool *apart)
{
	struct run_file *files = malloc((count + 1) * sizeof(*files));
	size_t found = 0;

	if (!files)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct run_file f = file_of((const char *)entries + i * size);

		if (f.path)
			files[found++] = f;
	}
	*apart = are_apart(files, found);
	free(files);
	return 0;
}

bool run_pair_lists_sites(const struct run_pair *p)
{
	return p->grows || p->basis == RUN_BY_NOTHING;
}

bool run_change_is_growth(const struct run_change *c)
{
	return c->delta > 0 && c->more >= RUN_SURE;
}

/* --- pairs --- */

static bool has_v8(const struct recorded_process *p)
{
	return p->census_count || p->collector == COLLECTOR_LIVE || p->collector == COLLECTOR_SEEN;
}

static bool any_named(const struct recorded *r)
{
	for (size_t i = 0; i < r->process_count; i++) {
		if (r->processes[i].is_named)
			return true;
	}
	return false;
}

/* Named ones, or all if there is none; of these only such as were there for some time. */
static bool counts(const struct recorded_process *p, bool only_named)
{
	return p->is_loaded && (p->is_named || !only_named) && p->last_ns > p->first_ns;
}

/* The only one that counts, or that has V8; NULL: there are more, or none. */
static const struct recorded_process *only_one(const struct recorded *r)
{
	const struct recorded_process *one = NULL, *v8 = NULL;
	bool named = any_named(r);
	unsigned count = 0, v8_count = 0;

	for (size_t i = 0; i < r->process_count; i++) {
		const struct recorded_process *p = &r->processes[i];

		if (!counts(p, named))
			continue;
		one = p;
		count++;
		if (has_v8(p)) {
			v8 = p;
			v8_count++;
		}
	}
	return count == 1 ? one : v8_count == 1 ? v8 : NULL;
}

static bool is_same_program(const struct recorded_process *a, const struct recorded_process *b)
{
	return !strncmp(a->comm, b->comm, sizeof(a->comm)) &&
	       (!a->path || !b->path ||
		run_is_same_text(run_file_name(a->path, true), run_file_name(b->path, true)));
}

static int pair_put(struct run_pair *p, enum run_side side, const struct recorded_process *of)
{
	const struct recorded_process **list =
		realloc(p->of[side], (p->count[side] + 1) * sizeof(struct recorded_process *));

	if (!list)
		return -ENOMEM;
	list[p->count[side]++] = of;
	p->of[side] = list;
	return 0;
}

static struct run_pair *pair_of(struct run_diff *d, const struct recorded_process *of)
{
	for (size_t i = 0; i < d->pair_count; i++) {
		for (int side = 0; side < RUN_SIDES; side++) {
			if (d->pairs[i].count[side] && is_same_program(d->pairs[i].of[side][0], of))
				return &d->pairs[i];
		}
	}
	return &d->pairs[d->pair_count++];
}

static int pair_up_by_name(struct run_diff *d)
{
	for (int side = 0; side < RUN_SIDES; side++) {
		const struct recorded *r = d->of[side];
		bool named = any_named(r);

		for (size_t i = 0; i < r->process_count; i++) {
			if (counts(&r->processes[i], named) &&
			    pair_put(pair_of(d, &r->processes[i]), (enum run_side)side,
				     &r->processes[i]))
				return -ENOMEM;
		}
	}
	return 0;
}

static void pair_release(struct run_pair *p)
{
	free(p->of[RUN_A]);
	free(p->of[RUN_B]);
	free(p->sites);
	free(p->constructors);
}

/* Those without a partner are counted, and nothing is said of them. */
static void drop_alone(struct run_diff *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->pair_count; i++) {
		struct run_pair *p = &d->pairs[i];

		if (p->count[RUN_A] && p->count[RUN_B]) {
			d->pairs[kept++] = *p;
			continue;
		}
		d->alone[RUN_A] += p->count[RUN_A];
		d->alone[RUN_B] += p->count[RUN_B];
		pair_release(p);
	}
	d->pair_count = kept;
}

static int pair_up(struct run_diff *d)
{
	const struct recorded_process *a = only_one(d->of[RUN_A]), *b = only_one(d->of[RUN_B]);
	size_t most = d->of[RUN_A]->process_count + d->of[RUN_B]->process_count + 1;
	int err;

	d->pairs = calloc(most, sizeof(*d->pairs));
	if (!d->pairs)
		return -ENOMEM;
	if (a && b) {
		d->pair_count = 1;
		err = pair_put(d->pairs, RUN_A, a);
		return err ? err : pair_put(d->pairs, RUN_B, b);
	}
	err = pair_up_by_name(d);
	if (!err)
		drop_alone(d);
	return err;
}

/* --- does it grow? --- */

static bool is_material(const struct run_pair *p, const struct run_diff_kind *k)
{
	double least = fmax(RUN_LEAST_BYTES, RUN_LEAST_SHARE * k->last[RUN_B]);

	/* Nor does one that stays as it is, beside one that shrinks. */
	return run_change_is_growth(&k->change) &&
	       fmin(k->change.delta, k->change.per[RUN_B]) * p->units[RUN_B] >= least;
}

const struct verdict *run_pair_verdict(const struct run_pair *p, enum run_side side)
{
	const struct verdict *v = NULL;

	for (unsigned i = 0; i < p->count[side]; i++) {
		const struct verdict *of = p->of[side][i]->verdict;

		if (of && (!v || (of->is_leak && !v->is_leak)))
			v = of;
	}
	return v;
}

/* A leak in B where A has none; of what is not in V8's heap, if @outside. If it is too early to
 * tell of A, which may be no more than shorter, its memory has to grow less. */
static bool is_new_leak(const struct run_pair *p, bool outside)
{
	const struct verdict *a = run_pair_verdict(p, RUN_A), *b = run_pair_verdict(p, RUN_B);

	if (!a || !b || a->is_leak || !b->is_leak || (outside && b->class == VERDICT_LEAK))
		return false;
	return a->class != VERDICT_EARLY || is_material(p, &p->kinds[RUN_PRIVATE]);
}

static void judge_by_verdict(struct run_pair *p)
{
	p->basis = RUN_BY_VERDICT;
	p->grows = true;
	for (int side = 0; side < RUN_SIDES; side++) {
		const struct verdict *v = run_pair_verdict(p, (enum run_side)side);

		p->growth.per[side] = side == RUN_B || v->is_leak
					      ? v->trend.slope * p->seconds[side] / p->units[side]
					      : 0;
	}
	p->growth.delta = p->growth.per[RUN_B] - p->growth.per[RUN_A];
	p->growth.more = run_pair_verdict(p, RUN_B)->confidence;
}

static void judge_by_kind(struct run_pair *p, enum run_basis basis, enum run_kind kind)
{
	p->basis = basis;
	p->growth = p->kinds[kind].change;
	p->grows = is_material(p, &p->kinds[kind]);
}

/* What grows are all constructors that do; if there is none, all that V8 does not make itself. */
static void judge_by_census(struct run_pair *p)
{
	p->basis = p->has_level ? RUN_BY_LEVEL : RUN_BY_CENSUS;
	for (size_t i = 0; i < p->constructor_count; i++)
		p->grows |= run_change_is_growth(&p->constructors[i].change);
	for (size_t i = 0; i < p->constructor_count; i++) {
		const struct run_diff_constructor *c = &p->constructors[i];

		if (p->grows ? !run_change_is_growth(&c->change) : c->is_own)
			continue;
		p->growth.per[RUN_A] += c->change.per[RUN_A];
		p->growth.per[RUN_B] += c->change.per[RUN_B];
		p->growth.delta += c->change.delta;
		p->growth.more = fmax(p->growth.more, c->change.more);
	}
}

static bool is_collected(const struct run_pair *p)
{
	for (int side = 0; side < RUN_SIDES; side++) {
		for (unsigned i = 0; i < p->count[side]; i++) {
			if (p->of[side][i]->collector > COLLECTOR_NONE)
				return true;
		}
	}
	return false;
}

static bool is_known(const struct run_diff_kind *k)
{
	return k->is_known[RUN_A] && k->is_known[RUN_B];
}

static void judge(struct run_pair *p)
{
	if (p->constructor_count)
		judge_by_census(p);
	if (!p->grows && is_new_leak(p, p->constructor_count > 0))
		judge_by_verdict(p);
	if (p->basis != RUN_BY_NOTHING)
		return;
	if (is_known(&p->kinds[RUN_LIVE]))
		judge_by_kind(p, RUN_BY_GC, RUN_LIVE);
	else if (!is_collected(p) && is_known(&p->kinds[RUN_PRIVATE]))
		judge_by_kind(p, RUN_BY_PRIVATE, RUN_PRIVATE);
}

static void find_site(struct run_pair *p)
{
	for (size_t i = 0; i < p->site_count && !p->site; i++) {
		const struct run_diff_site *s = &p->sites[i];

		if (s->top[RUN_B] && !s->top[RUN_B]->note && run_change_is_growth(&s->change))
			p->site = s;
	}
}

static void measure(const struct run_diff *d, struct run_pair *p)
{
	for (int side = 0; side < RUN_SIDES; side++) {
		uint64_t first = UINT64_MAX, last = 0;

		for (unsigned i = 0; i < p->count[side]; i++) {
			const struct recorded_process *of = p->of[side][i];

			first = of->first_ns < first ? of->first_ns : first;
			last = of->last_ns > last ? of->last_ns : last;
		}
		p->seconds[side] = (double)(last - first) / NSEC_PER_SEC;
		p->units[side] =
			d->unit == RUN_PER_REQUEST ? (double)d->requests[side] : p->seconds[side];
	}
}

static int compare_one(const struct run_diff *d, struct run_pair *p)
{
	const uint64_t intervals[] = {d->of[RUN_A]->run.interval_ns, d->of[RUN_B]->run.interval_ns};
	int err;

	measure(d, p);
	err = run_pair_add_kinds(p, intervals);
	if (!err)
		err = run_pair_add_sites(p, d->unit);
	if (!err)
		err = run_pair_add_constructors(p, d->unit);
	if (err)
		return err;
	judge(p);
	if (run_pair_lists_sites(p))
		find_site(p);
	if (p->grows)
		run_pair_find_holder(p);
	return 0;
}

static int compare_pairs(const void *pa, const void *pb)
{
	const struct run_pair *a = pa, *b = pb;

	if (a->grows != b->grows)
		return a->grows ? -1 : 1;
	return (a->growth.delta < b->growth.delta) - (a->growth.delta > b->growth.delta);
}

/* --- the whole --- */

static void find_doubts(struct run_diff *d)
{
	const struct recorded *a = d->of[RUN_A], *b = d->of[RUN_B];
	const double seconds[] = {recorded_seconds(a), recorded_seconds(b)};

	d->doubts = (struct run_doubts){
		.is_same = a->begin_wall_ns == b->begin_wall_ns && a->end_ns == b->end_ns,
		.is_short = {seconds[RUN_A] * SHORT_SHARE < seconds[RUN_B],
			     seconds[RUN_B] * SHORT_SHARE < seconds[RUN_A]},
		.is_cut = {!a->is_whole, !b->is_whole},
		.kernels = !run_is_same_text(a->run.kernel, b->run.kernel),
		.versions = !run_is_same_text(a->run.version, b->run.version),
		.machines = !run_is_same_text(a->run.arch, b->run.arch),
		.requests_of_one = !d->requests[RUN_A] != !d->requests[RUN_B],
	};
}

static int compare_all(struct run_diff *d)
{
	int err = pair_up(d);

	for (size_t i = 0; i < d->pair_count && !err; i++)
		err = compare_one(d, &d->pairs[i]);
	if (!err)
		qsort(d->pairs, d->pair_count, sizeof(*d->pairs), compare_pairs);
	return err;
}

struct run_diff *run_diff_new(const struct recorded *a, const struct recorded *b,
			      const uint64_t requests[RUN_SIDES])
{
	struct run_diff *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->of[RUN_A] = a;
	d->of[RUN_B] = b;
	for (int side = 0; side < RUN_SIDES; side++)
		d->requests[side] = requests[side] ? requests[side] : d->of[side]->requests;
	if (d->requests[RUN_A] && d->requests[RUN_B])
		d->unit = RUN_PER_REQUEST;
	find_doubts(d);
	if (!compare_all(d))
		return d;
	run_diff_free(d);
	errno = ENOMEM;
	return NULL;
}

void run_diff_free(struct run_diff *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->pair_count; i++)
		pair_release(&d->pairs[i]);
	free(d->pairs);
	free(d);
}

const struct run_pair *run_diff_grows(const struct run_diff *d)
{
	return d->pair_count && d->pairs[0].grows ? &d->pairs[0] : NULL;
}

/* --- a flame graph --- */

static int add_processes(struct flame *f, const struct run_pair *p, enum run_side side,
			 double scale)
{
	int err = 0;

	for (unsigned i = 0; i < p->count[side] && !err; i++) {
		if (p->of[side][i]->sites)
			err = flame_add_process(f, p->of[side][i], NULL, (enum flame_side)side,
						scale);
	}
	return err;
}

struct flame *run_pair_flame(const struct run_pair *p)
{
	struct flame *f = flame_new();
	int err;

	if (!f)
		return NULL;
	f->by_name = p->by_name;
	err = add_processes(f, p, RUN_A, p->units[RUN_B] / p->units[RUN_A]);
	if (!err)
		err = add_processes(f, p, RUN_B, 1);
	if (err) {
		flame_free(f);
		errno = -err;
		return NULL;
	}
	flame_finish(f);
	return f;
}

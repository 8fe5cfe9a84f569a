/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "output/ndjson_run_diff.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "output/ndjson_record.h"
#include "output/run_diff_text.h"

#define KEYS(list) (sizeof(list) / sizeof((list)[0]))

const struct site_key diff_record_keys[] = {
	{"headline", "the answer, a sentence"},
	{"grows", "whether the second recording, b, grows where the first, a, does not"},
	{"basis", "census | level | gc | private | verdict: by what that is said; absent: there is "
		  "too little of anything to say"},
	{"unit", "s | request: what all per_* are taken by"},
	{"notes", "what makes the comparison worth less: sentences"},
};
const size_t diff_record_key_count = KEYS(diff_record_keys);

const struct site_key diff_side_keys[] = {
	{"file", "the recording"},
	{"pids", "of the processes that are added up"},
	{"comm", "of the first of these"},
	{"seconds", "that they were seen"},
	{"requests", "that were made meanwhile, as the user said"},
	{"class", "of the verdict, as in verdict"},
	{"leak", "as in verdict"},
	{"confidence", "as in verdict"},
};
const size_t diff_side_key_count = KEYS(diff_side_keys);

const struct site_key diff_kind_keys[] = {
	{"kind",
	 "anon | file | shmem | swap | pgtable | brk | private (anon and swap) | live (V8's "
	 "heap after full collections)"},
	{"a_first_bytes", "at the beginning of a"},
	{"a_last_bytes", "at its end"},
	{"b_first_bytes", "the same of b"},
	{"b_last_bytes", "the same of b"},
	{"a_low",
	 "of a's slope, the low end of its 95 % interval, bytes per second; absent: there are "
	 "too few points"},
	{"a_high", "the high end"},
	{"b_low", "the same of b"},
	{"b_high", "the same of b"},
};
const size_t diff_kind_key_count = KEYS(diff_kind_keys);

const struct site_key diff_holder_keys[] = {
	{"of", "the constructor that explains most of the growth"},
	{"container", "what holds its objects: Map, Array, ..."},
	{"share", "of the objects that it holds, 0..1"},
	{"count", "objects that are reached through it only, or first"},
	{"bytes", "of these"},
	{"edge", "how the container is referred to: variable, property"},
	{"node", "by what"},
	{"file", "of that"},
	{"line", "of that in the file"},
	{"inserter", "{fn, file, line}: a function that was seen to put something into such a "
		     "container there"},
};
const size_t diff_holder_key_count = KEYS(diff_holder_keys);

const struct site_key diff_change_keys[] = {
	{"a_per", "bytes per unit"},
	{"b_per", "the same of b"},
	{"delta_per", "b_per less a_per"},
	{"more", "how likely b really has more, 0..1; absent: there is too little to say"},
};
const size_t diff_change_key_count = KEYS(diff_change_keys);

const struct site_key diff_amount_keys[] = {
	{"a_bytes", "diff: of a, all of its time"},
	{"b_bytes", "diff: the same of b"},
	{"a_per", "diff: as in its record; b_per, delta_per, more alike"},
	{"b_per", "diff"},
	{"delta_per", "diff"},
	{"more", "diff"},
};
const size_t diff_amount_key_count = KEYS(diff_amount_keys);

const struct site_key diff_count_keys[] = {
	{"a_count", "diff: objects that came in a; at basis level: are there at its end"},
	{"b_count", "diff: the same of b"},
};
const size_t diff_count_key_count = KEYS(diff_count_keys);

const struct site_key diff_sample_keys[] = {
	{"a_samples", "diff: that a_bytes rests on"},
	{"b_samples", "diff: the same of b"},
};
const size_t diff_sample_key_count = KEYS(diff_sample_keys);

/* --- pieces --- */

static void begin(struct json *j, struct strbuf *out, const char *type, const struct run_diff *d,
		  const struct run_pair *p)
{
	const struct recorded *b = d->of[RUN_B];

	ndjson_record_begin(j, out, type, b->end_ns, b->end_wall_ns);
	if (p)
		ndjson_identity_add(j, p->of[RUN_B][0]->pid, p->of[RUN_B][0]->start_ns,
				    p->of[RUN_B][0]->comm);
}

static void add_change(struct json *j, const struct run_change *c)
{
	json_fixed(j, "a_per", c->per[RUN_A], 3);
	json_fixed(j, "b_per", c->per[RUN_B], 3);
	json_fixed(j, "delta_per", c->delta, 3);
	if (c->more >= 0)
		json_fixed(j, "more", c->more, 4);
}

static void add_source(struct json *j, const char *file, uint32_t line)
{
	if (file)
		json_str(j, "file", file);
	if (line)
		json_u64(j, "line", line);
}

static void add_side(struct json *j, const struct run_diff *d, const struct run_pair *p,
		     enum run_side side)
{
	const struct verdict *v = p ? run_pair_verdict(p, side) : NULL;

	json_object_begin(j, side == RUN_A ? "a" : "b");
	json_str(j, "file", d->of[side]->path);
	if (p) {
		json_array_begin(j, "pids");
		for (unsigned i = 0; i < p->count[side]; i++)
			json_u64(j, NULL, p->of[side][i]->pid);
		json_array_end(j);
		json_strn(j, "comm", p->of[side][0]->comm, MW_COMM_LEN);
		json_fixed(j, "seconds", p->seconds[side], 3);
	}
	if (d->requests[side])
		json_u64(j, "requests", d->requests[side]);
	if (v) {
		json_str(j, "class", verdict_class_name(v->class));
		json_flag(j, "leak", v->is_leak);
		json_fixed(j, "confidence", v->confidence, 4);
	}
	json_object_end(j);
}

static void add_kind(struct json *j, const struct run_pair *p, enum run_kind kind)
{
	static const char *const first[] = {"a_first_bytes", "b_first_bytes"};
	static const char *const last[] = {"a_last_bytes", "b_last_bytes"};
	static const char *const low[] = {"a_low", "b_low"}, *const high[] = {"a_high", "b_high"};
	const struct run_diff_kind *k = &p->kinds[kind];

	json_object_begin(j, NULL);
	json_str(j, "kind", run_kind_name(kind));
	for (int side = 0; side < RUN_SIDES; side++) {
		json_fixed(j, first[side], k->first[side], 0);
		json_fixed(j, last[side], k->last[side], 0);
		if (!k->is_known[side])
			continue;
		json_fixed(j, low[side], k->trend[side].low, 3);
		json_fixed(j, high[side], k->trend[side].high, 3);
	}
	if (k->change.more >= 0)
		add_change(j, &k->change);
	json_object_end(j);
}

static void add_holder(struct json *j, const struct run_pair *p)
{
	const struct retainer *r = p->holder.retainer;
	const struct frame *by = p->holder.inserter;

	json_object_begin(j, "holder");
	json_str(j, "of", p->grower->what->name);
	if (r->share > 0) {
		if (r->container)
			json_str(j, "container", r->container);
		json_fixed(j, "share", r->share, 4);
		json_u64(j, "count", r->count);
		json_u64(j, "bytes", r->bytes);
	}
	if (p->holder.where) {
		json_str(j, "edge", p->holder.where->edge);
		json_str(j, "node", p->holder.where->node);
		add_source(j, p->holder.where->file, p->holder.where->line);
	}
	if (by) {
		json_object_begin(j, "inserter");
		json_str(j, "fn", by->fn);
		add_source(j, by->file, by->line);
		json_object_end(j);
	}
	json_object_end(j);
}

/* Sentences of other outputs, as values. */
static void add_notes(struct json *j, const struct run_diff *d)
{
	struct strbuf text;
	const char *at;

	strbuf_init(&text);
	run_diff_doubts_add(&text, d, "");
	json_array_begin(j, "notes");
	for (at = text.s; *at;) {
		const char *end = strchr(at, '\n');
		size_t len = end ? (size_t)(end - at) : strlen(at);

		json_strn(j, NULL, at, len);
		at += len + (end != NULL);
	}
	json_array_end(j);
	strbuf_release(&text);
}

/* --- records --- */

static void add_diff(struct strbuf *out, const struct run_diff *d, const struct run_pair *p)
{
	struct strbuf headline;
	struct json j;

	begin(&j, out, "diff", d, p);
	strbuf_init(&headline);
	run_diff_headline_add(&headline, d);
	json_str(&j, "headline", headline.s);
	strbuf_release(&headline);
	json_flag(&j, "grows", p && p->grows);
	if (p && p->basis != RUN_BY_NOTHING) {
		json_str(&j, "basis", run_basis_name(p->basis));
		add_change(&j, &p->growth);
	}
	json_str(&j, "unit", run_unit_name(d->unit));
	add_side(&j, d, p, RUN_A);
	add_side(&j, d, p, RUN_B);
	json_array_begin(&j, "kinds");
	for (int kind = 0; p && kind < RUN_KINDS; kind++)
		add_kind(&j, p, (enum run_kind)kind);
	json_array_end(&j);
	if (p && p->holder.retainer)
		add_holder(&j, p);
	add_notes(&j, d);
	json_end(&j);
}

static void add_constructor(struct strbuf *out, const struct run_diff *d, const struct run_pair *p,
			    const struct run_diff_constructor *c)
{
	struct json j;

	begin(&j, out, "constructor", d, p);
	json_str(&j, "name", c->what->name);
	if (c->what->class_name)
		json_str(&j, "class", c->what->class_name);
	json_str(&j, "kind", census_kind_name(c->what->kind));
	add_source(&j, c->what->file, c->what->line);
	json_i64(&j, "a_count", c->count[RUN_A]);
	json_i64(&j, "b_count", c->count[RUN_B]);
	json_i64(&j, "a_bytes", c->bytes[RUN_A]);
	json_i64(&j, "b_bytes", c->bytes[RUN_B]);
	add_change(&j, &c->change);
	json_end(&j);
}

static void add_site(struct strbuf *out, const struct run_diff *d, const struct run_pair *p,
		     const struct run_diff_site *s)
{
	double delta = fmin(fmax(s->change.delta * p->units[RUN_B], -9e18), 9e18);
	struct site_group g = {.top = s->top[RUN_B],
			       .kind = s->kind,
			       .stacks = 1,
			       .bytes = s->bytes[RUN_B],
			       .samples = s->samples[RUN_B],
			       .delta_bytes = (int64_t)rint(delta),
			       .share = s->top[RUN_B]->share};
	struct json j;

	begin(&j, out, "site", d, p);
	ndjson_site_add(&j, &g);
	json_u64(&j, "a_samples", s->samples[RUN_A]);
	json_u64(&j, "b_samples", s->samples[RUN_B]);
	json_u64(&j, "a_bytes", s->bytes[RUN_A]);
	json_u64(&j, "b_bytes", s->bytes[RUN_B]);
	add_change(&j, &s->change);
	json_end(&j);
}

static void add_pair(struct strbuf *out, const struct run_diff *d, const struct run_pair *p)
{
	add_diff(out, d, p);
	for (size_t i = 0; p->grows && i < p->constructor_count; i++) {
		if (run_change_is_growth(&p->constructors[i].change))
			add_constructor(out, d, p, &p->constructors[i]);
	}
	for (size_t i = 0; run_pair_lists_sites(p) && i < p->site_count; i++) {
		if (p->sites[i].top[RUN_B] && p->sites[i].change.delta > 0)
			add_site(out, d, p, &p->sites[i]);
	}
}

static void add_end(struct strbuf *out)
{
	struct json j;

	ndjson_record_begin(&j, out, "end", clock_boot_ns(), clock_wall_ns());
	json_u64(&j, "recordings", RUN_SIDES);
	json_end(&j);
}

void ndjson_run_diff_add(struct strbuf *out, const struct run_diff *d)
{
	if (!d->pair_count)
		add_diff(out, d, NULL);
	for (size_t i = 0; i < d->pair_count; i++)
		add_pair(out, d, &d->pairs[i]);
	add_end(out);
}

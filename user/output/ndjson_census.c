/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Censuses as JSON. user/store reads these records again. */
#include "output/ndjson_census.h"

#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "output/ndjson_record.h"

#define KEYS(list) (sizeof(list) / sizeof((list)[0]))

const struct site_key census_record_keys[] = {
	{"runtime", "whose heap it is: V8 and its version"},
	{"live", "true: read while the process ran, so that counts are ±1 to 2 %"},
	{"in_gc", "true: read within a garbage collection that did not end"},
	{"gc_waits", "times that it was let run on, since a collection was under way"},
	{"pause_ns", "that the process stood still; absent with live"},
	{"analysis_ns", "that memwatch took for it afterwards"},
	{"copied_bytes", "of its memory that were read"},
	{"rss_bytes", "of the process at that moment"},
	{"count", "live objects, of all isolates"},
	{"bytes", "that they take in the heap, without what they refer to"},
	{"external_bytes", "outside of the heap: of ArrayBuffers"},
	{"constructors", "how many constructor records follow, those that are gone left out"},
};
const size_t census_record_key_count = KEYS(census_record_keys);

const struct site_key census_isolate_keys[] = {
	{"isolate", "an address: a process has one, and one for each worker"},
	{"count", "live objects"},
	{"bytes", "that they take in the heap"},
	{"external_bytes", "outside of the heap"},
	{"page_bytes", "of its pages: with what is dead or free in them"},
};
const size_t census_isolate_key_count = KEYS(census_isolate_keys);

const struct site_key census_lost_keys[] = {
	{"unreadable_bytes", "present in the process, and not read"},
	{"unknown_sizes", "objects whose size was guessed"},
	{"overlaps", "what began within an object, and was left out"},
	{"names", "that did not fit"},
	{"isolates", "beyond 64: counted with the last"},
};
const size_t census_lost_key_count = KEYS(census_lost_keys);

const struct site_key constructor_record_keys[] = {
	{"name", "of a class; {a, b} of plain objects with these properties; f() of closures"},
	{"class", "what a heap snapshot of V8 calls it, where that is another name"},
	{"kind",
	 "object | closure | array | string | context | number | symbol | regexp | code | shape | "
	 "system"},
	{"file", "of the function or class"},
	{"line", "of it in the file"},
	{"isolate", "as in census; absent where isolates of two processes are added up"},
	{"count", "live objects; 0: they are gone"},
	{"bytes", "that they take in the heap, without what they refer to"},
	{"external_bytes", "outside of the heap; absent: none"},
	{"delta_count", "change since the census before; absent at the first"},
	{"delta_bytes", "the same of bytes"},
	{"delta_external_bytes", "the same of external_bytes"},
	{"since_count", "change since the first census; absent at the first two"},
	{"since_bytes", "the same of bytes"},
	{"since_external_bytes", "the same of external_bytes"},
};
const size_t constructor_record_key_count = KEYS(constructor_record_keys);

const struct site_key retainer_record_keys[] = {
	{"of", "name of the constructor whose objects are kept"},
	{"kind", "of that constructor"},
	{"file", "of that constructor"},
	{"isolate", "as in census"},
	{"instances", "of the constructor"},
	{"container", "what holds them: Map, Array, ...; absent: no one container does"},
	{"share", "of the instances that it holds, 0..1"},
	{"count", "objects that are reached through it only, or first"},
	{"bytes", "of these"},
	{"left_out", "steps that are not in path, before its last"},
	{"owners_left_out", "owners that are not in owners"},
};
const size_t retainer_record_key_count = KEYS(retainer_record_keys);

const struct site_key retainer_step_keys[] = {
	{"edge", "how it refers: variable, property, index, key of a Map"},
	{"node", "what refers"},
	{"file", "of that"},
	{"line", "of that in the file"},
};
const size_t retainer_step_key_count = KEYS(retainer_step_keys);

/* --- pieces --- */

static void begin(struct json *j, struct strbuf *out, const char *type, const struct census *c)
{
	ndjson_record_begin(j, out, type, c->taken_ns, c->wall_ns);
	ndjson_identity_add(j, c->pid, c->start_ns, c->comm);
}

static void add_id(struct json *j, uint64_t id)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)id);
	json_str(j, "isolate", text);
}

static void add_isolate_of(struct json *j, const struct census *c, unsigned isolate)
{
	if (isolate < c->isolate_count)
		add_id(j, c->isolates[isolate].id);
}

static void add_unless_zero(struct json *j, const char *key, uint64_t value)
{
	if (value)
		json_u64(j, key, value);
}

static void add_amount(struct json *j, const struct census_amount *a)
{
	json_u64(j, "count", a->count);
	json_u64(j, "bytes", a->bytes);
	add_unless_zero(j, "external_bytes", a->external_bytes);
}

/* --- census --- */

static void add_isolates(struct json *j, const struct census *c)
{
	json_array_begin(j, "isolates");
	for (unsigned i = 0; i < c->isolate_count; i++) {
		const struct census_isolate *from = &c->isolates[i];

		json_object_begin(j, NULL);
		add_id(j, from->id);
		json_u64(j, "count", from->count);
		json_u64(j, "bytes", from->bytes);
		json_u64(j, "external_bytes", from->external_bytes);
		json_u64(j, "page_bytes", from->page_bytes);
		json_object_end(j);
	}
	json_array_end(j);
}

static void add_lost(struct json *j, const struct census_lost *lost)
{
	json_object_begin(j, "lost");
	add_unless_zero(j, "unreadable_bytes", lost->unreadable_bytes);
	add_unless_zero(j, "unknown_sizes", lost->unknown_sizes);
	add_unless_zero(j, "overlaps", lost->overlaps);
	add_unless_zero(j, "names", lost->names);
	add_unless_zero(j, "isolates", lost->isolates);
	json_object_end(j);
}

static void add_totals(struct json *j, const struct census *c)
{
	uint64_t count = 0, bytes = 0, external = 0;

	for (unsigned i = 0; i < c->isolate_count; i++) {
		count += c->isolates[i].count;
		bytes += c->isolates[i].bytes;
		external += c->isolates[i].external_bytes;
	}
	json_u64(j, "count", count);
	json_u64(j, "bytes", bytes);
	json_u64(j, "external_bytes", external);
	json_u64(j, "constructors", c->constructor_count);
}

void ndjson_census_add(struct strbuf *out, const struct census *c)
{
	struct json j;

	begin(&j, out, "census", c);
	if (c->node[0])
		json_strn(&j, "runtime", c->node, sizeof(c->node));
	if (c->is_live)
		json_flag(&j, "live", true);
	else
		json_u64(&j, "pause_ns", c->pause_ns);
	if (c->in_gc)
		json_flag(&j, "in_gc", true);
	add_unless_zero(&j, "gc_waits", c->gc_waits);
	json_u64(&j, "analysis_ns", c->analysis_ns);
	json_u64(&j, "copied_bytes", c->copied_bytes);
	add_unless_zero(&j, "rss_bytes", c->rss_bytes);
	add_totals(&j, c);
	add_isolates(&j, c);
	add_lost(&j, &c->lost);
	json_end(&j);
}

/* --- constructor --- */

static void add_what(struct json *j, const struct constructor *k)
{
	json_str(j, "name", k->name);
	if (k->class_name)
		json_str(j, "class", k->class_name);
	json_str(j, "kind", census_kind_name(k->kind));
	if (k->file)
		json_str(j, "file", k->file);
	add_unless_zero(j, "line", k->line);
}

void ndjson_constructors_add(struct strbuf *out, const struct census *c)
{
	for (unsigned i = 0; i < c->constructor_count; i++) {
		const struct constructor *k = &c->constructors[i];
		struct json j;

		begin(&j, out, "constructor", c);
		add_what(&j, k);
		add_isolate_of(&j, c, k->isolate);
		add_amount(&j, &(struct census_amount){k->count, k->bytes, k->external_bytes});
		json_end(&j);
	}
}

static void add_change(struct json *j, const struct census_change *k, enum census_when since,
		       const char *const keys[3])
{
	const struct census_amount *now = &k->at[CENSUS_NOW], *then = &k->at[since];

	json_i64(j, keys[0], (int64_t)(now->count - then->count));
	json_i64(j, keys[1], (int64_t)(now->bytes - then->bytes));
	if (now->external_bytes || then->external_bytes)
		json_i64(j, keys[2], (int64_t)(now->external_bytes - then->external_bytes));
}

void ndjson_changes_add(struct strbuf *out, const struct census_diff *d)
{
	static const char *const delta[] = {"delta_count", "delta_bytes", "delta_external_bytes"};
	static const char *const since[] = {"since_count", "since_bytes", "since_external_bytes"};

	for (unsigned i = 0; i < d->count; i++) {
		const struct census_change *k = &d->changes[i];
		struct json j;

		begin(&j, out, "constructor", d->of[CENSUS_NOW]);
		add_what(&j, k->what);
		if (k->isolate >= 0)
			add_id(&j, d->isolates[k->isolate].id);
		add_amount(&j, &k->at[CENSUS_NOW]);
		add_change(&j, k, CENSUS_BEFORE, delta);
		if (d->of[CENSUS_BEFORE] != d->of[CENSUS_FIRST])
			add_change(&j, k, CENSUS_FIRST, since);
		json_end(&j);
	}
}

/* --- retainer --- */

static void add_steps(struct json *j, const char *key, const struct retainer_step *steps,
		      unsigned count)
{
	json_array_begin(j, key);
	for (unsigned i = 0; i < count; i++) {
		json_object_begin(j, NULL);
		json_str(j, "edge", steps[i].edge);
		json_str(j, "node", steps[i].node);
		if (steps[i].file)
			json_str(j, "file", steps[i].file);
		add_unless_zero(j, "line", steps[i].line);
		json_object_end(j);
	}
	json_array_end(j);
}

static void add_retainer(struct strbuf *out, const struct census *c, const struct retainer *r)
{
	struct json j;

	begin(&j, out, "retainer", c);
	json_str(&j, "of", r->of);
	json_str(&j, "kind", census_kind_name(r->of_kind));
	if (r->of_file)
		json_str(&j, "file", r->of_file);
	add_isolate_of(&j, c, r->isolate);
	json_u64(&j, "instances", r->instances);
	if (r->container)
		json_str(&j, "container", r->container);
	if (r->share > 0) {
		json_fixed(&j, "share", r->share, 4);
		json_u64(&j, "count", r->count);
		json_u64(&j, "bytes", r->bytes);
	}
	add_steps(&j, "path", r->steps, r->step_count);
	add_unless_zero(&j, "left_out", r->steps_left_out);
	add_steps(&j, "owners", r->owners, r->owner_count);
	add_unless_zero(&j, "owners_left_out", r->owners_left_out);
	json_end(&j);
}

void ndjson_retainers_add(struct strbuf *out, const struct census *c)
{
	for (unsigned i = 0; i < c->retainer_count; i++)
		add_retainer(out, c, &c->retainers[i]);
}

/* --- the rest --- */

void ndjson_census_end_add(struct strbuf *out, unsigned censuses)
{
	struct rusage own = {0};
	struct json j;

	getrusage(RUSAGE_SELF, &own);
	ndjson_record_begin(&j, out, "end", clock_boot_ns(), clock_wall_ns());
	json_u64(&j, "censuses", censuses);
	json_object_begin(&j, "self");
	json_u64(&j, "cpu_ns", clock_cpu_ns());
	json_u64(&j, "peak_rss_bytes", (uint64_t)own.ru_maxrss * 1024); /* getrusage(2): KiB */
	json_object_end(&j);
	json_end(&j);
}

void ndjson_census_file_add(struct strbuf *out, const struct run *run, const struct census *c)
{
	ndjson_meta_add(out, run);
	ndjson_census_add(out, c);
	ndjson_constructors_add(out, c);
	ndjson_retainers_add(out, c);
	ndjson_census_end_add(out, 1);
}

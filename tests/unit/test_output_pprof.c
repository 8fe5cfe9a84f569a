/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Profiles, unpacked again: values, places, names; hostile ones; damaged sites. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/verdict.h"
#include "flame_sample.h"
#include "output/pprof.h"
#include "pprof_rules.h"
#include "verdict_sample.h"

enum { ALLOC, INUSE }; /* values of a sample */

static Pprof__Profile *profile_of(struct recorded_process *processes, size_t count)
{
	const struct recorded r = {.processes = processes,
				   .process_count = count,
				   .begin_ns = 5 * SAMPLE_SECOND,
				   .end_ns = 65 * SAMPLE_SECOND,
				   .begin_wall_ns = 1700000000ULL * SAMPLE_SECOND};
	Pprof__Profile *profile;
	const char *broken;
	struct strbuf out;

	strbuf_init(&out);
	assert_int_equal(pprof_add(&out, &r), 0);
	profile = pprof_unpack(&out);
	assert_non_null(profile);
	broken = pprof_broken_rule(profile);
	if (broken)
		fail_msg("%s", broken);
	strbuf_release(&out);
	return profile;
}

static const char *text(const Pprof__Profile *p, int64_t id)
{
	assert_in_range(id, 0, p->n_string_table - 1);
	return p->string_table[id];
}

static const Pprof__Function *function(const Pprof__Profile *p, const Pprof__Line *line)
{
	assert_in_range(line->function_id, 1, p->n_function);
	assert_int_equal(p->function[line->function_id - 1]->id, line->function_id);
	return p->function[line->function_id - 1];
}

static const Pprof__Location *location(const Pprof__Profile *p, uint64_t id)
{
	assert_in_range(id, 1, p->n_location);
	assert_int_equal(p->location[id - 1]->id, id);
	return p->location[id - 1];
}

static const Pprof__Label *label(const Pprof__Profile *p, const Pprof__Sample *s, const char *key)
{
	for (size_t i = 0; i < s->n_label; i++) {
		if (!strcmp(text(p, s->label[i]->key), key))
			return s->label[i];
	}
	return NULL;
}

static int64_t sum(const Pprof__Profile *p, unsigned value)
{
	int64_t total = 0;

	for (size_t i = 0; i < p->n_sample; i++) {
		assert_int_equal(p->sample[i]->n_value, 2);
		total += p->sample[i]->value[value];
	}
	return total;
}

static void test_values(void **state)
{
	struct verdict v = sample_leak();
	struct recorded_process p[2] = {flame_service(7), {.pid = 8, .comm = "bare"}};
	Pprof__Profile *profile;

	(void)state;
	p[0].verdict = &v;
	profile = profile_of(p, 2);
	assert_int_equal(profile->n_sample_type, 2);
	assert_string_equal(text(profile, profile->sample_type[0]->type), "alloc_space");
	assert_string_equal(text(profile, profile->sample_type[1]->type), "inuse_space");
	assert_string_equal(text(profile, profile->sample_type[1]->unit), "bytes");
	assert_string_equal(text(profile, profile->default_sample_type), "inuse_space");
	assert_int_equal(profile->time_nanos, 1700000000LL * 1000000000);
	assert_int_equal(profile->duration_nanos, 60LL * 1000000000);
	assert_int_equal(profile->period, 10 * FLAME_MIB / 4);
	assert_int_equal(sum(profile, INUSE), 10 * FLAME_MIB); /* as the flame graph */
	assert_int_equal(sum(profile, ALLOC), 95 * FLAME_MIB); /* V8's allocations and brk */
	assert_int_equal(profile->n_sample, 6); /* neither: faults that are told by others */
	assert_int_equal(profile->n_comment, 1);
	assert_memory_equal(text(profile, profile->comment[0]), "node (7): leak", 14);
	for (size_t i = 0; i < profile->n_sample; i++) {
		const Pprof__Sample *s = profile->sample[i];

		assert_int_equal(label(profile, s, "pid")->num, 7);
		assert_string_equal(text(profile, label(profile, s, "comm")->str), "node");
		assert_string_equal(text(profile, label(profile, s, "process")->str), "node (7)");
		assert_non_null(label(profile, s, "kind"));
		assert_null(label(profile, s, "note"));
	}
	assert_string_equal(text(profile, profile->mapping[0]->filename), FLAME_NODE);
	pprof__profile__free_unpacked(profile, NULL);
	site_table_free(p[0].sites);
}

/* Inlined functions are lines of one location; addresses are those of the file. */
static void test_places(void **state)
{
	struct recorded_process p = flame_process(1);
	struct frame inner = sample_native(FRAME_USER, "inner", "/srv/app", 0x55550010);
	struct frame outer = sample_native(FRAME_USER, "outer", "/srv/app", 0x55550010);
	struct frame bare = sample_native(FRAME_USER, NULL, "/srv/app", 0x55550020);
	struct frame lib = sample_native(FRAME_RUNTIME, "start", FLAME_LIBC, 0x7fff0030);
	struct frame js = flame_js_frame("save", "/srv/a.js", 12);
	Pprof__Profile *profile;
	const Pprof__Location *l;
	const Pprof__Sample *s;

	(void)state;
	inner.is_inlined = true;
	inner.file = outer.file = "app.c";
	inner.line = 4;
	outer.line = 40;
	outer.fn_line = 38;
	inner.build_id = outer.build_id = bare.build_id = "ab12";
	inner.module_address = outer.module_address = 0x10;
	bare.module_address = 0x20;
	js.ip = 0x1234;
	FLAME_ADD(p.sites, MW_SITE_FAULT, 5, inner, outer, bare, js, lib)->note = "a note";
	sample_site(p.sites, MW_SITE_FAULT, NULL, 0, 6);
	site_table_finish_tick(p.sites);
	profile = profile_of(&p, 1);
	assert_int_equal(profile->n_sample, 2);
	assert_int_equal(sum(profile, INUSE), 11);
	s = profile->sample[profile->sample[0]->value[INUSE] == 5 ? 0 : 1];
	assert_int_equal(s->n_location_id, 4);
	assert_string_equal(text(profile, label(profile, s, "note")->str), "a note");
	l = location(profile, s->location_id[0]);
	assert_int_equal(l->address, 0x10);
	assert_int_equal(l->n_line, 2);
	assert_string_equal(text(profile, function(profile, l->line[0])->name), "inner");
	assert_int_equal(l->line[0]->line, 4);
	assert_string_equal(text(profile, function(profile, l->line[1])->name), "outer");
	assert_int_equal(function(profile, l->line[1])->start_line, 38);
	assert_string_equal(text(profile, profile->mapping[l->mapping_id - 1]->build_id), "ab12");
	assert_true(profile->mapping[l->mapping_id - 1]->has_functions);
	l = location(profile, s->location_id[1]);
	assert_int_equal(l->address, 0x20);
	assert_int_equal(l->n_line, 0);
	assert_string_equal(text(profile, profile->mapping[l->mapping_id - 1]->build_id), "ab12");
	assert_false(profile->mapping[l->mapping_id - 1]->has_functions); /* for others to name */
	l = location(profile, s->location_id[2]);
	assert_int_equal(l->address, 0);
	assert_int_equal(l->mapping_id, 0);
	assert_string_equal(text(profile, function(profile, l->line[0])->filename), "/srv/a.js");
	l = location(profile, s->location_id[3]);
	assert_int_equal(l->address, 0x7fff0030);
	assert_true(profile->mapping[l->mapping_id - 1]->has_functions);
	pprof__profile__free_unpacked(profile, NULL);
	site_table_free(p.sites);
}

/* Each function of JavaScript is a location: readers there are that show one a location only. What
 * is known by nothing has a name all the same: others drop it, and its bytes. */
static void test_script(void **state)
{
	struct recorded_process p = flame_process(1);
	struct frame inner = flame_js_frame("inner", "/srv/a.js", 3);
	const struct frame outer = flame_js_frame("outer", "/srv/a.js", 30);
	const struct frame nameless = flame_js_frame(NULL, "/srv/a.js", 0);
	const struct frame nowhere = sample_native(FRAME_USER, "", NULL, 0);
	Pprof__Profile *profile;
	const Pprof__Sample *s;

	(void)state;
	inner.is_inlined = true;
	p.comm[0] = '\0';
	FLAME_ADD(p.sites, MW_SITE_V8_SURVIVED, 5, inner, outer, nameless, nowhere);
	site_table_finish_tick(p.sites);
	profile = profile_of(&p, 1);
	assert_int_equal(profile->n_sample, 1);
	s = profile->sample[0];
	assert_null(label(profile, s, "comm")); /* it has none */
	assert_int_equal(s->n_location_id, 4);
	for (size_t i = 0; i < 4; i++) {
		static const char *const names[] = {"inner", "outer", "?", "?"};
		const Pprof__Location *l = location(profile, s->location_id[i]);

		assert_int_equal(l->n_line, 1);
		assert_string_equal(text(profile, function(profile, l->line[0])->name), names[i]);
	}
	pprof__profile__free_unpacked(profile, NULL);
	site_table_free(p.sites);
}

static void test_hostile(void **state)
{
	char longest[10000];
	struct recorded_process p = flame_hostile_process(longest, sizeof(longest));
	Pprof__Profile *profile;
	struct frame last = flame_js_frame("last", "/srv/a.js", 1);

	(void)state;
	memcpy(p.comm, "\xff\n\033]0;x", 8);
	last.is_inlined = true; /* into nothing */
	FLAME_ADD(p.sites, MW_SITE_FAULT, 1, last)->bytes = UINT64_MAX;
	profile = profile_of(&p, 1);
	assert_int_equal(profile->n_sample, FLAME_HOSTILE + 2);
	for (size_t i = 0; i < profile->n_string_table; i++)
		assert_true(strlen(profile->string_table[i]) <= 4096);
	pprof__profile__free_unpacked(profile, NULL);
	site_table_free(p.sites);
}

static void test_empty(void **state)
{
	Pprof__Profile *profile = profile_of(NULL, 0);

	(void)state;
	assert_int_equal(profile->n_sample, 0);
	assert_int_equal(profile->n_sample_type, 2);
	pprof__profile__free_unpacked(profile, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values), cmocka_unit_test(test_places),
		cmocka_unit_test(test_script), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

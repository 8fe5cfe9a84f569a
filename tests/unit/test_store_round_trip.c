/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a recorder writes, a reader has again: while it records, and afterwards. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/sites.h"
#include "analysis/verdict.h"
#include "base/clock.h"
#include "census_sample.h"
#include "kept_sample.h"
#include "recorder_sample.h"
#include "store/recording.h"
#include "verdict_sample.h"

#define PID	 4711 /* as the censuses have it */
#define START_NS (5 * NSEC_PER_SEC)
#define MIB	 1048576ull

static struct recorded *loaded(const struct recorder_sample *s)
{
	char why[RECORDING_WHY];
	struct recorded *r;

	if (recording_load(s->path, NULL, &r, why))
		fail_msg("%s: %s", s->path, why);
	return r;
}

static void test_ticks(void **state)
{
	struct recorder_sample *s = *state;
	struct mw_task raw = sample_task(PID, START_NS, "node");
	struct recorded *r;
	const struct recorded_process *p;
	struct process *now;

	sample_tick_of(s, &raw, true);
	sample_tick_of(s, &raw, true); /* as it was: no row */
	raw.anon_pages += 256;
	raw.growth.mmap_bytes = 8192;
	raw.growth.mmap_count = 2;
	now = sample_tick_of(s, &raw, true);
	r = loaded(s);
	assert_false(r->is_whole);
	assert_int_equal(r->ticks, 3);
	assert_int_equal(r->process_count, 1);
	p = &r->processes[0];
	assert_int_equal(p->pid, PID);
	assert_int_equal(p->start_ns, START_NS);
	assert_string_equal(p->comm, "node");
	assert_true(p->is_named && p->is_loaded && !p->has_ended);
	assert_int_equal(p->tick_count, 2);
	assert_memory_equal(&p->ticks[1].now, &now->now, sizeof(now->now));
	assert_memory_equal(&p->ticks[1].activity, &now->activity, sizeof(now->activity));
	assert_int_equal(recorded_growth(p), MIB);
	assert_int_equal(p->first_ns, s->now_ns - 2 * NSEC_PER_SEC);
	assert_int_equal(p->last_ns, s->now_ns);
	assert_int_equal(recorded_wall_ns(r, s->now_ns), SAMPLE_WALL_NS + s->now_ns);
	recorded_free(r);
	sample_recorder_end(s);
	r = loaded(s);
	assert_true(r->is_whole);
	recorded_free(r);
}

static void test_end_of_a_process(void **state)
{
	struct recorder_sample *s = *state;
	struct mw_task raw = sample_task(PID, START_NS, "node");
	struct mw_event_oom oom = {.h = {.type = MW_EVENT_OOM, .pid = PID, .start_ns = START_NS},
				   .limit_cgroup_id = 3,
				   .limit_bytes = 64 * MIB,
				   .memcg_known = 1,
				   .has_task = 1};
	struct mw_event_exit exit = {.h = {.type = MW_EVENT_EXIT, .pid = PID, .start_ns = START_NS},
				     .code = 9};
	struct process *p = sample_tick_of(s, &raw, true);
	struct recorded *r;

	oom.h.ts_ns = s->now_ns + 1;
	exit.h.ts_ns = s->now_ns + 2;
	oom.task = raw;
	assert_int_equal(recorder_event(s->r, &oom.h, p, "/pod"), 0);
	assert_int_equal(recorder_event(s->r, &exit.h, p, NULL), 0);
	assert_int_equal(sample_recorder_tick(s), 0);
	sample_recorder_end(s);
	r = loaded(s);
	assert_int_equal(r->event_count, 2);
	assert_int_equal(r->events[0].kind, RECORDED_OOM);
	assert_string_equal(r->events[0].limit_kind, "cgroup");
	assert_string_equal(r->events[0].limit_cgroup, "/pod");
	assert_int_equal(r->events[0].limit_bytes, 64 * MIB);
	assert_int_equal(r->events[0].last.anon_bytes, 1000 << SAMPLE_PAGE_SHIFT);
	assert_ptr_equal(r->events[1].process, &r->processes[0]);
	assert_true(r->processes[0].is_oom_killed && r->processes[0].has_ended);
	assert_int_equal(r->processes[0].code, 9);
	recorded_free(r);
}

static void test_sites(void **state)
{
	struct recorder_sample *s = *state;
	struct mw_task raw = sample_task(PID, START_NS, "node");
	struct frame frames[] = {
		sample_native(FRAME_RUNTIME, "malloc", "/lib/libc.so", 0x10),
		sample_js(FRAME_USER, "leak", "/app/a.js", 3),
	};
	struct site_table *t = site_table_new();
	struct process *p;
	struct site_group before[2], after[2];
	struct recorded *r;

	assert_non_null(t);
	frames[0].build_id = "abcd";
	frames[0].module_address = 0x99;
	sample_site(t, MW_SITE_FAULT, frames, 2, 3 * MIB);
	sample_site(t, MW_SITE_FAULT, frames + 1, 1, MIB);
	t->quality.level = "fault";
	t->quality.stacks = 7;
	site_table_finish_tick(t);
	p = sample_tick_of(s, &raw, true);
	p->sites = t;
	assert_int_equal(recorder_process(s->r, p, true), 0);
	p->sites = NULL;
	sample_recorder_end(s);
	r = loaded(s);
	assert_non_null(r->processes[0].sites);
	assert_int_equal(r->processes[0].sites->begin_ns, t->begin_ns);
	assert_int_equal(r->processes[0].sites->total_bytes[MW_SITE_FAULT], 4 * MIB);
	assert_string_equal(r->processes[0].sites->quality.level, "fault");
	assert_int_equal(r->processes[0].sites->quality.stacks, 7);
	assert_int_equal(site_groups(t, MW_SITE_FAULT, SITE_BY_CHAIN, before, 2), 1);
	assert_int_equal(site_groups(r->processes[0].sites, MW_SITE_FAULT, SITE_BY_CHAIN, after, 2),
			 1);
	assert_int_equal(after[0].bytes, before[0].bytes);
	assert_int_equal(after[0].stacks, before[0].stacks);
	assert_true(fabs(after[0].share - before[0].share) < 1e-9);
	assert_int_equal(stack_hash(after[0].top->stack->frames, after[0].top->stack->count),
			 stack_hash(frames, 2));
	assert_string_equal(after[0].top->stack->frames[0].build_id, "abcd");
	assert_int_equal(after[0].top->stack->frames[0].module_address, 0x99);
	recorded_free(r);
	site_table_free(t);
}

static void test_verdict_and_kept(void **state)
{
	struct recorder_sample *s = *state;
	struct mw_task raw = sample_task(PID, START_NS, "node");
	struct verdict v = sample_leak();
	struct kept kept = sample_kept();
	struct process *p = sample_tick_of(s, &raw, true);
	struct recorded *r;
	const struct verdict *got;

	p->verdict = &v;
	p->kept = &kept;
	assert_int_equal(recorder_verdict(s->r, p, s->now_ns, true), 0);
	p->verdict = NULL;
	p->kept = NULL;
	sample_recorder_end(s);
	r = loaded(s);
	got = r->processes[0].verdict;
	assert_non_null(got);
	assert_int_equal(got->class, v.class);
	assert_true(got->is_leak && fabs(got->confidence - v.confidence) < 1e-9);
	assert_true(fabs(got->trend.slope - v.trend.slope) < 1e-6);
	assert_int_equal(got->limit.kind, v.limit.kind);
	assert_string_equal(got->limit.where, v.limit.where);
	assert_true(fabs(got->limit_seconds - v.limit_seconds) < 1e-9);
	assert_int_equal(got->evidence_count, v.evidence_count);
	for (unsigned i = 0; i < v.evidence_count; i++)
		assert_string_equal(got->evidence[i], v.evidence[i]);
	assert_non_null(r->processes[0].kept);
	assert_int_equal(r->processes[0].kept->count, kept.count);
	assert_string_equal(r->processes[0].kept->constructors[0].name, "StatusContext");
	assert_string_equal(r->processes[0].kept->constructors[0].by.edge, "variable `handleMap`");
	assert_int_equal(r->processes[0].kept->pauses_ns[1], kept.pauses_ns[1]);
	recorded_free(r);
}

static void test_censuses(void **state)
{
	struct recorder_sample *s = *state;
	struct mw_task raw = sample_task(PID, START_NS, "node");
	struct census *c = sample_service(3, 2500);
	struct recorded *r;
	const struct census *got;

	sample_retainer(c);
	sample_tick_of(s, &raw, true);
	assert_int_equal(recorder_census(s->r, c, RECORDED_CENSUS_END), 0);
	sample_recorder_end(s);
	r = loaded(s);
	assert_int_equal(r->processes[0].census_count, 1);
	assert_int_equal(r->processes[0].censuses[0].when, RECORDED_CENSUS_END);
	got = r->processes[0].censuses[0].census;
	assert_string_equal(got->node, c->node);
	assert_int_equal(got->isolate_count, 1);
	assert_memory_equal(&got->isolates[0], &c->isolates[0], sizeof(c->isolates[0]));
	assert_int_equal(got->constructor_count, c->constructor_count);
	for (unsigned i = 0; i < c->constructor_count; i++) {
		assert_string_equal(got->constructors[i].name, c->constructors[i].name);
		assert_int_equal(got->constructors[i].count, c->constructors[i].count);
		assert_int_equal(got->constructors[i].bytes, c->constructors[i].bytes);
	}
	assert_int_equal(got->retainer_count, 1);
	assert_int_equal(got->retainers[0].step_count, c->retainers[0].step_count);
	assert_string_equal(got->retainers[0].steps[1].node, c->retainers[0].steps[1].node);
	assert_int_equal(got->retainers[0].owner_count, c->retainers[0].owner_count);
	assert_true(fabs(got->retainers[0].share - 1) < 1e-9);
	recorded_free(r);
	census_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ticks, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_end_of_a_process, sample_setup,
						sample_teardown),
		cmocka_unit_test_setup_teardown(test_sites, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_verdict_and_kept, sample_setup,
						sample_teardown),
		cmocka_unit_test_setup_teardown(test_censuses, sample_setup, sample_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

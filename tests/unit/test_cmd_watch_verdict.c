/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Verdicts in a run: what the sink is told and when, what is forgotten, and what it costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/verdict.h"
#include "base/clock.h"
#include "cmd/watch_verdict.h"

#define S	   1000000000ULL
#define PAGE_SHIFT 12
#define MIB_PAGES  256
#define CROWD	   1000

/* ---- who is told ---- */

struct ear {
	struct sink sink;
	unsigned told, last_ones;
	uint32_t pid;
	struct verdict verdict; /* that was told last */
	int err;
};

static int hear(struct sink *sink, const struct process *p, uint64_t now_ns, bool is_last)
{
	struct ear *ear = (struct ear *)sink;

	assert_non_null(p->verdict);
	assert_true(now_ns > 0);
	ear->told++;
	ear->last_ones += is_last;
	ear->pid = p->pid;
	ear->verdict = *p->verdict;
	return ear->err;
}

static const struct sink_ops ear_ops = {.verdict = hear};

/* ---- a run ---- */

struct judged_run {
	struct ear ear;
	struct process_table table;
	struct watch_verdict *v;
	uint64_t now_s;
	enum collector collector;
};

static void run_begin(struct judged_run *r, bool is_named)
{
	memset(r, 0, sizeof(*r));
	r->ear.sink.ops = &ear_ops;
	r->now_s = 1000;
	r->collector = COLLECTOR_NONE;
	assert_int_equal(process_table_init(&r->table, PAGE_SHIFT), 0);
	r->v = watch_verdict_new(&r->table, &r->ear.sink, is_named);
	assert_non_null(r->v);
}

static void run_end(struct judged_run *r)
{
	watch_verdict_free(r->v);
	process_table_release(&r->table);
}

static struct process *see(struct judged_run *r, uint32_t pid, uint64_t start_ns, uint64_t pages)
{
	const struct mw_task raw = {
		.pid = pid,
		.start_ns = start_ns,
		.comm = "program",
		.threads = 1,
		.anon_pages = pages,
		.vm_pages = 2 * pages,
		.brk_bytes = pages << PAGE_SHIFT,
	};
	struct process *p;

	assert_int_equal(process_table_update(&r->table, &raw, &p), 0);
	p->collector = r->collector;
	return p;
}

static int judge(struct judged_run *r)
{
	size_t count;
	struct process **rows = process_list(&r->table, &count);
	int err;

	assert_non_null(rows);
	err = watch_verdict_tick(r->v, rows, count, r->table.now_ns);
	free(rows);
	return err;
}

static void next_tick(struct judged_run *r)
{
	process_table_begin(&r->table, r->now_s++ * S);
}

/* One process that grows a MiB a second. */
static struct process *grow(struct judged_run *r, unsigned seconds)
{
	struct process *p = NULL;

	for (unsigned i = 0; i < seconds; i++) {
		next_tick(r);
		p = see(r, 10, 1, (uint64_t)(50 + i) * MIB_PAGES);
		assert_int_equal(judge(r), 0);
	}
	return p;
}

static struct mw_event_header header(const struct judged_run *r, uint32_t type, uint32_t pid)
{
	return (struct mw_event_header){
		.type = type, .pid = pid, .start_ns = 1, .ts_ns = r->now_s * S, .comm = "program"};
}

/* ---- what is told ---- */

static void test_told_when_it_changes(void **state)
{
	struct judged_run r;
	struct process *p;
	unsigned told;
	size_t count;
	struct process **rows;

	(void)state;
	run_begin(&r, true);
	grow(&r, 5);
	assert_int_equal(r.ear.told, 0); /* too early, as it is taken to be */
	p = grow(&r, 75);
	assert_int_equal(p->verdict->class, VERDICT_LEAK);
	assert_true(p->verdict->is_leak);
	assert_true(r.ear.told >= 1 && r.ear.told <= 4); /* and tenths since */
	assert_int_equal(r.ear.verdict.class, VERDICT_LEAK);
	assert_int_equal(r.ear.verdict.limit.kind, LIMIT_MACHINE); /* of this one */
	told = r.ear.told;
	rows = process_list(&r.table, &count);
	assert_int_equal(watch_verdict_end(r.v, rows, count, r.now_s * S), 0);
	free(rows);
	assert_int_equal(r.ear.told, told + 1);
	assert_int_equal(r.ear.last_ones, 1);
	run_end(&r);
}

static void test_exit_and_reuse(void **state)
{
	struct mw_event_exit e;
	struct judged_run r;
	struct process *p;

	(void)state;
	run_begin(&r, false);
	p = grow(&r, 80);
	memset(&e, 0, sizeof(e));
	e.h = header(&r, MW_EVENT_EXIT, 10);
	assert_int_equal(watch_verdict_event(r.v, &e.h, p), 0);
	assert_int_equal(r.ear.last_ones, 1);
	assert_int_equal(r.ear.verdict.class, VERDICT_LEAK);
	assert_non_null(strstr(r.ear.verdict.evidence[r.ear.verdict.evidence_count - 1], "ended"));
	assert_int_equal(p->verdict->class, VERDICT_LEAK);	/* may still be looked at */
	assert_int_equal(watch_verdict_event(r.v, &e.h, p), 0); /* once is enough */
	assert_int_equal(r.ear.last_ones, 1);
	process_table_remove(&r.table, p);
	next_tick(&r);
	p = see(&r, 10, 77, 100); /* another with that PID */
	assert_int_equal(judge(&r), 0);
	assert_int_equal(p->verdict->class, VERDICT_EARLY);
	assert_int_equal(watch_verdict_vanished(r.v, p, r.now_s * S), 0);
	assert_int_equal(r.ear.last_ones, 1); /* nobody named it, and nothing was known */
	run_end(&r);
}

static void test_vanished(void **state)
{
	struct judged_run r;
	struct process *p;

	(void)state;
	run_begin(&r, false);
	p = grow(&r, 80);
	assert_int_equal(watch_verdict_vanished(r.v, p, r.now_s * S), 0);
	assert_int_equal(r.ear.last_ones, 1);
	run_end(&r);
}

/* Another program is another course; that the last verdict is over is told. */
static void test_exec(void **state)
{
	struct mw_event_exec e;
	struct judged_run r;
	struct process *p;

	(void)state;
	run_begin(&r, true);
	p = grow(&r, 80);
	memset(&e, 0, sizeof(e));
	e.h = header(&r, MW_EVENT_EXEC, 10);
	assert_int_equal(watch_verdict_event(r.v, &e.h, p), 0);
	assert_null(p->verdict);
	grow(&r, 2);
	assert_int_equal(r.ear.verdict.class, VERDICT_EARLY);
	assert_int_equal(r.ear.last_ones, 0);
	run_end(&r);
}

/* All in the cgroup that ran out are marked, and nobody else. */
static void test_oom(void **state)
{
	struct cgroup in = {.path = (char *)"/a/b"}, out = {.path = (char *)"/ab"};
	struct mw_event_oom e = {.limit_cgroup_id = UINT64_MAX, .limit_level = 1, .memcg_known = 1};
	struct process *victim, *other;
	struct judged_run r;

	(void)state;
	run_begin(&r, true);
	for (unsigned i = 0; i < 40; i++) {
		next_tick(&r);
		victim = see(&r, 10, 1, 100 * MIB_PAGES);
		victim->cgroup = &in;
		other = see(&r, 11, 1, 100 * MIB_PAGES);
		other->cgroup = &out;
		if (i == 38) {
			e.h = header(&r, MW_EVENT_OOM, 10);
			watch_verdict_event(r.v, &e.h, victim);
		}
		assert_int_equal(judge(&r), 0);
	}
	assert_non_null(strstr(victim->verdict->evidence[victim->verdict->evidence_count - 1],
			       "/a ran out of memory"));
	assert_null(
		strstr(other->verdict->evidence[other->verdict->evidence_count - 1], "ran out"));
	e.limit_cgroup_id = 0; /* the machine: everybody */
	watch_verdict_event(r.v, &e.h, victim);
	next_tick(&r);
	see(&r, 11, 1, 100 * MIB_PAGES);
	judge(&r);
	assert_non_null(strstr(other->verdict->evidence[other->verdict->evidence_count - 1],
			       "the machine ran out"));
	victim->cgroup = other->cgroup = NULL; /* not the table's */
	run_end(&r);
}

static void test_reader_gone(void **state)
{
	struct judged_run r;

	(void)state;
	run_begin(&r, true);
	r.ear.err = -32;
	for (unsigned i = 0; i < 40; i++) {
		int err;

		next_tick(&r);
		see(&r, 10, 1, 1000);
		err = judge(&r);
		assert_int_equal(err, r.ear.told ? -32 : 0);
		if (err)
			break;
	}
	assert_int_equal(r.ear.told, 1);
	run_end(&r);
}

/* ---- collections ---- */

static void test_collections(void **state)
{
	struct process *p = NULL;
	struct judged_run r;

	(void)state;
	run_begin(&r, false);
	r.collector = COLLECTOR_LIVE;
	for (unsigned i = 0; i < 80; i++) {
		struct gc gc = {
			.pid = 10,
			.start_ns = 1,
			.ns = r.now_s * S + S / 2,
			.isolate = 5,
			.kind = i % 8 ? MW_GC_SCAVENGE : MW_GC_MARK_COMPACT,
			.live_bytes = (uint64_t)(20 + i) << 20,
			.limit_bytes = 1ULL << 30,
		};

		next_tick(&r);
		p = see(&r, 10, 1, (uint64_t)(50 + i) * MIB_PAGES);
		assert_int_equal(judge(&r), 0);
		watch_verdict_gc(r.v, &gc);
		gc.start_ns = 2; /* of nobody */
		watch_verdict_gc(r.v, &gc);
	}
	assert_non_null(p);
	assert_int_equal(p->verdict->class, VERDICT_LEAK);
	assert_non_null(strstr(p->verdict->evidence[0], "V8's heap"));
	run_end(&r);
}

/* ---- cost ---- */

static double cost_of_ticks(struct judged_run *r, unsigned seconds, bool changes)
{
	uint64_t spent_ns = 0;

	for (unsigned i = 0; i < seconds; i++) {
		uint64_t before;

		next_tick(r);
		for (uint32_t pid = 1; pid <= CROWD; pid++)
			see(r, pid, 1, 1000 + (changes ? (i * 7919 + pid * 31) % 97 : 0));
		before = clock_cpu_ns();
		assert_int_equal(judge(r), 0);
		spent_ns += clock_cpu_ns() - before;
	}
	return (double)spent_ns / seconds / 1e6;
}

/* A thousand processes, which change or do not: within the share of a CPU that is allowed. */
static void test_crowd(void **state)
{
	struct hmap_node *node;
	struct process *p;
	struct judged_run r;
	unsigned judged = 0;
	double quiet, busy;

	(void)state;
	run_begin(&r, false);
	r.collector = COLLECTOR_UNKNOWN;
	quiet = cost_of_ticks(&r, 60, false);
	process_table_for_each (&r.table, p, node)
		judged += p->verdict && p->verdict->class == VERDICT_STEADY;
	assert_int_equal(judged, CROWD);
	busy = cost_of_ticks(&r, 60, true);
	print_message("# %d processes: %.2f ms a tick if none changes, %.2f ms if all do\n", CROWD,
		      quiet, busy);
	assert_true(quiet < 100 &&
		    busy < 100); /* of 1000; sanitizers and a busy machine take most */
	run_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told_when_it_changes),
		cmocka_unit_test(test_exit_and_reuse),
		cmocka_unit_test(test_vanished),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_oom),
		cmocka_unit_test(test_reader_gone),
		cmocka_unit_test(test_collections),
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests_name("cmd/watch_verdict", tests, NULL, NULL);
}

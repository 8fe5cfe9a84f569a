/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The course of one process: what ticks and collections make of it, and what it is judged by. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/course.h"
#include "trace.h"

#define START_S 1000
#define MIB	TRACE_MIB

static uint64_t at(double s)
{
	return (uint64_t)((START_S + s) * 1e9);
}

static int add(struct course *c, double s, double anon_mib, double brk_mib)
{
	struct process p = {
		.now_ns = at(s),
		.now = {.anon_bytes = (uint64_t)(anon_mib * MIB),
			.heap_bytes = (uint64_t)(brk_mib * MIB),
			.file_bytes = 3,
			.vm_bytes = 500,
			.threads = 2},
	};

	return course_add(c, &p);
}

static int collect(struct course *c, double s, enum mw_gc_kind kind, uint64_t isolate,
		   double live_mib, double external_mib)
{
	const struct gc gc = {
		.ns = at(s),
		.kind = kind,
		.isolate = isolate,
		.live_bytes = (uint64_t)(live_mib * MIB),
		.external_bytes = (uint64_t)(external_mib * MIB),
		.limit_bytes = (uint64_t)(4096 * MIB),
	};

	return course_gc(c, &gc);
}

static struct verdict judge(const struct course *c, double s, enum collector collector)
{
	const struct course_view view = {.now_ns = at(s), .collector = collector};
	struct verdict v;

	course_judge(c, &view, &v);
	return v;
}

static void assert_verdict(const struct verdict *v, enum verdict_class class, const char *says)
{
	for (unsigned i = 0; i < v->evidence_count; i++) {
		if (v->class == class && (!says || strstr(v->evidence[i], says)))
			return;
	}
	for (unsigned i = 0; i < v->evidence_count; i++)
		print_message("#   %s\n", v->evidence[i]);
	fail_msg("%s at %.2f", verdict_class_name(v->class), v->confidence);
}

static void test_ticks(void **state)
{
	struct course c;
	struct process p = {
		.now_ns = at(1),
		.now = {.anon_bytes = 10,
			.swap_bytes = 5,
			.file_bytes = 3,
			.shmem_bytes = 4,
			.heap_bytes = 6,
			.vm_bytes = 500,
			.threads = 2},
	};

	(void)state;
	course_init(&c, at(0));
	assert_int_equal(course_add(&c, &p), 0);
	assert_int_equal(course_add(&c, &p), -EINVAL);
	assert_int_equal(c.private_bytes.last, 15);
	assert_int_equal(c.file.last, 3);
	assert_int_equal(c.shmem.last, 4);
	assert_int_equal(c.brk.last, 6);
	assert_int_equal(c.vm.last, 500);
	assert_int_equal(c.threads.last, 2);
	assert_int_equal(c.private_bytes.count, 1);
	assert_null(c.heaps);
	course_restart(&c, at(2));
	assert_int_equal(c.start_ns, at(2));
	assert_int_equal(c.private_bytes.count, 0);
	course_release(&c);
}

/* What objects hold outside is a sum over heaps, each as of its last collection. */
static void test_external(void **state)
{
	struct course c;

	(void)state;
	course_init(&c, at(0));
	assert_int_equal(collect(&c, 1, MW_GC_SCAVENGE, 1, 0, 0), 0);
	assert_null(c.heaps); /* nothing to remember */
	assert_int_equal(c.full.count, 0);
	assert_int_equal(collect(&c, 2, MW_GC_SCAVENGE, 1, 5, 10), 0);
	assert_int_equal(collect(&c, 3, MW_GC_MARK_COMPACT, 2, 5, 20), 0);
	assert_int_equal(c.heaps->external_held.last, (uint64_t)(30 * MIB));
	assert_int_equal(c.full.count, 1);
	assert_int_equal(collect(&c, 4, MW_GC_SCAVENGE, 1, 5, 1), 0);
	assert_int_equal(c.heaps->external_held.last, (uint64_t)(21 * MIB));
	course_heap_out(&c, 2, at(5));
	assert_int_equal(c.heaps->external_held.last, (uint64_t)MIB);
	course_heap_out(&c, 7, at(6)); /* never seen */
	for (unsigned i = 0; i < LIVE_HEAP_ISOLATES - 1; i++)
		assert_int_equal(collect(&c, 7 + i, MW_GC_SCAVENGE, 100 + i, 0, 1), 0);
	assert_int_equal(collect(&c, 90, MW_GC_SCAVENGE, 999, 0, 1), -ENOSPC);
	assert_int_equal(c.heaps->external_held.last, (uint64_t)(LIVE_HEAP_ISOLATES * MIB));
	course_release(&c);
}

static void test_marks(void **state)
{
	struct course c;

	(void)state;
	course_init(&c, at(0));
	course_mark(&c, VERDICT_MARK_OOM, at(1), "/a");
	course_mark(&c, VERDICT_MARK_OOM, at(1.5), "/a"); /* a whole group is killed at once */
	assert_int_equal(c.mark_count, 1);
	course_mark(&c, VERDICT_MARK_OOM, at(1.6), "/");
	course_mark(&c, VERDICT_MARK_OOM, at(1.7), NULL);
	assert_int_equal(c.mark_count, 3);
	for (int i = 0; i < 10; i++)
		course_mark(&c, VERDICT_MARK_OOM, at(10 + 2 * i), "/b");
	course_mark(&c, VERDICT_MARK_EXIT, at(40), NULL);
	assert_int_equal(c.mark_count, COURSE_MARKS);
	assert_int_equal(c.marks[COURSE_MARKS - 1].kind, VERDICT_MARK_EXIT);
	assert_int_equal(c.marks[0].ns, at(24));
	course_release(&c);
}

/* ---- what a collector lets one say ---- */

/* It grows evenly in malloc's heap, with a full collection each @full_s seconds; 0: none. */
static void grow(struct course *c, unsigned seconds, unsigned full_s)
{
	course_init(c, at(0));
	for (unsigned s = 0; s <= seconds; s++) {
		add(c, s, 80 + s, 10 + s);
		if (full_s && s && s % full_s == 0)
			collect(c, s + 0.5, MW_GC_FULL, 0, 0, 0);
	}
}

static void test_malloc_and_free(void **state)
{
	struct course c;
	struct verdict v;

	(void)state;
	grow(&c, 80, 0);
	v = judge(&c, 80, COLLECTOR_NONE);
	assert_verdict(&v, VERDICT_LEAK, "malloc");
	assert_true(v.is_leak);
	v = judge(&c, 80, COLLECTOR_UNKNOWN);
	assert_verdict(&v, VERDICT_EARLY, "not looked at");
	v = judge(&c, 80, COLLECTOR_HIDDEN);
	assert_verdict(&v, VERDICT_EARLY, "no collection was seen");
	v = judge(&c, 80, COLLECTOR_SEEN);
	assert_verdict(&v, VERDICT_EARLY, "no collection was seen");
	v = judge(&c, 80, COLLECTOR_LIVE);
	assert_verdict(&v, VERDICT_EARLY, "0 full collections");
	course_release(&c);
}

/* It goes on through full collections, whatever these leave: kept. */
static void test_collections_seen(void **state)
{
	struct course c;
	struct verdict v;

	(void)state;
	grow(&c, 80, 10);
	v = judge(&c, 80, COLLECTOR_SEEN);
	assert_verdict(&v, VERDICT_LEAK, NULL);
	assert_true(v.is_leak);
	v = judge(&c, 80, COLLECTOR_HIDDEN);
	assert_true(v.is_leak); /* seen is seen */
	v = judge(&c, 80, COLLECTOR_UNKNOWN);
	assert_false(v.is_leak);
	course_release(&c);
	grow(&c, 80, 70); /* one only */
	v = judge(&c, 80, COLLECTOR_SEEN);
	assert_verdict(&v, VERDICT_EARLY, "no collection was seen");
	course_release(&c);
}

/* Threads are no garbage, whoever collects. */
static void test_threads(void **state)
{
	struct course c;
	struct verdict v;

	(void)state;
	course_init(&c, at(0));
	for (unsigned i = 0; i <= 80; i++) {
		struct process p = {
			.now_ns = at(i),
			.now = {.anon_bytes = (uint64_t)((80 + i) * MIB), .threads = 4 + i},
		};

		course_add(&c, &p);
	}
	v = judge(&c, 80, COLLECTOR_UNKNOWN);
	assert_verdict(&v, VERDICT_STACKS, "threads: ");
	course_release(&c);
}

static void test_live(void **state)
{
	struct course c;
	struct verdict v;

	(void)state;
	course_init(&c, at(0));
	for (unsigned i = 0; i <= 80; i++) {
		add(&c, i, 80 + i, 5);
		if (i && i % 10 == 0)
			collect(&c, i + 0.5, MW_GC_MARK_COMPACT, 1, 20 + i, 0);
	}
	v = judge(&c, 80, COLLECTOR_LIVE);
	assert_verdict(&v, VERDICT_LEAK, "V8's heap");
	assert_true(v.is_leak);
	course_release(&c);
}

/* Buffers that nobody holds are there until V8 collects: one has to have outlived that. */
static void test_buffers_before_a_collection(void **state)
{
	struct course c;
	struct verdict v;

	(void)state;
	course_init(&c, at(0));
	for (unsigned i = 0; i <= 80; i++) {
		add(&c, i, 80 + i, 10 + i);
		collect(&c, i + 0.5, MW_GC_SCAVENGE, 1, 20, 5 + i);
	}
	v = judge(&c, 80, COLLECTOR_LIVE);
	assert_verdict(&v, VERDICT_EARLY, NULL);
	collect(&c, 80.6, MW_GC_MARK_COMPACT, 1, 20, 85);
	v = judge(&c, 81, COLLECTOR_LIVE);
	assert_verdict(&v, VERDICT_EXTERNAL, "Buffers");
	assert_true(v.is_leak);
	course_release(&c);
}

/*
 * One full collection in a minute, as V8 makes them when a heap grows: it left what had come, and
 * what comes goes on.
 */
static void test_one_full_collection(void **state)
{
	struct course c;
	struct verdict v;

	(void)state;
	for (int keeps = 0; keeps < 2; keeps++) {
		double base = 20;

		course_init(&c, at(0));
		for (unsigned i = 0; i <= 70; i++) {
			add(&c, i, 80 + 2 * i, 5);
			if (i == 30 && !keeps)
				base -= 60;
			collect(&c, i + 0.5, i == 30 ? MW_GC_MARK_COMPACT : MW_GC_SCAVENGE, 1,
				base + 2 * i, 0);
		}
		v = judge(&c, 70, COLLECTOR_LIVE);
		assert_verdict(&v, keeps ? VERDICT_LEAK : VERDICT_EARLY, NULL);
		assert_int_equal(v.is_leak, keeps);
		course_release(&c);
	}
}

/* V8 takes room to work in, and its collections leave nothing of what comes: no leak. */
static void test_room(void **state)
{
	struct course c;

	(void)state;
	course_init(&c, at(0));
	for (unsigned i = 0; i <= 120; i++) {
		struct verdict v;

		add(&c, i, 30 + 0.4 * i, 2);
		collect(&c, i + 0.5, i % 10 == 9 ? MW_GC_MARK_COMPACT : MW_GC_SCAVENGE, 1,
			i % 10 == 9 ? 4 : 4 + i % 10, 0.01);
		v = judge(&c, i, COLLECTOR_LIVE);
		assert_false(v.is_leak);
	}
	course_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ticks),
		cmocka_unit_test(test_external),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_malloc_and_free),
		cmocka_unit_test(test_collections_seen),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_buffers_before_a_collection),
		cmocka_unit_test(test_one_full_collection),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests_name("analysis/course", tests, NULL, NULL);
}

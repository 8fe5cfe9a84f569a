/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of processes: identities, deltas, activity, history, cgroups. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sample.h"

#define PAGE (1ULL << SAMPLE_PAGE_SHIFT)

static int setup(void **state)
{
	static struct process_table table;

	*state = &table;
	return process_table_init(&table, SAMPLE_PAGE_SHIFT);
}

static int teardown(void **state)
{
	process_table_release(*state);
	return 0;
}

/* ---- one record ---- */

static void test_first_record(void **state)
{
	struct mw_task raw = sample_task(10, 5, "node");
	struct process *p;

	raw.ppid = 3;
	p = sample_tick(*state, 100, &raw);
	assert_int_equal(p->pid, 10);
	assert_int_equal(p->ppid, 3);
	assert_int_equal(p->start_ns, 5);
	assert_string_equal(p->comm, "node");
	assert_int_equal(p->now.anon_bytes, 1000 * PAGE);
	assert_int_equal(p->now.file_bytes, 200 * PAGE);
	assert_int_equal(p->now.shmem_bytes, 30 * PAGE);
	assert_int_equal(p->now.rss_bytes, 1230 * PAGE);
	assert_int_equal(p->now.swap_bytes, 4 * PAGE);
	assert_int_equal(p->now.pgtable_bytes, 40961);
	assert_int_equal(p->now.vm_bytes, 90000 * PAGE);
	assert_int_equal(p->now.data_bytes, 8000 * PAGE);
	assert_int_equal(p->now.stack_bytes, 33 * PAGE);
	assert_int_equal(p->now.heap_bytes, 135168);
	assert_int_equal(p->now.threads, 11);
	assert_int_equal(p->now.minflt, 5000);
	assert_int_equal(p->now.majflt, 7);
	assert_int_equal(totals_footprint(&p->now), 1234 * PAGE);
	assert_int_equal(p->peak_rss_bytes, 1500 * PAGE);
	assert_memory_equal(&p->first, &p->now, sizeof(p->now));
	assert_int_equal(p->now_ns, 100);
	assert_int_equal(p->first_ns, 100);
	assert_false(p->has_delta);
	assert_false(p->has_growth);
	assert_false(p->rss_approximate);
	assert_false(p->faults_cut);
	assert_null(p->cgroup);
}

static void test_flags(void **state)
{
	struct mw_task raw = sample_task(10, 5, "node");
	struct process *p;

	raw.flags = MW_TASK_RSS_APPROXIMATE;
	p = sample_tick(*state, 1, &raw);
	assert_true(p->rss_approximate);
	assert_false(p->faults_cut);
	raw.flags = MW_TASK_THREADS_CUT;
	p = sample_tick(*state, 2, &raw);
	assert_false(p->rss_approximate);
	assert_true(p->faults_cut);
}

static void test_comm_without_end(void **state)
{
	struct mw_task raw = sample_task(10, 5, "");
	struct process *p;

	memset(raw.comm, 'x', sizeof(raw.comm));
	p = sample_tick(*state, 1, &raw);
	assert_int_equal(strlen(p->comm), MW_COMM_LEN);
	strcpy(raw.comm, "short"); /* exec gave it another name */
	p = sample_tick(*state, 2, &raw);
	assert_string_equal(p->comm, "short");
}

static void test_page_size(void **state)
{
	struct mw_task raw = sample_task(10, 5, "arm");
	struct process_table big;

	(void)state;
	assert_int_equal(process_table_init(&big, 16), 0);
	assert_int_equal(sample_tick(&big, 1, &raw)->now.anon_bytes, 1000ULL << 16);
	process_table_release(&big);
}

/* ---- the next tick ---- */

static void test_second_tick(void **state)
{
	struct mw_task raw = sample_task(10, 5, "node");
	struct process *first = sample_tick(*state, 100, &raw), *p;

	raw.anon_pages = 400;
	raw.ppid = 9;
	raw.peak_rss_pages = 1600;
	p = sample_tick(*state, 300, &raw);
	assert_ptr_equal(p, first);
	assert_true(p->has_delta);
	assert_int_equal(p->before.anon_bytes, 1000 * PAGE);
	assert_int_equal(p->now.anon_bytes, 400 * PAGE);
	assert_int_equal(p->first.anon_bytes, 1000 * PAGE);
	assert_int_equal(p->before_ns, 100);
	assert_int_equal(p->now_ns, 300);
	assert_int_equal(p->first_ns, 100);
	assert_int_equal(p->ppid, 9);
	assert_int_equal(p->peak_rss_bytes, 1600 * PAGE);
	raw.anon_pages = 500;
	p = sample_tick(*state, 400, &raw);
	assert_int_equal(p->before.anon_bytes, 400 * PAGE);
	assert_int_equal(p->first.anon_bytes, 1000 * PAGE);
	assert_int_equal(p->before_ns, 300);
}

static void test_duplicate_in_a_tick(void **state)
{
	struct mw_task raw = sample_task(10, 5, "node"), other = raw;
	struct process *p = sample_tick(*state, 100, &raw), *again = NULL;

	other.anon_pages = 1;
	assert_int_equal(process_table_update(*state, &other, &again), -EEXIST);
	assert_null(again);
	assert_int_equal(p->now.anon_bytes, 1000 * PAGE);
	assert_false(p->has_delta);
	assert_int_equal(p->history.count, 1);
	process_table_begin(*state, 200);
	assert_int_equal(process_table_update(*state, &other, &again), 0);
	assert_int_equal(process_table_update(*state, &other, &again), -EEXIST);
	assert_int_equal(p->before.anon_bytes, 1000 * PAGE);
}

/* A PID that is used again is another process: nothing of the old one remains. */
static void test_pid_reuse(void **state)
{
	struct process_table *t = *state;
	struct mw_task raw = sample_task(10, 5, "old"), next = sample_task(10, 6, "new");
	struct process *p;

	raw.growth.mmap_count = 50;
	sample_tick(t, 100, &raw);
	p = sample_tick(t, 200, &raw);
	process_set_cgroup(t, p, 77);
	next.growth.mmap_count = 60;
	p = sample_tick(t, 300, &next);
	assert_int_equal(t->by_pid.count, 1);
	assert_string_equal(p->comm, "new");
	assert_int_equal(p->start_ns, 6);
	assert_false(p->has_delta);
	assert_false(p->has_growth);
	assert_int_equal(p->activity.mmap_count, 0);
	assert_int_equal(p->first_ns, 300);
	assert_int_equal(p->before.rss_bytes, 0);
	assert_int_equal(p->history.count, 1);
	assert_null(p->cgroup);
	assert_null(process_table_find(t, 10, 5));
	assert_ptr_equal(process_table_find(t, 10, 6), p);
	assert_ptr_equal(process_table_find(t, 10, 0), p);
	assert_null(process_table_find(t, 11, 0));
	/* The old one ended without a record: the sweep says so, once. */
	assert_int_equal(process_table_sweep(t, NULL, NULL), 1);
	assert_int_equal(t->cgroups.count, 0);
	assert_int_equal(process_table_sweep(t, NULL, NULL), 0);
	assert_ptr_equal(process_table_find(t, 10, 0), p);
}

/* Both the old and the new holder of a PID can be met in one pass. */
static void test_pid_reuse_in_a_tick(void **state)
{
	struct mw_task raw = sample_task(10, 5, "old"), next = sample_task(10, 6, "new");
	struct process *p;

	sample_tick(*state, 100, &raw);
	p = sample_update(*state, &next);
	assert_string_equal(p->comm, "new");
	assert_int_equal(((struct process_table *)*state)->by_pid.count, 1);
	assert_int_equal(process_table_sweep(*state, NULL, NULL), 1);
}

/* ---- sweeping ---- */

struct swept {
	unsigned count;
	uint32_t pids[8];
	bool is_gone;
};

static bool note_swept(void *arg, const struct process *p)
{
	struct swept *s = arg;

	s->pids[s->count++] = p->pid;
	assert_string_equal(p->comm, "gone"); /* still whole */
	return s->is_gone;
}

static void test_sweep(void **state)
{
	struct process_table *t = *state;
	struct mw_task stays = sample_task(1, 1, "stays"), gone = sample_task(2, 1, "gone");
	struct swept swept = {0};

	process_table_begin(t, 100);
	sample_update(t, &stays);
	sample_update(t, &gone);
	assert_int_equal(process_table_sweep(t, note_swept, &swept), 0);
	sample_tick(t, 200, &stays);
	assert_int_equal(process_table_sweep(t, note_swept, &swept), 0); /* it is in exec */
	assert_non_null(process_table_find(t, 2, 1));
	swept = (struct swept){.is_gone = true};
	assert_int_equal(process_table_sweep(t, note_swept, &swept), 1);
	assert_int_equal(swept.count, 1);
	assert_int_equal(swept.pids[0], 2);
	assert_null(process_table_find(t, 2, 0));
	assert_non_null(process_table_find(t, 1, 1));
	process_table_begin(t, 300); /* a tick that saw none */
	assert_int_equal(process_table_sweep(t, NULL, NULL), 1);
	assert_int_equal(t->by_pid.count, 0);
	assert_int_equal(process_table_sweep(t, NULL, NULL), 0);
}

static void test_comes_back_after_sweep(void **state)
{
	struct mw_task raw = sample_task(2, 1, "node");

	sample_tick(*state, 100, &raw);
	process_table_begin(*state, 200);
	process_table_sweep(*state, NULL, NULL);
	assert_false(sample_tick(*state, 300, &raw)->has_delta);
}

/* A tick that failed is not swept; what it missed has its delta over both intervals. */
static void test_missed_by_a_tick(void **state)
{
	struct mw_task raw = sample_task(2, 1, "node");
	struct process *p;

	sample_tick(*state, 100, &raw);
	process_table_begin(*state, 200);
	p = sample_tick(*state, 300, &raw);
	assert_true(p->has_delta);
	assert_int_equal(p->before_ns, 100);
}

static void test_remove_and_list(void **state)
{
	struct process_table *t = *state;
	struct process **list;
	size_t count = 99;
	uint32_t sum = 0;

	list = process_list(t, &count);
	assert_non_null(list);
	assert_int_equal(count, 0);
	free(list);
	process_table_begin(t, 1);
	for (uint32_t pid = 1; pid <= 4; pid++) {
		struct mw_task raw = sample_task(pid, 1, "x");

		sample_update(t, &raw);
	}
	process_table_remove(t, process_table_find(t, 3, 0));
	list = process_list(t, &count);
	assert_non_null(list);
	assert_int_equal(count, 3);
	for (size_t i = 0; i < count; i++)
		sum += list[i]->pid;
	assert_int_equal(sum, 1 + 2 + 4);
	free(list);
}

/* ---- activity ---- */

static void test_activity(void **state)
{
	struct mw_task raw = sample_task(10, 5, "node");
	struct process *p;
	struct activity *a;

	raw.growth = (struct mw_growth){
		.mmap_bytes = 10,
		.mmap_count = 20,
		.munmap_bytes = 30,
		.munmap_count = 40,
		.mremap_bytes = 50,
		.mremap_count = 60,
		.brk_bytes = 70,
		.brk_count = 80,
		.fault_heap = 90,
		.fault_stack = 100,
		.fault_mmap = 110,
		.brk_last = 1 << 20,
	};
	sample_tick(*state, 1, &raw);
	raw.growth.mmap_bytes += 1;
	raw.growth.mmap_count += 2;
	raw.growth.munmap_bytes += 3;
	raw.growth.munmap_count += 4;
	raw.growth.mremap_bytes += 5;
	raw.growth.mremap_count += 6;
	raw.growth.brk_bytes += 7;
	raw.growth.brk_count += 8;
	raw.growth.fault_heap += 9;
	raw.growth.fault_stack += 10;
	raw.growth.fault_mmap += 11;
	raw.minflt += 100;
	raw.majflt += 1;
	p = sample_tick(*state, 2, &raw);
	a = &p->activity;
	assert_true(p->has_growth);
	assert_int_equal(a->mmap_bytes, 1);
	assert_int_equal(a->mmap_count, 2);
	assert_int_equal(a->munmap_bytes, 3);
	assert_int_equal(a->munmap_count, 4);
	assert_int_equal(a->mremap_bytes, 5);
	assert_int_equal(a->mremap_count, 6);
	assert_int_equal(a->brk_bytes, 7);
	assert_int_equal(a->brk_count, 8);
	assert_int_equal(a->fault_heap, 9);
	assert_int_equal(a->fault_stack, 10);
	assert_int_equal(a->fault_mmap, 11);
	assert_int_equal(a->fault_count, 101);
	assert_int_equal(a->fault_bytes, 101 * PAGE);
	p = sample_tick(*state, 3, &raw); /* idle: nothing of the last tick stays */
	assert_int_equal(p->activity.mmap_count, 0);
	assert_int_equal(p->activity.fault_count, 0);
	assert_int_equal(p->activity.fault_bytes, 0);
}

/* The map entry was deleted and made anew: what it has is what happened since. */
static void test_counters_that_go_down(void **state)
{
	struct mw_task raw = sample_task(10, 5, "node");
	struct process *p;

	raw.growth.mmap_count = 1000;
	raw.growth.mmap_bytes = 1 << 30;
	sample_tick(*state, 1, &raw);
	raw.growth.mmap_count = 3;
	raw.growth.mmap_bytes = 8192;
	raw.minflt = 10; /* less than before: a thread was missed, nothing began anew */
	p = sample_tick(*state, 2, &raw);
	assert_int_equal(p->activity.mmap_count, 3);
	assert_int_equal(p->activity.mmap_bytes, 8192);
	assert_int_equal(p->activity.fault_count, 0);
	raw.minflt = sample_task(10, 5, "node").minflt + 3; /* found again */
	p = sample_tick(*state, 3, &raw);
	assert_int_equal(p->activity.fault_count, 3);
}

static void test_has_growth(void **state)
{
	struct mw_task raw = sample_task(10, 5, "node");
	struct process *p;

	raw.flags = 0; /* no event yet, so no entry */
	p = sample_tick(*state, 1, &raw);
	p = sample_tick(*state, 2, &raw);
	assert_true(p->has_delta);
	assert_false(p->has_growth);
	raw.minflt += 5;
	p = sample_tick(*state, 3, &raw);
	assert_int_equal(p->activity.fault_count, 5); /* these come with the totals */
	raw.flags = MW_TASK_GROWTH;		      /* its first event made the entry, at zero */
	raw.growth.mmap_count = 4;
	p = sample_tick(*state, 4, &raw);
	assert_true(p->has_growth);
	assert_int_equal(p->activity.mmap_count, 4);
	raw.flags = 0;
	raw.growth = (struct mw_growth){0};
	p = sample_tick(*state, 5, &raw);
	assert_false(p->has_growth);
	assert_int_equal(p->activity.mmap_count, 0);
}

/* A page a fault at the least; the growth, where that is more. */
static void test_fault_bytes(void **state)
{
	static const struct {
		int64_t faults, grown_pages, expected_pages;
	} cases[] = {
		{10, 0, 10},   {10, 5, 10}, {10, 10, 10}, {10, 11, 11},
		{1, 512, 512}, {0, 512, 0}, /* grown without a fault: MAP_POPULATE, read() into
					       shmem */
		{10, -50, 10}, {0, 0, 0},
	};
	struct mw_task raw = sample_task(10, 5, "node");

	sample_tick(*state, 1, &raw);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct process *p;

		raw.anon_pages += cases[i].grown_pages;
		raw.minflt += cases[i].faults;
		p = sample_tick(*state, 2 + i, &raw);
		assert_int_equal(p->activity.fault_count, cases[i].faults);
		assert_int_equal(p->activity.fault_bytes, cases[i].expected_pages * PAGE);
	}
}

/* ---- history ---- */

static void test_history(void **state)
{
	struct history h = {0};
	uint64_t ns = 7, bytes = 7;

	(void)state;
	assert_false(history_at(&h, 0, &ns, &bytes));
	assert_int_equal(ns, 7);
	for (unsigned i = 0; i < 3 * HISTORY_CAP + 5; i++) {
		unsigned kept = i + 1 < HISTORY_CAP ? i + 1 : HISTORY_CAP;

		history_add(&h, 1000 + i, i);
		assert_int_equal(h.count, i + 1);
		for (unsigned age = 0; age < kept; age++) {
			assert_true(history_at(&h, age, &ns, &bytes));
			assert_int_equal(bytes, i - age);
			assert_int_equal(ns, 1000 + i - age);
		}
		assert_false(history_at(&h, kept, &ns, &bytes));
		assert_false(history_at(&h, UINT32_MAX, &ns, &bytes));
	}
}

static void test_history_of_a_process(void **state)
{
	struct mw_task raw = sample_task(10, 5, "node");
	struct process *p = NULL;
	uint64_t ns, bytes;

	for (unsigned i = 0; i < HISTORY_CAP + 3; i++) {
		raw.swap_pages = i;
		p = sample_tick(*state, i * SAMPLE_SECOND, &raw);
	}
	assert_true(history_at(&p->history, 0, &ns, &bytes));
	assert_int_equal(bytes, (1230 + HISTORY_CAP + 2) * PAGE);
	assert_int_equal(ns, (HISTORY_CAP + 2) * SAMPLE_SECOND);
	assert_true(history_at(&p->history, HISTORY_CAP - 1, &ns, &bytes));
	assert_int_equal(bytes, (1230 + 3) * PAGE);
}

/* ---- cgroups ---- */

static struct process *add_process(struct process_table *t, uint32_t pid)
{
	struct mw_task raw = sample_task(pid, 1, "x");

	return sample_update(t, &raw);
}

static void test_cgroups_are_shared(void **state)
{
	struct process_table *t = *state;
	struct process *p, *q;
	struct cgroup *a, *b;

	process_table_begin(t, 1);
	p = add_process(t, 1);
	q = add_process(t, 2);
	a = process_set_cgroup(t, p, 100);
	assert_non_null(a);
	a->path = strdup("/a");
	assert_null(process_set_cgroup(t, q, 100));
	assert_ptr_equal(p->cgroup, a);
	assert_ptr_equal(q->cgroup, a);
	assert_int_equal(a->users, 2);
	assert_null(process_set_cgroup(t, q, 100)); /* once a tick */
	assert_int_equal(a->users, 2);
	b = process_set_cgroup(t, q, 200); /* moved */
	assert_non_null(b);
	assert_ptr_not_equal(a, b);
	assert_int_equal(a->users, 1);
	assert_int_equal(t->cgroups.count, 2);
	b->path = strdup("/b");
	assert_null(process_set_cgroup(t, p, 200));
	assert_int_equal(t->cgroups.count, 1); /* the last one left /a */
	assert_int_equal(b->users, 2);
	process_table_remove(t, p);
	assert_int_equal(b->users, 1);
	process_table_begin(t, 2);
	process_table_sweep(t, NULL, NULL);
	assert_int_equal(t->cgroups.count, 0);
}

static void test_cgroup_of_the_last_comes_back(void **state)
{
	struct process_table *t = *state;
	struct process *p;
	struct cgroup *c;

	process_table_begin(t, 1);
	p = add_process(t, 1);
	c = process_set_cgroup(t, p, 100);
	c->path = strdup("/a");
	process_set_cgroup(t, p, 200);
	c = process_set_cgroup(t, p, 100);
	assert_non_null(c);
	assert_null(c->path); /* new: to be read again */
	assert_int_equal(c->users, 1);
}

/* Random moves, births and deaths against a count by hand; ASan has the last word. */
static void test_cgroup_references(void **state)
{
	enum { PROCESSES = 40, GROUPS = 7 };
	struct process_table *t = *state;
	struct process *p[PROCESSES] = {0};

	srandom(1);
	process_table_begin(t, 1);
	for (int step = 0; step < 20000; step++) {
		unsigned users[GROUPS] = {0}, groups = 0, i = random() % PROCESSES;
		struct cgroup *fresh;

		if (!p[i])
			p[i] = add_process(t, i + 1);
		if (random() % 8) {
			fresh = process_set_cgroup(t, p[i], random() % GROUPS);
			if (fresh)
				fresh->path = strdup("/some/path");
		} else {
			process_table_remove(t, p[i]);
			p[i] = NULL;
		}
		for (i = 0; i < PROCESSES; i++) {
			if (p[i] && p[i]->cgroup)
				users[p[i]->cgroup->node.key]++;
		}
		for (i = 0; i < GROUPS; i++)
			groups += users[i] > 0;
		assert_int_equal(t->cgroups.count, groups);
		for (i = 0; i < PROCESSES; i++) {
			if (p[i] && p[i]->cgroup)
				assert_int_equal(p[i]->cgroup->users,
						 users[p[i]->cgroup->node.key]);
		}
	}
}

/* ---- many ---- */

static void test_ten_thousand(void **state)
{
	enum { MANY = 10000, TICKS = 5 };
	struct process_table *t = *state;
	size_t count;

	for (unsigned tick = 0; tick < TICKS; tick++) {
		process_table_begin(t, (tick + 1) * SAMPLE_SECOND);
		for (uint32_t pid = 1; pid <= MANY; pid++) {
			/* Every third PID is another process at each tick. */
			struct mw_task raw = sample_task(pid, pid % 3 ? 1 : tick + 1, "crowd");
			struct process *p;

			raw.anon_pages = pid + tick;
			p = sample_update(t, &raw);
			process_set_cgroup(t, p, pid % 100);
		}
		assert_int_equal(t->by_pid.count, MANY);
		assert_int_equal(t->cgroups.count, 100);
		assert_int_equal(process_table_sweep(t, NULL, NULL), tick ? MANY / 3 : 0);
	}
	for (uint32_t pid = 1; pid <= MANY; pid++) {
		struct process *p = process_table_find(t, pid, 0);

		assert_non_null(p);
		assert_int_equal(p->now.anon_bytes, (pid + TICKS - 1) * PAGE);
		assert_int_equal(p->has_delta, pid % 3 != 0);
	}
	free(process_list(t, &count));
	assert_int_equal(count, MANY);
	process_table_begin(t, 100 * SAMPLE_SECOND);
	assert_int_equal(process_table_sweep(t, NULL, NULL), MANY);
}

#define IN_TABLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TABLE(test_first_record),
		IN_TABLE(test_flags),
		IN_TABLE(test_comm_without_end),
		IN_TABLE(test_page_size),
		IN_TABLE(test_second_tick),
		IN_TABLE(test_duplicate_in_a_tick),
		IN_TABLE(test_pid_reuse),
		IN_TABLE(test_pid_reuse_in_a_tick),
		IN_TABLE(test_sweep),
		IN_TABLE(test_comes_back_after_sweep),
		IN_TABLE(test_missed_by_a_tick),
		IN_TABLE(test_remove_and_list),
		IN_TABLE(test_activity),
		IN_TABLE(test_counters_that_go_down),
		IN_TABLE(test_has_growth),
		IN_TABLE(test_fault_bytes),
		cmocka_unit_test(test_history),
		IN_TABLE(test_history_of_a_process),
		IN_TABLE(test_cgroups_are_shared),
		IN_TABLE(test_cgroup_of_the_last_comes_back),
		IN_TABLE(test_cgroup_references),
		IN_TABLE(test_ten_thousand),
	};

	return cmocka_run_group_tests_name("model/process", tests, NULL, NULL);
}

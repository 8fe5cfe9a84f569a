/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf/lifecycle.bpf.c as plain functions: the records of fork, exec, exit and
 * OOM, what becomes of the event counters, and the search for the limit.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wattributes" /* preserve_access_index is clang's */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "../../bpf/lifecycle.bpf.c"
#pragma GCC diagnostic pop

#include "host/process.h"

#define TGID  100U
#define SLACK (1024U * 1024 / 4096) /* a refused charge is not part of the usage */

static struct process process;
static struct mw_config *config;

static int setup(void **state)
{
	(void)state;
	host_reset();
	config = host_writable(&mw_cfg, sizeof(mw_cfg));
	*config = (struct mw_config){.page_shift = 12};
	mw_ctl = (struct mw_control){0};
	mw_pidns = (struct mw_pidns){0};
	process_init(&process, TGID);
	host.has_old_rss = false;
	host.current = &process.thread[0];
	host.now_ns = 5555;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_reset();
	return 0;
}

static struct mw_growth *growth_of(__u32 tgid)
{
	struct host_entry *entry = host_find(&mw_growth, tgid);

	return entry ? entry->value : NULL;
}

static void set_growth(__u32 tgid, struct mw_growth growth)
{
	bpf_map_update_elem(&mw_growth, &tgid, &growth, BPF_ANY);
}

static void set_target(__u32 pid)
{
	__u8 one = 1;

	mw_ctl.nr_targets++;
	bpf_map_update_elem(&mw_targets, &pid, &one, BPF_ANY);
}

/* The one record that was sent; its header is that of the process. */
static void *record(enum mw_event_type type, size_t size)
{
	struct mw_event_header *h = host.submitted[0].data;

	assert_int_equal(host.submitted_count, 1);
	assert_int_equal(host.submitted[0].size, size);
	assert_int_equal(h->type, type);
	assert_int_equal(h->pid, TGID);
	assert_int_equal(h->ts_ns, 5555);
	assert_int_equal(h->start_ns, 1000 + TGID);
	assert_int_equal(h->ppid, 9);
	assert_int_equal(h->pad, 0);
	assert_memory_equal(h->comm, "0123456789abcde", MW_COMM_LEN);
	return h;
}

static int fork_of(struct task_struct *child)
{
	unsigned long long ctx[] = {(__u64)&process.parent, (__u64)child};

	return mw_fork(ctx);
}

static int exec_as(const char *filename)
{
	struct linux_binprm binprm = {.filename = filename};
	unsigned long long ctx[] = {(__u64)&process.thread[0], TGID, (__u64)&binprm};

	return mw_exec(ctx);
}

static int exit_of(struct task_struct *task, bool is_last)
{
	__u64 ctx[] = {(__u64)task, is_last};

	process.signal.live.counter = is_last ? 0 : 1;
	return mw_exit(ctx);
}

static int oom_of(struct task_struct *victim)
{
	unsigned long long ctx[] = {(__u64)victim};

	return mw_oom(ctx);
}

/* What the killer does: SIGKILL to each victim, from the kernel itself, then the mark. */
static void kill_and_mark(struct task_struct *victim, __u64 info, int marked)
{
	unsigned long long signal[] = {9, info, (__u64)victim}, mark[] = {(unsigned)marked};

	assert_int_equal(mw_oom_kill(signal), 0);
	assert_int_equal(mw_oom_pid(mark), 0);
}

/* ---- fork ---- */

static void test_fork(void **state)
{
	(void)state;
	set_growth(TGID, (struct mw_growth){.mmap_count = 9}); /* left over under this PID */
	assert_int_equal(fork_of(&process.thread[0]), 0);
	record(MW_EVENT_FORK, sizeof(struct mw_event_fork));
	assert_int_equal(growth_of(TGID)->mmap_count, 0);
	assert_int_equal(growth_of(TGID)->brk_last, 0x31000); /* as the parent's, at this moment */
}

static void test_thread_is_no_fork(void **state)
{
	(void)state;
	fork_of(&process.thread[1]);
	assert_int_equal(host.submitted_count, 0);
	assert_int_equal(host_count(&mw_growth), 0);
}

static void test_fork_is_not_named(void **state)
{
	(void)state;
	set_target(9);
	fork_of(&process.thread[0]);
	assert_int_equal(host.submitted_count, 0);
	assert_int_equal(host_count(&mw_growth), 0);
}

static void test_fork_when_full(void **state)
{
	(void)state;
	host.max_entries = 0;
	fork_of(&process.thread[0]);
	assert_int_equal(host.lost[MW_LOST_PROCS], 1);
	assert_int_equal(host.submitted_count, 1); /* the record goes all the same */
	host.ring_is_full = true;
	fork_of(&process.thread[0]);
	assert_int_equal(host.lost[MW_LOST_RING], 1);
	assert_int_equal(host.submitted_count, 1);
}

/* ---- exec ---- */

static void test_exec(void **state)
{
	struct mw_event_exec *e;

	(void)state;
	set_growth(TGID, (struct mw_growth){.brk_last = 0x999000, .mmap_count = 3});
	exec_as("/usr/bin/node");
	e = record(MW_EVENT_EXEC, sizeof(*e));
	assert_string_equal(e->path, "/usr/bin/node");
	/* A new address space has a new break; what it did before still counts. */
	assert_int_equal(growth_of(TGID)->brk_last, 0x31000);
	assert_int_equal(growth_of(TGID)->mmap_count, 3);
}

static void test_exec_paths(void **state)
{
	char path[2 * MW_PATH_LEN];
	struct mw_event_exec *e;

	(void)state;
	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	exec_as(path);
	e = record(MW_EVENT_EXEC, sizeof(*e));
	assert_int_equal(strlen(e->path), MW_PATH_LEN - 1);
	assert_null(growth_of(TGID)); /* exec alone makes no entry */
	host.submitted_count = 0;
	free(e);
	exec_as(NULL); /* unreadable */
	e = record(MW_EVENT_EXEC, sizeof(*e));
	assert_string_equal(e->path, "");
}

static void test_exec_of_targets(void **state)
{
	(void)state;
	set_target(TGID + 1);
	exec_as("/bin/sh");
	assert_int_equal(host.submitted_count, 0);
	set_target(TGID);
	exec_as("/bin/sh");
	record(MW_EVENT_EXEC, sizeof(struct mw_event_exec));
}

/* ---- exit ---- */

static void test_exit(void **state)
{
	struct mw_event_exit *e;

	(void)state;
	set_growth(TGID, (struct mw_growth){.mmap_count = 3});
	process.signal.maxrss = 4000;
	process.thread[0].exit_code = 3 << 8;
	exit_of(&process.thread[0], true);
	e = record(MW_EVENT_EXIT, sizeof(*e));
	assert_int_equal(e->code, 3 << 8);
	assert_int_equal(e->has_task, 0); /* before 6.16 the mm is gone here */
	assert_int_equal(e->task.pid, TGID);
	assert_int_equal(e->task.peak_rss_pages, 4000);
	assert_int_equal(e->task.anon_pages, 0);
	assert_int_equal(e->task.minflt, 500 + 10 + 20 + 40);
	assert_int_equal(e->task.growth.mmap_count, 3);
	assert_int_equal(e->task.flags, MW_TASK_GROWTH);
	assert_null(growth_of(TGID));
}

static void test_exit_that_sees_the_mm(void **state)
{
	struct mw_event_exit *e;

	(void)state;
	config->exit_has_group_dead = config->exit_sees_mm = 1;
	process.signal.maxrss = 4000; /* of what it was before exec: not its own */
	exit_of(&process.thread[0], true);
	e = record(MW_EVENT_EXIT, sizeof(*e));
	assert_int_equal(e->has_task, 1);
	process_assert_task(&e->task, &process);
	process.thread[0].mm = NULL; /* it was a kernel thread, or had none any more */
	host.submitted_count = 0;
	free(e);
	exit_of(&process.thread[0], true);
	e = record(MW_EVENT_EXIT, sizeof(*e));
	assert_int_equal(e->has_task, 0);
	assert_int_equal(e->task.peak_rss_pages, 4000);
}

static void test_only_the_last_thread_exits(void **state)
{
	(void)state;
	set_growth(TGID, (struct mw_growth){0});
	for (int has_argument = 0; has_argument < 2; has_argument++) {
		config->exit_has_group_dead = has_argument;
		exit_of(&process.thread[0], false); /* the leader may go before its threads */
		exit_of(&process.thread[1], false);
		assert_int_equal(host.submitted_count, 0);
		assert_non_null(growth_of(TGID));
	}
	exit_of(&process.thread[2], true);
	record(MW_EVENT_EXIT, sizeof(struct mw_event_exit)); /* with the leader's identity */
	assert_null(growth_of(TGID));
}

/* Since 6.16 the argument tells, whatever the counter says; its upper bits are not defined. */
static void test_argument_of_exit(void **state)
{
	__u64 ctx[] = {(__u64)&process.thread[0], 0xdead00};

	(void)state;
	config->exit_has_group_dead = 1;
	process.signal.live.counter = 0;
	mw_exit(ctx);
	assert_int_equal(host.submitted_count, 0);
	ctx[1] |= 1;
	process.signal.live.counter = 7;
	mw_exit(ctx);
	assert_int_equal(host.submitted_count, 1);
}

/* exit_group() and fatal signals leave the status with the group; exit() with the leader. */
static void test_exit_code(void **state)
{
	struct mw_event_exit *e;

	(void)state;
	process.signal.group_exit_code = 9;
	process.thread[0].exit_code = 3 << 8;
	process.thread[1].exit_code = 4 << 8;
	set_growth(TGID, (struct mw_growth){0});
	exit_of(&process.thread[1], true);
	e = record(MW_EVENT_EXIT, sizeof(*e));
	assert_int_equal(e->code, 3 << 8);
	host.submitted_count = 0;
	free(e);
	process.signal.flags = SIGNAL_GROUP_EXIT | 0x10;
	set_growth(TGID, (struct mw_growth){0});
	exit_of(&process.thread[1], true);
	e = record(MW_EVENT_EXIT, sizeof(*e));
	assert_int_equal(e->code, 9);
}

/* Whether or not the record goes, the entry must. */
static void test_exit_always_forgets(void **state)
{
	(void)state;
	set_growth(TGID, (struct mw_growth){0});
	host.ring_is_full = true;
	exit_of(&process.thread[0], true);
	assert_int_equal(host.lost[MW_LOST_RING], 1);
	assert_null(growth_of(TGID));
	host.ring_is_full = false;
	set_growth(TGID, (struct mw_growth){0});
	set_target(TGID + 1);
	exit_of(&process.thread[0], true);
	assert_int_equal(host.submitted_count, 0);
	assert_null(growth_of(TGID));
	exit_of(&process.thread[0], true); /* had none */
	assert_int_equal(host.submitted_count, 0);
}

/* ---- waking user space ---- */

static void test_wakes_when_half_full(void **state)
{
	static const struct {
		__u64 waiting, flags;
	} cases[] = {
		{0, BPF_RB_NO_WAKEUP},
		{MW_RING_BYTES / 2, BPF_RB_NO_WAKEUP},
		{MW_RING_BYTES / 2 + 8, BPF_RB_FORCE_WAKEUP},
		{MW_RING_BYTES, BPF_RB_FORCE_WAKEUP},
	};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		host.ring_waiting = cases[i].waiting;
		fork_of(&process.thread[0]);
		assert_int_equal(host.submitted[i].flags, cases[i].flags);
	}
}

/* ---- PID namespaces ---- */

static void test_pid_namespace(void **state)
{
	static struct pid_namespace root = {{1}}, ours = {{2}}, sibling = {{3}};
	static struct pid nested = {2, {{TGID, &root}, {30, &ours}, {4, &sibling}}};
	static struct pid beside = {1, {{TGID, &root}, {31, &sibling}}};
	static struct pid above = {0, {{TGID, &root}}};
	struct mw_event_header *h;

	(void)state;
	mw_pidns = (struct mw_pidns){.level = 1, .inum = 2};
	process.parent.thread_pid = &above;
	process.thread[0].thread_pid = &beside;
	fork_of(&process.thread[0]);
	process.thread[0].thread_pid = &above;
	fork_of(&process.thread[0]);
	process.thread[0].thread_pid = NULL;
	fork_of(&process.thread[0]);
	assert_int_equal(host.submitted_count, 0);
	process.thread[0].thread_pid = &nested;
	fork_of(&process.thread[0]);
	assert_int_equal(host.submitted_count, 1);
	h = host.submitted[0].data;
	assert_int_equal(h->pid, 30);
	assert_int_equal(h->ppid, 0);	  /* the parent is outside */
	assert_non_null(growth_of(TGID)); /* counters go by the global id */
}

static void test_learning_the_namespace(void **state)
{
	static struct pid_namespace root = {{1}}, ours = {{2}};
	static struct pid self = {1, {{TGID, &root}, {1, &ours}}};

	(void)state;
	process.thread[0].thread_pid = &self;
	mw_pidns_learn();
	assert_int_equal(mw_pidns.level, 1);
	assert_int_equal(mw_pidns.inum, 2);
	assert_int_equal(mw_pid_of(&process.thread[0]), 1);
}

/* ---- OOM ---- */

static struct mw_event_oom *oom_record(void)
{
	for (unsigned i = 0; i < host.submitted_count; i++)
		free(host.submitted[i].data);
	host.submitted_count = 0;
	assert_int_equal(oom_of(&process.thread[1]), 0);
	return record(MW_EVENT_OOM, sizeof(struct mw_event_oom));
}

static void limit(int level, unsigned long max, long usage)
{
	process.memcg[level].memory.max = max;
	process.memcg[level].memory.usage.counter = usage;
}

static void test_oom(void **state)
{
	struct mw_event_oom *e;

	(void)state;
	process_set_levels(&process, 3);
	e = oom_record();
	process_assert_task(&e->task, &process);
	assert_int_equal(e->cgroup_id, 42);
	assert_int_equal(e->memcg_known, 1);
	assert_int_equal(e->limit_cgroup_id, 0); /* no limit ran out: the machine's memory did */
	assert_int_equal(e->limit_bytes, 0);
	assert_int_equal(e->usage_bytes, 0);
	config->cgroup_v1 = 1;
	assert_int_equal(oom_record()->cgroup_id, 70);
	host.ring_is_full = true;
	oom_of(&process.thread[0]);
	assert_int_equal(host.lost[MW_LOST_RING], 1);
}

/* Where processes are named, others' ends are none of the watch's business. */
static void test_oom_of_others(void **state)
{
	(void)state;
	set_target(TGID + 1);
	assert_int_equal(oom_of(&process.thread[1]), 0);
	assert_int_equal(host.submitted_count, 0);
	set_target(TGID);
	oom_record();
}

static void test_limit_of_each_level(void **state)
{
	(void)state;
	for (int level = 0; level < MW_CGROUP_DEPTH; level++) {
		struct mw_event_oom *e;

		process_init(&process, TGID);
		limit(level, 10000, 10000);
		limit(level + 1, 20000,
		      20000); /* one above has run out as well: the nearest counts */
		e = oom_record();
		assert_int_equal(e->limit_cgroup_id, 70 + level);
		assert_int_equal(e->limit_level, level);
		assert_int_equal(e->limit_bytes, 10000 << 12);
		assert_int_equal(e->usage_bytes, 10000 << 12);
	}
}

/* Deeper than is searched: not found, and no endless walk. */
static void test_limit_too_far_up(void **state)
{
	struct mw_event_oom *e;

	(void)state;
	limit(MW_CGROUP_DEPTH, 10000, 10000);
	e = oom_record();
	assert_int_equal(e->limit_cgroup_id, 0);
	process.memcg[0].css.parent = &process.memcg[0].css; /* a ring */
	e = oom_record();
	assert_int_equal(e->limit_cgroup_id, 0);
}

static void test_limits_that_did_not_run_out(void **state)
{
	(void)state;
	limit(0, 10000, 10000 - SLACK - 1);
	limit(1, NO_LIMIT, 50000);
	assert_int_equal(oom_record()->limit_cgroup_id, 0);
	limit(0, 10000, 10000 - SLACK); /* the charge that was refused is not in it */
	assert_int_equal(oom_record()->limit_cgroup_id, 70);
	limit(0, 10000, 10500); /* over: the limit was lowered */
	assert_int_equal(oom_record()->limit_cgroup_id, 70);
}

static void test_no_memory_cgroup(void **state)
{
	(void)state;
	process.css_set.subsys[memory_cgrp_id] = NULL;
	assert_int_equal(oom_record()->memcg_known, 0);
	process_init(&process, TGID);
	host.has_memcg = false; /* CONFIG_MEMCG=n */
	limit(0, 10000, 10000);
	assert_int_equal(oom_record()->memcg_known, 0);
	assert_int_equal(oom_record()->limit_cgroup_id, 0);
	config->cgroup_v1 = 1;
	assert_int_equal(oom_record()->cgroup_id, 0);
}

/* ---- OOM where only the PID is told ---- */

static void test_oom_by_pid(void **state)
{
	static struct task_struct killer = {.pid = 7, .tgid = 7, .group_leader = &killer};
	struct mw_event_oom *e;

	(void)state;
	host.current = &killer;
	host.pid_tgid = 7ULL << 32 | 7;
	limit(0, 10000, 10000);
	kill_and_mark(&process.thread[1], MW_SEND_SIG_PRIV, TGID + 1);
	e = record(MW_EVENT_OOM, sizeof(*e));
	assert_int_equal(e->has_task, 1);
	assert_int_equal(e->limit_cgroup_id, 70);
	process_assert_task(&e->task, &process);
}

/* The killer is the victim, or was dying already. */
static void test_oom_of_current(void **state)
{
	unsigned long long mark[] = {TGID};
	struct mw_event_oom *e;

	(void)state;
	host.pid_tgid = (__u64)TGID << 32 | TGID;
	assert_int_equal(mw_oom_pid(mark), 0);
	e = record(MW_EVENT_OOM, sizeof(*e));
	process_assert_task(&e->task, &process);
}

static void assert_unknown(__u32 pid)
{
	struct mw_event_oom *e = host.submitted[0].data;

	assert_int_equal(host.submitted_count, 1);
	assert_int_equal(e->h.pid, pid);
	assert_int_equal(e->h.start_ns, 0);
	assert_int_equal(e->has_task, 0);
	assert_int_equal(e->cgroup_id, 0);
	assert_int_equal(e->limit_cgroup_id, 70); /* the killer's */
}

/* No note that is surely this victim's: only the PID is reported. */
static void test_oom_of_unknown(void **state)
{
	static struct task_struct other = {.pid = 900, .tgid = 900, .group_leader = &other};

	(void)state;
	host.pid_tgid = (__u64)TGID << 32 | (TGID + 1);
	limit(0, 10000, 10000);
	kill_and_mark(&other, 0, 900); /* killed by a user */
	assert_unknown(900);
	free(host.submitted[0].data);
	host.submitted_count = 0;
	kill_and_mark(&other, MW_SEND_SIG_PRIV, 901); /* another was killed */
	assert_unknown(901);
	free(host.submitted[0].data);
	host.submitted_count = 0;
	host.pid_tgid++; /* by another killer on this CPU */
	assert_int_equal(mw_oom_pid((unsigned long long[]){900}), 0);
	assert_unknown(900);
	mw_pidns.level = 1; /* whose number nobody here knows */
	assert_int_equal(mw_oom_pid((unsigned long long[]){902}), 0);
	assert_int_equal(host.submitted_count, 1);
}

#define IN_KERNEL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_KERNEL(test_fork),
		IN_KERNEL(test_thread_is_no_fork),
		IN_KERNEL(test_fork_is_not_named),
		IN_KERNEL(test_fork_when_full),
		IN_KERNEL(test_exec),
		IN_KERNEL(test_exec_paths),
		IN_KERNEL(test_exec_of_targets),
		IN_KERNEL(test_exit),
		IN_KERNEL(test_exit_that_sees_the_mm),
		IN_KERNEL(test_only_the_last_thread_exits),
		IN_KERNEL(test_argument_of_exit),
		IN_KERNEL(test_exit_code),
		IN_KERNEL(test_exit_always_forgets),
		IN_KERNEL(test_wakes_when_half_full),
		IN_KERNEL(test_pid_namespace),
		IN_KERNEL(test_learning_the_namespace),
		IN_KERNEL(test_oom),
		IN_KERNEL(test_oom_by_pid),
		IN_KERNEL(test_oom_of_current),
		IN_KERNEL(test_oom_of_unknown),
		IN_KERNEL(test_oom_of_others),
		IN_KERNEL(test_limit_of_each_level),
		IN_KERNEL(test_limit_too_far_up),
		IN_KERNEL(test_limits_that_did_not_run_out),
		IN_KERNEL(test_no_memory_cgroup),
	};

	return cmocka_run_group_tests_name("bpf/lifecycle", tests, NULL, NULL);
}

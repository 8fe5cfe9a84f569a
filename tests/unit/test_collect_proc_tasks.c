/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Totals from /proc: hostile names, what is missing, threads, the heap; and this process's own. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect/proc_tasks.h"
#include "tree.h"

#define PAGE_SHIFT 12
#define KIB_PAGES  4

/* From state to the start of the code. */
#define STAT(flags, threads)                                                                       \
	" S 7 7 7 0 -1 " flags " 501 9 12 9 1 2 3 4 20 0 " threads " 0 4242 99 88 77 1\n"

#define STATUS_HEAD "Name:\tx\nState:\tS (sleeping)\n"
#define SIZES                                                                                      \
	"VmPeak:\t  999 kB\nVmSize:\t  400 kB\nVmHWM:\t  200 kB\nVmRSS:\t  140 kB\n"               \
	"RssAnon:\t  80 kB\nRssFile:\t  40 kB\nRssShmem:\t  20 kB\nVmData:\t  120 kB\n"            \
	"VmStk:\t  132 kB\nVmExe:\t  4 kB\nVmPTE:\t  56 kB\nVmSwap:\t  8 kB\nThreads:\t1\n"
#define MAPS_HEAP                                                                                  \
	"400000-401000 r-xp 00000000 00:01 5 /bin/x\n"                                             \
	"5000000-5021000 rw-p 00000000 00:00 0                   [heap]\n"                         \
	"7000000-7001000 rw-p 00000000 00:00 0                   [stack]\n"

static void put_process(const char *stat, const char *status, const char *maps)
{
	put("42/stat", stat);
	put("42/status", status);
	put("42/maps", maps);
}

static int read_process(uint32_t pid, struct mw_task *out)
{
	int proc = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	assert_true(proc >= 0);
	err = proc_task_read(proc, pid, PAGE_SHIFT, out);
	close(proc);
	return err;
}

static void assert_sizes(const struct mw_task *t)
{
	assert_int_equal(t->vm_pages, 400 / KIB_PAGES);
	assert_int_equal(t->peak_rss_pages, 200 / KIB_PAGES);
	assert_int_equal(t->anon_pages, 80 / KIB_PAGES);
	assert_int_equal(t->file_pages, 40 / KIB_PAGES);
	assert_int_equal(t->shmem_pages, 20 / KIB_PAGES);
	assert_int_equal(t->data_pages, 120 / KIB_PAGES);
	assert_int_equal(t->stack_pages, 132 / KIB_PAGES);
	assert_int_equal(t->pgtable_bytes, 56 << 10);
	assert_int_equal(t->swap_pages, 8 / KIB_PAGES);
}

static void test_process(void **state)
{
	struct mw_task t;

	(void)state;
	put_process("42 (x)" STAT("4194304", "1"), STATUS_HEAD SIZES, MAPS_HEAP);
	assert_int_equal(read_process(42, &t), 0);
	assert_int_equal(t.pid, 42);
	assert_int_equal(t.ppid, 7);
	assert_string_equal(t.comm, "x");
	assert_int_equal(t.minflt, 501);
	assert_int_equal(t.majflt, 12);
	assert_int_equal(t.threads, 1);
	assert_int_equal(t.start_ns, 4242ULL * proc_start_unit_ns());
	assert_int_equal(t.brk_bytes, 0x21000);
	assert_int_equal(t.flags, 0);
	assert_sizes(&t);
}

/* Names hold anything, up to 15 bytes; longer ones are the kernel's own threads'. */
static void test_hostile_names(void **state)
{
	static const struct {
		const char *name, *comm;
	} cases[] = {
		{"", ""},
		{")", ")"},
		{"((", "(("},
		{") S 1 1 1 1", ") S 1 1 1 1"},
		{"a) Z 9 9 9", "a) Z 9 9 9"},
		{"new\nline", "new\nline"},
		{"\n42 (x) R 1", "\n42 (x) R 1"},
		{"\xff\x1b[31m%s%n", "\xff\x1b[31m%s%n"},
		{"0123456789abcdefXYZ", "0123456789abcde"},
	};
	char stat[512];
	struct mw_task t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(stat, sizeof(stat), "42 (%s)%s", cases[i].name, STAT("64", "1"));
		put_process(stat, "Name:\tVmSize:\\t1 kB\n" SIZES, MAPS_HEAP);
		assert_int_equal(read_process(42, &t), 0);
		assert_string_equal(t.comm, cases[i].comm);
		assert_int_equal(t.ppid, 7);
		assert_int_equal(t.start_ns, 4242ULL * proc_start_unit_ns());
		assert_sizes(&t);
	}
}

/* A process of many groups has a line of any length before its sizes; its middle is no key. */
static void test_long_lines(void **state)
{
	static char status[1 << 16];
	size_t len = (size_t)snprintf(status, sizeof(status), STATUS_HEAD "Groups:\t");
	struct mw_task t;

	(void)state;
	while (len < sizeof(status) - 4096)
		len += (size_t)snprintf(status + len, sizeof(status) - len, "VmSize: 1 kB ");
	snprintf(status + len, sizeof(status) - len, "\n" SIZES);
	put_process("42 (x)" STAT("0", "1"), status, MAPS_HEAP);
	assert_int_equal(read_process(42, &t), 0);
	assert_sizes(&t);
}

static void test_no_process(void **state)
{
	static const char *const stats[] = {
		"",
		"42",
		"42 (x",
		"42 x)",
		"42 )x(" STAT("0", "1"),
		"42 (x)",
		"42 (x) S 1 2 3",
		"42 (x)" STAT("2129984", "1"), /* a kernel thread, also with somebody's memory */
	};
	struct mw_task t;

	(void)state;
	assert_int_equal(read_process(43, &t), -ESRCH);
	for (size_t i = 0; i < sizeof(stats) / sizeof(stats[0]); i++) {
		put_process(stats[i], STATUS_HEAD SIZES, MAPS_HEAP);
		assert_int_equal(read_process(42, &t), -ESRCH);
	}
	put_process("42 (x)" STAT("0", "1"), STATUS_HEAD "Threads:\t1\n", ""); /* a zombie */
	assert_int_equal(read_process(42, &t), -ESRCH);
	put_process("42 (x)" STAT("0", "1"), "", "");
	assert_int_equal(read_process(42, &t), -ESRCH);
	put("44/status", STATUS_HEAD SIZES);
	assert_int_equal(read_process(44, &t), -ESRCH);
}

/* The first thread has ended: its threads have the memory. */
static void test_leader_is_gone(void **state)
{
	struct mw_task t;

	(void)state;
	put_process("42 (x)" STAT("0", "3"), STATUS_HEAD, MAPS_HEAP);
	assert_int_equal(read_process(42, &t), -ESRCH); /* and so have its threads, just now */
	put("42/task/42/status", STATUS_HEAD);
	put("42/task/43/status", STATUS_HEAD SIZES);
	assert_int_equal(read_process(42, &t), 0);
	assert_int_equal(t.threads, 3);
	assert_sizes(&t);
}

static void test_heap(void **state)
{
	static const struct {
		const char *maps;
		uint64_t bytes;
	} cases[] = {
		{"400000-401000 r-xp 00000000 00:01 5 /bin/x\n", 0},
		{"5000-6000 rw-p 0 00:01 5 /tmp/[heap]\n", 0}, /* a file of that name */
		{"5000-6000 rw-p 0 00:01 5 /tmp/\\012 [heap]\n", 0},
		/* cut in three by mprotect() */
		{"5000-6000 rw-p 0 00:00 0 [heap]\n6000-7000 ---p 0 00:00 0 [heap]\n"
		 "7000-9000 rw-p 0 00:00 0 [heap]\na000-b000 rw-p 0 00:00 0 \n",
		 0x4000},
		{"nonsense [heap]\n", 0},
	};
	struct mw_task t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_process("42 (x)" STAT("0", "1"), STATUS_HEAD SIZES, cases[i].maps);
		assert_int_equal(read_process(42, &t), 0);
		assert_int_equal(t.brk_bytes, cases[i].bytes);
		assert_int_equal(t.flags, 0);
	}
	put_process("42 (x)" STAT("0", "1"), STATUS_HEAD SIZES, ""); /* not ours to see */
	assert_int_equal(read_process(42, &t), 0);
	assert_int_equal(t.flags, MW_TASK_HEAP_UNKNOWN);
}

static void test_itself(void **state)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), status;
	struct mw_task t;
	pid_t child;

	(void)state;
	assert_true(proc >= 0);
	assert_int_equal(proc_task_read(proc, (uint32_t)getpid(), PAGE_SHIFT, &t), 0);
	assert_int_equal(t.ppid, getppid());
	assert_true(t.anon_pages > 0 && t.vm_pages > t.anon_pages && t.threads >= 1);
	assert_true(t.start_ns > 0 && t.peak_rss_pages >= t.anon_pages);
	child = fork();
	if (!child)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)child, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	assert_int_equal(proc_task_read(proc, (uint32_t)child, PAGE_SHIFT, &t), -ESRCH);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(proc_task_read(proc, (uint32_t)child, PAGE_SHIFT, &t), -ESRCH);
	close(proc);
}

/* Running, ended and not waited for, gone. */
static void test_running(void **state)
{
	siginfo_t ended;
	pid_t pid = fork();

	(void)state;
	assert_true(proc_is_running(getpid()));
	if (!pid)
		_exit(0);
	assert_true(pid > 0);
	assert_int_equal(waitid(P_PID, pid, &ended, WEXITED | WNOWAIT), 0);
	assert_false(proc_is_running(pid));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(proc_is_running(pid));
}

static void test_exact(void **state)
{
	(void)state;
	assert_true(proc_sizes_are_exact("5.10.0-46-cloud-amd64"));
	assert_true(proc_sizes_are_exact("6.1.0-56-cloud-amd64"));
	assert_false(proc_sizes_are_exact("6.2.0"));
	assert_false(proc_sizes_are_exact("6.15.3"));
	assert_true(proc_sizes_are_exact("6.16.1"));
	assert_true(proc_sizes_are_exact("7.0.13+deb13-cloud-amd64"));
	assert_false(proc_sizes_are_exact("linux"));
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(test_process),	       IN_TREE(test_hostile_names),
		IN_TREE(test_long_lines),      IN_TREE(test_no_process),
		IN_TREE(test_leader_is_gone),  IN_TREE(test_heap),
		cmocka_unit_test(test_itself), cmocka_unit_test(test_running),
		cmocka_unit_test(test_exact),
	};

	return cmocka_run_group_tests_name("collect/proc_tasks", tests, NULL, NULL);
}

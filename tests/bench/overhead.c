// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * overhead.c - what being watched costs a process: page faults, a system call
 * that memwatch does not want (getppid), and one pair that it counts.
 *
 *	overhead MEMWATCH [CYCLES [SETTLED_SECONDS]]
 *
 * One process does the three in turns, a few milliseconds each, all the time,
 * and logs each batch in CPU time (so that being preempted does not count).
 * memwatch comes and goes around it: off, A, off, B, off, ... with the variants
 * in an order of chance in each cycle. Each on-segment is compared with the
 * mean of the off-segments before and after it. "nothing" starts no memwatch:
 * how far it is from 1 is what the machine's own noise makes of no difference.
 *
 * --budget 0: shedding would hide the cost. Two longer runs then show what the
 * default budget makes of it, once it has settled.
 */
#include <sys/syscall.h>

#include "bench.h"

enum loop { LOOP_FAULT, LOOP_GETPPID, LOOP_MMAP, LOOPS };

static const char *const loop_names[LOOPS] = {"fault", "getppid", "mmap"};

#define FAULT_BYTES (8UL * 1024 * 1024)
#define LOG_CAP	    (1U << 19)

/* Written by the victim: CPU ns an iteration, a value a batch. */
struct log {
	unsigned count[LOOPS];
	double ns[LOOPS][LOG_CAP];
};

/* --- the victim --- */

static unsigned long batch_fault(char *region, size_t page)
{
	for (volatile char *p = region; p < region + FAULT_BYTES; p += page)
		*p = 1;
	syscall(SYS_madvise, region, FAULT_BYTES, MADV_DONTNEED);
	return FAULT_BYTES / page;
}

static unsigned long batch_getppid(void)
{
	for (unsigned i = 0; i < 20000; i++)
		syscall(SYS_getppid);
	return 20000;
}

static unsigned long batch_mmap(size_t page)
{
	for (unsigned i = 0; i < 1000; i++) {
		long p = syscall(SYS_mmap, NULL, page, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		syscall(SYS_munmap, p, page);
	}
	return 1000;
}

__attribute__((noreturn)) static void victim(struct log *log)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *region;

	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	prctl(PR_SET_NAME, "bench-victim");
	pin_to_cpu((int)sysconf(_SC_NPROCESSORS_ONLN) - 1);
	region =
		mmap(NULL, FAULT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (region == MAP_FAILED)
		_exit(1);
	for (unsigned turn = 0;; turn++) {
		enum loop loop = turn % LOOPS;
		unsigned i = __atomic_load_n(&log->count[loop], __ATOMIC_RELAXED);
		uint64_t before = read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
		unsigned long n;

		if (loop == LOOP_FAULT)
			n = batch_fault(region, page);
		else
			n = loop == LOOP_GETPPID ? batch_getppid() : batch_mmap(page);
		if (i == LOG_CAP)
			continue;
		log->ns[loop][i] =
			(double)(read_clock_ns(CLOCK_THREAD_CPUTIME_ID) - before) / (double)n;
		__atomic_store_n(&log->count[loop], i + 1, __ATOMIC_RELEASE);
	}
}

/* --- segments --- */

struct segment {
	double ns[LOOPS];
};

/*
 * The mean without the slowest 2 % (interrupts, a neighbour's burst). Not the
 * median: memwatch measures itself a tenth of the time, and that counts.
 */
static double robust_mean(double *ns, unsigned count)
{
	unsigned kept = count - count / 50;
	double sum = 0;

	qsort(ns, count, sizeof(*ns), compare_doubles);
	for (unsigned i = 0; i < kept; i++)
		sum += ns[i];
	return sum / kept;
}

static struct segment measure(struct log *log, uint64_t duration_ns)
{
	static double ns[LOG_CAP];
	struct segment s;
	unsigned first[LOOPS];

	for (int loop = 0; loop < LOOPS; loop++)
		first[loop] = __atomic_load_n(&log->count[loop], __ATOMIC_ACQUIRE);
	sleep_ns(duration_ns);
	for (int loop = 0; loop < LOOPS; loop++) {
		unsigned end = __atomic_load_n(&log->count[loop], __ATOMIC_ACQUIRE);

		if (end < first[loop] + 5)
			die("only %u batches of %s: the victim does not get the CPU",
			    end - first[loop], loop_names[loop]);
		/* The first batch began before. */
		memcpy(ns, &log->ns[loop][first[loop] + 1], (end - first[loop] - 1) * sizeof(*ns));
		s.ns[loop] = robust_mean(ns, end - first[loop] - 1);
	}
	return s;
}

/* --- variants --- */

#define ON_NS	 (600 * NS_PER_MS)
#define OFF_NS	 (400 * NS_PER_MS)
#define REST_NS	 (50 * NS_PER_MS)  /* for the kernel to free what was detached */
#define START_NS (250 * NS_PER_MS) /* about what memwatch needs to start */

static char victim_pid[16];

static const struct variant {
	const char *name;
	const char *args[MEMWATCH_ARGS];
} variants[] = {
	{"nothing", {NULL}},
	{"targeted", {"--budget", "0", "-p", victim_pid}},
	{"system", {"--budget", "0"}},
	{"system_no_calls", {"--budget", "0", "--without", "calls"}},
	{"system_no_calls_faults", {"--budget", "0", "--without", "calls,faults"}},
	/* The rest with the default budget, in longer runs. */
	{"targeted", {"-p", victim_pid}},
	{"system", {NULL}},
};
#define NOTHING	  0
#define UNLIMITED 5
#define VARIANTS  (sizeof(variants) / sizeof(variants[0]))

struct result {
	struct series ratio[LOOPS], added_ns[LOOPS], off_ns[LOOPS];
	char said[1024];
};

static struct segment run_variant(const char *program, const struct variant *v, struct log *log,
				  uint64_t settle_ns, uint64_t duration_ns, char *said, size_t size)
{
	struct memwatch m;
	struct segment s;

	if (v == &variants[NOTHING]) {
		sleep_ns(START_NS);
		return measure(log, duration_ns);
	}
	m = memwatch_start(program, v->args, -1);
	sleep_ns(settle_ns);
	s = measure(log, duration_ns);
	memwatch_stop(&m, said, size);
	sleep_ns(REST_NS);
	return s;
}

static void add_pair(struct result *r, const struct segment *before, const struct segment *on,
		     const struct segment *after)
{
	for (int loop = 0; loop < LOOPS; loop++) {
		double off = (before->ns[loop] + after->ns[loop]) / 2;

		series_add(&r->ratio[loop], on->ns[loop] / off);
		series_add(&r->added_ns[loop], on->ns[loop] - off);
		series_add(&r->off_ns[loop], off);
	}
}

static void print_result(const struct variant *v, const struct result *r, bool is_limited)
{
	for (int loop = 0; loop < LOOPS; loop++) {
		printf("{\"bench\":\"overhead\",\"loop\":\"%s\",\"variant\":\"%s\",\"budget\":\"%"
		       "s\",",
		       loop_names[loop], v->name, is_limited ? "default" : "none");
		print_estimate("ratio", &r->ratio[loop]);
		putchar(',');
		print_estimate("added_ns", &r->added_ns[loop]);
		putchar(',');
		print_estimate("off_ns", &r->off_ns[loop]);
		printf(",\"said\":\"");
		for (const char *c = r->said; *c; c++)
			if ((unsigned char)*c >= ' ' && *c != '"' && *c != '\\')
				putchar(*c);
		printf("\"}\n");
	}
}

int main(int argc, char **argv)
{
	static struct result results[VARIANTS];
	unsigned order[UNLIMITED] = {0, 1, 2, 3, 4};
	int cycles = argc > 2 ? atoi(argv[2]) : 12, settled_s = argc > 3 ? atoi(argv[3]) : 3;
	struct log *log =
		mmap(NULL, sizeof(*log), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct segment before, on, after;
	pid_t parent = getpid(), pid;
	uint64_t random = 20260101;

	if (argc < 2)
		die("usage: overhead MEMWATCH [CYCLES [SETTLED_SECONDS]]");
	pid = log == MAP_FAILED ? -1 : fork();
	if (pid < 0)
		die("cannot start the victim: %s", strerror(errno));
	if (!pid) {
		die_with_parent(parent);
		victim(log);
	}
	snprintf(victim_pid, sizeof(victim_pid), "%d", (int)pid);
	sleep_ns(500 * NS_PER_MS);
	before = measure(log, OFF_NS);
	for (int cycle = 0; cycle < cycles; cycle++) {
		shuffle(order, UNLIMITED, &random);
		for (unsigned i = 0; i < UNLIMITED; i++) {
			on = run_variant(argv[1], &variants[order[i]], log, 0, ON_NS, NULL, 0);
			after = measure(log, OFF_NS);
			add_pair(&results[order[i]], &before, &on, &after);
			before = after;
		}
	}
	for (unsigned i = UNLIMITED; i < VARIANTS; i++) {
		on = run_variant(argv[1], &variants[i], log, (uint64_t)settled_s * NS_PER_S,
				 (uint64_t)settled_s * NS_PER_S, results[i].said,
				 sizeof(results[i].said));
		after = measure(log, OFF_NS);
		add_pair(&results[i], &before, &on, &after);
		before = after;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (unsigned i = 0; i < VARIANTS; i++)
		print_result(&variants[i], &results[i], i >= UNLIMITED);
	return 0;
}

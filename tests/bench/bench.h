/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the benchmarks share: robust statistics, memwatch as a child, and a
 * result as one JSON object a line on stdout.
 *
 * The machine is noisy and others work on it. So nothing here is a mean of a
 * run: variants alternate in short segments, each is compared with its own
 * neighbours in time, and what is shown is the median of those pairs with a
 * bootstrapped 95 % interval.
 */
#ifndef BENCH_H
#define BENCH_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S  1000000000ULL
#define NS_PER_MS 1000000ULL

__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static inline uint64_t read_clock_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static inline void sleep_ns(uint64_t ns)
{
	struct timespec left = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

/* --- chance, the same in each run --- */

static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline void shuffle(unsigned *list, unsigned count, uint64_t *state)
{
	for (unsigned i = count; i > 1; i--) {
		unsigned j = (unsigned)(next_random(state) % i), other = list[j];

		list[j] = list[i - 1];
		list[i - 1] = other;
	}
}

/* --- statistics --- */

#define SERIES_CAP 4096

struct series {
	unsigned count;
	double value[SERIES_CAP];
};

static inline void series_add(struct series *s, double value)
{
	if (s->count < SERIES_CAP)
		s->value[s->count++] = value;
}

static inline int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Sorts @v. @q in [0, 1]; between two values it is interpolated. */
static inline double quantile(double *v, unsigned count, double q)
{
	double at = q * (count - 1);
	unsigned i = (unsigned)at;

	qsort(v, count, sizeof(*v), compare_doubles);
	return i + 1 < count ? v[i] + (at - i) * (v[i + 1] - v[i]) : v[i];
}

struct estimate {
	double median, low, high; /* 95 % interval of the median */
	double q1, q3;		  /* the middle half of the values */
	unsigned count;
};

#define RESAMPLES 2000

static inline struct estimate series_estimate(const struct series *s)
{
	static double sample[SERIES_CAP], medians[RESAMPLES];
	struct estimate e = {.count = s->count};
	uint64_t state = 88172645463325252ULL;

	if (!s->count)
		die("nothing was measured");
	memcpy(sample, s->value, s->count * sizeof(*sample));
	e.median = quantile(sample, s->count, 0.5);
	e.q1 = quantile(sample, s->count, 0.25);
	e.q3 = quantile(sample, s->count, 0.75);
	for (unsigned r = 0; r < RESAMPLES; r++) {
		for (unsigned i = 0; i < s->count; i++)
			sample[i] = s->value[next_random(&state) % s->count];
		medians[r] = quantile(sample, s->count, 0.5);
	}
	e.low = quantile(medians, RESAMPLES, 0.025);
	e.high = quantile(medians, RESAMPLES, 0.975);
	return e;
}

static inline void print_estimate(const char *key, const struct series *s)
{
	struct estimate e = series_estimate(s);

	printf("\"%s\":{\"median\":%.6g,\"low\":%.6g,\"high\":%.6g,\"q1\":%.6g,\"q3\":%.6g,"
	       "\"n\":%u}",
	       key, e.median, e.low, e.high, e.q1, e.q3, e.count);
}

/* --- children --- */

/* So that a benchmark that is killed leaves nothing behind. */
static inline void die_with_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
}

static inline void pin_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("cannot run on CPU %d: %s", cpu, strerror(errno));
}

#define MEMWATCH_ARGS 16

struct memwatch {
	pid_t pid;
	int out_fd; /* a memfd: what it prints, without anyone who has to read it meanwhile */
	int err_fd;
};

static inline bool memfd_contains(int fd, const char *text)
{
	static char buffer[65536];
	ssize_t n = pread(fd, buffer, sizeof(buffer) - 1, 0);

	buffer[n > 0 ? n : 0] = '\0';
	return strstr(buffer, text) != NULL;
}

/*
 * Starts it with @args (NULL-terminated, without its name) and waits for the
 * records of its first tick: everything is attached then, and the cost of
 * loading is behind it. @cpu: where it runs; -1: anywhere.
 */
static inline struct memwatch memwatch_start(const char *program, const char *const *args, int cpu)
{
	struct memwatch m = {.out_fd = memfd_create("out", MFD_CLOEXEC),
			     .err_fd = memfd_create("err", MFD_CLOEXEC)};
	uint64_t deadline = read_clock_ns(CLOCK_MONOTONIC) + 20 * NS_PER_S;
	const char *argv[MEMWATCH_ARGS + 3] = {program, "--json"};
	pid_t parent = getpid();

	for (unsigned i = 0; i < MEMWATCH_ARGS && args[i]; i++)
		argv[i + 2] = args[i];
	m.pid = m.out_fd < 0 || m.err_fd < 0 ? -1 : fork();
	if (m.pid < 0)
		die("cannot start %s: %s", program, strerror(errno));
	if (!m.pid) {
		die_with_parent(parent);
		if (cpu >= 0)
			pin_to_cpu(cpu);
		dup2(m.out_fd, STDOUT_FILENO);
		dup2(m.err_fd, STDERR_FILENO);
		execv(program, (char **)argv);
		_exit(127);
	}
	while (!memfd_contains(m.out_fd, "\"type\":\"process\"")) {
		if (waitpid(m.pid, NULL, WNOHANG) == m.pid ||
		    read_clock_ns(CLOCK_MONOTONIC) > deadline) {
			char said[1024] = "";

			(void)!pread(m.err_fd, said, sizeof(said) - 1, 0);
			kill(m.pid, SIGKILL);
			die("%s did not come up: %s", program, said);
		}
		sleep_ns(5 * NS_PER_MS);
	}
	return m;
}

/* Ends it. @said (may be NULL): what it said on stderr. */
static inline void memwatch_stop(struct memwatch *m, char *said, size_t size)
{
	int status = 0;

	kill(m->pid, SIGTERM);
	if (waitpid(m->pid, &status, 0) != m->pid || !WIFEXITED(status) || WEXITSTATUS(status))
		die("memwatch ended with wait status %d", status);
	if (said) {
		ssize_t n = pread(m->err_fd, said, size - 1, 0);

		said[n > 0 ? n : 0] = '\0';
	}
	close(m->out_fd);
	close(m->err_fd);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Children of a test that count in memory that it sees, to tell whether they run. */
#ifndef MEMWATCH_TESTS_UNIT_CHILD_H
#define MEMWATCH_TESTS_UNIT_CHILD_H

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define CHILD_COUNTERS	 8
#define CHILD_DEADLINE_S 20

/* What parent and child share. */
struct shared {
	volatile uint64_t counters[CHILD_COUNTERS];
	volatile uint64_t ready, end, signals, signal_sum, address[4];
};

static inline struct shared *shared_new(void)
{
	void *m = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(m != MAP_FAILED);
	return m;
}

static inline void shared_free(struct shared *m)
{
	munmap(m, sizeof(*m));
}

static inline pid_t child_start(void (*run)(struct shared *m), struct shared *m)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(m);
		_exit(0);
	}
	return pid;
}

/* Its exit status, or minus the signal that ended it. */
static inline int child_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) != pid)
		assert_int_equal(errno, EINTR);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline int child_end(pid_t pid)
{
	kill(pid, SIGKILL);
	return child_wait(pid);
}

static inline void sleep_ms(unsigned ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

/* Until @condition holds; the test fails after CHILD_DEADLINE_S. */
#define await(condition)                                                                           \
	do {                                                                                       \
		time_t await_end = time(NULL) + CHILD_DEADLINE_S;                                  \
                                                                                                   \
		while (!(condition)) {                                                             \
			if (time(NULL) > await_end)                                                \
				fail_msg("never: %s", #condition);                                 \
			sleep_ms(1);                                                               \
		}                                                                                  \
	} while (0)

static inline char child_state(pid_t pid)
{
	char name[64], stat[256] = "";
	FILE *in;
	char *end;

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	in = fopen(name, "re");
	if (!in)
		return 0;
	stat[fread(stat, 1, sizeof(stat) - 1, in)] = '\0';
	fclose(in);
	end = strrchr(stat, ')');
	return end ? end[2] : 0;
}

/* A number of /proc/PID/FILE, after "NAME:". */
static inline uint64_t child_number(pid_t pid, const char *file, const char *name)
{
	char path[64], line[256];
	uint64_t value = UINT64_MAX;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	in = fopen(path, "re");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in)) {
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			value = strtoull(line + strlen(name) + 1, NULL, 10);
	}
	fclose(in);
	return value;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For tests that look at other processes: builds small programs in a directory of their own, runs
 * them, and ends them. A program prints what the test wants to know and then waits for the end of
 * its stdin.
 *
 * LIMITATIONS: a helper header, for one includer per program; after <cmocka.h>.
 */
#ifndef MEMWATCH_TESTS_PROGRAM_H
#define MEMWATCH_TESTS_PROGRAM_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct program {
	pid_t pid;
	int in; /* closing it ends the program */
	int out;
};

/* Where the tests' programs are; tests run at the top of the tree. */
#define PROGRAMS "tests/programs"

static char program_dir[64]; /* of this run; removed by program_teardown() */

static inline int program_setup(void **state)
{
	(void)state;
	snprintf(program_dir, sizeof(program_dir), "/tmp/mw-test-sym-XXXXXX");
	/* ASan's children would report leaks of compilers */
	unsetenv("LD_PRELOAD");
	return mkdtemp(program_dir) && !access(PROGRAMS, R_OK) ? 0 : -1;
}

/* The status of a shell command. */
__attribute__((format(printf, 1, 2))) static inline int program_shell(const char *fmt, ...)
{
	char command[4096];
	va_list ap;
	int status;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline int program_teardown(void **state)
{
	(void)state;
	return program_shell("rm -rf '%s'", program_dir);
}

static inline bool program_have(const char *tool)
{
	return !program_shell("command -v %s >/dev/null 2>&1", tool);
}

/* A path in the directory of this run; valid until four more calls. */
static inline const char *program_path(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", program_dir, name);
	return path;
}

/* Builds @source of tests/programs as @name, with "cc -O2 ..." as @compiler. */
static inline const char *program_build(const char *compiler, const char *source, const char *name)
{
	const char *path = program_path(name);

	if (program_shell("%s -Iinclude -w -o '%s' " PROGRAMS "/%s -pthread", compiler, path,
			  source))
		fail_msg("%s: cannot build %s", compiler, source);
	return path;
}

/* @argv[0] is the path. */
static inline struct program program_start(const char *const *argv)
{
	struct program p = {0};
	int in[2], out[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	p.pid = fork();
	assert_true(p.pid >= 0);
	if (!p.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	p.in = in[1];
	p.out = out[0];
	return p;
}

/* Exactly @len bytes of its output, within 20 seconds. */
static inline void program_read(const struct program *p, void *out, size_t len)
{
	struct pollfd fd = {.fd = p->out, .events = POLLIN};
	size_t done = 0;

	while (done < len) {
		ssize_t n;

		if (poll(&fd, 1, 20000) != 1)
			fail_msg("pid %d says nothing", p->pid);
		n = read(p->out, (char *)out + done, len - done);
		if (n <= 0)
			fail_msg("pid %d ended too soon", p->pid);
		done += (size_t)n;
	}
}

/* The next line of its output, without the newline. */
static inline void program_line(const struct program *p, char *out, size_t size)
{
	size_t len = 0;

	for (;;) {
		assert_true(len < size);
		program_read(p, out + len, 1);
		if (out[len] == '\n')
			break;
		len++;
	}
	out[len] = '\0';
}

static inline void program_stop(struct program *p)
{
	close(p->in);
	close(p->out);
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
}

#define SKIP_WITHOUT(tool)                                                                         \
	do {                                                                                       \
		if (!program_have(tool)) {                                                         \
			print_message("skipped: %s is not installed\n", tool);                     \
			skip();                                                                    \
		}                                                                                  \
	} while (0)

#endif

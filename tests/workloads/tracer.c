// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tracer.c - another tracer, such as strace or gdb: seizes one process, and lets it run on.
 *
 *	tracer PID [--wait-go] [--hold]
 *
 * All its threads, until this one ends; signals pass through. Protocol: protocol.h.
 */
#include <dirent.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "protocol.h"

static void seize_all(const char *pid)
{
	char path[64];
	const struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	tasks = opendir(path);
	if (!tasks)
		die(1, "%s: %s", path, strerror(errno));
	while ((entry = readdir(tasks)) != NULL) {
		long tid = strtol(entry->d_name, NULL, 10);

		if (tid > 0 && ptrace(PTRACE_SEIZE, (pid_t)tid, NULL, NULL))
			die(1, "cannot trace %ld: %s", tid, strerror(errno));
	}
	closedir(tasks);
}

/* Signals stop who is traced: it gets them, and runs on. */
static void let_run(void)
{
	int status;
	pid_t tid;

	while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0)
		if (WIFSTOPPED(status))
			ptrace(PTRACE_CONT, tid, NULL, (status >> 16) ? 0 : WSTOPSIG(status));
}

int main(int argc, char **argv)
{
	struct protocol protocol = {0};
	const struct option options[] = {PROTOCOL_OPTIONS(&protocol)};
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

	if (argc < 2)
		die(2, "usage: tracer PID [options]");
	options_parse(argv + 2, "PID [options]", options, sizeof(options) / sizeof(options[0]));
	protocol_init(&protocol);
	seize_all(argv[1]);
	protocol_start(&protocol);
	while (poll(&in, 1, 10) <= 0 || stdin_byte() >= 0)
		let_run();
	_exit(0);
}

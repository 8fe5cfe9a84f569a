// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * spawn.c - creates --count processes that end at once, spread over --seconds: churn for whoever
 * keeps a table of processes.
 *
 *	spawn [--count 2000] [--seconds 10] [--exec] [--wait-go] [--hold]
 *
 * fork and _exit, or with --exec vfork and exec of itself as "spawn noop". One at a time, each is
 * reaped before the next. --seconds 0 goes as fast as it can. Protocol: protocol.h.
 */
#include <sys/wait.h>

#include "protocol.h"

static void spawn_one(bool exec, const char *exe, char *const noop[])
{
	pid_t parent = getpid(), pid;
	int status;

	pid = exec ? vfork() : fork();
	if (pid < 0)
		die(1, "fork: %s", strerror(errno));
	if (!pid) {
		/* It lives for less than a ms; kill it with its parent all the same. */
		die_with_parent(parent, SIGKILL);
		if (exec)
			execv(exe, noop);
		_exit(exec ? 127 : 0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die(1, "waitpid: %s", strerror(errno));
	if (status)
		die(1, "child %d failed (wait status %#x)", (int)pid, (unsigned int)status);
}

int main(int argc, char **argv)
{
	struct protocol protocol = {0};
	unsigned long count = 2000, i;
	double seconds = 10;
	bool exec = false;
	const struct option options[] = {
		{"--count", OPTION_NUMBER, &count, "processes; 2000"},
		{"--seconds", OPTION_REAL, &seconds, "spread over; 10"},
		{"--exec", OPTION_FLAG, &exec, "each also execs"},
		PROTOCOL_OPTIONS(&protocol),
	};
	char noop_text[] = "noop";
	char *const noop[] = {program_invocation_short_name, noop_text, NULL};
	char exe[4096] = "";
	uint64_t start_ns;

	if (argc == 2 && !strcmp(argv[1], noop_text))
		_exit(0);
	options_parse(argv + 1, "[options]", options, sizeof(options) / sizeof(options[0]));
	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0)
		die(1, "/proc/self/exe: %s", strerror(errno));
	protocol_init(&protocol);
	protocol_start(&protocol);

	start_ns = now_ns();
	for (i = 1; i <= count; i++) {
		spawn_one(exec, exe, noop);
		protocol_pace(&protocol, start_ns, seconds, i, count);
	}

	say("{\"event\":\"done\",\"kind\":\"spawn\",\"bytes\":0,\"forks\":%lu,\"execs\":%lu,"
	    "\"exits\":%lu,\"seconds\":%.3f}",
	    count, exec ? count : 0, count, (double)(now_ns() - start_ns) / 1e9);
	protocol_finish(&protocol);
}

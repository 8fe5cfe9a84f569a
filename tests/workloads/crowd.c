// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * crowd.c - many small processes that do nothing until stdin ends: for what watching a full machine
 * costs.
 *
 *	crowd [--count 1000] [--bytes SIZE] [--hold]
 *
 * Says ready when all of them stand and have touched --bytes each (default none). They die with
 * this one, whatever kills it.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "protocol.h"

__attribute__((noreturn)) static void stand(pid_t parent, unsigned long bytes, int standing)
{
	char *p;

	die_with_parent(parent, SIGKILL);
	if (bytes) {
		p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			_exit(1);
		memset(p, 1, bytes);
	}
	/* Whoever reads our stdout must not wait for these. */
	if (write(standing, "", 1) != 1)
		_exit(1);
	close(standing);
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	for (;;)
		pause();
}

/* Fork them into @pids and wait until all stand. */
static void crowd_gather(pid_t *pids, unsigned long count, unsigned long bytes)
{
	pid_t parent = getpid();
	unsigned long i;
	int standing[2];
	char byte;

	if (pipe(standing))
		die(1, "pipe: %s", strerror(errno));
	for (i = 0; i < count; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			die(1, "fork %lu of %lu: %s", i + 1, count, strerror(errno));
		if (!pids[i]) {
			close(standing[0]);
			stand(parent, bytes, standing[1]);
		}
	}
	close(standing[1]);
	for (i = 0; i < count; i++)
		if (read(standing[0], &byte, 1) != 1)
			die(1, "only %lu of %lu processes stand", i, count);
	close(standing[0]);
}

/* Gone for good when we end: a test must not find the rest of them. */
static void crowd_disperse(const pid_t *pids, unsigned long count)
{
	unsigned long i;

	for (i = 0; i < count; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

int main(int argc, char **argv)
{
	struct protocol protocol = {0};
	unsigned long count = 1000, bytes = 0;
	const struct option options[] = {
		{"--count", OPTION_NUMBER, &count, "processes; 1000"},
		{"--bytes", OPTION_SIZE, &bytes, "each touches; 0"},
		{"--hold", OPTION_FLAG, &protocol.hold, "stay until SIGTERM, whatever stdin does"},
	};

	pid_t *pids;

	(void)argc;
	options_parse(argv + 1, "[options]", options, sizeof(options) / sizeof(options[0]));
	protocol_init(&protocol);
	pids = calloc(count, sizeof(*pids));
	if (count && !pids)
		die(1, "out of memory");
	crowd_gather(pids, count, bytes);
	say("{\"event\":\"ready\",\"pid\":%d,\"processes\":%lu}", (int)getpid(), count);
	protocol_wait_end(&protocol);
	crowd_disperse(pids, count);
	free(pids);
	return 0;
}

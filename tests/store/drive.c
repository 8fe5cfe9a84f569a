/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * drive FILE [TICKS [PAUSE_US [MAX_BYTES]]] - records made ticks, and says which are in the file.
 *
 * A tool of the tests. Each tick, a second after the one before, has processes that grow, forks,
 * exits and collections. When it has been committed, its time (ns) is a line on stdout. TICKS 0:
 * until it is killed. What goes wrong is a line on stderr, and status 1.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/recorder.h"

#define PROCESSES 50
#define BEGIN_NS  (1000 * NSEC_PER_SEC)

static unsigned long number(char **argv, int argc, int at, unsigned long otherwise)
{
	return argc > at ? strtoul(argv[at], NULL, 10) : otherwise;
}

static int add_processes(struct recorder *r, uint64_t now_ns)
{
	uint64_t second = now_ns / NSEC_PER_SEC;
	int err = 0;

	for (uint32_t i = 0; i < PROCESSES && !err; i++) {
		struct process p = {.pid = 100 + i, .start_ns = 5, .ppid = 1, .comm = "driven"};

		p.now.anon_bytes = (second * (i + 1)) << 12;
		p.now.rss_bytes = p.now.anon_bytes;
		p.peak_rss_bytes = p.now.rss_bytes;
		p.has_delta = true;
		p.activity.fault_bytes = (i + 1) << 12;
		err = recorder_process(r, &p, i == 0);
	}
	return err;
}

static int add_events(struct recorder *r, uint64_t now_ns)
{
	struct gc gc = {.pid = 100, .start_ns = 5, .comm = "driven", .kind = MW_GC_SCAVENGE};
	struct mw_event_fork fork = {.h = {.type = MW_EVENT_FORK, .comm = "child"}};
	struct mw_event_exit exit = {.h = {.type = MW_EVENT_EXIT, .comm = "child"}};
	int err;

	gc.ns = fork.h.ts_ns = fork.h.start_ns = exit.h.ts_ns = exit.h.start_ns = now_ns;
	fork.h.pid = exit.h.pid = (uint32_t)(now_ns / NSEC_PER_SEC);
	err = recorder_event(r, &fork.h, NULL, NULL);
	if (!err)
		err = recorder_event(r, &exit.h, NULL, NULL);
	return err ? err : recorder_gc(r, &gc);
}

static int tick(struct recorder *r, uint64_t now_ns)
{
	struct recorder_tick t = {.now_ns = now_ns, .wall_ns = clock_wall_ns()};
	int err = recorder_tick(r, &t);

	if (!err)
		err = add_processes(r, now_ns);
	if (!err)
		err = add_events(r, now_ns);
	return err ? err : recorder_commit(r);
}

/* Written at once: who is killed after that has said so. */
static void acknowledge(uint64_t now_ns)
{
	char line[32];
	int len = snprintf(line, sizeof(line), "%llu\n", (unsigned long long)now_ns);

	if (write(STDOUT_FILENO, line, (size_t)len) != len)
		_exit(2);
}

static int drive(struct recorder *r, unsigned long ticks, unsigned long pause_us)
{
	const struct run run = {.version = "0", .kernel = "0", .arch = "0"};
	struct recorder_tick last = {.now_ns = BEGIN_NS};
	int err = recorder_begin(r, &run);

	for (unsigned long i = 1; !err && (!ticks || i <= ticks); i++) {
		last.now_ns += NSEC_PER_SEC;
		err = tick(r, last.now_ns);
		if (!err)
			acknowledge(last.now_ns);
		if (pause_us)
			usleep((useconds_t)pause_us);
	}
	return err ? err : recorder_end(r, &last);
}

int main(int argc, char **argv)
{
	struct recorder_options options = {.path = argv[1], .page_shift = 12};
	char why[RECORDER_WHY];
	struct recorder *r;
	int err;

	if (argc < 2)
		return 2;
	options.max_bytes = number(argv, argc, 4, 0);
	err = recorder_new(&options, &r, why);
	if (err) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	err = drive(r, number(argv, argc, 2, 0), number(argv, argc, 3, 0));
	if (err)
		fprintf(stderr, "%s\n", recorder_why(r));
	recorder_free(r);
	return err ? 1 : 0;
}

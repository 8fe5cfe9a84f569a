/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * memwatch heap: what is alive in V8's heap of a process, what of it grew, and who keeps it. From
 * outside: the process needs no preparation, and stands still for as long as its memory is copied.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/heap_run.h"
#include "store/census_file.h"

#define EVERY_MIN_NS NSEC_PER_SEC

/* --- options --- */

static int opt_every(void *arg, const char *value)
{
	struct heap_options *o = arg;

	if (units_parse_duration(value, &o->every_ns) || o->every_ns < EVERY_MIN_NS)
		return log_error_code(-EINVAL,
				      "--every '%s' is no time between censuses: seconds, 1 at the "
				      "least (10, 90s, 5m)",
				      value);
	return 0;
}

static int opt_retainers(void *arg, const char *value)
{
	struct heap_options *o = arg;

	if (!value[0])
		return log_error_code(-EINVAL, "--retainers needs the name of a constructor");
	if (o->retainer_count == HEAP_RETAINERS_MAX)
		return log_error_code(-EINVAL, "--retainers: more than %d names",
				      HEAP_RETAINERS_MAX);
	o->retainers[o->retainer_count++] = value;
	return 0;
}

static int opt_base(void *arg, const char *value)
{
	((struct heap_options *)arg)->base = value;
	return 0;
}

static int opt_live(void *arg, const char *value)
{
	(void)value;
	((struct heap_options *)arg)->census.live = true;
	return 0;
}

static int opt_show_values(void *arg, const char *value)
{
	(void)value;
	((struct heap_options *)arg)->census.show_values = true;
	return 0;
}

static int opt_max_memory(void *arg, const char *value)
{
	struct heap_options *o = arg;

	if (units_parse_bytes(value, &o->census.max_bytes) || !o->census.max_bytes)
		return log_error_code(-EINVAL, "--max-memory '%s' is no size: 512M, 2GiB", value);
	return 0;
}

static const struct opt table[] = {
	{0, "", NULL, "Which process, and when", NULL},
	{'p', "pid", "PID", "this process, a Node or another with V8", run_opt_pid},
	{0, "every", "SEC", "a census each SEC, and what grew since the first and the one before",
	 opt_every},
	{'d', "duration", "SEC",
	 "end after this time (90s, 5m); without --every: two censuses so far apart",
	 run_opt_duration},
	{0, "base", "FILE",
	 "what grew since the census in FILE (of 'heap -o'; - for stdin), as if it were the "
	 "first",
	 opt_base},
	{0, "live", NULL, "do not stop the process: counts are off by 1 to 2 %", opt_live},
	{0, "", NULL, "What to show", NULL},
	{0, "retainers", "NAME",
	 "who keeps the objects of this constructor; may be repeated. Of those that grow fastest "
	 "it is shown anyway",
	 opt_retainers},
	{'r', "rows", "N", "constructors in a table (20 on a terminal, else all)", run_opt_rows},
	{0, "show-values", NULL,
	 "also what may be secret: contents of strings, and keys of objects used as dictionaries",
	 opt_show_values},
	{0, "json", NULL, "NDJSON, one object a line; see 'memwatch schema'", run_opt_json},
	{'o', "output", "FILE", "keep the last census in FILE, for 'memwatch diff'",
	 run_opt_output},
	{0, "", NULL, "Other", NULL},
	{0, "max-memory", "SIZE",
	 "of its own that it may take: about what the process has, and 12 bytes an object (what "
	 "is free)",
	 opt_max_memory},
	{'v', "verbose", NULL, "say more", run_opt_verbose},
	{'q', "quiet", NULL, "errors only", run_opt_quiet},
	{'h', "help", NULL, "this text", run_opt_help},
	{0, NULL, NULL, NULL, NULL},
};

static void print_help(void)
{
	puts("memwatch heap - what is alive in V8's heap, what grew, and who keeps it\n"
	     "\n"
	     "Usage: memwatch heap -p PID [options]\n"
	     "\n"
	     "A census of the objects of a running Node process, by constructor, as a heap\n"
	     "snapshot would count them: without a debug port, and without memory of the\n"
	     "process, which stands still for some tens of milliseconds.\n");
	opts_print(stdout, table);
}

static int set_times(struct heap_options *o)
{
	uint64_t duration_ns = o->run.duration_ns;

	if (!duration_ns)
		return 0;
	if (!o->every_ns) {
		if (duration_ns < EVERY_MIN_NS)
			return log_error_code(-EINVAL, "-d is too short for two censuses: "
						       "1 second at the least");
		o->every_ns = duration_ns;
	}
	if (duration_ns < o->every_ns)
		return log_error_code(-EINVAL, "-d is shorter than --every: there would be one "
					       "census");
	o->censuses = (unsigned)(duration_ns / o->every_ns) + 1;
	return 0;
}

/* That it cannot be kept is said before a process is stopped for it. */
static int check_output(const struct heap_options *o)
{
	int err = o->run.output ? census_file_check(o->run.output) : 0;

	if (err)
		return log_error_code(-EIO, "cannot write %s: %s", o->run.output, strerror(-err));
	return 0;
}

/* 0, 1 when help was printed, or a negative errno after it has said why. */
static int parse(struct heap_options *o, int argc, char **argv)
{
	int err;

	run_options_init(&o->run);
	o->census.shapes = true;
	err = opts_parse(argc, argv, table, run_opt_pid, o);
	if (!err && o->run.help) {
		print_help();
		return 1;
	}
	if (!err && !o->run.targets.count)
		err = log_error_code(-EINVAL, "of which process? Name it: memwatch heap -p PID");
	if (!err)
		err = set_times(o);
	if (!err)
		err = targets_check(&o->run.targets);
	if (!err && o->run.targets.count > 1)
		err = log_error_code(-EINVAL,
				     "a census is of one process, and %u are named: take "
				     "one after the other",
				     o->run.targets.count);
	return err ? err : check_output(o);
}

/* --- the command --- */

int cmd_heap(int argc, char **argv)
{
	struct heap_options *o = calloc(1, sizeof(*o));
	int err = o ? parse(o, argc, argv) : -ENOMEM;

	if (!err) {
		err = heap_run(o, o->run.targets.pids[0]);
		free(o);
		return err ? MEMWATCH_EXIT_FAILED : MEMWATCH_EXIT_OK;
	}
	free(o);
	return err > 0 ? MEMWATCH_EXIT_OK : cmd_status(err); /* > 0: help was asked for */
}

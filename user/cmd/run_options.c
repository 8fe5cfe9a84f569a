/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The option table of `memwatch watch`: parser and help in one. */
#include "cmd/run_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/opts.h"
#include "base/units.h"
#include "collect/hooks.h"

#define INTERVAL_MIN_NS (100 * NSEC_PER_MSEC)
#define SITES_DEFAULT	10
#define SITES_SHOWN_MAX 1000

static int opt_pid(void *arg, const char *value)
{
	struct run_options *o = arg;

	return targets_add_pids(&o->targets, value);
}

static int opt_comm(void *arg, const char *value)
{
	struct run_options *o = arg;

	return targets_set_comm(&o->targets, value);
}

static int opt_cgroup(void *arg, const char *value)
{
	struct run_options *o = arg;

	return targets_set_cgroup(&o->targets, value);
}

static int opt_interval(void *arg, const char *value)
{
	struct run_options *o = arg;

	if (units_parse_duration(value, &o->interval_ns) || o->interval_ns < INTERVAL_MIN_NS)
		return log_error_code(
			-EINVAL, "-i '%s' is no interval: seconds, 0.1 at the least (1, 0.5, 2m)",
			value);
	return 0;
}

static int opt_duration(void *arg, const char *value)
{
	struct run_options *o = arg;

	if (units_parse_duration(value, &o->duration_ns))
		return log_error_code(-EINVAL, "-d '%s' is no duration: seconds, or 90s, 2m, 1h",
				      value);
	return 0;
}

static int opt_json(void *arg, const char *value)
{
	(void)value;
	((struct run_options *)arg)->json = true;
	return 0;
}

static int opt_output(void *arg, const char *value)
{
	((struct run_options *)arg)->output = value;
	return 0;
}

static int opt_rows(void *arg, const char *value)
{
	struct run_options *o = arg;
	uint64_t rows;

	if (units_parse_u64(value, 1000000, &rows) || !rows)
		return log_error_code(-EINVAL, "-r '%s' is no number of rows: give 1 or more",
				      value);
	o->rows = rows;
	return 0;
}

static int opt_sort(void *arg, const char *value)
{
	struct run_options *o = arg;
	char keys[256] = "";
	size_t len = 0;

	o->sort = column_find(value);
	if (o->sort)
		return 0;
	for (size_t i = 0; i < column_count && len < sizeof(keys); i++)
		len += snprintf(keys + len, sizeof(keys) - len, " %s", columns[i].key);
	return log_error_code(-EINVAL, "cannot sort by '%s'; there are:%s", value, keys);
}

static int opt_without(void *arg, const char *value)
{
	struct run_options *o = arg;
	char bad[32];

	if (hook_list_check(value, bad))
		return log_error_code(
			-EINVAL, "--without '%s' names no hook; 'memwatch doctor' lists them", bad);
	o->without = value;
	return 0;
}

static int opt_sites(void *arg, const char *value)
{
	struct run_options *o = arg;
	uint64_t sites;

	if (units_parse_u64(value, SITES_SHOWN_MAX, &sites))
		return log_error_code(-EINVAL,
				      "--sites '%s' is no number of sites: give 0 (none) to %d",
				      value, SITES_SHOWN_MAX);
	o->sites = sites;
	return 0;
}

static int opt_no_stacks(void *arg, const char *value)
{
	(void)value;
	((struct run_options *)arg)->no_stacks = true;
	return 0;
}

static int opt_budget(void *arg, const char *value)
{
	struct run_options *o = arg;
	char *end;

	errno = 0;
	o->budget_pct = strtod(value, &end);
	if (end == value || (*end && strcmp(end, "%")) || errno || !(o->budget_pct >= 0) ||
	    o->budget_pct > 10000)
		return log_error_code(-EINVAL,
				      "--budget '%s' is no share of a CPU: percent, 0 for no limit",
				      value);
	return 0;
}

static int opt_verbose(void *arg, const char *value)
{
	(void)arg;
	(void)value;
	log_set_level(LOG_DEBUG);
	return 0;
}

static int opt_quiet(void *arg, const char *value)
{
	(void)arg;
	(void)value;
	log_set_level(LOG_ERROR);
	return 0;
}

static int opt_help(void *arg, const char *value)
{
	(void)value;
	((struct run_options *)arg)->help = true;
	return 0;
}

/* Help is wrapped by opts_print(). */
static const struct opt table[] = {
	{0, "", NULL, "Which processes (all of the machine, if none is named)", NULL},
	{'p', "pid", "PID",
	 "this process; may be repeated, or a list (1,2). Operands are PIDs, too: "
	 "-p $(pidof node) takes all",
	 opt_pid},
	{'n', "comm", "NAME", "those of this name, or whose program file is called so", opt_comm},
	{'c', "cgroup", "PATH", "those in this cgroup and below it", opt_cgroup},
	{0, "", NULL, "What to show", NULL},
	{'i', "interval", "SEC", "time between ticks (1; 0.1 at the least)", opt_interval},
	{'d', "duration", "SEC", "stop after this time (90s, 2m, 1h work, too)", opt_duration},
	{'r', "rows", "N", "at most so many processes a tick", opt_rows},
	{'s', "sort", "FIELD",
	 "growth (default), delta, since, rss, anon, file, shmem, swap, heap, pgtable, vm, "
	 "faults, calls, threads, pid, comm",
	 opt_sort},
	{0, "sites", "N",
	 "growth sites of each kind, of a process whose stacks are taken (10; 0 for none)",
	 opt_sites},
	{0, "json", NULL, "NDJSON, one object a line; see 'memwatch schema'", opt_json},
	{'o', "output", "FILE", "write to FILE instead of the terminal", opt_output},
	{0, "", NULL, "What it may cost", NULL},
	{0, "budget", "PCT",
	 "of one CPU (1; 0 for no limit): detail is given up before it is passed", opt_budget},
	{0, "without", "HOOK,...",
	 "do not use these hooks or capabilities (calls, faults, fexit, ...; 'memwatch doctor' "
	 "lists them)",
	 opt_without},
	{0, "no-stacks", NULL, "take no stacks: which process grows, not by which code",
	 opt_no_stacks},
	{0, "", NULL, "Other", NULL},
	{'v', "verbose", NULL, "say more, also libbpf's own messages", opt_verbose},
	{'q', "quiet", NULL, "errors only", opt_quiet},
	{'h', "help", NULL, "this text", opt_help},
	{0, NULL, NULL, NULL, NULL},
};

static void print_help(void)
{
	puts("memwatch watch - live: which process grows, by how much, of what kind\n"
	     "\n"
	     "Usage: memwatch [watch] [-p PID]... [PID...] [options]\n"
	     "\n"
	     "On a terminal a live table ('h' there lists its keys); piped, a line a process\n"
	     "a tick. Ends with ^C, after -d, or when all processes named by PID are gone.\n");
	opts_print(stdout, table);
}

int watch_options_parse(struct run_options *o, int argc, char **argv)
{
	int err;

	o->interval_ns = NSEC_PER_SEC;
	o->budget_pct = 1;
	o->sites = SITES_DEFAULT;
	o->sort = column_find("growth");
	err = opts_parse(argc, argv, table, opt_pid, o);
	if (err)
		return err;
	if (o->help) {
		print_help();
		return 1;
	}
	return targets_check(&o->targets);
}

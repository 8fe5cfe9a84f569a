/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the options of a run mean. The tables that use them are the commands'. */
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

int run_opt_pid(void *arg, const char *value)
{
	struct run_options *o = arg;

	return targets_add_pids(&o->targets, value);
}

int run_opt_comm(void *arg, const char *value)
{
	struct run_options *o = arg;

	return targets_set_comm(&o->targets, value);
}

int run_opt_cgroup(void *arg, const char *value)
{
	struct run_options *o = arg;

	return targets_set_cgroup(&o->targets, value);
}

int run_opt_interval(void *arg, const char *value)
{
	struct run_options *o = arg;

	if (units_parse_duration(value, &o->interval_ns) || o->interval_ns < INTERVAL_MIN_NS)
		return log_error_code(
			-EINVAL, "-i '%s' is no interval: seconds, 0.1 at the least (1, 0.5, 2m)",
			value);
	return 0;
}

int run_opt_duration(void *arg, const char *value)
{
	struct run_options *o = arg;

	if (units_parse_duration(value, &o->duration_ns))
		return log_error_code(-EINVAL, "-d '%s' is no duration: seconds, or 90s, 2m, 1h",
				      value);
	return 0;
}

int run_opt_json(void *arg, const char *value)
{
	(void)value;
	((struct run_options *)arg)->json = true;
	return 0;
}

int run_opt_output(void *arg, const char *value)
{
	((struct run_options *)arg)->output = value;
	return 0;
}

int run_opt_rows(void *arg, const char *value)
{
	struct run_options *o = arg;
	uint64_t rows;

	if (units_parse_u64(value, 1000000, &rows) || !rows)
		return log_error_code(-EINVAL, "-r '%s' is no number of rows: give 1 or more",
				      value);
	o->rows = rows;
	return 0;
}

int run_opt_sort(void *arg, const char *value)
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

int run_opt_without(void *arg, const char *value)
{
	struct run_options *o = arg;
	char bad[32];

	if (hook_list_check(value, bad))
		return log_error_code(
			-EINVAL, "--without '%s' names no hook; 'memwatch doctor' lists them", bad);
	o->without = value;
	return 0;
}

int run_opt_btf(void *arg, const char *value)
{
	((struct run_options *)arg)->btf = value;
	return 0;
}

int run_opt_sites(void *arg, const char *value)
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

int run_opt_heap(void *arg, const char *value)
{
	(void)value;
	((struct run_options *)arg)->heap = true;
	return 0;
}

int run_opt_no_stacks(void *arg, const char *value)
{
	(void)value;
	((struct run_options *)arg)->no_stacks = true;
	return 0;
}

int run_opt_budget(void *arg, const char *value)
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

int run_opt_verbose(void *arg, const char *value)
{
	(void)arg;
	(void)value;
	log_set_level(LOG_DEBUG);
	return 0;
}

int run_opt_quiet(void *arg, const char *value)
{
	(void)arg;
	(void)value;
	log_set_level(LOG_ERROR);
	return 0;
}

int run_opt_help(void *arg, const char *value)
{
	(void)value;
	((struct run_options *)arg)->help = true;
	return 0;
}

void run_options_init(struct run_options *o)
{
	o->interval_ns = NSEC_PER_SEC;
	o->budget_pct = 1;
	o->sites = SITES_DEFAULT;
	o->sort = column_find("growth");
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* memwatch diff: what one recording or census has that another has not, by their files. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/diff_runs.h"
#include "cmd/heap_show.h"
#include "cmd/run_options.h"
#include "store/census_file.h"
#include "store/recording.h"

#define REQUESTS_MAX (1ULL << 53)

struct diff_options {
	struct run_options run; /* first: the options that are shared */
	struct diff_runs runs;
	unsigned count; /* of its files */
	bool has_format;
};

static int operand(void *arg, const char *value)
{
	struct diff_options *o = arg;

	if (o->count == 2)
		return log_error_code(-EINVAL, "two files can be compared, and '%s' is a third",
				      value);
	o->runs.files[o->count++] = value;
	return 0;
}

static int opt_requests(void *arg, const char *value)
{
	struct diff_options *o = arg;
	const char *comma = strchr(value, ',');
	char *first = comma ? strndup(value, (size_t)(comma - value)) : NULL;
	bool is_good = first && !units_parse_u64(first, REQUESTS_MAX, &o->runs.requests[0]) &&
		       !units_parse_u64(comma + 1, REQUESTS_MAX, &o->runs.requests[1]) &&
		       o->runs.requests[0] && o->runs.requests[1];

	free(first);
	if (!is_good)
		return log_error_code(-EINVAL,
				      "--requests '%s' are not two counts: those of A and of B "
				      "(2500,2500)",
				      value);
	return 0;
}

static int opt_format(void *arg, const char *value)
{
	static const char *const names[] = {
		[DIFF_TEXT] = "text", [DIFF_JSON] = "json", [DIFF_HTML] = "html"};
	struct diff_options *o = arg;

	for (int i = 0; i <= DIFF_HTML; i++) {
		if (strcmp(value, names[i]))
			continue;
		o->runs.format = (enum diff_format)i;
		o->has_format = true;
		return 0;
	}
	return log_error_code(-EINVAL, "--format '%s' is none of: text, json, html", value);
}

static const struct opt table[] = {
	{0, "requests", "NA,NB",
	 "requests made during A and B: all is told for one of them, not per second (record "
	 "--requests keeps it)",
	 opt_requests},
	{'r', "rows", "N", "rows of a table (20 on a terminal, else all)", run_opt_rows},
	{'f', "format", "FORMAT", "text, json, or html: a page with a flame graph of both",
	 opt_format},
	RUN_OPTS_JSON,
	RUN_OPTS_OUTPUT,
	{'q', "quiet", NULL, "errors only", run_opt_quiet},
	{'h', "help", NULL, "this text", run_opt_help},
	{0, NULL, NULL, NULL, NULL},
};

static void print_help(void)
{
	puts("memwatch diff - what B has that A has not: growth, code, constructors\n"
	     "\n"
	     "Usage: memwatch diff A B [options]\n"
	     "\n"
	     "A and B are recordings ('memwatch record -o'): of the same load on two releases,\n"
	     "or of two loads on one. The first line is the answer. Or they are censuses\n"
	     "('memwatch heap -o'), of one process at two times or of two processes.\n");
	opts_print(stdout, table);
}

static int parse(struct diff_options *o, int argc, char **argv)
{
	int err = opts_parse(argc, argv, table, operand, o);

	if (!err && o->run.help) {
		print_help();
		return 1;
	}
	if (!err && o->count < 2)
		err = log_error_code(-EINVAL, "two files are compared: memwatch diff A B");
	if (!err && o->run.json && o->has_format && o->runs.format != DIFF_JSON)
		err = log_error_code(-EINVAL, "either --json or --format");
	if (o->run.json)
		o->runs.format = DIFF_JSON;
	o->run.json = o->runs.format == DIFF_JSON;
	o->runs.output = o->run.output;
	o->runs.rows = o->run.rows;
	return err;
}

static int read_one(const char *path, struct census_file *file)
{
	int err = census_file_read(path, file);

	if (err)
		return log_error_code(-EIO, "cannot compare %s: %s", path, file->why);
	if (file->is_cut)
		log_warn("%s was cut off before its end: what is missing counts as gone", path);
	return 0;
}

static int show(const struct diff_options *o, const struct census *a, const struct census *b)
{
	struct census_diff *d = census_diff_new(a, NULL, b);
	const uint32_t pids[] = {a->pid, b->pid};
	struct heap_show s;
	int err;

	if (!d)
		return log_error_code(-ENOMEM, "out of memory");
	signal(SIGPIPE, SIG_IGN);
	heap_show_init(&s, o->run.json, o->run.rows);
	err = heap_show_begin(&s, pids, pids[0] == pids[1] ? 1 : 2, 0);
	if (!err)
		err = heap_show(&s, b, d);
	if (!err)
		err = heap_show_end(&s, 2);
	heap_show_release(&s);
	census_diff_free(d);
	return err == -EPIPE ? 0 : err;
}

static int diff_censuses(const struct diff_options *o)
{
	struct census_file a = {0}, b = {0};
	int err = 0;

	if (o->runs.format == DIFF_HTML || o->runs.output || o->runs.requests[0])
		err = log_error_code(-EINVAL, "--format html, --output and --requests are for "
					      "recordings, and these are censuses");
	if (!err)
		err = read_one(o->runs.files[0], &a);
	if (!err)
		err = read_one(o->runs.files[1], &b);
	if (!err)
		err = show(o, a.census, b.census);
	census_free(a.census);
	census_free(b.census);
	return err;
}

static int diff_files(const struct diff_options *o)
{
	bool is[] = {recording_is(o->runs.files[0]), recording_is(o->runs.files[1])};

	/* One that cannot be read is said to be so by who reads it. */
	if ((is[0] && is[1]) || ((is[0] || is[1]) && access(o->runs.files[is[0]], R_OK)))
		return diff_runs(&o->runs);
	if (is[0] || is[1])
		return log_error_code(-EIO,
				      "cannot compare %s, a recording, with %s, which is none: two "
				      "recordings, or two censuses",
				      o->runs.files[!is[0]], o->runs.files[is[0]]);
	return diff_censuses(o);
}

int cmd_diff(int argc, char **argv)
{
	struct diff_options o = {0};
	int err = parse(&o, argc, argv);

	if (err > 0) /* help was asked for */
		return MEMWATCH_EXIT_OK;
	if (!err)
		err = diff_files(&o);
	return cmd_status(err);
}

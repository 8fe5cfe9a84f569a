/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* memwatch diff: what one census has that another has not, by their files. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/heap_show.h"
#include "cmd/run_options.h"
#include "store/census_file.h"

struct diff_options {
	struct run_options run; /* first: the options that are shared */
	const char *files[2];
	unsigned count;
};

static int operand(void *arg, const char *value)
{
	struct diff_options *o = arg;

	if (o->count == 2)
		return log_error_code(-EINVAL, "two files can be compared, and '%s' is a third",
				      value);
	o->files[o->count++] = value;
	return 0;
}

static const struct opt table[] = {
	{'r', "rows", "N", "constructors in the table (20 on a terminal, else all)", run_opt_rows},
	{0, "json", NULL, "NDJSON, one object a line; see 'memwatch schema'", run_opt_json},
	{'q', "quiet", NULL, "errors only", run_opt_quiet},
	{'h', "help", NULL, "this text", run_opt_help},
	{0, NULL, NULL, NULL, NULL},
};

static void print_help(void)
{
	puts("memwatch diff - what census B has that census A has not\n"
	     "\n"
	     "Usage: memwatch diff A B [options]\n"
	     "\n"
	     "A and B are files of 'memwatch heap -o', of one process at two times or of two\n"
	     "processes: two releases, or one that is well and one that is not.\n");
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

int cmd_diff(int argc, char **argv)
{
	struct diff_options o = {0};
	struct census_file a = {0}, b = {0};
	int err = parse(&o, argc, argv);

	if (err > 0) /* help was asked for */
		return MEMWATCH_EXIT_OK;
	if (!err)
		err = read_one(o.files[0], &a);
	if (!err)
		err = read_one(o.files[1], &b);
	if (!err)
		err = show(&o, a.census, b.census);
	census_free(a.census);
	census_free(b.census);
	return cmd_status(err);
}

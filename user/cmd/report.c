/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* memwatch report: what a recording holds, in the formats that people and tools read. */
#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "cmd/cmd.h"
#include "cmd/document.h"
#include "cmd/report_flame.h"
#include "cmd/report_symbols.h"
#include "cmd/run_options.h"
#include "output/html_report.h"
#include "output/pprof.h"
#include "output/report_json.h"
#include "output/report_text.h"
#include "output/sink.h"
#include "store/recording.h"

struct report_options {
	struct run_options run; /* first: the options that are shared */
	const char *file;
	const struct format *format;
};

struct format {
	const char *name;
	bool is_binary; /* nothing for a terminal */
	bool is_stacks; /* of growth, and nothing else */
	int (*add)(struct strbuf *out, const struct recorded *r, const struct report_options *o);
};

static bool is_selected(const struct report_options *o)
{
	return o->run.targets.count || o->run.targets.comm[0];
}

/* --- formats --- */

static int add_text(struct strbuf *out, const struct recorded *r, const struct report_options *o)
{
	struct report_view v = {.rows = o->run.rows, .is_selected = is_selected(o)};
	struct winsize size = {0};

	v.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	if (!o->run.output && isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		v.width = size.ws_col;
	report_text_add(out, r, &v);
	return 0;
}

static int add_html(struct strbuf *out, const struct recorded *r, const struct report_options *o)
{
	(void)o;
	return html_report_add(out, r);
}

static int add_flamegraph(struct strbuf *out, const struct recorded *r,
			  const struct report_options *o)
{
	(void)o;
	return report_flame_svg(out, r);
}

static int add_folded(struct strbuf *out, const struct recorded *r, const struct report_options *o)
{
	(void)o;
	return report_flame_folded(out, r);
}

static int add_pprof(struct strbuf *out, const struct recorded *r, const struct report_options *o)
{
	(void)o;
	return pprof_add(out, r);
}

static int write_part(void *arg, struct strbuf *out)
{
	(void)arg;
	return sink_write(STDOUT_FILENO, out);
}

static int add_json(struct strbuf *out, const struct recorded *r, const struct report_options *o)
{
	const struct report_json options = {
		.sites = o->run.rows ? o->run.rows : REPORT_ROWS,
		.flush = o->run.output ? NULL : write_part,
	};

	return report_json_add(out, r, &options);
}

static const struct format formats[] = {
	{"text", false, false, add_text},	    {"html", true, false, add_html},
	{"flamegraph", true, true, add_flamegraph}, {"folded", false, true, add_folded},
	{"pprof", true, true, add_pprof},	    {"json", false, false, add_json},
};
#define FORMATS (sizeof(formats) / sizeof(formats[0]))

/* --- options --- */

static int opt_format(void *arg, const char *value)
{
	struct report_options *o = arg;
	char names[128] = "";

	for (size_t i = 0; i < FORMATS; i++) {
		size_t len = strlen(names);

		if (!strcmp(value, formats[i].name)) {
			o->format = &formats[i];
			return 0;
		}
		snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "", formats[i].name);
	}
	return log_error_code(-EINVAL, "--format '%s' is none of: %s", value, names);
}

static int opt_json(void *arg, const char *value)
{
	(void)value;
	return opt_format(arg, "json");
}

static int operand(void *arg, const char *value)
{
	struct report_options *o = arg;

	if (o->file)
		return log_error_code(
			-EINVAL,
			"a report is of one recording, and '%s' is a second ('memwatch "
			"diff A B' compares two)",
			value);
	o->file = value;
	return 0;
}

static const struct opt table[] = {
	{'p', "pid", "PID", "of this process; may be repeated, or a list (1,2)", run_opt_pid},
	{'n', "comm", "NAME", "of those of this name", run_opt_comm},
	{'f', "format", "FORMAT",
	 "text (the default), html, flamegraph (SVG), folded, pprof, json (NDJSON; see 'memwatch "
	 "schema')",
	 opt_format},
	{0, "json", NULL, "the same as --format json", opt_json},
	{'r', "rows", "N", "of each table (10)", run_opt_rows},
	RUN_OPTS_OUTPUT,
	{'q', "quiet", NULL, "errors only", run_opt_quiet},
	{'h', "help", NULL, "this text", run_opt_help},
	{0, NULL, NULL, NULL, NULL},
};

static void print_help(void)
{
	puts("memwatch report - what a recording holds: who grew, what leaks, by which code\n"
	     "\n"
	     "Usage: memwatch report FILE [-p PID]... [-n NAME] [--format FORMAT] [-o OUT]\n"
	     "\n"
	     "FILE is what 'memwatch record' wrote; it may still be written to. Without -p and\n"
	     "-n all processes are in the table, and the worst are told of one by one: those\n"
	     "that were named when it was recorded, that leak, that were killed for lack of\n"
	     "memory, that grew most.\n");
	opts_print(stdout, table);
}

static int parse(struct report_options *o, int argc, char **argv)
{
	int err = opts_parse(argc, argv, table, operand, o);

	if (!err && o->run.help) {
		print_help();
		return 1;
	}
	if (!err && !o->file)
		err = log_error_code(
			-EINVAL, "a recording is wanted: memwatch report FILE ('memwatch record "
				 "-o FILE' makes one)");
	if (!err && o->format->is_binary && !o->run.output && isatty(STDOUT_FILENO))
		err = log_error_code(-EINVAL,
				     "%s is nothing for a terminal: write it to a file with -o",
				     o->format->name);
	return err;
}

/* --- reading and writing --- */

static int check_selection(const struct report_options *o, const struct recorded *r)
{
	const struct targets *t = &o->run.targets;
	size_t loaded = 0;

	for (unsigned i = 0; i < t->count; i++) {
		if (!recorded_find(r, t->pids[i], 0))
			return log_error_code(
				-ESRCH,
				"there is no process %u in %s: without -p it tells who "
				"is",
				t->pids[i], o->file);
	}
	for (size_t i = 0; i < r->process_count; i++)
		loaded += r->processes[i].is_loaded;
	if (is_selected(o) && !loaded)
		return log_error_code(-ESRCH,
				      "there is no process of the name '%s' in %s: without -n it "
				      "tells who is",
				      t->comm, o->file);
	return 0;
}

/* Else an empty file would have to say it. */
static void warn_if_without_stacks(const struct report_options *o, const struct recorded *r)
{
	for (size_t i = 0; i < r->process_count; i++) {
		if (r->processes[i].is_loaded && r->processes[i].sites)
			return;
	}
	log_warn("%s has no stacks of %s: they are taken of those that are named when it is "
		 "recorded, and of the fastest growers",
		 o->file, is_selected(o) ? "these processes" : "any process");
}

static int load(const struct report_options *o, struct recorded **out)
{
	const struct recording_select select = {
		.pids = o->run.targets.pids,
		.pid_count = o->run.targets.count,
		.comm = o->run.targets.comm[0] ? o->run.targets.comm : NULL,
	};
	char why[RECORDING_WHY];

	if (recording_load(o->file, &select, out, why))
		return log_error_code(-EIO, "cannot read %s: %s", o->file, why);
	report_symbols_name(*out);
	if (o->format->is_stacks)
		warn_if_without_stacks(o, *out);
	return check_selection(o, *out);
}

static int report(const struct report_options *o)
{
	struct recorded *r = NULL;
	struct strbuf text;
	int err = load(o, &r);

	strbuf_init(&text);
	signal(SIGPIPE, SIG_IGN);
	if (!err) {
		err = o->format->add(&text, r, o);
		if (!err)
			err = text.err;
		if (err && err != -EPIPE)
			err = log_error_code(-EIO, "cannot make the report: %s", strerror(-err));
	}
	if (!err)
		err = document_write(o->run.output, &text);
	strbuf_release(&text);
	recorded_free(r);
	return err == -EPIPE ? 0 : err;
}

int cmd_report(int argc, char **argv)
{
	struct report_options o = {.format = &formats[0]};
	int err = parse(&o, argc, argv);

	if (err > 0) /* help was asked for */
		return MEMWATCH_EXIT_OK;
	return cmd_status(err ? err : report(&o));
}

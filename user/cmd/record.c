/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * memwatch record: a run into a file, to be looked at and compared later: of processes that are
 * there, or of a program that it runs and all that this starts.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/engine.h"
#include "cmd/program.h"
#include "cmd/progress.h"
#include "cmd/record_sink.h"

struct record_options {
	struct run_options run; /* first: the options that are shared */
	const char *path;
	uint64_t max_bytes;	/* 0: the recorder's own */
	uint64_t requests;	/* 0: unknown */
	char *const *command;	/* NULL: none */
	struct strbuf as_typed; /* @command, as a line */
};

struct record {
	struct record_options options;
	struct record_sink_options sink_options;
	struct record_result result;
	struct program program;
	struct progress progress;
	struct sink *sink;	     /* while it runs */
	char why[RECORDER_WHY + 32]; /* a line for people */
};

/* --- options --- */

static int opt_file(void *arg, const char *value)
{
	struct record_options *o = arg;

	if (!strcmp(value, "-"))
		return log_error_code(-EINVAL, "a recording is a file, not a stream: -o FILE; for "
					       "a stream there is 'memwatch --json'");
	if (!value[0])
		return log_error_code(-EINVAL, "-o needs the name of a file");
	o->path = value;
	return 0;
}

static int opt_max_size(void *arg, const char *value)
{
	struct record_options *o = arg;
	char least[UNITS_SIZE];

	if (!units_parse_bytes(value, &o->max_bytes) && o->max_bytes >= RECORDER_MIN_BYTES)
		return 0;
	return log_error_code(-EINVAL, "--max-size '%s' is no size: 64M, 1GiB; %s at the least",
			      value, units_format_bytes(least, sizeof(least), RECORDER_MIN_BYTES));
}

static int opt_requests(void *arg, const char *value)
{
	struct record_options *o = arg;

	if (units_parse_u64(value, INT64_MAX, &o->requests) || !o->requests)
		return log_error_code(-EINVAL,
				      "--requests '%s' is no number of requests: how many are "
				      "made meanwhile, 1 or more",
				      value);
	return 0;
}

static int opt_json(void *arg, const char *value)
{
	(void)arg;
	(void)value;
	return log_error_code(-EINVAL, "a recording is no NDJSON: 'memwatch report --format json "
				       "FILE' makes it of one, 'memwatch --json' as it runs");
}

/* Help is wrapped by opts_print(). */
static const struct opt table[] = {
	{0, "", NULL, "Which processes (all of the machine, if none is named)", NULL},
	RUN_OPTS_TARGETS,
	{0, "", NULL, "What to record", NULL},
	{'o', "output", "FILE", "into this file; a recording that is there is kept as FILE.old",
	 opt_file},
	RUN_OPTS_INTERVAL,
	{'d', "duration", "SEC", "stop after this time (90s, 2m, 1h work, too)", run_opt_duration},
	{0, "max-size", "SIZE",
	 "that the file may take (256M): to make room, what is old is thinned out", opt_max_size},
	{0, "requests", "N",
	 "that are made meanwhile, so that 'memwatch diff' can compare by request", opt_requests},
	{0, "json", NULL, NULL, opt_json}, /* people try it */
	RUN_OPTS_COST_WITH("also what is in V8's heaps of the processes named, at the begin and "
			   "the end, and who keeps what grew; and what leaks meanwhile. Stops "
			   "these processes, each time for some milliseconds for each 50 MB"),
	RUN_OPTS_OTHER,
};

static void print_help(void)
{
	puts("memwatch record - keeps a run in a file, to be looked at and compared later\n"
	     "\n"
	     "Usage: memwatch record -o FILE [-p PID]... [PID...] [options]\n"
	     "       memwatch record -o FILE [options] -- CMD [ARG...]\n"
	     "\n"
	     "Runs CMD, if there is one, watches it and all that it starts, and ends what is\n"
	     "left of them after -d, or when CMD has ended. The file is an SQLite database:\n"
	     "'memwatch report FILE' shows what is in it, 'memwatch diff A B' what B has that\n"
	     "A has not. Exit status: 0 recorded; 1 it failed, or CMD did; 2 wrong usage.\n");
	opts_print(stdout, table);
}

/* 0, 1 when help was printed, or a negative errno after it has said why. */
static int parse(struct record_options *o, int argc, char **argv)
{
	int err;

	run_options_init(&o->run);
	argc = program_split(argc, argv, &o->command);
	err = opts_parse(argc, argv, table, run_opt_pid, o);
	if (!err && o->run.help) {
		print_help();
		return 1;
	}
	if (!err && !o->path)
		err = log_error_code(-EINVAL, "into which file? memwatch record -o FILE");
	if (!err)
		err = program_check(o->command, &o->run.targets);
	if (!err)
		err = targets_check(&o->run.targets);
	return err ? err : program_find(o->command); /* before a recording makes way for this one */
}

/* --- what is said --- */

/* So that a shell reads it as it was. */
static void add_word(struct strbuf *out, const char *word)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_-./:=@%+,";

	if (word[0] && strspn(word, plain) == strlen(word)) {
		strbuf_adds(out, word);
		return;
	}
	strbuf_addc(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			strbuf_adds(out, "'\\''");
		else
			strbuf_addc(out, *word);
	}
	strbuf_addc(out, '\'');
}

static void add_targets(struct strbuf *out, const struct record_options *o)
{
	const struct targets *t = &o->run.targets;

	if (o->command)
		strbuf_addf(out, "'%s' and what it starts", o->command[0]);
	else if (t->count == 1)
		strbuf_addf(out, "process %u", t->pids[0]);
	else if (t->count)
		strbuf_addf(out, "%u processes", t->count);
	else
		strbuf_adds(out, "all processes");
	if (t->comm[0])
		strbuf_addf(out, " called %s", t->comm);
	if (t->cgroup)
		strbuf_addf(out, " in cgroup %s", t->cgroup);
}

static void say_begin(const struct record_options *o)
{
	char duration[UNITS_SIZE];
	struct strbuf text;

	strbuf_init(&text);
	add_targets(&text, o);
	strbuf_addf(&text, " into %s", o->path);
	if (o->run.duration_ns)
		strbuf_addf(&text, ", for %s",
			    units_format_duration(duration, sizeof(duration),
						  o->run.duration_ns / NSEC_PER_SEC));
	log_info("recording %s (^C ends it)", text.s);
	strbuf_release(&text);
}

static void say_end(const struct record *r)
{
	const struct record_result *result = &r->result;
	char span[UNITS_SIZE], size[UNITS_SIZE];
	struct strbuf text;

	strbuf_init(&text);
	units_format_duration(span, sizeof(span),
			      (result->end_ns - result->begin_ns) / NSEC_PER_SEC);
	units_format_bytes(size, sizeof(size), result->stats.bytes);
	record_contents_add(&text, &result->stats);
	log_info("recorded %s, %s into %s (%s)", span, text.s, r->options.path, size);
	if (result->killed == 1)
		log_info("killed for lack of memory: %s", result->victim.s);
	else if (result->killed)
		log_info("%zu processes were killed for lack of memory; the first: %s",
			 result->killed, result->victim.s);
	if (result->leaks == 1)
		log_info("%s", result->worst.s);
	else if (result->leaks)
		log_info("%zu processes leak; the fastest: %s", result->leaks, result->worst.s);
	strbuf_clear(&text);
	add_word(&text, r->options.path);
	log_info("next: memwatch report %s", text.s);
	strbuf_release(&text);
}

/* --- during the run --- */

static void say_progress(void *arg, struct strbuf *out)
{
	struct record *r = arg;

	if (!program_is_ending(&r->program))
		record_sink_progress(r->sink, out);
}

static struct sink *open_sink(void *arg, int fd, unsigned page_shift)
{
	struct record *r = arg;

	(void)fd;
	r->sink = record_sink_new(page_shift, &r->sink_options);
	return r->sink;
}

static const char *why(void *arg)
{
	struct record *r = arg;

	if (!r->result.why[0])
		return NULL;
	snprintf(r->why, sizeof(r->why), "cannot record: %s", r->result.why);
	return r->why;
}

static int add_sources(void *arg, struct engine *e, struct loop *loop)
{
	struct record *r = arg;
	int err = progress_add(&r->progress, loop);

	return err ? err : program_add_sources(&r->program, e, loop);
}

static void started(void *arg)
{
	struct record *r = arg;

	say_begin(&r->options);
	program_release(&r->program);
}

static bool is_left(void *arg)
{
	return program_is_left(&((struct record *)arg)->program);
}

/* --- the command --- */

static void prepare(struct record *r)
{
	struct record_options *o = &r->options;

	for (char *const *word = o->command; word && *word; word++) {
		if (o->as_typed.len)
			strbuf_addc(&o->as_typed, ' ');
		add_word(&o->as_typed, *word);
	}
	r->sink_options = (struct record_sink_options){
		.recorder.path = o->path,
		.recorder.max_bytes = o->max_bytes,
		.recorder.command = o->command ? o->as_typed.s : NULL,
		.recorder.requests = o->requests,
		.is_named = o->command || targets_are_named(&o->run.targets),
		.result = &r->result,
	};
	r->progress = (struct progress){
		.name = "record",
		.duration_ns = o->run.duration_ns,
		.text = say_progress,
		.arg = r,
	};
}

static int finish(struct record *r, int err)
{
	struct strbuf text;

	if (r->program.child.exec_error)
		unlink(r->options.path); /* it is of nothing but who tried */
	else if (!err)
		say_end(r);
	if (err || !program_has_failed(&r->program))
		return err ? MEMWATCH_EXIT_FAILED : MEMWATCH_EXIT_OK;
	strbuf_init(&text);
	program_failure_add(&text, &r->program);
	log_error("%s", text.s);
	strbuf_release(&text);
	return MEMWATCH_EXIT_FAILED;
}

static int record(struct record *r)
{
	const struct engine_front front = {
		.arg = r,
		.has_no_reader = true,
		.is_told_last = true,
		.open_sink = open_sink,
		.why = why,
		.add_sources = add_sources,
		.started = started,
		.lingers = is_left,
	};
	int err;

	prepare(r);
	err = program_prepare(&r->program, r->options.command, &r->options.run);
	if (!err)
		err = engine_run(&r->options.run, &front);
	program_discard(&r->program);
	return finish(r, err);
}

int cmd_record(int argc, char **argv)
{
	struct record *r = calloc(1, sizeof(*r));
	int err, status;

	if (!r)
		return cmd_status(-ENOMEM);
	record_result_init(&r->result);
	strbuf_init(&r->options.as_typed);
	err = parse(&r->options, argc, argv);
	if (err > 0) /* help was asked for */
		status = MEMWATCH_EXIT_OK;
	else if (err)
		status = cmd_status(err);
	else
		status = record(r);
	strbuf_release(&r->options.as_typed);
	record_result_release(&r->result);
	free(r);
	return status;
}

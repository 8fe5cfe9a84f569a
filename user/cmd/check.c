/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * memwatch check: a release gate. Watches processes, or a program that it runs and all that this
 * starts, and answers with an exit status.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "cmd/check_sink.h"
#include "cmd/cmd.h"
#include "cmd/engine.h"
#include "cmd/program.h"
#include "cmd/progress.h"

#define DURATION_NS   (120 * NSEC_PER_SEC) /* of processes that are there already */
#define SITES_DEFAULT 5

struct check_options {
	struct run_options run; /* first: the options that are shared */
	double max_growth;	/* bytes per second; 0: no bar */
	char *const *command;	/* NULL: none */
};

struct check {
	struct check_options options;
	struct check_sink_options sink_options;
	struct program program;
	struct progress progress;
	enum gate_result result;
	struct sink *sink; /* while it runs */
};

/* --- options --- */

static int opt_max_growth(void *arg, const char *value)
{
	struct check_options *o = arg;

	if (units_parse_rate(value, &o->max_growth) || !(o->max_growth > 0))
		return log_error_code(-EINVAL,
				      "--max-growth '%s' is no rate: SIZE/s, SIZE/min or SIZE/h "
				      "(1MiB/min)",
				      value);
	return 0;
}

/* Help is wrapped by opts_print(). */
static const struct opt table[] = {
	{0, "", NULL, "Which processes", NULL},
	RUN_OPTS_TARGETS,
	{0, "", NULL, "What passes", NULL},
	{'d', "duration", "SEC",
	 "watch for this time (90s, 5m, 1h; 2m, or until CMD ends): the longer, the more sure",
	 run_opt_duration},
	{0, "max-growth", "RATE",
	 "also fails what grows faster than this, whatever it is (1MiB/min, 500K/h): the floor "
	 "of its private memory, after its warm-up",
	 opt_max_growth},
	{0, "", NULL, "What to show", NULL},
	RUN_OPTS_INTERVAL,
	{0, "sites", "N", "growth sites of what does not pass (5; 0 for none)", run_opt_sites},
	RUN_OPTS_JSON,
	RUN_OPTS_OUTPUT,
	RUN_OPTS_COST,
	RUN_OPTS_OTHER,
};

static void print_help(void)
{
	puts("memwatch check - whether anything leaks, as an exit status\n"
	     "\n"
	     "Usage: memwatch check [-p PID]... [PID...] [options]\n"
	     "       memwatch check [options] -- CMD [ARG...]\n"
	     "\n"
	     "Runs CMD, watches it and all that it starts, and ends what is left of them after\n"
	     "-d, or when CMD has ended. Exit status: 0 nothing leaks; 3 a leak, or growth\n"
	     "over the bar; 1 it failed, CMD failed, or it is too early to say while something\n"
	     "grows; 2 wrong usage.\n");
	opts_print(stdout, table);
}

static int require_targets(const struct check_options *o)
{
	if (!o->command && !targets_are_named(&o->run.targets))
		return log_error_code(-EINVAL,
				      "what shall be checked? Name processes (-p, -n, -c), "
				      "or a command after '--'");
	return program_check(o->command, &o->run.targets);
}

/* 0, 1 when help was printed, or a negative errno after it has said why. */
static int parse(struct check_options *o, int argc, char **argv)
{
	int err;

	run_options_init(&o->run);
	o->run.sites = SITES_DEFAULT;
	argc = program_split(argc, argv, &o->command);
	err = opts_parse(argc, argv, table, run_opt_pid, o);
	if (!err && o->run.help) {
		print_help();
		return 1;
	}
	if (!err)
		err = require_targets(o);
	if (err)
		return err;
	if (!o->command && !o->run.duration_ns)
		o->run.duration_ns = DURATION_NS;
	return targets_check(&o->run.targets);
}

/* --- during the run --- */

static void say_progress(void *arg, struct strbuf *out)
{
	struct check *c = arg;

	if (!program_is_ending(&c->program))
		check_sink_progress(c->sink, out);
}

static int add_sources(void *arg, struct engine *e, struct loop *loop)
{
	struct check *c = arg;
	int err = progress_add(&c->progress, loop);

	return err ? err : program_add_sources(&c->program, e, loop);
}

static void release_program(void *arg)
{
	program_release(&((struct check *)arg)->program);
}

static bool is_left(void *arg)
{
	return program_is_left(&((struct check *)arg)->program);
}

static void before_ending(void *arg)
{
	check_sink_finish(((struct check *)arg)->sink);
}

static struct sink *open_sink(void *arg, int fd, unsigned page_shift)
{
	struct check *c = arg;

	c->sink = check_sink_new(fd, page_shift, &c->sink_options);
	return c->sink;
}

/* --- the command --- */

static void prepare(struct check *c)
{
	struct check_options *o = &c->options;

	c->result = GATE_FAILED;
	c->sink_options = (struct check_sink_options){
		.child = &c->program.child,
		.json = o->run.json,
		.max_growth = o->max_growth,
		.sites = o->run.no_stacks ? 0 : o->run.sites,
		.result = &c->result,
	};
	c->progress = (struct progress){
		.name = "check",
		.duration_ns = o->run.duration_ns,
		.text = say_progress,
		.arg = c,
	};
	c->program.ending = before_ending;
	c->program.arg = c;
}

static int check(struct check *c)
{
	const struct engine_front front = {
		.arg = c,
		.is_told_last = true,
		.open_sink = open_sink,
		.add_sources = add_sources,
		.started = release_program,
		.lingers = is_left,
	};
	int err;

	prepare(c);
	err = program_prepare(&c->program, c->options.command, &c->options.run);
	if (!err)
		err = engine_run(&c->options.run, &front);
	program_discard(&c->program);
	return err ? MEMWATCH_EXIT_FAILED : gate_status(c->result);
}

int cmd_check(int argc, char **argv)
{
	struct check *c = calloc(1, sizeof(*c));
	int err = c ? parse(&c->options, argc, argv) : -ENOMEM;
	int status;

	if (err > 0) /* help was asked for */
		status = MEMWATCH_EXIT_OK;
	else if (err)
		status = cmd_status(err);
	else
		status = check(c);
	free(c);
	return status;
}

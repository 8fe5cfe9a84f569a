/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * memwatch check: a release gate. Watches processes, or a program that it runs and all that this
 * starts, and answers with an exit status.
 *
 *   fork ─► held back ─► attached, first tick ─► exec ─► ... ─► last tick ─► SIGTERM ─► SIGKILL
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "cmd/check_sink.h"
#include "cmd/child.h"
#include "cmd/cmd.h"
#include "cmd/engine.h"

#define DURATION_NS   (120 * NSEC_PER_SEC) /* of processes that are there already */
#define SITES_DEFAULT 5
#define PROGRESS_NS   (10 * NSEC_PER_SEC)
#define TERM_NS	      (5 * NSEC_PER_SEC) /* that a program has to end by itself */
#define KILL_NS	      (2 * NSEC_PER_SEC) /* that the kernel has */
#define REAP_MS	      2000

struct check_options {
	struct run_options run; /* first: the options that are shared */
	double max_growth;	/* bytes per second; 0: no bar */
	char *const *command;	/* NULL: none */
};

struct check {
	struct check_options options;
	struct check_sink_options sink_options;
	struct child child;
	struct tree tree;
	enum gate_result result;

	struct engine *engine; /* while it runs */
	struct loop *loop;
	struct sink *sink;
	uint64_t begin_ns;
	int end_timer; /* < 0: nothing was told to end yet */
	uint64_t kill_ns, give_up_ns;
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

/* What follows "--" is not ours: returns how much of @argc is. */
static int split_command(struct check_options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--"))
			continue;
		o->command = &argv[i + 1];
		return i;
	}
	return argc;
}

static int require_targets(const struct check_options *o)
{
	bool is_named = targets_are_named(&o->run.targets);

	if (o->command && !o->command[0])
		return log_error_code(-EINVAL, "no command after '--'; see --help");
	if (o->command && is_named)
		return log_error_code(-EINVAL,
				      "either processes that are there, or a command after "
				      "'--': not both");
	if (!o->command && !is_named)
		return log_error_code(-EINVAL,
				      "what shall be checked? Name processes (-p, -n, -c), "
				      "or a command after '--'");
	return 0;
}

/* 0, 1 when help was printed, or a negative errno after it has said why. */
static int parse(struct check_options *o, int argc, char **argv)
{
	int err;

	run_options_init(&o->run);
	o->run.sites = SITES_DEFAULT;
	argc = split_command(o, argc, argv);
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

static int on_progress(void *arg, uint64_t expirations)
{
	struct check *c = arg;
	char so_far[UNITS_SIZE], all[UNITS_SIZE];
	uint64_t all_s = c->options.run.duration_ns / NSEC_PER_SEC;
	struct strbuf text;

	(void)expirations;
	if (c->end_timer >= 0)
		return 0;
	strbuf_init(&text);
	check_sink_progress(c->sink, &text);
	units_format_duration(so_far, sizeof(so_far),
			      (clock_boot_ns() - c->begin_ns) / NSEC_PER_SEC);
	units_format_duration(all, sizeof(all), all_s);
	log_info("check: %s%s%s: %s", so_far, all_s ? " of " : "", all_s ? all : "",
		 text.s ? text.s : "");
	strbuf_release(&text);
	return 0;
}

/* Whether the program itself has ended. */
static bool reap(struct check *c)
{
	if (!child_reap(&c->child))
		return false;
	tree_root_reaped(&c->tree);
	return true;
}

static int on_child(void *arg, int signo)
{
	struct check *c = arg;

	(void)signo;
	if (!reap(c))
		return 0;
	/* With -d, what it has started is watched on. */
	return c->options.run.duration_ns && !c->child.exec_error ? 0 : engine_stop(c->engine, 0);
}

static int on_end_timer(void *arg, uint64_t expirations)
{
	(void)expirations;
	return engine_stop(((struct check *)arg)->engine, 0);
}

static int add_sources(void *arg, struct engine *e, struct loop *loop)
{
	struct check *c = arg;
	int err = 0;

	c->engine = e;
	c->loop = loop;
	c->begin_ns = clock_boot_ns();
	if (isatty(STDERR_FILENO) && log_get_level() >= LOG_INFO)
		err = loop_add_timer(loop, PROGRESS_NS, on_progress, c);
	if (err >= 0 && c->child.argv)
		err = loop_add_signal(loop, SIGCHLD, on_child, c);
	return err < 0 ? err : 0;
}

static void release_child(void *arg)
{
	child_release(&((struct check *)arg)->child);
}

/* Asks all that is left to end, once. Returns whether it can be waited for. */
static bool tell_to_end(struct check *c)
{
	uint64_t now_ns = clock_boot_ns();

	if (c->child.has_ended)
		log_info("'%s' left processes behind: ending them", c->child.argv[0]);
	check_sink_finish(c->sink);
	c->child.was_told_to_end = !reap(c);
	c->kill_ns = now_ns + TERM_NS;
	c->give_up_ns = c->kill_ns + KILL_NS;
	c->end_timer = loop_add_timer(c->loop, TERM_NS, on_end_timer, c);
	tree_signal(&c->tree, c->end_timer < 0 ? SIGKILL : SIGTERM); /* cannot be waited for: now */
	return c->end_timer >= 0;
}

static bool is_left(void *arg)
{
	struct check *c = arg;
	uint64_t now_ns = clock_boot_ns();

	if (c->end_timer >= 0)
		tree_prune(&c->tree); /* there are no ticks that find what a lost record hides */
	if (tree_is_empty(&c->tree)) {
		child_wait(&c->child, REAP_MS);
		return false;
	}
	if (c->end_timer < 0)
		return tell_to_end(c);
	if (now_ns < c->kill_ns)
		return true;
	if (now_ns >= c->give_up_ns) {
		log_warn("not all processes of '%s' could be ended", c->child.argv[0]);
		return false;
	}
	tree_signal(&c->tree, SIGKILL);
	return !loop_set_timer(c->loop, c->end_timer, KILL_NS / 4);
}

static struct sink *open_sink(void *arg, int fd, unsigned page_shift)
{
	struct check *c = arg;

	c->sink = check_sink_new(fd, page_shift, &c->sink_options);
	return c->sink;
}

/* --- the command --- */

static int prepare(struct check *c)
{
	struct check_options *o = &c->options;
	int err;

	c->end_timer = -1;
	c->result = GATE_FAILED;
	c->sink_options = (struct check_sink_options){
		.child = &c->child,
		.json = o->run.json,
		.max_growth = o->max_growth,
		.sites = o->run.no_stacks ? 0 : o->run.sites,
		.result = &c->result,
	};
	if (!o->command)
		return 0;
	err = child_fork(&c->child, o->command);
	if (!err)
		err = tree_init(&c->tree, (uint32_t)c->child.pid);
	o->run.targets.tree = &c->tree;
	return err;
}

static int check(struct check *c)
{
	struct engine_front front = {
		.arg = c,
		.is_told_last = true,
		.open_sink = open_sink,
		.add_sources = add_sources,
	};
	int err = prepare(c);

	if (!err && c->child.argv) {
		front.started = release_child;
		front.lingers = is_left;
	}
	if (!err)
		err = engine_run(&c->options.run, &front);
	child_discard(&c->child);
	if (c->tree.by_pid.buckets)
		tree_release(&c->tree);
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

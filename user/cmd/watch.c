/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * memwatch watch: a run that is shown: as the live view on a terminal, as lines of
 * text when piped, or as NDJSON.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/engine.h"
#include "output/tui.h"

struct watch {
	struct run_options options;
	struct engine *engine; /* while it runs */
	struct sink *sink;
};

/* --- options --- */

/* Help is wrapped by opts_print(). */
static const struct opt table[] = {
	{0, "", NULL, "Which processes (all of the machine, if none is named)", NULL},
	RUN_OPTS_TARGETS,
	{0, "", NULL, "What to show", NULL},
	RUN_OPTS_INTERVAL,
	{'d', "duration", "SEC", "stop after this time (90s, 2m, 1h work, too)", run_opt_duration},
	{'r', "rows", "N", "at most so many processes a tick", run_opt_rows},
	{'s', "sort", "FIELD",
	 "growth (default), verdict (leaks first), limit (met soonest first), delta, since, rss, "
	 "anon, file, shmem, swap, heap, pgtable, vm, faults, calls, threads, pid, comm",
	 run_opt_sort},
	{0, "sites", "N",
	 "growth sites of each kind, of a process whose stacks are taken (10; 0 for none)",
	 run_opt_sites},
	RUN_OPTS_JSON,
	RUN_OPTS_OUTPUT,
	RUN_OPTS_COST,
	RUN_OPTS_OTHER,
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

/* 0, 1 when help was printed, or a negative errno after it has said why. */
static int parse(struct run_options *o, int argc, char **argv)
{
	int err;

	run_options_init(o);
	err = opts_parse(argc, argv, table, run_opt_pid, o);
	if (err)
		return err;
	if (o->help) {
		print_help();
		return 1;
	}
	return targets_check(&o->targets);
}

/* --- the live view --- */

static int on_key(void *arg, uint32_t events)
{
	struct watch *w = arg;
	int request = tui_input(w->sink);

	if (request < 0 || events & (EPOLLHUP | EPOLLERR))
		return engine_stop(w->engine, request < 0 ? request : 0);
	if (request == TUI_QUIT)
		return engine_stop(w->engine, 0);
	if (request == TUI_SORT)
		return engine_show(w->engine) ? engine_stop(w->engine, -EIO) : 0;
	return 0;
}

static int on_resize(void *arg, int signo)
{
	struct watch *w = arg;

	(void)signo;
	tui_resize(w->sink);
	return 0;
}

/* ^Z: hand the terminal back, stop for real, and take it again when continued. */
static int on_suspend(void *arg, int signo)
{
	struct watch *w = arg;

	(void)signo;
	tui_suspend(w->sink);
	kill(getpid(), SIGSTOP);
	tui_resume(w->sink);
	return 0;
}

static int add_keys(void *arg, struct engine *e, struct loop *loop)
{
	struct watch *w = arg;
	int err = loop_add_fd(loop, STDIN_FILENO, EPOLLIN, on_key, w);

	w->engine = e;
	if (!err)
		err = loop_add_signal(loop, SIGWINCH, on_resize, w);
	if (!err)
		err = loop_add_signal(loop, SIGTSTP, on_suspend, w);
	return err;
}

static struct sink *open_tui(void *arg, int fd, unsigned page_shift)
{
	struct watch *w = arg;

	(void)fd;
	w->sink = tui_sink_new(page_shift);
	if (w->sink)
		tui_set_sort(w->sink, w->options.sort);
	return w->sink;
}

static const struct column *order(void *arg, bool *reversed)
{
	return tui_sort(((struct watch *)arg)->sink, reversed);
}

static uint32_t looked_at(void *arg)
{
	return tui_looked_at(((struct watch *)arg)->sink);
}

/* --- the command --- */

static struct sink *open_lines(void *arg, int fd, unsigned page_shift)
{
	const struct watch *w = arg;

	return w->options.json ? ndjson_sink_new(fd, page_shift) : text_sink_new(fd, page_shift);
}

static int watch(struct watch *w)
{
	const struct run_options *o = &w->options;
	const struct engine_front lines = {.arg = w, .open_sink = open_lines};
	const struct engine_front tui = {
		.arg = w,
		.has_no_reader = true,
		.open_sink = open_tui,
		.add_sources = add_keys,
		.sort = order,
		.looked_at = looked_at,
	};
	bool is_tui = !o->json && !o->output && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

	return engine_run(&w->options, is_tui ? &tui : &lines);
}

int cmd_watch(int argc, char **argv)
{
	struct watch *w = calloc(1, sizeof(*w));
	int err = w ? parse(&w->options, argc, argv) : -ENOMEM;
	int status;

	if (err > 0) /* help was asked for */
		status = MEMWATCH_EXIT_OK;
	else if (err)
		status = cmd_status(err);
	else
		status = watch(w) ? MEMWATCH_EXIT_FAILED : MEMWATCH_EXIT_OK;
	free(w);
	return status;
}

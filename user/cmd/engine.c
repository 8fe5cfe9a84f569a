/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Setting up a run, its loop, and its end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/background.h"
#include "base/clock.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/engine_internal.h"

/* --- the end --- */

/* head(1) has seen enough, or a signal came while nobody read: an end like any other. */
static int end_result(int err)
{
	return err == -EPIPE || err == -EINTR ? 0 : err;
}

int engine_stop(struct engine *e, int err)
{
	loop_stop(e->loop, end_result(err));
	return 0;
}

/* @what: failed by @err, unless the front knows better. */
static int explain(const struct engine *e, int err, const char *what)
{
	const char *why = e->front->why ? e->front->why(e->front->arg) : NULL;

	if (why)
		return log_error_code(err, "%s", why);
	return log_error_code(err, "%s: %s", what, strerror(-err));
}

bool engine_has_targets(const struct engine *e)
{
	return targets_left(&e->options->targets);
}

/* --- sources --- */

static int on_events_waiting(void *arg, uint32_t events)
{
	(void)events;
	return engine_drain(arg);
}

static int on_drain_timer(void *arg, uint64_t expirations)
{
	struct engine *e = arg;
	struct bpf_cost *cost = session_cost(e->session);

	(void)expirations;
	if (cost)
		bpf_cost_step(cost, clock_boot_ns());
	if (e->closely.sites)
		sites_step(e->closely.sites);
	return engine_drain(e);
}

static int on_tick_timer(void *arg, uint64_t expirations)
{
	struct engine *e = arg;
	int err;

	if (e->is_over)
		return 0;
	e->timer_ticks++;
	e->lost.count[LOST_TICKS] += expirations - 1;
	if (!budget_collects(&e->budget, e->timer_ticks))
		return 0;
	/* Ends before sizes: what ended before this tick is not in it. */
	engine_drain(e);
	err = engine_tick(e);
	return err ? engine_stop(e, err) : 0;
}

static int on_duration(void *arg, uint64_t expirations)
{
	(void)expirations;
	return engine_stop(arg, 0);
}

static int on_stop_signal(void *arg, int signo)
{
	(void)signo;
	return engine_stop(arg, 0);
}

static int on_reader_gone(void *arg, uint32_t events)
{
	struct engine *e = arg;

	(void)events;
	loop_remove_fd(e->loop, e->out_fd); /* it would be said over and over */
	return engine_stop(e, 0);
}

/* --- setting up --- */

static void describe_run(const struct engine *e, struct run *run)
{
	const struct kernel *kernel = session_kernel(e->session);
	const struct targets *t = &e->options->targets;

	*run = (struct run){
		.version = MEMWATCH_VERSION,
		.kernel = kernel->release,
		.arch = kernel->arch,
		.interval_ns = e->options->interval_ns,
		.pids = t->tree ? &t->tree->root : t->pids,
		.pid_count = t->tree ? 1 : t->count,
		.comm = t->comm[0] ? t->comm : NULL,
		.cgroup = t->cgroup,
		.hook_count = CAPABILITY_MAX,
	};
	for (int c = 0; c < CAPABILITY_MAX; c++) {
		run->hooks[c].capability = capability_table[c].name;
		run->hooks[c].hook = session_hook_name(e->session, c);
	}
}

static int open_sink(struct engine *e)
{
	unsigned page_shift = session_kernel(e->session)->page_shift;

	e->sink = e->front->open_sink(e->front->arg, e->out_fd, page_shift);
	return e->sink ? 0 : explain(e, -errno, "cannot start the output");
}

static int prepare_verdicts(struct engine *e)
{
	e->verdicts =
		watch_verdict_new(&e->table, e->sink, targets_are_named(&e->options->targets));
	return e->verdicts ? 0 : log_error_code(-errno, "cannot judge: %s", strerror(errno));
}

static int open_output(struct engine *e)
{
	e->out_fd = STDOUT_FILENO;
	if (!e->options->output)
		return 0;
	e->out_fd = open(e->options->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (e->out_fd < 0)
		return log_error_code(-EIO, "cannot write %s: %s", e->options->output,
				      strerror(errno));
	return 0;
}

static int watch_sources(struct engine *e)
{
	int err = loop_add_stop_signals(e->loop, on_stop_signal, e), id;

	if (!err)
		err = loop_add_fd(e->loop, session_event_fd(e->session), EPOLLIN, on_events_waiting,
				  e);
	if (!err && e->front->add_sources)
		err = e->front->add_sources(e->front->arg, e, e->loop);
	/* Who reads a pipe may go while there is nothing to write; of a file epoll says EPERM. */
	if (!err && !e->front->has_no_reader) {
		err = loop_add_fd(e->loop, e->out_fd, 0, on_reader_gone, e);
		err = err == -EPERM ? 0 : err;
	}
	if (err)
		return err;
	id = loop_add_timer(e->loop, BPF_COST_STEP_MS * NSEC_PER_MSEC, on_drain_timer, e);
	if (id >= 0)
		id = loop_add_timer(e->loop, e->options->interval_ns, on_tick_timer, e);
	if (id >= 0 && e->options->duration_ns)
		id = loop_add_timer(e->loop, e->options->duration_ns, on_duration, e);
	return id < 0 ? id : 0;
}

/* --- running --- */

/* With the processes as of the last tick, and their sites. */
static int show_end(struct engine *e, struct end *end)
{
	int err;

	end->rows = engine_rows(e, &end->count);
	if (!end->rows)
		return -ENOMEM;
	column_sort(e->options->sort, end->rows, end->count);
	closely_show(&e->closely, end->rows, end->count);
	err = watch_verdict_end(e->verdicts, end->rows, end->count, end->now_ns);
	if (!err)
		err = e->sink->ops->end(e->sink, end);
	free(end->rows);
	return err;
}

/* With the ends so far: before the front forgets who has ended, whose record that is. */
static bool lingers(struct engine *e)
{
	if (!e->front->lingers)
		return false;
	session_drain(e->session, engine_on_event, e);
	return e->front->lingers(e->front->arg);
}

/* Also after a failure: what the front has started is not to be left behind. The first one counts.
 */
static int linger(struct engine *e, int err)
{
	e->is_over = true;
	if (!err)
		err = engine_heap_last(e);
	while (lingers(e)) {
		int result = loop_run(e->loop);

		err = err ? err : result;
	}
	return err;
}

/*
 * What happened since the last tick is shown too, unless that was just now. @err: of the run; then
 * nothing is shown any more.
 */
static int finish(struct engine *e, int err)
{
	struct end end = {0};

	session_drain(e->session, engine_on_event, e);
	if (!err && clock_boot_ns() - e->last_tick_ns > e->options->interval_ns / 2 &&
	    engine_has_targets(e))
		err = engine_tick(e);
	err = linger(e, err);
	self_meter_update(&e->meter, e->session);
	self_meter_read(&e->meter, e->session, &end.cost);
	session_lost(e->session, &e->lost);
	end.now_ns = clock_boot_ns();
	end.wall_ns = clock_wall_ns();
	end.lost_total = e->lost;
	end.ticks = e->ticks;
	if (!err)
		err = show_end(e, &end);
	return end_result(err);
}

static int run(struct engine *e)
{
	struct run about;
	int err;

	describe_run(e, &about);
	err = e->sink->ops->begin(e->sink, &about);
	self_meter_start(&e->meter, e->session);
	if (!err)
		err = engine_tick(e);
	if (err)
		return end_result(err);
	if (e->front->started)
		e->front->started(e->front->arg);
	if (engine_has_targets(e))
		err = loop_run(e->loop);
	return finish(e, err);
}

static int set_up(struct engine *e)
{
	const struct run_options *o = e->options;
	struct session_options session = {
		.pids = o->targets.pids,
		.pid_count = o->targets.count,
		.without = o->without,
		.btf = o->btf,
		.no_sites = o->no_stacks,
	};
	int err;

	budget_init(&e->budget, o->budget_pct);
	err = background_start();
	if (err)
		log_debug("what takes long is closed by threads: %s", strerror(-err));
	e->loop = loop_new();
	if (!e->loop)
		return log_error_code(-errno, "cannot make the event loop: %s", strerror(errno));
	e->session = session_open(&session);
	if (!e->session)
		return errno == EINVAL ? -EIO : -errno;
	if (!session_hook_name(e->session, CAPABILITY_V8) &&
	    !session_hook_name(e->session, CAPABILITY_GC))
		background_wait(); /* nothing takes long then */
	err = closely_init(&e->closely, e->session, o->budget_pct);
	if (err)
		return err;
	err = open_output(e); /* not before it is sure that there is something to write */
	if (err)
		return err;
	err = process_table_init(&e->table, session_kernel(e->session)->page_shift);
	if (!err)
		err = open_sink(e);
	if (!err)
		err = prepare_verdicts(e);
	if (!err)
		err = engine_heap_prepare(e);
	if (!err)
		err = watch_sources(e);
	return err;
}

static void tear_down(struct engine *e)
{
	engine_heap_release(e);
	watch_verdict_free(e->verdicts);
	if (e->sink)
		e->sink->ops->free(e->sink);
	closely_release(&e->closely);
	background_wait(); /* while signals are the loop's: once memwatch has ended, nothing is left
			    */
	session_close(e->session);
	if (e->table.by_pid.buckets)
		process_table_release(&e->table);
	loop_free(e->loop);
	if (e->out_fd > STDERR_FILENO)
		close(e->out_fd);
}

int engine_run(struct run_options *options, const struct engine_front *front)
{
	struct engine *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return log_error_code(-ENOMEM, "out of memory");
	e->options = options;
	e->front = front;
	signal(SIGPIPE, SIG_IGN);
	err = set_up(e);
	if (!err) {
		err = run(e);
		if (err)
			explain(e, err, "stopped");
	}
	tear_down(e);
	free(e);
	return err;
}

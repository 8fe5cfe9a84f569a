/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * memwatch watch: collects at each tick, drains events in between, and feeds
 * one sink: the live view on a terminal, lines of text when piped, or NDJSON.
 *
 * The run ends by a signal, -d, the user, a reader that went away, or when all
 * processes that were named by PID are gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/background.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/watch_options.h"
#include "cmd/watch_sites.h"
#include "collect/budget.h"
#include "collect/cgroup.h"
#include "collect/self.h"
#include "collect/session.h"
#include "output/tui.h"

#define LOAD_MIN_EVENTS 10000 /* a tick; fewer are no load */

struct watch {
	struct watch_options options;
	struct session *session;
	struct sites *sites; /* NULL: none are taken */
	struct process_table table;
	struct loop *loop;
	struct sink *sink;
	bool is_tui;
	int out_fd;
	const struct column *sort;

	struct budget budget;
	struct self_meter meter;
	unsigned long long timer_ticks, ticks;
	uint64_t last_tick_ns;
	struct lost lost;	 /* since the start */
	struct lost lost_before; /* as of the last tick that was shown */
	uint64_t born, gone;
	bool calls_whole, places_whole; /* were on since the tick before */
	uint64_t events_measured;	/* of a tick, when own cost was last measured for it */
};

/* --- the end --- */

/* head(1) has seen enough, or a signal came while nobody read: an end like any other. */
static int end_result(int err)
{
	return err == -EPIPE || err == -EINTR ? 0 : err;
}

/* Ends the run: at once, but in the loop's own time. */
static int watch_stop(struct watch *w, int err)
{
	loop_stop(w->loop, end_result(err));
	return 0;
}

static void named_process_gone(struct watch *w, uint32_t pid, uint64_t start_ns)
{
	struct process *successor;

	if (!targets_gone(&w->options.targets, pid, start_ns))
		return;
	session_remove_target(w->session, pid);
	successor = process_table_find(&w->table, pid, 0);
	if (successor && successor->start_ns != start_ns) /* the PID, but not who was named */
		process_table_remove(&w->table, successor);
	if (!w->options.targets.alive)
		watch_stop(w, 0);
}

/* --- events --- */

static bool event_is_wanted(const struct watch *w, const struct mw_event_header *h,
			    const struct process *p)
{
	const struct targets *t = &w->options.targets;

	if (!t->comm[0] && !t->cgroup)
		return true;
	if (p)
		return targets_match(t, p);
	return !t->cgroup && !strncmp(h->comm, t->comm, MW_COMM_LEN - 1);
}

/*
 * No tick may have seen the victim in this cgroup: what that is called, and so whether -c means it,
 * is to be asked now or never.
 */
static int show_victim(struct watch *w, const struct mw_event_oom *e, const struct process *p)
{
	struct cgroup cgroup = {.node.key = e->cgroup_id};
	struct process victim = {.pid = e->h.pid, .start_ns = e->h.start_ns, .cgroup = &cgroup};
	int err = 0;

	memcpy(victim.comm, e->h.comm, MW_COMM_LEN);
	if (!p || !p->cgroup || p->cgroup->node.key != e->cgroup_id || !p->cgroup->path) {
		cgroup_read_by_id(&cgroup, e->cgroup_id);
		p = &victim;
	}
	if (targets_match(&w->options.targets, p))
		err = w->sink->ops->event(w->sink, &e->h, p);
	free(cgroup.path);
	return err;
}

static void on_event(void *arg, const struct mw_event_header *h)
{
	struct watch *w = arg;
	struct process *p = process_table_find(&w->table, h->pid, h->start_ns);
	int err = 0;

	w->born += h->type == MW_EVENT_FORK;
	w->gone += h->type == MW_EVENT_EXIT;
	if (h->type == MW_EVENT_OOM)
		err = show_victim(w, (const struct mw_event_oom *)h, p);
	else if (event_is_wanted(w, h, p))
		err = w->sink->ops->event(w->sink, h, p);
	if (h->type == MW_EVENT_EXEC && w->sites) { /* another program: looked at anew */
		sites_forget(w->sites, h->pid);
		if (p)
			p->sites = NULL;
	}
	if (h->type == MW_EVENT_EXIT) {
		if (p && w->sites) /* not those of another that has the PID now */
			sites_forget(w->sites, h->pid);
		if (p)
			process_table_remove(&w->table, p);
		named_process_gone(w, h->pid, h->start_ns);
	}
	if (err)
		watch_stop(w, err);
}

static int drain(struct watch *w)
{
	int err = session_drain(w->session, on_event, w);

	if (err >= 0)
		err = w->sink->ops->flush(w->sink);
	return err < 0 ? watch_stop(w, err) : 0;
}

static int on_events_waiting(void *arg, uint32_t events)
{
	(void)events;
	return drain(arg);
}

static int on_drain_timer(void *arg, uint64_t expirations)
{
	struct watch *w = arg;
	struct bpf_cost *cost = session_cost(w->session);

	(void)expirations;
	if (cost)
		bpf_cost_step(cost, clock_boot_ns());
	if (w->sites)
		sites_step(w->sites);
	return drain(w);
}

/* --- ticks --- */

/* Processes that a tick did not see and that no exit record explained. */
static void on_vanished(void *arg, const struct process *p)
{
	struct watch *w = arg;

	w->gone++;
	if (targets_match(&w->options.targets, p))
		w->sink->ops->vanished(w->sink, p, w->table.now_ns);
	named_process_gone(w, p->pid, p->start_ns);
	session_forget_process(w->session, p->pid);
	if (w->sites)
		sites_forget(w->sites, p->pid);
}

/* A process that was named but is not in the first tick ended while memwatch attached. */
static void note_named(struct watch *w)
{
	struct targets *t = &w->options.targets;

	for (unsigned i = 0; i < t->count; i++) {
		struct process *p = process_table_find(&w->table, t->pids[i], 0);

		if (p)
			targets_seen(t, p);
		if (p || t->is_gone[i] || t->starts[i])
			continue;
		log_warn("process %u %s", t->pids[i],
			 kill(t->pids[i], 0) && errno == ESRCH
				 ? "ended before memwatch had attached"
				 : "is not shown by the kernel's iterator: it cannot be watched");
		named_process_gone(w, t->pids[i], 0);
	}
}

static size_t keep_matching(const struct watch *w, struct process **rows, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (targets_match(&w->options.targets, rows[i]))
			rows[kept++] = rows[i];
	}
	return kept;
}

static void reverse(struct process **rows, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct process *p = rows[i];

		rows[i] = rows[count - 1 - i];
		rows[count - 1 - i] = p;
	}
}

/* @collected: after a collection; else the same again in another order. */
static int show(struct watch *w, bool collected)
{
	struct tick tick = {
		.now_ns = w->table.now_ns,
		.wall_ns = sink_wall_ns(w->table.now_ns),
		.rows_wanted = w->options.rows,
		.sites_wanted = w->options.sites,
		.sort = w->sort,
		.lost_total = w->lost,
		.born = w->born,
		.gone = w->gone,
		.has_fault_places = w->places_whole,
		.shed = budget_text(&w->budget),
	};
	bool reversed = false;
	int err;

	if (w->is_tui)
		tick.sort = tui_sort(w->sink, &reversed);
	tick.rows = process_list(&w->table, &tick.count);
	if (!tick.rows)
		return -ENOMEM;
	tick.count = keep_matching(w, tick.rows, tick.count);
	for (size_t i = 0; i < tick.count && !w->calls_whole; i++)
		tick.rows[i]->calls_counted = false;
	if (collected)
		watch_sites_tick(w->sites, &w->options.targets, tick.rows, tick.count,
				 w->is_tui ? tui_looked_at(w->sink) : 0);
	if (w->ticks == 1 && !tick.count && !w->options.targets.count)
		log_info("no process matches yet: waiting for one");
	column_sort(tick.sort, tick.rows, tick.count);
	if (reversed)
		reverse(tick.rows, tick.count);
	lost_since(&tick.lost, &w->lost, &w->lost_before);
	self_meter_read(&w->meter, w->session, &tick.cost);
	err = w->sink->ops->tick(w->sink, &tick);
	w->lost_before = w->lost;
	w->born = w->gone = 0;
	free(tick.rows);
	return err;
}

/* Gives up detail, or takes it back, as the budget says. */
static void keep_budget(struct watch *w)
{
	const struct self_meter *m = &w->meter;
	const double used_pct[BUDGET_PARTS] = {
		[BUDGET_FAULTS] = m->bpf_pct[CAPABILITY_FAULTS],
		[BUDGET_CALLS] = m->bpf_pct[CAPABILITY_CALLS],
		[BUDGET_TICKS] = m->own_pct,
	};
	unsigned before = w->budget.given_up_count;

	if (!budget_update(&w->budget, used_pct, m->total_pct))
		return;
	session_set_enabled(w->session, CAPABILITY_FAULTS, !budget_has(&w->budget, BUDGET_FAULTS));
	session_set_enabled(w->session, CAPABILITY_CALLS, !budget_has(&w->budget, BUDGET_CALLS));
	if (w->budget.given_up_count > before)
		log_warn("own cost %.2f %% of a CPU, budget %.2f %%: gave up %s", m->total_pct,
			 w->budget.limit_pct, budget_text(&w->budget));
	else if (!w->budget.given_up_count)
		log_info("own cost %.2f %% of a CPU: full detail again", m->total_pct);
}

/* Own cost goes with what the processes do: when that doubles, it is measured anew. */
static void note_load(struct watch *w)
{
	struct bpf_cost *cost = session_cost(w->session);
	uint64_t events = 0;
	struct hmap_node *node;
	struct process *p;

	process_table_for_each (&w->table, p, node) {
		const struct activity *a = &p->activity;

		events += a->fault_count + a->mmap_count + a->munmap_count + a->mremap_count +
			  a->brk_count;
	}
	if (cost && events > 2 * w->events_measured + LOAD_MIN_EVENTS)
		bpf_cost_look_again(cost);
	if (events > 2 * w->events_measured + LOAD_MIN_EVENTS || 2 * events < w->events_measured)
		w->events_measured = events;
}

/* Whether @c was, and is, counted over the whole interval to the next tick. */
static bool is_counted(const struct watch *w, enum capability c, enum budget_part part)
{
	return session_is_enabled(w->session, c) && !budget_has(&w->budget, part);
}

static int tick(struct watch *w)
{
	int err = session_collect(w->session, &w->table);
	int shown;

	if (err)
		return log_error_code(err, "cannot read the processes from the kernel: %s",
				      strerror(-err));
	w->last_tick_ns = w->table.now_ns;
	w->ticks++;
	session_lost(w->session, &w->lost);
	if (w->sites)
		sites_lost(w->sites, &w->lost);
	w->lost.count[LOST_SHED] += w->budget.given_up_count > 0;
	note_named(w);
	process_table_sweep(&w->table, on_vanished, w);
	shown = show(w, true);
	note_load(w);
	if (w->sites)
		self_meter_excuse(&w->meter, sites_learning_ns(w->sites));
	if (self_meter_update(&w->meter, w->session))
		keep_budget(w);
	w->calls_whole = is_counted(w, CAPABILITY_CALLS, BUDGET_CALLS);
	w->places_whole = is_counted(w, CAPABILITY_FAULTS, BUDGET_FAULTS);
	return shown;
}

static int on_tick_timer(void *arg, uint64_t expirations)
{
	struct watch *w = arg;
	int err;

	w->timer_ticks++;
	w->lost.count[LOST_TICKS] += expirations - 1;
	if (!budget_collects(&w->budget, w->timer_ticks))
		return 0;
	/* Ends before sizes: what ended before this tick is not in it. */
	drain(w);
	err = tick(w);
	return err ? watch_stop(w, err) : 0;
}

/* --- the user --- */

static int on_duration(void *arg, uint64_t expirations)
{
	(void)expirations;
	return watch_stop(arg, 0);
}

static int on_stop_signal(void *arg, int signo)
{
	(void)signo;
	return watch_stop(arg, 0);
}

static int on_key(void *arg, uint32_t events)
{
	struct watch *w = arg;
	int request = tui_input(w->sink);

	if (request < 0 || events & (EPOLLHUP | EPOLLERR))
		return watch_stop(w, request < 0 ? request : 0);
	if (request == TUI_QUIT)
		return watch_stop(w, 0);
	if (request == TUI_SORT)
		return show(w, false) ? watch_stop(w, -EIO) : 0;
	return 0;
}

static int on_reader_gone(void *arg, uint32_t events)
{
	(void)events;
	return watch_stop(arg, 0);
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

/* --- setting up --- */

static void describe_run(const struct watch *w, struct run *run)
{
	const struct kernel *kernel = session_kernel(w->session);
	const struct targets *t = &w->options.targets;

	*run = (struct run){
		.version = MEMWATCH_VERSION,
		.kernel = kernel->release,
		.arch = kernel->arch,
		.interval_ns = w->options.interval_ns,
		.pids = t->pids,
		.pid_count = t->count,
		.comm = t->comm[0] ? t->comm : NULL,
		.cgroup = t->cgroup,
		.hook_count = CAPABILITY_MAX,
	};
	for (int c = 0; c < CAPABILITY_MAX; c++) {
		run->hooks[c].capability = capability_table[c].name;
		run->hooks[c].hook = session_hook_name(w->session, c);
	}
}

static int open_sink(struct watch *w)
{
	const struct watch_options *o = &w->options;
	unsigned page_shift = session_kernel(w->session)->page_shift;

	w->is_tui = !o->json && !o->output && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	if (o->json)
		w->sink = ndjson_sink_new(w->out_fd, page_shift);
	else if (w->is_tui)
		w->sink = tui_sink_new(page_shift);
	else
		w->sink = text_sink_new(w->out_fd, page_shift);
	if (!w->sink)
		return log_error_code(-errno, "cannot start the output: %s", strerror(errno));
	if (w->is_tui)
		tui_set_sort(w->sink, w->sort);
	return 0;
}

static int open_output(struct watch *w)
{
	w->out_fd = STDOUT_FILENO;
	if (!w->options.output)
		return 0;
	w->out_fd = open(w->options.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (w->out_fd < 0)
		return log_error_code(-EIO, "cannot write %s: %s", w->options.output,
				      strerror(errno));
	return 0;
}

static int watch_sources(struct watch *w)
{
	static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	int err = 0, id;

	for (unsigned i = 0; !err && i < sizeof(stop_signals) / sizeof(stop_signals[0]); i++) {
		struct sigaction now;

		/* nohup(1), and what a shell starts by '&', ignore some: so do we. */
		if (sigaction(stop_signals[i], NULL, &now) || now.sa_handler != SIG_IGN)
			err = loop_add_signal(w->loop, stop_signals[i], on_stop_signal, w);
	}
	if (!err)
		err = loop_add_fd(w->loop, session_event_fd(w->session), EPOLLIN, on_events_waiting,
				  w);
	if (!err && w->is_tui) {
		err = loop_add_fd(w->loop, STDIN_FILENO, EPOLLIN, on_key, w);
		if (!err)
			err = loop_add_signal(w->loop, SIGWINCH, on_resize, w);
		if (!err)
			err = loop_add_signal(w->loop, SIGTSTP, on_suspend, w);
	}
	/* Who reads a pipe may go while there is nothing to write; of a file epoll says EPERM. */
	if (!err && !w->is_tui) {
		err = loop_add_fd(w->loop, w->out_fd, 0, on_reader_gone, w);
		err = err == -EPERM ? 0 : err;
	}
	if (err)
		return err;
	id = loop_add_timer(w->loop, BPF_COST_STEP_MS * NSEC_PER_MSEC, on_drain_timer, w);
	if (id >= 0)
		id = loop_add_timer(w->loop, w->options.interval_ns, on_tick_timer, w);
	if (id >= 0 && w->options.duration_ns)
		id = loop_add_timer(w->loop, w->options.duration_ns, on_duration, w);
	return id < 0 ? id : 0;
}

/* --- running --- */

/* With the processes as of the last tick, and their sites. */
static int show_end(struct watch *w, struct end *end)
{
	int err;

	end->rows = process_list(&w->table, &end->count);
	if (!end->rows)
		return -ENOMEM;
	end->count = keep_matching(w, end->rows, end->count);
	column_sort(w->sort, end->rows, end->count);
	watch_sites_show(w->sites, end->rows, end->count);
	err = w->sink->ops->end(w->sink, end);
	free(end->rows);
	return err;
}

/* What happened since the last tick is shown too, unless that was just now. */
static int finish(struct watch *w)
{
	struct end end = {0};
	int err = 0;

	session_drain(w->session, on_event, w);
	if (clock_boot_ns() - w->last_tick_ns > w->options.interval_ns / 2 &&
	    (!w->options.targets.count || w->options.targets.alive))
		err = tick(w);
	self_meter_update(&w->meter, w->session);
	self_meter_read(&w->meter, w->session, &end.cost);
	session_lost(w->session, &w->lost);
	end.now_ns = clock_boot_ns();
	end.wall_ns = clock_wall_ns();
	end.lost_total = w->lost;
	end.ticks = w->ticks;
	if (!err)
		err = show_end(w, &end);
	return end_result(err);
}

static int run(struct watch *w)
{
	struct run about;
	int err;

	describe_run(w, &about);
	err = w->sink->ops->begin(w->sink, &about);
	self_meter_start(&w->meter, w->session);
	if (!err)
		err = tick(w);
	if (err)
		return end_result(err);
	if (!w->options.targets.count || w->options.targets.alive)
		err = loop_run(w->loop);
	return err ? err : finish(w);
}

static int set_up(struct watch *w)
{
	const struct watch_options *o = &w->options;
	struct session_options session = {
		.pids = o->targets.pids,
		.pid_count = o->targets.count,
		.without = o->without,
		.no_sites = o->no_stacks,
	};
	int err;

	w->sort = o->sort;
	budget_init(&w->budget, o->budget_pct);
	if (!o->no_stacks) {
		err = background_start();
		if (err)
			log_debug("what takes long is closed by threads: %s", strerror(-err));
	}
	w->loop = loop_new();
	if (!w->loop)
		return log_error_code(-errno, "cannot make the event loop: %s", strerror(errno));
	w->session = session_open(&session);
	if (!w->session)
		return errno == EINVAL ? -EIO : -errno;
	if (!session_hook_name(w->session, CAPABILITY_V8))
		background_wait(); /* nothing takes long then */
	w->sites = sites_new(w->session, o->budget_pct);
	if (!w->sites && errno != ENOTSUP)
		return log_error_code(-errno, "cannot prepare for stacks: %s", strerror(errno));
	err = open_output(w); /* not before it is sure that there is something to write */
	if (err)
		return err;
	err = process_table_init(&w->table, session_kernel(w->session)->page_shift);
	if (!err)
		err = open_sink(w);
	if (!err)
		err = watch_sources(w);
	return err;
}

static void tear_down(struct watch *w)
{
	if (w->sink)
		w->sink->ops->free(w->sink);
	sites_free(w->sites);
	background_wait(); /* while signals are the loop's: once memwatch has ended, nothing is left
			    */
	session_close(w->session);
	if (w->table.by_pid.buckets)
		process_table_release(&w->table);
	loop_free(w->loop);
	if (w->out_fd > STDERR_FILENO)
		close(w->out_fd);
}

int cmd_watch(int argc, char **argv)
{
	struct watch *w = calloc(1, sizeof(*w));
	int err = w ? 0 : -ENOMEM;

	if (!err)
		err = watch_options_parse(&w->options, argc, argv);
	if (err > 0) { /* help was asked for */
		free(w);
		return MEMWATCH_EXIT_OK;
	}
	if (err || !w) {
		free(w);
		return cmd_status(err);
	}
	signal(SIGPIPE, SIG_IGN);
	err = set_up(w);
	if (!err) {
		err = run(w);
		if (err)
			log_error("stopped: %s", strerror(-err));
	}
	tear_down(w);
	free(w);
	return err ? MEMWATCH_EXIT_FAILED : MEMWATCH_EXIT_OK;
}

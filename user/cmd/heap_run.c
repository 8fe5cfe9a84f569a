/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A census, or one every so often: taken, compared with the first and the one before, asked who
 * keeps what grew, shown, kept in the file.
 *
 *   taker ─► now ─┐
 *       first, before ─► diff ─► growers ─► retainers
 *                                    └──► stdout, file
 *
 * Signals wait while a census is taken: it asks for them often, and gives up cleanly.
 */
#include "cmd/heap_run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "analysis/census_names.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "cmd/heap_progress.h"
#include "cmd/heap_show.h"
#include "output/ndjson_census.h"
#include "store/census_file.h"

#define SAME_NAME_MAX 4 /* constructors of a name whose retainers are looked for */
#define RETAIN_GUESS  3 /* retainers take so many times as long as the analysis: a first guess */

struct heap_run {
	const struct heap_options *o;
	uint32_t pid;
	struct census_taker *taker;
	struct census *first, *before, *now; /* @first: the base, if there is one; @before may be
						@first, or NULL */
	struct census_diff *diff;	     /* of @now; NULL at the first */
	unsigned count;
	bool has_retainers;  /* of @now, as far as they were asked for */
	uint64_t retain_ns;  /* that they took last */
	bool is_cancelled;   /* they were being looked for when a signal came */
	bool is_gone;	     /* the process has ended */
	bool is_late_warned; /* that censuses take longer than the time between them */
	struct loop *loop;
	int pidfd; /* < 0: none */
	struct heap_progress progress;
	struct heap_show show;
};

static bool cancelled(void *arg)
{
	(void)arg;
	return loop_stop_is_pending();
}

/* --- a census --- */

static int explain(struct heap_run *r, int err, const char *why)
{
	if (err == -ECANCELED || (err == -ESRCH && r->count))
		return err;
	return log_error_code(err, "no census of process %u: %s", r->pid,
			      why ? why : strerror(-err));
}

static int compare(struct heap_run *r)
{
	census_diff_free(r->diff);
	r->diff = NULL;
	if (r->first == r->now)
		return 0;
	r->diff = census_diff_new(r->first, r->before == r->first ? NULL : r->before, r->now);
	return r->diff ? 0 : log_error_code(-ENOMEM, "out of memory");
}

static int take(struct heap_run *r)
{
	struct census *c = NULL;
	const char *why = NULL;
	int err;

	heap_progress_begin(&r->progress);
	err = census_take(r->taker, &c, &why);
	heap_progress_end(&r->progress);
	if (err)
		return explain(r, err, why);
	if (r->before != r->first)
		census_free(r->before);
	r->before = r->now;
	r->now = c;
	if (!r->first)
		r->first = c;
	r->count++;
	r->has_retainers = false;
	if (c->is_live && !r->o->census.live && r->count == 1)
		log_warn("process %u was read while it ran: %s", r->pid, census_live_why(r->taker));
	return compare(r);
}

/* --- retainers --- */

static int retain_of(struct heap_run *r, const struct constructor *k)
{
	const char *why = NULL;
	int err = census_retain(r->taker, r->now, k, &why);

	if (err && err != -ENOENT && err != -ECANCELED)
		log_error("no retainers in process %u: %s", r->pid, why);

	return err == -ENOENT ? 0 : err;
}

static int no_constructor(struct heap_run *r, const char *name)
{
	const char *like = census_suggest(r->now, name);

	if (like)
		return log_error_code(-ENOENT,
				      "no constructor is called '%s' in process %u; did you mean "
				      "'%s'?",
				      name, r->pid, like);
	return log_error_code(-ENOENT,
			      "no constructor is called '%s' in process %u; 'memwatch heap -p %u' "
			      "lists them",
			      name, r->pid, r->pid);
}

static int retain_named(struct heap_run *r, const char *name)
{
	const struct constructor *found[SAME_NAME_MAX];
	unsigned count = census_find(r->now, name, found, SAME_NAME_MAX);
	int err = 0;

	if (!count && r->count > 1) { /* they may come and go: that ends no watch of hours */
		log_info("no '%s' is alive in process %u now", name, r->pid);
		return 0;
	}
	if (!count)
		return no_constructor(r, name);
	for (unsigned i = 0; i < count && !err; i++)
		err = retain_of(r, found[i]);
	return err;
}

static int retain_growers(struct heap_run *r)
{
	const struct census_change *growers[CENSUS_GROWERS_MAX];
	unsigned count = r->diff ? census_diff_growers(r->diff, CENSUS_FIRST, growers) : 0;
	int err = 0;

	for (unsigned i = 0; i < count && !err; i++)
		err = retain_of(r, growers[i]->what);
	return err == -ECANCELED ? err : 0; /* nobody asked: the table stands without them */
}

static int retain(struct heap_run *r)
{
	uint64_t begin_ns = clock_boot_ns();
	int err = 0;

	heap_progress_begin(&r->progress);
	if (!r->o->retainer_count)
		err = retain_growers(r);
	for (unsigned i = 0; i < r->o->retainer_count && !err; i++)
		err = retain_named(r, r->o->retainers[i]);
	heap_progress_end(&r->progress);
	if (r->now->retainer_count)
		r->retain_ns = clock_boot_ns() - begin_ns;
	r->has_retainers = !err;
	r->is_cancelled = err == -ECANCELED;
	return err;
}

/* Whether there is time for them before the next census; the last one has it. */
static bool is_time_to_retain(const struct heap_run *r)
{
	uint64_t takes_ns = r->retain_ns ? r->retain_ns : RETAIN_GUESS * r->now->analysis_ns;

	if (!r->o->every_ns || (r->o->censuses && r->count >= r->o->censuses))
		return true;
	return r->now->analysis_ns + takes_ns < r->o->every_ns / 2;
}

/* --- output --- */

static int keep(struct heap_run *r)
{
	const char *path = r->o->run.output;
	struct strbuf records;
	int err;

	if (!path)
		return 0;
	strbuf_init(&records);
	ndjson_census_file_add(&records, &r->show.run, r->now);
	err = records.err
		      ? records.err
		      : census_file_write(path, records.s, records.len, r->o->census.show_values);
	strbuf_release(&records);
	if (err)
		return log_error_code(-EIO, "cannot write %s: %s", path, strerror(-err));
	return 0;
}

static int step(struct heap_run *r)
{
	int err = take(r), retained = 0;

	if (!err && is_time_to_retain(r))
		retained = retain(r);
	if (err || retained == -ENOENT) /* a name that is none: the table is not what was wanted */
		return err ? err : retained;
	err = heap_show(&r->show, r->now, r->diff);
	if (!err)
		err = keep(r);
	return err ? err : retained;
}

/* After the last one: what there was no time for, and the end. */
static int finish(struct heap_run *r)
{
	int err = 0;

	if (!r->has_retainers && !r->is_cancelled) {
		err = retain(r);
		if (!err)
			err = heap_show_retainers(&r->show, r->now);
		if (!err)
			err = keep(r);
	}
	if (err == -ECANCELED) /* a second signal: without them */
		err = 0;
	return err ? err : heap_show_end(&r->show, r->count);
}

/* --- time --- */

/* What ends a run of several censuses in order. */
static int go_on_after(struct heap_run *r, int err)
{
	if (err == -ESRCH && r->count) {
		r->is_gone = true;
		err = 0;
	} else if (err == -ECANCELED && r->count) {
		return 0; /* the loop has the signal */
	} else if (!err && (!r->o->censuses || r->count < r->o->censuses)) {
		return 0;
	}
	loop_stop(r->loop, err);
	return 0;
}

static int on_timer(void *arg, uint64_t expirations)
{
	struct heap_run *r = arg;

	if (expirations > 1 && !r->is_late_warned) {
		log_warn("a census and its retainers take longer than --every: some are left out");
		r->is_late_warned = true;
	}
	return go_on_after(r, step(r));
}

static int on_stop_signal(void *arg, int signo)
{
	(void)signo;
	loop_stop(((struct heap_run *)arg)->loop, 0);
	return 0;
}

static int on_exit_of_it(void *arg, uint32_t events)
{
	struct heap_run *r = arg;

	(void)events;
	r->is_gone = true;
	loop_remove_fd(r->loop, r->pidfd);
	loop_stop(r->loop, 0);
	return 0;
}

static int wait_for_more(struct heap_run *r)
{
	int err = 0;

	r->pidfd = (int)syscall(SYS_pidfd_open, (pid_t)r->pid, 0);
	if (r->pidfd >= 0)
		err = loop_add_fd(r->loop, r->pidfd, EPOLLIN, on_exit_of_it, r);
	if (err)
		return log_error_code(err, "cannot wait: %s", strerror(-err));
	err = loop_run(r->loop);
	if (r->is_gone)
		log_info("process %u has ended after %u censuses", r->pid, r->count);
	return err;
}

/* --- the run --- */

/* Before the process is stopped for what cannot be compared. */
static int read_base(struct heap_run *r)
{
	struct census_file file = {0};
	int err;

	if (!r->o->base)
		return 0;
	err = strcmp(r->o->base, "-") ? census_file_read(r->o->base, &file)
				      : census_file_parse(stdin, &file);
	if (err)
		return log_error_code(-EIO, "cannot compare with %s: %s", r->o->base, file.why);
	if (file.is_cut)
		log_warn("%s was cut off before its end: what is missing counts as new",
			 r->o->base);
	r->first = file.census;
	return 0;
}

static int open_taker(struct heap_run *r)
{
	struct census_options options = r->o->census;
	const char *why = NULL;

	options.cancelled = cancelled;
	options.progress = heap_progress;
	options.arg = &r->progress;
	r->taker = census_taker_new((pid_t)r->pid, &options, &why);
	return r->taker ? 0 : explain(r, -errno, why);
}

static int set_up(struct heap_run *r)
{
	int err;

	r->loop = loop_new();
	if (!r->loop)
		return log_error_code(-errno, "cannot wait: %s", strerror(errno));
	err = loop_add_stop_signals(r->loop, on_stop_signal, r);
	if (err)
		return log_error_code(err, "cannot take signals: %s", strerror(-err));
	err = open_taker(r);
	if (!err && r->o->every_ns) { /* from now on: the first census may take long */
		int id = loop_add_timer(r->loop, r->o->every_ns, on_timer, r);

		err = id < 0 ? log_error_code(id, "cannot wait: %s", strerror(-id)) : 0;
	}
	return err;
}

static int run(struct heap_run *r)
{
	int err = heap_show_begin(&r->show, &r->pid, 1, r->o->every_ns);

	if (!err && !r->o->census.live && !r->show.json)
		log_info("process %u stands still for a moment: some milliseconds for each 50 MB "
			 "(--live: not at all)",
			 r->pid);
	if (!err)
		err = step(r);
	if (err == -ECANCELED && r->count) /* it was shown, without retainers */
		return heap_show_end(&r->show, r->count);
	if (!err && r->o->every_ns)
		err = wait_for_more(r);
	return err ? err : finish(r);
}

static void tear_down(struct heap_run *r)
{
	census_taker_free(r->taker);
	census_diff_free(r->diff);
	if (r->before != r->first)
		census_free(r->before);
	if (r->now != r->first)
		census_free(r->now);
	census_free(r->first);
	if (r->pidfd >= 0)
		close(r->pidfd);
	loop_free(r->loop);
	heap_show_release(&r->show);
}

int heap_run(const struct heap_options *o, uint32_t pid)
{
	struct heap_run *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return log_error_code(-ENOMEM, "out of memory");
	r->o = o;
	r->pid = pid;
	r->pidfd = -1;
	signal(SIGPIPE, SIG_IGN);
	heap_show_init(&r->show, o->run.json, o->run.rows);
	err = read_base(r);
	if (!err)
		err = set_up(r);
	if (!err)
		err = run(r);
	if (err == -ECANCELED)
		log_error("stopped before there was a census of process %u", pid);
	tear_down(r);
	free(r);
	return err == -EPIPE || err == -EINTR ? 0 : err; /* nobody reads any more */
}

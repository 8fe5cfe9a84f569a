/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The event loop: one epoll descriptor over a fixed table of sources.
 *
 *   epoll ──┬── descriptors        one slot each
 *           ├── timerfds           one slot each, owned by the loop
 *           └── one signalfd ───── signals, one slot each
 *
 * An epoll event carries its slot and the slot's generation. A slot that is
 * given up gets a new generation, so that an event which was fetched before
 * (the rest of the same batch) finds that it is stale. So a callback may
 * remove any source, its own too, and even add another in its place.
 *
 * Signals that were not delivered when the loop ends are dropped, not left
 * to kill the program while it cleans up: they were meant for the loop.
 *
 * LIMITATIONS
 * - Level-triggered: a callback that neither reads nor removes its source on
 *   EPOLLHUP or EPOLLERR makes the loop spin.
 * - Remove a descriptor before it is closed: epoll keeps one that lives on
 *   as a copy. (A number that was closed and opened again may be added again.)
 * - Regular files cannot be watched (-EPERM, from epoll).
 * - Blocked signals are inherited: unblock them between fork and exec. And
 *   a signal that is ignored (nohup) is delivered all the same.
 * - A callback must not free the loop, nor run it.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"

#define SIGNAL_TAG UINT64_MAX /* the signalfd's event; no slot's tag, see tag_of() */

enum source_kind { SOURCE_FREE, SOURCE_FD, SOURCE_TIMER, SOURCE_SIGNAL };

struct source {
	enum source_kind kind;
	uint32_t generation;
	int fd; /* FD: the caller's; TIMER: ours */
	int signo;
	bool was_blocked; /* SIGNAL: before the loop came, so leave it so */
	union {
		loop_fd_fn on_fd;
		loop_timer_fn on_timer;
		loop_signal_fn on_signal;
	};
	void *arg;
};

struct loop {
	int epoll_fd;
	int signal_fd; /* -1 until the first signal */
	sigset_t signals;
	bool is_stopped;
	int result;
	struct source sources[LOOP_MAX_SOURCES];
};

struct loop *loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->signal_fd = -1;
	sigemptyset(&l->signals);
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0) {
		int err = errno;

		free(l);
		errno = err;
		return NULL;
	}
	return l;
}

static void drain_signals(struct loop *l)
{
	struct signalfd_siginfo info;

	while (read(l->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		;
}

void loop_free(struct loop *l)
{
	sigset_t unblock;

	if (!l)
		return;
	sigemptyset(&unblock);
	for (int i = 0; i < LOOP_MAX_SOURCES; i++) {
		struct source *src = &l->sources[i];

		if (src->kind == SOURCE_TIMER)
			close(src->fd);
		else if (src->kind == SOURCE_SIGNAL && !src->was_blocked)
			sigaddset(&unblock, src->signo);
	}
	if (l->signal_fd >= 0) {
		drain_signals(l);
		close(l->signal_fd);
		pthread_sigmask(SIG_UNBLOCK, &unblock, NULL);
	}
	close(l->epoll_fd);
	free(l);
}

/* The first source of @kind (and @fd or @signo, which are 0 where they mean nothing), or NULL. */
static struct source *find_source(struct loop *l, enum source_kind kind, int fd, int signo)
{
	for (int i = 0; i < LOOP_MAX_SOURCES; i++) {
		struct source *src = &l->sources[i];

		if (src->kind == kind && src->fd == fd && src->signo == signo)
			return src;
	}
	return NULL;
}

static struct source *find_free(struct loop *l)
{
	return find_source(l, SOURCE_FREE, 0, 0);
}

static void release_source(struct source *src)
{
	*src = (struct source){.generation = src->generation + 1};
}

static uint64_t tag_of(const struct loop *l, const struct source *src)
{
	return (uint64_t)src->generation << 32 | (uint64_t)(src - l->sources);
}

/* NULL when the slot has been given up since the event was fetched. */
static struct source *source_of_tag(struct loop *l, uint64_t tag)
{
	struct source *src = &l->sources[(uint32_t)tag];

	return src->generation == tag >> 32 ? src : NULL;
}

static int epoll_add(struct loop *l, int fd, uint32_t epoll_events, uint64_t tag)
{
	struct epoll_event ev = {.events = epoll_events, .data.u64 = tag};

	return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

int loop_add_fd(struct loop *l, int fd, uint32_t epoll_events, loop_fd_fn fn, void *arg)
{
	/* A slot with the same number is stale if epoll takes the number: it was closed. */
	struct source *src = find_source(l, SOURCE_FD, fd, 0);
	struct source next = {.kind = SOURCE_FD, .fd = fd, .on_fd = fn, .arg = arg};
	struct source old;
	int err;

	if (!src)
		src = find_free(l);
	if (!src)
		return -ENOSPC;
	old = *src;
	next.generation = old.generation + 1;
	*src = next;
	err = epoll_add(l, fd, epoll_events, tag_of(l, src));
	if (err)
		*src = old;
	return err;
}

void loop_remove_fd(struct loop *l, int fd)
{
	struct source *src = find_source(l, SOURCE_FD, fd, 0);

	if (!src)
		return;
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	release_source(src);
}

static int arm_timer(int fd, uint64_t interval_ns)
{
	struct timespec every = {
		.tv_sec = (time_t)(interval_ns / NSEC_PER_SEC),
		.tv_nsec = (long)(interval_ns % NSEC_PER_SEC),
	};
	struct itimerspec spec = {.it_interval = every, .it_value = every};

	return timerfd_settime(fd, 0, &spec, NULL) ? -errno : 0;
}

int loop_add_timer(struct loop *l, uint64_t interval_ns, loop_timer_fn fn, void *arg)
{
	struct source *src = find_free(l);
	int fd, err;

	if (!src)
		return -ENOSPC;
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	err = arm_timer(fd, interval_ns);
	if (!err)
		err = epoll_add(l, fd, EPOLLIN, tag_of(l, src));
	if (err) {
		close(fd);
		return err;
	}
	src->kind = SOURCE_TIMER;
	src->fd = fd;
	src->on_timer = fn;
	src->arg = arg;
	return (int)(src - l->sources);
}

int loop_set_timer(struct loop *l, int id, uint64_t interval_ns)
{
	if (id < 0 || id >= LOOP_MAX_SOURCES || l->sources[id].kind != SOURCE_TIMER)
		return -EINVAL;
	return arm_timer(l->sources[id].fd, interval_ns);
}

/* Makes the signalfd (there is one at the latest now) take all of @set. */
static int watch_signals(struct loop *l, const sigset_t *set)
{
	int fd = signalfd(l->signal_fd, set, SFD_CLOEXEC | SFD_NONBLOCK);
	int err;

	if (fd < 0)
		return -errno;
	if (l->signal_fd < 0) {
		err = epoll_add(l, fd, EPOLLIN, SIGNAL_TAG);
		if (err) {
			close(fd);
			return err;
		}
		l->signal_fd = fd;
	}
	l->signals = *set;
	return 0;
}

int loop_add_signal(struct loop *l, int signo, loop_signal_fn fn, void *arg)
{
	struct source *src = find_free(l);
	sigset_t set = l->signals, one, before;
	int err;

	if (signo == SIGKILL || signo == SIGSTOP || sigaddset(&set, signo))
		return -EINVAL;
	if (find_source(l, SOURCE_SIGNAL, 0, signo))
		return -EEXIST;
	if (!src)
		return -ENOSPC;
	sigemptyset(&one);
	sigaddset(&one, signo);
	err = pthread_sigmask(SIG_BLOCK, &one, &before);
	if (err)
		return -err;
	err = watch_signals(l, &set);
	if (err) {
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		return err;
	}
	src->kind = SOURCE_SIGNAL;
	src->signo = signo;
	src->was_blocked = sigismember(&before, signo) == 1;
	src->on_signal = fn;
	src->arg = arg;
	return 0;
}

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define STOP_SIGNALS (sizeof(stop_signals) / sizeof(stop_signals[0]))

int loop_add_stop_signals(struct loop *l, loop_signal_fn fn, void *arg)
{
	int err = 0;

	for (size_t i = 0; !err && i < STOP_SIGNALS; i++) {
		struct sigaction now;

		if (sigaction(stop_signals[i], NULL, &now) || now.sa_handler != SIG_IGN)
			err = loop_add_signal(l, stop_signals[i], fn, arg);
	}
	return err;
}

bool loop_stop_is_pending(void)
{
	sigset_t pending;

	if (sigpending(&pending))
		return false;
	for (size_t i = 0; i < STOP_SIGNALS; i++) {
		if (sigismember(&pending, stop_signals[i]) == 1)
			return true;
	}
	return false;
}

/* One signal a round; the signalfd stays readable while there are more. */
static int dispatch_signal(struct loop *l)
{
	struct signalfd_siginfo info;
	struct source *src;

	if (read(l->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return errno == EAGAIN ? 0 : -errno;
	src = find_source(l, SOURCE_SIGNAL, 0, (int)info.ssi_signo);
	return src ? src->on_signal(src->arg, src->signo) : 0;
}

static int dispatch_timer(struct source *src)
{
	uint64_t expirations;

	/* EAGAIN: set anew or stopped by another callback of this batch. */
	if (read(src->fd, &expirations, sizeof(expirations)) != (ssize_t)sizeof(expirations))
		return errno == EAGAIN ? 0 : -errno;
	return src->on_timer(src->arg, expirations);
}

static int dispatch(struct loop *l, const struct epoll_event *ev)
{
	struct source *src;

	if (ev->data.u64 == SIGNAL_TAG)
		return dispatch_signal(l);
	src = source_of_tag(l, ev->data.u64);
	if (!src)
		return 0;
	if (src->kind == SOURCE_TIMER)
		return dispatch_timer(src);
	return src->on_fd(src->arg, ev->events);
}

int loop_run(struct loop *l)
{
	struct epoll_event events[LOOP_MAX_SOURCES];
	int err = 0;

	while (!err && !l->is_stopped) {
		int n = epoll_wait(l->epoll_fd, events, LOOP_MAX_SOURCES, -1);

		if (n < 0 && errno != EINTR)
			err = -errno;
		for (int i = 0; i < n && !err; i++) {
			int result = dispatch(l, &events[i]);

			err = result < 0 ? result : 0;
		}
	}
	if (!err)
		err = l->result;
	l->is_stopped = false;
	return err;
}

void loop_stop(struct loop *l, int result)
{
	l->is_stopped = true;
	l->result = result;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one event loop: epoll over descriptors, timers (timerfd) and signals
 * (signalfd). Single-threaded. Nothing polls a flag.
 */
#ifndef MEMWATCH_BASE_LOOP_H
#define MEMWATCH_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#define LOOP_MAX_SOURCES 64

struct loop;

/* Returns 0, or a negative errno that ends loop_run() with it. */
typedef int (*loop_fd_fn)(void *arg, uint32_t epoll_events);
/* @expirations: 1, or more when the program was stopped or too slow and ticks were missed. */
typedef int (*loop_timer_fn)(void *arg, uint64_t expirations);
typedef int (*loop_signal_fn)(void *arg, int signo);

/** loop_new - NULL with errno set when it fails */
struct loop *loop_new(void);
/** loop_free - closes its timers and signalfd, restores the signal mask; takes NULL */
void loop_free(struct loop *l);

/** loop_add_fd - watches @fd (owned by the caller) for @epoll_events. 0, -ENOSPC, -errno */
int loop_add_fd(struct loop *l, int fd, uint32_t epoll_events, loop_fd_fn fn, void *arg);
void loop_remove_fd(struct loop *l, int fd);

/**
 * loop_add_timer - calls @fn every @interval_ns (CLOCK_MONOTONIC), first after one interval
 *
 * Returns an id (>= 0) for loop_set_timer(), or -ENOSPC, -errno.
 */
int loop_add_timer(struct loop *l, uint64_t interval_ns, loop_timer_fn fn, void *arg);
/** loop_set_timer - a new interval; 0 stops the timer. 0 or -errno */
int loop_set_timer(struct loop *l, int id, uint64_t interval_ns);

/** loop_add_signal - blocks @signo and delivers it to @fn from loop_run(). 0 or -errno */
int loop_add_signal(struct loop *l, int signo, loop_signal_fn fn, void *arg);

/**
 * loop_add_stop_signals - the same of all that ask a program to end: SIGINT, SIGTERM, SIGHUP,
 * SIGQUIT
 *
 * Those that are ignored stay so: nohup(1), and what a shell starts by '&', ignore some.
 */
int loop_add_stop_signals(struct loop *l, loop_signal_fn fn, void *arg);
/** loop_stop_is_pending - whether one of them waits to be delivered: for work that takes long */
bool loop_stop_is_pending(void);

/** loop_run - until loop_stop() or a callback's error. Returns what was given there. */
int loop_run(struct loop *l);
/** loop_stop - lets loop_run() return @result (0 or a negative errno) after this round */
void loop_stop(struct loop *l, int result);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Closing what takes long to close, without waiting for it, and whatever becomes of memwatch.
 *
 * To take a uprobe away the kernel first waits until no CPU can be in its program any more: tens
 * of milliseconds, which the caller of close(2) spends. One after the other they would stop
 * memwatch for a second or more; side by side they are faster where the kernel lets them, which for
 * uprobes of perf it does not (some 0.1 s each, one at a time). And if the caller has been killed
 * meanwhile, as exit(3) too kills the other threads, the kernel cannot write to the program that is
 * probed ("failed to unregister, leaking uprobe"): the breakpoint stays, for as long as that
 * program runs. So it is a process of its own that closes, which nobody kills.
 */
#ifndef MEMWATCH_BASE_BACKGROUND_H
#define MEMWATCH_BASE_BACKGROUND_H

#include <stdint.h>
#include <sys/types.h>

/**
 * background_start - begin the process that closes; before there are other threads
 *
 * It is a copy of this one, and keeps what this one has in memory: begin it early. It ends by
 * itself after this one, however that ends. Returns 0 or a negative errno.
 */
int background_start(void);

/**
 * background_close - close @fd there
 *
 * Without background_start() it is done by a thread of this process.
 */
void background_close(int fd);

/** background_wait - until all that was begun is done, and the process that closes has ended */
void background_wait(void);

/** background_pid - of the process that closes, 0 if there is none; its cost is memwatch's */
pid_t background_pid(void);

#endif

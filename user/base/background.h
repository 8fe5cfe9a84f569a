/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Closing what takes long to close, without waiting for it.
 *
 * To take away a uprobe the kernel waits until no CPU can be inside it any more: tens of
 * milliseconds each, which the caller of close(2) spends. One after the other they would stop
 * memwatch for a second; side by side they take as long as one.
 */
#ifndef MEMWATCH_BASE_BACKGROUND_H
#define MEMWATCH_BASE_BACKGROUND_H

/** background_close - close @fd in a thread of its own; here, if there can be no thread */
void background_close(int fd);
/** background_wait - until all that was begun is done */
void background_wait(void);

#endif

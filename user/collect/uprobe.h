/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A BPF program at a function of one process, by a perf event: the breakpoint is in that process's
 * memory alone, and gone when the descriptor is closed, however memwatch ends.
 */
#ifndef MEMWATCH_COLLECT_UPROBE_H
#define MEMWATCH_COLLECT_UPROBE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * uprobe_open - run @prog_fd when a thread of @pid comes to @offset in @path, or returns from it
 * @path: of the file, by a name of our own
 *
 * Returns a descriptor, to be closed by background_close(); or a negative errno: -ENOTSUP for an
 * instruction that the kernel does not probe.
 */
int uprobe_open(int prog_fd, bool is_return, uint32_t pid, const char *path, uint64_t offset);

#endif

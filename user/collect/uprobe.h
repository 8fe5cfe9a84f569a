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

/**
 * uprobe_open_usdt - the same at a USDT probe, which counts meanwhile as wanted
 * @semaphore: where in the file its counter is, in a writable segment; 0: it has none
 *
 * Also -ENOTSUP where the kernel cannot raise the counter (before 4.20; kernel: 1cc33161a83d
 * "uprobes: Support SDT markers having reference count (semaphore)").
 */
int uprobe_open_usdt(int prog_fd, uint32_t pid, const char *path, uint64_t offset,
		     uint64_t semaphore);

/**
 * uprobe_is_deadly - whether a return probe would kill process @pid
 *
 * On x86-64 Linux 6.11 to 6.13 what a probe makes of a return is a system call, which a seccomp
 * filter does not know and denies (kernel: ff474a78cef5 "uprobe: Add uretprobe syscall to speed up
 * return probe"; since 6.14, cf6cb56ef244 "seccomp: passthrough uretprobe systemcall without
 * filtering").
 */
bool uprobe_is_deadly(uint32_t pid);

#endif

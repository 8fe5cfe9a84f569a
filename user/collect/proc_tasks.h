/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Totals of a process from /proc/PID, into the same record that the kernel's iterator writes: where
 * that cannot be used, nothing above notices.
 *
 * LIMITATIONS: four files a process and tick, where the iterator's pass reads memory. Between the
 * files the process goes on. Its start is known in the units of /proc/PID/stat only, so the kernel
 * side cuts start times to the same (mw_config.start_unit_ns). From Linux 6.2 to 6.15 the kernel
 * shows resident sizes there that are off by some pages a CPU (until commit 82241a83cd15). The
 * heap, and whether it is known, depends on being allowed to see the process's mappings.
 */
#ifndef MEMWATCH_COLLECT_PROC_TASKS_H
#define MEMWATCH_COLLECT_PROC_TASKS_H

#include <stdbool.h>
#include <stdint.h>

#include "memwatch/abi.h"

/** proc_start_unit_ns - what /proc/PID/stat counts a start time in */
uint32_t proc_start_unit_ns(void);

/** proc_sizes_are_exact - whether Linux @release shows resident sizes exactly */
bool proc_sizes_are_exact(const char *release);

/**
 * proc_task_read - the totals of one process
 * @proc: /proc, or a folder like it, opened
 * @out:  all but cgroup_id and growth, which are 0; MW_TASK_HEAP_UNKNOWN in flags
 *
 * Returns 0, or -ESRCH: it has ended, or has no memory of its own (a kernel thread, a zombie).
 */
int proc_task_read(int proc, uint32_t pid, unsigned page_shift, struct mw_task *out);

/** proc_is_running - whether process @pid is there and has not ended (is no zombie) */
bool proc_is_running(uint32_t pid);

/**
 * proc_task_read_brk - its break, as far as pages tell
 *
 * Returns 0 if that is not known or it has no heap.
 */
uint64_t proc_task_read_brk(int proc, uint32_t pid);

#endif

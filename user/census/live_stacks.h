/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the stacks of a process that runs end: by /proc/PID/task/TID/syscall, of the threads that
 * wait in a system call. An idle service's do, nearly always.
 */
#ifndef MEMWATCH_CENSUS_LIVE_STACKS_H
#define MEMWATCH_CENSUS_LIVE_STACKS_H

#include "census/stop.h"

/**
 * live_stacks_read - threads of @pid that wait, with sp and pc
 * @out: to be freed
 *
 * Returns how many; 0 also if that is not told (it takes the right to trace). They may run on
 * at any time: what is said was so.
 */
unsigned live_stacks_read(pid_t pid, struct stopped_thread **out);

#endif

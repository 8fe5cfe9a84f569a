/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* /proc/PID/stat: what a process is called (hostile bytes), how it is, since when. */
#ifndef MEMWATCH_BASE_PROC_STAT_H
#define MEMWATCH_BASE_PROC_STAT_H

#include <stdint.h>

struct proc_stat {
	char comm[64]; /* of a kernel thread it may be longer than TASK_COMM_LEN */
	char state;    /* 'R', 'S', 'Z' ... */
	uint32_t ppid;
	uint64_t flags; /* PF_*, include/linux/sched.h */
	uint64_t minflt, majflt, threads;
	uint64_t start_ticks; /* since boot, CLOCK_BOOTTIME */
	uint64_t rss_pages;
};

/** proc_stat_parse - one line of stat, which is changed; 0 or -EINVAL */
int proc_stat_parse(char *text, struct proc_stat *out);
/** proc_stat_read - of @pid; 0, -ENOENT or -ESRCH (there is none), -EINVAL ... */
int proc_stat_read(uint32_t pid, struct proc_stat *out);
/** proc_stat_read_at - the same of the process whose /proc/PID is open as @dir */
int proc_stat_read_at(int dir, struct proc_stat *out);
/** proc_stat_tick_ns - what start_ticks count */
uint64_t proc_stat_tick_ns(void);

#endif

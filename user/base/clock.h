/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Clocks, in nanoseconds. */
#ifndef MEMWATCH_BASE_CLOCK_H
#define MEMWATCH_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NSEC_PER_SEC  1000000000ULL
#define NSEC_PER_MSEC 1000000ULL

/** clock_boot_ns - CLOCK_BOOTTIME, the clock of ts_ns and of process start times */
uint64_t clock_boot_ns(void);
/** clock_wall_ns - CLOCK_REALTIME, since 1970 */
uint64_t clock_wall_ns(void);
/** clock_cpu_ns - CPU time of this process, user and system */
uint64_t clock_cpu_ns(void);
/** clock_cpu_ns_of - the same of another; 0 if there is none */
uint64_t clock_cpu_ns_of(pid_t pid);

#define CLOCK_RFC3339_SIZE 32
/** clock_format_rfc3339 - "2026-11-23T08:50:26.123Z" (UTC, milliseconds) of @wall_ns */
void clock_format_rfc3339(char *out, size_t size, uint64_t wall_ns);
/** clock_parse_rfc3339 - what it writes, as CLOCK_REALTIME; 0 or -EINVAL */
int clock_parse_rfc3339(const char *text, uint64_t *wall_ns);

#endif

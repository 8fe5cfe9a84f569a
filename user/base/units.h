/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sizes, rates and durations as people write and read them. Binary units:
 * K, KiB and KB all mean 1024, as in the kernel's own output.
 */
#ifndef MEMWATCH_BASE_UNITS_H
#define MEMWATCH_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_SIZE 24 /* enough for everything below */

/** units_format_bytes - "0", "812B", "64.0K", "1.5M", "12.3G": at most 6 columns. Returns @out. */
char *units_format_bytes(char *out, size_t size, uint64_t bytes);
/** units_format_delta - the same with a sign: "+1.5M", "-64.0K", and "0" for none. Returns @out. */
char *units_format_delta(char *out, size_t size, int64_t bytes);
/** units_format_count - "999", "12.3k", "4.5M": thousands. Returns @out. */
char *units_format_count(char *out, size_t size, uint64_t n);
/** units_format_duration - "45s", "3m20s", "2h05m", "3d04h". Returns @out. */
char *units_format_duration(char *out, size_t size, uint64_t seconds);

/** units_parse_bytes - "4096", "64K", "1.5MiB", "2GB", "10b". 0, -EINVAL, -ERANGE; @out only on 0
 */
int units_parse_bytes(const char *text, uint64_t *out);
/** units_parse_rate - SIZE/s, SIZE/min (or /m), SIZE/h (a bare SIZE is /s), in bytes per second */
int units_parse_rate(const char *text, double *bytes_per_s);
/** units_parse_duration - "5", "0.5", "250ms", "90s", "2m", "1h": nanoseconds; > 0 and <= 366 days
 */
int units_parse_duration(const char *text, uint64_t *ns);
/** units_parse_u64 - decimal digits only, at most @max. 0, -EINVAL, -ERANGE */
int units_parse_u64(const char *text, uint64_t max, uint64_t *out);

#endif

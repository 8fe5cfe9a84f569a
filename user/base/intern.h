/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Strings kept once: equal strings have one address, so that names are compared by address and
 * owned by nobody. Bounded: when full, what is new becomes one constant string, and is counted.
 */
#ifndef MEMWATCH_BASE_INTERN_H
#define MEMWATCH_BASE_INTERN_H

#include <stddef.h>
#include <stdint.h>

#define INTERN_FULL "(name table full)"

struct intern;

/** intern_new - at most @max_bytes of strings. NULL with errno set */
struct intern *intern_new(size_t max_bytes);
/** intern_free - frees all its strings; takes NULL */
void intern_free(struct intern *in);
/** intern_add - @len bytes at @s (a NUL ends them before that). Never NULL: INTERN_FULL when full
 *  or out of memory */
const char *intern_add(struct intern *in, const char *s, size_t len);
/** intern_str - the same for a string; NULL gives NULL */
const char *intern_str(struct intern *in, const char *s);
/** intern_refused - how many strings did not fit */
uint64_t intern_refused(const struct intern *in);
/** intern_bytes - memory in use */
size_t intern_bytes(const struct intern *in);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Strings of V8's heap: flat ones of one or two bytes a character, and those made of others
 * (concatenated, sliced, thin), and those whose characters are outside the heap.
 */
#ifndef MEMWATCH_V8_V8_STRING_H
#define MEMWATCH_V8_V8_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "v8/v8_heap.h"

/**
 * v8_string_walk - the characters of a string, in pieces
 * @max_units: so many at the most (UTF-16 units)
 * @fn: gets @count units of 1 (Latin-1) or 2 bytes (UTF-16) each; anything but 0 ends the walk
 *
 * Bounded in what it visits, whatever the string refers to.
 * Returns 0 at the end; what @fn returned; or -EINVAL (no string), -EFAULT (unreadable), -ELOOP
 * (made of too many strings), after the pieces that could be read.
 */
int v8_string_walk(struct v8_heap *h, uint64_t string, size_t max_units,
		   int (*fn)(void *arg, const void *units, size_t count, bool is_one_byte),
		   void *arg);

/**
 * v8_string_read - a string as UTF-8
 * @out: always NUL-terminated, cut to fit at a character's end; lone surrogates become U+FFFD
 *
 * Returns how many bytes, or a negative errno as above if it could not all be read.
 */
int v8_string_read(struct v8_heap *h, uint64_t string, char *out, size_t size);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A cursor over bytes out of a file: it knows their end, and reading behind that gives
 * zeros and is remembered, so that a parser checks once and cannot overrun.
 */
#ifndef MEMWATCH_SYM_CURSOR_H
#define MEMWATCH_SYM_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const unsigned char *at, *end;
	bool bad; /* something was read behind the end, or made no sense; all reads give 0 then */
};

static inline size_t cursor_left(const struct cursor *c)
{
	return c->bad ? 0 : (size_t)(c->end - c->at);
}

/** cursor_of - over @size bytes from @offset on in @bytes, of which there are @all; bad if not */
struct cursor cursor_of(const void *bytes, uint64_t all, uint64_t offset, uint64_t size);
/** cursor_take - an unsigned number of 1 to 8 bytes, in this machine's order */
uint64_t cursor_take(struct cursor *c, unsigned bytes);
uint64_t cursor_uleb(struct cursor *c);
int64_t cursor_sleb(struct cursor *c);
void cursor_skip(struct cursor *c, uint64_t bytes);
/** cursor_block - the next @len bytes, as a cursor of their own */
struct cursor cursor_block(struct cursor *c, uint64_t len);
/** cursor_string - up to and with its NUL; never NULL: "" if it does not end */
const char *cursor_string(struct cursor *c);

#endif

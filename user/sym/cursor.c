/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one place where bytes of foreign files are taken apart.
 *
 * LIMITATIONS: files are of this machine's byte order, and that is little endian (elf_file.c
 * refuses others).
 */
#include "sym/cursor.h"

#include <string.h>

struct cursor cursor_of(const void *bytes, uint64_t all, uint64_t offset, uint64_t size)
{
	const unsigned char *at = bytes;

	if (!bytes || offset > all || size > all - offset)
		return (struct cursor){.bad = true};
	return (struct cursor){.at = at + offset, .end = at + offset + size};
}

uint64_t cursor_take(struct cursor *c, unsigned bytes)
{
	uint64_t v = 0;

	if (bytes > sizeof(v) || bytes > cursor_left(c)) {
		c->bad = true;
		return 0;
	}
	memcpy(&v, c->at, bytes);
	c->at += bytes;
	return v;
}

uint64_t cursor_uleb(struct cursor *c)
{
	uint64_t v = 0;

	for (unsigned shift = 0;; shift += 7) {
		uint64_t byte = cursor_take(c, 1);

		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return c->bad ? 0 : v;
	}
}

int64_t cursor_sleb(struct cursor *c)
{
	uint64_t v = 0;
	unsigned shift = 0;
	uint64_t byte;

	do {
		byte = cursor_take(c, 1);
		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (shift < 64 && (byte & 0x40))
		v |= ~0ULL << shift;
	return c->bad ? 0 : (int64_t)v;
}

void cursor_skip(struct cursor *c, uint64_t bytes)
{
	if (bytes > cursor_left(c))
		c->bad = true;
	else
		c->at += bytes;
}

struct cursor cursor_block(struct cursor *c, uint64_t len)
{
	struct cursor block = {.at = c->at, .end = c->at};

	if (len > cursor_left(c)) {
		c->bad = true;
		block.bad = true;
		return block;
	}
	c->at += len;
	block.end = c->at;
	return block;
}

const char *cursor_string(struct cursor *c)
{
	const char *s = (const char *)c->at;
	size_t left = cursor_left(c);
	size_t len = left ? strnlen(s, left) : 0;

	if (len == left) {
		c->bad = true;
		return "";
	}
	c->at += len + 1;
	return s;
}

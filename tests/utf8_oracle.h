/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What strbuf_add_text() promises, checked in another way than it is done:
 * decode by arithmetic, then reject by value. For the unit tests and the
 * fuzzer.
 */
#ifndef MEMWATCH_TESTS_UTF8_ORACLE_H
#define MEMWATCH_TESTS_UTF8_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length of the character at @s, 0 when it is not valid UTF-8. */
static inline size_t oracle_decode(const unsigned char *s, size_t len, uint32_t *cp)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80	     ? 1
		   : s[0] >> 5 == 6  ? 2
		   : s[0] >> 4 == 14 ? 3
		   : s[0] >> 3 == 30 ? 4
				     : 0;

	if (!n || n > len)
		return 0;
	*cp = n == 1 ? s[0] : s[0] & ((1u << (7 - n)) - 1);
	for (size_t i = 1; i < n; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		*cp = *cp * 64 + (s[i] - 128);
	}
	if (*cp < least[n] || *cp > 0x10FFFF || *cp >> 11 == 0xD800 >> 11)
		return 0;
	return n;
}

static inline bool oracle_is_safe(uint32_t cp)
{
	static const uint32_t hidden[] = {0x7F,	  0x061C, 0x200E, 0x200F, 0x2028, 0x2029,
					  0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066,
					  0x2067, 0x2068, 0x2069, 0xFEFF};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (cp == hidden[i])
			return false;
	if (cp < 0x20 || (cp >= 0x80 && cp < 0xA0))
		return false;
	return !(cp >= 0xFDD0 && cp <= 0xFDEF) && cp % 0x10000 < 0xFFFE;
}

/* Is all of it valid UTF-8 without anything that strbuf_add_text() keeps out? */
static inline bool oracle_is_clean(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0; i < len;) {
		uint32_t cp;
		size_t n = oracle_decode(s + i, len - i, &cp);

		if (!n || !oracle_is_safe(cp))
			return false;
		i += n;
	}
	return true;
}

#endif

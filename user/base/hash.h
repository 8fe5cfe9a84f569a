/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * FNV-1a, 64 bits: of keys of a hash map that are compared as a whole where their hashes are one.
 *
 * LIMITATIONS: it has no secret. Where it is the names of a hostile file that are hashed, and many
 * of one hash would cost time, base/intern.h has one.
 */
#ifndef MEMWATCH_BASE_HASH_H
#define MEMWATCH_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Offset basis and prime: draft-eastlake-fnv, section 5. */
#define FNV1A_BEGIN 0xcbf29ce484222325ULL
#define FNV1A_PRIME 0x100000001b3ULL

/** fnv1a_add - @hash with @len bytes more; FNV1A_BEGIN is of none */
static inline uint64_t fnv1a_add(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *at = data;

	while (len--)
		hash = (hash ^ *at++) * FNV1A_PRIME;
	return hash;
}

/** fnv1a_add_text - the same of a string without its NUL; NULL is as "" */
static inline uint64_t fnv1a_add_text(uint64_t hash, const char *text)
{
	for (; text && *text; text++)
		hash = (hash ^ (unsigned char)*text) * FNV1A_PRIME;
	return hash;
}

#endif

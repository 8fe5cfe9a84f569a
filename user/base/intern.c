/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Interned strings: bytes in chunks that never move, found through one table with
 * open addressing (linear probing, doubled at 3/4 full).
 *
 * The strings are names out of hostile files and memory, so the hash has a secret
 * (SipHash-1-3): nobody can choose names that all fall into one place.
 *
 * LIMITATIONS
 *   - Nothing is freed singly; when it is full it stays full.
 *   - The limit is of the strings; the table comes on top (16 bytes a slot).
 *   - A table that cannot be doubled for lack of memory refuses new strings.
 */
#include "base/intern.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CHUNK_BYTES (64u << 10)
#define MIN_SLOTS   256u

struct chunk {
	struct chunk *next;
	size_t size, used;
	char bytes[];
};

struct slot {
	const char *s; /* NULL: free */
	uint32_t len;
	uint32_t hash;
};

struct intern {
	struct chunk *chunks; /* the first is being filled */
	struct slot *slots;
	size_t slot_count; /* a power of two */
	size_t count;
	size_t max_bytes;
	size_t string_bytes; /* with their NULs */
	size_t chunk_bytes;
	uint64_t refused;
	uint64_t secret[2];
};

static const char full[] = INTERN_FULL;

/* ---- hash ---- */

static uint64_t rotate(uint64_t v, int bits)
{
	return v << bits | v >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

static uint32_t hash_of(const struct intern *in, const char *s, size_t len)
{
	uint64_t v[4] = {
		in->secret[0] ^ 0x736f6d6570736575ULL,
		in->secret[1] ^ 0x646f72616e646f6dULL,
		in->secret[0] ^ 0x6c7967656e657261ULL,
		in->secret[1] ^ 0x7465646279746573ULL,
	};
	uint64_t word;
	size_t i;

	for (i = 0; i + 8 <= len; i += 8) {
		memcpy(&word, s + i, 8);
		sip_word(v, word);
	}
	word = 0;
	memcpy(&word, s + i, len - i);
	sip_word(v, word | (uint64_t)len << 56);
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	return (uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}

/* ---- table ---- */

/* The slot that holds the string, or the free one where it would be. */
static struct slot *slot_find(const struct intern *in, const char *s, size_t len, uint32_t hash)
{
	size_t mask = in->slot_count - 1;
	size_t i;

	for (i = hash & mask; in->slots[i].s; i = (i + 1) & mask) {
		const struct slot *at = &in->slots[i];

		if (at->hash == hash && at->len == len && !memcmp(at->s, s, len))
			break;
	}
	return &in->slots[i];
}

static bool slots_grow(struct intern *in)
{
	size_t count = in->slot_count * 2;
	struct slot *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t k = 0; k < in->slot_count; k++) {
		size_t i = in->slots[k].hash & (count - 1);

		if (!in->slots[k].s)
			continue;
		while (slots[i].s)
			i = (i + 1) & (count - 1);
		slots[i] = in->slots[k];
	}
	free(in->slots);
	in->slots = slots;
	in->slot_count = count;
	return true;
}

/* ---- bytes ---- */

static char *bytes_take(struct intern *in, size_t size)
{
	struct chunk *c = in->chunks;

	if (!c || c->size - c->used < size) {
		bool is_large = size > CHUNK_BYTES / 4;
		size_t chunk_size = is_large ? size : CHUNK_BYTES;

		c = malloc(sizeof(*c) + chunk_size);
		if (!c)
			return NULL;
		c->size = chunk_size;
		c->used = 0;
		in->chunk_bytes += sizeof(*c) + chunk_size;
		if (is_large &&
		    in->chunks) { /* full at once: the one before goes on being filled */
			c->next = in->chunks->next;
			in->chunks->next = c;
		} else {
			c->next = in->chunks;
			in->chunks = c;
		}
	}
	c->used += size;
	return c->bytes + c->used - size;
}

static const char *string_add(struct intern *in, const char *s, size_t len)
{
	uint32_t hash = hash_of(in, s, len);
	struct slot *at = slot_find(in, s, len, hash);
	char *copy;

	if (at->s)
		return at->s;
	if (len >= UINT32_MAX || len >= in->max_bytes - in->string_bytes)
		return NULL;
	if (in->count + 1 > in->slot_count / 4 * 3) {
		if (!slots_grow(in))
			return NULL;
		at = slot_find(in, s, len, hash);
	}
	copy = bytes_take(in, len + 1);
	if (!copy)
		return NULL;
	memcpy(copy, s, len);
	copy[len] = '\0';
	*at = (struct slot){.s = copy, .len = (uint32_t)len, .hash = hash};
	in->count++;
	in->string_bytes += len + 1;
	return copy;
}

/* ---- public ---- */

struct intern *intern_new(size_t max_bytes)
{
	struct intern *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->slots = calloc(MIN_SLOTS, sizeof(*in->slots));
	if (!in->slots) {
		free(in);
		return NULL;
	}
	in->slot_count = MIN_SLOTS;
	in->max_bytes = max_bytes;
	/* Without randomness (early at boot) the secret is an address, which is better than none.
	 */
	if (getrandom(in->secret, sizeof(in->secret), GRND_NONBLOCK) != (ssize_t)sizeof(in->secret))
		in->secret[0] = (uint64_t)(uintptr_t)in;
	return in;
}

void intern_free(struct intern *in)
{
	struct chunk *next;

	if (!in)
		return;
	for (struct chunk *c = in->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	free(in->slots);
	free(in);
}

const char *intern_add(struct intern *in, const char *s, size_t len)
{
	const char *have = string_add(in, s, strnlen(s, len));

	if (have)
		return have;
	in->refused++;
	return full;
}

const char *intern_str(struct intern *in, const char *s)
{
	return s ? intern_add(in, s, strlen(s)) : NULL;
}

uint64_t intern_refused(const struct intern *in)
{
	return in->refused;
}

size_t intern_bytes(const struct intern *in)
{
	return sizeof(*in) + in->slot_count * sizeof(*in->slots) + in->chunk_bytes;
}

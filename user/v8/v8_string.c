/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading V8's strings.
 *
 * The low bits of a string's instance type say how it is made: representation (3 bits), one or
 * two bytes a character (8), and of external strings whether it has no pointer to its
 * characters (16). Its words:
 *
 *	flat      Map | hash, length | characters ...
 *	cons      Map | hash, length | first          | second
 *	sliced    Map | hash, length | parent         | offset (Smi)
 *	thin      Map | hash, length | actual
 *	external  Map | hash, length | resource (C++) | characters
 *
 * Cons strings are walked with a stack of what is still to come; a string that refers to itself
 * ends at the bound on visits.
 *
 * LIMITATIONS: uncached external strings are not read: where their characters are only the
 * embedder knows.
 */
#include "v8/v8_string.h"

#include <errno.h>
#include <string.h>

#define MAX_PENDING    64   /* second parts of cons strings to come */
#define MAX_VISITED    4096 /* strings that one is made of */
#define PIECE_BYTES    16384
#define CHARS_OFFSET   16
#define TYPE_ONE_BYTE  8u
#define TYPE_UNCACHED  16u
#define REPLACEMENT    0xfffdu
#define SURROGATES     0xd800u
#define LOW_SURROGATES 0xdc00u
#define SURROGATES_END 0xe000u
#define IS_HIGH(u)     ((u) >= SURROGATES && (u) < LOW_SURROGATES)
#define IS_LOW(u)      ((u) >= LOW_SURROGATES && (u) < SURROGATES_END)

enum representation { REP_FLAT, REP_CONS, REP_EXTERNAL, REP_SLICED, REP_THIN = 5 };

typedef int (*piece_fn)(void *arg, const void *units, size_t count, bool is_one_byte);

/* A string, by its first four words. */
struct head {
	int type;
	uint32_t length;
	uint64_t words[2];
};

struct walk {
	struct v8_heap *h;
	size_t left; /* units that may still come */
	piece_fn fn;
	void *arg;
	uint64_t pending[MAX_PENDING];
	unsigned pending_count, visited;
};

static int head_read(struct v8_heap *h, uint64_t string, struct head *out)
{
	uint64_t words[4] = {0};

	/* A short one may end with its page */
	if (v8_heap_read(h, string, 0, words, sizeof(words)) &&
	    v8_heap_read(h, string, 0, words, sizeof(words) / 2))
		return -EFAULT;
	out->type = v8_heap_type_by_map(h, words[0]);
	if (!v8_heap_is_string(h, out->type))
		return -EINVAL;
	out->length = (uint32_t)(words[1] >> 32);
	if (out->length > INT32_MAX)
		return -EINVAL;
	memcpy(out->words, &words[2], sizeof(out->words));
	return 0;
}

/* Units at an address, in pieces. */
static int emit(struct walk *w, uint64_t at, size_t count, bool is_one_byte)
{
	unsigned char piece[PIECE_BYTES];
	size_t width = is_one_byte ? 1 : 2;
	int err = 0;

	if (count > w->left)
		count = w->left;
	w->left -= count;
	while (count && !err) {
		size_t n = count < sizeof(piece) / width ? count : sizeof(piece) / width;

		if (memreader_read(w->h->mem, at, piece, n * width))
			return -EFAULT;
		err = w->fn(w->arg, piece, n, is_one_byte);
		at += n * width;
		count -= n;
	}
	return err;
}

static int emit_flat(struct walk *w, uint64_t string, const struct head *head, uint32_t from,
		     size_t count)
{
	bool is_one_byte = head->type & TYPE_ONE_BYTE;
	uint64_t chars = string - 1 + CHARS_OFFSET;

	if ((head->type & 7) == REP_EXTERNAL) {
		if (head->type & TYPE_UNCACHED || !head->words[1])
			return -EINVAL;
		chars = head->words[1];
	}
	if (from > head->length || count > head->length - from)
		return -EINVAL;
	return emit(w, chars + (is_one_byte ? from : 2 * (uint64_t)from), count, is_one_byte);
}

static int emit_slice(struct walk *w, const struct head *slice)
{
	uint64_t parent = slice->words[0];
	struct head head;
	int err;

	if (!v8_is_smi(slice->words[1]) || v8_smi(slice->words[1]) < 0)
		return -EINVAL;
	err = head_read(w->h, parent, &head);
	if (!err && (head.type & 7) == REP_THIN) { /* its parent was made unique since */
		parent = head.words[0];
		err = head_read(w->h, parent, &head);
	}
	if (err)
		return err;
	if ((head.type & 7) != REP_FLAT && (head.type & 7) != REP_EXTERNAL)
		return -EINVAL;
	return emit_flat(w, parent, &head, (uint32_t)v8_smi(slice->words[1]), slice->length);
}

static int push(struct walk *w, uint64_t string)
{
	if (w->pending_count == MAX_PENDING)
		return -ELOOP;
	w->pending[w->pending_count++] = string;
	return 0;
}

static int visit(struct walk *w, uint64_t string)
{
	struct head head;
	int err = head_read(w->h, string, &head);

	if (err)
		return err;
	switch (head.type & 7) {
	case REP_FLAT:
	case REP_EXTERNAL:
		return emit_flat(w, string, &head, 0, head.length);
	case REP_SLICED:
		return emit_slice(w, &head);
	case REP_THIN:
		return push(w, head.words[0]);
	case REP_CONS:
		err = push(w, head.words[1]);
		return err ? err : push(w, head.words[0]);
	default:
		return -EINVAL;
	}
}

int v8_string_walk(struct v8_heap *h, uint64_t string, size_t max_units, piece_fn fn, void *arg)
{
	struct walk w = {.h = h, .left = max_units, .fn = fn, .arg = arg};
	int err = push(&w, string);

	while (!err && w.pending_count && w.left) {
		if (++w.visited > MAX_VISITED)
			return -ELOOP;
		err = visit(&w, w.pending[--w.pending_count]);
	}
	return err;
}

/* ---- UTF-8 ---- */

struct utf8 {
	char *out;
	size_t size, len;
	uint32_t high; /* a surrogate that waits for its other half; 0: none */
};

/* Returns 1 if it does not fit. */
static int utf8_put(struct utf8 *u, uint32_t c)
{
	unsigned char bytes[4];
	size_t n;

	if (c < 0x80) {
		bytes[0] = (unsigned char)c;
		n = 1;
	} else if (c < 0x800) {
		bytes[0] = (unsigned char)(0xc0 | c >> 6);
		n = 2;
	} else if (c < 0x10000) {
		bytes[0] = (unsigned char)(0xe0 | c >> 12);
		n = 3;
	} else {
		bytes[0] = (unsigned char)(0xf0 | c >> 18);
		n = 4;
	}
	for (size_t i = 1; i < n; i++)
		bytes[i] = (unsigned char)(0x80 | (c >> (6 * (n - 1 - i)) & 0x3f));
	if (n >= u->size - u->len)
		return 1;
	memcpy(u->out + u->len, bytes, n);
	u->len += n;
	return 0;
}

static int utf8_unit(struct utf8 *u, uint32_t unit)
{
	uint32_t high = u->high;

	u->high = 0;
	if (high && IS_LOW(unit))
		return utf8_put(u, 0x10000 + ((high - SURROGATES) << 10) + (unit - LOW_SURROGATES));
	if (high && utf8_put(u, REPLACEMENT))
		return 1;
	if (IS_HIGH(unit)) {
		u->high = unit;
		return 0;
	}
	return utf8_put(u, IS_LOW(unit) ? REPLACEMENT : unit);
}

static int utf8_piece(void *arg, const void *units, size_t count, bool is_one_byte)
{
	const uint8_t *bytes = units;
	struct utf8 *u = arg;
	int full = 0;

	for (size_t i = 0; i < count && !full; i++) {
		uint16_t unit = bytes[i];

		if (!is_one_byte)
			memcpy(&unit, bytes + 2 * i, sizeof(unit));
		full = utf8_unit(u, unit);
	}
	return full;
}

int v8_string_read(struct v8_heap *h, uint64_t string, char *out, size_t size)
{
	struct utf8 u = {.out = out, .size = size};
	int err;

	if (!size)
		return -EINVAL;
	err = v8_string_walk(h, string, size, utf8_piece, &u);
	if (!err && u.high)
		utf8_put(&u, REPLACEMENT);
	out[u.len] = '\0';
	return err < 0 ? err : (int)u.len;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names by likeness: edit distance (Levenshtein 1966), by a row at a time.
 *
 * LIMITATIONS: bytes, not characters; names longer than NAME_MAX_BYTES are like no other.
 */
#include "analysis/census_names.h"

#include <string.h>
#include <strings.h>

#define NAME_MAX_BYTES 64
#define NOT_ALIKE      1000u

unsigned census_find(const struct census *c, const char *name, const struct constructor **out,
		     unsigned max)
{
	unsigned count = 0;

	for (unsigned i = 0; i < c->constructor_count && count < max; i++) {
		if (!strcmp(c->constructors[i].name, name))
			out[count++] = &c->constructors[i];
	}
	return count;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

/* How many letters have to be put in, taken out or changed. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned row[NAME_MAX_BYTES + 1];

	for (unsigned k = 0; k <= b_len; k++)
		row[k] = k;
	for (size_t i = 0; i < a_len; i++) {
		unsigned diagonal = row[0]++;

		for (size_t k = 0; k < b_len; k++) {
			unsigned above = row[k + 1];

			row[k + 1] = least(above + 1, row[k] + 1, diagonal + (a[i] != b[k]));
			diagonal = above;
		}
	}
	return row[b_len];
}

/* 0: the same but for case; 1: one holds the other; more: letters that differ. */
static unsigned unlikeness(const char *name, const char *other)
{
	size_t len = strlen(name), other_len = strnlen(other, NAME_MAX_BYTES + 1);
	unsigned differ;

	if (!strcasecmp(name, other))
		return 0;
	if (len >= 3 && strcasestr(other, name))
		return 1;
	if (len > NAME_MAX_BYTES || other_len > NAME_MAX_BYTES)
		return NOT_ALIKE;
	differ = distance(name, len, other, other_len);
	return differ <= (len + 2) / 4 ? 1 + differ : NOT_ALIKE;
}

const char *census_suggest(const struct census *c, const char *name)
{
	const struct constructor *best = NULL;
	unsigned best_unlikeness = NOT_ALIKE;

	for (unsigned i = 0; i < c->constructor_count; i++) {
		const struct constructor *k = &c->constructors[i];
		unsigned unlike = unlikeness(name, k->name);

		if (unlike < best_unlikeness ||
		    (best && unlike == best_unlikeness && k->bytes > best->bytes)) {
			best = k;
			best_unlikeness = unlike;
		}
	}
	return best ? best->name : NULL;
}

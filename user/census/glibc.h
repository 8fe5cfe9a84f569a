/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What glibc's malloc has free: what is left there of tables and lists that are gone refers to
 * objects that are dead.
 */
#ifndef MEMWATCH_CENSUS_GLIBC_H
#define MEMWATCH_CENSUS_GLIBC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "census/image.h"

struct span {
	uint64_t start, end;
};

/* By address, not overlapping. */
struct spans {
	struct span *v;
	size_t count, cap;
};

/**
 * glibc_unused - appends what is free of all arenas in an image
 * @out: zeroed
 *
 * An arena that cannot be walked from its begin to its end (other allocators have none; one that
 * changed while it was read) counts as used. Returns 0 or -ENOMEM.
 */
int glibc_unused(const struct image *im, struct spans *out);
/**
 * glibc_chunks - appends the memory of used chunks that are @size bytes long with their head
 *
 * Returns 0 or -ENOMEM.
 */
int glibc_chunks(const struct image *im, uint64_t size, struct spans *out);
/**
 * glibc_small - appends where there are nothing but chunks of less than @below bytes, used or not
 *
 * Returns 0 or -ENOMEM.
 */
int glibc_small(const struct image *im, uint64_t below, struct spans *out);
/** spans_add - behind the last one, whatever their order; 0 or -ENOMEM */
int spans_add(struct spans *s, uint64_t start, uint64_t end);
/** spans_sort - by address, for spans_have() */
void spans_sort(struct spans *s);
/** spans_have - @addr is in one of them */
bool spans_have(const struct spans *s, uint64_t addr);
/** spans_release - leaves it empty */
void spans_release(struct spans *s);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lists of V8's garbage collector, which refer to objects that are long dead. */
#ifndef MEMWATCH_CENSUS_GC_LIST_H
#define MEMWATCH_CENSUS_GC_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "census/heap.h"

/** gc_list_has - the word at @addr, in native memory @r, is an entry of such a list */
bool gc_list_has(struct heap *h, const struct image_range *r, uint64_t addr);

#endif

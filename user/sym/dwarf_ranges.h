/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A table of address ranges, each with a number: which unit, or which function, is at an address.
 */
#ifndef MEMWATCH_SYM_DWARF_RANGES_H
#define MEMWATCH_SYM_DWARF_RANGES_H

#include <stddef.h>
#include <stdint.h>

struct dwarf_range {
	uint64_t low, high; /* up to and without @high */
	uint64_t what;
};

struct dwarf_ranges {
	struct dwarf_range *v; /* by low, after dwarf_ranges_sort() */
	size_t count, capacity;
};

/** dwarf_ranges_add - 0, -E2BIG (4M are there), -ENOMEM. What begins at 0 is left out: linkers put
 *  there what they discard */
int dwarf_ranges_add(struct dwarf_ranges *r, uint64_t low, uint64_t high, uint64_t what);
void dwarf_ranges_sort(struct dwarf_ranges *r);
/** dwarf_ranges_find - the innermost that @addr is in, or NULL */
const struct dwarf_range *dwarf_ranges_find(const struct dwarf_ranges *r, uint64_t addr);
void dwarf_ranges_release(struct dwarf_ranges *r);

#endif

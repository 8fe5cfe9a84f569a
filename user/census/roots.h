/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Roots: words of the process's own memory that refer to an object of V8's heap. Which of them V8
 * takes for handles cannot be seen from outside, so every word counts that looks like a reference
 * ("conservative"), but for memory that nobody uses: stacks below their pointers, and free
 * chunks of glibc's malloc, in which stale references would keep thousands of dead objects.
 */
#ifndef MEMWATCH_CENSUS_ROOTS_H
#define MEMWATCH_CENSUS_ROOTS_H

#include "census/heap.h"

/**
 * roots_for_each - @fn gets tagged words that are references to objects
 *
 * What @fn returns other than 0 ends it and is returned. 0, or -ENOMEM.
 */
int roots_for_each(struct heap *h, int (*fn)(void *arg, uint64_t word), void *arg);

#endif

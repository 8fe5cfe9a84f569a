/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* V8's handles: what refers to objects from native memory, and whether it keeps them. */
#ifndef MEMWATCH_CENSUS_HANDLES_H
#define MEMWATCH_CENSUS_HANDLES_H

#include <stdbool.h>
#include <stdint.h>

#include "census/glibc.h"
#include "census/heap.h"
#include "census/image.h"

/**
 * handle_is_weak - the word at @addr is a global handle (v8::Persistent, v8::Global) that is weak,
 *                  or free: a finalizer waits for the object, or nothing any more
 */
bool handle_is_weak(const struct image_range *r, uint64_t addr);

/**
 * handles_unused - adds what is free of the blocks that local handles (v8::Local) are in: they stay
 *                  there when their scope ends
 * @unused: of glibc_unused()
 *
 * Returns 0 or -ENOMEM.
 */
int handles_unused(const struct heap *h, struct spans *unused);

#endif

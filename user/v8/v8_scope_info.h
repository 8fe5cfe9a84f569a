/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ScopeInfo: the name of a function that was compiled, and where it is in its script.
 */
#ifndef MEMWATCH_V8_V8_SCOPE_INFO_H
#define MEMWATCH_V8_V8_SCOPE_INFO_H

#include "v8/v8_heap.h"

/**
 * v8_scope_info_read - of the ScopeInfo at @object
 * @name:     the function's, else the one that V8 inferred from what it is assigned to; "" if none
 * @position: where it begins; -1 if unknown
 *
 * Returns 0 or a negative errno.
 */
int v8_scope_info_read(struct v8_heap *h, uint64_t object, char *name, size_t size,
		       int32_t *position);

#endif

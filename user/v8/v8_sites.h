/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which functions optimised code is in at an address.
 */
#ifndef MEMWATCH_V8_V8_SITES_H
#define MEMWATCH_V8_V8_SITES_H

#include "v8/v8_code.h"

/**
 * v8_sites_find - the functions at @pc, outermost first
 * @pc:		    from the start of the code
 * @is_return:	    a return address: the call before it is meant
 * @out:	    V8_INLINED_MAX entries
 * @is_approximate: set if there may be others within the innermost of these
 *
 * Returns how many; 0: it is not known.
 */
unsigned v8_sites_find(struct v8_heap *h, struct v8_code *code, uint32_t pc, bool is_return,
		       struct v8_site *out, bool *is_approximate);

#endif

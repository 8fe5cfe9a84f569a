/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading a ScopeInfo. Its slots (src/objects/scope-info.tq), of which many are there only if
 * flags say so, whose bits differ from version to version:
 *
 *	flags, parameters, context locals n, [start, end: since V8 13]
 *	[module variables]
 *	names of the locals (n; one table instead if n >= 75, since V8 9.1), infos of them (n)
 *	[receiver's slot: before V8 9] [class variable]
 *	[function's name or 0, its slot]
 *	[inferred name or undefined]
 *	[start, end: before V8 13]
 *	[outer ScopeInfo] [of a module: an array about it, names of its variables] ...
 *
 * So flags are not looked at: behind the locals, the first non-empty string is the name, and the
 * first two Smis start <= end that an object or nothing follows are the position.
 *
 * LIMITATIONS: a function with 75 or more locals in a class scope may get a class variable's name.
 */
#include "v8/v8_scope_info.h"

#include <errno.h>

#include "v8/v8_string.h"

#define FIXED_SLOTS  5	/* at the most */
#define TAIL_SLOTS   16 /* looked at, behind the locals */
#define MAX_LOCALS   100000
#define LOCALS_TABLE 75 /* so many and more are in a table of their own */

enum { SLOT_LOCALS = 2, SLOT_START = 3 };

/* As many words as can be read, at most @max. */
static unsigned words_read(struct v8_heap *h, uint64_t object, int32_t offset, uint64_t *out,
			   unsigned max)
{
	for (unsigned n = max; n >= 4; n /= 2) {
		if (!v8_heap_read(h, object, offset, out, n * sizeof(*out)))
			return n;
	}
	return 0;
}

static bool is_position(const uint64_t *slots, unsigned i, unsigned count)
{
	return i && v8_is_smi(slots[i - 1]) && v8_is_smi(slots[i]) && v8_smi(slots[i - 1]) >= 0 &&
	       v8_smi(slots[i - 1]) < v8_smi(slots[i]) &&
	       (i + 1 >= count || v8_is_object(slots[i + 1]));
}

static void tail_look(struct v8_heap *h, const uint64_t *slots, unsigned count, char *name,
		      size_t size, int32_t *position)
{
	const struct v8_layout *l = h->layout;

	for (unsigned i = 0; i < count; i++) {
		if (v8_is_object(slots[i])) {
			int type = v8_heap_type(h, slots[i]);

			/* The outer one, or a module's array: names behind are none of the function
			 */
			if (type == l->types.scope_info || type == l->types.fixed_array)
				return;
			if (!*name && v8_heap_is_string(h, type))
				v8_string_read(h, slots[i], name, size);
		} else if (*position < 0 && is_position(slots, i, count)) {
			*position = v8_smi(slots[i - 1]);
			return;
		}
	}
}

int v8_scope_info_read(struct v8_heap *h, uint64_t object, char *name, size_t size,
		       int32_t *position)
{
	const struct v8_layout *l = h->layout;
	uint64_t fixed[FIXED_SLOTS], tail[TAIL_SLOTS];
	int32_t offset = l->offsets.scope_info_slots;
	int32_t locals;
	unsigned count;

	*name = '\0';
	*position = -1;
	if (v8_heap_read(h, object, offset, fixed, sizeof(fixed)))
		return -EFAULT;
	locals = v8_smi(fixed[SLOT_LOCALS]);
	if (!v8_is_smi(fixed[SLOT_LOCALS]) || locals < 0 || locals > MAX_LOCALS)
		return -EINVAL;
	if (l->scope_info_begins_with_positions)
		*position = v8_smi(fixed[SLOT_START]);
	if (l->scope_info_hashes_names && locals >= LOCALS_TABLE)
		locals += 1;
	else
		locals *= 2;
	offset += (l->scope_info_first_vars + locals) * 8;
	count = words_read(h, object, offset, tail, TAIL_SLOTS);
	if (!l->scope_info_hashes_names) { /* it has a length */
		int left = v8_heap_array_length(h, object) - l->scope_info_first_vars - locals;

		if (left < (int)count)
			count = left > 0 ? (unsigned)left : 0;
	}
	tail_look(h, tail, count, name, size, position);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Decoding V8's position tables.
 *
 * Source position table (src/codegen/source-position-table.cc): entries of two
 * numbers, the differences of code offset and position to the entry before. Numbers are
 * little-endian in groups of seven bits, signed ones in zigzag. Code offsets begin at -1. A code
 * difference has flags with it (is it a statement), which are of no use here:
 *
 *	V8 13.6 and older	signed: a negative d stands for -(d + 1)
 *	V8 14.1 and newer	unsigned: two bits of flags, then the difference
 *
 * Baseline table (src/baseline/bytecode-offset-iterator.h): for each bytecode how many bytes of
 * code it became, after the length of the prologue. The bytecodes' own lengths are in V8's
 * Bytecodes::kBytecodeSizes; the first four bytecodes are prefixes that make operands wider.
 */
#include "v8/v8_positions.h"

#define WIDE_PREFIXES 4 /* Wide, ExtraWide, DebugBreakWide, DebugBreakExtraWide */

bool v8_uvlq(const uint8_t *bytes, size_t len, size_t *at, uint64_t *out)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 63 && *at < len; shift += 7) {
		uint8_t byte = bytes[(*at)++];

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*out = v;
			return true;
		}
	}
	return false;
}

static bool zigzag(const uint8_t *bytes, size_t len, size_t *at, int64_t *out)
{
	uint64_t v;

	if (!v8_uvlq(bytes, len, at, &v))
		return false;
	*out = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
	return true;
}

/* The difference of code offsets that an entry begins with. */
static bool code_step(const struct v8_layout *l, const uint8_t *bytes, size_t len, size_t *at,
		      uint64_t *out)
{
	int64_t by;

	if (l->positions_have_two_flags) {
		if (!v8_uvlq(bytes, len, at, out))
			return false;
		*out >>= 2;
		return true;
	}
	if (!zigzag(bytes, len, at, &by))
		return false;
	*out = (uint64_t)(by >= 0 ? by : -(by + 1));
	return true;
}

void v8_positions_find(const struct v8_layout *l, const uint8_t *table, size_t len,
		       int64_t code_offset, struct v8_position_entry *before,
		       struct v8_position_entry *after)
{
	struct v8_position_entry entry = {.code_offset = -1};
	uint64_t offset = l->positions_begin_at_0 ? 0 : (uint64_t)-1;
	uint64_t step; /* unsigned: garbage may run over */
	size_t at = 0;
	int64_t by;

	*before = entry;
	if (after)
		*after = entry;
	while (code_step(l, table, len, &at, &step) && zigzag(table, len, &at, &by)) {
		offset += step;
		entry.code_offset = (int64_t)offset;
		entry.position += (uint64_t)by;
		if (entry.code_offset > code_offset) {
			if (after)
				*after = entry;
			return;
		}
		*before = entry;
	}
}

/* Bytes of the bytecode at @at, its prefix included; 0 if it is none. */
static size_t bytecode_length(const struct v8_layout *l, const uint8_t *bytecode, size_t len,
			      size_t at)
{
	unsigned scale = 0;
	size_t prefix = 0;
	uint8_t op = bytecode[at];

	if (op < WIDE_PREFIXES) {
		scale = op % 2 ? 2 : 1;
		prefix = 1;
		if (at + 1 >= len)
			return 0;
		op = bytecode[at + 1];
	}
	if (op >= l->bytecode_count || !l->bytecode_sizes[scale][op])
		return 0;
	return prefix + l->bytecode_sizes[scale][op];
}

int32_t v8_baseline_bytecode(const struct v8_layout *l, const uint8_t *table, size_t len,
			     const uint8_t *bytecode, size_t bytecode_len, uint64_t pc)
{
	size_t at = 0, next = 0;
	uint64_t end, by;
	int32_t offset = 0;

	if (!v8_uvlq(table, len, &at, &end))
		return -1;
	while (end < pc) {
		size_t length;

		if (!v8_uvlq(table, len, &at, &by) || next >= bytecode_len)
			return -1;
		end += by;
		offset = (int32_t)next;
		length = bytecode_length(l, bytecode, bytecode_len, next);
		if (!length)
			return -1;
		next += length;
	}
	return offset;
}

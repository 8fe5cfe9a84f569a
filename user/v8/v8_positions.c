/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Decoding V8's position tables.
 *
 * Source position table (src/codegen/source-position-table.cc): entries of two
 * numbers, the differences of code offset and position to the entry before. Numbers are
 * little-endian in groups of seven bits, signed ones in zigzag; a negative code difference d
 * stands for -(d + 1) and marks a position that is no statement. Code offsets begin at -1.
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

v8_position v8_positions_find(const uint8_t *table, size_t len, int64_t code_offset)
{
	v8_position position = 0;
	uint64_t offset = (uint64_t)-1; /* unsigned: garbage may run over */
	size_t at = 0;
	int64_t by;

	while (zigzag(table, len, &at, &by)) {
		offset += (uint64_t)(by >= 0 ? by : -(by + 1));
		if ((int64_t)offset > code_offset || !zigzag(table, len, &at, &by))
			break;
		position += (uint64_t)by;
	}
	return position;
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

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finding jumps in machine code without disassembling it.
 *
 * V8's conditional jumps to deoptimisation exits and to code out of line are those with a far
 * reach. On x86-64 their bytes may also be within another instruction: but then where they lead is
 * no place that is asked for, hardly ever. On arm64 all have the same length, and many lead
 * elsewhere.
 *
 * Code out of line, such as the slow path of an allocation:
 *
 *		lea  r10, [object + size]
 *	source:	cmp  r10, [limit]
 *		jae  target
 *		...
 *	back:	...
 *		...
 *	target:	push registers
 *		call AllocateInYoungGeneration
 *	pc:	pop  registers
 *		jmp  back		close behind the source
 */
#include "v8/v8_jumps.h"

#include <stdlib.h>
#include <string.h>

#include "v8/v8_insn.h"

#define MAX_CODE    (4u << 20)
#define BACK_BYTES  192u /* at the most, from the source to where the code out of line returns */
#define AHEAD_BYTES 192u /* at the most, from the pc to the jump back */
#define MAX_BLOCK   512u /* from the target to the pc */
#define MAX_NESTED  4

static unsigned jumps_scan(uint16_t machine, const uint8_t *code, uint32_t size,
			   struct v8_jump *out)
{
	unsigned count = 0;
	struct v8_insn_jump jump;

	for (uint32_t i = 0; i < size; i += v8_insn_step(machine)) {
		/* Forward, and within the code */
		if (!v8_insn_branch(machine, code, size, i, &jump) || jump.target <= jump.end ||
		    jump.target >= size)
			continue;
		if (out)
			out[count] = (struct v8_jump){i, (uint32_t)jump.target};
		count++;
	}
	return count;
}

static int by_target(const void *a, const void *b)
{
	const struct v8_jump *x = a, *y = b;

	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return x->source < y->source ? -1 : x->source > y->source;
}

/* Whether code at @pc jumps back to right behind the source of @jump, before its target. */
static bool returns_behind(const struct v8_jumps *j, uint32_t pc, const struct v8_jump *jump)
{
	unsigned step = v8_insn_step(j->machine);
	uint32_t end = j->size - pc < AHEAD_BYTES ? j->size : pc + AHEAD_BYTES;
	struct v8_insn_jump back;

	for (uint32_t i = (pc + step - 1) / step * step; i < end; i += step) {
		if (v8_insn_jump(j->machine, j->code, end, i, &back) &&
		    back.target > jump->source &&
		    back.target <= (int64_t)jump->source + BACK_BYTES && back.target < jump->target)
			return true;
	}
	return false;
}

void v8_jumps_load(struct memreader *mem, uint16_t machine, uint64_t start, uint32_t size,
		   struct v8_jumps *out)
{
	unsigned count;

	out->is_loaded = true;
	out->machine = machine;
	if (!size || size > MAX_CODE)
		return;
	out->code = malloc(size);
	if (!out->code || memreader_read(mem, start, out->code, size)) {
		free(out->code);
		out->code = NULL;
		return;
	}
	out->size = size;
	count = jumps_scan(machine, out->code, size, NULL);
	out->all = count ? malloc(count * sizeof(*out->all)) : NULL;
	if (!out->all)
		return;
	out->count = jumps_scan(machine, out->code, size, out->all);
	qsort(out->all, out->count, sizeof(*out->all), by_target);
}

void v8_jumps_release(struct v8_jumps *j)
{
	free(j->code);
	free(j->all);
	*j = (struct v8_jumps){0};
}

size_t v8_jumps_bytes(const struct v8_jumps *j)
{
	return j->size + j->count * sizeof(*j->all);
}

const struct v8_jump *v8_jumps_out_of_line(const struct v8_jumps *j, uint32_t pc)
{
	unsigned low = 0, high = j->count; /* the first that leads behind @pc */

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (j->all[mid].target > pc)
			high = mid;
		else
			low = mid + 1;
	}
	if (pc >= j->size)
		return NULL;
	for (; low && pc - j->all[low - 1].target <= MAX_BLOCK; low--) {
		if (returns_behind(j, pc, &j->all[low - 1]))
			return &j->all[low - 1];
	}
	return NULL;
}

uint32_t v8_jumps_main(const struct v8_jumps *j, uint32_t pc)
{
	for (int nested = 0; nested < MAX_NESTED; nested++) {
		const struct v8_jump *jump = v8_jumps_out_of_line(j, pc);

		if (!jump)
			break;
		pc = jump->source;
	}
	return pc;
}

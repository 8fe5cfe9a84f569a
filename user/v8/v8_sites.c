/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which functions optimised code is in at an address. In this order:
 *
 *   1. A call after which V8 may deoptimise has an entry for its return address (V8 12 and newer).
 *   2. TurboFan records the source positions of calls; of those that have an entry (all versions)
 * it is the last before the call.
 *   3. Else it is told by what is around it. Code out of line is first led back to the jump that
 *	led to it. What is known of places in the code then: in Maglev code, the jumps to exits, and
 *	the calls, that have entries; in TurboFan code, source positions. If the one before and the
 *	one after are in the same functions, so is what is between.
 *
 * The third is what allocations need: they are calls to builtins out of line, of which Maglev (Node
 * 24, 26) records nothing at all.
 *
 * LIMITATIONS: where the places before and after are in different functions, only those that they
 * share are told.
 */
#include "v8/v8_sites.h"

#include <stdlib.h>

/* Functions at a place, outermost first. */
struct chain {
	struct v8_site sites[V8_INLINED_MAX];
	unsigned count;
};

static bool is_same_place(const struct v8_site *a, const struct v8_site *b)
{
	return a->literal == b->literal && a->bytecode_offset == b->bytecode_offset &&
	       a->position == b->position;
}

/*
 * The functions between two places. Within one that both are in, the line is that of the place
 * before.
 */
static unsigned between(const struct chain *before, const struct chain *after, struct v8_site *out,
			bool *is_approximate)
{
	unsigned n = 0;

	*is_approximate = false;
	if (!before->count || !after->count) {
		const struct chain *only = before->count ? before : after;

		for (n = 0; n < only->count; n++)
			out[n] = only->sites[n];
		return n;
	}
	while (n < before->count && n < after->count) {
		const struct v8_site *a = &before->sites[n], *b = &after->sites[n];

		if (a->literal != b->literal)
			break;
		out[n++] = *a;
		if (!is_same_place(a, b)) /* what is inlined there differs */
			break;
	}
	*is_approximate = n < before->count || n < after->count;
	return n;
}

/* ---- Maglev: by entries ---- */

static int by_pc(const void *a, const void *b)
{
	const struct v8_anchor *x = a, *y = b;

	return x->pc < y->pc ? -1 : x->pc > y->pc;
}

/* The entry whose exit a jump leads to; -1: it is no exit. Exits ascend with their entries. */
static int entry_of_exit(const struct v8_deopt *d, uint32_t target)
{
	unsigned low = 0, high = d->entry_count;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (d->entries[mid].pc < (int64_t)target)
			low = mid + 1;
		else
			high = mid;
	}
	return low < d->entry_count && d->entries[low].pc == (int64_t)target ? (int)low : -1;
}

static void load_anchors(struct v8_code *code)
{
	const struct v8_deopt *d = &code->deopt;
	unsigned max = d->safepoint_count + code->jumps.count, entry;
	struct v8_anchor *all = max ? malloc(max * sizeof(*all)) : NULL;

	code->has_anchors = true;
	code->anchors = all;
	if (!all)
		return;
	for (unsigned i = 0; i < d->safepoint_count; i++) {
		uint32_t pc;

		if (v8_deopt_safepoint(d, i, &pc, &entry))
			all[code->anchor_count++] =
				(struct v8_anchor){v8_jumps_main(&code->jumps, pc), entry};
	}
	for (unsigned i = 0; i < code->jumps.count; i++) {
		const struct v8_jump *jump = &code->jumps.all[i];
		int exit = entry_of_exit(d, jump->target);

		if (exit >= 0)
			all[code->anchor_count++] =
				(struct v8_anchor){jump->source, (unsigned)exit};
	}
	if (code->anchor_count)
		qsort(all, code->anchor_count, sizeof(*all), by_pc);
}

static void by_anchors(const struct v8_layout *l, const struct v8_code *code, uint32_t pc,
		       struct chain *before, struct chain *after)
{
	unsigned low = 0, high = code->anchor_count; /* the first behind @pc */

	if (!code->anchors)
		return;
	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (code->anchors[mid].pc > pc)
			high = mid;
		else
			low = mid + 1;
	}
	if (low)
		before->count = v8_deopt_sites(l, &code->deopt, code->anchors[low - 1].entry,
					       before->sites);
	if (low < code->anchor_count)
		after->count =
			v8_deopt_sites(l, &code->deopt, code->anchors[low].entry, after->sites);
}

/* ---- TurboFan: by positions ---- */

static unsigned by_position(const struct v8_layout *l, const struct v8_code *code, uint32_t pc,
			    struct v8_site *out)
{
	struct v8_position_entry at;

	v8_positions_find(l, code->positions, code->positions_len, pc, &at, NULL);
	return at.position ? v8_deopt_position_sites(&code->deopt, at.position, out) : 0;
}

/*
 * Calls have their position recorded before them, but for those that V8 adds late, such as of
 * allocations, which are out of line: what was recorded before their code began is not theirs.
 */
static unsigned by_positions(const struct v8_layout *l, const struct v8_code *code, uint32_t pc,
			     struct v8_site *out, bool *is_approximate)
{
	const struct v8_jump *jump = v8_jumps_out_of_line(&code->jumps, pc);
	struct chain before = {.count = 0}, after = {.count = 0};
	struct v8_position_entry a, b;

	v8_positions_find(l, code->positions, code->positions_len, pc, &a, NULL);
	if (!jump || a.code_offset >= (int64_t)jump->target)
		return a.position ? v8_deopt_position_sites(&code->deopt, a.position, out) : 0;
	v8_positions_find(l, code->positions, code->positions_len, v8_jumps_main(&code->jumps, pc),
			  &a, &b);
	if (a.position)
		before.count = v8_deopt_position_sites(&code->deopt, a.position, before.sites);
	if (b.position)
		after.count = v8_deopt_position_sites(&code->deopt, b.position, after.sites);
	return between(&before, &after, out, is_approximate);
}

unsigned v8_sites_find(struct v8_heap *h, struct v8_code *code, uint32_t pc, bool is_return,
		       struct v8_site *out, bool *is_approximate)
{
	struct chain before = {.count = 0}, after = {.count = 0};
	int entry = is_return ? v8_deopt_entry(&code->deopt, pc) : -1;
	unsigned count = 0;

	*is_approximate = false;
	if (entry >= 0)
		count = v8_deopt_sites(h->layout, &code->deopt, (unsigned)entry, out);
	if (count)
		return count;
	if (is_return && pc)
		pc--;
	if (entry >= 0)
		return by_position(h->layout, code, pc, out);
	if (!code->jumps.is_loaded)
		v8_jumps_load(h->mem, h->layout->machine, code->start, code->size, &code->jumps);
	if (!code->deopt.safepoint_count)
		return by_positions(h->layout, code, pc, out, is_approximate);
	if (!code->has_anchors)
		load_anchors(code);
	by_anchors(h->layout, code, v8_jumps_main(&code->jumps, pc), &before, &after);
	return between(&before, &after, out, is_approximate);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Inlined functions.
 *
 * By position (all versions): the source position of an instruction has an index into the inlining
 * positions, each of which says which function it is (an index into the literals) and from what
 * position it was called, in which again ... up to the function that the code was made of.
 *
 * By return address (V8 12 and newer): calls after which V8 may deoptimise have an entry with their
 * pc. It leads to a translation, from which V8 would make the frames of the interpreter:
 *
 *	BEGIN lookback, frames, JS frames [, ...]
 *	INTERPRETED_FRAME bytecode offset, literal of the function, ...
 *	... values of registers ...
 *
 * Translations are compressed: an opcode can say that it and some that follow are as in the
 * translation that began @lookback bytes before (MATCH_PREVIOUS_TRANSLATION); each opcode that is
 * written anew skips one there. See src/deoptimizer/frame-translation*, translation-array.cc.
 *
 * Maglev has the entry's index in its safepoint table instead: behind the instructions, a header of
 * four words (stack slots, entries, sizes of the fields, tagged registers), then entries of
 * pc, index + 1, trampoline's pc, flags, registers (src/codegen/maglev-safepoint-table.cc).
 *
 * LIMITATIONS
 *   - Calls that cannot deoptimise have no entry: see v8_sites.c.
 *   - Translations that are zlib-compressed (--turbo-compress-frame-translations) are not read.
 */
#include "v8/v8_deopt.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ENTRIES	  (1 << 16)
#define MAX_SAFEPOINTS	  (1u << 17) /* bytes */
#define ENTRY_WORDS	  3	     /* bytecode offset, translation, pc */
#define WORDS_BEFORE	  3	     /* behind the inlining positions: start, eager, lazy counts */
#define INLINING_BYTES	  16
#define JS_FRAME_OPCODES  4 /* the first ones; of these the last two continue builtins */
#define MAX_OPCODES	  4096
#define SHARED_IN_WRAPPER 8

/* ---- loading ---- */

static uint64_t element(struct v8_heap *h, uint64_t array, int32_t index)
{
	return v8_heap_word(h, array, h->layout->offsets.array_data + 8 * index);
}

static int32_t smi_or(uint64_t v, int32_t otherwise)
{
	return v8_is_smi(v) ? v8_smi(v) : otherwise;
}

static void load_entries(struct v8_heap *h, uint64_t data, int32_t from, int32_t words,
			 struct v8_deopt *d)
{
	uint64_t *raw = malloc((size_t)words * sizeof(*raw));
	unsigned count = (unsigned)words / ENTRY_WORDS;

	d->entries = calloc(count, sizeof(*d->entries));
	if (raw && d->entries &&
	    !v8_heap_read(h, data, h->layout->offsets.array_data + 8 * from, raw,
			  (size_t)words * sizeof(*raw))) {
		for (unsigned i = 0; i < count; i++) {
			d->entries[i].translation = smi_or(raw[ENTRY_WORDS * i + 1], -1);
			d->entries[i].pc = smi_or(raw[ENTRY_WORDS * i + 2], -1);
		}
		d->entry_count = count;
	}
	free(raw);
}

uint64_t v8_deopt_shared(struct v8_heap *h, const struct v8_deopt *d)
{
	uint64_t object = v8_strong(element(h, d->data, h->layout->deopt_shared));
	int type = v8_heap_type(h, object);

	if (type == V8_NO_TYPE)
		return 0;
	if (type != h->layout->types.shared_info) /* wrapped, since V8 13 */
		object = v8_strong(v8_heap_word(h, object, SHARED_IN_WRAPPER));
	return v8_heap_type(h, object) == h->layout->types.shared_info ? object : 0;
}

void v8_deopt_load(struct v8_heap *h, uint64_t data, struct v8_deopt *out)
{
	const struct v8_layout *l = h->layout;
	int32_t length = v8_heap_array_length(h, data);
	int32_t entries = l->deopt_inlining_positions + 1 + WORDS_BEFORE;

	out->is_loaded = true;
	if (length <= l->deopt_inlining_positions)
		return;
	out->data = data;
	out->literal_count = v8_heap_array_length(h, element(h, data, l->deopt_literals));
	out->inlined_count = smi_or(element(h, data, l->deopt_inlined_count), 0);
	out->inlinings = v8_heap_bytes(h, element(h, data, l->deopt_inlining_positions),
				       &out->inlinings_len);
	/* Before V8 12 the words before them differ, by version: as many as entries leave over. */
	if (!l->deopt_has_pcs)
		entries -= WORDS_BEFORE - (length - entries + WORDS_BEFORE) % ENTRY_WORDS;
	if (length < entries + ENTRY_WORDS || length > MAX_ENTRIES)
		return;
	if (!l->deopt_has_pcs) { /* which calls have an entry; it is not decoded */
		load_entries(h, data, entries, length - entries, out);
		return;
	}
	out->translations = v8_heap_bytes(h, element(h, data, 0), &out->translations_len);
	if (out->translations)
		load_entries(h, data, entries, length - entries, out);
}

void v8_deopt_load_safepoints(struct v8_heap *h, uint64_t addr, struct v8_deopt *out)
{
	uint32_t head[4]; /* stack slots, entries, sizes of fields, tagged registers */
	unsigned registers, bytes;
	uint8_t *table;

	if (memreader_read(h->mem, addr, head, sizeof(head)) || !(head[2] & 1))
		return;
	registers = head[2] >> 1 & 7;
	out->safepoint_pc_bytes = head[2] >> 4 & 7;
	out->safepoint_index_bytes = head[2] >> 7 & 7;
	if (!out->safepoint_pc_bytes || out->safepoint_pc_bytes > 4 ||
	    out->safepoint_index_bytes > 4)
		return;
	bytes = 2 * out->safepoint_pc_bytes + out->safepoint_index_bytes + 1 + registers;
	if (!head[1] || head[1] > MAX_SAFEPOINTS / bytes)
		return;
	table = malloc((size_t)head[1] * bytes);
	if (!table)
		return;
	if (memreader_read(h->mem, addr + sizeof(head), table, (size_t)head[1] * bytes)) {
		free(table);
		return;
	}
	out->safepoints = table;
	out->safepoint_count = head[1];
	out->safepoint_bytes = bytes;
}

void v8_deopt_release(struct v8_deopt *d)
{
	free(d->entries);
	free(d->translations);
	free(d->inlinings);
	free(d->safepoints);
	*d = (struct v8_deopt){0};
}

size_t v8_deopt_bytes(const struct v8_deopt *d)
{
	return d->entry_count * sizeof(*d->entries) + d->translations_len + d->inlinings_len +
	       (size_t)d->safepoint_count * d->safepoint_bytes;
}

/* ---- translations ---- */

struct translation {
	const struct v8_layout *layout;
	const uint8_t *bytes;
	size_t len;
	size_t at;	    /* here ... */
	size_t previous;    /* ... and in the one before, at the opcode that corresponds */
	uint64_t reused;    /* opcodes to be taken from there, this one included */
	unsigned since;	    /* opcodes written anew since @previous was right */
	bool uses_previous; /* this opcode's operands are there */
};

/* A signed operand: the sign is the lowest bit. */
static bool operand(struct translation *t, int32_t *out)
{
	size_t *at = t->uses_previous ? &t->previous : &t->at;
	uint64_t v;

	if (!v8_uvlq(t->bytes, t->len, at, &v))
		return false;
	*out = v & 1 ? -(int32_t)(v >> 1 & INT32_MAX) : (int32_t)(v >> 1 & INT32_MAX);
	return true;
}

/* Takes an opcode off the translation before. */
static bool previous_opcode(struct translation *t, unsigned *op)
{
	if (t->previous >= t->len || t->bytes[t->previous] >= t->layout->deopt_opcode_count)
		return false;
	*op = t->bytes[t->previous++];
	return true;
}

static bool skip_previous(struct translation *t)
{
	uint64_t v;
	unsigned op;

	if (!previous_opcode(t, &op))
		return false;
	for (unsigned i = 0; i < t->layout->deopt_operands[op]; i++) {
		if (!v8_uvlq(t->bytes, t->len, &t->previous, &v))
			return false;
	}
	return true;
}

static bool match_previous(struct translation *t, unsigned *op)
{
	for (; t->since; t->since--) {
		if (!skip_previous(t))
			return false;
	}
	t->uses_previous = t->reused > 0;
	return previous_opcode(t, op);
}

/* The opcode that comes next, wherever it is written. */
static bool next_opcode(struct translation *t, unsigned *op)
{
	unsigned count = t->layout->deopt_opcode_count;

	t->uses_previous = false;
	if (t->reused && --t->reused) {
		t->uses_previous = true;
		return previous_opcode(t, op);
	}
	if (t->at >= t->len)
		return false;
	*op = t->bytes[t->at++];
	if (*op >= count)
		t->reused = *op - count; /* the operand is within it */
	else if (*op + 1 != count) {
		t->since++;
		return true;
	} else if (!v8_uvlq(t->bytes, t->len, &t->at, &t->reused)) {
		return false;
	}
	return match_previous(t, op);
}

/* The head of a translation; false if there is none at @at. */
static bool translation_begin(struct translation *t, int32_t *js_frames)
{
	uint64_t lookback;
	size_t begin = t->at;
	int32_t frames;

	if (begin >= t->len || t->bytes[begin] >= t->layout->deopt_opcode_count)
		return false;
	t->at++;
	if (!v8_uvlq(t->bytes, t->len, &t->at, &lookback) || lookback > begin)
		return false;
	if (lookback)
		t->previous = begin - lookback;
	t->since = 1;
	if (!operand(t, &frames) || !operand(t, js_frames))
		return false;
	for (unsigned i = 3; i < t->layout->deopt_operands[t->bytes[begin]]; i++) {
		if (!operand(t, &frames))
			return false;
	}
	return *js_frames > 0;
}

/* The JS frames of a translation, outermost first. */
static unsigned translation_sites(struct translation *t, struct v8_site *out)
{
	int32_t js_frames, operands[V8_DEOPT_OPERANDS_MAX];
	unsigned count = 0, op;

	if (!translation_begin(t, &js_frames))
		return 0;
	for (int i = 0; i < MAX_OPCODES && count < V8_INLINED_MAX && next_opcode(t, &op); i++) {
		unsigned n = t->layout->deopt_operands[op];

		for (unsigned j = 0; j < n; j++) {
			if (!operand(t, &operands[j]))
				return count;
		}
		if (op >= JS_FRAME_OPCODES || n < 2)
			continue;
		out[count].bytecode_offset = op < JS_FRAME_OPCODES / 2 ? operands[0] : -1;
		out[count].position = -1;
		out[count++].literal = operands[1];
		if ((int32_t)count == js_frames)
			break;
	}
	return count;
}

unsigned v8_deopt_sites(const struct v8_layout *l, const struct v8_deopt *d, unsigned entry,
			struct v8_site *out)
{
	struct translation t = {.layout = l, .bytes = d->translations, .len = d->translations_len};
	unsigned count;

	if (entry >= d->entry_count || d->entries[entry].translation < 0 || !l->deopt_opcode_count)
		return 0;
	t.at = (size_t)d->entries[entry].translation;
	count = translation_sites(&t, out);
	if (count) /* its literal is there too, but the caller knows it */
		out[0].literal = V8_OWN_FUNCTION;
	return count;
}

/* ---- which entry ---- */

bool v8_deopt_safepoint(const struct v8_deopt *d, unsigned index, uint32_t *pc, unsigned *entry)
{
	const uint8_t *at = d->safepoints + (size_t)index * d->safepoint_bytes;
	uint32_t number = 0;

	*pc = 0;
	memcpy(pc, at, d->safepoint_pc_bytes);
	memcpy(&number, at + d->safepoint_pc_bytes, d->safepoint_index_bytes);
	*entry = number - 1;
	return number && number <= d->entry_count;
}

int v8_deopt_entry(const struct v8_deopt *d, uint64_t pc)
{
	unsigned entry;
	uint32_t at;

	for (unsigned i = 0; i < d->safepoint_count; i++) {
		bool has_entry = v8_deopt_safepoint(d, i, &at, &entry);

		if (at == pc)
			return has_entry ? (int)entry : -1;
	}
	if (d->safepoint_count) /* the pcs of Maglev's entries are those of their exits */
		return -1;
	for (unsigned i = 0; i < d->entry_count; i++) {
		if (d->entries[i].pc >= 0 && (uint64_t)d->entries[i].pc == pc)
			return (int)i;
	}
	return -1;
}

/* ---- functions ---- */

uint64_t v8_deopt_function(struct v8_heap *h, const struct v8_deopt *d, int32_t literal)
{
	uint64_t literals, object;

	if (literal < 0 || literal >= d->literal_count)
		return 0;
	literals = element(h, d->data, h->layout->deopt_literals);
	object = v8_strong(element(h, literals, literal));
	return v8_is_object(object) ? object : 0;
}

unsigned v8_deopt_position_sites(const struct v8_deopt *d, v8_position position,
				 struct v8_site *out)
{
	struct v8_site inner_first[V8_INLINED_MAX];
	unsigned count = 0;

	for (; count < V8_INLINED_MAX - 1; count++) {
		int inlining = v8_position_inlining(position);
		v8_position from;
		int32_t function;

		if (inlining < 0 || ((size_t)inlining + 1) * INLINING_BYTES > d->inlinings_len)
			break;
		memcpy(&from, d->inlinings + (size_t)inlining * INLINING_BYTES, sizeof(from));
		memcpy(&function, d->inlinings + (size_t)inlining * INLINING_BYTES + sizeof(from),
		       sizeof(function));
		inner_first[count] = (struct v8_site){
			.literal = function >= 0 && function < d->inlined_count ? function
										: V8_OWN_FUNCTION,
			.bytecode_offset = -1,
			.position = v8_position_offset(position),
		};
		position = from;
	}
	inner_first[count++] = (struct v8_site){.literal = V8_OWN_FUNCTION,
						.bytecode_offset = -1,
						.position = v8_position_offset(position)};
	for (unsigned i = 0; i < count; i++)
		out[i] = inner_first[count - 1 - i];
	return count;
}

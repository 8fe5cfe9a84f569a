/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libFuzzer: the input changes the memory of a made-up JavaScript program (tests/unit/v8_graph.h),
 * of which frames are then named.
 *
 * Byte 0 is the layout, like that of Node 12, 18, 22, or 26, and two flags: names are known from
 * before; all has moved. Then come records of four bytes (which word: an index) and eight (its
 * value).
 *
 * The upper bits of an index say how its value is meant: as it is, as the address of a word of the
 * program, as a Smi, as bits that change.
 *
 *   make fuzz, or: build/fuzz/fuzz_v8_resolve -max_total_time=60
 *
 * LIMITATIONS: memory does not change while a frame is named.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_BYTES (160u << 10)
#include "../unit/v8_graph.h"

#define RECORD 12
#define FRAMES 6
#define MAX    16

static uint64_t value_of(const struct fake_heap *f, uint32_t index, uint64_t value, uint64_t at)
{
	uint64_t words = (f->used - (1 << 16)) / 8, old;

	switch (index >> 30) {
	case 1:
		return FAKE_BASE + (1 << 16) + value % words * 8 + 1 + (value >> 62 == 3 ? 2 : 0);
	case 2:
		return SMI(value);
	case 3:
		memcpy(&old, f->bytes + (at - FAKE_BASE), sizeof(old));
		return old ^ value;
	default:
		return value;
	}
}

static void change(struct fake_heap *f, const uint8_t *record)
{
	uint64_t words = (f->used - (1 << 16)) / 8, value, at;
	uint32_t index;

	memcpy(&index, record, sizeof(index));
	memcpy(&value, record + sizeof(index), sizeof(value));
	at = FAKE_BASE + (1 << 16) + (index & 0x3fffffff) % words * 8;
	value = value_of(f, index, value, at);
	fake_put(f, at, &value, sizeof(value));
}

static void name_all(struct v8_resolver *r, const struct graph *g, bool is_return)
{
	struct mw_frame raws[FRAMES] = {
		graph_js(GRAPH_BUILTINS + 100, g->outer, 0, 0),
		graph_js(GRAPH_BUILTINS + 100, g->push, 7, 1),
		graph_js(g->sparkplug.start + 320, g->baseline, 8, 3),
		graph_js(g->turbofan.start + 100, g->outer, 0, 0),
		graph_js(g->maglev.start + 50, g->outer, 7, 1),
		{.ip = g->turbofan.start + 200, .kind = MW_FRAME_NATIVE},
	};

	raws[0].bytecode_offset = 100;
	for (int i = 0; i < FRAMES; i++) {
		struct frame out[MAX];
		unsigned n = v8_resolver_frame(r, &raws[i], is_return, out, MAX);

		if (n > MAX)
			abort();
		for (unsigned j = 0; j < n; j++) { /* names are strings */
			if ((out[j].fn && strlen(out[j].fn) > 4096) ||
			    (out[j].file && strlen(out[j].file) > 8192))
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const layouts[])(struct v8_layout *) = {fake_layout_12, fake_layout_18,
							      fake_layout_22, fake_layout_26};
	struct v8_resolver r;
	struct intern *names;
	struct graph g;

	if (!size)
		return -1;
	graph_init(&g, layouts[data[0] % 4]);
	names = intern_new(1 << 20);
	if (!names || v8_resolver_init(&r, &g.fake.layout, &g.fake.mem, names))
		abort();
	r.copies[0] = (struct v8_builtins_copy){GRAPH_BUILTINS, GRAPH_BUILTINS + 4096, 0};
	r.copy_count = 1;
	if (data[0] & 0x80) /* caches are warm */
		name_all(&r, &g, true);
	for (size_t at = 1; at + RECORD <= size; at += RECORD)
		change(&g.fake, data + at);
	if (data[0] & 0x40)
		v8_resolver_moved(&r);
	name_all(&r, &g, true);
	name_all(&r, &g, false);
	v8_resolver_release(&r);
	intern_free(names);
	graph_release(&g);
	return 0;
}

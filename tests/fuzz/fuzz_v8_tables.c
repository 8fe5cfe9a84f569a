/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libFuzzer: the input is V8's compressed tables: of source positions, of baseline code, of
 * translations, and machine code.
 *
 *   make fuzz, or: build/fuzz/fuzz_v8_tables -max_total_time=60
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_BYTES (160u << 10)
#include "../unit/v8_fake.h"
#include "v8/v8_deopt.h"
#include "v8/v8_jumps.h"
#include "v8/v8_positions.h"

static void walk_positions(const struct v8_layout *l, const uint8_t *data, size_t size)
{
	struct v8_position_entry before, after;
	struct v8_site sites[V8_INLINED_MAX];
	struct v8_deopt d = {
		.inlinings = (uint8_t *)data, .inlinings_len = size, .inlined_count = 3};

	for (int64_t at = -1; at < 300; at += 23) {
		v8_positions_find(l, data, size, at, &before, &after);
		if (v8_deopt_position_sites(&d, before.position, sites) > V8_INLINED_MAX)
			abort();
	}
}

static void walk_translation(const struct v8_layout *l, const uint8_t *data, size_t size)
{
	struct v8_deopt_entry entries[3] = {{0, 0}, {(int32_t)(size / 2), 1}, {(int32_t)size, 2}};
	struct v8_site sites[V8_INLINED_MAX];
	struct v8_deopt d = {.translations = (uint8_t *)data,
			     .translations_len = size,
			     .entries = entries,
			     .entry_count = 3};

	for (unsigned i = 0; i < 4; i++) {
		if (v8_deopt_sites(l, &d, i, sites) > V8_INLINED_MAX)
			abort();
	}
}

static void walk_code(const uint8_t *data, size_t size)
{
	struct fake_heap f;
	struct v8_jumps jumps;
	uint64_t at;

	fake_init(&f, fake_layout_22);
	at = fake_alloc(&f, size);
	fake_put(&f, at, data, size);
	jumps = (struct v8_jumps){.is_loaded = false};
	v8_jumps_load(&f.mem, at, (uint32_t)size, &jumps);
	for (uint32_t pc = 0; pc < size + 8; pc += 3)
		v8_jumps_main(&jumps, pc);
	v8_jumps_release(&jumps);
	fake_release(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct v8_layout old, new;

	if (size < 2 || size > 4096)
		return -1;
	fake_layout_22(&old);
	fake_layout_26(&new);
	old.bytecode_count = 200;
	memset(old.bytecode_sizes, 2, sizeof(old.bytecode_sizes));
	walk_positions(&old, data, size);
	walk_positions(&new, data, size);
	walk_translation(&old, data, size);
	v8_baseline_bytecode(&old, data, size / 2, data + size / 2, size - size / 2, 77);
	walk_code(data, size);
	return 0;
}

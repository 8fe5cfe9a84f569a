/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * v8_code, v8_deopt, v8_jumps, v8_sites: code by an address in it, also when it was replaced, and
 * which functions it is in there, by each of the ways to know.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "v8/v8_code.h"
#include "v8/v8_sites.h"
#include "v8_fake.h"

#define NOP    0x90
#define SEARCH (1u << 20)

struct fixture {
	struct fake_heap fake;
	struct v8_heap heap;
	struct v8_codes codes;
	uint8_t insns[2048];
};

static int setup_layout(void **state, void (*layout)(struct v8_layout *))
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	fake_init(&fx->fake, layout);
	v8_heap_init(&fx->heap, &fx->fake.layout, &fx->fake.mem);
	memset(fx->insns, NOP, sizeof(fx->insns));
	*state = fx;
	return v8_codes_init(&fx->codes, &fx->heap);
}

static int setup(void **state)
{
	return setup_layout(state, fake_layout_22);
}

static int setup_arm64(void **state)
{
	int err = setup_layout(state, fake_layout_22);
	struct fixture *fx = *state;

	fx->fake.layout.machine = EM_AARCH64;
	return err;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;

	v8_codes_release(&fx->codes);
	fake_release(&fx->fake);
	free(fx);
	return 0;
}

static struct fake_code make_code(struct fixture *fx, int kind, uint32_t size)
{
	return fake_code(&fx->fake, kind, fx->insns, size, fx->fake.undefined, fx->fake.undefined);
}

/* ---- finding code ---- */

static void check_find(void (*layout)(struct v8_layout *))
{
	struct fake_code codes[20];
	struct fixture *fx;

	assert_int_equal(setup_layout((void **)&fx, layout), 0);
	for (int i = 0; i < 20; i++)
		codes[i] = make_code(fx, 12, 100 + 90 * (uint32_t)i);
	for (int round = 0; round < 2; round++) { /* searched, then known */
		for (int i = 0; i < 20; i++) {
			uint32_t size = 100 + 90 * (uint32_t)i;

			for (uint32_t pc = 0; pc <= size; pc += 1 + size / 7) {
				struct v8_code *code =
					v8_code_find(&fx->codes, codes[i].start + pc, SEARCH);

				assert_non_null(code);
				assert_int_equal(code->start, codes[i].start);
				assert_int_equal(code->object, codes[i].object);
				assert_int_equal(code->size, size);
				assert_int_equal(code->kind, 12);
			}
		}
		assert_int_equal(fx->codes.scans, 20);
		assert_int_equal(fx->codes.count, 20);
	}
	assert_null(v8_code_find(&fx->codes, codes[0].start - 1, SEARCH)); /* the head */
	assert_null(v8_code_find(&fx->codes, codes[3].start + 100 + 270 + 1, SEARCH));
	assert_null(v8_code_find(&fx->codes, 0, SEARCH));
	assert_null(v8_code_find(&fx->codes, UINT64_MAX, SEARCH));
	assert_null(v8_code_find(&fx->codes, FAKE_BASE + FAKE_BYTES + 4096, SEARCH));
	assert_int_equal(fx->codes.scan_failures, 5);
	teardown((void **)&fx);
}

static void test_find(void **state)
{
	(void)state;
	check_find(fake_layout_12);
	check_find(fake_layout_18);
	check_find(fake_layout_22);
	check_find(fake_layout_26);
}

static void test_find_bounds(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	uint8_t *big = calloc(1, 600000);
	struct fake_code c = fake_code(f, 12, big, 600000, f->undefined, f->undefined);

	free(big);
	assert_non_null(v8_code_find(&fx->codes, c.start + 500000, SEARCH));
	v8_codes_clear(&fx->codes);
	assert_null(v8_code_find(&fx->codes, c.start + 500000, 256 << 10));
	/* A page that is gone ends the search */
	f->gone = (c.start + 300000) & ~(uint64_t)(FAKE_PAGE - 1);
	assert_null(v8_code_find(&fx->codes, c.start + 500000, SEARCH));
	assert_non_null(v8_code_find(&fx->codes, c.start + 200000, SEARCH));
}

/* Among words that all look like references a search has an end, which is not the beginning of
 * memory. */
static void test_search_ends(void **state)
{
	struct fixture *fx = *state;
	uint64_t begin = fake_alloc(&fx->fake, SEARCH), reads, word;

	for (uint64_t at = 0; at < SEARCH; at += sizeof(word)) {
		word = 0x700000000001 + 64 * at; /* nowhere */
		fake_put(&fx->fake, begin + at, &word, sizeof(word));
	}
	reads = fx->fake.mem.reads;
	assert_null(v8_code_find(&fx->codes, begin + SEARCH - 8, SEARCH));
	assert_in_range(fx->fake.mem.reads - reads, 1, 10000);
}

/* Code that was freed and other code in its place. */
static void test_replaced(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	struct fake_code old = make_code(fx, 12, 500), other;
	struct v8_code *code = v8_code_find(&fx->codes, old.start + 400, SEARCH);
	size_t used = f->used;

	assert_int_equal(code->object, old.object);
	/* Other Code, with its instructions where the old ones were, a little later */
	other.object = fake_object(f, T_CODE, 96);
	f->used = old.start + 64 - FAKE_BASE;
	other.start = fake_object(f, T_CODE_STREAM, 32) - 1 + 32;
	f->used = used + 96;
	fake_set(f, other.start - 32 + 1, 8, other.object);
	fake_set(f, other.object, 40, other.start);
	fake_set32(f, other.object, 52, 420);
	fake_set32(f, other.object, 48, 11);
	code = v8_code_find(&fx->codes, other.start + 300, SEARCH);
	assert_int_equal(code->object, old.object); /* the old one does not look dead yet */
	fake_set(f, old.object, 0, f->maps[T_FIXED_ARRAY]);
	code = v8_code_find(&fx->codes, other.start + 300, SEARCH);
	assert_non_null(code);
	assert_int_equal(code->object, other.object);
	assert_int_equal(code->kind, 11);
	/* Freed, and nothing there */
	fake_set(f, other.object, 0, f->maps[T_FIXED_ARRAY]);
	assert_null(v8_code_find(&fx->codes, other.start + 300, SEARCH));
	assert_int_equal(fx->codes.count, 0);
}

static void test_hostile_code(void **state)
{
	static const uint32_t sizes[] = {0, UINT32_MAX, 1u << 31};
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct fake_code c = make_code(fx, 12, 64);

		fake_set32(f, c.object, 52, sizes[i]);
		assert_null(v8_code_find(&fx->codes, c.start + 8, 256));
	}
	for (int i = 0; i < 3; i++) { /* begins elsewhere than it says */
		struct fake_code c = make_code(fx, 12, 64);

		fake_set(f, c.object, 40, i == 0 ? 0 : i == 1 ? UINT64_MAX : c.start + 4096);
		assert_null(v8_code_find(&fx->codes, c.start + 8, 256));
	}
}

static void test_bounded(void **state)
{
	struct fixture *fx = *state;

	for (int i = 0; i < 6000; i++) {
		struct fake_code c;

		if (fx->fake.used + 2048 > FAKE_BYTES)
			fx->fake.used = 1 << 20; /* over what was there */
		c = make_code(fx, 12, 64);
		v8_codes_trim(&fx->codes);
		v8_code_find(&fx->codes, c.start + 8, 4096);
		assert_in_range(fx->codes.count, 1, V8_CODES_MAX);
	}
}

static void test_tiers(void **state)
{
	struct v8_layout l;
	struct v8_code code = {.kind = 0};

	(void)state;
	fake_layout_22(&l);
	assert_int_equal(v8_code_tier(&l, &code), TIER_NONE);
	code.kind = 10;
	assert_int_equal(v8_code_tier(&l, &code), TIER_BASELINE);
	code.kind = 11;
	assert_int_equal(v8_code_tier(&l, &code), TIER_MAGLEV);
	code.kind = 12;
	assert_int_equal(v8_code_tier(&l, &code), TIER_TURBOFAN);
	fake_layout_12(&l);
	assert_int_equal(v8_code_tier(&l, &code), TIER_NONE);
	code.kind = 0;
	assert_int_equal(v8_code_tier(&l, &code), TIER_TURBOFAN);
}

/* ---- translations ---- */

enum { OP_FRAME, OP_FRAME_WITHOUT, OP_CONTINUE, OP_CATCH, OP_BEGIN, OP_VALUE, OP_OBJECT, OP_MATCH };

static void put_signed(struct fake_table *t, int32_t v)
{
	fake_uvlq(t, v < 0 ? (uint64_t)(uint32_t)-v << 1 | 1 : (uint64_t)(uint32_t)v << 1);
}

static size_t put_begin(struct fake_table *t, size_t lookback, int frames)
{
	size_t at = t->len;

	t->bytes[t->len++] = OP_BEGIN;
	fake_uvlq(t, lookback);
	put_signed(t, frames);
	put_signed(t, frames);
	return at;
}

static void put_frame(struct fake_table *t, int32_t offset, int32_t literal)
{
	t->bytes[t->len++] = OP_FRAME_WITHOUT;
	put_signed(t, offset);
	put_signed(t, literal);
	put_signed(t, 4); /* height */
}

static void put_value(struct fake_table *t, int32_t v)
{
	t->bytes[t->len++] = OP_VALUE;
	put_signed(t, v);
}

static struct v8_deopt deopt_of(struct fake_table *t, struct v8_deopt_entry *entries,
				unsigned count)
{
	return (struct v8_deopt){
		.translations = t->bytes,
		.translations_len = t->len,
		.entries = entries,
		.entry_count = count,
	};
}

static void assert_site(const struct v8_site *s, int32_t literal, int32_t offset)
{
	assert_int_equal(s->literal, literal);
	assert_int_equal(s->bytecode_offset, offset);
}

static void test_translation(void **state)
{
	struct v8_deopt_entry entries[2] = {{0, 10}, {0, 20}};
	struct v8_site sites[V8_INLINED_MAX];
	struct fake_table t = {.len = 0};
	struct v8_deopt d;
	struct v8_layout l;

	(void)state;
	fake_layout_22(&l);
	put_begin(&t, 0, 2);
	put_frame(&t, 30, 0);
	put_value(&t, 1);
	put_value(&t, 200);
	put_frame(&t, 7, 3);
	put_value(&t, 2);
	entries[1].translation = (int32_t)put_begin(&t, 0, 1);
	put_frame(&t, -1, 0);
	put_value(&t, 9);
	d = deopt_of(&t, entries, 2);
	assert_int_equal(v8_deopt_sites(&l, &d, 0, sites), 2);
	assert_site(&sites[0], V8_OWN_FUNCTION, 30);
	assert_site(&sites[1], 3, 7);
	assert_int_equal(v8_deopt_sites(&l, &d, 1, sites), 1);
	assert_site(&sites[0], V8_OWN_FUNCTION, -1);
	assert_int_equal(v8_deopt_sites(&l, &d, 2, sites), 0);
	assert_int_equal(v8_deopt_entry(&d, 20), 1);
	assert_int_equal(v8_deopt_entry(&d, 21), -1);
	l.deopt_opcode_count = 0;
	assert_int_equal(v8_deopt_sites(&l, &d, 0, sites), 0);
}

/* What is as in the translation before is not written again, in either of the two ways. */
static void test_translation_compressed(void **state)
{
	struct v8_deopt_entry entries[2] = {{0, -1}, {0, -1}};
	struct v8_site sites[V8_INLINED_MAX];
	struct v8_deopt d;
	struct v8_layout l;

	(void)state;
	fake_layout_22(&l);
	for (int way = 0; way < 2; way++) {
		struct fake_table t = {.len = 0};
		size_t first = put_begin(&t, 0, 3), second;

		put_frame(&t, 100, 0);
		put_value(&t, 1);
		put_value(&t, 2);
		put_frame(&t, 50, 1);
		put_value(&t, 3);
		put_frame(&t, 20, 2);
		put_value(&t, 4);
		second = put_begin(&t, t.len - first, 3);
		put_frame(&t, 105, 0); /* another offset, then two values and a frame as before */
		if (way) {
			t.bytes[t.len++] = OP_MATCH;
			fake_uvlq(&t, 4);
		} else {
			t.bytes[t.len++] = OP_MATCH + 1 + 4;
		}
		put_frame(&t, 25, 5);
		put_value(&t, 4);
		entries[1].translation = (int32_t)second;
		d = deopt_of(&t, entries, 2);
		assert_int_equal(v8_deopt_sites(&l, &d, 1, sites), 3);
		assert_site(&sites[0], V8_OWN_FUNCTION, 105);
		assert_site(&sites[1], 1, 50);
		assert_site(&sites[2], 5, 25);
	}
}

static void test_translation_garbage(void **state)
{
	uint64_t seed = 12345;
	struct v8_layout l;

	(void)state;
	fake_layout_22(&l);
	for (int round = 0; round < 20000; round++) {
		struct v8_deopt_entry entries[1] = {{0, 0}};
		struct v8_site sites[V8_INLINED_MAX];
		struct fake_table t = {.len = 64};
		struct v8_deopt d;

		for (size_t i = 0; i < t.len; i++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			t.bytes[i] = (uint8_t)(seed >> 33) % (round % 2 ? 12 : 255);
		}
		t.bytes[0] = OP_BEGIN;
		t.len = 1 + (size_t)(seed >> 40) % 64;
		entries[0].translation = (int32_t)((seed >> 50) % 80) - 4;
		d = deopt_of(&t, entries, 1);
		assert_in_range(v8_deopt_sites(&l, &d, 0, sites), 0, V8_INLINED_MAX);
	}
}

/* ---- inlining by position ---- */

static void put_inlining(uint8_t *table, int index, uint64_t from, int32_t function)
{
	memcpy(table + 16 * index, &from, sizeof(from));
	memcpy(table + 16 * index + 8, &function, sizeof(function));
}

static void test_positions(void **state)
{
	uint8_t table[48] = {0};
	struct v8_deopt d = {
		.inlinings = table, .inlinings_len = sizeof(table), .inlined_count = 2};
	struct v8_site sites[V8_INLINED_MAX];

	(void)state;
	put_inlining(table, 0, fake_raw_position(10, -1), 0);
	put_inlining(table, 1, fake_raw_position(20, 0), 1);
	put_inlining(table, 2, fake_raw_position(30, 2), 1); /* calls itself */
	assert_int_equal(v8_deopt_position_sites(&d, fake_raw_position(5, -1), sites), 1);
	assert_int_equal(sites[0].literal, V8_OWN_FUNCTION);
	assert_int_equal(sites[0].position, 5);
	assert_int_equal(v8_deopt_position_sites(&d, fake_raw_position(7, 1), sites), 3);
	assert_int_equal(sites[0].literal, V8_OWN_FUNCTION);
	assert_int_equal(sites[0].position, 10);
	assert_int_equal(sites[1].literal, 0);
	assert_int_equal(sites[1].position, 20);
	assert_int_equal(sites[2].literal, 1);
	assert_int_equal(sites[2].position, 7);
	assert_int_equal(v8_deopt_position_sites(&d, fake_raw_position(7, 2), sites),
			 V8_INLINED_MAX);
	assert_int_equal(v8_deopt_position_sites(&d, fake_raw_position(7, 3), sites), 1);
	assert_int_equal(v8_deopt_position_sites(&d, fake_raw_position(7, 60000), sites), 1);
}

/* ---- what is around an address ---- */

static void put_word(struct fixture *fx, uint32_t at, uint32_t word)
{
	memcpy(fx->insns + at, &word, sizeof(word));
}

static void put_jcc(struct fixture *fx, uint32_t at, uint32_t target)
{
	uint32_t by = target - at;

	if (fx->fake.layout.machine == EM_AARCH64) { /* b.hs */
		put_word(fx, at, 0x54000002 | (by / 4 & 0x7ffff) << 5);
		return;
	}
	fx->insns[at] = 0x0f;
	fx->insns[at + 1] = 0x83;
	put_word(fx, at + 2, by - 6);
}

static void put_jmp(struct fixture *fx, uint32_t at, uint32_t target)
{
	uint32_t by = target - at;

	if (fx->fake.layout.machine == EM_AARCH64) {
		put_word(fx, at, 0x14000000 | (by / 4 & 0x3ffffff));
		return;
	}
	fx->insns[at] = 0xe9;
	put_word(fx, at + 1, by - 5);
}

static void put_short_jmp(struct fixture *fx, uint32_t at, uint32_t target)
{
	if (fx->fake.layout.machine == EM_AARCH64) {
		put_jmp(fx, at, target);
		return;
	}
	fx->insns[at] = 0xeb;
	fx->insns[at + 1] = (uint8_t)(target - at - 2);
}

static void test_out_of_line(void **state)
{
	struct fixture *fx = *state;
	struct v8_jumps j = {.is_loaded = false};
	uint64_t at = fake_alloc(&fx->fake, sizeof(fx->insns));

	put_jcc(fx, 100, 1000); /* to a slow path, which comes back */
	put_jmp(fx, 1040, 120);
	put_jcc(fx, 300, 400);	       /* around an if */
	put_jcc(fx, 352, 1100);	       /* to an exit */
	put_jcc(fx, 1012, 1200);       /* from the slow path to one of its own */
	put_short_jmp(fx, 1232, 1120); /* ... which comes back by a short jump ... */
	put_jmp(fx, 1240, 1020);
	fake_put(&fx->fake, at, fx->insns, sizeof(fx->insns));
	v8_jumps_load(&fx->fake.mem, fx->fake.layout.machine, at, sizeof(fx->insns), &j);
	assert_int_equal(j.count, 4);
	assert_int_equal(v8_jumps_main(&j, 1030), 100);
	assert_int_equal(v8_jumps_main(&j, 1220), 100);
	assert_int_equal(v8_jumps_main(&j, 50), 50);
	assert_int_equal(v8_jumps_main(&j, 410), 410);
	assert_int_equal(v8_jumps_main(&j, 1110), 1110);
	assert_int_equal(v8_jumps_main(&j, 1999), 1999);
	assert_int_equal(v8_jumps_main(&j, UINT32_MAX), UINT32_MAX);
	v8_jumps_release(&j);
	/* None if the code cannot be read */
	fx->fake.gone = at & ~(uint64_t)(FAKE_PAGE - 1);
	v8_jumps_load(&fx->fake.mem, fx->fake.layout.machine, at, sizeof(fx->insns), &j);
	assert_int_equal(j.count, 0);
	assert_int_equal(v8_jumps_main(&j, 1030), 1030);
	v8_jumps_release(&j);
}

/* Maglev code: safepoints behind the instructions, exits, and an allocation out of line. */
static void test_maglev_allocation(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	struct fake_table t = {.len = 0};
	struct v8_site sites[V8_INLINED_MAX];
	uint64_t words[8 + 3 + 3 * 3], literals[1];
	uint8_t head[16 + 2 * 6] = {0};
	struct fake_code c;
	struct v8_code *code;
	bool is_approximate;
	uint32_t size = 1300, sizes = 1u | 2u << 4 | 1u << 7;

	/* Entries: exits from 200 and 500, both in the inlined function, and a call at 80 */
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		words[i] = SMI(0);
#define ENTRY(i, at, exit)                                                                         \
	do {                                                                                       \
		words[11 + 3 * (i) + 1] = SMI(at);                                                 \
		words[11 + 3 * (i) + 2] = SMI(exit);                                               \
	} while (0)
	ENTRY(0, (int32_t)put_begin(&t, 0, 2), 1200);
	put_frame(&t, 10, 1);
	put_frame(&t, 4, 0);
	ENTRY(1, (int32_t)put_begin(&t, 0, 2), 1204);
	put_frame(&t, 10, 1);
	put_frame(&t, 9, 0);
	ENTRY(2, (int32_t)put_begin(&t, 0, 1), 1208);
	put_frame(&t, 3, 1);
	words[0] = fake_bytes(f, t.bytes, t.len);
	words[1] = SMI(1);
	literals[0] = fake_function(f, "inlined", f->undefined, 1, 0);
	words[2] = fake_array(f, literals, 1);
	put_jcc(fx, 200, 1200);
	put_jcc(fx, 500, 1204);
	put_jcc(fx, 300, 1000);
	put_jmp(fx, 1040, 312);
	put_jcc(fx, 100, 900); /* another, between the call and the inlined function */
	put_jmp(fx, 940, 112);
	/* Slots, entries, sizes (pc 2, index 1), tagged; then pc, index + 1, trampoline's pc, flags
	 */
	memcpy(head + 4, &(uint32_t){2}, 4);
	memcpy(head + 8, &sizes, 4);
	memcpy(head + 16, &(uint16_t){80}, 2);
	head[18] = 3; /* entry 2 */
	memcpy(head + 22, &(uint16_t){1030}, 2);
	head[24] = 0; /* the allocation has none */
	c = fake_code(f, 11, fx->insns, size, f->undefined, fake_array(f, words, 20));
	fake_put(f, c.start + size, head, sizeof(head));
	code = v8_code_find(&fx->codes, c.start + 1030, SEARCH);
	assert_non_null(code);
	v8_code_positions(&fx->codes, code);
	assert_int_equal(code->deopt.entry_count, 3);
	assert_int_equal(code->deopt.safepoint_count, 2);
	assert_int_equal(v8_deopt_entry(&code->deopt, 80), 2);
	assert_int_equal(v8_deopt_entry(&code->deopt, 1030), -1);

	/* The call itself */
	assert_int_equal(v8_sites_find(&fx->heap, code, 80, true, sites, &is_approximate), 1);
	assert_site(&sites[0], V8_OWN_FUNCTION, 3);
	assert_false(is_approximate);
	/* The allocation at 300, between two exits of the same inlined function */
	assert_int_equal(v8_sites_find(&fx->heap, code, 1030, true, sites, &is_approximate), 2);
	assert_site(&sites[0], V8_OWN_FUNCTION, 10);
	assert_site(&sites[1], 0, 4);
	assert_false(is_approximate);
	assert_int_equal(v8_deopt_function(&fx->heap, &code->deopt, 0), literals[0]);
	assert_int_equal(v8_deopt_function(&fx->heap, &code->deopt, 1), 0);
	/* The one at 100: after the call, before the inlined function; only what is common */
	assert_int_equal(v8_sites_find(&fx->heap, code, 930, true, sites, &is_approximate), 1);
	assert_int_equal(sites[0].literal, V8_OWN_FUNCTION);
	assert_true(is_approximate);
	/* A leaf in the main line */
	assert_int_equal(v8_sites_find(&fx->heap, code, 400, false, sites, &is_approximate), 2);
	assert_site(&sites[1], 0, 4);
}

/* TurboFan code: calls by their positions; one out of line that has none, by where it belongs. */
static void test_turbofan_positions(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	struct fake_table t = {.len = 0};
	struct v8_site sites[V8_INLINED_MAX];
	struct fake_code c;
	struct v8_code *code;
	uint64_t words[12];
	uint8_t inlinings[16];
	bool is_approximate;

	for (int i = 0; i < 12; i++)
		words[i] = SMI(0);
	put_inlining(inlinings, 0, fake_raw_position(70, -1), 0);
	words[1] = SMI(1);
	words[2] = fake_array(f, (uint64_t[]){fake_function(f, "g", f->undefined, 1, 0)}, 1);
	words[7] = fake_bytes(f, inlinings, sizeof(inlinings));
	fake_table_add(&f->layout, &t, 60, fake_raw_position(40, -1), true);
	fake_table_add(&f->layout, &t, 250, fake_raw_position(5, 0), true);
	fake_table_add(&f->layout, &t, 350, fake_raw_position(9, 0), true);
	fake_table_add(&f->layout, &t, 900, fake_raw_position(99, -1), true);
	put_jcc(fx, 300, 1000); /* in the inlined one */
	put_jmp(fx, 1040, 312);
	put_jcc(fx, 400, 880); /* its call has a position of its own */
	put_jmp(fx, 940, 412);
	c = fake_code(f, 12, fx->insns, 1300, fake_bytes(f, t.bytes, t.len),
		      fake_array(f, words, 12));
	code = v8_code_find(&fx->codes, c.start + 1030, SEARCH);
	assert_non_null(code);
	v8_code_positions(&fx->codes, code);
	assert_int_equal(v8_sites_find(&fx->heap, code, 70, true, sites, &is_approximate), 1);
	assert_int_equal(sites[0].position, 40);
	assert_int_equal(v8_sites_find(&fx->heap, code, 260, true, sites, &is_approximate), 2);
	assert_int_equal(sites[0].position, 70);
	assert_int_equal(sites[1].position, 5);
	assert_int_equal(v8_sites_find(&fx->heap, code, 1030, true, sites, &is_approximate), 2);
	assert_int_equal(sites[1].literal, 0);
	assert_int_equal(sites[1].position, 5);
	assert_false(is_approximate);
	assert_int_equal(v8_sites_find(&fx->heap, code, 920, true, sites, &is_approximate), 1);
	assert_int_equal(sites[0].position, 99);
	assert_int_equal(v8_sites_find(&fx->heap, code, 20, true, sites, &is_approximate), 0);
}

/* Deoptimisation data that is none, or lies about its length. */
static void test_hostile_deopt(void **state)
{
	static const int32_t lengths[] = {0, 7, 8, 12, 13, 1 << 20, INT32_MAX, -1};
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	uint64_t words[16];
	struct v8_deopt d;

	for (int i = 0; i < 16; i++)
		words[i] = f->undefined;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint64_t data = fake_array(f, words, 16);

		fake_set(f, data, 8, SMI(lengths[i]));
		d = (struct v8_deopt){.is_loaded = false};
		v8_deopt_load(&fx->heap, data, &d);
		assert_true(d.is_loaded);
		assert_int_equal(v8_deopt_shared(&fx->heap, &d), 0);
		assert_int_equal(v8_deopt_entry(&d, 5), -1);
		v8_deopt_release(&d);
	}
	for (uint32_t bits = 0; bits < 1024; bits++) { /* all sizes of fields */
		uint32_t head[4] = {1, 1000, bits, 0};
		uint64_t at = fake_alloc(f, 64);

		f->used -= 64;
		fake_put(f, at, head, sizeof(head));
		d = (struct v8_deopt){.is_loaded = false};
		v8_deopt_load_safepoints(&fx->heap, at, &d);
		v8_deopt_entry(&d, 0);
		v8_deopt_release(&d);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_ARM64(name)                                                                           \
	{                                                                                          \
#name ", arm64", name, setup_arm64, teardown, NULL                                 \
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		TEST(test_find_bounds),
		TEST(test_search_ends),
		TEST(test_replaced),
		TEST(test_hostile_code),
		TEST(test_bounded),
		cmocka_unit_test(test_tiers),
		cmocka_unit_test(test_translation),
		cmocka_unit_test(test_translation_compressed),
		cmocka_unit_test(test_translation_garbage),
		cmocka_unit_test(test_positions),
		TEST(test_out_of_line),
		TEST(test_maglev_allocation),
		TEST(test_turbofan_positions),
		TEST_ARM64(test_out_of_line),
		TEST_ARM64(test_maglev_allocation),
		TEST_ARM64(test_turbofan_positions),
		TEST(test_hostile_deopt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

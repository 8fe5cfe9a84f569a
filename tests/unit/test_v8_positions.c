/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * v8_positions: tables against the entries that they were made of, in both encodings; one that V8
 * itself made; and garbage.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "v8/v8_positions.h"
#include "v8_fake.h"

#define ENTRIES 40

struct entry {
	int64_t code;
	uint64_t position;
};

static uint64_t seed = 88172645463325252ull;

static uint32_t random32(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)((seed * 0x2545F4914F6CDD1DULL) >> 32);
}

static void test_fields(void **state)
{
	(void)state;
	assert_int_equal(v8_position_offset(0), -1);
	assert_int_equal(v8_position_inlining(0), -1);
	assert_int_equal(v8_position_offset(fake_raw_position(0, -1)), 0);
	assert_int_equal(v8_position_offset(fake_raw_position(123456, 7)), 123456);
	assert_int_equal(v8_position_inlining(fake_raw_position(123456, 7)), 7);
	assert_int_equal(v8_position_inlining(fake_raw_position(123456, -1)), -1);
	assert_int_equal(v8_position_offset(fake_raw_position(5, -1) | 1), -1); /* of V8's own */
}

/* Any entries, asked at any offset: the last at or before it, and the next. */
static void check_against_entries(const struct v8_layout *l)
{
	struct entry entries[ENTRIES];
	struct fake_table t = {.len = 0};
	int64_t code = -1;

	for (int i = 0; i < ENTRIES; i++) {
		code += i ? 1 + random32() % 90 : random32() % 2;
		entries[i].code = code;
		entries[i].position = fake_raw_position((int32_t)(random32() % 100000),
							(int)(random32() % 12) - 1);
		fake_table_add(l, &t, code, entries[i].position, random32() % 2);
	}
	for (int64_t at = -1; at < code + 3; at++) {
		struct v8_position_entry before, after;
		int i = -1;

		while (i + 1 < ENTRIES && entries[i + 1].code <= at)
			i++;
		v8_positions_find(l, t.bytes, t.len, at, &before, &after);
		assert_int_equal(before.position, i < 0 ? 0 : entries[i].position);
		assert_int_equal(after.position, i + 1 < ENTRIES ? entries[i + 1].position : 0);
		if (i >= 0)
			assert_int_equal(before.code_offset, entries[i].code);
		if (i + 1 < ENTRIES)
			assert_int_equal(after.code_offset, entries[i + 1].code);
	}
}

static void test_against_entries(void **state)
{
	struct v8_layout l;

	(void)state;
	for (int round = 0; round < 50; round++) {
		fake_layout_22(&l);
		check_against_entries(&l);
		fake_layout_26(&l);
		check_against_entries(&l);
	}
}

/* V8 7.8 (Node 12) counts from 0: the same bytes are one further. */
static void test_begins_at_0(void **state)
{
	struct v8_position_entry before, after;
	struct fake_table t = {.len = 0};
	struct v8_layout l;

	(void)state;
	fake_layout_22(&l);
	fake_table_add(&l, &t, 0x31, fake_raw_position(97, -1), true);
	fake_table_add(&l, &t, 0x91, fake_raw_position(124, -1), true);
	l.positions_begin_at_0 = true;
	v8_positions_find(&l, t.bytes, t.len, 0x91, &before, &after);
	assert_int_equal(before.code_offset, 0x32);
	assert_int_equal(v8_position_offset(before.position), 97);
	assert_int_equal(after.code_offset, 0x92);
	v8_positions_find(&l, t.bytes, t.len, 0x92, &before, NULL);
	assert_int_equal(v8_position_offset(before.position), 124);
}

/*
 * The same function by V8 13.6 and 14.1: its table, and what --print-bytecode says of it.
 */
static void test_of_v8(void **state)
{
	static const uint8_t v13[] = {0x01, 0xb0, 0x06, 0x02, 0x3c, 0x06, 0x10, 0x07, 0x14, 0x16,
				      0x1c, 0x0b, 0x24, 0x09, 0x0f, 0x16, 0x2c, 0x0b, 0x24, 0x09,
				      0x0f, 0x16, 0x2c, 0x0b, 0x24, 0x09, 0x0f, 0x16, 0x50};
	static const uint8_t v14[] = {0x02, 0xb0, 0x06, 0x07, 0x3c, 0x0f, 0x10, 0x0e, 0x14, 0x2f,
				      0x1c, 0x16, 0x24, 0x12, 0x0f, 0x2f, 0x2c, 0x16, 0x24, 0x12,
				      0x0f, 0x2f, 0x2c, 0x16, 0x24, 0x12, 0x0f, 0x2f, 0x50};
	static const struct {
		int32_t bytecode, position;
	} said[] = {{0, 218},  {3, 222},  {6, 227},  {17, 234}, {22, 243}, {26, 239}, {37, 250},
		    {42, 259}, {46, 255}, {57, 266}, {62, 275}, {66, 271}, {77, 291}};
	struct v8_position_entry before;
	struct v8_layout l;

	(void)state;
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		fake_layout_22(&l);
		v8_positions_find(&l, v13, sizeof(v13), said[i].bytecode, &before, NULL);
		assert_int_equal(v8_position_offset(before.position), said[i].position);
		fake_layout_26(&l);
		v8_positions_find(&l, v14, sizeof(v14), said[i].bytecode, &before, NULL);
		assert_int_equal(v8_position_offset(before.position), said[i].position);
	}
}

/* ---- baseline ---- */

enum { B_WIDE, B_EXTRA_WIDE, B_SHORT = 5, B_LONG };

static void baseline_layout(struct v8_layout *l)
{
	fake_layout_22(l);
	l->bytecode_count = 8;
	l->bytecode_sizes[0][B_SHORT] = 1;
	l->bytecode_sizes[0][B_LONG] = 3;
	l->bytecode_sizes[1][B_LONG] = 5;
	l->bytecode_sizes[2][B_LONG] = 9;
}

static void test_baseline(void **state)
{
	/* offsets 0, 1, 4, 10, 20 */
	static const uint8_t code[] = {B_SHORT,	     B_LONG, 0, 0, B_WIDE, B_LONG, 0, 0, 0, 0,
				       B_EXTRA_WIDE, B_LONG, 0, 0, 0,	   0,	   0, 0, 0, 0,
				       B_SHORT};
	struct fake_table t = {.len = 0};
	struct v8_layout l;

	(void)state;
	baseline_layout(&l);
	fake_uvlq(&t, 300); /* prologue */
	fake_uvlq(&t, 10);  /* ... and what each became */
	fake_uvlq(&t, 200);
	fake_uvlq(&t, 20);
	fake_uvlq(&t, 30);
	fake_uvlq(&t, 5);
#define AT(pc) v8_baseline_bytecode(&l, t.bytes, t.len, code, sizeof(code), pc)
	assert_int_equal(AT(0), 0);
	assert_int_equal(AT(300), 0);
	assert_int_equal(AT(301), 0);
	assert_int_equal(AT(310), 0);
	assert_int_equal(AT(311), 1);
	assert_int_equal(AT(510), 1);
	assert_int_equal(AT(511), 4);
	assert_int_equal(AT(531), 10);
	assert_int_equal(AT(560), 10);
	assert_int_equal(AT(561), 20);
	assert_int_equal(AT(565), 20);
	assert_int_equal(AT(566), -1);
#undef AT
	/* Bytecode that ends early, or of an unknown length */
	assert_int_equal(v8_baseline_bytecode(&l, t.bytes, t.len, code, 1, 400), -1);
	assert_int_equal(v8_baseline_bytecode(&l, t.bytes, t.len, code, 5, 531), -1);
	l.bytecode_sizes[0][B_LONG] = 0;
	assert_int_equal(v8_baseline_bytecode(&l, t.bytes, t.len, code, sizeof(code), 511), -1);
	l.bytecode_count = 0;
	assert_int_equal(v8_baseline_bytecode(&l, t.bytes, t.len, code, sizeof(code), 311), -1);
	assert_int_equal(v8_baseline_bytecode(&l, NULL, 0, code, sizeof(code), 311), -1);
}

/* ---- garbage ---- */

static void test_garbage(void **state)
{
	static const uint8_t endless[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct v8_layout layouts[2];
	struct v8_position_entry before, after;
	uint8_t bytes[64], code[64];
	uint64_t v;
	size_t at = 0;

	(void)state;
	baseline_layout(&layouts[0]);
	fake_layout_26(&layouts[1]);
	assert_false(v8_uvlq(endless, sizeof(endless), &at, &v));
	assert_true(at <= sizeof(endless));
	for (int round = 0; round < 20000; round++) {
		size_t len = random32() % (sizeof(bytes) + 1);

		for (size_t i = 0; i < sizeof(bytes); i++) {
			bytes[i] = (uint8_t)random32();
			code[i] = (uint8_t)(random32() % 10);
		}
		for (int i = 0; i < 2; i++) {
			v8_positions_find(&layouts[i], bytes, len, random32() % 1000, &before,
					  &after);
			v8_baseline_bytecode(&layouts[i], bytes, len, code, sizeof(code),
					     random32() % 1000);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),	    cmocka_unit_test(test_against_entries),
		cmocka_unit_test(test_begins_at_0), cmocka_unit_test(test_of_v8),
		cmocka_unit_test(test_baseline),    cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * v8_string: strings of all kinds, and memory that only looks like some.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "v8/v8_string.h"
#include "v8_fake.h"

struct fixture {
	struct fake_heap fake;
	struct v8_heap heap;
};

static int setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	fake_init(&fx->fake, fake_layout_22);
	v8_heap_init(&fx->heap, &fx->fake.layout, &fx->fake.mem);
	*state = fx;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;

	fake_release(&fx->fake);
	free(fx);
	return 0;
}

#define assert_reads(string, wanted)                                                               \
	do {                                                                                       \
		char got_[256];                                                                    \
		assert_int_equal(v8_string_read(&fx->heap, string, got_, sizeof(got_)),            \
				 strlen(wanted));                                                  \
		assert_string_equal(got_, wanted);                                                 \
	} while (0)

#define assert_fails(string, err)                                                                  \
	do {                                                                                       \
		char got_[256];                                                                    \
		assert_int_equal(v8_string_read(&fx->heap, string, got_, sizeof(got_)), err);      \
		assert_true(memchr(got_, 0, sizeof(got_)) != NULL);                                \
	} while (0)

/* ---- all kinds ---- */

static void test_flat(void **state)
{
	static const uint16_t wide[] = {'a', 0xe4, 0x4e2d, 0xd83d, 0xde00, 'z'};
	struct fixture *fx = *state;

	assert_reads(fake_string(&fx->fake, "saveContext"), "saveContext");
	assert_reads(fake_string(&fx->fake, ""), "");
	assert_reads(fake_string(&fx->fake, "caf\xe9"), "caf\xc3\xa9"); /* Latin-1 */
	assert_reads(fake_string16(&fx->fake, wide, 6), "a\xc3\xa4\xe4\xb8\xad\xf0\x9f\x98\x80z");
}

static void test_lone_surrogates(void **state)
{
	static const uint16_t high[] = {0xd83d, 'x'}, low[] = {0xde00}, last[] = {'x', 0xd83d},
			      swapped[] = {0xde00, 0xd83d};
	struct fixture *fx = *state;

	assert_reads(fake_string16(&fx->fake, high, 2), "\xef\xbf\xbdx");
	assert_reads(fake_string16(&fx->fake, low, 1), "\xef\xbf\xbd");
	assert_reads(fake_string16(&fx->fake, last, 2), "x\xef\xbf\xbd");
	assert_reads(fake_string16(&fx->fake, swapped, 2), "\xef\xbf\xbd\xef\xbf\xbd");
}

static void test_made_of_others(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	uint64_t a = fake_string(f, "handle"), b = fake_string(f, "Status");
	uint64_t cons = fake_made(f, T_CONS, 12, a, b);
	uint64_t nested = fake_made(f, T_CONS, 24, cons, cons);
	uint64_t flat = fake_string(f, "0123456789");
	uint64_t thin = fake_made(f, T_THIN, 10, flat, 0);

	assert_reads(cons, "handleStatus");
	assert_reads(nested, "handleStatushandleStatus");
	assert_reads(thin, "0123456789");
	assert_reads(fake_made(f, T_SLICED, 3, flat, SMI(4)), "456");
	assert_reads(fake_made(f, T_SLICED, 3, thin, SMI(7)), "789");
	assert_reads(fake_made(f, T_CONS, 5, fake_made(f, T_SLICED, 2, flat, SMI(0)),
			       fake_made(f, T_THIN, 6, b, 0)),
		     "01Status");
}

static void test_external(void **state)
{
	static const uint16_t wide[] = {'n', 0xf6};
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	uint64_t chars = fake_alloc(f, 16), wides = fake_alloc(f, 16);
	uint64_t resource = fake_alloc(f, 16), string;

	fake_put(f, chars, "internal", 8);
	fake_put(f, wides, wide, sizeof(wide));
	string = fake_made(f, T_EXTERNAL_ONE_BYTE, 8, resource, chars);
	assert_reads(string, "internal");
	assert_reads(fake_made(f, T_SLICED, 3, string, SMI(5)), "nal");
	assert_reads(fake_made(f, T_EXTERNAL_TWO_BYTE, 2, resource, wides), "n\xc3\xb6");
	assert_fails(fake_made(f, T_UNCACHED_ONE_BYTE, 8, resource, chars), -EINVAL);
	assert_fails(fake_made(f, T_EXTERNAL_ONE_BYTE, 8, resource, 0), -EINVAL);
	assert_fails(fake_made(f, T_EXTERNAL_ONE_BYTE, 8, resource, 0x1234), -EFAULT);
}

/* At any size, what is there is a whole number of characters of the string. */
static void test_cut_to_fit(void **state)
{
	static const uint16_t wide[] = {0x4e2d, 0xd83d, 0xde00, 0xe4};
	static const char whole[] = "\xe4\xb8\xad\xf0\x9f\x98\x80\xc3\xa4";
	struct fixture *fx = *state;
	uint64_t string = fake_string16(&fx->fake, wide, 4);

	for (size_t size = 1; size < 16; size++) {
		char got[16];
		int len = v8_string_read(&fx->heap, string, got, size);
		int wanted = size > 9 ? 9 : size > 7 ? 7 : size > 3 ? 3 : 0;

		assert_int_equal(len, wanted);
		assert_memory_equal(got, whole, (size_t)len);
		assert_int_equal(got[len], 0);
	}
	assert_int_equal(v8_string_read(&fx->heap, string, NULL, 0), -EINVAL);
}

static int count_units(void *arg, const void *units, size_t count, bool is_one_byte)
{
	uint64_t *sum = arg;

	for (size_t i = 0; i < (is_one_byte ? count : 2 * count); i++)
		sum[1] += ((const unsigned char *)units)[i];
	sum[0] += count;
	return 0;
}

/* Long strings come in pieces, each unit once. */
static void test_walk_long(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	size_t len = 100000;
	uint64_t string = fake_object(f, T_ONE_BYTE, 16 + len), sum[2] = {0}, wanted = 0;

	fake_string_head(f, string, (uint32_t)len);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)(i * 7);

		fake_put(f, string - 1 + 16 + i, &c, 1);
		wanted += c;
	}
	assert_int_equal(v8_string_walk(&fx->heap, string, len, count_units, sum), 0);
	assert_int_equal(sum[0], len);
	assert_int_equal(sum[1], wanted);
	memset(sum, 0, sizeof(sum));
	assert_int_equal(v8_string_walk(&fx->heap, string, 1000, count_units, sum), 0);
	assert_int_equal(sum[0], 1000);
}

/* ---- hostile ---- */

static void test_no_string(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	uint64_t object = fake_object(f, T_SCRIPT, 64), headless = fake_alloc(f, 32) + 1;
	uint64_t itself = fake_alloc(f, 32) + 1;

	fake_set(f, itself, 0, itself); /* its own Map */
	assert_fails(object, -EINVAL);
	assert_fails(headless, -EINVAL); /* its Map is 0 */
	assert_fails(itself, 0);	 /* type 0, length 0: an empty string as any */
	assert_fails(SMI(7), -EFAULT);
	assert_fails(0, -EFAULT);
	assert_fails(UINT64_MAX, -EFAULT);
	assert_fails(0x7fff00000001, -EFAULT);
	assert_fails(FAKE_BASE + FAKE_BYTES + 1, -EFAULT);
}

static void test_cycles_end(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	uint64_t cons = fake_made(f, T_CONS, 100, 0, 0), thin = fake_made(f, T_THIN, 1, 0, 0);
	uint64_t slice = fake_made(f, T_SLICED, 1, 0, SMI(0)), empty = fake_string(f, "");
	uint64_t before;

	fake_set(f, cons, 16, cons);
	fake_set(f, cons, 24, cons);
	fake_set(f, thin, 16, thin);
	fake_set(f, slice, 16, slice);
	before = fx->fake.mem.reads;
	assert_fails(cons, -ELOOP);
	assert_fails(thin, -ELOOP);
	assert_fails(slice, -EINVAL);
	fake_set(f, cons, 16, empty); /* grows to the right alone */
	assert_fails(cons, -ELOOP);
	assert_in_range(fx->fake.mem.reads - before, 1, 20000);
}

static void test_lengths(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	uint64_t string = fake_string(f, "abc"), flat = fake_string(f, "0123456789");
	char got[8];

	fake_string_head(f, string, 0x7fffffff); /* cut to what is asked for */
	assert_int_equal(v8_string_read(&fx->heap, string, got, sizeof(got)), 7);
	assert_memory_equal(got, "abc", 3);
	fake_string_head(f, string, 0x80000000);
	assert_fails(string, -EINVAL);
	assert_fails(fake_made(f, T_SLICED, 3, flat, SMI(8)), -EINVAL);
	assert_fails(fake_made(f, T_SLICED, 11, flat, SMI(0)), -EINVAL);
	assert_fails(fake_made(f, T_SLICED, 1, flat, SMI(-1)), -EINVAL);
	assert_fails(fake_made(f, T_SLICED, 1, flat, flat), -EINVAL);
}

/* A string that ends with its page, the next one not being there. */
static void test_page_end(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	uint64_t page = (FAKE_BASE + f->used + 2 * FAKE_PAGE) & ~(uint64_t)(FAKE_PAGE - 1);
	uint64_t string;

	f->gone = page;
	f->used = page - 24 - FAKE_BASE;
	string = fake_string(f, "end");
	assert_reads(string, "end");
	f->used = page - 16 - FAKE_BASE;
	string = fake_string(f, "");
	assert_reads(string, "");
	f->used = page - 24 - FAKE_BASE;
	string = fake_string(f, "longer than that");
	assert_fails(string, -EFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flat, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lone_surrogates, setup, teardown),
		cmocka_unit_test_setup_teardown(test_made_of_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_external, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_to_fit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_walk_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_string, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cycles_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lengths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_page_end, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

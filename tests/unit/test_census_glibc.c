// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What malloc has free, in images that are made by hand: rows of chunks, tcaches, arenas of
 * threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "census/glibc.h"

#define MAIN_START 0x5000000ull
#define HEAP_START 0x40000000ull /* a multiple of 64 MiB */
#define BYTES	   0x4000u
#define KEY	   0x1234567890abcdefull

struct fixture {
	unsigned char memory[BYTES];
	struct image_region region;
	struct image im;
	struct spans spans;
	uint64_t next; /* chunk */
};

static void put(struct fixture *f, uint64_t addr, uint64_t word)
{
	memcpy(f->memory + (addr - f->region.start), &word, sizeof(word));
}

static void begin(struct fixture *f, uint64_t start, bool is_heap)
{
	memset(f, 0, sizeof(*f));
	f->region = (struct image_region){.start = start,
					  .end = start + BYTES,
					  .bytes = f->memory,
					  .is_writable = true,
					  .is_heap = is_heap};
	f->im = (struct image){.regions = &f->region, .region_count = 1};
	f->next = start;
}

/* A chunk, where the one before ends; returns what malloc() would have */
static uint64_t chunk(struct fixture *f, uint64_t size, bool is_before_used)
{
	uint64_t at = f->next;

	put(f, at + 8, size | is_before_used);
	f->next += size;
	return at + 16;
}

static void top(struct fixture *f)
{
	chunk(f, f->region.end - f->next, true);
}

static bool is_unused(struct fixture *f, uint64_t addr)
{
	return spans_have(&f->spans, addr);
}

static void find(struct fixture *f)
{
	assert_int_equal(glibc_unused(&f->im, &f->spans), 0);
}

static void test_free_and_top(void **state)
{
	struct fixture f;
	uint64_t a, b, c;

	(void)state;
	begin(&f, MAIN_START, true);
	a = chunk(&f, 0x100, true);
	b = chunk(&f, 0x200, true);
	c = chunk(&f, 0x40, false); /* so that b is free */
	top(&f);
	find(&f);
	assert_false(is_unused(&f, a));
	assert_false(is_unused(&f, b - 16 - 1));
	assert_true(is_unused(&f, b));
	assert_true(is_unused(&f, b + 0x200 - 16));
	assert_false(is_unused(&f, c));
	assert_true(is_unused(&f, f.region.end - 8));
	spans_release(&f.spans);
}

/* Two chunks of a thread's list; only the first is in its table. */
static void with_tcache(struct fixture *f, uint64_t wrong, uint64_t *first, uint64_t *second,
			uint64_t *used)
{
	uint64_t table = chunk(f, 0x290, true);

	*first = chunk(f, 0x90, true);
	*second = chunk(f, 0x90, true);
	*used = chunk(f, 0x90, true);
	put(f, *first + 8, KEY);
	put(f, *second + 8, KEY);
	put(f, table + 0x80 + 8 * (0x90 - 0x20) / 16 + wrong, *first);
}

static void test_tcache(void **state)
{
	struct fixture f;
	uint64_t first, second, used;

	(void)state;
	begin(&f, MAIN_START, true);
	with_tcache(&f, 0, &first, &second, &used);
	top(&f);
	find(&f);
	assert_true(is_unused(&f, first));
	assert_true(is_unused(&f, second + 0x78));
	assert_false(is_unused(&f, used));
	spans_release(&f.spans);
}

static void test_no_tcache(void **state)
{
	struct fixture f;
	uint64_t first, second, used;

	(void)state;
	begin(&f, MAIN_START, true);
	with_tcache(&f, 8, &first, &second, &used); /* of another size's list */
	top(&f);
	find(&f);
	assert_false(is_unused(&f, first));
	assert_false(is_unused(&f, second));
	spans_release(&f.spans);
}

static void thread_heap(struct fixture *f, uint64_t first)
{
	begin(f, HEAP_START, false);
	put(f, HEAP_START, HEAP_START + 0x30); /* its malloc_state */
	put(f, HEAP_START + 16, BYTES);
	f->next = HEAP_START + first;
}

static void test_thread_arena(void **state)
{
	struct fixture f;
	uint64_t a, b;

	(void)state;
	thread_heap(&f, 0x30 + 0x8a0);
	a = chunk(&f, 0x100, true);
	b = chunk(&f, 0x100, true);
	chunk(&f, 0x40, false);
	top(&f);
	find(&f);
	assert_false(is_unused(&f, a));
	assert_true(is_unused(&f, b));
	assert_true(is_unused(&f, f.region.end - 8));
	spans_release(&f.spans);
}

static void test_second_heap(void **state)
{
	struct fixture f;
	uint64_t a, b;

	(void)state;
	thread_heap(&f, 0x30);
	put(&f, HEAP_START, 2 * HEAP_START + 0x30);
	put(&f, HEAP_START + 8, 2 * HEAP_START);
	a = chunk(&f, 0x100, true);
	b = chunk(&f, f.region.end - 0x20 - f.next, true);
	chunk(&f, 0x10, false); /* the fence */
	put(&f, f.next + 8, 1);
	find(&f);
	assert_false(is_unused(&f, a));
	assert_true(is_unused(&f, b));
	spans_release(&f.spans);
}

/* A row that does not fit: nothing of it counts as free. */
static void test_torn(void **state)
{
	struct fixture f;
	uint64_t b;

	(void)state;
	begin(&f, MAIN_START, true);
	chunk(&f, 0x100, true);
	b = chunk(&f, 0x200, true);
	chunk(&f, 0x40, false);
	chunk(&f, 2ull * BYTES, true);
	find(&f);
	assert_false(is_unused(&f, b));
	assert_int_equal(f.spans.count, 0);
	spans_release(&f.spans);
}

static void test_small(void **state)
{
	struct fixture f;
	uint64_t a, b, c, d;

	(void)state;
	begin(&f, MAIN_START, true);
	a = chunk(&f, 0x100, true);
	b = chunk(&f, 0x7f0, true);
	c = chunk(&f, 0x800, true);
	d = chunk(&f, 0x20, true);
	top(&f);
	assert_int_equal(glibc_small(&f.im, 0x800, &f.spans), 0);
	assert_int_equal(f.spans.count, 2);
	assert_true(is_unused(&f, a));
	assert_true(is_unused(&f, b + 0x7f0 - 24));
	assert_false(is_unused(&f, c));
	assert_true(is_unused(&f, d));
	assert_false(is_unused(&f, f.region.end - 8));
	spans_release(&f.spans);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_and_top), cmocka_unit_test(test_tcache),
		cmocka_unit_test(test_no_tcache),    cmocka_unit_test(test_thread_arena),
		cmocka_unit_test(test_second_heap),  cmocka_unit_test(test_torn),
		cmocka_unit_test(test_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The hash map against a plain array as model, through growth, removal and iteration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hmap.h"

#define ITEMS 5000

struct item {
	int payload;
	struct hmap_node node;
	bool is_in;
	bool was_seen;
};

static void test_empty(void **state)
{
	struct hmap m, never = {0};
	struct hmap_node *node;

	(void)state;
	assert_int_equal(hmap_init(&m), 0);
	assert_null(hmap_find(&m, 0));
	hmap_for_each (&m, node)
		fail();
	hmap_release(&m);
	hmap_release(&m);
	assert_null(hmap_find(&m, 0));
	assert_null(hmap_find(&never, 1));
	assert_null(hmap_next(&never, NULL));
}

static void test_entry(void **state)
{
	struct item item = {.payload = 7};

	(void)state;
	assert_ptr_equal(hmap_entry(&item.node, struct item, node), &item);
}

static void test_edge_keys(void **state)
{
	static const uint64_t keys[] = {0, 1, UINT64_MAX, 1ULL << 63, 1ULL << 32, UINT32_MAX};
	struct hmap_node nodes[sizeof(keys) / sizeof(keys[0])];
	struct hmap m;

	(void)state;
	assert_int_equal(hmap_init(&m), 0);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		hmap_add(&m, &nodes[i], keys[i]);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_ptr_equal(hmap_find(&m, keys[i]), &nodes[i]);
	assert_null(hmap_find(&m, 2));
	hmap_release(&m);
}

static uint64_t key_of(int i, int stride_bits)
{
	return (uint64_t)(i + 1) << stride_bits;
}

static void check_against_model(const struct hmap *m, struct item *items, int stride_bits)
{
	struct hmap_node *node;
	size_t in = 0, seen = 0;

	for (int i = 0; i < ITEMS; i++) {
		struct hmap_node *expected = items[i].is_in ? &items[i].node : NULL;

		assert_ptr_equal(hmap_find(m, key_of(i, stride_bits)), expected);
		in += items[i].is_in;
		items[i].was_seen = false;
	}
	assert_int_equal(m->count, in);
	hmap_for_each (m, node) {
		struct item *item = hmap_entry(node, struct item, node);

		assert_true(item->is_in);
		assert_false(item->was_seen);
		item->was_seen = true;
		seen++;
	}
	assert_int_equal(seen, in);
}

/* Keys that differ in high bits only (addresses, huge pages) must work as well. */
static void test_random_changes(void **state)
{
	struct item *items = calloc(ITEMS, sizeof(*items));

	(void)state;
	assert_non_null(items);
	srandom(1);
	for (int bits = 0; bits <= 48; bits += 12) {
		struct hmap m;

		assert_int_equal(hmap_init(&m), 0);
		for (int i = 0; i < ITEMS; i++)
			items[i].is_in = false;
		for (int step = 0; step < 30000; step++) {
			int i = (int)(random() % ITEMS);

			if (items[i].is_in)
				hmap_remove(&m, &items[i].node);
			else
				hmap_add(&m, &items[i].node, key_of(i, bits));
			items[i].is_in = !items[i].is_in;
			if (step % 10000 == 0)
				check_against_model(&m, items, bits);
		}
		check_against_model(&m, items, bits);
		hmap_release(&m);
	}
	free(items);
}

static void test_grows_and_spreads(void **state)
{
	struct item *items = calloc(ITEMS, sizeof(*items));
	size_t longest = 0;
	struct hmap m;

	(void)state;
	assert_non_null(items);
	assert_int_equal(hmap_init(&m), 0);
	for (int i = 0; i < ITEMS; i++)
		hmap_add(&m, &items[i].node, (uint64_t)i << 32);
	assert_true(m.size >= ITEMS);
	assert_int_equal(m.size & (m.size - 1), 0);
	for (size_t i = 0; i < m.size; i++) {
		size_t len = 0;

		for (struct hmap_node *n = m.buckets[i]; n; n = n->next)
			len++;
		longest = len > longest ? len : longest;
	}
	assert_true(longest < 12);
	hmap_release(&m);
	free(items);
}

static void test_remove_while_iterating(void **state)
{
	struct item *items = calloc(ITEMS, sizeof(*items));
	struct hmap_node *node, *next;
	struct hmap m;
	size_t removed = 0;

	(void)state;
	assert_non_null(items);
	assert_int_equal(hmap_init(&m), 0);
	for (int i = 0; i < ITEMS; i++)
		hmap_add(&m, &items[i].node, (uint64_t)i);
	for (node = hmap_next(&m, NULL); node; node = next) {
		next = hmap_next(&m, node);
		if (node->key % 3) {
			hmap_remove(&m, node);
			removed++;
		}
	}
	assert_int_equal(m.count, ITEMS - removed);
	hmap_for_each (&m, node)
		assert_int_equal(node->key % 3, 0);
	hmap_release(&m);
	free(items);
}

static void test_remove_absent(void **state)
{
	struct hmap_node in, out = {.key = 9};
	struct hmap m;

	(void)state;
	assert_int_equal(hmap_init(&m), 0);
	hmap_add(&m, &in, 9);
	hmap_remove(&m, &out); /* the same key, but not that node */
	assert_int_equal(m.count, 1);
	assert_ptr_equal(hmap_find(&m, 9), &in);
	hmap_release(&m);
	hmap_remove(&m, &in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_edge_keys),
		cmocka_unit_test(test_random_changes),
		cmocka_unit_test(test_grows_and_spreads),
		cmocka_unit_test(test_remove_while_iterating),
		cmocka_unit_test(test_remove_absent),
	};

	return cmocka_run_group_tests_name("base/hmap", tests, NULL, NULL);
}

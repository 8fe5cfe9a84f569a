/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hash map: chains in a power of two of buckets, doubled when there are
 * more nodes than buckets. A doubling that fails only makes chains longer and
 * is tried again at the next addition.
 *
 * LIMITATIONS: the hash has no secret. Keys come from the kernel (PIDs, start
 * times, addresses); do not use it for keys that an attacker chooses freely.
 * Adding while iterating may reorder and so skip or repeat nodes.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/hmap.h"

#define HMAP_MIN_SIZE 16

/* The finaliser of MurmurHash3: PIDs and addresses differ in few bits, each must reach all. */
static size_t bucket_of(uint64_t key, size_t size)
{
	key ^= key >> 33;
	key *= 0xff51afd7ed558ccdULL;
	key ^= key >> 33;
	key *= 0xc4ceb9fe1a85ec53ULL;
	key ^= key >> 33;
	return (size_t)key & (size - 1);
}

int hmap_init(struct hmap *m)
{
	*m = (struct hmap){.buckets = calloc(HMAP_MIN_SIZE, sizeof(m->buckets[0]))};
	if (!m->buckets)
		return -ENOMEM;
	m->size = HMAP_MIN_SIZE;
	return 0;
}

void hmap_release(struct hmap *m)
{
	free(m->buckets);
	*m = (struct hmap){0};
}

static void push(struct hmap_node **buckets, size_t size, struct hmap_node *node)
{
	struct hmap_node **head = &buckets[bucket_of(node->key, size)];

	node->next = *head;
	*head = node;
}

static void grow(struct hmap *m)
{
	size_t size = m->size * 2;
	struct hmap_node **buckets = calloc(size, sizeof(buckets[0]));

	if (!buckets)
		return;
	for (size_t i = 0; i < m->size; i++) {
		struct hmap_node *node, *next;

		for (node = m->buckets[i]; node; node = next) {
			next = node->next;
			push(buckets, size, node);
		}
	}
	free(m->buckets);
	m->buckets = buckets;
	m->size = size;
}

struct hmap_node *hmap_find(const struct hmap *m, uint64_t key)
{
	struct hmap_node *node;

	if (!m->size)
		return NULL;
	for (node = m->buckets[bucket_of(key, m->size)]; node; node = node->next)
		if (node->key == key)
			return node;
	return NULL;
}

void hmap_add(struct hmap *m, struct hmap_node *node, uint64_t key)
{
	if (m->count >= m->size)
		grow(m);
	node->key = key;
	push(m->buckets, m->size, node);
	m->count++;
}

void hmap_remove(struct hmap *m, struct hmap_node *node)
{
	struct hmap_node **at;

	if (!m->size)
		return;
	for (at = &m->buckets[bucket_of(node->key, m->size)]; *at; at = &(*at)->next) {
		if (*at != node)
			continue;
		*at = node->next;
		node->next = NULL;
		m->count--;
		return;
	}
}

struct hmap_node *hmap_next(const struct hmap *m, const struct hmap_node *node)
{
	size_t i = 0;

	if (node) {
		if (node->next)
			return node->next;
		i = bucket_of(node->key, m->size) + 1;
	}
	for (; i < m->size; i++)
		if (m->buckets[i])
			return m->buckets[i];
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An intrusive hash map by a 64-bit key: chained, grows by doubling, never
 * shrinks. The caller embeds a struct hmap_node and owns the memory.
 */
#ifndef MEMWATCH_BASE_HMAP_H
#define MEMWATCH_BASE_HMAP_H

#include <stddef.h>
#include <stdint.h>

struct hmap_node {
	struct hmap_node *next;
	uint64_t key;
};

struct hmap {
	struct hmap_node **buckets;
	size_t size; /* buckets, a power of two */
	size_t count;
};

/** hmap_init - Returns 0 or -ENOMEM */
int hmap_init(struct hmap *m);
/** hmap_release - frees the buckets, not the nodes */
void hmap_release(struct hmap *m);
/** hmap_find - the node with @key, or NULL */
struct hmap_node *hmap_find(const struct hmap *m, uint64_t key);
/** hmap_add - adds @node under @key, which must not be there yet; growth that fails is harmless */
void hmap_add(struct hmap *m, struct hmap_node *node, uint64_t key);
/** hmap_remove - removes @node, which must be there */
void hmap_remove(struct hmap *m, struct hmap_node *node);
/** hmap_next - iteration: NULL for the first; NULL at the end. Removing a node that was
 *  returned is allowed only after the next one was fetched. */
struct hmap_node *hmap_next(const struct hmap *m, const struct hmap_node *node);

#define hmap_for_each(m, node)                                                                     \
	for ((node) = hmap_next(m, NULL); (node); (node) = hmap_next(m, node))

#define hmap_entry(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The life of a heap in an image, and the words in it. */
#include "census/heap.h"

#include <stdlib.h>
#include <string.h>

#include "census/heap_internal.h"

int heap_init(struct heap *h, const struct capture *capture)
{
	int err;

	h->capture = capture;
	image_memreader(&h->mem, &capture->image);
	v8_heap_init(&h->v8, h->layout->v8, &h->mem);
	err = v8_functions_init(&h->functions, &h->v8, h->names);
	if (!err)
		err = hmap_init(&h->maps);
	if (!err)
		err = heap_rules_init(h);
	if (!err)
		err = heap_pages_find(h);
	if (!err)
		err = heap_groups_init(h);
	if (err)
		heap_release(h);
	return err;
}

static void maps_release(struct heap *h)
{
	struct hmap_node *node = h->maps.buckets ? hmap_next(&h->maps, NULL) : NULL;

	while (node) {
		struct heap_map *map = hmap_entry(node, struct heap_map, node);

		node = hmap_next(&h->maps, node);
		free(map);
	}
	hmap_release(&h->maps);
}

void heap_release(struct heap *h)
{
	heap_groups_release(h);
	maps_release(h);
	v8_functions_release(&h->functions);
	for (unsigned i = 0; i < h->page_count; i++) {
		free(h->pages[i].marks);
		free(h->pages[i].ranks);
	}
	free(h->pages);
	free(h->chunks);
	free(h->sizes);
	h->pages = NULL;
	h->chunks = NULL;
	h->sizes = NULL;
	h->page_count = 0;
	memset(&h->maps, 0, sizeof(h->maps));
	memset(&h->functions, 0, sizeof(h->functions));
	memset(h->map_slots, 0, sizeof(h->map_slots));
}

uint64_t heap_word(const struct heap *h, uint64_t addr, uint32_t offset)
{
	const struct heap_page *p = heap_page_of(h, addr + offset);
	uint64_t word;

	if (!p)
		return 0;
	memcpy(&word, p->bytes + (addr + offset - p->base), sizeof(word));
	return word;
}

#define SEARCH_SLACK  (16u << 20)
#define SEARCH_FACTOR 4

bool heap_may_search(struct heap *h, uint64_t words)
{
	h->searched += words;
	return h->searched <= SEARCH_SLACK + SEARCH_FACTOR * h->page_words;
}

bool heap_is_live(const struct heap *h, uint64_t addr)
{
	const struct heap_page *p = addr & 7 ? NULL : heap_page_of(h, addr);

	return p && page_is_marked(p, addr);
}

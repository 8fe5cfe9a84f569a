// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Offsets in V8's Heap, from the machine code of Heap::MaxReserved(), which adds up
 * max_old_generation_size and a few semi-spaces, and of AllocatedExternalMemorySinceMarkCompact(),
 * on the official binaries of Node 12 to 26. The self-test is the former's code: where it does
 * not read at the table's offset, nothing is known.
 *
 * LIMITATIONS: before V8 9 what is external is counted in the Isolate, and not found.
 */
#include "v8/v8_heap_sizes.h"

#include <string.h>

#include "v8/v8_insn.h"
#include "v8/v8_layout.h"

#define READER_BYTES 64
#define LIMIT_LEAST  (1ull << 20) /* of what can be a limit */
#define LIMIT_MOST   (1ull << 40)
#define LIMIT_ALIGN  4096 /* Heap::ConfigureHeap() rounds it down to V8's pages, 256K */

#define V8_9_0	     V8_VERSION(9, 0, 0)
#define V8_10_0	     V8_VERSION(10, 0, 0)
#define V8_12_0	     V8_VERSION(12, 0, 0)
#define V8_13_0	     V8_VERSION(13, 0, 0)
#define V8_14_0	     V8_VERSION(14, 0, 0)

const struct v8_heap_sizes_row v8_heap_sizes_table[] = {
	{0, V8_9_0, {V8_NOT_THERE, 0x68, V8_NOT_THERE, true}},
	{V8_9_0, V8_10_0, {V8_NOT_THERE, 0x78, 0x38, true}},
	{V8_10_0, V8_12_0, {V8_NOT_THERE, 0xe0, 0x38, true}},
	{V8_12_0, V8_13_0, {V8_NOT_THERE, 0x48, 0, true}},
	{V8_13_0, V8_14_0, {V8_NOT_THERE, 0x50, 0, true}},
	{V8_14_0, 0, {0x7b8, 0x30, 0, true}},
};
const unsigned v8_heap_sizes_count = sizeof(v8_heap_sizes_table) / sizeof(v8_heap_sizes_table[0]);

bool v8_heap_sizes_is_reader(const char *symbol)
{
	return !strcmp(symbol, "_ZN2v88internal4Heap11MaxReservedEv") ||
	       !strcmp(symbol, "_ZNK2v88internal4Heap11MaxReservedEv");
}

void v8_heap_sizes_find(struct elf_file *f, uint64_t version, uint64_t reader, uint64_t size,
			struct v8_heap_sizes *out)
{
	unsigned char code[READER_BYTES];
	size_t len = size < sizeof(code) ? size : sizeof(code);
	uint16_t machine = elf_file_machine(f);

	memset(out, 0, sizeof(*out));
	if (!reader || elf_file_read(f, reader, code, len))
		return;
	for (unsigned i = 0; i < v8_heap_sizes_count; i++) {
		const struct v8_heap_sizes_row *row = &v8_heap_sizes_table[i];

		if (version < row->since || (row->until && version >= row->until))
			continue;
		if (v8_insn_reads_word(machine, code, len, row->sizes.limit) &&
		    (row->sizes.via == V8_NOT_THERE ||
		     v8_insn_reads_word(machine, code, len, row->sizes.via)))
			*out = row->sizes;
	}
}

static uint64_t word_at(struct memreader *mem, uint64_t addr)
{
	uint64_t v;

	return memreader_read(mem, addr, &v, sizeof(v)) ? 0 : v;
}

/* Else the Heap has gone meanwhile, a worker's: there is garbage now, often pointers. */
static bool is_limit(uint64_t bytes)
{
	return bytes >= LIMIT_LEAST && bytes <= LIMIT_MOST && !(bytes % LIMIT_ALIGN);
}

void v8_heap_sizes_read(const struct v8_heap_sizes *at, struct memreader *mem, uint64_t heap,
			uint64_t *limit, uint64_t *external)
{
	uint64_t object = heap;

	*limit = *external = 0;
	if (!at->is_known || !heap)
		return;
	if (at->via != V8_NOT_THERE)
		object = word_at(mem, heap + at->via);
	*limit = object ? word_at(mem, object + at->limit) : 0;
	if (!is_limit(*limit))
		*limit = 0;
	if (*limit && at->external != V8_NOT_THERE)
		*external = word_at(mem, heap + at->external);
	if (*external > LIMIT_MOST)
		*external = 0;
}

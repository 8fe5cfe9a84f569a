// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The hook table, and finding its functions in a file.
 *
 * Measured on the official binaries of Node 12 to 26 and on Debian's libnode.so.108: the symbols
 * by nm, the offsets of the allocation area by searching the space for the words that move with
 * it (Node 12-20), the rest by the self-test that every watched process goes through. The mark bits
 * and the area of V8 12 and newer are from the machine code that reads them.
 *
 * LIMITATIONS: a version between those measured takes the row of its range; whether that is right
 * the self-test says. A stripped binary of Node 24.11 or newer has none of V8's symbols.
 */
#include "v8/v8_hooks.h"

#include <elf.h>
#include <string.h>

#include "v8/v8_insn.h"

#define V8_8_0		  V8_VERSION(8, 0, 0)
#define V8_9_0		  V8_VERSION(9, 0, 0)
#define V8_10_0		  V8_VERSION(10, 0, 0)
#define V8_11_0		  V8_VERSION(11, 0, 0)
#define V8_12_0		  V8_VERSION(12, 0, 0)
#define V8_14_0		  V8_VERSION(14, 0, 0)

#define MARK_READER_BYTES 160

static const char heap_calls[] = "a method of Heap: called by the collector's C++ alone";
static const char collector_steps[] = "entry only; a step of the collector's C++";
static const char slow_path[] = "the slow path of allocation: called by Heap::AllocateRaw in C++, "
				"behind Runtime_ functions";
static const char large_path[] = "called by Heap::AllocateRaw in C++, behind Runtime_ functions";
static const char node_allocator[] =
	"a virtual method of Node: called by V8's BackingStore and by Node's C++";

const struct v8_hook_row v8_hook_table[] = {
	{V8_HOOK_ALLOC, 0, V8_9_0,
	 "_ZN2v88internal8NewSpace16EnsureAllocationEiNS0_19AllocationAlignmentE", MW_V8_ALLOC_TOP,
	 104, slow_path},
	{V8_HOOK_ALLOC, V8_9_0, V8_10_0,
	 "_ZN2v88internal8NewSpace15AllocateRawSlowEiNS0_19AllocationAlignmentENS0_"
	 "16AllocationOriginE",
	 MW_V8_ALLOC_RETURNED, 0, slow_path},
	{V8_HOOK_ALLOC, V8_10_0, V8_11_0,
	 "_ZN2v88internal8NewSpace16EnsureAllocationEiNS0_19AllocationAlignmentENS0_"
	 "16AllocationOriginEPi",
	 MW_V8_ALLOC_TOP_AT, 200, slow_path},
	{V8_HOOK_ALLOC, V8_11_0, V8_12_0,
	 "_ZN2v88internal17SemiSpaceNewSpace16EnsureAllocationEiNS0_19AllocationAlignmentENS0_"
	 "16AllocationOriginEPi",
	 MW_V8_ALLOC_TOP_AT, 80, slow_path},
	{V8_HOOK_ALLOC, V8_12_0, 0,
	 "_ZN2v88internal13MainAllocator15AllocateRawSlowEiNS0_19AllocationAlignmentENS0_"
	 "16AllocationOriginE",
	 MW_V8_ALLOC_RETURNED, 160, slow_path},
	/* From V8 12 on the one function above is both spaces'. */
	{V8_HOOK_ALLOC_OLD, 0, V8_9_0,
	 "_ZN2v88internal10PagedSpace30SlowRefillLinearAllocationAreaEiNS0_16AllocationOriginE",
	 MW_V8_ALLOC_TOP, 104, slow_path},
	{V8_HOOK_ALLOC_OLD, V8_9_0, V8_10_0,
	 "_ZN2v88internal10PagedSpace13RefillLabMainEiNS0_16AllocationOriginE", MW_V8_ALLOC_TOP,
	 224, slow_path},
	{V8_HOOK_ALLOC_OLD, V8_10_0, V8_11_0,
	 "_ZN2v88internal10PagedSpace13RefillLabMainEiNS0_16AllocationOriginE", MW_V8_ALLOC_TOP_AT,
	 200, slow_path},
	{V8_HOOK_ALLOC_OLD, V8_11_0, V8_12_0,
	 "_ZN2v88internal14PagedSpaceBase13RefillLabMainEiNS0_16AllocationOriginE",
	 MW_V8_ALLOC_TOP_AT, 80, slow_path},
	{V8_HOOK_ALLOC_LARGE, 0, V8_12_0, "_ZN2v88internal19NewLargeObjectSpace11AllocateRawEi", 0,
	 0, large_path},
	{V8_HOOK_ALLOC_LARGE, V8_12_0, V8_14_0,
	 "_ZN2v88internal19NewLargeObjectSpace11AllocateRawEPNS0_9LocalHeapEi", 0, 0, large_path},
	{V8_HOOK_ALLOC_LARGE, V8_14_0, 0,
	 "_ZN2v88internal19NewLargeObjectSpace11AllocateRawEPNS0_9LocalHeapEiNS0_"
	 "14AllocationHintE",
	 0, 0, large_path},
	{V8_HOOK_ALLOC_LARGE_OLD, 0, V8_8_0, "_ZN2v88internal16LargeObjectSpace11AllocateRawEi", 0,
	 0, large_path},
	{V8_HOOK_ALLOC_LARGE_OLD, V8_8_0, V8_12_0,
	 "_ZN2v88internal19OldLargeObjectSpace11AllocateRawEi", 0, 0, large_path},
	{V8_HOOK_ALLOC_LARGE_OLD, V8_12_0, V8_14_0,
	 "_ZN2v88internal19OldLargeObjectSpace11AllocateRawEPNS0_9LocalHeapEi", 0, 0, large_path},
	{V8_HOOK_ALLOC_LARGE_OLD, V8_14_0, 0,
	 "_ZN2v88internal19OldLargeObjectSpace11AllocateRawEPNS0_9LocalHeapEiNS0_"
	 "14AllocationHintE",
	 0, 0, large_path},
	{V8_HOOK_SCAVENGE, 0, 0, "_ZN2v88internal4Heap8ScavengeEv", 0, 0, heap_calls},
	{V8_HOOK_SCAVENGE_MID, V8_11_0, 0,
	 "_ZN2v88internal13GlobalHandles23ProcessWeakYoungObjectsEPNS0_11RootVisitorEPFbPNS0_"
	 "4HeapENS0_14FullObjectSlotEE",
	 0, 0, "entry only; called by the scavenger's C++"},
	{V8_HOOK_MINOR, V8_12_0, 0, "_ZN2v88internal4Heap14MinorMarkSweepEv", 0, 0, heap_calls},
	{V8_HOOK_MARK_COMPACT, 0, 0, "_ZN2v88internal4Heap11MarkCompactEv", 0, 0, heap_calls},
	{V8_HOOK_MC_MARKED, 0, 0, "_ZN2v88internal20MarkCompactCollector22ClearNonLiveReferencesEv",
	 0, 0, collector_steps},
	/* Node 12 has the other one inlined where it is called. */
	{V8_HOOK_MC_MOVED, 0, V8_8_0, "_ZN2v88internal20MarkCompactCollector16EvacuateEpilogueEv",
	 0, 0, collector_steps},
	{V8_HOOK_MC_MOVED, V8_8_0, 0,
	 "_ZN2v88internal20MarkCompactCollector29UpdatePointersAfterEvacuationEv", 0, 0,
	 collector_steps},
	{V8_HOOK_LIVE, 0, 0, "_ZN2v88internal4Heap13SizeOfObjectsEv", 0, 0, heap_calls},
	{V8_HOOK_HEAP_OUT, 0, 0, "_ZN2v88internal4Heap8TearDownEv", 0, 0,
	 "entry only; called by Isolate's C++ as it goes"},
	{V8_HOOK_EXT_ALLOC, 0, 0, "_ZN4node24NodeArrayBufferAllocator8AllocateEm", 0, 0,
	 node_allocator},
	{V8_HOOK_EXT_UNINIT, 0, 0, "_ZN4node24NodeArrayBufferAllocator21AllocateUninitializedEm", 0,
	 0, node_allocator},
	{V8_HOOK_EXT_REALLOC, 0, 0, "_ZN4node24NodeArrayBufferAllocator10ReallocateEPvmm", 0, 0,
	 node_allocator},
	{V8_HOOK_EXT_FREE, 0, 0, "_ZN4node24NodeArrayBufferAllocator4FreeEPvm", 0, 0,
	 "entry only; called by V8's BackingStore and by Node's C++"},
};
const size_t v8_hook_table_count = sizeof(v8_hook_table) / sizeof(v8_hook_table[0]);

const char v8_mark_reader[] =
	"_ZN2v88internal20MarkCompactCollector20IsUnmarkedHeapObjectEPNS0_4HeapENS0_"
	"14FullObjectSlotE";

const struct v8_mark_row v8_mark_table[] = {
	{0, V8_9_0, MW_V8_MARK_POINTER, 0x10},	      {V8_9_0, V8_10_0, MW_V8_MARK_INLINE, 0x110},
	{V8_10_0, V8_11_0, MW_V8_MARK_INLINE, 0x128}, {V8_11_0, V8_12_0, MW_V8_MARK_INLINE, 0x140},
	{V8_12_0, 0, MW_V8_MARK_METADATA, 0x140},
};
const size_t v8_mark_table_count = sizeof(v8_mark_table) / sizeof(v8_mark_table[0]);

struct search {
	uint64_t version;
	uint64_t mark_reader, mark_reader_size;
	uint64_t sizes_reader, sizes_reader_size;
	struct v8_hooks *out;
	uint64_t addresses[V8_HOOK_COUNT];
};

static bool row_is_for(const struct v8_hook_row *row, uint64_t version)
{
	return version >= row->since && (!row->until || version < row->until);
}

static int on_symbol(void *arg, const struct elf_symbol *sym)
{
	struct search *s = arg;

	if (sym->type != STT_FUNC || !sym->value || strncmp(sym->name, "_ZN", 3))
		return 0;
	if (!strcmp(sym->name, v8_mark_reader)) {
		s->mark_reader = sym->value;
		s->mark_reader_size = sym->size;
	} else if (v8_heap_sizes_is_reader(sym->name)) {
		s->sizes_reader = sym->value;
		s->sizes_reader_size = sym->size;
	}
	for (size_t i = 0; i < v8_hook_table_count; i++) {
		const struct v8_hook_row *row = &v8_hook_table[i];

		if (!row_is_for(row, s->version) || strcmp(sym->name, row->symbol))
			continue;
		s->out->rows[row->hook] = row;
		s->addresses[row->hook] = sym->value;
	}
	return 0;
}

static const char *what_is_missing(const struct v8_hooks *h)
{
	if (!h->rows[V8_HOOK_ALLOC] || !h->rows[V8_HOOK_SCAVENGE])
		return "V8's own functions cannot be found (stripped, or an unknown version): no "
		       "survivors";
	if (!h->can_keep)
		return "V8's marks cannot be found (an unknown version): what survived may be "
		       "freed later";
	if (!h->can_external)
		return "node::NodeArrayBufferAllocator cannot be found: no Buffers by their stacks";
	return NULL;
}

/*
 * The kernel does not probe an instruction with a lock prefix, which Free() begins with on x86-64
 * from Node 14 on: lock sub %rdx,disp8(%rdi). The next one sees the same arguments. (arm64's
 * kernel refuses exclusive loads and stores: no function begins with one.)
 */
static uint64_t first_probable(struct elf_file *f, uint64_t addr)
{
	static const unsigned char lock_sub[] = {0xf0, 0x48, 0x29, 0x57};
	unsigned char code[sizeof(lock_sub)];

	if (elf_file_read(f, addr, code, sizeof(code)) || memcmp(code, lock_sub, sizeof(code)))
		return addr;
	return addr + sizeof(lock_sub) + 1;
}

/* Where the mark bits are: as the table has it, if V8's own function that tests one reads there. */
static void find_marks(struct elf_file *f, const struct search *s, struct mw_v8_heap *heap)
{
	unsigned char code[MARK_READER_BYTES];
	size_t len = s->mark_reader_size < sizeof(code) ? s->mark_reader_size : sizeof(code);

	if (!s->mark_reader || elf_file_read(f, s->mark_reader, code, len))
		return;
	for (size_t i = 0; i < v8_mark_table_count; i++) {
		const struct v8_mark_row *row = &v8_mark_table[i];

		if (s->version < row->since || (row->until && s->version >= row->until) ||
		    !v8_insn_reads(elf_file_machine(f), code, len, row->offset))
			continue;
		heap->mark = row->mark;
		heap->mark_offset = row->offset;
	}
}

int v8_hooks_find(struct elf_file *f, uint64_t version, struct v8_hooks *out)
{
	struct search search = {.version = version, .out = out};

	memset(out, 0, sizeof(*out));
	elf_file_for_each_symbol(f, on_symbol, &search); /* damage: what was found counts */
	search.addresses[V8_HOOK_EXT_FREE] = first_probable(f, search.addresses[V8_HOOK_EXT_FREE]);
	for (int i = 0; i < V8_HOOK_COUNT; i++) {
		if (out->rows[i] && elf_file_offset(f, search.addresses[i], &out->offsets[i]))
			out->rows[i] = NULL;
	}
	if (out->rows[V8_HOOK_ALLOC]) {
		out->heap.alloc = out->rows[V8_HOOK_ALLOC]->alloc;
		out->heap.top_offset = out->rows[V8_HOOK_ALLOC]->top_offset;
	}
	if (out->rows[V8_HOOK_ALLOC_OLD]) {
		out->heap.old_alloc = out->rows[V8_HOOK_ALLOC_OLD]->alloc;
		out->heap.old_top_offset = out->rows[V8_HOOK_ALLOC_OLD]->top_offset;
	} else if (out->heap.alloc == MW_V8_ALLOC_RETURNED && out->heap.top_offset) {
		out->heap.old_alloc = MW_V8_ALLOC_TOP_AT;
		out->heap.old_top_offset = out->heap.top_offset;
	}
	if (out->rows[V8_HOOK_MARK_COMPACT] && out->rows[V8_HOOK_MC_MARKED])
		find_marks(f, &search, &out->heap);
	v8_heap_sizes_find(f, version, search.sizes_reader, search.sizes_reader_size, &out->sizes);
	/* MemoryChunk flags FROM_PAGE and TO_PAGE; the size came first in its header before V8 12
	 */
	out->heap.young_flags = 0x18;
	out->heap.young_flags_word = version < V8_12_0 ? 1 : 0;
	out->heap.large_arg = version < V8_12_0 ? 2 : 3; /* since then a LocalHeap comes first */
	out->can_survive = out->rows[V8_HOOK_ALLOC] && out->rows[V8_HOOK_SCAVENGE] &&
			   (version < V8_11_0 || out->rows[V8_HOOK_SCAVENGE_MID]);
	out->can_keep = out->can_survive && out->heap.mark != MW_V8_MARK_NONE;
	out->can_external = (out->rows[V8_HOOK_EXT_ALLOC] || out->rows[V8_HOOK_EXT_UNINIT]) &&
			    out->rows[V8_HOOK_EXT_FREE];
	out->missing = what_is_missing(out);
	return 0;
}

const char *v8_hook_name(enum v8_hook hook)
{
	static const char *const names[V8_HOOK_COUNT] = {
		[V8_HOOK_ALLOC] = "alloc",
		[V8_HOOK_ALLOC_OLD] = "alloc-old",
		[V8_HOOK_ALLOC_LARGE] = "alloc-large",
		[V8_HOOK_ALLOC_LARGE_OLD] = "alloc-large-old",
		[V8_HOOK_SCAVENGE] = "scavenge",
		[V8_HOOK_SCAVENGE_MID] = "scavenge-mid",
		[V8_HOOK_MINOR] = "minor-mark-sweep",
		[V8_HOOK_MARK_COMPACT] = "mark-compact",
		[V8_HOOK_MC_MARKED] = "mark-compact-marked",
		[V8_HOOK_MC_MOVED] = "mark-compact-moved",
		[V8_HOOK_LIVE] = "live",
		[V8_HOOK_HEAP_OUT] = "heap-out",
		[V8_HOOK_EXT_ALLOC] = "external-alloc",
		[V8_HOOK_EXT_UNINIT] = "external-uninitialized",
		[V8_HOOK_EXT_REALLOC] = "external-realloc",
		[V8_HOOK_EXT_FREE] = "external-free",
	};

	return names[hook];
}

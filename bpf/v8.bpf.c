// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * V8's heap from outside: who allocates, and what of it survives.
 *
 * V8 hands JavaScript linear pieces of new space (256 KiB at the most) and calls
 * C++ only when one is used up. The return of that call is the sample: one
 * allocation in some 200 KiB, with the JavaScript stack that made it. Most of
 * what is allocated is garbage, and so are most samples. Each is therefore followed
 * through the scavenges: what survives is copied, and its old place then holds the
 * new address (a forwarding pointer), until the space is used again. What reaches
 * the old generation is counted for MW_SITE_V8_SURVIVED, and followed further: what a
 * mark-compact marks is kept by somebody, what it does not mark is freed. (V8's caches, and
 * all that it puts into old space by itself, would look like leaks otherwise.)
 *
 * An isolate is bound to its thread: samples are kept by thread, and its collector
 * runs on the same one. Collector threads never have JavaScript on their stack.
 *
 * Which functions are probed, on which versions, and why that is safe, is in
 * user/v8/v8_hooks.c. Not one of them is called by JIT code or builtins.
 *
 * LIMITATIONS: the sample is what crosses the end of a piece: where all sizes repeat, so do the
 * places of the ends, and shares are off by some tenths. Pointer compression (V8 in Electron,
 * Chrome) is not read. Only the latest MW_V8_OLD samples of the old generation are followed: what
 * is older stays as it was found.
 */
#include "sites.bpf.h"
#include "v8_heap.bpf.h"

#define MW_REGULAR_MAX (128 << 10) /* more is an object with pages of its own */
#define MW_SLOTS_TRIED 16
/* Some of what a mark-compact finds alive has died since it began to mark: it takes the next, too.
 */
#define MW_PASSES     2
#define MW_OLD_SAMPLE (16 << 10) /* smaller pieces of old space are sampled, by bytes */
#define MW_OLD_PIECE  (32 << 10) /* a piece of old space whose size is not known */
#define MW_ORIGIN_GC  2		 /* v8::internal::AllocationOrigin::kGC, V8 7.8 to 14.6 */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MW_V8_ISOLATES);
	__type(key, __u32);
	__type(value, struct mw_v8_isolate);
} mw_v8_isolates SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MW_V8_ISOLATES *MW_V8_SAMPLES);
	__type(key, __u32);
	__type(value, struct mw_v8_sample);
} mw_v8_samples SEC(".maps");

/* What has come to the old generation: the latest of each isolate. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MW_V8_ISOLATES *MW_V8_OLD);
	__type(key, __u32);
	__type(value, struct mw_v8_sample);
} mw_v8_old SEC(".maps");

/* The arguments of a call, until it returns: by thread and function. */
enum mw_v8_called { MW_V8_CALLED_ALLOC, MW_V8_CALLED_OLD, MW_V8_CALLED_LARGE };

struct mw_v8_call_key {
	__u32 tid, called;
};

struct mw_v8_call {
	__u64 self, size;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct mw_v8_call_key);
	__type(value, struct mw_v8_call);
} mw_v8_calls SEC(".maps");

static __always_inline void mw_call_begins(enum mw_v8_called called, __u64 self, __u64 size)
{
	struct mw_v8_call_key key = {.tid = bpf_get_current_pid_tgid(), .called = called};
	struct mw_v8_call call = {.self = self, .size = size};

	bpf_map_update_elem(&mw_v8_calls, &key, &call, BPF_ANY);
}

/* False if its beginning was not seen. */
static __always_inline bool mw_call_ends(enum mw_v8_called called, struct mw_v8_call *out)
{
	struct mw_v8_call_key key = {.tid = bpf_get_current_pid_tgid(), .called = called};
	struct mw_v8_call *call = bpf_map_lookup_elem(&mw_v8_calls, &key);

	if (!call)
		return false;
	*out = *call;
	bpf_map_delete_elem(&mw_v8_calls, &key);
	return true;
}

/* --- isolates --- */

static __always_inline struct mw_v8_sample *mw_v8_sample_at(__u32 isolate, __u32 i)
{
	__u32 key = isolate * MW_V8_SAMPLES + i % MW_V8_SAMPLES;

	return bpf_map_lookup_elem(&mw_v8_samples, &key);
}

static __always_inline struct mw_v8_sample *mw_v8_old_at(__u32 isolate, __u32 i)
{
	__u32 key = isolate * MW_V8_OLD + i % MW_V8_OLD;

	return bpf_map_lookup_elem(&mw_v8_old, &key);
}

/* What the isolate had that was here before; the callback of bpf_loop(). */
static long mw_clear_step(__u32 i, void *ctx)
{
	__u32 isolate = *(__u32 *)ctx;
	struct mw_v8_sample *young = mw_v8_sample_at(isolate, i), *old = mw_v8_old_at(isolate, i);

	if (!young || !old)
		return 1;
	young->addr = 0;
	old->addr = 0;
	return 0;
}

/* The isolate of the current thread; with @make a new one. @index: its number. */
static __always_inline struct mw_v8_isolate *mw_isolate(__u32 pid, bool make, __u32 *index)
{
	__u64 owner = bpf_get_current_pid_tgid();
	struct mw_v8_isolate *it;
	__u32 key, free = MW_V8_ISOLATES;

	for (int i = 0; i < MW_V8_ISOLATES; i++) {
		key = (i + (__u32)owner) % MW_V8_ISOLATES;
		it = bpf_map_lookup_elem(&mw_v8_isolates, &key);
		if (!it)
			return NULL;
		if (it->owner == owner) {
			*index = key;
			return it;
		}
		if (!it->owner && free == MW_V8_ISOLATES)
			free = key;
	}
	if (!make)
		return NULL;
	it = bpf_map_lookup_elem(&mw_v8_isolates, &free);
	if (!it || __sync_val_compare_and_swap(&it->owner, 0, owner)) {
		mw_count_lost(MW_LOST_SAMPLES);
		return NULL;
	}
	it->pid = pid;
	*index = free;
	bpf_loop(MW_V8_OLD, mw_clear_step, index, 0);
	return it;
}

/* --- allocation --- */

/* The object that a hook's call has just made room for, tagged; 0 if it failed. */
static __always_inline __u64 mw_fresh_object(const struct mw_v8_heap *heap, __u64 returned,
					     const struct mw_v8_call *call)
{
	__u64 area[2] = {};

	if (heap->alloc == MW_V8_ALLOC_RETURNED)
		return mw_is_tagged(returned) ? returned : 0;
	if (!(returned & 0xff) || !mw_linear_area(heap->alloc, heap->top_offset, call->self, area))
		return 0;
	return area[0] | 1;
}

/* Bytes from the sample before, at @last, to @object: pages are filled from their start. */
static __always_inline __u64 mw_bytes_between(__u64 last, __u64 object)
{
	__u64 in_page = object & MW_PAGE_MASK;

	if (last && (last & ~MW_PAGE_MASK) == (object & ~MW_PAGE_MASK) && object > last)
		return object - last;
	return in_page + (last ? MW_PAGE_MASK + 1 - (last & MW_PAGE_MASK) : 0);
}

static __always_inline void mw_follow(struct mw_v8_isolate *it, __u32 index, __u64 object,
				      __u64 size, __u64 hash, __u64 bytes)
{
	for (int i = 0; i < MW_SLOTS_TRIED; i++) {
		struct mw_v8_sample *s = mw_v8_sample_at(index, it->cursor++);

		if (!s || s->addr)
			continue;
		s->hash = hash;
		s->bytes = bytes;
		s->size = size;
		s->passes = 0;
		s->addr = object;
		it->live_samples++;
		return;
	}
	mw_count_lost(MW_LOST_SAMPLES);
}

/*
 * @object is in the old generation from now on. What is marked already got its mark for being new
 * there while V8 was marking: that says nothing, so another collection is waited for.
 */
static __always_inline void mw_is_old_now(const struct mw_v8_heap *heap, __u32 pid,
					  struct mw_v8_isolate *it, __u32 index, __u64 object,
					  __u32 size, __u64 hash, __u64 bytes)
{
	struct mw_site *site = mw_site_get(pid, MW_SITE_V8_SURVIVED, hash, NULL);
	struct mw_v8_sample *s;

	if (!site)
		return;
	mw_site_add(site, bytes);
	if (heap->mark == MW_V8_MARK_NONE) { /* that it got here is all that can be known */
		mw_add(site->kept_bytes, bytes);
		mw_add(site->kept_samples, 1);
		return;
	}
	s = mw_v8_old_at(index, it->old_cursor++);
	if (!s)
		return;
	s->addr = object;
	s->hash = hash;
	s->bytes = bytes;
	s->size = size;
	s->passes = MW_PASSES;
	if (it->in_gc != MW_GC_MARK_COMPACT && mw_marked(heap, object, size) == MW_MARKED)
		s->passes++;
}

/* @object was allocated, of @size bytes, and stands for @bytes; 0: for what came before it. */
static __always_inline void mw_sampled(struct pt_regs *ctx, struct mw_scratch *s, __u32 pid,
				       __u64 object, __u64 size, __u64 bytes)
{
	struct mw_regs regs = {.ip = PT_REGS_IP(ctx), .sp = PT_REGS_SP(ctx), .fp = PT_REGS_FP(ctx)};
	struct mw_v8_isolate *it;
	struct mw_site *site;
	bool is_young = !mw_is_old(&s->proc.heap, object);
	__u32 index = 0;

	if (!mw_walk(s, MW_SCRATCH_UPROBE, &regs))
		return; /* a thread of the collector, or V8 for itself */
	it = mw_isolate(pid, true, &index);
	if (!it)
		return;
	if (!bytes) {
		bytes = mw_bytes_between(it->last_addr, object);
		it->last_addr = object;
	}
	bytes *= s->proc.alloc_weight ?: 1;
	it->allocs++;
	site = mw_site_get(pid, MW_SITE_V8_ALLOC, s->stack.hash, s);
	if (!site)
		return;
	mw_site_add(site, bytes);
	if (is_young) {
		mw_follow(it, index, object, size, s->stack.hash, bytes);
		return;
	}
	/* V8 has learned that what this site allocates stays; or thinks so, for reasons of its own
	 */
	it->direct_old++;
	mw_is_old_now(&s->proc.heap, pid, it, index, object, size, s->stack.hash, bytes);
}

/*
 * @object was allocated, of @size bytes. In new space it stands for what came since the sample
 * before it, in old space for @piece, which it is the first of.
 */
static __always_inline int mw_allocated(struct pt_regs *ctx, __u64 object, __u64 size, __u64 piece)
{
	__u32 pid = mw_current_pid(), index = 0;
	struct mw_site_proc *proc = mw_site_proc_of(pid);
	struct mw_v8_isolate *it = mw_isolate(pid, false, &index);
	struct mw_scratch *s;
	__u64 bytes = 0;

	if (!proc || !proc->is_sampling || (it && (it->in_gc || it->last_addr == object)))
		return 0;
	if (size > MW_REGULAR_MAX) {
		bytes = size;
	} else if (mw_is_old(&proc->heap, object)) {
		/* Many pieces of old space are small: some stand for the others */
		bytes = mw_sample(piece, MW_OLD_SAMPLE);
		if (!bytes) {
			if (it) {
				it->allocs++;
				it->direct_old++;
			}
			return 0;
		}
	}
	s = mw_scratch_take(MW_SCRATCH_UPROBE);
	if (!s)
		return 0;
	s->proc = *proc;
	mw_sampled(ctx, s, pid, object, size, bytes);
	mw_scratch_put(s);
	return 0;
}

MW_UPROBE(mw_v8_alloc_in)
{
	mw_call_begins(MW_V8_CALLED_ALLOC, PT_REGS_PARM1(ctx), (__u32)PT_REGS_PARM2(ctx));
	return 0;
}

MW_URETPROBE(mw_v8_alloc_out)
{
	struct mw_site_proc *proc = mw_site_proc_of(mw_current_pid());
	__u64 area[2] = {}, piece = MW_OLD_PIECE, object;
	struct mw_v8_call call;

	if (!mw_call_ends(MW_V8_CALLED_ALLOC, &call) || !proc)
		return 0;
	object = mw_fresh_object(&proc->heap, PT_REGS_RC(ctx), &call);
	if (proc->heap.alloc == MW_V8_ALLOC_RETURNED && /* one function for both generations */
	    mw_linear_area(proc->heap.old_alloc, proc->heap.old_top_offset, call.self, area))
		piece = call.size + mw_area_bytes(area);
	return object ? mw_allocated(ctx, object, call.size, piece) : 0;
}

/* Old space needs another piece: (this, size, origin). The collector's own are not meant. */
MW_UPROBE(mw_v8_old_in)
{
	if ((__u32)PT_REGS_PARM3(ctx) != MW_ORIGIN_GC)
		mw_call_begins(MW_V8_CALLED_OLD, PT_REGS_PARM1(ctx), (__u32)PT_REGS_PARM2(ctx));
	return 0;
}

MW_URETPROBE(mw_v8_old_out)
{
	struct mw_site_proc *proc = mw_site_proc_of(mw_current_pid());
	struct mw_v8_call call;
	__u64 area[2] = {};

	if (!mw_call_ends(MW_V8_CALLED_OLD, &call) || !proc || !(PT_REGS_RC(ctx) & 0xff) ||
	    !mw_linear_area(proc->heap.old_alloc, proc->heap.old_top_offset, call.self, area))
		return 0;
	return mw_allocated(ctx, area[0] | 1, call.size, mw_area_bytes(area) ?: call.size);
}

/* An object with pages of its own: (this, size), or (this, heap, size). */
MW_UPROBE(mw_v8_large_in)
{
	struct mw_site_proc *proc = mw_site_proc_of(mw_current_pid());
	__u64 second = PT_REGS_PARM2(ctx), third = PT_REGS_PARM3(ctx);

	barrier_var(second); /* the verifier wants ctx read at constants */
	barrier_var(third);
	if (proc)
		mw_call_begins(MW_V8_CALLED_LARGE, PT_REGS_PARM1(ctx),
			       (__u32)(proc->heap.large_arg == 3 ? third : second));
	return 0;
}

MW_URETPROBE(mw_v8_large_out)
{
	__u64 object = PT_REGS_RC(ctx);
	struct mw_v8_call call;

	if (!mw_call_ends(MW_V8_CALLED_LARGE, &call) || !mw_is_tagged(object) ||
	    call.size <= MW_REGULAR_MAX)
		return 0;
	return mw_allocated(ctx, object, call.size, call.size);
}

/* --- survival --- */

/* A look at all samples of an isolate, in the middle of a collection of its. */
enum mw_look {
	MW_LOOK_COPIED, /* the young that live have been copied, by a scavenge */
	MW_LOOK_MARKED, /* all that lives is marked, and still where it was */
	MW_LOOK_MOVED,	/* the young, and who lay on sparse pages, have been moved */
	MW_LOOK_LAST,	/* the heap goes, with all that is in it */
};

struct mw_scan {
	struct mw_v8_heap heap;
	__u32 pid, isolate;
	enum mw_look look;
	__u32 left; /* young samples that are not looked at yet */
};

static __always_inline void mw_sample_ends(struct mw_v8_isolate *it, struct mw_v8_sample *sample)
{
	sample->addr = 0;
	if (it->live_samples)
		it->live_samples--;
}

static __always_inline void mw_promote(struct mw_scan *scan, struct mw_v8_isolate *it,
				       struct mw_v8_sample *sample, __u32 size)
{
	it->promoted++;
	mw_is_old_now(&scan->heap, scan->pid, it, scan->isolate, sample->addr, size, sample->hash,
		      sample->bytes);
	mw_sample_ends(it, sample);
}

/* One young sample; the callback of bpf_loop(). */
static long mw_young_step(__u32 i, void *ctx)
{
	struct mw_scan *scan = ctx;
	__u32 isolate = scan->isolate, size;
	struct mw_v8_sample *sample = mw_v8_sample_at(isolate, i);
	struct mw_v8_isolate *it = bpf_map_lookup_elem(&mw_v8_isolates, &isolate);
	struct mw_scratch *s = mw_scratch_of(MW_SCRATCH_UPROBE);
	bool is_known_to_live = scan->look == MW_LOOK_MOVED && scan->heap.mark != MW_V8_MARK_NONE;
	__u64 to;

	if (!sample || !it || !s || !scan->left)
		return 1;
	if (!sample->addr)
		return 0;
	scan->left--;
	if (scan->look == MW_LOOK_LAST) {
		mw_sample_ends(it, sample);
		return 0;
	}
	size = sample->passes ? 8 : sample->size; /* once it was moved it is one object */
	if (scan->look == MW_LOOK_MARKED) {
		if (mw_marked(&scan->heap, sample->addr, size) == MW_DEAD) {
			it->died++;
			mw_sample_ends(it, sample);
		}
		return 0;
	}
	to = mw_forwarded(sample->addr, size, s->words);
	if (to) {
		sample->addr = to;
		sample->passes++;
		if (scan->look == MW_LOOK_MOVED && !is_known_to_live &&
		    sample->passes < 2) { /* a mark-compact moves all: that it lives says little */
			it->died++;
			mw_sample_ends(it, sample);
			return 0;
		}
		if (sample->passes >= 2 || size > MW_REGULAR_MAX || mw_is_old(&scan->heap, to))
			mw_promote(scan, it, sample, 8);
	} else if ((size > MW_REGULAR_MAX || is_known_to_live) &&
		   mw_is_old(&scan->heap, sample->addr)) {
		/* Not copied: its page has changed sides */
		mw_promote(scan, it, sample, size);
	} else {
		it->died++;
		mw_sample_ends(it, sample);
	}
	return 0;
}

static __always_inline void mw_old_decided(struct mw_scan *scan, struct mw_v8_isolate *it,
					   struct mw_v8_sample *sample)
{
	enum mw_marked marked = scan->look == MW_LOOK_LAST
					? MW_DEAD
					: mw_marked(&scan->heap, sample->addr, sample->size);
	struct mw_site *site = mw_site_get(scan->pid, MW_SITE_V8_SURVIVED, sample->hash, NULL);

	if (!site || marked == MW_MARKS_UNREADABLE) { /* stays as it was found */
		sample->addr = 0;
		return;
	}
	if (marked == MW_MARKED) {
		if (!sample->passes || --sample->passes)
			return;
		it->kept++;
		mw_add(site->kept_bytes, sample->bytes);
		mw_add(site->kept_samples, 1);
		return;
	}
	if (!sample->passes) { /* had been found alive before */
		mw_add(site->kept_bytes, -sample->bytes);
		mw_add(site->kept_samples, -1);
	}
	it->freed++;
	mw_add(site->freed_bytes, sample->bytes);
	mw_add(site->freed_samples, 1);
	sample->addr = 0;
}

/* One old sample; the callback of bpf_loop(). */
static long mw_old_step(__u32 i, void *ctx)
{
	struct mw_scan *scan = ctx;
	__u32 isolate = scan->isolate;
	struct mw_v8_sample *sample = mw_v8_old_at(isolate, i);
	struct mw_v8_isolate *it = bpf_map_lookup_elem(&mw_v8_isolates, &isolate);
	struct mw_scratch *s = mw_scratch_of(MW_SCRATCH_UPROBE);
	__u64 to;

	if (!sample || !it || !s)
		return 1;
	if (!sample->addr)
		return 0;
	if (scan->look != MW_LOOK_MOVED) {
		mw_old_decided(scan, it, sample);
		return 0;
	}
	to = mw_forwarded(sample->addr, sample->size, s->words);
	if (to) {
		sample->addr = to;
		sample->size = 8;
	}
	return 0;
}

static __always_inline void mw_scan_isolate(__u32 pid, struct mw_v8_isolate *it, __u32 index,
					    enum mw_look look)
{
	struct mw_site_proc *proc = mw_site_proc_of(pid);
	struct mw_scan scan = {.pid = pid, .isolate = index, .look = look};
	struct mw_scratch *s = proc ? mw_scratch_take(MW_SCRATCH_UPROBE) : NULL;

	if (!proc || !s)
		return;
	scan.heap = proc->heap;
	if (look != MW_LOOK_COPIED)
		bpf_loop(MW_V8_OLD, mw_old_step, &scan, 0);
	scan.left = it->live_samples;
	if (scan.left)
		bpf_loop(MW_V8_SAMPLES, mw_young_step, &scan, 0);
	mw_scratch_put(s);
}

static __always_inline int mw_gc_begins(__u32 gc)
{
	__u32 pid = mw_current_pid(), index = 0;
	struct mw_v8_isolate *it;

	if (!mw_site_proc_of(pid))
		return 0;
	it = mw_isolate(pid, true, &index);
	if (!it)
		return 0;
	it->in_gc = gc;
	it->is_scanned = 0;
	return 0;
}

static __always_inline int mw_gc_ends(__u32 gc)
{
	__u32 pid = mw_current_pid(), index = 0;
	struct mw_v8_isolate *it = mw_isolate(pid, false, &index);

	if (!it)
		return 0;
	if (!it->is_scanned)
		mw_scan_isolate(pid, it, index,
				gc == MW_GC_SCAVENGE ? MW_LOOK_COPIED : MW_LOOK_MOVED);
	it->in_gc = 0;
	it->last_addr = 0;
	if (gc == MW_GC_SCAVENGE)
		it->scavenges++;
	else
		it->mark_compacts++;
	return 0;
}

MW_UPROBE(mw_v8_scav_in)
{
	return mw_gc_begins(MW_GC_SCAVENGE);
}

/* Inside a collection, before what is looked for is overwritten: once for each of @look. */
static __always_inline int mw_gc_looks(__u32 gc, enum mw_look look)
{
	__u32 pid = mw_current_pid(), index = 0;
	struct mw_v8_isolate *it = mw_isolate(pid, false, &index);

	if (!it || it->in_gc != gc || it->is_scanned)
		return 0;
	it->is_scanned = look != MW_LOOK_MARKED;
	it->looks += gc == MW_GC_MARK_COMPACT;
	mw_scan_isolate(pid, it, index, look);
	return 0;
}

MW_UPROBE(mw_v8_scav_mid)
{
	return mw_gc_looks(MW_GC_SCAVENGE, MW_LOOK_COPIED);
}

MW_UPROBE(mw_v8_mc_marked)
{
	return mw_gc_looks(MW_GC_MARK_COMPACT, MW_LOOK_MARKED);
}

MW_UPROBE(mw_v8_mc_moved)
{
	return mw_gc_looks(MW_GC_MARK_COMPACT, MW_LOOK_MOVED);
}

MW_URETPROBE(mw_v8_scav_out)
{
	return mw_gc_ends(MW_GC_SCAVENGE);
}

MW_UPROBE(mw_v8_mc_in)
{
	return mw_gc_begins(MW_GC_MARK_COMPACT);
}

MW_URETPROBE(mw_v8_mc_out)
{
	return mw_gc_ends(MW_GC_MARK_COMPACT);
}

/* A worker has ended: Heap::TearDown(), on its thread. */
MW_UPROBE(mw_v8_heap_out)
{
	__u32 pid = mw_current_pid(), index = 0;
	struct mw_v8_isolate *it = mw_isolate(pid, false, &index);

	if (!it)
		return 0;
	mw_scan_isolate(pid, it, index, MW_LOOK_LAST);
	__builtin_memset(it, 0, sizeof(*it));
	return 0;
}

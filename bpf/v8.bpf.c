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
 * the old generation is kept by somebody: it is counted for MW_SITE_V8_SURVIVED.
 *
 * An isolate is bound to its thread: samples are kept by thread, and its collector
 * runs on the same one. Collector threads never have JavaScript on their stack.
 *
 * Which functions are probed, on which versions, and why that is safe, is in
 * user/v8/v8_hooks.c. Not one of them is called by JIT code or builtins.
 *
 * LIMITATIONS: pointer compression (V8 in Electron, Chrome) is not read. Objects that
 * are first seen by a mark-compact are dropped: that they live says little yet.
 */
#include "sites.bpf.h"

#define MW_PAGE_MASK   0x3ffffULL  /* of V8's pages: 256 KiB on every version so far */
#define MW_GROUP_BYTES 512	   /* of an allocation that is searched for survivors */
#define MW_REGULAR_MAX (128 << 10) /* more is an object with pages of its own */
#define MW_SLOTS_TRIED 16
#define MW_OLD_PIECE   (32 << 10) /* a piece of old space whose size is not known */
#define MW_ORIGIN_GC   2	  /* v8::internal::AllocationOrigin::kGC, V8 7.8 to 14.6 */

enum { MW_GC_SCAVENGE = 1, MW_GC_MARK_COMPACT = 2 };

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

/* The arguments of a call, until it returns: by thread. */
struct mw_v8_call {
	__u64 self, size;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct mw_v8_call);
} mw_v8_calls SEC(".maps");

static __always_inline void mw_call_begins(__u64 self, __u64 size)
{
	struct mw_v8_call call = {.self = self, .size = size};
	__u32 tid = bpf_get_current_pid_tgid();

	bpf_map_update_elem(&mw_v8_calls, &tid, &call, BPF_ANY);
}

/* False if its beginning was not seen. */
static __always_inline bool mw_call_ends(struct mw_v8_call *out)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct mw_v8_call *call = bpf_map_lookup_elem(&mw_v8_calls, &tid);

	if (!call)
		return false;
	*out = *call;
	bpf_map_delete_elem(&mw_v8_calls, &tid);
	return true;
}

/* --- isolates --- */

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
	if (!it || __sync_val_compare_and_swap(&it->owner, 0, owner))
		return NULL;
	it->pid = pid;
	*index = free;
	return it;
}

static __always_inline struct mw_v8_sample *mw_v8_sample_at(__u32 isolate, __u32 i)
{
	__u32 key = isolate * MW_V8_SAMPLES + i % MW_V8_SAMPLES;

	return bpf_map_lookup_elem(&mw_v8_samples, &key);
}

/* --- allocation --- */

/* The piece that a space allocates from now: what is free of it. False if it cannot be read. */
static __always_inline bool mw_linear_area(const struct mw_v8_heap *heap, __u64 space,
					   __u64 area[2])
{
	__u64 at = space + heap->top_offset;

	if (heap->alloc == MW_V8_ALLOC_TOP_AT) {
		if (bpf_probe_read_user(&at, sizeof(at), (void *)at))
			return false;
		at += 8;
	}
	return !bpf_probe_read_user(area, 16, (void *)at) && area[0] && !(area[0] & 7);
}

/* The object that a hook's call has just made room for, tagged; 0 if it failed. */
static __always_inline __u64 mw_fresh_object(const struct mw_v8_heap *heap, __u64 returned,
					     const struct mw_v8_call *call)
{
	__u64 area[2] = {};

	if (heap->alloc == MW_V8_ALLOC_RETURNED)
		return mw_is_tagged(returned) ? returned : 0;
	if (!(returned & 0xff) || !mw_linear_area(heap, call->self, area))
		return 0;
	return area[0] | 1;
}

/* Whether the page that @object lies on is in new space. */
static __always_inline bool mw_is_young(const struct mw_v8_heap *heap, __u64 object)
{
	__u64 flags = 0;

	bpf_probe_read_user(&flags, sizeof(flags),
			    (void *)((object & ~MW_PAGE_MASK) + 8 * heap->young_flags_word));
	return flags & heap->young_flags;
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
		s->survived = 0;
		s->addr = object;
		it->live_samples++;
		return;
	}
	mw_count_lost(MW_LOST_SAMPLES);
}

/*
 * @object was allocated, of @size bytes, and stands for @bytes; 0: for what came since the sample
 * before it in new space.
 */
static __always_inline int mw_allocated(struct pt_regs *ctx, __u64 object, __u64 size, __u64 bytes)
{
	__u32 pid = mw_current_pid(), index = 0;
	struct mw_site_proc *proc = mw_site_proc_of(pid);
	struct mw_regs regs = {.ip = PT_REGS_IP(ctx), .sp = PT_REGS_SP(ctx), .fp = PT_REGS_FP(ctx)};
	struct mw_v8_isolate *it = mw_isolate(pid, false, &index);
	struct mw_scratch *s = mw_scratch_get(MW_SCRATCH_UPROBE);
	struct mw_site *site;
	bool is_young;

	if (!proc || !s || (it && (it->in_gc || it->last_addr == object)))
		return 0;
	s->proc = *proc;
	if (!mw_walk(s, MW_SCRATCH_UPROBE, &regs))
		return 0; /* a thread of the collector, or V8 for itself */
	if (!it)
		it = mw_isolate(pid, true, &index);
	if (!it)
		return 0;
	is_young = mw_is_young(&s->proc.heap, object);
	if (size > MW_REGULAR_MAX)
		bytes = size;
	else if (!bytes && is_young)
		bytes = mw_bytes_between(it->last_addr, object);
	else if (!bytes)
		bytes = MW_OLD_PIECE;
	bytes *= s->proc.alloc_weight ?: 1;
	if (is_young && size <= MW_REGULAR_MAX)
		it->last_addr = object;
	it->allocs++;
	site = mw_site_get(pid, MW_SITE_V8_ALLOC, s->stack.hash, s);
	if (!site)
		return 0;
	mw_site_add(site, bytes);
	if (is_young) {
		mw_follow(it, index, object, size, s->stack.hash, bytes);
		return 0;
	}
	/* V8 has learned that what this site allocates stays, and puts it into old space at once.
	 */
	it->direct_old++;
	site = mw_site_get(pid, MW_SITE_V8_SURVIVED, s->stack.hash, NULL);
	if (site)
		mw_site_add(site, bytes);
	return 0;
}

SEC("?uprobe")
int mw_v8_alloc_in(struct pt_regs *ctx)
{
	mw_call_begins(PT_REGS_PARM1(ctx), (__u32)PT_REGS_PARM2(ctx));
	return 0;
}

SEC("?uretprobe")
int mw_v8_alloc_out(struct pt_regs *ctx)
{
	struct mw_site_proc *proc = mw_site_proc_of(mw_current_pid());
	struct mw_v8_call call;
	__u64 object;

	if (!mw_call_ends(&call) || !proc)
		return 0;
	object = mw_fresh_object(&proc->heap, PT_REGS_RC(ctx), &call);
	return object ? mw_allocated(ctx, object, call.size, 0) : 0;
}

/* Old space needs another piece: (this, size, origin). The collector's own are not meant. */
SEC("?uprobe")
int mw_v8_old_in(struct pt_regs *ctx)
{
	if ((__u32)PT_REGS_PARM3(ctx) != MW_ORIGIN_GC)
		mw_call_begins(PT_REGS_PARM1(ctx), (__u32)PT_REGS_PARM2(ctx));
	return 0;
}

SEC("?uretprobe")
int mw_v8_old_out(struct pt_regs *ctx)
{
	struct mw_site_proc *proc = mw_site_proc_of(mw_current_pid());
	struct mw_v8_call call;
	__u64 area[2] = {}, bytes;

	if (!mw_call_ends(&call) || !proc || !(PT_REGS_RC(ctx) & 0xff) ||
	    !mw_linear_area(&proc->heap, call.self, area))
		return 0;
	bytes = area[1] > area[0] && area[1] - area[0] <= MW_PAGE_MASK ? area[1] - area[0]
								       : call.size;
	return mw_allocated(ctx, area[0] | 1, call.size, bytes ?: 8);
}

/* --- survival --- */

struct mw_scan {
	struct mw_v8_heap heap;
	__u32 pid, isolate;
	__u32 gc, left; /* samples that are not looked at yet */
};

/*
 * The first survivor of an allocation of several objects at once (V8 folds them): where one of
 * the words is a forwarding pointer, which is to an object and not tagged. 0: none.
 */
static __always_inline __u64 mw_forwarded(const struct mw_v8_sample *sample, __u64 *words)
{
	__u32 size = sample->survived ? 8 : sample->size;

	if (size > MW_GROUP_BYTES)
		size = MW_GROUP_BYTES;
	size &= ~7u;
	if (size < 8)
		size = 8;
	if (bpf_probe_read_user(words, size & (2 * MW_GROUP_BYTES - 1), (void *)(sample->addr - 1)))
		return 0;
	for (__u32 i = 0; i < MW_GROUP_BYTES / 8; i++) {
		__u64 to, map = 0;

		if (i >= size / 8)
			break;
		to = words[i];
		if (to & 7 || to < 0x10000 || to >> 47 || !(__u32)to)
			continue;
		if (bpf_probe_read_user(&map, sizeof(map), (void *)to) || !mw_is_tagged(map) ||
		    map >> 47)
			continue;
		return to | 1;
	}
	return 0;
}

static __always_inline void mw_sample_ends(struct mw_v8_isolate *it, struct mw_v8_sample *sample)
{
	sample->addr = 0;
	if (it->live_samples)
		it->live_samples--;
}

static __always_inline void mw_promote(struct mw_scan *scan, struct mw_v8_isolate *it,
				       struct mw_v8_sample *sample)
{
	struct mw_site *site = mw_site_get(scan->pid, MW_SITE_V8_SURVIVED, sample->hash, NULL);

	if (site)
		mw_site_add(site, sample->bytes);
	it->promoted++;
	mw_sample_ends(it, sample);
}

/* One sample after a collection; the callback of bpf_loop(). */
static long mw_scan_step(__u32 i, void *ctx)
{
	struct mw_scan *scan = ctx;
	__u32 isolate = scan->isolate;
	struct mw_v8_sample *sample = mw_v8_sample_at(isolate, i);
	struct mw_v8_isolate *it = bpf_map_lookup_elem(&mw_v8_isolates, &isolate);
	struct mw_scratch *s = mw_scratch_get(MW_SCRATCH_UPROBE);
	__u64 to;

	if (!sample || !it || !s || !scan->left)
		return 1;
	if (!sample->addr)
		return 0;
	scan->left--;
	to = mw_forwarded(sample, s->words);
	if (!to) {
		/* What has pages of its own is not copied: its page changes sides. */
		if (sample->size > MW_REGULAR_MAX && scan->gc == MW_GC_SCAVENGE &&
		    !mw_is_young(&scan->heap, sample->addr)) {
			mw_promote(scan, it, sample);
			return 0;
		}
		it->died++;
		mw_sample_ends(it, sample);
		return 0;
	}
	sample->addr = to;
	sample->survived++;
	if (scan->gc == MW_GC_MARK_COMPACT && sample->survived < 2) {
		it->lost_in_mark_compact++;
		mw_sample_ends(it, sample);
	} else if (sample->survived >= 2 || !mw_is_young(&scan->heap, to)) {
		mw_promote(scan, it, sample);
	}
	return 0;
}

static __always_inline void mw_scan_isolate(__u32 pid, struct mw_v8_isolate *it, __u32 index,
					    __u32 gc)
{
	struct mw_site_proc *proc = mw_site_proc_of(pid);
	struct mw_scan scan = {.pid = pid, .isolate = index, .gc = gc, .left = it->live_samples};

	if (!proc || !scan.left)
		return;
	scan.heap = proc->heap;
	bpf_loop(MW_V8_SAMPLES, mw_scan_step, &scan, 0);
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
		mw_scan_isolate(pid, it, index, gc);
	it->in_gc = 0;
	it->last_addr = 0;
	it->wants_live = gc;
	if (gc == MW_GC_SCAVENGE)
		it->scavenges++;
	else
		it->mark_compacts++;
	return 0;
}

SEC("?uprobe")
int mw_v8_scav_in(struct pt_regs *ctx)
{
	return mw_gc_begins(MW_GC_SCAVENGE);
}

/* Inside a scavenge, when all that lives is copied and nothing is overwritten yet. */
SEC("?uprobe")
int mw_v8_scav_mid(struct pt_regs *ctx)
{
	__u32 pid = mw_current_pid(), index = 0;
	struct mw_v8_isolate *it = mw_isolate(pid, false, &index);

	if (!it || it->in_gc != MW_GC_SCAVENGE || it->is_scanned)
		return 0;
	it->is_scanned = 1;
	mw_scan_isolate(pid, it, index, MW_GC_SCAVENGE);
	return 0;
}

SEC("?uretprobe")
int mw_v8_scav_out(struct pt_regs *ctx)
{
	return mw_gc_ends(MW_GC_SCAVENGE);
}

SEC("?uprobe")
int mw_v8_mc_in(struct pt_regs *ctx)
{
	return mw_gc_begins(MW_GC_MARK_COMPACT);
}

SEC("?uretprobe")
int mw_v8_mc_out(struct pt_regs *ctx)
{
	return mw_gc_ends(MW_GC_MARK_COMPACT);
}

/* Heap::SizeOfObjects(): its first return after a collection is what lives. */
SEC("?uretprobe")
int mw_v8_live(struct pt_regs *ctx)
{
	__u64 live = PT_REGS_RC(ctx);
	__u32 index = 0;
	struct mw_v8_isolate *it = mw_isolate(0, false, &index);

	if (!it || !it->wants_live)
		return 0;
	if (!it->any_first)
		it->any_first = live;
	it->any_last = live;
	if (it->wants_live == MW_GC_MARK_COMPACT) {
		if (!it->live_first)
			it->live_first = live;
		it->live_last = live;
	}
	it->wants_live = 0;
	return 0;
}

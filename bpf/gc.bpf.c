// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Garbage collections: when, which, how long the thread was in it, and what V8 says
 * is alive after it.
 *
 * A collection begins and ends on one thread: by uprobes on V8's functions, or by the USDT
 * probes of a runtime that has some (user/collect/gc_usdt.c says which). V8 adds up its
 * objects right after each collection, to report it: Heap::SizeOfObjects(), whose first return on
 * that thread is what lives. So the record waits for it; where it does not come, the next
 * collection of the thread sends the record off without it.
 */
#include "events.bpf.h"
#include "pidns.bpf.h"
#include "usdt.bpf.h"
#include "memwatch/gc.h"

/* The collection that a thread is in, or has just ended. */
struct mw_gc_thread {
	__u64 start_ns, mm; /* whose thread it is: TIDs are used again, and exec(2) keeps them */
	__u64 begin_ns;	    /* 0: in none */
	__u64 end_ns;	    /* not 0: it has ended, and its record waits for what lives */
	__u64 isolate, pause_ns, live_bytes;
	long manager, first_pool; /* HotSpot: of the pools that are in live_bytes */
	__u8 kind, via;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct mw_gc_thread);
} mw_gc_threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MW_GC_USDT_SITES);
	__type(key, struct mw_gc_usdt_key);
	__type(value, struct mw_gc_usdt_site);
} mw_gc_usdt SEC(".maps");

static __always_inline __u64 mw_gc_start_ns(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, group_leader, start_boottime);
}

static __always_inline __u64 mw_gc_mm(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return (__u64)BPF_CORE_READ(task, mm);
}

/* Of the current thread; NULL if nothing is known of it. */
static __always_inline struct mw_gc_thread *mw_gc_thread(void)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct mw_gc_thread *gc = bpf_map_lookup_elem(&mw_gc_threads, &tid);

	return gc && gc->start_ns == mw_gc_start_ns() && gc->mm == mw_gc_mm() ? gc : NULL;
}

/* False if it cannot be told whose it is, or there is no room. */
static __always_inline bool mw_gc_send(enum mw_event_type type, const struct mw_gc_thread *gc,
				       __u64 ns)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	__u32 pid = mw_pid_of_current();
	struct mw_event_gc *e;

	if (!pid)
		return false;
	e = bpf_ringbuf_reserve(&mw_events, sizeof(*e), 0);
	if (!e) {
		mw_count_lost(MW_LOST_RING);
		return false;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->h.type = type;
	e->h.pid = pid;
	e->h.ts_ns = ns;
	e->h.start_ns = mw_start_ns(leader);
	BPF_CORE_READ_INTO(&e->h.comm, leader, comm);
	e->isolate = gc->isolate;
	e->pause_ns = gc->pause_ns;
	e->live_bytes = gc->live_bytes;
	e->tid = bpf_get_current_pid_tgid();
	e->kind = gc->kind;
	e->via = gc->via;
	mw_submit(e);
	return true;
}

static __always_inline void mw_gc_begin(__u64 isolate, enum mw_gc_kind kind, enum mw_gc_via via)
{
	struct mw_gc_thread fresh = {
		.start_ns = mw_gc_start_ns(),
		.mm = mw_gc_mm(),
		.begin_ns = bpf_ktime_get_boot_ns(),
		.isolate = isolate,
		.kind = kind,
		.via = via,
	};
	struct mw_gc_thread *gc = mw_gc_thread();
	__u32 tid = bpf_get_current_pid_tgid();

	if (gc && gc->end_ns)
		mw_gc_send(MW_EVENT_GC, gc, gc->end_ns);
	bpf_map_update_elem(&mw_gc_threads, &tid, &fresh, BPF_ANY);
}

static __always_inline void mw_gc_end(bool waits_for_live)
{
	struct mw_gc_thread *gc = mw_gc_thread();
	__u64 now = bpf_ktime_get_boot_ns();

	if (!gc || !gc->begin_ns)
		return;
	gc->pause_ns = now - gc->begin_ns;
	gc->begin_ns = 0;
	if (waits_for_live)
		gc->end_ns = now;
	else
		mw_gc_send(MW_EVENT_GC, gc, now);
}

/* --- V8 --- */

MW_UPROBE(mw_gc_scav_in)
{
	mw_gc_begin(PT_REGS_PARM1(ctx), MW_GC_SCAVENGE, MW_GC_VIA_UPROBE);
	return 0;
}

MW_UPROBE(mw_gc_full_in)
{
	mw_gc_begin(PT_REGS_PARM1(ctx), MW_GC_MARK_COMPACT, MW_GC_VIA_UPROBE);
	return 0;
}

MW_UPROBE(mw_gc_minor_in)
{
	mw_gc_begin(PT_REGS_PARM1(ctx), MW_GC_MINOR_MARK_SWEEP, MW_GC_VIA_UPROBE);
	return 0;
}

MW_URETPROBE(mw_gc_out)
{
	mw_gc_end(true);
	return 0;
}

MW_URETPROBE(mw_gc_live)
{
	struct mw_gc_thread *gc = mw_gc_thread();

	if (!gc || !gc->end_ns)
		return 0;
	gc->live_bytes = PT_REGS_RC(ctx);
	mw_gc_send(MW_EVENT_GC, gc, gc->end_ns);
	gc->end_ns = 0;
	return 0;
}

MW_UPROBE(mw_gc_heap_out)
{
	struct mw_gc_thread gone = {.isolate = PT_REGS_PARM1(ctx)};

	mw_gc_send(MW_EVENT_HEAP_OUT, &gone, bpf_ktime_get_boot_ns());
	return 0;
}

/* --- USDT: what the arguments mean is in the cookie, see memwatch/gc.h --- */

/* The probe that the thread is at; NULL if it is none of ours. */
static __always_inline const struct mw_gc_usdt_site *mw_gc_usdt_site(struct pt_regs *ctx)
{
	struct mw_gc_usdt_key key = {.ip = PT_REGS_IP(ctx), .pid = mw_pid_of_current()};

	return bpf_map_lookup_elem(&mw_gc_usdt, &key);
}

static __always_inline enum mw_gc_kind mw_gc_kind_of(__u32 rule, long arg)
{
	switch (rule) {
	case MW_GC_RULE_V8_OLD: /* v8::GCType until V8 9: scavenge, mark-compact, ... */
		return arg & 1 ? MW_GC_SCAVENGE : arg & 2 ? MW_GC_MARK_COMPACT : MW_GC_OTHER;
	case MW_GC_RULE_V8: /* since V8 10 the minor mark-sweep lies between them */
		return arg & 1	 ? MW_GC_SCAVENGE
		       : arg & 2 ? MW_GC_MINOR_MARK_SWEEP
		       : arg & 4 ? MW_GC_MARK_COMPACT
				 : MW_GC_OTHER;
	case MW_GC_RULE_FULL_IF:
		return arg & 0xff ? MW_GC_FULL : MW_GC_YOUNG;
	case MW_GC_RULE_OLDEST_2:
		return (int)arg >= 2 ? MW_GC_FULL : MW_GC_YOUNG;
	case MW_GC_RULE_FULL:
		return MW_GC_FULL;
	}
	return MW_GC_OTHER;
}

MW_UPROBE(mw_gc_usdt_in)
{
	const struct mw_gc_usdt_site *site = mw_gc_usdt_site(ctx);
	long arg, isolate = 0;

	if (!site)
		return 0;
	mw_usdt_arg(ctx, &site->args[0], &arg);
	if (site->cookie & MW_GC_COOKIE_ISOLATE)
		mw_usdt_arg(ctx, &site->args[1], &isolate);
	mw_gc_begin(isolate, mw_gc_kind_of(site->cookie & MW_GC_COOKIE_RULE, arg), MW_GC_VIA_USDT);
	return 0;
}

MW_UPROBE(mw_gc_usdt_out)
{
	const struct mw_gc_usdt_site *site = mw_gc_usdt_site(ctx);

	if (site)
		mw_gc_end(site->cookie & MW_GC_COOKIE_LIVE);
	return 0;
}

/* Whether a pool is of what Java has on its heap: not "Metaspace", "Compressed Class Space",
 * "CodeHeap ...", "CodeCache". */
static __always_inline bool mw_is_heap_pool(long name)
{
	char begin[2] = {};

	bpf_probe_read_user(begin, sizeof(begin), (void *)name);
	return !(begin[0] == 'M' && begin[1] == 'e') && !(begin[0] == 'C' && begin[1] == 'o');
}

/*
 * HotSpot: (manager, length, pool, length, initial, used, committed, maximum), for each pool.
 *
 * One operation may collect twice (Parallel GC: young, then all), and each of them tells of all its
 * pools: the last one counts.
 */
MW_UPROBE(mw_gc_usdt_pool)
{
	const struct mw_gc_usdt_site *site = mw_gc_usdt_site(ctx);
	struct mw_gc_thread *gc = mw_gc_thread();
	long manager, name, used;

	if (!site || !gc || !gc->begin_ns || !mw_usdt_arg(ctx, &site->args[0], &manager) ||
	    !mw_usdt_arg(ctx, &site->args[1], &name) || !mw_usdt_arg(ctx, &site->args[2], &used))
		return 0;
	if (gc->manager != manager || gc->first_pool == name) {
		gc->manager = manager;
		gc->first_pool = name;
		gc->live_bytes = 0;
	}
	if (mw_is_heap_pool(name) && used > 0)
		gc->live_bytes += used;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory of ArrayBuffers and Buffers, which lies outside V8's heap: by the stack
 * that allocated it, less what was freed. Node takes all of it through one C++ class
 * (node::NodeArrayBufferAllocator), called from C++ only.
 *
 * An allocation that is in the sample is remembered by its address; when that is
 * freed, from whatever thread, its weight is taken off its site again.
 *
 * LIMITATIONS: memory that an addon or Node itself allocates by malloc and hands to a Buffer is
 * not seen here; its page faults are.
 */
#include "sites.bpf.h"

struct mw_external {
	__u64 hash;
	__u64 bytes; /* weight */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MW_EXTERNAL_LIVE);
	__type(key, struct mw_external_key);
	__type(value, struct mw_external);
} mw_external SEC(".maps");

struct mw_external_call {
	__u64 size, old;
	struct mw_external known; /* of @old; its hash is 0 if that is not in the sample */
};

/* The arguments of a call, until it returns: by thread. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct mw_external_call);
} mw_ext_calls SEC(".maps");

static __always_inline void mw_external_off(__u32 pid, const struct mw_external *known)
{
	struct mw_site *site = mw_site_get(pid, MW_SITE_EXTERNAL, known->hash, NULL);

	if (!site)
		return;
	mw_add(site->freed_bytes, known->bytes);
	mw_add(site->freed_samples, 1);
}

/* Forgets @addr, which another thread may get as soon as it is freed. False if it is not known. */
static __always_inline bool mw_external_take(__u32 pid, __u64 addr, struct mw_external *out)
{
	struct mw_external_key key = {.addr = addr, .pid = pid};
	struct mw_external *known = bpf_map_lookup_elem(&mw_external, &key);

	if (!known)
		return false;
	*out = *known;
	return !bpf_map_delete_elem(&mw_external, &key);
}

/* The site of the stack that allocates now; NULL if there is none to be had. */
static __always_inline struct mw_site *mw_external_site(struct pt_regs *ctx, __u32 pid,
							const struct mw_site_proc *proc,
							__u64 *hash)
{
	struct mw_regs regs = {.ip = PT_REGS_IP(ctx), .sp = PT_REGS_SP(ctx), .fp = PT_REGS_FP(ctx)};
	struct mw_scratch *s = mw_scratch_take(MW_SCRATCH_UPROBE);
	struct mw_site *site;

	if (!s)
		return NULL;
	s->proc = *proc;
	mw_walk(s, MW_SCRATCH_UPROBE, &regs);
	*hash = s->stack.hash;
	site = mw_site_get(pid, MW_SITE_EXTERNAL, s->stack.hash, s);
	mw_scratch_put(s);
	return site;
}

static __always_inline void mw_external_allocated(struct pt_regs *ctx, __u32 pid, __u64 addr,
						  __u64 size)
{
	struct mw_site_proc *proc = mw_site_proc_of(pid);
	struct mw_external_key key = {.addr = addr, .pid = pid};
	struct mw_external fresh = {};
	struct mw_site *site;

	if (!proc)
		return;
	mw_add(proc->external_calls, 1);
	fresh.bytes = addr ? mw_sample(size, proc->external_sample_bytes) : 0;
	site = fresh.bytes ? mw_external_site(ctx, pid, proc, &fresh.hash) : NULL;
	if (!site)
		return;
	if (bpf_map_update_elem(&mw_external, &key, &fresh, BPF_ANY)) {
		mw_count_lost(MW_LOST_SAMPLES);
		return;
	}
	mw_site_add(site, fresh.bytes);
}

/* this->Allocate(size), this->AllocateUninitialized(size) */
MW_UPROBE(mw_ext_alloc_in)
{
	struct mw_external_call call = {.size = PT_REGS_PARM2(ctx)};
	__u32 tid = bpf_get_current_pid_tgid();

	bpf_map_update_elem(&mw_ext_calls, &tid, &call, BPF_ANY);
	return 0;
}

/* this->Reallocate(old, old_size, size) */
MW_UPROBE(mw_ext_real_in)
{
	struct mw_external_call call = {.size = PT_REGS_PARM4(ctx), .old = PT_REGS_PARM2(ctx)};
	__u32 tid = bpf_get_current_pid_tgid();

	if (!mw_external_take(mw_current_pid(), call.old, &call.known))
		call.known.hash = 0;
	bpf_map_update_elem(&mw_ext_calls, &tid, &call, BPF_ANY);
	return 0;
}

/* The old block of a reallocation: freed, or, if that failed, still there. */
static __always_inline void mw_external_moved(__u32 pid, const struct mw_external_call *call,
					      __u64 returned)
{
	struct mw_external_key key = {.addr = call->old, .pid = pid};

	if (!call->known.hash)
		return;
	if (returned || !call->size)
		mw_external_off(pid, &call->known);
	else
		bpf_map_update_elem(&mw_external, &key, &call->known, BPF_ANY);
}

MW_URETPROBE(mw_ext_out)
{
	__u32 tid = bpf_get_current_pid_tgid(), pid = mw_current_pid();
	struct mw_external_call *call = bpf_map_lookup_elem(&mw_ext_calls, &tid);
	__u64 size;

	if (!call)
		return 0;
	size = call->size;
	mw_external_moved(pid, call, PT_REGS_RC(ctx));
	bpf_map_delete_elem(&mw_ext_calls, &tid);
	mw_external_allocated(ctx, pid, PT_REGS_RC(ctx), size);
	return 0;
}

/* this->Free(data, size) */
MW_UPROBE(mw_ext_free)
{
	__u32 pid = mw_current_pid();
	struct mw_external known;

	if (mw_external_take(pid, PT_REGS_PARM2(ctx), &known))
		mw_external_off(pid, &known);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Growth sites: which stacks of a watched process take how much memory.
 * See include/memwatch/sites.h for the data and how samples are weighed.
 */
#ifndef MEMWATCH_SITES_BPF_H
#define MEMWATCH_SITES_BPF_H

#include "memwatch.bpf.h"
#include "pidns.bpf.h"
#include "stack.bpf.h"

#define MW_COPY_PIECE 512

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MW_SITE_PROCS);
	__type(key, __u32);
	__type(value, struct mw_site_proc);
} mw_site_procs __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MW_SITES);
	__type(key, struct mw_site_key);
	__type(value, struct mw_site);
} mw_sites __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, MW_STACKS_BYTES);
} mw_stacks __weak SEC(".maps");

/* PID of the current process in memwatch's namespace; 0 if it is not in it. */
static __always_inline __u32 mw_current_pid(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return mw_pid_of(BPF_CORE_READ(task, group_leader));
}

static __always_inline struct mw_site_proc *mw_site_proc_of(__u32 pid)
{
	return mw_ctl.nr_site_procs ? bpf_map_lookup_elem(&mw_site_procs, &pid) : NULL;
}

/*
 * Whether an allocation of @bytes is in the sample, and what it then stands for: Horvitz and
 * Thompson's estimator, unbiased for any threshold. 0: not taken.
 */
static __always_inline __u64 mw_sample(__u64 bytes, __u32 threshold)
{
	if (!threshold || bytes >= threshold)
		return bytes;
	return bpf_get_prandom_u32() % threshold < bytes ? threshold : 0;
}

/* The registers with which the current task last came from user space. */
static __always_inline void mw_user_regs(struct mw_regs *out)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);

	out->ip = PT_REGS_IP_CORE(regs);
	out->sp = PT_REGS_SP_CORE(regs);
	out->fp = PT_REGS_FP_CORE(regs);
#if defined(__TARGET_ARCH_arm64)
	out->link = PT_REGS_RET_CORE(regs);
#else
	out->link = 0;
#endif
}

static __always_inline struct mw_scratch *mw_scratch_of(enum mw_scratch_user user)
{
	__u32 key = user;

	return bpf_map_lookup_elem(&mw_scratch, &key);
}

/* To be given back by mw_scratch_put(). NULL, and a sample lost, while another has it. */
static __always_inline struct mw_scratch *mw_scratch_take(enum mw_scratch_user user)
{
	struct mw_scratch *s = mw_scratch_of(user);

	if (!s || !__sync_lock_test_and_set(&s->is_taken, 1))
		return s;
	mw_count_lost(MW_LOST_SAMPLES);
	return NULL;
}

static __always_inline void mw_scratch_put(struct mw_scratch *s)
{
	*(volatile __u32 *)&s->is_taken = 0;
}

static __always_inline void mw_stack_header_fill(struct mw_stack_header *h, __u32 record, __u32 pid,
						 enum mw_site_kind kind)
{
	h->record = record;
	h->pid = pid;
	h->tid = bpf_get_current_pid_tgid();
	h->kind = kind;
	h->ts_ns = bpf_ktime_get_boot_ns();
}

/* Sends the stack in @s to user space, which has not seen it yet. */
static __always_inline int mw_stack_send(struct mw_scratch *s, __u32 pid, enum mw_site_kind kind)
{
	__u32 count = s->stack.count, size;

	barrier_var(count);
	if (count > MW_FRAMES)
		count = MW_FRAMES;
	size = offsetof(struct mw_stack, frames) + count * sizeof(struct mw_frame);
	mw_stack_header_fill(&s->stack.h, MW_STACK_FRAMES, pid, kind);
	return bpf_ringbuf_output(&mw_stacks, &s->stack, size, BPF_RB_NO_WAKEUP);
}

/*
 * The entry of (@pid, @kind, @hash). With @s: the stack that this is, sent if the entry is new; if
 * that cannot be, there is no entry either, so that the next sample tries again.
 */
static __always_inline struct mw_site *mw_site_get(__u32 pid, enum mw_site_kind kind, __u64 hash,
						   struct mw_scratch *s)
{
	struct mw_site_key key = {.pid = pid, .kind = kind, .hash = hash};
	struct mw_site *site = bpf_map_lookup_elem(&mw_sites, &key);
	struct mw_site fresh = {};
	bool is_new;

	if (site)
		return site;
	is_new = !bpf_map_update_elem(&mw_sites, &key, &fresh, BPF_NOEXIST);
	site = bpf_map_lookup_elem(&mw_sites, &key);
	if (!site) {
		mw_count_lost(MW_LOST_SITES);
		return NULL;
	}
	if (is_new && s && mw_stack_send(s, pid, kind)) {
		bpf_map_delete_elem(&mw_sites, &key);
		mw_count_lost(MW_LOST_STACKS);
		return NULL;
	}
	return site;
}

static __always_inline void mw_site_add(struct mw_site *site, __u64 bytes)
{
	mw_add(site->bytes, bytes);
	mw_add(site->samples, 1);
}

#if defined(__TARGET_ARCH_x86)
/* DWARF's numbering: rax rdx rcx rbx rsi rdi rbp rsp r8 ... r15 rip. */
static __always_inline void mw_copy_regs(__u64 *out, struct pt_regs *regs)
{
	out[3] = BPF_CORE_READ(regs, bx);
	out[6] = BPF_CORE_READ(regs, bp);
	out[7] = BPF_CORE_READ(regs, sp);
	out[12] = BPF_CORE_READ(regs, r12);
	out[13] = BPF_CORE_READ(regs, r13);
	out[14] = BPF_CORE_READ(regs, r14);
	out[15] = BPF_CORE_READ(regs, r15);
	out[16] = BPF_CORE_READ(regs, ip);
}
#else
static __always_inline void mw_copy_regs(__u64 *out, struct pt_regs *regs)
{
	struct user_pt_regs *user = (void *)regs;

	bpf_probe_read_kernel(out, 31 * 8, &user->regs);
	out[31] = BPF_CORE_READ(user, sp);
	out[32] = BPF_CORE_READ(user, pc);
}
#endif

/* Copies the stack of a program without frame pointers: for user space to unwind. */
static __always_inline void mw_stack_copy(struct mw_site_proc *proc, __u32 pid,
					  enum mw_site_kind kind, __u64 bytes)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);
	struct mw_stack_copy *copy;
	__u64 sp = PT_REGS_SP_CORE(regs);

	if (!proc->copies_left || (__s32)__sync_fetch_and_add(&proc->copies_left, -1) <= 0) {
		mw_count_lost(MW_LOST_STACKS);
		return;
	}
	copy = bpf_ringbuf_reserve(&mw_stacks, sizeof(*copy), 0);
	if (!copy) {
		mw_count_lost(MW_LOST_STACKS);
		return;
	}
	mw_stack_header_fill(&copy->h, MW_STACK_COPY, pid, kind);
	copy->bytes = bytes;
	copy->pad = 0;
	__builtin_memset(copy->regs, 0, sizeof(copy->regs));
	mw_copy_regs(copy->regs, regs);
	/* The stack may end before: by pieces, up to the first that cannot be read. */
	copy->size = 0;
	for (int i = 0; i < MW_STACK_COPY_BYTES / MW_COPY_PIECE; i++) {
		if (bpf_probe_read_user(&copy->stack[i * MW_COPY_PIECE], MW_COPY_PIECE,
					(void *)(sp + i * MW_COPY_PIECE)))
			break;
		copy->size = (i + 1) * MW_COPY_PIECE;
	}
	bpf_ringbuf_submit(copy, BPF_RB_NO_WAKEUP);
}

/* One sample of @kind that stands for @bytes, taken in the current task. */
static __always_inline void mw_site_sample(struct mw_site_proc *proc, __u32 pid,
					   enum mw_site_kind kind, __u64 bytes,
					   enum mw_scratch_user user)
{
	struct mw_regs regs;
	struct mw_scratch *s;
	struct mw_site *site;

	if (!mw_cfg.has_types) /* nor any process whose sites are taken */
		return;
	if (proc->walk == MW_WALK_COPY) {
		mw_stack_copy(proc, pid, kind, bytes);
		return;
	}
	s = mw_scratch_take(user);
	if (!s)
		return;
	s->proc = *proc;
	mw_user_regs(&regs);
	mw_walk(s, user, &regs);
	site = mw_site_get(pid, kind, s->stack.hash, s);
	if (site)
		mw_site_add(site, bytes);
	mw_scratch_put(s);
}

#endif

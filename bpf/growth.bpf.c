// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Why a process grows: its calls of mmap, munmap, mremap and brk, counted with
 * their bytes, and where its page faults land; a map entry a process.
 *
 * The calls are taken at the return of the system call, so that only those that
 * succeeded count. Three ways, the cheapest that the kernel has (the table is
 * in user/collect/hooks.c):
 *   fexit     on the four __x64_sys_* functions
 *   kretprobe on the same; the arguments from the registers saved at entry
 *   tp_btf    sys_exit: every task's every system call takes the slow path
 * All end in mw_count_call().
 *
 * LIMITATIONS: 32-bit programs on a 64-bit kernel are not counted. Two threads
 * in brk(2) at the same time may count its bytes once too often or too seldom
 * (libc's allocators hold a lock). Maps that the kernel makes itself (exec,
 * io_uring, AIO) are not calls.
 */
#include "memwatch.bpf.h"

#if defined(__TARGET_ARCH_x86)
#define MW_SYSCALL(name) "__x64_sys_" #name
#define MW_NR_mmap	 9
#define MW_NR_munmap	 11
#define MW_NR_brk	 12
#define MW_NR_mremap	 25
#define MW_TS_COMPAT	 0x2 /* arch/x86/include/asm/thread_info.h */
#elif defined(__TARGET_ARCH_arm64)
#define MW_SYSCALL(name) "__arm64_sys_" #name
#define MW_NR_mmap	 222
#define MW_NR_munmap	 215
#define MW_NR_brk	 214
#define MW_NR_mremap	 216
#define MW_TIF_32BIT	 (1UL << 22) /* arch/arm64/include/asm/thread_info.h */
#endif

#define MW_MAX_ERRNO 4095

/*
 * The entry of the current process. In a watch of named processes only those
 * have one; else it is made at fork or here.
 */
static __always_inline struct mw_growth *mw_growth_of_current(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct mw_growth *growth = bpf_map_lookup_elem(&mw_growth, &tgid);
	struct mw_growth fresh = {};

	if (growth || mw_ctl.nr_targets)
		return growth;
	bpf_map_update_elem(&mw_growth, &tgid, &fresh, BPF_NOEXIST);
	growth = bpf_map_lookup_elem(&mw_growth, &tgid);
	if (!growth)
		mw_count_lost(MW_LOST_PROCS);
	return growth;
}

static __always_inline __u64 mw_page_align(__u64 len)
{
	__u64 mask = (1ULL << mw_cfg.page_shift) - 1;

	return (len + mask) & ~mask;
}

static __always_inline void mw_count_brk(struct mw_growth *growth, __u64 now)
{
	__u64 last = growth->brk_last;

	growth->brk_last = now;
	if (!last || now == last) /* brk(0) asks, and a refused move answers the old break */
		return;
	mw_add(growth->brk_count, 1);
	if (now > last)
		mw_add(growth->brk_bytes, now - last);
}

static __always_inline void mw_count_mremap(struct mw_growth *growth, __u64 from, __u64 to)
{
	from = mw_page_align(from);
	to = mw_page_align(to);
	mw_add(growth->mremap_count, 1);
	if (to > from)
		mw_add(growth->mremap_bytes, to - from);
	else if (from > to)
		mw_add(growth->munmap_bytes, from - to);
}

/* @arg2, @arg3: of the call; the length, and mremap's new length. */
static __always_inline int mw_count_call(long nr, __u64 arg2, __u64 arg3, __u64 ret)
{
	struct mw_growth *growth;

	if (ret >= (__u64)-MW_MAX_ERRNO)
		return 0;
	growth = mw_growth_of_current();
	if (!growth)
		return 0;
	switch (nr) {
	case MW_NR_mmap:
		mw_add(growth->mmap_count, 1);
		mw_add(growth->mmap_bytes, mw_page_align(arg2));
		break;
	case MW_NR_munmap:
		mw_add(growth->munmap_count, 1);
		mw_add(growth->munmap_bytes, mw_page_align(arg2));
		break;
	case MW_NR_mremap:
		mw_count_mremap(growth, arg2, arg3);
		break;
	case MW_NR_brk:
		mw_count_brk(growth, ret);
		break;
	}
	return 0;
}

static __always_inline int mw_count_regs(long nr, const struct pt_regs *regs, long ret)
{
	return mw_count_call(nr, PT_REGS_PARM2_CORE_SYSCALL(regs), PT_REGS_PARM3_CORE_SYSCALL(regs),
			     ret);
}

/* --- fexit --- */

SEC("?fexit/" MW_SYSCALL(mmap))
int BPF_PROG(mw_fx_mmap, const struct pt_regs *regs, long ret)
{
	return mw_count_regs(MW_NR_mmap, regs, ret);
}

SEC("?fexit/" MW_SYSCALL(munmap))
int BPF_PROG(mw_fx_munmap, const struct pt_regs *regs, long ret)
{
	return mw_count_regs(MW_NR_munmap, regs, ret);
}

SEC("?fexit/" MW_SYSCALL(mremap))
int BPF_PROG(mw_fx_mremap, const struct pt_regs *regs, long ret)
{
	return mw_count_regs(MW_NR_mremap, regs, ret);
}

SEC("?fexit/" MW_SYSCALL(brk))
int BPF_PROG(mw_fx_brk, const struct pt_regs *regs, long ret)
{
	return mw_count_regs(MW_NR_brk, regs, ret);
}

/* --- kretprobe --- */

static __always_inline int mw_count_kretprobe(long nr, struct pt_regs *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);

	return mw_count_regs(nr, regs, PT_REGS_RC_CORE(ctx));
}

SEC("?kretprobe/" MW_SYSCALL(mmap))
int mw_kr_mmap(struct pt_regs *ctx)
{
	return mw_count_kretprobe(MW_NR_mmap, ctx);
}

SEC("?kretprobe/" MW_SYSCALL(munmap))
int mw_kr_munmap(struct pt_regs *ctx)
{
	return mw_count_kretprobe(MW_NR_munmap, ctx);
}

SEC("?kretprobe/" MW_SYSCALL(mremap))
int mw_kr_mremap(struct pt_regs *ctx)
{
	return mw_count_kretprobe(MW_NR_mremap, ctx);
}

SEC("?kretprobe/" MW_SYSCALL(brk))
int mw_kr_brk(struct pt_regs *ctx)
{
	return mw_count_kretprobe(MW_NR_brk, ctx);
}

/* --- sys_exit --- */

/* A 32-bit program's call numbers mean other calls. */
static __always_inline bool mw_is_compat(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ(task, thread_info.status) & MW_TS_COMPAT;
#else
	return BPF_CORE_READ(task, thread_info.flags) & MW_TIF_32BIT;
#endif
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(mw_sys_exit, struct pt_regs *regs, long ret)
{
#if defined(__TARGET_ARCH_x86)
	long nr = regs->orig_ax;
#else
	long nr = regs->syscallno;
#endif

	if (nr != MW_NR_mmap && nr != MW_NR_munmap && nr != MW_NR_brk && nr != MW_NR_mremap)
		return 0;
	if (mw_is_compat())
		return 0;
	return mw_count_call(nr, PT_REGS_PARM2_SYSCALL(regs), PT_REGS_PARM3_SYSCALL(regs), ret);
}

/* --- page faults --- */

/*
 * One sampled fault that stands for @weight. Where: the brk heap, the main
 * thread's stack, or a mapping (V8's heap, large mallocs, thread stacks, files).
 */
static __always_inline int mw_count_fault(__u64 addr, __u64 weight)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct mw_growth *growth;
	struct mm_struct *mm;
	__u64 stack;

	/* A late fault (clear_child_tid) would make an entry that nobody takes away. */
	if (BPF_CORE_READ(task, flags) & (PF_EXITING | PF_KTHREAD))
		return 0;
	mm = BPF_CORE_READ(task, mm);
	growth = mm ? mw_growth_of_current() : NULL;
	if (!growth)
		return 0;
	stack = BPF_CORE_READ(mm, start_stack);
	if (addr >= BPF_CORE_READ(mm, start_brk) && addr < BPF_CORE_READ(mm, brk))
		mw_add(growth->fault_heap, weight);
	else if (addr <= stack &&
		 addr >= stack - (BPF_CORE_READ(mm, stack_vm) << mw_cfg.page_shift))
		mw_add(growth->fault_stack, weight);
	else
		mw_add(growth->fault_mmap, weight);
	return 0;
}

SEC("?perf_event")
int mw_fault_perf(struct bpf_perf_event_data *ctx)
{
	return mw_count_fault(ctx->addr, mw_cfg.fault_period);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Why a process grows: its calls of mmap, munmap, mremap and brk, counted with
 * their bytes, and where its page faults land; a map entry a process.
 *
 * The calls are taken at the return of the system call, so that only those that
 * succeeded count. Four ways, the cheapest that the kernel has (the table is
 * in user/collect/hooks.c):
 *   fexit     on the four __x64_sys_* functions
 *   kretprobe on the same; the arguments from the registers saved at entry
 *   tp_btf    sys_exit: every task's every system call takes the slow path
 *   raw_tp    the same where the kernel does not know its own types
 * All end in mw_count_call().
 *
 * LIMITATIONS: 32-bit programs on a 64-bit kernel are not counted. Two threads
 * in brk(2) at the same time may count its bytes once too often or too seldom
 * (libc's allocators hold a lock). Maps that the kernel makes itself (exec,
 * io_uring, AIO) are not calls.
 */
#include "memwatch.bpf.h"
#include "rss.bpf.h"
#include "sites.bpf.h"

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

/* Returns how many bytes the heap grew by. */
static __always_inline __u64 mw_count_brk(struct mw_growth *growth, __u64 now)
{
	__u64 last = growth->brk_last;

	growth->brk_last = now;
	if (!last || now == last) /* brk(0) asks, and a refused move answers the old break */
		return 0;
	mw_add(growth->brk_count, 1);
	if (now < last)
		return 0;
	mw_add(growth->brk_bytes, now - last);
	return now - last;
}

/* Returns how many bytes it grew by. */
static __always_inline __u64 mw_count_mremap(struct mw_growth *growth, __u64 from, __u64 to)
{
	from = mw_page_align(from);
	to = mw_page_align(to);
	mw_add(growth->mremap_count, 1);
	if (to <= from) {
		mw_add(growth->munmap_bytes, from - to);
		return 0;
	}
	mw_add(growth->mremap_bytes, to - from);
	return to - from;
}

/* The current process, if its sites are taken, grew by @bytes. */
static __always_inline void mw_grown(enum mw_site_kind kind, __u64 bytes)
{
	__u32 pid;
	struct mw_site_proc *proc;

	if (!bytes || !mw_ctl.nr_site_procs)
		return;
	pid = mw_current_pid();
	proc = mw_site_proc_of(pid);
	bytes = proc ? mw_sample(bytes, proc->sample_bytes) : 0;
	if (bytes)
		mw_site_sample(proc, pid, kind, bytes, MW_SCRATCH_CALL);
}

/* @arg2, @arg3: of the call; the length, and mremap's new length. */
static __always_inline int mw_count_call(long nr, __u64 arg2, __u64 arg3, __u64 ret,
					 const bool has_loop)
{
	struct mw_growth *growth;
	__u64 mapped = 0, heap = 0;

	if (ret >= (__u64)-MW_MAX_ERRNO)
		return 0;
	growth = mw_growth_of_current();
	if (!growth)
		return 0;
	switch (nr) {
	case MW_NR_mmap:
		mapped = mw_page_align(arg2);
		mw_add(growth->mmap_count, 1);
		mw_add(growth->mmap_bytes, mapped);
		break;
	case MW_NR_munmap:
		mw_add(growth->munmap_count, 1);
		mw_add(growth->munmap_bytes, mw_page_align(arg2));
		break;
	case MW_NR_mremap:
		mapped = mw_count_mremap(growth, arg2, arg3);
		break;
	case MW_NR_brk:
		heap = mw_count_brk(growth, ret);
		break;
	}
	if (has_loop && (mapped || heap))
		mw_grown(heap ? MW_SITE_BRK : MW_SITE_MMAP, mapped + heap);
	return 0;
}

static __always_inline int mw_count_regs(long nr, const struct pt_regs *regs, long ret,
					 const bool has_loop)
{
	return mw_count_call(nr, PT_REGS_PARM2_CORE_SYSCALL(regs), PT_REGS_PARM3_CORE_SYSCALL(regs),
			     ret, has_loop);
}

/* --- fexit, kretprobe --- */

static __always_inline int mw_count_kretprobe(long nr, struct pt_regs *ctx, const bool has_loop)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);

	return mw_count_regs(nr, regs, PT_REGS_RC_CORE(ctx), has_loop);
}

/* The programs of one call, and their twins for kernels without bpf_loop(). */
#define MW_CALL_PROGRAMS(call, twin, has_loop)                                                     \
	SEC("?fexit/" MW_SYSCALL(call))                                                            \
	int BPF_PROG(mw_fx_##call##twin, const struct pt_regs *regs, long ret)                     \
	{                                                                                          \
		return mw_count_regs(MW_NR_##call, regs, ret, has_loop);                           \
	}                                                                                          \
	SEC("?kretprobe/" MW_SYSCALL(call))                                                        \
	int mw_kr_##call##twin(struct pt_regs *ctx)                                                \
	{                                                                                          \
		return mw_count_kretprobe(MW_NR_##call, ctx, has_loop);                            \
	}

MW_CALL_PROGRAMS(mmap, , true)
MW_CALL_PROGRAMS(munmap, , true)
MW_CALL_PROGRAMS(mremap, , true)
MW_CALL_PROGRAMS(brk, , true)
MW_CALL_PROGRAMS(mmap, _v510, false)
MW_CALL_PROGRAMS(munmap, _v510, false)
MW_CALL_PROGRAMS(mremap, _v510, false)
MW_CALL_PROGRAMS(brk, _v510, false)

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

#if defined(__TARGET_ARCH_x86)
#define mw_syscall_nr(typed, regs) MW_READ(typed, regs, orig_ax)
#else
#define mw_syscall_nr(typed, regs) MW_READ(typed, regs, syscallno)
#endif

static __always_inline int mw_count_sys_exit(struct pt_regs *regs, long ret, const bool has_loop,
					     const bool typed)
{
	long nr = mw_syscall_nr(typed, regs);

	if (nr != MW_NR_mmap && nr != MW_NR_munmap && nr != MW_NR_brk && nr != MW_NR_mremap)
		return 0;
	if (mw_is_compat())
		return 0;
	return mw_count_regs(nr, regs, ret, has_loop);
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(mw_sys_exit, struct pt_regs *regs, long ret)
{
	return mw_count_sys_exit(regs, ret, true, true);
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(mw_sys_exit_v510, struct pt_regs *regs, long ret)
{
	return mw_count_sys_exit(regs, ret, false, true);
}

SEC("?raw_tp/sys_exit")
int BPF_PROG(mw_raw_sys_exit, struct pt_regs *regs, long ret)
{
	return mw_count_sys_exit(regs, ret, true, false);
}

SEC("?raw_tp/sys_exit")
int BPF_PROG(mw_raw_sys_exit_v510, struct pt_regs *regs, long ret)
{
	return mw_count_sys_exit(regs, ret, false, false);
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

/*
 * How many bytes @faults faults of the current process brought. Where huge pages come one fault
 * is 512 pages: the growth of its RSS since the sample before tells, when it is more than the
 * faults of all CPUs that are not sampled yet can be.
 */
#define MW_HUGE_PAGES 512

static __always_inline __u64 mw_fault_bytes(struct mw_site_proc *proc, __u64 faults)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct mw_task sizes = {};
	__u64 rss, before = proc->rss_pages, pages = faults;

	if (mm) {
		mw_rss_read(mm, &sizes, true);
		rss = sizes.anon_pages + sizes.shmem_pages + sizes.swap_pages;
		if (before && rss > before + MW_HUGE_PAGES &&
		    rss - before > faults * mw_cfg.nr_cpus)
			pages = rss - before;
		proc->rss_pages = rss;
	}
	return pages << mw_cfg.page_shift;
}

static __always_inline int mw_sample_fault(struct bpf_perf_event_data *ctx)
{
	struct mw_site_proc *proc;
	__u64 bytes;
	__u32 pid;

	mw_count_fault(ctx->addr, ctx->sample_period);
	if (!mw_ctl.nr_site_procs)
		return 0;
	pid = mw_current_pid();
	proc = mw_site_proc_of(pid);
	if (!proc)
		return 0;
	bytes = mw_sample(mw_fault_bytes(proc, ctx->sample_period), proc->sample_bytes);
	if (bytes)
		mw_site_sample(proc, pid, MW_SITE_FAULT, bytes, MW_SCRATCH_FAULT);
	return 0;
}

SEC("?perf_event")
int mw_fault_perf(struct bpf_perf_event_data *ctx)
{
	return mw_sample_fault(ctx);
}

SEC("?perf_event")
int mw_fault_perf_v510(struct bpf_perf_event_data *ctx)
{
	return mw_count_fault(ctx->addr, mw_cfg.fault_period);
}

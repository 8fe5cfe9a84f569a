/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Resident set size of an mm, by kind, exact.
 *
 * Up to 6.1 mm->rss_stat is a struct of atomic longs. Since 6.2 (kernel commit
 * f1a7941243c1) it is an array of percpu_counter: the shared count alone is off
 * by up to batch x CPUs pages, so the per-CPU parts are added up, over exactly
 * the possible CPUs (past them there is garbage).
 *
 * Array indices are constants: CO-RE relocates the offset of rss_stat[2], but
 * not the stride of a variable index.
 */
#ifndef MEMWATCH_RSS_BPF_H
#define MEMWATCH_RSS_BPF_H

#include "memwatch.bpf.h"

/* enum in include/linux/mm_types_task.h, unchanged since 4.5 */
#define MW_MM_FILEPAGES	 0
#define MW_MM_ANONPAGES	 1
#define MW_MM_SWAPENTS	 2
#define MW_MM_SHMEMPAGES 3

struct mm_rss_stat___pre_v62 {
	atomic_long_t count[4];
} __attribute__((preserve_access_index));

struct mm_struct___pre_v62 {
	struct mm_rss_stat___pre_v62 rss_stat;
} __attribute__((preserve_access_index));

/*
 * Where each CPU's per-CPU data lies: the kernel's __per_cpu_offset[].
 *
 * Its symbol is not in kallsyms on every kernel, nor readable for every user, so
 * it is measured: an element of a per-CPU map of ours is known both as the kernel
 * keeps it (bpf_array.pptrs, an offset) and as an address on each CPU. Passing
 * through a volatile makes numbers of what the verifier tracks as pointers.
 */
__u64 mw_percpu_offsets[MW_MAX_CPUS] __weak = {};
volatile __u64 mw_address __weak = 0;

/* Called for each CPU. */
static long mw_percpu_learn_cpu(__u32 cpu, void *ctx)
{
	__u64 *offset = ctx;
	__u32 zero = 0;
	void *element = bpf_map_lookup_percpu_elem(&mw_lost, &zero, cpu);

	if (!element || cpu >= MW_MAX_CPUS)
		return 1;
	mw_address = (__u64)element;
	mw_percpu_offsets[cpu] = mw_address - *offset;
	return 0;
}

static __always_inline void mw_percpu_learn(void)
{
	__u64 array, offset = 0;

	if (bpf_core_type_exists(struct mm_rss_stat___pre_v62))
		return;
	mw_address = (__u64)&mw_lost;
	array = mw_address + bpf_core_field_offset(struct bpf_array, pptrs);
	bpf_probe_read_kernel(&offset, sizeof(offset), (void *)array);
	bpf_loop(mw_cfg.nr_cpus, mw_percpu_learn_cpu, &offset, 0);
}

/* One percpu_counter, being added up. */
struct mw_percpu_sum {
	__u64 counters; /* as the kernel keeps a per-CPU pointer: an offset */
	__s64 sum;
	bool unreadable;
};

static long mw_percpu_add_cpu(__u32 cpu, void *ctx)
{
	struct mw_percpu_sum *s = ctx;
	__u64 offset;
	__s32 part = 0;

	if (cpu >= MW_MAX_CPUS)
		return 1;
	offset = mw_percpu_offsets[cpu];
	if (!offset || bpf_probe_read_kernel(&part, sizeof(part), (void *)(s->counters + offset))) {
		s->unreadable = true;
		return 1;
	}
	s->sum += part;
	return 0;
}

/* Adds the per-CPU parts to @count; sets @approximate if that cannot be done. */
static __always_inline __u64 mw_rss_exact(__s64 count, __u64 counters, bool *approximate)
{
	struct mw_percpu_sum s = {.counters = counters, .unreadable = !counters || !mw_cfg.nr_cpus};

	if (!s.unreadable)
		bpf_loop(mw_cfg.nr_cpus, mw_percpu_add_cpu, &s, 0);
	if (s.unreadable)
		*approximate = true;
	else
		count += s.sum;
	return count > 0 ? count : 0;
}

#define mw_rss_member(mm, member, approximate)                                                     \
	({                                                                                         \
		__s64 count__ = 0;                                                                 \
		__u64 counters__ = 0;                                                              \
		bpf_core_read(&count__, sizeof(count__), &(mm)->rss_stat[member].count);           \
		bpf_core_read(&counters__, sizeof(counters__), &(mm)->rss_stat[member].counters);  \
		mw_rss_exact(count__, counters__, approximate);                                    \
	})

#define mw_rss_member_pre_v62(mm, member)                                                          \
	({                                                                                         \
		struct mm_struct___pre_v62 *old__ = (void *)(mm);                                  \
		__s64 count__ = 0;                                                                 \
		bpf_core_read(&count__, sizeof(count__), &old__->rss_stat.count[member]);          \
		count__ > 0 ? count__ : 0;                                                         \
	})

/* Fills the four RSS fields of @out from @mm. */
static __always_inline void mw_rss_read(struct mm_struct *mm, struct mw_task *out,
					const bool has_loop)
{
	bool approximate = false;

	if (bpf_core_type_exists(struct mm_rss_stat___pre_v62)) {
		out->file_pages = mw_rss_member_pre_v62(mm, MW_MM_FILEPAGES);
		out->anon_pages = mw_rss_member_pre_v62(mm, MW_MM_ANONPAGES);
		out->swap_pages = mw_rss_member_pre_v62(mm, MW_MM_SWAPENTS);
		out->shmem_pages = mw_rss_member_pre_v62(mm, MW_MM_SHMEMPAGES);
		return;
	}
	if (!has_loop) /* cannot be: 6.2 has it */
		return;
	out->file_pages = mw_rss_member(mm, MW_MM_FILEPAGES, &approximate);
	out->anon_pages = mw_rss_member(mm, MW_MM_ANONPAGES, &approximate);
	out->swap_pages = mw_rss_member(mm, MW_MM_SWAPENTS, &approximate);
	out->shmem_pages = mw_rss_member(mm, MW_MM_SHMEMPAGES, &approximate);
	if (approximate)
		out->flags |= MW_TASK_RSS_APPROXIMATE;
}

#endif

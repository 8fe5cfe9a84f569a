/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every BPF program of memwatch shares: kernel types, the maps, the
 * configuration, and how a drop is counted.
 *
 * Maps and variables are defined weak in this one header and merged by the
 * static linker (bpftool gen object), so each source file sees the same ones.
 */
#ifndef MEMWATCH_BPF_H
#define MEMWATCH_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "memwatch/abi.h"

#define E2BIG	   7 /* a hash map is full */

#define PF_EXITING 0x00000004 /* include/linux/sched.h, unchanged since 2.6 */
#define PF_KTHREAD 0x00200000

const volatile struct mw_config mw_cfg __weak = {};
struct mw_control mw_ctl __weak = {};

/* What each process did since memwatch attached, by (global) thread group id. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MW_MAX_PROCS);
	__type(key, __u32);
	__type(value, struct mw_growth);
} mw_growth __weak SEC(".maps");

/* The processes that were named, by PID in memwatch's namespace. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MW_MAX_TARGETS);
	__type(key, __u32);
	__type(value, __u8);
} mw_targets __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, MW_RING_BYTES);
} mw_events __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MW_LOST_MAX);
	__type(key, __u32);
	__type(value, __u64);
} mw_lost __weak SEC(".maps");

static __always_inline void mw_count_lost(enum mw_lost cause)
{
	__u32 key = cause;
	__u64 *n = bpf_map_lookup_elem(&mw_lost, &key);

	if (n)
		(*n)++;
}

/*
 * Programs with loops exist twice. bpf_loop() (Linux 5.17) is verified once,
 * whatever its bound, but its callback alone keeps an older kernel from loading
 * the program. The _v510 twins have plain loops with small bounds; what those
 * leave out is counted and said. Passed on as a constant: @has_loop.
 */

/*
 * A field of a kernel struct: by a load where the verifier knows what @ptr points to, which cannot
 * fault and costs no call; else by bpf_probe_read_kernel(). @typed is a constant: on a kernel that
 * does not know its own types nothing is typed.
 */
#define MW_READ(typed, ptr, field) ((typed) ? (ptr)->field : BPF_CORE_READ(ptr, field))

/*
 * A program for uprobes: MW_UPROBE(name) { ... } with @ctx, its registers.
 *
 * Since 6.13 (kernel commit a76ab5731e32) the stack of a kprobe program that needs 64 bytes or more
 * is one per CPU, as such programs do not interrupt each other. Those of uprobes do: they run
 * preemptibly, and another thread's may run in the middle of one, on its stack: the kernel then
 * writes anywhere (seen on 7.3: a crash). A program with a tail call keeps the stack of its thread;
 * this one is never made, and the verifier takes it out after it has looked.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} mw_no_programs __weak SEC(".maps");

const volatile bool mw_never __weak = false;

#define MW_ON_USER_CODE(section, name)                                                             \
	static __always_inline int name##_body(struct pt_regs *ctx);                               \
	SEC(section)                                                                               \
	int name(struct pt_regs *ctx)                                                              \
	{                                                                                          \
		if (mw_never)                                                                      \
			bpf_tail_call(ctx, &mw_no_programs, 0);                                    \
		return name##_body(ctx);                                                           \
	}                                                                                          \
	static __always_inline int name##_body(struct pt_regs *ctx)

#define MW_UPROBE(name)	   MW_ON_USER_CODE("?uprobe", name)
#define MW_URETPROBE(name) MW_ON_USER_CODE("?uretprobe", name)

/* Adds to a counter that several threads of a process may share. */
#define mw_add(counter, n) __sync_fetch_and_add(&(counter), (n))

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How long BPF programs run in other processes' time, by capability; and how often they should
 * have run and did not.
 *
 * The kernel tells (BPF_ENABLE_STATS), but while it does, every run of every
 * BPF program on the machine takes two clock reads more, and switching it on or
 * off rewrites kernel code under the eyes of all CPUs: up to 15 ms of our own time
 * on a busy virtual machine. So it is on for short windows, two seconds apart at
 * first and then ever more rarely; the rate that a window saw is taken to hold
 * until the next.
 */
#ifndef MEMWATCH_COLLECT_BPF_COST_H
#define MEMWATCH_COLLECT_BPF_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/hooks.h"

#define BPF_COST_STEP_MS 100 /* call bpf_cost_step() so often: the length of a window */

struct bpf_cost {
	int fds[CAPABILITY_MAX][HOOK_MAX_PROGRAMS]; /* of programs, not owned */
	unsigned fd_count[CAPABILITY_MAX];
	int stats_fd; /* open during a window; else -1 */
	uint64_t window_ns, next_ns, gap_ns;
	uint64_t run_ns[CAPABILITY_MAX];     /* as the window began */
	uint64_t counted_ns[CAPABILITY_MAX]; /* estimate up to @as_of_ns */
	double rate[CAPABILITY_MAX];	     /* of the last window: ns a ns */
	uint64_t as_of_ns;		     /* 0: no window has ended yet */
};

void bpf_cost_init(struct bpf_cost *c);
void bpf_cost_release(struct bpf_cost *c);

/** bpf_cost_add - @prog_fd runs for @capability */
void bpf_cost_add(struct bpf_cost *c, enum capability capability, int prog_fd);

/** bpf_cost_step - begins or ends a window when it is due; @now_ns: CLOCK_BOOTTIME */
void bpf_cost_step(struct bpf_cost *c, uint64_t now_ns);

/** bpf_cost_look_again - things have changed: measure soon, not in up to 32 s */
void bpf_cost_look_again(struct bpf_cost *c);

/** bpf_cost_stop - @capability's programs are detached: they take nothing from now on */
void bpf_cost_stop(struct bpf_cost *c, enum capability capability, uint64_t now_ns);

/** bpf_cost_ns - run time of @capability's programs up to @now_ns, estimated */
uint64_t bpf_cost_ns(const struct bpf_cost *c, enum capability capability, uint64_t now_ns);

/**
 * bpf_cost_missed - runs of @capability's programs that the kernel left out since they were loaded
 *
 * A program is not run again on a CPU where it is in the middle of a run: one that was preempted
 * (kernel/bpf/trampoline.c, __bpf_prog_enter_recur(); kernel/trace/bpf_trace.c, __bpf_trace_run()).
 * recursion_misses tells: of fentry and fexit since Linux 5.12 (kernel: 9ed9e9ba2337 "bpf: Count
 * the number of times recursion was prevented"), of raw_tp and tp_btf since 6.1, which has the
 * first guard (05b24ff9b2cf "bpf: Prevent bpf program recursion for raw tracepoint probes"), of
 * kprobes since 6.7 (dd8657894c11 "bpf: Count missed stats in trace_call_bpf"). 0 before.
 *
 * LIMITATIONS: not known are runs left out of perf events (bpf_overflow_handler() counts none); and
 * returns that a kretprobe had no room for: bpf_link_info.perf_event.kprobe.missed tells since 6.7
 * (3acf8ace6823 "bpf: Add missed value to kprobe perf link info"), but libbpf 1.1 does not know it.
 * Uprobes have no guard since 6.0, and did not count before.
 */
uint64_t bpf_cost_missed(const struct bpf_cost *c, enum capability capability);

#endif

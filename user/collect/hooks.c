/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hook table, and the probes that say what a kernel has.
 *
 * fexit is tried for real, with an empty program: some kernels have the BTF
 * for it and refuse it all the same (no ftrace on arm64 before 6.0, policy).
 */
#include "collect/hooks.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CAP_PERFMON /* Linux 5.8 */
#define CAP_PERFMON 38
#define CAP_BPF	    39
#endif

#if defined(__x86_64__)
#define SYSCALL_PREFIX "__x64_sys_"
#elif defined(__aarch64__)
#define SYSCALL_PREFIX "__arm64_sys_"
#endif

const struct capability_info capability_table[CAPABILITY_MAX] = {
	[CAPABILITY_TOTALS] = {"totals", "RSS by kind, swap, page tables, faults of every process",
			       "memwatch cannot run"},
	[CAPABILITY_CALLS] = {"calls", "mmap, munmap, mremap and brk: counts and bytes",
			      "no calls behind the growth; the totals are not affected"},
	[CAPABILITY_FAULTS] = {"faults", "where page faults land: brk heap, stack, mappings",
			       "fault counts only (they come with the totals)"},
	[CAPABILITY_FORK] = {"fork", "processes as they are born",
			     "processes are first seen at a tick or by exec"},
	[CAPABILITY_EXEC] = {"exec", "programs as they start",
			     "programs that start and end between two ticks are named late"},
	[CAPABILITY_EXIT] = {"exit",
			     "ends with status and peak size, also of short-lived processes",
			     "an end shows as absence at the next tick, without status or peak"},
	[CAPABILITY_OOM] = {"oom", "OOM kills: victim, sizes, whose limit",
			    "OOM kills show as an exit by signal 9"},
	[CAPABILITY_GC] = {"gc", "garbage collections: kind, pause, what lives after them",
			   "leaks are told by the valleys of private memory alone"},
	[CAPABILITY_SITES] = {"sites",
			      "which code makes a process grow: stacks at faults and calls",
			      "what grows is shown, not by which code"},
	[CAPABILITY_V8] = {"v8", "JavaScript: what survives of its allocations, and Buffers",
			   "JavaScript shows by its page faults only"},
	[CAPABILITY_SELF] = {"self", "BPF run time of memwatch's own programs",
			     "own cost is shown without the time in BPF programs"},
};

#define NAME_TYPES                                                                                 \
	"boot the distribution's kernel that has it (most have since 2021), or name a file: "      \
	"--btf "                                                                                   \
	"FILE, BTF of exactly this kernel, as in BTFHub's archive or as pahole makes it from the " \
	"kernel's debug symbols (memwatch(8), KERNELS WITHOUT BTF); then all but growth sites "    \
	"works"

static int probe_privileges(const struct kernel *k, const char **why)
{
	if (k->is_malformed) {
		*why = "this kernel's BTF (/sys/kernel/btf/vmlinux) is malformed, and so it "
		       "refuses "
		       "BPF programs: boot another build of it, by a newer pahole";
		return -EPROTO;
	}
	if (!k->btf) {
		*why = "this kernel has no BTF, the types of its memory (no "
		       "/sys/kernel/btf/vmlinux: CONFIG_DEBUG_INFO_BTF is off): " NAME_TYPES;
		return -ENOENT;
	}
	if (!kernel_has_cap(k, CAP_SYS_ADMIN) &&
	    (!kernel_has_cap(k, CAP_BPF) || !kernel_has_cap(k, CAP_PERFMON))) {
		*why = "no permission: run it as root (sudo), or with CAP_BPF and CAP_PERFMON; in "
		       "a "
		       "container with --privileged or those capabilities";
		return -EPERM;
	}
	if (k->lockdown) {
		*why = "kernel lockdown (confidentiality) forbids BPF to read memory: boot with "
		       "lockdown=integrity or without Secure Boot's confidentiality mode";
		return -EPERM;
	}
	return 0;
}

/* As Debian's 5.10 has struct pt_regs for mremap: by name only. */
static bool knows_call_arguments(const struct kernel *k)
{
	static const char *const calls[] = {SYSCALL_PREFIX "mmap", SYSCALL_PREFIX "munmap",
					    SYSCALL_PREFIX "mremap", SYSCALL_PREFIX "brk"};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (!kernel_function_arg_is_known(k, calls[i], 0))
			return false;
	}
	return true;
}

/* Programs with typed pointers are checked by the kernel itself, by its own types. */
static int probe_types(const struct kernel *k, const char **why)
{
	if (k->has_types)
		return 0;
	*why = "this kernel does not know its own types (CONFIG_DEBUG_INFO_BTF is off)";
	return -ENOENT;
}

static int probe_iter(const struct kernel *k, const char **why)
{
	int err = probe_privileges(k, why);

	return err ? err : probe_types(k, why);
}

static int probe_fexit(const struct kernel *k, const char **why)
{
	struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FEXIT);
	int id, prog_fd, link_fd, err = probe_types(k, why);

	if (err)
		return err;
	/* A file numbers types in its own way. */
	id = k->btf_file ? libbpf_find_vmlinux_btf_id(SYSCALL_PREFIX "mremap", BPF_TRACE_FEXIT)
			 : btf__find_by_name_kind(k->btf, SYSCALL_PREFIX "mremap", BTF_KIND_FUNC);
	*why = "this kernel refuses fentry/fexit programs (needs CONFIG_FUNCTION_TRACER and BPF "
	       "trampolines: x86-64 since 5.5, arm64 since 6.0)";
	if (id < 0)
		return -ENOENT;
	if (!knows_call_arguments(k)) {
		*why = "this kernel's BTF does not say what the arguments of mmap, munmap, mremap "
		       "and brk are (Debian's 5.10: of mremap)";
		return -ENOTSUP;
	}
	opts.attach_btf_id = id;
	prog_fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "mw_probe", "GPL", program,
				sizeof(program) / sizeof(program[0]), &opts);
	if (prog_fd < 0)
		return prog_fd;
	link_fd = bpf_raw_tracepoint_open(NULL, prog_fd);
	close(prog_fd);
	if (link_fd < 0)
		return link_fd;
	close(link_fd);
	return 0;
}

static int probe_kretprobe(const struct kernel *k, const char **why)
{
	int err = probe_types(k, why); /* bpf_task_pt_regs() takes a typed task */

	if (err)
		return err;
	if (access("/sys/bus/event_source/devices/kprobe/type", F_OK)) {
		*why = "this kernel has no kprobes (CONFIG_KPROBES, CONFIG_KPROBE_EVENTS)";
		return -ENOENT;
	}
	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_task_pt_regs, NULL) != 1) {
		*why = "bpf_task_pt_regs() needs Linux 5.15";
		return -ENOTSUP;
	}
	return 0;
}

/* A raw_tp program; and a tp_btf program where the kernel knows its own types. */
static int probe_raw_tp(const struct kernel *k, const char *name, const char **why)
{
	if (kernel_has_tracepoint(k, name))
		return 0;
	*why = "this kernel has no such tracepoint";
	return -ENOENT;
}

static int probe_tp_btf(const struct kernel *k, const char *name, const char **why)
{
	int err = probe_types(k, why);

	return err ? err : probe_raw_tp(k, name, why);
}

#define PROBE_TRACEPOINT(tracepoint)                                                               \
	static int probe_##tracepoint(const struct kernel *k, const char **why)                    \
	{                                                                                          \
		return probe_tp_btf(k, #tracepoint, why);                                          \
	}                                                                                          \
	static int probe_raw_##tracepoint(const struct kernel *k, const char **why)                \
	{                                                                                          \
		return probe_raw_tp(k, #tracepoint, why);                                          \
	}

PROBE_TRACEPOINT(sys_exit)
PROBE_TRACEPOINT(sched_process_fork)
PROBE_TRACEPOINT(sched_process_exec)
PROBE_TRACEPOINT(sched_process_exit)

static int probe_raw_victim(const struct kernel *k, const char **why)
{
	if (kernel_tracepoint_arg_is_task(k, "mark_victim", 0))
		return 0;
	*why = "mark_victim does not pass the task here (5.10.262, 6.1.170 and 6.8 or newer do)";
	return -ENOENT;
}

static int probe_victim(const struct kernel *k, const char **why)
{
	int err = probe_types(k, why);

	return err ? err : probe_raw_victim(k, why);
}

static int probe_raw_victim_pid(const struct kernel *k, const char **why)
{
	int err = probe_raw_tp(k, "mark_victim", why);

	if (err)
		return err;
	if (!kernel_tracepoint_arg_is_task(k, "mark_victim", 0))
		return 0;
	*why = "mark_victim passes the task here, and not its PID";
	return -ENOENT;
}

static int probe_victim_pid(const struct kernel *k, const char **why)
{
	int err = probe_types(k, why);

	return err ? err : probe_raw_victim_pid(k, why);
}

static int probe_perf_faults(const struct kernel *k, const char **why)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = 1 << 20,
	};
	int fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	(void)k;
	if (fd < 0) {
		*why = "perf events are refused: needs CAP_PERFMON (or CAP_SYS_ADMIN), and a "
		       "seccomp "
		       "profile that allows perf_event_open";
		return -errno;
	}
	close(fd);
	return 0;
}

static int probe_sites(const struct kernel *k, const char **why)
{
	int err = probe_types(k, why); /* bpf_task_pt_regs() takes a typed task */

	if (err || k->has_loop)
		return err;
	*why = "walking stacks needs bpf_loop(): Linux 5.17";
	return -ENOTSUP;
}

static int probe_uprobes(const struct kernel *k, const char **why)
{
	(void)k;
	if (access("/sys/bus/event_source/devices/uprobe/type", F_OK)) {
		*why = "this kernel has no uprobes (CONFIG_UPROBE_EVENTS)";
		return -ENOENT;
	}
	return 0;
}

static int probe_v8(const struct kernel *k, const char **why)
{
	int err = probe_sites(k, why);

	return err ? err : probe_uprobes(k, why);
}

static int probe_stats(const struct kernel *k, const char **why)
{
	(void)k;
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (fd < 0) {
		*why = "BPF run-time statistics need CAP_SYS_ADMIN";
		return fd;
	}
	close(fd);
	return 0;
}

const struct hook hook_table[] = {
	{CAPABILITY_TOTALS,
	 "iter/task",
	 {"mw_tasks"},
	 HOOK_ATTACH_ITER,
	 "nothing between ticks",
	 probe_iter},
	{CAPABILITY_TOTALS,
	 "proc",
	 {NULL},
	 HOOK_ATTACH_NONE,
	 "reading four files of each process at each tick, some 50 microseconds",
	 probe_privileges},
	{CAPABILITY_CALLS,
	 "fexit/" SYSCALL_PREFIX "*",
	 {"mw_fx_mmap", "mw_fx_munmap", "mw_fx_mremap", "mw_fx_brk"},
	 HOOK_ATTACH_AUTO,
	 "only these four calls",
	 probe_fexit},
	{CAPABILITY_CALLS,
	 "kretprobe/" SYSCALL_PREFIX "*",
	 {"mw_kr_mmap", "mw_kr_munmap", "mw_kr_mremap", "mw_kr_brk"},
	 HOOK_ATTACH_AUTO,
	 "only these four calls",
	 probe_kretprobe},
	{CAPABILITY_CALLS,
	 "tp_btf/sys_exit",
	 {"mw_sys_exit"},
	 HOOK_ATTACH_AUTO,
	 "every system call of every process, tens of nanoseconds",
	 probe_sys_exit},
	{CAPABILITY_CALLS,
	 "raw_tp/sys_exit",
	 {"mw_raw_sys_exit"},
	 HOOK_ATTACH_AUTO,
	 "every system call of every process, tens of nanoseconds",
	 probe_raw_sys_exit},
	{CAPABILITY_FAULTS,
	 "perf/page-faults",
	 {"mw_fault_perf"},
	 HOOK_ATTACH_PERF_FAULTS,
	 "each page fault, a few nanoseconds; one in 61 is sampled",
	 probe_perf_faults},
	{CAPABILITY_FORK,
	 "tp_btf/sched_process_fork",
	 {"mw_fork"},
	 HOOK_ATTACH_AUTO,
	 "each fork",
	 probe_sched_process_fork},
	{CAPABILITY_FORK,
	 "raw_tp/sched_process_fork",
	 {"mw_raw_fork"},
	 HOOK_ATTACH_AUTO,
	 "each fork",
	 probe_raw_sched_process_fork},
	{CAPABILITY_EXEC,
	 "tp_btf/sched_process_exec",
	 {"mw_exec"},
	 HOOK_ATTACH_AUTO,
	 "each exec",
	 probe_sched_process_exec},
	{CAPABILITY_EXEC,
	 "raw_tp/sched_process_exec",
	 {"mw_raw_exec"},
	 HOOK_ATTACH_AUTO,
	 "each exec",
	 probe_raw_sched_process_exec},
	{CAPABILITY_EXIT,
	 "tp_btf/sched_process_exit",
	 {"mw_exit"},
	 HOOK_ATTACH_AUTO,
	 "each exit",
	 probe_sched_process_exit},
	{CAPABILITY_EXIT,
	 "raw_tp/sched_process_exit",
	 {"mw_raw_exit"},
	 HOOK_ATTACH_AUTO,
	 "each exit",
	 probe_raw_sched_process_exit},
	{CAPABILITY_OOM,
	 "tp_btf/mark_victim",
	 {"mw_oom"},
	 HOOK_ATTACH_AUTO,
	 "each OOM kill",
	 probe_victim},
	{CAPABILITY_OOM,
	 "tp_btf/mark_victim:pid",
	 {"mw_oom_pid", "mw_oom_kill"},
	 HOOK_ATTACH_AUTO,
	 "each OOM kill, and a look at each signal",
	 probe_victim_pid},
	{CAPABILITY_OOM,
	 "raw_tp/mark_victim",
	 {"mw_raw_oom"},
	 HOOK_ATTACH_AUTO,
	 "each OOM kill",
	 probe_raw_victim},
	{CAPABILITY_OOM,
	 "raw_tp/mark_victim:pid",
	 {"mw_raw_oom_pid", "mw_raw_oom_kill"},
	 HOOK_ATTACH_AUTO,
	 "each OOM kill, and a look at each signal",
	 probe_raw_victim_pid},
	{CAPABILITY_GC,
	 "uprobe and USDT",
	 {"mw_gc_scav_in", "mw_gc_minor_in", "mw_gc_full_in", "mw_gc_out", "mw_gc_live",
	  "mw_gc_heap_out", "mw_gc_usdt_in", "mw_gc_usdt_out", "mw_gc_usdt_pool"},
	 HOOK_ATTACH_LATER,
	 "some 10 microseconds a collection, in named processes and the fastest growers",
	 probe_uprobes},
	{CAPABILITY_SITES,
	 "stack walk",
	 {NULL},
	 HOOK_ATTACH_NONE,
	 "microseconds a sample, for named processes and the fastest growers",
	 probe_sites},
	{CAPABILITY_V8,
	 "uprobe",
	 {"mw_v8_alloc_in", "mw_v8_alloc_out", "mw_v8_old_in", "mw_v8_old_out", "mw_v8_large_in",
	  "mw_v8_large_out", "mw_v8_scav_in", "mw_v8_scav_mid", "mw_v8_scav_out", "mw_v8_mc_in",
	  "mw_v8_mc_marked", "mw_v8_mc_moved", "mw_v8_mc_out", "mw_v8_heap_out", "mw_ext_alloc_in",
	  "mw_ext_real_in", "mw_ext_out", "mw_ext_free"},
	 HOOK_ATTACH_LATER,
	 "some 10 microseconds for 200 KiB that JavaScript allocates, at times within the budget",
	 probe_v8},
	{CAPABILITY_SELF,
	 "bpf_enable_stats",
	 {NULL},
	 HOOK_ATTACH_NONE,
	 "tens of nanoseconds a BPF program run, for 0.1 s every 2 to 32 s",
	 probe_stats},
};
const size_t hook_count = sizeof(hook_table) / sizeof(hook_table[0]);
const struct hook *const hook_totals_last = &hook_table[1];

static bool word_names_hook(const char *word, size_t len, const struct hook *hook)
{
	const char *capability = capability_table[hook->capability].name;
	size_t kind = strcspn(hook->name, "/");

	return (len == strlen(capability) && !memcmp(word, capability, len)) ||
	       (len == strlen(hook->name) && !memcmp(word, hook->name, len)) ||
	       (len == kind && !memcmp(word, hook->name, len));
}

bool hook_is_named(const struct hook *hook, const char *list)
{
	for (const char *word = list; word && *word;) {
		size_t len = strcspn(word, ",");

		if (word_names_hook(word, len, hook))
			return true;
		word += len + (word[len] == ',');
	}
	return false;
}

static bool names_any(const char *word, size_t len)
{
	for (size_t i = 0; i < hook_count; i++) {
		if (word_names_hook(word, len, &hook_table[i]))
			return true;
	}
	return false;
}

int hook_list_check(const char *list, char bad[32])
{
	for (const char *word = list; *word;) {
		size_t len = strcspn(word, ",");

		if (word_names_hook(word, len, hook_totals_last) || !names_any(word, len)) {
			size_t n = len < 31 ? len : 31;

			memcpy(bad, word, n);
			bad[n] = '\0';
			return -EINVAL;
		}
		word += len + (word[len] == ',');
	}
	return 0;
}

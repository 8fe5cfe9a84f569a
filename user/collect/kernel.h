/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What this kernel and this user allow: the facts that hooks are chosen by.
 * Asked once, before anything is loaded.
 */
#ifndef MEMWATCH_COLLECT_KERNEL_H
#define MEMWATCH_COLLECT_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

struct btf;

struct kernel {
	struct btf *btf; /* vmlinux's types; NULL without BTF */
	/*
	 * The file that @btf is from; NULL: libbpf finds it, in /sys/kernel/btf or in the places
	 * where distributions put a kernel's vmlinux.
	 */
	const char *btf_file;
	/* What was checked of the file, for libbpf: it must not be given what it is by then. */
	char btf_copy[32]; /* path; empty without a file */
	int btf_copy_fd;
	bool has_types;	   /* the kernel itself has BTF: typed programs can be loaded */
	bool is_malformed; /* ... or would have, but cannot read it: it refuses every program */
	char release[65];  /* uname -r */
	char arch[65];	   /* uname -m */
	int cpus;	   /* possible CPUs */
	unsigned page_shift;
	bool cgroup_v1; /* the memory controller is on a v1 hierarchy */
	bool exit_has_group_dead;
	bool has_loop; /* bpf_loop(): 5.17 and newer */
	bool lockdown; /* kernel lockdown in confidentiality mode: BPF cannot read */
	uint64_t caps; /* effective capabilities, as in /proc/self/status */
};

/**
 * kernel_init - asks the running kernel
 * @btf_file: its types are taken from there (--btf), kept by reference; NULL: from the kernel
 *
 * libbpf's own messages go to the log from here on. A kernel without BTF is not an error here:
 * @k->btf is NULL. A @btf_file that is not the running kernel's is, as far as can be told. Returns
 * 0, or a negative errno after it has said why. kernel_release() in any case.
 */
int kernel_init(struct kernel *k, const char *btf_file);
void kernel_release(struct kernel *k);

/**
 * kernel_set_btf - @btf is the types of kernel @k, which takes it over; and what follows from them
 *
 * kernel_init() does it with the running kernel's. NULL: it has none. It is taken for the kernel's
 * own (@k->has_types).
 */
void kernel_set_btf(struct kernel *k, struct btf *btf);

/** kernel_has_cap - whether this process has CAP_* number @cap */
bool kernel_has_cap(const struct kernel *k, int cap);

/** kernel_has_helper - whether BPF helper @name ("BPF_FUNC_loop") exists, by BTF */
bool kernel_has_helper(const struct kernel *k, const char *name);

/** kernel_has_tracepoint - whether BTF knows tracepoint @name */
bool kernel_has_tracepoint(const struct kernel *k, const char *name);

/** kernel_tracepoint_args - how many arguments tracepoint @name passes; -ENOENT */
int kernel_tracepoint_args(const struct kernel *k, const char *name);

/** kernel_tracepoint_arg_is_task - whether argument @i of @name is a struct task_struct pointer */
bool kernel_tracepoint_arg_is_task(const struct kernel *k, const char *name, int i);

/**
 * kernel_function_arg_is_known - whether BTF says what argument @i of function @name is
 *
 * False also if the function is not there, or if what the argument points to is known by name only:
 * the verifier then lets no fentry or fexit program read it.
 */
bool kernel_function_arg_is_known(const struct kernel *k, const char *name, int i);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a kernel decides about the BPF object before it is loaded: which of two twins
 * is for it, and the constants that the programs are verified with.
 */
#ifndef MEMWATCH_COLLECT_PROGRAMS_H
#define MEMWATCH_COLLECT_PROGRAMS_H

#include "collect/kernel.h"
#include "memwatch/abi.h"

/* One page fault in so many is sampled: prime, so that it does not beat with loops over pages. */
#define FAULT_PERIOD 61

/* The program that is of no hook: always loaded, and run once. See bpf/learn.bpf.c. */
#define PROGRAMS_LEARN "mw_learn"

struct bpf_object;
struct bpf_program;

/**
 * programs_find - the program called @name that is for kernel @k; NULL if there is none
 *
 * Programs with loops have a twin, NAME_v510, for kernels without bpf_loop(): see
 * bpf/memwatch.bpf.h.
 */
struct bpf_program *programs_find(const struct bpf_object *object, const struct kernel *k,
				  const char *name);

/** programs_config - the read-only mw_cfg for kernel @k */
struct mw_config programs_config(const struct kernel *k);

#endif

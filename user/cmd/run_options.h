/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The options that the commands share which watch processes: what they mean, and the rows that
 * their option tables have in common.
 */
#ifndef MEMWATCH_CMD_RUN_OPTIONS_H
#define MEMWATCH_CMD_RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opts.h"
#include "cmd/targets.h"
#include "output/fields.h"

struct run_options {
	struct targets targets;
	uint64_t interval_ns;
	uint64_t duration_ns; /* 0: until stopped */
	bool json;
	const char *output; /* NULL: stdout */
	unsigned rows;	    /* 0: the output's default */
	const struct column *sort;
	const char *without;
	const char *btf;
	double budget_pct;
	bool heap;	/* leaks of V8's heap may be looked into: it stops the process */
	bool no_stacks; /* take no stacks: no growth sites */
	unsigned sites; /* of each kind that are shown of a process; 0: none */
	bool help;
};

/** run_options_init - the defaults, into what is all zero */
void run_options_init(struct run_options *o);

/*
 * For tables: @arg is a struct run_options, or begins with one. Each returns 0 or a negative
 * errno after it has said why.
 */
int run_opt_pid(void *arg, const char *value); /* also for operands */
int run_opt_comm(void *arg, const char *value);
int run_opt_cgroup(void *arg, const char *value);
int run_opt_interval(void *arg, const char *value);
int run_opt_duration(void *arg, const char *value);
int run_opt_json(void *arg, const char *value);
int run_opt_output(void *arg, const char *value);
int run_opt_rows(void *arg, const char *value);
int run_opt_sort(void *arg, const char *value);
int run_opt_without(void *arg, const char *value);
int run_opt_btf(void *arg, const char *value);
int run_opt_sites(void *arg, const char *value);
int run_opt_heap(void *arg, const char *value);
int run_opt_no_stacks(void *arg, const char *value);
int run_opt_budget(void *arg, const char *value);
int run_opt_verbose(void *arg, const char *value);
int run_opt_quiet(void *arg, const char *value);
int run_opt_help(void *arg, const char *value);

/* Rows of a struct opt table. */
#define RUN_OPTS_TARGETS                                                                           \
	{'p', "pid", "PID",                                                                        \
	 "this process; may be repeated, or a list (1,2). Operands are PIDs, too: "                \
	 "-p $(pidof node) takes all",                                                             \
	 run_opt_pid},                                                                             \
		{'n', "comm", "NAME", "those of this name, or whose program file is called so",    \
		 run_opt_comm},                                                                    \
	{                                                                                          \
		'c', "cgroup", "PATH", "those in this cgroup and below it", run_opt_cgroup         \
	}

#define RUN_OPTS_INTERVAL                                                                          \
	{                                                                                          \
		'i', "interval", "SEC", "time between ticks (1; 0.1 at the least)",                \
			run_opt_interval                                                           \
	}

#define RUN_OPTS_JSON                                                                              \
	{                                                                                          \
		0, "json", NULL, "NDJSON, one object a line; see 'memwatch schema'", run_opt_json  \
	}

#define RUN_OPTS_OUTPUT                                                                            \
	{                                                                                          \
		'o', "output", "FILE", "write to FILE instead of the terminal", run_opt_output     \
	}

#define RUN_OPT_HEAP_HELP                                                                          \
	"what leaks in V8's heap is looked into: constructors that grow, and who keeps "           \
	"them. Stops that process twice, some milliseconds for each 50 MB"

#define RUN_OPTS_COST RUN_OPTS_COST_WITH(RUN_OPT_HEAP_HELP)

/* For a command to which --heap means more. */
#define RUN_OPTS_COST_WITH(heap_help)                                                              \
	{0, "", NULL, "What it may cost", NULL},                                                   \
		{0, "budget", "PCT",                                                               \
		 "of one CPU (1; 0 for no limit): detail is given up before it is passed",         \
		 run_opt_budget},                                                                  \
		{0, "without", "HOOK,...",                                                         \
		 "do not use these hooks or capabilities (calls, faults, fexit, ...; 'memwatch "   \
		 "doctor' "                                                                        \
		 "lists them)",                                                                    \
		 run_opt_without},                                                                 \
		{0, "heap", NULL, heap_help, run_opt_heap},                                        \
	{                                                                                          \
		0, "no-stacks", NULL, "take no stacks: which process grows, not by which code",    \
			run_opt_no_stacks                                                          \
	}

#define OPT_BTF_HELP                                                                               \
	"the kernel's types, where it has none itself: BTF of exactly this kernel, or its "        \
	"vmlinux "                                                                                 \
	"with BTF in it"

#define RUN_OPTS_OTHER                                                                             \
	{0, "", NULL, "Other", NULL}, {0, "btf", "FILE", OPT_BTF_HELP, run_opt_btf},               \
		{'v', "verbose", NULL, "say more, also libbpf's own messages", run_opt_verbose},   \
		{'q', "quiet", NULL, "errors only", run_opt_quiet},                                \
		{'h', "help", NULL, "this text", run_opt_help},                                    \
	{                                                                                          \
		0, NULL, NULL, NULL, NULL                                                          \
	}

#endif

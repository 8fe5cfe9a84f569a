/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one table of capabilities and of the hooks that can give each, cheapest
 * first. Choosing, attaching, `memwatch doctor` and the "meta" record walk it.
 */
#ifndef MEMWATCH_COLLECT_HOOKS_H
#define MEMWATCH_COLLECT_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include "collect/kernel.h"

enum capability {
	CAPABILITY_TOTALS, /* required; everything else is optional */
	CAPABILITY_CALLS,
	CAPABILITY_FAULTS,
	CAPABILITY_FORK,
	CAPABILITY_EXEC,
	CAPABILITY_EXIT,
	CAPABILITY_OOM,
	CAPABILITY_GC,
	CAPABILITY_SITES,
	CAPABILITY_V8,
	CAPABILITY_SELF,
	CAPABILITY_MAX,
};

struct capability_info {
	const char *name;    /* key in "hooks" */
	const char *gives;   /* what it shows */
	const char *without; /* what is lost when no hook works */
};

enum hook_attach {
	HOOK_ATTACH_AUTO, /* by the program's section */
	HOOK_ATTACH_ITER,
	HOOK_ATTACH_PERF_FAULTS, /* a software event on each CPU */
	HOOK_ATTACH_LATER,	 /* to one process at a time, when its sites are taken */
	HOOK_ATTACH_NONE,	 /* not a program */
};

#define HOOK_MAX_PROGRAMS 20

struct hook {
	enum capability capability;
	const char *name;
	const char *programs[HOOK_MAX_PROGRAMS]; /* in the skeleton; NULL-terminated if fewer */
	enum hook_attach attach;
	const char *cost; /* what it costs whom, for doctor */
	/*
	 * Whether the kernel has it, as far as can be known without loading:
	 * 0, or a negative errno with @why set to a sentence: what is missing
	 * and how to get it.
	 */
	int (*probe)(const struct kernel *k, const char **why);
};

extern const struct capability_info capability_table[CAPABILITY_MAX];
extern const struct hook hook_table[];
extern const size_t hook_count;
/* The last row of the totals: what works wherever anything does, and so cannot be left out. */
extern const struct hook *const hook_totals_last;

/** hook_is_named - whether @list ("calls,fexit") names @hook: its capability, its name or its kind
 *  (the name up to '/') */
bool hook_is_named(const struct hook *hook, const char *list);

/** hook_list_check - 0 if every word of @list names some hook that can be done without; else
 * -EINVAL,
 * @bad (32 bytes) the word */
int hook_list_check(const char *list, char bad[32]);

#endif

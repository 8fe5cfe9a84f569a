// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Each class has its kinds of sites, tried one after the other until one was sampled. */
#include "analysis/culprits.h"

#define CHOICES 4

/* Kinds that are ranked together; 0: no more. */
struct choice {
	enum mw_site_kind kinds[2];
};

static const struct choice heap[CHOICES] = {
	{{MW_SITE_V8_SURVIVED}}, {{MW_SITE_FAULT}}, {{MW_SITE_BRK}}, {{MW_SITE_MMAP}}};
static const struct choice beside_v8[CHOICES] = {
	{{MW_SITE_EXTERNAL, MW_SITE_FAULT}}, {{MW_SITE_BRK}}, {{MW_SITE_MMAP}}};
/* A thread's stack is mapped by who makes the thread, and touched by the thread. */
static const struct choice mapped[CHOICES] = {{{MW_SITE_MMAP}}, {{MW_SITE_FAULT}}};
static const struct choice touched[CHOICES] = {{{MW_SITE_FAULT}}, {{MW_SITE_MMAP}}};

static const struct choice *const choices_of[VERDICT_CLASSES] = {
	[VERDICT_WARMING] = heap,	[VERDICT_STEP] = heap,	   [VERDICT_NOT_RETURNED] = heap,
	[VERDICT_LEAK] = heap,		[VERDICT_SHMEM] = touched, [VERDICT_PAGE_CACHE] = touched,
	[VERDICT_EXTERNAL] = beside_v8, [VERDICT_STACKS] = mapped, [VERDICT_MAPPINGS] = mapped,
};

static unsigned without_innocent(struct site_group *list, unsigned count)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < count; i++) {
		if (!list[i].top->note && list[i].bytes)
			list[kept++] = list[i];
	}
	return kept;
}

unsigned culprits_find(enum verdict_class class, const struct site_table *t, struct site_group *out,
		       unsigned max)
{
	const struct choice *choice = class < VERDICT_CLASSES ? choices_of[class] : NULL;
	unsigned count = 0;

	for (unsigned i = 0; t && choice && i < CHOICES && choice[i].kinds[0] && !count; i++) {
		unsigned kinds = 1 + (choice[i].kinds[1] != 0);

		count = site_groups_of_kinds(t, choice[i].kinds, kinds, out, max);
		count = without_innocent(out, count);
	}
	return count;
}

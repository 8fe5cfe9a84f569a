/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which verdicts are news. Sinks get one on each change, also of confidence alone; people want to
 * hear when it becomes another one.
 */
#ifndef MEMWATCH_OUTPUT_VERDICT_NEWS_H
#define MEMWATCH_OUTPUT_VERDICT_NEWS_H

#include <stdbool.h>

#include "base/hmap.h"
#include "model/process.h"

struct verdict_news {
	struct hmap told; /* what was told last of each process of which anything was */
};

/** verdict_news_init - 0 or -ENOMEM */
int verdict_news_init(struct verdict_news *n);
void verdict_news_release(struct verdict_news *n);

enum news {
	NEWS_NONE,
	NEWS_LINE, /* another verdict, to be told in a line */
	NEWS_KEPT, /* the same, but now it is known what the leak consists of */
	NEWS_FULL, /* it has become a leak, or is the last one: with its evidence */
};

/**
 * verdict_news_take - whether the verdict of @p is to be told
 * @is_last:    of @p: it is forgotten afterwards
 * @only_leaks: else also what is none; too early to say is no news until it was something else
 *
 * What is told of a process is kept: some tens of bytes each until its last verdict or its end.
 * When memory is short, it is told again.
 */
enum news verdict_news_take(struct verdict_news *n, const struct process *p, bool is_last,
			    bool only_leaks);

/** verdict_news_gone - the process has ended, also without a last verdict: it is forgotten */
void verdict_news_gone(struct verdict_news *n, uint32_t pid, uint64_t start_ns);

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* By PID; a PID that is used again begins anew. */
#include "output/verdict_news.h"

#include <stdlib.h>

#include "analysis/verdict.h"
#include "base/clock.h"
#include "model/kept.h"

#define BRIEF_NS (10 * NSEC_PER_SEC)

struct told {
	struct hmap_node node; /* by PID */
	uint64_t start_ns;
	enum verdict_class class;
	bool is_leak;
	uint64_t kept_ns; /* of the census that told what it consists of; 0: none did */
};

int verdict_news_init(struct verdict_news *n)
{
	return hmap_init(&n->told);
}

void verdict_news_release(struct verdict_news *n)
{
	struct hmap_node *node = hmap_next(&n->told, NULL);

	while (node) {
		struct hmap_node *next = hmap_next(&n->told, node);

		free(hmap_entry(node, struct told, node));
		node = next;
	}
	hmap_release(&n->told);
}

static struct told *told_of(const struct verdict_news *n, uint32_t pid)
{
	struct hmap_node *node = hmap_find(&n->told, pid);

	return node ? hmap_entry(node, struct told, node) : NULL;
}

static void forget(struct verdict_news *n, struct told *told)
{
	if (!told)
		return;
	hmap_remove(&n->told, &told->node);
	free(told);
}

static uint64_t kept_ns(const struct process *p)
{
	return p->kept ? p->kept->taken_ns : 0;
}

static void keep(struct verdict_news *n, struct told *told, const struct process *p)
{
	if (!told) {
		told = calloc(1, sizeof(*told));
		if (!told)
			return;
		hmap_add(&n->told, &told->node, p->pid);
	}
	told->start_ns = p->start_ns;
	told->class = p->verdict->class;
	told->is_leak = p->verdict->is_leak;
	told->kept_ns = kept_ns(p);
}

/* That it is too early to say of what came and went is known without being told. */
static bool came_and_went(const struct process *p)
{
	return p->verdict->class == VERDICT_EARLY && p->now_ns - p->first_ns < BRIEF_NS;
}

static enum news judge(const struct verdict *v, const struct told *told, bool is_last,
		       bool only_leaks)
{
	bool is_other = told ? v->class != told->class || v->is_leak != told->is_leak
			     : v->class != VERDICT_EARLY;
	bool was_leak = told && told->is_leak;

	if (only_leaks && !v->is_leak && !was_leak)
		return NEWS_NONE;
	if (is_last && (v->is_leak || !only_leaks))
		return NEWS_FULL;
	if (!is_other)
		return NEWS_NONE;
	return v->is_leak && !was_leak ? NEWS_FULL : NEWS_LINE;
}

enum news verdict_news_take(struct verdict_news *n, const struct process *p, bool is_last,
			    bool only_leaks)
{
	struct told *told = told_of(n, p->pid);
	enum news news;

	if (!p->verdict)
		return NEWS_NONE;
	if (told && told->start_ns != p->start_ns) {
		forget(n, told);
		told = NULL;
	}
	news = !told && came_and_went(p) ? NEWS_NONE : judge(p->verdict, told, is_last, only_leaks);
	if (news == NEWS_NONE && p->kept && told && kept_ns(p) != told->kept_ns)
		news = NEWS_KEPT;
	/* To have told that it is too early is as good as to have told nothing. */
	if (is_last || (news != NEWS_NONE && p->verdict->class == VERDICT_EARLY))
		forget(n, told);
	else if (news != NEWS_NONE)
		keep(n, told, p);
	return news;
}

void verdict_news_gone(struct verdict_news *n, uint32_t pid, uint64_t start_ns)
{
	struct told *told = told_of(n, pid);

	if (told && told->start_ns == start_ns)
		forget(n, told);
}

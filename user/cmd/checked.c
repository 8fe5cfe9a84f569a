/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A build or a test suite may start very many processes: of those that ended and passed, only so
 * many are kept, and the rest are counted.
 */
#include "cmd/checked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENDED_MAX 64 /* processes that passed */

static void checked_free(struct checked *c)
{
	series_release(&c->private_bytes);
	strbuf_release(&c->sites);
	strbuf_release(&c->kept);
	free(c->where);
	free(c);
}

int checked_init(struct checked_list *l, double max_growth)
{
	*l = (struct checked_list){.max_growth = max_growth};
	return hmap_init(&l->living);
}

void checked_release(struct checked_list *l)
{
	struct hmap_node *node = l->living.buckets ? hmap_next(&l->living, NULL) : NULL;

	while (node) {
		struct hmap_node *next = hmap_next(&l->living, node);

		checked_free(hmap_entry(node, struct checked, node));
		node = next;
	}
	hmap_release(&l->living);
	while (l->ended) {
		struct checked *c = l->ended;

		l->ended = c->next;
		checked_free(c);
	}
}

struct checked *checked_find(const struct checked_list *l, uint32_t pid, uint64_t start_ns)
{
	struct hmap_node *node = hmap_find(&l->living, pid);
	struct checked *c = node ? hmap_entry(node, struct checked, node) : NULL;

	return c && c->start_ns == start_ns ? c : NULL;
}

static struct checked *add(struct checked_list *l, const struct process *p)
{
	struct hmap_node *other = hmap_find(&l->living, p->pid);
	struct checked *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	if (other) /* its end was not seen */
		checked_end(l, hmap_entry(other, struct checked, node), p->now_ns);
	c->start_ns = p->start_ns;
	c->first_ns = p->now_ns;
	c->gate.pid = p->pid;
	c->gate.private_bytes = &c->private_bytes;
	series_init(&c->private_bytes);
	strbuf_init(&c->sites);
	strbuf_init(&c->kept);
	hmap_add(&l->living, &c->node, p->pid);
	return c;
}

struct checked *checked_seen(struct checked_list *l, const struct process *p, bool is_main)
{
	struct checked *c = checked_find(l, p->pid, p->start_ns);

	if (!c)
		c = add(l, p);
	if (!c)
		return NULL;
	memcpy(c->gate.comm, p->comm, sizeof(c->gate.comm));
	c->gate.is_main = is_main;
	c->gate.has_collector = p->collector >= COLLECTOR_SEEN;
	c->last_ns = p->now_ns;
	/* Memory is short: that tick is not in it. */
	series_add(&c->private_bytes, p->now_ns, p->now.anon_bytes + p->now.swap_bytes);
	checked_verdict(c, p);
	return c;
}

static const char *keep_where(struct checked *c, const char *where)
{
	if (!where || (c->where && !strcmp(c->where, where)))
		return where ? c->where : NULL;
	free(c->where);
	c->where = strdup(where);
	return c->where;
}

void checked_verdict(struct checked *c, const struct process *p)
{
	if (!p->verdict)
		return;
	c->has_verdict = true;
	c->verdict = *p->verdict;
	c->verdict.limit.where = keep_where(c, p->verdict->limit.where);
}

void checked_exec(struct checked *c, const char *comm, uint64_t now_ns)
{
	series_release(&c->private_bytes);
	series_init(&c->private_bytes);
	strbuf_clear(&c->sites);
	strbuf_clear(&c->kept);
	c->has_verdict = false;
	c->first_ns = c->last_ns = now_ns;
	memcpy(c->gate.comm, comm, MW_COMM_LEN);
	c->gate.comm[MW_COMM_LEN] = '\0';
}

static void look(const struct checked_list *l, struct checked *c)
{
	struct gate_process *g = &c->gate;

	g->verdict = c->has_verdict ? &c->verdict : NULL;
	g->lived_s = (double)(c->last_ns - c->first_ns) / 1e9;
	g->sites = c->sites.s;
	g->kept = c->kept.len ? c->kept.s : NULL;
	gate_look(g, l->max_growth, (double)(l->now_ns - l->begin_ns) / 1e9);
}

void checked_end(struct checked_list *l, struct checked *c, uint64_t now_ns)
{
	hmap_remove(&l->living, &c->node);
	c->gate.has_ended = true;
	if (now_ns > c->last_ns)
		c->last_ns = now_ns;
	look(l, c);
	if (c->gate.finding <= GATE_PASSING && l->ended_kept >= ENDED_MAX) {
		l->passed++;
		checked_free(c);
		return;
	}
	l->ended_kept += c->gate.finding <= GATE_PASSING;
	c->next = l->ended;
	l->ended = c;
}

int checked_gate(struct checked_list *l, struct gate *g)
{
	const struct gate_process **all;
	struct hmap_node *node;
	size_t count = l->living.count;

	for (struct checked *c = l->ended; c; c = c->next)
		count++;
	all = calloc(count + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	count = 0;
	for (struct checked *c = l->ended; c; c = c->next) {
		look(l, c);
		all[count++] = &c->gate;
	}
	hmap_for_each (&l->living, node) {
		struct checked *c = hmap_entry(node, struct checked, node);

		look(l, c);
		all[count++] = &c->gate;
	}
	gate_sort(all, count);
	g->processes = all;
	g->count = count;
	g->passed = l->passed;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A set of processes by PID; who is in it is told by who its parent is when it is born. */
#include "cmd/tree.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

struct member {
	struct hmap_node node; /* by PID */
	uint64_t start_ns;     /* 0: not seen yet, which only the root is */
};

static struct member *find(const struct tree *t, uint32_t pid)
{
	struct hmap_node *node = hmap_find(&t->by_pid, pid);

	return node ? hmap_entry(node, struct member, node) : NULL;
}

/* Of a PID that is known, the newer process is meant: the end of the other was not seen. */
static int add(struct tree *t, uint32_t pid, uint64_t start_ns)
{
	struct member *m = find(t, pid);

	if (m) {
		m->start_ns = start_ns;
		return 0;
	}
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->start_ns = start_ns;
	hmap_add(&t->by_pid, &m->node, pid);
	return 0;
}

static void drop(struct tree *t, struct member *m)
{
	hmap_remove(&t->by_pid, &m->node);
	free(m);
}

int tree_init(struct tree *t, uint32_t root)
{
	int err = hmap_init(&t->by_pid);

	t->root = root;
	return err ? err : add(t, root, 0);
}

void tree_release(struct tree *t)
{
	struct hmap_node *node = hmap_next(&t->by_pid, NULL);

	while (node) {
		struct hmap_node *next = hmap_next(&t->by_pid, node);

		free(hmap_entry(node, struct member, node));
		node = next;
	}
	hmap_release(&t->by_pid);
}

bool tree_has(const struct tree *t, uint32_t pid, uint64_t start_ns)
{
	const struct member *m = find(t, pid);

	return m && (!m->start_ns || m->start_ns == start_ns);
}

void tree_born(struct tree *t, const struct mw_event_header *h)
{
	const struct member *parent = find(t, h->ppid);

	if (parent && parent->start_ns <= h->start_ns)
		add(t, h->pid, h->start_ns);
}

/* Children whose parent belongs to it; returns whether there were any that are new. */
static bool add_children(struct tree *t, const struct process_table *table)
{
	struct hmap_node *node;
	const struct process *p;
	bool any = false;

	process_table_for_each (table, p, node) {
		const struct member *parent = find(t, p->ppid);

		if (!parent || parent->start_ns > p->start_ns || tree_has(t, p->pid, p->start_ns) ||
		    p->tick != table->tick)
			continue;
		any |= !add(t, p->pid, p->start_ns);
	}
	return any;
}

/* A zombie is not: its record is still to come, or has come. */
static bool has_vanished(uint32_t pid, const struct member *m, const struct process_table *table)
{
	const struct process *p = process_table_find(table, pid, 0);

	if (p && p->tick == table->tick)
		return m->start_ns && p->start_ns != m->start_ns;
	return kill((pid_t)pid, 0) && errno == ESRCH;
}

void tree_look(struct tree *t, const struct process_table *table)
{
	const struct process *root = process_table_find(table, t->root, 0);
	struct member *m = find(t, t->root);
	struct hmap_node *node, *next;

	if (m && !m->start_ns && root)
		m->start_ns = root->start_ns;
	while (add_children(t, table))
		;
	for (node = hmap_next(&t->by_pid, NULL); node; node = next) {
		next = hmap_next(&t->by_pid, node);
		m = hmap_entry(node, struct member, node);
		if (has_vanished((uint32_t)node->key, m, table))
			drop(t, m);
	}
}

bool tree_gone(struct tree *t, uint32_t pid, uint64_t start_ns)
{
	if (!tree_has(t, pid, start_ns))
		return false;
	drop(t, find(t, pid));
	return true;
}

bool tree_is_empty(const struct tree *t)
{
	return !t->by_pid.count;
}

/* The 22nd field of /proc/PID/stat: the start in clock ticks since boot; 0 if there is none. */
static unsigned long long start_ticks(uint32_t pid)
{
	char path[32], text[1024];
	unsigned long long ticks = 0;
	char *at = NULL;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fgets(text, sizeof(text), f))
		at = strrchr(text, ')'); /* the name before it may hold anything */
	fclose(f);
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at)
		ticks = strtoull(at, NULL, 10);
	return ticks;
}

void tree_signal(const struct tree *t, int signo)
{
	unsigned long long tick_ns = NSEC_PER_SEC / (unsigned long long)sysconf(_SC_CLK_TCK);
	struct hmap_node *node;

	hmap_for_each (&t->by_pid, node) {
		const struct member *m = hmap_entry(node, struct member, node);

		if (node->key == t->root ||
		    start_ticks((uint32_t)node->key) == m->start_ns / tick_ns)
			kill((pid_t)node->key, signo);
	}
}

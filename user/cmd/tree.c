/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A set of processes by PID; who is in it is told by who its parent is when it is born. */
#include "cmd/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/proc_stat.h"

struct member {
	struct hmap_node node; /* by PID */
	uint64_t start_ns;     /* 0: not seen yet, which only the root is */
	bool was_missing;      /* at the last look */
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
	int err;

	*t = (struct tree){.root = root};
	err = hmap_init(&t->by_pid);
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

/* The process that this tick saw under a PID, whoever it is. */
static const struct process *seen(const struct process_table *table, uint32_t pid)
{
	const struct process *p = process_table_find(table, pid, 0);

	return p && p->tick == table->tick ? p : NULL;
}

/* Of whom this tick has seen that the PID is its own. */
static const struct member *find_current(const struct tree *t, const struct process_table *table,
					 uint32_t pid)
{
	const struct member *m = find(t, pid);
	const struct process *p = m ? seen(table, pid) : NULL;

	return p && p->start_ns == m->start_ns ? m : NULL;
}

/* Children whose parent belongs to it; returns whether there were any that are new. */
static bool add_children(struct tree *t, const struct process_table *table)
{
	struct hmap_node *node;
	const struct process *p;
	bool any = false;

	process_table_for_each (table, p, node) {
		const struct member *parent = find_current(t, table, p->ppid);

		if (!parent || parent->start_ns > p->start_ns || tree_has(t, p->pid, p->start_ns) ||
		    p->tick != table->tick)
			continue;
		any |= !add(t, p->pid, p->start_ns);
	}
	return any;
}

/* Whether the PID is the member's still, if only as a zombie. 0 or a negative errno: not known. */
static int look_for(const struct tree *t, uint32_t pid, const struct member *m, bool *is_there)
{
	struct proc_stat stat;
	int err;

	*is_there = false;
	if (pid == t->root && t->is_root_reaped)
		return 0;
	err = proc_stat_read(pid, &stat);
	if (err)
		return err == -ENOENT || err == -ESRCH ? 0 : err;
	*is_there = !m->start_ns || stat.start_ticks == m->start_ns / proc_stat_tick_ns();
	return 0;
}

/*
 * Not there, and no zombie, for the second time: the record of an end that came right before the
 * first look may have waited then, but not until now.
 */
static bool has_vanished(const struct tree *t, uint32_t pid, struct member *m)
{
	bool was_missing = m->was_missing, is_there;

	m->was_missing = !look_for(t, pid, m, &is_there) && !is_there;
	return was_missing && m->was_missing;
}

void tree_prune(struct tree *t)
{
	struct hmap_node *node, *next;

	for (node = hmap_next(&t->by_pid, NULL); node; node = next) {
		struct member *m = hmap_entry(node, struct member, node);

		next = hmap_next(&t->by_pid, node);
		if (has_vanished(t, (uint32_t)node->key, m))
			drop(t, m);
	}
}

/* Whom this tick did not see is looked for: it may be about to end, or was born after that. */
static void drop_stale(struct tree *t, const struct process_table *table)
{
	struct hmap_node *node, *next;

	for (node = hmap_next(&t->by_pid, NULL); node; node = next) {
		struct member *m = hmap_entry(node, struct member, node);
		uint32_t pid = (uint32_t)node->key;
		const struct process *p = seen(table, pid);

		next = hmap_next(&t->by_pid, node);
		if (p ? p->start_ns != m->start_ns : has_vanished(t, pid, m))
			drop(t, m);
	}
}

void tree_look(struct tree *t, const struct process_table *table)
{
	const struct process *root = seen(table, t->root);
	struct member *m = find(t, t->root);

	if (m && !m->start_ns && root && !t->is_root_reaped)
		m->start_ns = root->start_ns;
	drop_stale(t, table); /* first: the child of who has such a PID now is a stranger */
	while (add_children(t, table))
		;
}

bool tree_gone(struct tree *t, uint32_t pid, uint64_t start_ns)
{
	if (!tree_has(t, pid, start_ns))
		return false;
	drop(t, find(t, pid));
	return true;
}

void tree_root_reaped(struct tree *t)
{
	t->is_root_reaped = true;
}

bool tree_is_empty(const struct tree *t)
{
	return !t->by_pid.count;
}

/*
 * The process is held before its start is looked at, so that it is the one which gets the signal:
 * had the PID become another's in between, its start would be another.
 */
static void send_signal(const struct tree *t, uint32_t pid, const struct member *m, int signo)
{
	int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	int err = fd < 0 ? -errno : 0;
	bool is_there = false;

	if (!err)
		err = look_for(t, pid, m, &is_there);
	if (is_there && syscall(SYS_pidfd_send_signal, fd, signo, NULL, 0))
		err = -errno;
	if (err && err != -ESRCH)
		log_warn("process %u cannot be signalled: %s", pid, strerror(-err));
	if (fd >= 0)
		close(fd);
}

void tree_signal(const struct tree *t, int signo)
{
	struct hmap_node *node;

	hmap_for_each (&t->by_pid, node)
		send_signal(t, (uint32_t)node->key, hmap_entry(node, struct member, node), signo);
}

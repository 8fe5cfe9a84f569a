/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table of processes, kept by PID, from the records of each tick.
 */
#include "model/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void cgroup_free(struct cgroup *cgroup)
{
	free(cgroup->path);
	free(cgroup);
}

int process_table_init(struct process_table *t, unsigned page_shift)
{
	int err;

	memset(t, 0, sizeof(*t));
	t->page_shift = page_shift;
	err = hmap_init(&t->by_pid);
	if (err)
		return err;
	err = hmap_init(&t->cgroups);
	if (err)
		hmap_release(&t->by_pid);
	return err;
}

void process_table_release(struct process_table *t)
{
	struct hmap_node *node, *next;

	for (node = t->replaced; node; node = next) {
		next = node->next;
		free(hmap_entry(node, struct process, node));
	}
	for (node = hmap_next(&t->by_pid, NULL); node; node = next) {
		next = hmap_next(&t->by_pid, node);
		free(hmap_entry(node, struct process, node));
	}
	for (node = hmap_next(&t->cgroups, NULL); node; node = next) {
		next = hmap_next(&t->cgroups, node);
		cgroup_free(hmap_entry(node, struct cgroup, node));
	}
	hmap_release(&t->by_pid);
	hmap_release(&t->cgroups);
}

void process_table_begin(struct process_table *t, uint64_t now_ns)
{
	t->tick++;
	t->now_ns = now_ns;
}

void totals_from_raw(struct totals *out, const struct mw_task *raw, unsigned page_shift)
{
	out->anon_bytes = raw->anon_pages << page_shift;
	out->file_bytes = raw->file_pages << page_shift;
	out->shmem_bytes = raw->shmem_pages << page_shift;
	out->rss_bytes = out->anon_bytes + out->file_bytes + out->shmem_bytes;
	out->swap_bytes = raw->swap_pages << page_shift;
	out->pgtable_bytes = raw->pgtable_bytes;
	out->vm_bytes = raw->vm_pages << page_shift;
	out->data_bytes = raw->data_pages << page_shift;
	out->stack_bytes = raw->stack_pages << page_shift;
	out->heap_bytes = raw->brk_bytes;
	out->heap_unknown = raw->flags & MW_TASK_HEAP_UNKNOWN;
	out->threads = raw->threads;
	out->minflt = raw->minflt;
	out->majflt = raw->majflt;
}

uint64_t totals_footprint(const struct totals *t)
{
	return t->rss_bytes + t->swap_bytes;
}

void history_add(struct history *h, uint64_t ns, uint64_t bytes)
{
	unsigned slot = h->count++ % HISTORY_CAP;

	h->ns[slot] = ns;
	h->bytes[slot] = bytes;
}

bool history_at(const struct history *h, unsigned age, uint64_t *ns, uint64_t *bytes)
{
	unsigned slot;

	if (age >= h->count || age >= HISTORY_CAP)
		return false;
	slot = (h->count - 1 - age) % HISTORY_CAP;
	*ns = h->ns[slot];
	*bytes = h->bytes[slot];
	return true;
}

struct process *process_table_find(const struct process_table *t, uint32_t pid, uint64_t start_ns)
{
	struct hmap_node *node = hmap_find(&t->by_pid, pid);
	struct process *p;

	if (!node)
		return NULL;
	p = hmap_entry(node, struct process, node);
	return !start_ns || p->start_ns == start_ns ? p : NULL;
}

static void process_leave_cgroup(struct process_table *t, struct process *p)
{
	struct cgroup *cgroup = p->cgroup;

	p->cgroup = NULL;
	if (!cgroup || --cgroup->users)
		return;
	hmap_remove(&t->cgroups, &cgroup->node);
	cgroup_free(cgroup);
}

struct cgroup *process_set_cgroup(struct process_table *t, struct process *p, uint64_t id)
{
	struct hmap_node *node;
	struct cgroup *cgroup;

	if (p->cgroup && p->cgroup->node.key == id)
		return NULL;
	process_leave_cgroup(t, p);
	node = hmap_find(&t->cgroups, id);
	cgroup = node ? hmap_entry(node, struct cgroup, node) : calloc(1, sizeof(*cgroup));
	if (!cgroup)
		return NULL;
	if (!node)
		hmap_add(&t->cgroups, &cgroup->node, id);
	cgroup->users++;
	p->cgroup = cgroup;
	return node ? NULL : cgroup;
}

static void process_free(struct process_table *t, struct process *p)
{
	process_leave_cgroup(t, p);
	free(p);
}

void process_table_remove(struct process_table *t, struct process *p)
{
	hmap_remove(&t->by_pid, &p->node);
	process_free(t, p);
}

/* Counters only go up; one that went down belongs to a map entry made anew. */
static uint64_t since(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

/*
 * A fault brings in a page at least, and more with huge pages and fault-around:
 * where the process grew by more than a page a fault, that is the better bound.
 */
static uint64_t fault_bytes(const struct process *p, uint64_t faults, unsigned page_shift)
{
	uint64_t bytes = faults << page_shift;
	uint64_t grown =
		p->now.rss_bytes > p->before.rss_bytes ? p->now.rss_bytes - p->before.rss_bytes : 0;

	return faults && grown > bytes ? grown : bytes;
}

static void activity_update(struct process *p, const struct mw_growth *now, unsigned page_shift)
{
	const struct mw_growth *before = &p->counted;
	struct activity *a = &p->activity;

	memset(a, 0, sizeof(*a));
	a->fault_count =
		since(p->now.minflt, p->before.minflt) + since(p->now.majflt, p->before.majflt);
	a->fault_bytes = fault_bytes(p, a->fault_count, page_shift);
	if (!p->has_growth)
		return;
	a->brk_bytes = since(now->brk_bytes, before->brk_bytes);
	a->brk_count = since(now->brk_count, before->brk_count);
	a->mmap_bytes = since(now->mmap_bytes, before->mmap_bytes);
	a->mmap_count = since(now->mmap_count, before->mmap_count);
	a->munmap_bytes = since(now->munmap_bytes, before->munmap_bytes);
	a->munmap_count = since(now->munmap_count, before->munmap_count);
	a->mremap_bytes = since(now->mremap_bytes, before->mremap_bytes);
	a->mremap_count = since(now->mremap_count, before->mremap_count);
	a->fault_heap = since(now->fault_heap, before->fault_heap);
	a->fault_stack = since(now->fault_stack, before->fault_stack);
	a->fault_mmap = since(now->fault_mmap, before->fault_mmap);
}

/*
 * A process's faults never begin anew. But a thread that ends just while the
 * kernel side adds up the threads is missed in that tick: nothing went back.
 */
static void hold_faults(struct totals *now, const struct totals *before)
{
	if (now->minflt < before->minflt)
		now->minflt = before->minflt;
	if (now->majflt < before->majflt)
		now->majflt = before->majflt;
}

/*
 * A process whose entry was made since the tick before (its first event) had
 * counted nothing until then: its counters begin at zero, not at "unknown".
 */
static void process_update(struct process *p, const struct mw_task *raw,
			   const struct process_table *t)
{
	bool is_first = !p->tick;

	p->before = p->now;
	p->before_ns = p->now_ns;
	totals_from_raw(&p->now, raw, t->page_shift);
	hold_faults(&p->now, &p->before);
	p->now_ns = t->now_ns;
	p->peak_rss_bytes = raw->peak_rss_pages << t->page_shift;
	p->ppid = raw->ppid;
	memcpy(p->comm, raw->comm, MW_COMM_LEN);
	p->comm[MW_COMM_LEN] = '\0';
	p->rss_approximate = raw->flags & MW_TASK_RSS_APPROXIMATE;
	p->faults_cut = raw->flags & MW_TASK_THREADS_CUT;
	p->has_growth = !is_first && (raw->flags & MW_TASK_GROWTH);
	p->calls_counted = p->has_growth;
	p->has_delta = !is_first;
	if (is_first) {
		p->first = p->now;
		p->first_ns = p->now_ns;
	} else {
		activity_update(p, &raw->growth, t->page_shift);
	}
	p->counted = raw->growth;
	history_add(&p->history, p->now_ns, totals_footprint(&p->now));
	p->tick = t->tick;
}

int process_table_update(struct process_table *t, const struct mw_task *raw, struct process **out)
{
	struct process *p = process_table_find(t, raw->pid, 0);

	if (p && p->start_ns != raw->start_ns) {
		hmap_remove(&t->by_pid, &p->node);
		p->node.next = t->replaced;
		t->replaced = &p->node;
		p = NULL;
	}
	if (p && p->tick == t->tick)
		return -EEXIST;
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return -ENOMEM;
		p->pid = raw->pid;
		p->start_ns = raw->start_ns;
		hmap_add(&t->by_pid, &p->node, raw->pid);
	}
	process_update(p, raw, t);
	*out = p;
	return 0;
}

uint64_t process_exit_peak(const struct process *p, const struct mw_event_exit *e,
			   unsigned page_shift)
{
	uint64_t peak = e->task.peak_rss_pages << page_shift;

	if (p && p->peak_rss_bytes > peak)
		peak = p->peak_rss_bytes;
	if (p && !e->has_task && p->now.rss_bytes > peak) /* shown as its last size */
		peak = p->now.rss_bytes;
	return peak;
}

unsigned process_table_sweep(struct process_table *t, bool (*fn)(void *arg, const struct process *),
			     void *arg)
{
	struct hmap_node *node, *next;
	unsigned swept = 0;

	for (node = t->replaced; node; node = next, swept++) {
		struct process *p = hmap_entry(node, struct process, node);

		next = node->next;
		if (fn)
			fn(arg, p);
		process_free(t, p);
	}
	t->replaced = NULL;
	for (node = hmap_next(&t->by_pid, NULL); node; node = next) {
		struct process *p = hmap_entry(node, struct process, node);

		next = hmap_next(&t->by_pid, node);
		if (p->tick == t->tick || (fn && !fn(arg, p)))
			continue;
		process_table_remove(t, p);
		swept++;
	}
	return swept;
}

struct process **process_list(const struct process_table *t, size_t *count)
{
	struct process **list = malloc((t->by_pid.count + 1) * sizeof(struct process *));
	struct hmap_node *node;
	size_t n = 0;

	if (!list)
		return NULL;
	hmap_for_each (&t->by_pid, node)
		list[n++] = hmap_entry(node, struct process, node);
	*count = n;
	return list;
}

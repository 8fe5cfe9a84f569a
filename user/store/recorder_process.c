/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Processes in a recording: a row each, and one of what it holds at each tick at which that has
 * changed. What was last written is remembered, so that of a process that stands still nothing is
 * written.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "store/recorder_internal.h"

#define MAX_PROBES   8
#define PEAK_PERCENT 1 /* a peak is written when it has grown by that */

/* In the order of the columns. */
static const size_t total_fields[TOTALS_COUNT] = {
	offsetof(struct totals, anon_bytes),	offsetof(struct totals, file_bytes),
	offsetof(struct totals, shmem_bytes),	offsetof(struct totals, swap_bytes),
	offsetof(struct totals, pgtable_bytes), offsetof(struct totals, vm_bytes),
	offsetof(struct totals, data_bytes),	offsetof(struct totals, stack_bytes),
	offsetof(struct totals, heap_bytes),	offsetof(struct totals, threads),
	offsetof(struct totals, minflt),	offsetof(struct totals, majflt),
};

static const size_t activity_fields[ACTIVITY_COUNT] = {
	offsetof(struct activity, fault_bytes),	 offsetof(struct activity, fault_count),
	offsetof(struct activity, brk_bytes),	 offsetof(struct activity, brk_count),
	offsetof(struct activity, mmap_bytes),	 offsetof(struct activity, mmap_count),
	offsetof(struct activity, munmap_bytes), offsetof(struct activity, munmap_count),
	offsetof(struct activity, mremap_bytes), offsetof(struct activity, mremap_count),
	offsetof(struct activity, fault_heap),	 offsetof(struct activity, fault_stack),
	offsetof(struct activity, fault_mmap),
};

static uint64_t field_of(const void *of, size_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)of + offset, sizeof(value));
	return value;
}

/* --- entries --- */

static uint64_t key_of(uint32_t pid, uint64_t start_ns)
{
	return start_ns * 0x9e3779b97f4a7c15ull + pid;
}

static struct recorder_process *find_entry(const struct recorder *r, uint32_t pid,
					   uint64_t start_ns, uint64_t *free_key)
{
	uint64_t key = key_of(pid, start_ns);

	for (unsigned i = 0; i < MAX_PROBES; i++, key++) {
		struct hmap_node *node = hmap_find(&r->processes, key);
		struct recorder_process *e;

		*free_key = key;
		if (!node)
			return NULL;
		e = hmap_entry(node, struct recorder_process, node);
		if (e->pid == pid && e->start_ns == start_ns)
			return e;
	}
	*free_key = 0;
	return NULL;
}

struct recorder_process *recorder_process_find(const struct recorder *r, uint32_t pid,
					       uint64_t start_ns)
{
	uint64_t key;

	return find_entry(r, pid, start_ns, &key);
}

static void forget(struct recorder *r, struct recorder_process *e)
{
	hmap_remove(&r->processes, &e->node);
	free(e);
}

void recorder_process_forget(struct recorder *r, uint32_t pid, uint64_t start_ns)
{
	struct recorder_process *e = recorder_process_find(r, pid, start_ns);

	if (e && !e->has_ended) /* else it is in the list of those */
		forget(r, e);
}

void recorder_forget_ended(struct recorder *r)
{
	struct recorder_process *e;

	while ((e = r->ended)) {
		r->ended = e->next_ended;
		forget(r, e);
	}
}

void recorder_processes_release(struct recorder *r)
{
	struct hmap_node *node, *next;

	for (node = hmap_next(&r->processes, NULL); node; node = next) {
		next = hmap_next(&r->processes, node);
		free(hmap_entry(node, struct recorder_process, node));
	}
	hmap_release(&r->processes);
}

/* One that has been forgotten since its end, and is spoken of once more. */
static int find_row(struct recorder *r, struct recorder_process *e)
{
	struct row row = row_begin(r, FIND_PROCESS);

	row_int(&row, e->pid);
	row_u64(&row, e->start_ns);
	if (row_next(&row) != 1)
		return r->err;
	e->id = sqlite3_column_int64(row.st, 0);
	e->first_ns = (uint64_t)sqlite3_column_int64(row.st, 1);
	e->has_ended = sqlite3_column_type(row.st, 2) != SQLITE_NULL;
	row_stop(&row);
	return 0;
}

static void mark_ended(struct recorder *r, struct recorder_process *e)
{
	e->has_ended = true;
	e->next_ended = r->ended;
	r->ended = e;
}

static int add_row(struct recorder *r, struct recorder_process *e)
{
	struct row row;

	if (find_row(r, e))
		return r->err;
	if (e->has_ended)
		mark_ended(r, e);
	if (e->id)
		return 0;
	row = row_begin(r, ADD_PROCESS);
	row_int(&row, e->pid);
	row_int(&row, e->ppid);
	row_u64(&row, e->start_ns);
	row_text(&row, e->comm, MW_COMM_LEN);
	if (row_end(&row))
		return r->err;
	e->id = row_id(r);
	r->stats.processes++;
	return 0;
}

static struct recorder_process *new_entry(struct recorder *r, uint32_t pid, uint64_t start_ns,
					  uint64_t key)
{
	struct recorder_process *e = key ? calloc(1, sizeof(*e)) : NULL;

	if (!e) {
		recorder_fail_errno(r, -ENOMEM);
		return NULL;
	}
	e->pid = pid;
	e->start_ns = start_ns;
	hmap_add(&r->processes, &e->node, key);
	return e;
}

struct recorder_process *recorder_process_get(struct recorder *r, uint32_t pid, uint32_t ppid,
					      uint64_t start_ns, const char *comm)
{
	uint64_t key;
	struct recorder_process *e = find_entry(r, pid, start_ns, &key);

	if (!e) {
		e = new_entry(r, pid, start_ns, key);
		if (!e)
			return NULL;
		e->ppid = ppid;
		memcpy(e->comm, comm, strnlen(comm, MW_COMM_LEN));
	}
	return e->id || !add_row(r, e) ? e : NULL;
}

int recorder_process_exec(struct recorder *r, struct recorder_process *e, const char *comm,
			  const char *path)
{
	struct row row = row_begin(r, SET_PATH);

	memset(e->comm, 0, sizeof(e->comm));
	memcpy(e->comm, comm, strnlen(comm, MW_COMM_LEN));
	row_text(&row, e->comm, MW_COMM_LEN);
	row_text(&row, path, MW_PATH_LEN);
	row_int(&row, e->id);
	return row_end(&row);
}

/* --- the row of a process --- */

static int add_cgroup(struct recorder *r, const struct cgroup *c)
{
	struct row row;

	if (!c || !c->path || recorder_key_find(&r->cgroups, c->node.key))
		return 0;
	row = row_begin(r, ADD_CGROUP);
	row_u64(&row, c->node.key);
	row_text(&row, c->path, PATH_MAX);
	row_text(&row, c->container[0] ? c->container : NULL, sizeof(c->container));
	if (row_end(&row))
		return r->err;
	return recorder_key_add(r, &r->cgroups, c->node.key, (int64_t)c->node.key);
}

static bool is_as_written(const struct recorder_process *e, const struct process *p, bool is_named)
{
	return e->first_ns && e->ppid == p->ppid && e->is_named == is_named &&
	       e->collector == p->collector &&
	       e->cgroup_id == (p->cgroup ? p->cgroup->node.key : 0) &&
	       !strncmp(e->comm, p->comm, MW_COMM_LEN);
}

static int set_process(struct recorder *r, struct recorder_process *e, const struct process *p,
		       bool is_named)
{
	struct row row;

	if (add_cgroup(r, p->cgroup))
		return r->err;
	e->ppid = p->ppid;
	e->is_named = is_named;
	e->collector = p->collector;
	e->cgroup_id = p->cgroup ? p->cgroup->node.key : 0;
	e->peak_bytes = p->peak_rss_bytes > e->peak_bytes ? p->peak_rss_bytes : e->peak_bytes;
	memset(e->comm, 0, sizeof(e->comm));
	memcpy(e->comm, p->comm, strnlen(p->comm, MW_COMM_LEN));
	if (!e->first_ns)
		e->first_ns = r->now_ns;
	row = row_begin(r, SET_PROCESS);
	row_int(&row, e->ppid);
	row_text(&row, e->comm, MW_COMM_LEN);
	row_known(&row, e->cgroup_id);
	row_int(&row, is_named);
	row_int(&row, e->collector);
	row_u64(&row, e->first_ns);
	row_u64(&row, e->peak_bytes);
	row_int(&row, e->id);
	return row_end(&row);
}

/* A peak is seen to grow at each tick while a program starts: not each is worth a write. */
static int set_peak(struct recorder *r, struct recorder_process *e, const struct process *p)
{
	struct row row;

	if (p->peak_rss_bytes <= e->peak_bytes + e->peak_bytes / 100 * PEAK_PERCENT)
		return 0;
	e->peak_bytes = p->peak_rss_bytes;
	row = row_begin(r, SET_PEAK);
	row_u64(&row, e->peak_bytes);
	row_int(&row, e->id);
	return row_end(&row);
}

/* --- what it holds --- */

/* Of all that it did since its row before. */
static void add_activity(struct recorder_process *e, const struct process *p)
{
	if (!p->has_delta)
		return;
	for (unsigned i = 0; i < ACTIVITY_COUNT; i++)
		e->activity[i] += field_of(&p->activity, activity_fields[i]);
	e->has_activity = true;
	e->calls_counted |= p->calls_counted;
}

static uint64_t private_of(const struct process *p)
{
	return p->now.anon_bytes + p->now.swap_bytes;
}

/* A tick that cannot be written: its lows and highs, and what was done, go to the next row. */
static void miss(struct recorder_process *e, const struct process *p)
{
	if (!e->has_missed || private_of(p) < e->missed_low)
		e->missed_low = private_of(p);
	if (!e->has_missed || p->now.rss_bytes > e->missed_high)
		e->missed_high = p->now.rss_bytes;
	e->missed = p->now;
	e->has_missed = true;
}

static bool has_changed(const struct recorder_process *e, const struct process *p)
{
	uint64_t did = 0;

	if (!e->first_ns || e->has_missed)
		return true;
	for (unsigned i = 0; i < TOTALS_COUNT; i++) {
		if (e->totals[i] != field_of(&p->now, total_fields[i]))
			return true;
	}
	for (unsigned i = 0; i < ACTIVITY_COUNT; i++)
		did |= e->activity[i];
	return did;
}

static int add_tick(struct recorder *r, struct recorder_process *e, const struct totals *now)
{
	struct tick_row row = {
		.ns = r->now_ns,
		.process = e->id,
		.heap_unknown = now->heap_unknown,
		.private_low = now->anon_bytes + now->swap_bytes,
		.rss_high = now->rss_bytes,
		.has_activity = e->has_activity,
		.calls_counted = e->calls_counted,
	};

	for (unsigned i = 0; i < TOTALS_COUNT; i++)
		row.totals[i] = e->totals[i] = field_of(now, total_fields[i]);
	if (e->has_missed && e->missed_low < row.private_low)
		row.private_low = e->missed_low;
	if (e->has_missed && e->missed_high > row.rss_high)
		row.rss_high = e->missed_high;
	memcpy(row.activity, e->activity, sizeof(row.activity));
	memset(e->activity, 0, sizeof(e->activity));
	e->has_activity = e->calls_counted = e->has_missed = false;
	return tick_row_write(r, &row);
}

int recorder_process_end(struct recorder *r, struct recorder_process *e, uint64_t ns,
			 const int *code, uint64_t peak_bytes)
{
	struct row row;

	if (e->has_missed && add_tick(r, e, &e->missed))
		return r->err;
	row = row_begin(r, END_PROCESS);
	row_u64(&row, ns);
	if (code)
		row_int(&row, *code);
	else
		row_null(&row);
	row_known(&row, peak_bytes > e->peak_bytes ? peak_bytes : e->peak_bytes);
	row_int(&row, e->id);
	if (!e->has_ended)
		mark_ended(r, e);
	return row_end(&row);
}

int recorder_write_missed(struct recorder *r)
{
	struct hmap_node *node;

	hmap_for_each (&r->processes, node) {
		struct recorder_process *e = hmap_entry(node, struct recorder_process, node);

		if (e->has_missed && e->id && add_tick(r, e, &e->missed))
			break;
	}
	return r->err;
}

/* A tick that could not be written is told by the next one that can. */
static int miss_tick(struct recorder *r, const struct process *p)
{
	struct recorder_process *e = recorder_process_find(r, p->pid, p->start_ns);

	if (!e)
		return 0;
	add_activity(e, p);
	miss(e, p);
	return 0;
}

int recorder_process(struct recorder *r, const struct process *p, bool is_named)
{
	int err = recorder_ready(r);
	struct recorder_process *e;
	bool is_new;

	if (err)
		return err == -EAGAIN ? miss_tick(r, p) : err;
	e = recorder_process_get(r, p->pid, p->ppid, p->start_ns, p->comm);
	if (!e)
		return r->err;
	add_activity(e, p);
	is_new = has_changed(e, p);
	if (!is_as_written(e, p, is_named))
		err = set_process(r, e, p, is_named);
	else
		err = set_peak(r, e, p);
	if (!err && is_new)
		err = add_tick(r, e, &p->now);
	if (!err && p->sites)
		err = recorder_sites(r, p, e->id);
	return err;
}

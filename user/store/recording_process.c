/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The processes of a recording, and their ticks.
 *
 * Ticks are kept by time, since that is how they come. So they are gone through twice: for what
 * each process held first and last, which says who is worth to be looked at, and for the rows of
 * those.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/verdict.h"
#include "store/recording_internal.h"

#define ROWS_MAX (1ull << 32) /* that are gone through */

/* --- who there is --- */

struct room {
	size_t processes;
};

/* Room for one more; 0 or -ENOMEM. */
static int make_room(struct reading *r, struct room *room)
{
	size_t cap = room->processes ? 2 * room->processes : 64;
	struct recorded_process *processes;
	struct reading_id *ids;

	if (r->out->process_count < room->processes)
		return 0;
	processes = realloc(r->out->processes, cap * sizeof(*processes));
	if (processes)
		r->out->processes = processes;
	ids = realloc(r->ids, cap * sizeof(*ids));
	if (ids)
		r->ids = ids;
	if (!processes || !ids)
		return reading_refuse(r, -ENOMEM, "out of memory");
	room->processes = cap;
	return 0;
}

static void copy_comm(char out[MW_COMM_LEN + 1], const char *comm)
{
	snprintf(out, MW_COMM_LEN + 1, "%s", comm ? comm : "");
}

static int take_process(struct reading *r, sqlite3_stmt *row, void *arg)
{
	int err = make_room(r, arg);
	struct recorded_process *p;
	uint64_t collector = column_number(row, 9, UINT32_MAX);

	if (err)
		return err;
	r->ids[r->out->process_count] =
		(struct reading_id){column_int(row, 0), r->out->process_count};
	p = &r->out->processes[r->out->process_count++];
	*p = (struct recorded_process){
		.id = column_int(row, 0),
		.pid = (uint32_t)column_number(row, 1, UINT32_MAX),
		.start_ns = column_time(row, 2),
		.ppid = (uint32_t)column_number(row, 3, UINT32_MAX),
		.path = column_text(r, row, 5),
		.cgroup = column_text(r, row, 6),
		.container = column_text(r, row, 7),
		.is_named = column_int(row, 8) == 1,
		.collector = collector > COLLECTOR_LIVE ? COLLECTOR_UNKNOWN : collector,
		.first_ns = column_time(row, 10),
		.has_ended = column_is_known(row, 11),
		.end_ns = column_time(row, 11),
		.is_code_known = column_is_known(row, 12),
		.code = (int)column_number(row, 12, 0xffff),
		.peak_rss_bytes = column_bytes(row, 13),
	};
	copy_comm(p->comm, column_chars(row, 4));
	return 0;
}

int reading_processes(struct reading *r)
{
	struct room room = {0};

	return reading_each(r,
			    "SELECT p.id, pid, start_ns, ppid, comm, p.path, c.path, container, "
			    "named, collector, first_ns, end_ns, code, peak_rss_bytes "
			    "FROM process p LEFT JOIN cgroup c ON c.id = p.cgroup ORDER BY p.id",
			    0, READ_PROCESSES_MAX, take_process, &room);
}

/* --- what they held --- */

#define TOTALS                                                                                     \
	"anon_bytes, file_bytes, shmem_bytes, swap_bytes, pgtable_bytes, vm_bytes, data_bytes, "   \
	"stack_bytes, heap_bytes, threads, minflt, majflt"

#define TOTALS_AT   2
#define LOW_AT	    14
#define HIGH_AT	    15
#define ACTIVITY_AT 16

static void take_totals(sqlite3_stmt *row, struct totals *t)
{
	uint64_t *const members[] = {&t->anon_bytes, &t->file_bytes,	&t->shmem_bytes,
				     &t->swap_bytes, &t->pgtable_bytes, &t->vm_bytes,
				     &t->data_bytes, &t->stack_bytes,	&t->heap_bytes,
				     &t->threads,    &t->minflt,	&t->majflt};

	*t = (struct totals){.heap_unknown = !column_is_known(row, TOTALS_AT + 8)};
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		*members[i] = column_bytes(row, TOTALS_AT + (int)i);
	t->rss_bytes = t->anon_bytes + t->file_bytes + t->shmem_bytes;
}

static int take_edge(struct reading *r, sqlite3_stmt *row, void *arg)
{
	struct recorded_process *p = reading_process(r, column_int(row, 1));
	uint64_t ns = column_time(row, 0), high = column_bytes(row, HIGH_AT);

	(void)arg;
	if (!p)
		return 0;
	take_totals(row, &p->last);
	if (!p->last_ns) {
		p->first = p->last;
		p->first_ns = p->first_ns ? p->first_ns : ns;
	}
	p->last_ns = ns;
	high = high > p->last.rss_bytes ? high : p->last.rss_bytes;
	p->peak_rss_bytes = high > p->peak_rss_bytes ? high : p->peak_rss_bytes;
	return 0;
}

/* Rows are there where something changed: a process is there until its end, or the run's. */
static void find_last(const struct recorded *out, struct recorded_process *p)
{
	uint64_t until = p->has_ended ? p->end_ns : out->end_ns;

	if (!p->last_ns)
		p->first_ns = 0;
	else if (until > p->last_ns && until <= out->end_ns)
		p->last_ns = until;
	if (p->first_ns > p->last_ns)
		p->first_ns = p->last_ns;
}

/* --- which of them first --- */

/* @r and @o differ: their place in the file decides at last. */
static int compare_rank(const void *a, const void *b)
{
	const struct recorded_process *p = a, *o = b;
	bool leaks = p->verdict && p->verdict->is_leak, other = o->verdict && o->verdict->is_leak;
	int64_t growth = recorded_growth(p), other_growth = recorded_growth(o);
	uint64_t size = totals_footprint(&p->last), other_size = totals_footprint(&o->last);

	if (p->is_named != o->is_named)
		return p->is_named ? -1 : 1;
	if (leaks != other)
		return leaks ? -1 : 1;
	if (growth != other_growth)
		return growth > other_growth ? -1 : 1;
	if (size != other_size)
		return size > other_size ? -1 : 1;
	return p->id < o->id ? -1 : 1;
}

static int compare_ids(const void *a, const void *b)
{
	const struct reading_id *i = a, *o = b;

	return i->id < o->id ? -1 : i->id > o->id;
}

static bool is_asked_for(const struct recording_select *s, const struct recorded_process *p)
{
	if (s->comm && !strcmp(s->comm, p->comm))
		return true;
	for (unsigned i = 0; i < s->pid_count; i++) {
		if (s->pids[i] == p->pid)
			return true;
	}
	return false;
}

static void choose(struct reading *r)
{
	static const struct recording_select nothing;
	const struct recording_select *s = r->select ? r->select : &nothing;
	size_t most = s->most ? s->most : RECORDING_MOST, taken = 0;
	bool any = !s->pid_count && !s->comm;

	for (size_t i = 0; i < r->out->process_count; i++) {
		struct recorded_process *p = &r->out->processes[i];

		if (any)
			p->is_loaded = s->all || taken < most;
		else
			p->is_loaded = is_asked_for(s, p) && (!s->most || taken < most);
		taken += p->is_loaded;
	}
}

int reading_rank(struct reading *r)
{
	struct recorded *out = r->out;
	int err = reading_each(r,
			       "SELECT ns, process, " TOTALS ", private_low, rss_high "
			       "FROM process_tick ORDER BY ns",
			       0, ROWS_MAX, take_edge, NULL);

	if (err)
		return err;
	for (size_t i = 0; i < out->process_count; i++)
		find_last(out, &out->processes[i]);
	if (!out->process_count)
		return 0;
	qsort(out->processes, out->process_count, sizeof(out->processes[0]), compare_rank);
	for (size_t i = 0; i < out->process_count; i++)
		r->ids[i] = (struct reading_id){out->processes[i].id, i};
	qsort(r->ids, out->process_count, sizeof(r->ids[0]), compare_ids);
	choose(r);
	return 0;
}

/* --- their ticks --- */

static void take_activity(sqlite3_stmt *row, struct recorded_tick *t)
{
	struct activity *a = &t->activity;
	uint64_t *const members[] = {&a->fault_bytes,  &a->fault_count,	 &a->brk_bytes,
				     &a->brk_count,    &a->mmap_bytes,	 &a->mmap_count,
				     &a->munmap_bytes, &a->munmap_count, &a->mremap_bytes,
				     &a->mremap_count, &a->fault_heap,	 &a->fault_stack,
				     &a->fault_mmap};

	t->has_activity = column_is_known(row, ACTIVITY_AT);
	t->calls_counted = column_is_known(row, ACTIVITY_AT + 2);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		*members[i] = column_bytes(row, ACTIVITY_AT + (int)i);
}

/* Doubled at each power of two. */
static struct recorded_tick *new_tick(struct recorded_process *p)
{
	size_t n = p->tick_count;

	if (!(n & (n - 1))) {
		struct recorded_tick *ticks = realloc(p->ticks, (n ? 2 * n : 1) * sizeof(*ticks));

		if (!ticks)
			return NULL;
		p->ticks = ticks;
	}
	return &p->ticks[p->tick_count++];
}

static int take_tick(struct reading *r, sqlite3_stmt *row, void *arg)
{
	struct recorded_process *p = reading_process(r, column_int(row, 1));
	struct recorded_tick *t;
	uint64_t held;

	(void)arg;
	if (!p || !p->is_loaded)
		return 0;
	if (r->ticks >= READ_TICKS_MAX) {
		r->out->left_out++;
		return 0;
	}
	t = new_tick(p);
	if (!t)
		return reading_refuse(r, -ENOMEM, "out of memory");
	r->ticks++;
	*t = (struct recorded_tick){.ns = column_time(row, 0)};
	take_totals(row, &t->now);
	held = t->now.anon_bytes + t->now.swap_bytes;
	t->private_low = column_is_known(row, LOW_AT) ? column_bytes(row, LOW_AT) : held;
	t->private_low = t->private_low < held ? t->private_low : held;
	t->rss_high = column_bytes(row, HIGH_AT);
	t->rss_high = t->rss_high > t->now.rss_bytes ? t->rss_high : t->now.rss_bytes;
	take_activity(row, t);
	return 0;
}

int reading_ticks(struct reading *r)
{
	return reading_each(r,
			    "SELECT ns, process, " TOTALS ", private_low, rss_high, fault_bytes, "
			    "fault_count, brk_bytes, brk_count, mmap_bytes, mmap_count, "
			    "munmap_bytes, munmap_count, mremap_bytes, mremap_count, fault_heap, "
			    "fault_stack, fault_mmap FROM process_tick ORDER BY ns",
			    0, ROWS_MAX, take_tick, NULL);
}

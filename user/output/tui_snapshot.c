/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A copy of a tick. The processes of a tick are the collector's, and are gone
 * or changed when a key is pressed: what is drawn is drawn from here.
 *
 * A process is copied whole, with its history: about 1.3 KB; and so is its
 * verdict, since any page may be opened while the display is frozen. A cgroup is
 * shared and freed with its last process, so its names are copied into one buffer.
 *
 * LIMITATIONS: the first SNAPSHOT_MAX_ROWS rows only. As rows come sorted, these
 * are the ones that matter.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/growth.h"
#include "base/hmap.h"
#include "output/tui_internal.h"

void snapshot_init(struct snapshot *s)
{
	memset(s, 0, sizeof(*s));
	strbuf_init(&s->names);
	for (unsigned i = 0; i < SNAPSHOT_SITES; i++)
		copies_init(&s->sites[i]);
}

void snapshot_release(struct snapshot *s)
{
	free(s->rows);
	free(s->order);
	strbuf_release(&s->names);
	tui_verdicts_release(&s->verdicts);
	for (unsigned i = 0; i < SNAPSHOT_SITES; i++)
		copies_release(&s->sites[i]);
	snapshot_init(s);
}

static int reserve(struct snapshot *s, size_t count)
{
	size_t capacity = count + count / 4 + 16;

	if (count <= s->capacity)
		return 0;
	free(s->rows);
	free(s->order);
	s->rows = malloc(capacity * sizeof(*s->rows));
	s->order = malloc(capacity * sizeof(struct process *));
	s->capacity = s->rows && s->order ? capacity : 0;
	return s->capacity ? 0 : -ENOMEM;
}

static size_t keep_name(struct snapshot *s, const char *name)
{
	size_t at = s->names.len;

	if (!name || !name[0])
		return 0;
	strbuf_add(&s->names, name, strlen(name) + 1);
	return at;
}

static void keep_row(struct snapshot *s, size_t i, const struct process *p)
{
	struct tui_row *row = &s->rows[i];

	row->process = *p;
	row->process.cgroup = NULL;
	row->process.verdict = tui_verdict_copy(&s->verdicts, p->verdict);
	row->process.kept = tui_kept_copy(&s->verdicts, p->kept);
	row->limit_at = p->verdict ? keep_name(s, p->verdict->limit.where) : 0;
	row->cgroup_at = p->cgroup ? keep_name(s, p->cgroup->path) : 0;
	row->container_at = p->cgroup ? keep_name(s, p->cgroup->container) : 0;
	s->order[i] = &row->process;
}

/* The buffer of names stays where it is from now on. */
static void name_limits(struct snapshot *s)
{
	size_t verdict = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct tui_row *row = &s->rows[i];

		if (!row->process.verdict)
			continue;
		if (row->limit_at)
			s->verdicts.list[verdict].limit.where = s->names.s + row->limit_at;
		verdict++;
	}
}

static void add_growth(struct snapshot *s, const struct tick *t)
{
	s->has_growth = false;
	s->growth_per_s = 0;
	for (size_t i = 0; i < t->count; i++) {
		s->has_growth |= t->rows[i]->has_delta;
		s->growth_per_s += growth_rate(t->rows[i]);
	}
}

/* The selected process's, and those of the first that have any. */
static int keep_sites(struct snapshot *s, const struct tick *t, struct looked_at who)
{
	unsigned room = SNAPSHOT_SITES - (who.pid != 0);
	int err = 0;

	s->site_count = 0;
	for (size_t i = 0; i < s->count && !err; i++) {
		const struct process *p = t->rows[i];
		bool is_looked_at = p->pid == who.pid && p->start_ns == who.start_ns;

		if (!p->sites || !t->sites_wanted || (!room && !is_looked_at))
			continue;
		room -= room && !is_looked_at;
		if (s->site_count < SNAPSHOT_SITES)
			err = copies_take(&s->sites[s->site_count++], p, t->sites_wanted);
	}
	return err;
}

int snapshot_take(struct snapshot *s, const struct tick *t, const struct pulse *pulse,
		  struct looked_at who)
{
	size_t count = t->count;

	if (t->rows_wanted && count > t->rows_wanted)
		count = t->rows_wanted;
	if (count > SNAPSHOT_MAX_ROWS)
		count = SNAPSHOT_MAX_ROWS;
	s->is_valid = false;
	s->count = 0;
	if (reserve(s, count) || tui_verdicts_reserve(&s->verdicts, t, count))
		return -ENOMEM;
	strbuf_clear(&s->names);
	strbuf_addc(&s->names, '\0'); /* so that 0 is no name */
	for (size_t i = 0; i < count; i++)
		keep_row(s, i, t->rows[i]);
	if (s->names.err)
		return s->names.err;
	s->count = count;
	name_limits(s);
	if (keep_sites(s, t, who))
		return -ENOMEM;
	s->process_count = t->count;
	s->now_ns = t->now_ns;
	s->wall_ns = t->wall_ns;
	s->pulse = *pulse;
	s->has_fault_places = t->has_fault_places;
	add_growth(s, t);
	s->has_machine = meminfo_read("", &s->machine) &&
			 s->machine.available_bytes <= s->machine.total_bytes;
	s->is_valid = true;
	return 0;
}

void snapshot_sort(struct snapshot *s, const struct column *c, bool is_reversed)
{
	column_sort(c, s->order, s->count);
	for (size_t i = 0; is_reversed && i < s->count / 2; i++) {
		struct process *p = s->order[i];

		s->order[i] = s->order[s->count - 1 - i];
		s->order[s->count - 1 - i] = p;
	}
}

const struct tui_row *snapshot_row(const struct snapshot *s, size_t i)
{
	return hmap_entry(s->order[i], struct tui_row, process);
}

ssize_t snapshot_find(const struct snapshot *s, uint32_t pid, uint64_t start_ns)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->order[i]->pid == pid && s->order[i]->start_ns == start_ns)
			return (ssize_t)i;
	}
	return -1;
}

const struct tui_sites *snapshot_sites(const struct snapshot *s, const struct process *p)
{
	for (unsigned i = 0; i < s->site_count; i++) {
		if (s->sites[i].pid == p->pid && s->sites[i].start_ns == p->start_ns)
			return &s->sites[i];
	}
	return NULL;
}

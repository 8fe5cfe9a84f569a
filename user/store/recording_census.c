/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Censuses of a recording. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/json_read.h"
#include "store/recording_internal.h"

struct census_rows {
	struct recorded_process *p;
	struct census *now;		/* that is read */
	int64_t ids[READ_CENSUSES_MAX]; /* in the file, of p->censuses */
	struct retainer retainer;
};

/* An index of an isolate that there is; else the first. */
static uint8_t isolate_of(const struct census *c, uint64_t idx)
{
	return idx < c->isolate_count ? (uint8_t)idx : 0;
}

static uint8_t kind_of(const char *name)
{
	int kind = name ? census_kind_parse(name) : CENSUS_OBJECT;

	return (uint8_t)(kind < 0 ? CENSUS_SYSTEM : kind); /* one that is not known yet */
}

static int take_isolate(struct reading *r, sqlite3_stmt *row, void *arg)
{
	struct census *c = arg;

	(void)r;
	c->isolates[c->isolate_count++] = (struct census_isolate){
		.id = (uint64_t)column_int(row, 0),
		.count = column_bytes(row, 1),
		.bytes = column_bytes(row, 2),
		.external_bytes = column_bytes(row, 3),
		.page_bytes = column_bytes(row, 4),
	};
	return 0;
}

static int take_constructor(struct reading *r, sqlite3_stmt *row, void *arg)
{
	struct census *c = arg;
	const struct constructor k = {
		.kind = kind_of(column_chars(row, 0)),
		.isolate = isolate_of(c, column_number(row, 1, UINT32_MAX)),
		.name = column_chars(row, 2),
		.class_name = column_chars(row, 3),
		.file = column_chars(row, 4),
		.line = (uint32_t)column_number(row, 5, UINT32_MAX),
		.count = column_bytes(row, 6),
		.bytes = column_bytes(row, 7),
		.external_bytes = column_bytes(row, 8),
	};

	if (k.name && census_add_constructor(c, &k))
		return reading_refuse(r, -ENOMEM, "out of memory");
	return 0;
}

/* The list is to be put when its strings have been copied. */
static struct json_object *take_steps(const char *text, struct retainer_step *to, unsigned max,
				      unsigned *count)
{
	struct json_object *list = text ? json_read_text(text, READ_JSON_DEPTH) : NULL;
	size_t there =
		json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	*count = (unsigned)(there < max ? there : max);
	for (unsigned i = 0; i < *count; i++) {
		struct json_object *from = json_object_array_get_idx(list, i);
		const char *edge = json_read_string(from, "edge");
		const char *node = json_read_string(from, "node");

		to[i] = (struct retainer_step){
			.edge = edge ? edge : "",
			.node = node ? node : "",
			.file = json_read_string(from, "file"),
			.line = (uint32_t)json_read_number(from, "line", 0, UINT32_MAX),
		};
	}
	return list;
}

static int take_retainer(struct reading *r, sqlite3_stmt *row, void *arg)
{
	struct census_rows *rows = arg;
	struct census *c = rows->now;
	struct retainer *to = &rows->retainer;
	struct json_object *steps, *owners;
	double share = column_real(row, 7);
	int err = 0;

	*to = (struct retainer){
		.of = column_chars(row, 0),
		.of_file = column_chars(row, 1),
		.of_kind = kind_of(column_chars(row, 2)),
		.isolate = isolate_of(c, column_number(row, 3, UINT32_MAX)),
		.instances = column_bytes(row, 4),
		.count = column_bytes(row, 5),
		.bytes = column_bytes(row, 6),
		.share = share > 0 && share <= 1 ? share : 0,
		.container = column_chars(row, 8),
		.steps_left_out = (unsigned)column_number(row, 11, UINT32_MAX),
		.owners_left_out = (unsigned)column_number(row, 12, UINT32_MAX),
	};
	steps = take_steps(column_chars(row, 9), to->steps, CENSUS_STEPS_MAX, &to->step_count);
	owners = take_steps(column_chars(row, 10), to->owners, CENSUS_OWNERS_MAX, &to->owner_count);
	if (to->of && census_add_retainer(c, to))
		err = reading_refuse(r, -ENOMEM, "out of memory");
	json_object_put(steps);
	json_object_put(owners);
	return err;
}

static int take_census(struct reading *r, sqlite3_stmt *row, void *arg)
{
	struct census_rows *rows = arg;
	struct recorded_process *p = rows->p;
	const char *why = column_chars(row, 3), *runtime = column_chars(row, 4);
	int when = why ? recorded_census_when_parse(why) : -1;
	struct census *c = census_new();

	if (!c)
		return reading_refuse(r, -ENOMEM, "out of memory");
	c->pid = p->pid;
	c->start_ns = p->start_ns;
	memcpy(c->comm, p->comm, sizeof(c->comm));
	c->taken_ns = column_time(row, 1);
	c->wall_ns = column_time(row, 2);
	snprintf(c->node, sizeof(c->node), "%s", runtime ? runtime : "");
	c->is_live = column_int(row, 5) == 1;
	c->in_gc = column_int(row, 6) == 1;
	c->pause_ns = column_bytes(row, 7);
	c->rss_bytes = column_bytes(row, 8);
	rows->ids[p->census_count] = column_int(row, 0);
	p->censuses[p->census_count++] = (struct recorded_census){
		when < 0 ? RECORDED_CENSUS_LEAK : (enum recorded_census_when)when, c};
	return 0;
}

static int read_one(struct reading *r, struct census_rows *rows, size_t at)
{
	struct census *c = rows->now = rows->p->censuses[at].census;
	int err = reading_each(r,
			       "SELECT id, count, bytes, external_bytes, page_bytes "
			       "FROM census_isolate WHERE census = ?1 ORDER BY idx",
			       rows->ids[at], CENSUS_ISOLATES_MAX, take_isolate, c);

	if (!err)
		err = reading_each(r,
				   "SELECT kind, isolate, name, class_name, file, line, count, "
				   "bytes, external_bytes FROM constructor WHERE census = ?1 "
				   "ORDER BY idx",
				   rows->ids[at], READ_CONSTRUCTORS, take_constructor, c);
	if (!err)
		err = reading_each(r,
				   "SELECT name, file, kind, isolate, instances, count, bytes, "
				   "share, container, path, owners, steps_left_out, "
				   "owners_left_out FROM retainer WHERE census = ?1 ORDER BY idx",
				   rows->ids[at], READ_RETAINERS, take_retainer, rows);
	census_sort(c);
	return err;
}

static int read_of(struct reading *r, struct recorded_process *p, struct census_rows *rows)
{
	int err;

	p->censuses = calloc(READ_CENSUSES_MAX, sizeof(p->censuses[0]));
	if (!p->censuses)
		return reading_refuse(r, -ENOMEM, "out of memory");
	rows->p = p;
	err = reading_each(r,
			   "SELECT id, ns, wall_ns, why, runtime, live, in_gc, pause_ns, rss_bytes "
			   "FROM census WHERE process = ?1 ORDER BY ns, id",
			   p->id, READ_CENSUSES_MAX, take_census, rows);
	for (size_t i = 0; i < p->census_count && !err; i++)
		err = read_one(r, rows, i);
	return err;
}

int reading_censuses(struct reading *r)
{
	struct census_rows *rows = calloc(1, sizeof(*rows));
	int err = 0;

	if (!rows)
		return reading_refuse(r, -ENOMEM, "out of memory");
	for (size_t i = 0; i < r->out->process_count && !err; i++) {
		if (r->out->processes[i].is_loaded)
			err = read_of(r, &r->out->processes[i], rows);
	}
	free(rows);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The last verdict of each process of a recording, and what its leak consists of. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/verdict.h"
#include "store/json_read.h"
#include "store/recording_internal.h"

#define ROWS_MAX (1u << 20)

/* --- verdicts --- */

static void take_evidence(struct verdict *v, const char *text)
{
	struct json_object *list = text ? json_read_text(text, READ_JSON_DEPTH) : NULL;
	size_t count =
		json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < count && i < VERDICT_EVIDENCE_MAX; i++) {
		struct json_object *sentence = json_object_array_get_idx(list, i);

		if (!json_object_is_type(sentence, json_type_string))
			continue;
		snprintf(v->evidence[v->evidence_count++], VERDICT_SENTENCE, "%s",
			 json_object_get_string(sentence));
	}
	json_object_put(list);
}

static double column_share(sqlite3_stmt *row, int at)
{
	double share = column_real(row, at);

	return share > 0 && share <= 1 ? share : 0;
}

static void take_limit(struct reading *r, sqlite3_stmt *row, struct verdict *v)
{
	const char *kind = column_chars(row, 10);

	if (!kind)
		return;
	v->limit = (struct limit){
		.kind = limit_kind_parse(kind),
		.bytes = column_bytes(row, 11),
		.used_bytes = column_bytes(row, 12),
		.where = column_text(r, row, 13),
	};
	v->limit_seconds = column_real(row, 14);
	if (!column_is_known(row, 14) || v->limit_seconds < 0)
		v->limit.kind = LIMIT_NONE;
}

/* NULL if it is of a class that is not known yet, or memory is short. */
static struct verdict *new_verdict(struct reading *r, sqlite3_stmt *row)
{
	const char *name = column_chars(row, 2);
	int class = name ? verdict_class_parse(name) : -1;
	struct verdict *v = class < 0 ? NULL : calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	*v = (struct verdict){
		.class = (enum verdict_class) class,
		.is_leak = column_int(row, 3) == 1,
		.confidence = column_share(row, 4),
		.since_ns = column_time(row, 5),
		.trend = {.slope = column_real(row, 6),
			  .low = column_real(row, 7),
			  .high = column_real(row, 8),
			  .points = (unsigned)column_number(row, 9, UINT32_MAX)},
	};
	take_limit(r, row, v);
	take_evidence(v, column_chars(row, 15));
	return v;
}

static int take_verdict(struct reading *r, sqlite3_stmt *row, void *arg)
{
	struct recorded_process *p = reading_process(r, column_int(row, 1));
	struct verdict *v = p ? new_verdict(r, row) : NULL;

	(void)arg;
	if (!v)
		return 0;
	free((void *)p->verdict);
	p->verdict = v;
	p->verdict_ns = column_time(row, 0);
	return 0;
}

static int take_change(struct reading *r, sqlite3_stmt *row, void *arg)
{
	struct recorded_process *p = arg;
	struct verdict *v = new_verdict(r, row);

	if (v)
		p->verdicts[p->verdict_count++] = (struct recorded_verdict){column_time(row, 0), v};
	return 0;
}

#define VERDICTS                                                                                   \
	"SELECT ns, process, class, leak, confidence, since_ns, slope, slope_low, slope_high, "    \
	"points, limit_kind, limit_bytes, limit_used_bytes, limit_where, limit_seconds, evidence " \
	"FROM verdict "

int reading_changes(struct reading *r)
{
	int err = 0;

	for (size_t i = 0; i < r->out->process_count && !err; i++) {
		struct recorded_process *p = &r->out->processes[i];

		if (!p->is_loaded || !p->verdict)
			continue;
		p->verdicts = calloc(READ_VERDICTS_MAX, sizeof(*p->verdicts));
		if (!p->verdicts)
			return reading_refuse(r, -ENOMEM, "out of memory");
		err = reading_each(r, VERDICTS "WHERE process = ?1 ORDER BY ns, id", p->id,
				   READ_VERDICTS_MAX, take_change, p);
	}
	return err;
}

/* --- what leaks --- */

static void take_by(struct json_object *o, struct kept_by *by)
{
	struct json_object *from;

	if (!json_object_object_get_ex(o, "retainer", &from))
		return;
	json_read_copy(from, "container", by->container, sizeof(by->container));
	json_read_copy(from, "edge", by->edge, sizeof(by->edge));
	json_read_copy(from, "node", by->node, sizeof(by->node));
	json_read_copy(from, "file", by->file, sizeof(by->file));
	by->line = (uint32_t)json_read_number(from, "line", 0, UINT32_MAX);
	by->share = json_read_share(from, "share");
	by->count = (uint64_t)json_read_number(from, "count", 0, READ_BYTES_MAX);
	by->bytes = (uint64_t)json_read_number(from, "bytes", 0, READ_BYTES_MAX);
}

static void take_constructor(struct json_object *from, struct kept_constructor *c)
{
	const int64_t most = READ_BYTES_MAX;
	const char *kind = json_read_string(from, "kind");
	int parsed = kind ? census_kind_parse(kind) : CENSUS_OBJECT;

	c->kind = (uint8_t)(parsed < 0 ? CENSUS_SYSTEM : parsed);
	json_read_copy(from, "name", c->name, sizeof(c->name));
	json_read_copy(from, "file", c->file, sizeof(c->file));
	c->line = (uint32_t)json_read_number(from, "line", 0, UINT32_MAX);
	c->count = (uint64_t)json_read_number(from, "count", 0, most);
	c->bytes = (uint64_t)json_read_number(from, "bytes", 0, most);
	c->delta_count = json_read_number(from, "delta_count", -most, most);
	c->delta_bytes = json_read_number(from, "delta_bytes", -most, most);
	take_by(from, &c->by);
}

/* An object; or only the array of its constructors, as in NDJSON. */
static bool take_kept_object(struct json_object *o, struct kept *k)
{
	struct json_object *list = o, *pauses = json_read_list(o, "pauses_ns"), *seconds;
	size_t count;

	if (!json_object_is_type(o, json_type_array))
		list = json_read_list(o, "constructors");
	if (!list)
		return false;
	k->taken_ns = (uint64_t)json_read_number(o, "taken_ns", 0, READ_TIME_MAX);
	if (json_object_object_get_ex(o, "seconds", &seconds))
		k->seconds = json_object_get_double(seconds);
	if (!(k->seconds >= 0 && k->seconds < 1e9))
		k->seconds = 0;
	for (size_t i = 0; pauses && i < 2 && i < json_object_array_length(pauses); i++) {
		int64_t ns = json_object_get_int64(json_object_array_get_idx(pauses, i));

		k->pauses_ns[i] = ns > 0 ? (uint64_t)ns : 0;
	}
	count = json_object_array_length(list);
	for (size_t i = 0; i < count && k->count < KEPT_MAX; i++)
		take_constructor(json_object_array_get_idx(list, i), &k->constructors[k->count++]);
	return true;
}

static int take_kept(struct reading *r, sqlite3_stmt *row, void *arg)
{
	struct recorded_process *p = reading_process(r, column_int(row, 0));
	const char *text = column_chars(row, 1);
	struct json_object *o = p && text ? json_read_text(text, READ_JSON_DEPTH) : NULL;
	struct kept *k = o ? calloc(1, sizeof(*k)) : NULL;
	int err = o && !k ? reading_refuse(r, -ENOMEM, "out of memory") : 0;

	(void)arg;
	if (k && take_kept_object(o, k)) {
		free(p->kept);
		p->kept = k;
		k = NULL;
	}
	free(k);
	json_object_put(o);
	return err;
}

int reading_verdicts(struct reading *r)
{
	int err = reading_each(
		r, VERDICTS "WHERE id IN (SELECT max(id) FROM verdict GROUP BY process)", 0,
		ROWS_MAX, take_verdict, NULL);

	if (!err)
		err = reading_each(r,
				   "SELECT process, kept FROM verdict WHERE id IN (SELECT max(id) "
				   "FROM verdict WHERE kept IS NOT NULL GROUP BY process)",
				   0, ROWS_MAX, take_kept, NULL);
	return err;
}

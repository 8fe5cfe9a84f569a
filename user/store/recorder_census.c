/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Censuses in a recording: isolates, constructors, retainers, each in its table. */
#include <errno.h>

#include "store/recorder_internal.h"

#define NAME_MAX_BYTES	 4096
#define CONSTRUCTORS_MAX 20000 /* the rest is the smallest of them */

static int add_isolate(struct recorder *r, int64_t census, unsigned i,
		       const struct census_isolate *isolate)
{
	struct row row = row_begin(r, ADD_CENSUS_ISOLATE);

	row_int(&row, census);
	row_int(&row, i);
	row_int(&row, (int64_t)isolate->id);
	row_u64(&row, isolate->count);
	row_u64(&row, isolate->bytes);
	row_u64(&row, isolate->external_bytes);
	row_u64(&row, isolate->page_bytes);
	return row_end(&row);
}

static int add_constructor(struct recorder *r, int64_t census, unsigned i,
			   const struct constructor *c)
{
	struct row row = row_begin(r, ADD_CONSTRUCTOR);

	row_int(&row, census);
	row_int(&row, i);
	row_own(&row, census_kind_name(c->kind));
	row_int(&row, c->isolate);
	row_text(&row, c->name, NAME_MAX_BYTES);
	row_text(&row, c->class_name, NAME_MAX_BYTES);
	row_text(&row, c->file, NAME_MAX_BYTES);
	row_known(&row, c->line);
	row_u64(&row, c->count);
	row_u64(&row, c->bytes);
	row_u64(&row, c->external_bytes);
	return row_end(&row);
}

static void add_member(struct strbuf *b, const char *key, const char *value)
{
	if (!value)
		return;
	strbuf_addf(b, "%s\"%s\":", b->s[b->len - 1] == '{' ? "" : ",", key);
	strbuf_add_json_string(b, value, NAME_MAX_BYTES);
}

static void bind_steps(struct row *row, const struct retainer_step *steps, unsigned count)
{
	struct strbuf b;

	strbuf_init(&b);
	strbuf_addc(&b, '[');
	for (unsigned i = 0; i < count; i++) {
		strbuf_adds(&b, i ? ",{" : "{");
		add_member(&b, "edge", steps[i].edge);
		add_member(&b, "node", steps[i].node);
		add_member(&b, "file", steps[i].file);
		if (steps[i].line)
			strbuf_addf(&b, ",\"line\":%u", steps[i].line);
		strbuf_addc(&b, '}');
	}
	strbuf_addc(&b, ']');
	row_own(row, b.err ? NULL : b.s);
	strbuf_release(&b);
}

static int add_retainer(struct recorder *r, int64_t census, unsigned i, const struct retainer *by)
{
	struct row row = row_begin(r, ADD_RETAINER);

	row_int(&row, census);
	row_int(&row, i);
	row_text(&row, by->of, NAME_MAX_BYTES);
	row_text(&row, by->of_file, NAME_MAX_BYTES);
	row_own(&row, census_kind_name(by->of_kind));
	row_int(&row, by->isolate);
	row_u64(&row, by->instances);
	row_u64(&row, by->count);
	row_u64(&row, by->bytes);
	row_real(&row, by->share);
	row_text(&row, by->container, NAME_MAX_BYTES);
	bind_steps(&row, by->steps, by->step_count);
	bind_steps(&row, by->owners, by->owner_count);
	row_int(&row, by->steps_left_out);
	row_int(&row, by->owners_left_out);
	return row_end(&row);
}

static int64_t add_census(struct recorder *r, const struct census *c, int64_t process,
			  enum recorded_census_when when)
{
	struct row row = row_begin(r, ADD_CENSUS);

	row_int(&row, process);
	row_u64(&row, c->taken_ns);
	row_u64(&row, c->wall_ns);
	row_own(&row, recorded_census_when_name(when));
	row_text(&row, c->node, sizeof(c->node));
	row_int(&row, c->is_live);
	row_int(&row, c->in_gc);
	row_u64(&row, c->pause_ns);
	row_known(&row, c->rss_bytes);
	r->stats.censuses++;
	return row_end(&row) ? 0 : row_id(r);
}

int recorder_census(struct recorder *r, const struct census *c, enum recorded_census_when when)
{
	int err = recorder_ready(r);
	struct recorder_process *e;
	int64_t id;

	if (err)
		return err == -EAGAIN ? recorder_drop(r) : err;
	e = recorder_process_get(r, c->pid, 0, c->start_ns, c->comm);
	id = e ? add_census(r, c, e->id, when) : 0;
	for (unsigned i = 0; id && i < c->isolate_count && !err; i++)
		err = add_isolate(r, id, i, &c->isolates[i]);
	for (unsigned i = 0; id && i < c->constructor_count && i < CONSTRUCTORS_MAX && !err; i++)
		err = add_constructor(r, id, i, &c->constructors[i]);
	for (unsigned i = 0; id && i < c->retainer_count && !err; i++)
		err = add_retainer(r, id, i, &c->retainers[i]);
	return r->err;
}

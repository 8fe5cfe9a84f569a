/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Growth sites of a recording, as the table that outputs know: what was written is what was shown;
 * shares, chains and notes follow from it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/recording_internal.h"

struct frames {
	struct frame list[READ_FRAMES_MAX];
	unsigned count;
};

struct site_rows {
	struct recorded_process *p;
	sqlite3_stmt *stack; /* the frames of one */
	struct frames frames;
};

/* --- frames --- */

static bool is_hexadecimal(const char *text)
{
	return text && text[0] && text[strspn(text, "0123456789abcdef")] == '\0';
}

static int take_frame(struct reading *r, sqlite3_stmt *row, void *arg)
{
	struct frames *frames = arg;
	struct frame *f = &frames->list[frames->count++];
	const char *kind = column_chars(row, 0);
	int parsed = kind ? frame_kind_parse(kind) : FRAME_UNKNOWN;

	*f = (struct frame){
		.kind = (uint8_t)(parsed < 0 ? FRAME_UNKNOWN : parsed),
		.origin = (uint8_t)column_number(row, 1, FRAME_RUNTIME),
		.tier = (uint8_t)column_number(row, 2, TIER_TURBOFAN),
		.is_inlined = column_int(row, 3) == 1,
		.is_approximate = column_int(row, 4) == 1,
		.fn = column_text(r, row, 5),
		.file = column_text(r, row, 6),
		.line = (uint32_t)column_number(row, 7, UINT32_MAX),
		.fn_line = (uint32_t)column_number(row, 8, UINT32_MAX),
		.ip = (uint64_t)column_int(row, 9),
		.module_address = (uint64_t)column_int(row, 10),
		.module = column_text(r, row, 11),
	};
	if (is_hexadecimal(column_chars(row, 12)))
		f->build_id = column_text(r, row, 12);
	return 0;
}

static const char frames_sql[] =
	"SELECT f.kind, origin, tier, inlined, approximate, fn, file, line, fn_line, address, "
	"module_address, m.path, m.build_id FROM stack_frame s JOIN frame f ON f.id = s.frame "
	"LEFT JOIN module m ON m.id = f.module WHERE s.stack = ?1 ORDER BY depth";

/* --- sites --- */

static int take_site(struct reading *r, sqlite3_stmt *row, void *arg)
{
	struct site_rows *rows = arg;
	struct site_table *t = rows->p->sites;
	const char *name = column_chars(row, 0);
	enum mw_site_kind kind = name ? site_kind_parse(name) : 0;
	struct site *s;
	int err;

	if (!kind)
		return 0;
	rows->frames.count = 0;
	err = reading_run(r, rows->stack, column_int(row, 1), READ_FRAMES_MAX, take_frame,
			  &rows->frames);
	if (err)
		return err;
	s = site_table_get(t, kind, rows->frames.list, rows->frames.count, column_int(row, 2) == 1);
	if (!s && errno != ENOSPC)
		return reading_refuse(r, -ENOMEM, "out of memory");
	if (!s) {
		t->dropped_bytes += column_bytes(row, 3);
		return 0;
	}
	s->bytes += column_bytes(row, 3);
	s->estimated_bytes += column_bytes(row, 4);
	s->samples += column_number(row, 5, READ_BYTES_MAX);
	s->freed_samples += column_number(row, 6, READ_BYTES_MAX);
	s->kept_samples += column_number(row, 7, READ_BYTES_MAX);
	s->sampled_bytes = s->estimated_bytes;
	return 0;
}

/* As site_table_finish_tick() would leave them. */
static void finish(struct site_table *t)
{
	uint64_t estimated[MW_SITE_KINDS] = {0};
	struct hmap_node *node;

	hmap_for_each (&t->by_hash, node) {
		const struct site *s = hmap_entry(node, struct site, node);

		estimated[s->kind] += s->estimated_bytes;
		t->total_bytes[s->kind] += s->bytes;
		t->samples[s->kind] += s->samples;
	}
	hmap_for_each (&t->by_hash, node) {
		struct site *s = hmap_entry(node, struct site, node);

		if (estimated[s->kind])
			s->share = (double)s->estimated_bytes / (double)estimated[s->kind];
	}
}

static int take_state(struct reading *r, sqlite3_stmt *row, void *arg)
{
	struct recorded_process *p = arg;
	struct site_table *t = site_table_new();

	if (!t)
		return reading_refuse(r, -ENOMEM, "out of memory");
	site_table_free(p->sites);
	p->sites = t;
	p->sites_ns = column_time(row, 1);
	t->begin_ns = column_time(row, 0);
	t->quality = (struct site_quality){
		.level = column_text(r, row, 2),
		.why = column_text(r, row, 3),
		.stacks = column_bytes(row, 4),
		.stacks_cut = column_bytes(row, 5),
		.stacks_unreadable = column_bytes(row, 6),
		.stacks_recovered = column_bytes(row, 7),
		.frames = column_bytes(row, 8),
		.frames_unnamed = column_bytes(row, 9),
	};
	t->dropped_bytes = column_bytes(row, 10);
	t->unnamed_bytes = column_bytes(row, 11);
	t->v8_live_first = column_bytes(row, 12);
	t->v8_live_last = column_bytes(row, 13);
	t->v8_live_span_ns = column_bytes(row, 14);
	t->v8_is_scaled = column_int(row, 15) == 1;
	return 0;
}

static int read_of(struct reading *r, struct recorded_process *p, struct site_rows *rows)
{
	int err = reading_each(r,
			       "SELECT begin_ns, ns, level, why, stacks, stacks_cut, "
			       "stacks_unreadable, stacks_recovered, frames, frames_unnamed, "
			       "dropped_bytes, unnamed_bytes, v8_live_first, v8_live_last, "
			       "v8_live_span_ns, v8_scaled FROM site_state WHERE process = ?1",
			       p->id, 1, take_state, p);

	if (err || !p->sites)
		return err;
	rows->p = p;
	err = reading_each(r,
			   "SELECT kind, stack, is_cut, bytes, estimated_bytes, samples, "
			   "freed_samples, kept_samples FROM site s LEFT JOIN stack k "
			   "ON k.id = s.stack WHERE process = ?1 ORDER BY s.id",
			   p->id, READ_SITES_MAX, take_site, rows);
	finish(p->sites);
	return err;
}

int reading_sites(struct reading *r)
{
	struct site_rows *rows = calloc(1, sizeof(*rows));
	int err;

	if (!rows)
		return reading_refuse(r, -ENOMEM, "out of memory");
	err = reading_prepare(r, frames_sql, &rows->stack);
	for (size_t i = 0; i < r->out->process_count && !err; i++) {
		if (r->out->processes[i].is_loaded)
			err = read_of(r, &r->out->processes[i], rows);
	}
	sqlite3_finalize(rows->stack);
	free(rows);
	return err;
}

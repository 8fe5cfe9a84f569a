/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sites in a recording. Modules, frames and stacks are written once, whichever process has them:
 * they are found again by a hash of what they are, under a key of this run's own, so that nobody
 * can choose names that are taken for others'.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "store/recorder_internal.h"

#define NAME_MAX_BYTES 4096 /* of a function's or a file's name */
#define HEX_MAX	       128  /* of a build-id */
#define FRAME_BYTES    64   /* of a row, beside its names */
#define MODULE_BYTES   128  /* with an index that has the name once more, if it is short */
#define STEP_BYTES     12
#define SITE_BYTES     96
#define SITES_SHARE    3 /* of the file that sites may have */

/* --- hashes: FNV-1a's steps, mixed after each value --- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ (hash >> 29);
}

static uint64_t mix_text(uint64_t hash, const char *s)
{
	if (!s)
		return mix(hash, 1);
	return mix(fnv1a_add_text(hash, s), 2);
}

/* --- modules, frames, stacks --- */

static int64_t module_id(struct recorder *r, const struct frame *f)
{
	uint64_t hash = mix_text(mix_text(r->seed, f->module), f->build_id);
	const struct recorder_key *key = recorder_key_find(&r->modules, hash);
	struct row row;
	int64_t id;

	if (!f->module)
		return 0;
	if (key)
		return key->id;
	row = row_begin(r, ADD_MODULE);
	row_text(&row, f->module, NAME_MAX_BYTES);
	row_text(&row, f->build_id, HEX_MAX);
	r->site_bytes += MODULE_BYTES + strlen(f->module);
	if (row_end(&row))
		return 0;
	id = row_id(r);
	return recorder_key_add(r, &r->modules, hash, id) ? 0 : id;
}

static uint64_t frame_hash(uint64_t seed, const struct frame *f, int64_t module)
{
	uint64_t hash = mix_text(mix_text(seed, f->fn), f->file);

	hash = mix(mix(hash, (uint64_t)module), f->ip);
	hash = mix(mix(hash, f->module_address), ((uint64_t)f->line << 32) | f->fn_line);
	return mix(hash, ((uint64_t)f->kind << 32) | (f->origin << 16) | (f->tier << 8) |
				 (f->is_inlined << 1) | f->is_approximate);
}

static int64_t add_frame(struct recorder *r, const struct frame *f, int64_t module)
{
	struct row row = row_begin(r, ADD_FRAME);

	row_own(&row, frame_kind_name(f->kind));
	row_int(&row, f->origin);
	row_int(&row, f->tier);
	row_int(&row, f->is_inlined);
	row_int(&row, f->is_approximate);
	row_text(&row, f->fn, NAME_MAX_BYTES);
	row_text(&row, f->file, NAME_MAX_BYTES);
	row_known(&row, f->line);
	row_known(&row, f->fn_line);
	row_known(&row, (uint64_t)module);
	row_int(&row, (int64_t)f->ip);
	row_known(&row, f->module_address);
	r->site_bytes +=
		FRAME_BYTES + (f->fn ? strlen(f->fn) : 0) + (f->file ? strlen(f->file) : 0);
	return row_end(&row) ? 0 : row_id(r);
}

static int64_t frame_id(struct recorder *r, const struct frame *f)
{
	int64_t module = module_id(r, f), id;
	uint64_t hash = frame_hash(r->seed, f, module);
	const struct recorder_key *key = recorder_key_find(&r->frames, hash);

	if (key || r->err)
		return key ? key->id : 0;
	id = add_frame(r, f, module);
	return !id || recorder_key_add(r, &r->frames, hash, id) ? 0 : id;
}

static int add_stack_frame(struct recorder *r, int64_t stack, unsigned depth, int64_t frame)
{
	struct row row = row_begin(r, ADD_STACK_FRAME);

	row_int(&row, stack);
	row_int(&row, depth);
	row_int(&row, frame);
	return row_end(&row);
}

static int64_t add_stack(struct recorder *r, const struct stack *s, const int64_t *frames)
{
	struct row row = row_begin(r, ADD_STACK);
	int64_t id;

	row_int(&row, s->is_cut);
	if (row_end(&row))
		return 0;
	id = row_id(r);
	r->site_bytes += s->count * STEP_BYTES;
	for (unsigned i = 0; i < s->count; i++) {
		if (add_stack_frame(r, id, i, frames[i]))
			return 0;
	}
	return id;
}

/* 0: it failed. */
static int64_t stack_id(struct recorder *r, const struct stack *s)
{
	int64_t *frames = calloc(s->count + 1, sizeof(*frames)), id = 0;
	const struct recorder_key *key;
	uint64_t hash = mix(r->seed, s->is_cut);

	if (!frames) {
		recorder_fail_errno(r, -ENOMEM);
		return 0;
	}
	for (unsigned i = 0; i < s->count && !r->err; i++) {
		frames[i] = frame_id(r, &s->frames[i]);
		hash = mix(hash, (uint64_t)frames[i]);
	}
	key = recorder_key_find(&r->stacks, hash);
	if (key) {
		id = key->id;
	} else if (!r->err) {
		id = add_stack(r, s, frames);
		if (id && recorder_key_add(r, &r->stacks, hash, id))
			id = 0;
	}
	free(frames);
	return id;
}

/* --- sites --- */

/* Sites of processes that are gone stay in the way: what is there is not dropped for what is new.
 */
static int leave_out(struct recorder *r, struct site *s)
{
	r->dropped_sites += !s->recorded.is_left_out;
	s->recorded.is_left_out = true;
	return 0;
}

static void bind_counts(struct row *row, const struct site *s)
{
	row_u64(row, s->bytes);
	row_u64(row, s->estimated_bytes);
	row_u64(row, s->samples);
	row_u64(row, s->freed_samples);
	row_u64(row, s->kept_samples);
}

static int add_site(struct recorder *r, struct site *s, int64_t process)
{
	struct row row;
	int64_t stack;

	if (r->site_bytes > r->max_bytes / SITES_SHARE)
		return leave_out(r, s);
	stack = stack_id(r, s->stack);
	if (!stack)
		return r->err;
	r->site_bytes += SITE_BYTES;
	row = row_begin(r, ADD_SITE);
	row_int(&row, process);
	row_own(&row, site_kind_name(s->kind));
	row_int(&row, stack);
	row_own(&row, s->note);
	row_u64(&row, r->now_ns);
	row_u64(&row, r->now_ns);
	bind_counts(&row, s);
	if (row_end(&row))
		return r->err;
	s->recorded.id = row_id(r);
	r->stats.sites++;
	return 0;
}

static int set_site(struct recorder *r, const struct site *s)
{
	struct row row = row_begin(r, SET_SITE);

	row_u64(&row, r->now_ns);
	bind_counts(&row, s);
	row_int(&row, s->recorded.id);
	return row_end(&row);
}

static int write_site(struct recorder *r, struct site *s, int64_t process)
{
	struct site_recorded now = {
		.id = s->recorded.id,
		.bytes = s->bytes,
		.samples = s->samples + s->freed_samples + s->kept_samples,
	};
	int err;

	if (now.id && now.bytes == s->recorded.bytes && now.samples == s->recorded.samples)
		return 0;
	err = now.id ? set_site(r, s) : add_site(r, s, process);
	now.id = s->recorded.id;
	now.is_left_out = s->recorded.is_left_out;
	s->recorded = now;
	return err;
}

static int write_state(struct recorder *r, const struct site_table *t, int64_t process)
{
	const struct site_quality *q = &t->quality;
	struct row row = row_begin(r, ADD_SITE_STATE);

	row_int(&row, process);
	row_u64(&row, t->begin_ns);
	row_u64(&row, r->now_ns);
	row_text(&row, q->level, NAME_MAX_BYTES);
	row_text(&row, q->why, NAME_MAX_BYTES);
	row_u64(&row, q->stacks);
	row_u64(&row, q->stacks_cut);
	row_u64(&row, q->stacks_unreadable);
	row_u64(&row, q->stacks_recovered);
	row_u64(&row, q->frames);
	row_u64(&row, q->frames_unnamed);
	row_u64(&row, t->dropped_bytes);
	row_u64(&row, t->unnamed_bytes);
	row_u64(&row, t->v8_live_first);
	row_u64(&row, t->v8_live_last);
	row_u64(&row, t->v8_live_span_ns);
	row_int(&row, t->v8_is_scaled);
	return row_end(&row);
}

int recorder_sites(struct recorder *r, const struct process *p, int64_t process)
{
	struct hmap_node *node;
	int err = 0;

	hmap_for_each (&p->sites->by_hash, node) {
		err = write_site(r, hmap_entry(node, struct site, node), process);
		if (err)
			return err;
	}
	return write_state(r, p->sites, process);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Growth sites as JSON. What is not known is not there. */
#include "output/ndjson_site.h"

static const char *const frame_origins[] = {
	[FRAME_USER] = "user",
	[FRAME_DEPENDENCY] = "dependency",
	[FRAME_RUNTIME] = "runtime",
};
static const char *const frame_tiers[] = {
	[TIER_NONE] = NULL,	  [TIER_INTERPRETED] = "interpreted", [TIER_BASELINE] = "baseline",
	[TIER_MAGLEV] = "maglev", [TIER_TURBOFAN] = "turbofan",
};

const struct site_key site_record_keys[] = {
	{"kind", "fault | brk | mmap | v8-alloc | v8-survived | external: what grew"},
	{"bytes", "estimated from samples, less what was freed; v8-survived: what full collections "
		  "found alive, scaled to the live heap's growth (sites.scaled of process)"},
	{"delta_bytes", "change of bytes since the tick before"},
	{"share", "of what was sampled of this kind in this process, 0..1"},
	{"samples", "that it rests on"},
	{"stacks", "differing stacks that are this one site: same function, line and callers"},
	{"note", "what the runtime does there of its own accord: V8 promotion, GC worker, ..."},
	{"cut", "true: the stack has more frames than these"},
};
const size_t site_record_key_count = sizeof(site_record_keys) / sizeof(site_record_keys[0]);

const struct site_key site_frame_keys[] = {
	{"fn", "function, demangled"},
	{"file", "source; of JavaScript as V8 has it: path or URL"},
	{"line", "where it is in the file"},
	{"fn_line", "where the function begins"},
	{"module", "ELF file that is mapped there"},
	{"ip", "address; only without fn"},
	{"build_id", "of module, hexadecimal; only without fn"},
	{"module_address", "where that is by module's own addresses, to be named later; only "
			   "without fn"},
	{"kind", "js | native | builtin | unknown"},
	{"origin", "user | dependency | runtime: whose code it is"},
	{"tier", "interpreted | baseline | maglev | turbofan: by what a JavaScript function ran"},
	{"inlined", "true: into the frame after it"},
	{"approximate",
	 "true: it is this function or one that is inlined into it; V8 does not say which"},
};
const size_t site_frame_key_count = sizeof(site_frame_keys) / sizeof(site_frame_keys[0]);

const struct site_key site_quality_keys[] = {
	{"level", "by what JavaScript's sites are told: v8-survived, v8-alloc, fault"},
	{"why", "why not better, a sentence"},
	{"begin_ns", "CLOCK_BOOTTIME since which stacks are taken"},
	{"total_bytes", "{kind: bytes of all its sites}"},
	{"scaled", "true: bytes of v8-survived are scaled to the growth of the live heap"},
	{"live_first_bytes", "V8's live heaps after the first collection that was seen"},
	{"live_last_bytes", "... and after the last"},
	{"stacks", "differing stacks so far"},
	{"cut", "of these, with more frames than are kept"},
	{"unreadable", "of these, ended at memory that could not be read"},
	{"recovered", "of these, begun in code without frame pointers"},
	{"frames", "in these stacks"},
	{"unnamed_frames", "of these, without a name"},
	{"unnamed_bytes", "of stacks that could not be named in time"},
	{"dropped_bytes", "of sites past the limit of a process"},
};
const size_t site_quality_key_count = sizeof(site_quality_keys) / sizeof(site_quality_keys[0]);

#define NAME_OF(names, value)                                                                      \
	((size_t)(value) < sizeof(names) / sizeof((names)[0]) ? (names)[value] : NULL)

static void add_text(struct json *j, const char *key, const char *text)
{
	if (text)
		json_str(j, key, text);
}

static void add_number(struct json *j, const char *key, uint64_t value)
{
	if (value)
		json_u64(j, key, value);
}

static void add_claim(struct json *j, const char *key, bool claim)
{
	if (claim)
		json_flag(j, key, true);
}

static void add_frame(struct json *j, const struct frame *f)
{
	json_object_begin(j, NULL);
	add_text(j, "fn", f->fn);
	add_text(j, "file", f->file);
	add_number(j, "line", f->line);
	add_number(j, "fn_line", f->fn_line);
	add_text(j, "module", f->module);
	if (!f->fn) {
		add_number(j, "ip", f->ip);
		add_text(j, "build_id", f->build_id);
		add_number(j, "module_address", f->module_address);
	}
	add_text(j, "kind", frame_kind_name(f->kind));
	if (frame_has_origin(f))
		add_text(j, "origin", NAME_OF(frame_origins, f->origin));
	add_text(j, "tier", NAME_OF(frame_tiers, f->tier));
	add_claim(j, "inlined", f->is_inlined);
	add_claim(j, "approximate", f->is_approximate);
	json_object_end(j);
}

void ndjson_site_add(struct json *j, const struct site_group *g)
{
	const struct stack *stack = g->top->stack;

	json_str(j, "kind", site_kind_name(g->kind));
	json_u64(j, "bytes", g->bytes);
	json_i64(j, "delta_bytes", g->delta_bytes);
	json_fixed(j, "share", g->share, 4);
	json_u64(j, "samples", g->samples);
	json_u64(j, "stacks", g->stacks);
	add_text(j, "note", g->top->note);
	add_claim(j, "cut", stack->is_cut);
	json_array_begin(j, "frames");
	for (unsigned i = 0; i < stack->count; i++)
		add_frame(j, &stack->frames[i]);
	json_array_end(j);
}

static void add_totals(struct json *j, const struct site_table *t)
{
	json_object_begin(j, "total_bytes");
	for (unsigned i = 0; i < MW_SITE_KINDS - 1; i++) {
		enum mw_site_kind kind = site_kinds_ordered[i];

		if (t->samples[kind])
			json_u64(j, site_kind_name(kind), t->total_bytes[kind]);
	}
	json_object_end(j);
}

void ndjson_sites_add(struct json *j, const struct site_table *t)
{
	const struct site_quality *q = &t->quality;

	json_object_begin(j, "sites");
	add_text(j, "level", q->level);
	add_text(j, "why", q->why);
	json_u64(j, "begin_ns", t->begin_ns);
	add_totals(j, t);
	add_claim(j, "scaled", t->v8_is_scaled);
	add_number(j, "live_first_bytes", t->v8_live_first);
	add_number(j, "live_last_bytes", t->v8_live_last);
	json_u64(j, "stacks", q->stacks);
	json_u64(j, "cut", q->stacks_cut);
	json_u64(j, "unreadable", q->stacks_unreadable);
	json_u64(j, "recovered", q->stacks_recovered);
	json_u64(j, "frames", q->frames);
	json_u64(j, "unnamed_frames", q->frames_unnamed);
	json_u64(j, "unnamed_bytes", t->unnamed_bytes);
	json_u64(j, "dropped_bytes", t->dropped_bytes);
	json_object_end(j);
}

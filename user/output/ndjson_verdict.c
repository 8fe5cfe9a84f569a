// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is not known is not there: no slope without points, no limit that is not met. */
#include "output/ndjson_verdict.h"

#include <math.h>
#include <stdio.h>

#include "analysis/culprits.h"

#define SITES_SHOWN    5
#define INTEGER_MAX    0x1p62

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

const struct site_key gc_record_keys[] = {
	{"isolate", "the V8 heap that it was of, \"0x...\": a worker has its own"},
	{"tid", "the thread that made it, as the kernel numbers it"},
	{"kind",
	 "scavenge | mark-compact | minor-mark-sweep; young | full of other runtimes; other"},
	{"pause_ns", "how long it took"},
	{"live_bytes", "held after it; of garbage, what a full collection leaves: nothing"},
	{"external_bytes", "of ArrayBuffers and the like that objects of that heap hold"},
	{"limit_bytes", "of the heap's old generation: V8 ends the process there"},
	{"via", "uprobe | usdt: how it was seen"},
	{"count", "report: several young ones of old times together; pause_ns is of all of them"},
	{"pause_max_ns", "report: of these, the longest"},
};
const size_t gc_record_key_count = COUNT_OF(gc_record_keys);

const struct site_key verdict_brief_keys[] = {
	{"class", "what it is, by name: see classes"},
	{"leak", "true: what grows does so for good"},
	{"confidence", "0..1, how often such a verdict is right; 0: too early to say"},
	{"evidence", "what it rests on, sentences with numbers"},
};
const size_t verdict_brief_key_count = COUNT_OF(verdict_brief_keys);

const struct site_key verdict_record_keys[] = {
	{"since_ns", "CLOCK_BOOTTIME: the phase began that this is about"},
	{"slope_bytes_per_s", "of what grows, or of private memory; absent: not known yet"},
	{"slope_low", "lower end of the slope's confidence interval, 95 %"},
	{"slope_high", "upper end"},
	{"last", "true: the process or the run has ended"},
};
const size_t verdict_record_key_count = COUNT_OF(verdict_record_keys);

const struct site_key verdict_limit_keys[] = {
	{"kind", "memory.high | memory.max | v8-heap | machine: met first if it goes on"},
	{"bytes", "the limit"},
	{"seconds", "until it is met"},
	{"cgroup", "whose it is, as /proc/PID/cgroup shows it"},
};
const size_t verdict_limit_key_count = COUNT_OF(verdict_limit_keys);

const struct site_key verdict_site_keys[] = {
	{"kind", "as in site"},
	{"share", "of what was sampled of this kind in this process, 0..1"},
	{"bytes", "as in site"},
	{"fn", "the function that the site is known by, demangled"},
	{"file", "its source"},
	{"line", "where it is in the file"},
	{"module", "its ELF file; only without file"},
};
const size_t verdict_site_key_count = COUNT_OF(verdict_site_keys);

static void add_number(struct json *j, const char *key, uint64_t value)
{
	if (value)
		json_u64(j, key, value);
}

void ndjson_gc_add(struct json *j, const struct gc *gc)
{
	char isolate[24];

	if (gc->isolate) {
		snprintf(isolate, sizeof(isolate), "0x%llx", (unsigned long long)gc->isolate);
		json_str(j, "isolate", isolate);
	}
	json_u64(j, "tid", gc->tid);
	json_str(j, "kind", gc_kind_name(gc->kind));
	json_u64(j, "pause_ns", gc->pause_ns);
	add_number(j, "live_bytes", gc->live_bytes);
	add_number(j, "external_bytes", gc->external_bytes);
	add_number(j, "limit_bytes", gc->limit_bytes);
	json_str(j, "via", gc_via_name(gc->via));
}

/* Rounded; what is no number is not there. */
static void add_rounded(struct json *j, const char *key, double value)
{
	if (isfinite(value))
		json_i64(j, key, llround(fmin(fmax(value, -INTEGER_MAX), INTEGER_MAX)));
}

static void add_slope(struct json *j, const struct trend *t)
{
	if (!t->points)
		return;
	add_rounded(j, "slope_bytes_per_s", t->slope);
	add_rounded(j, "slope_low", t->low);
	add_rounded(j, "slope_high", t->high);
}

static void add_limit(struct json *j, const struct verdict *v)
{
	if (v->limit.kind == LIMIT_NONE)
		return;
	json_object_begin(j, "limit");
	json_str(j, "kind", limit_kind_name(v->limit.kind));
	json_u64(j, "bytes", v->limit.bytes);
	add_rounded(j, "seconds", v->limit_seconds);
	if (v->limit.where)
		json_str(j, "cgroup", v->limit.where);
	json_object_end(j);
}

static void add_judgement(struct json *j, const struct verdict *v)
{
	json_str(j, "class", verdict_class_name(v->class));
	json_flag(j, "leak", v->is_leak);
	json_fixed(j, "confidence", v->confidence, 2);
}

static void add_evidence(struct json *j, const struct verdict *v)
{
	json_array_begin(j, "evidence");
	for (unsigned i = 0; i < v->evidence_count && i < VERDICT_EVIDENCE_MAX; i++)
		json_strn(j, NULL, v->evidence[i], VERDICT_SENTENCE);
	json_array_end(j);
}

static void add_site(struct json *j, const struct site_group *g)
{
	const struct site *s = g->top;
	const struct frame *f = s->chain.count ? &s->stack->frames[s->chain.at[0]] : NULL;

	json_object_begin(j, NULL);
	json_str(j, "kind", site_kind_name(g->kind));
	json_fixed(j, "share", g->share, 4);
	json_u64(j, "bytes", g->bytes);
	if (f && f->fn)
		json_str(j, "fn", f->fn);
	if (f && f->file)
		json_str(j, "file", f->file);
	if (f && f->line)
		json_u64(j, "line", f->line);
	if (f && !f->file && f->module)
		json_str(j, "module", f->module);
	json_object_end(j);
}

static void add_sites(struct json *j, const struct verdict *v, const struct site_table *sites)
{
	struct site_group groups[SITES_SHOWN];
	unsigned count = culprits_find(v->class, sites, groups, SITES_SHOWN);

	if (!count)
		return;
	json_array_begin(j, "sites");
	for (unsigned i = 0; i < count; i++)
		add_site(j, &groups[i]);
	json_array_end(j);
}

void ndjson_verdict_add(struct json *j, const struct verdict *v, const struct site_table *sites,
			bool is_last)
{
	add_judgement(j, v);
	add_number(j, "since_ns", v->since_ns);
	add_slope(j, &v->trend);
	add_limit(j, v);
	add_evidence(j, v);
	add_sites(j, v, sites);
	if (is_last)
		json_flag(j, "last", true);
}

void ndjson_verdict_brief_add(struct json *j, const struct verdict *v)
{
	json_object_begin(j, "verdict");
	add_judgement(j, v);
	add_evidence(j, v);
	json_object_end(j);
}

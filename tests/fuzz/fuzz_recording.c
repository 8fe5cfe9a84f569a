/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libFuzzer: the input changes a recording that is valid otherwise. Its first byte says how:
 * values of cells, by pairs of a place and a value, or bytes of the file itself. What is read must
 * be fit to be shown: within bounds, and every pointer where it belongs.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/run_diff.h"
#include "analysis/verdict.h"
#include "cmd/report_flame.h"
#include "output/html_diff.h"
#include "output/html_report.h"
#include "output/ndjson_run_diff.h"
#include "output/pprof.h"
#include "output/report_json.h"
#include "output/report_text.h"
#include "output/run_diff_text.h"
#include "pprof_rules.h"
#include "recording_build.h"
#include "store/recording.h"
#include "store/recording_internal.h"

#define CHANGES_MAX 8
#define TEXT_MAX    64
#define SUM_MAX	    (1ULL << 60) /* of bytes in a graph: sums of more saturate, or wrap */

static void check(int condition)
{
	if (!condition)
		abort();
}

/* --- the recording, as its file --- */

static unsigned char *valid;
static sqlite3_int64 valid_size;

static void make_valid(void)
{
	sqlite3 *db = build_recording(":memory:");

	build_sql(db, build_service_sql);
	/* fewer rows: less to go through */
	build_sql(db, "DELETE FROM tick WHERE ns % 60000000000 <> 40000000000");
	build_sql(db, "DELETE FROM process_tick WHERE process = 1 AND ns % 70000000000 <> 0");
	build_sql(db, "DELETE FROM gc WHERE id > 8; VACUUM");
	valid = sqlite3_serialize(db, "main", &valid_size, 0);
	check(valid != NULL);
	sqlite3_close(db);
}

static sqlite3 *open_copy(const uint8_t *bytes, size_t size)
{
	unsigned char *copy = sqlite3_malloc64((sqlite3_uint64)valid_size);
	sqlite3 *db;

	check(copy != NULL && sqlite3_open(":memory:", &db) == SQLITE_OK);
	memcpy(copy, valid, (size_t)valid_size);
	for (size_t i = 0; i + 4 <= size; i += 4) { /* three bytes of a place, one of a value */
		size_t at = (size_t)bytes[i] << 16 | (size_t)bytes[i + 1] << 8 | bytes[i + 2];

		copy[at % (size_t)valid_size] ^= bytes[i + 3];
	}
	check(sqlite3_deserialize(db, "main", copy, valid_size, valid_size,
				  SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE) ==
	      SQLITE_OK);
	return db;
}

/* --- cells --- */

static const struct {
	const char *table, *column;
} cells[] = {
	{"meta", "value"},
	{"hook", "hook"},
	{"tick", "wall_ns"},
	{"tick", "cpu_ns"},
	{"tick", "bpf_ns"},
	{"lost", "count"},
	{"cgroup", "path"},
	{"cgroup", "container"},
	{"process", "pid"},
	{"process", "start_ns"},
	{"process", "comm"},
	{"process", "path"},
	{"process", "cgroup"},
	{"process", "collector"},
	{"process", "first_ns"},
	{"process", "end_ns"},
	{"process", "code"},
	{"process_tick", "anon_bytes"},
	{"process_tick", "heap_bytes"},
	{"process_tick", "private_low"},
	{"process_tick", "rss_high"},
	{"process_tick", "fault_bytes"},
	{"process_tick", "brk_bytes"},
	{"event", "kind"},
	{"event", "process"},
	{"event", "code"},
	{"event", "ns"},
	{"event", "anon_bytes"},
	{"event", "limit_kind"},
	{"gc", "kind"},
	{"gc", "ns"},
	{"gc", "count"},
	{"gc", "live_bytes"},
	{"gc", "pause_ns"},
	{"gc", "isolate"},
	{"module", "path"},
	{"module", "build_id"},
	{"frame", "kind"},
	{"frame", "origin"},
	{"frame", "tier"},
	{"frame", "inlined"},
	{"frame", "approximate"},
	{"frame", "fn"},
	{"frame", "file"},
	{"frame", "line"},
	{"frame", "fn_line"},
	{"frame", "module"},
	{"frame", "address"},
	{"frame", "module_address"},
	{"stack", "is_cut"},
	{"stack_frame", "frame"},
	{"stack_frame", "depth"},
	{"site", "kind"},
	{"site", "stack"},
	{"site", "note"},
	{"site", "bytes"},
	{"site", "estimated_bytes"},
	{"site", "samples"},
	{"site_state", "level"},
	{"site_state", "v8_live_span_ns"},
	{"verdict", "class"},
	{"verdict", "confidence"},
	{"verdict", "slope"},
	{"verdict", "limit_kind"},
	{"verdict", "limit_seconds"},
	{"verdict", "evidence"},
	{"verdict", "kept"},
	{"census", "why"},
	{"census", "ns"},
	{"census", "runtime"},
	{"census_isolate", "id"},
	{"constructor", "kind"},
	{"constructor", "isolate"},
	{"constructor", "name"},
	{"constructor", "count"},
	{"retainer", "name"},
	{"retainer", "share"},
	{"retainer", "path"},
	{"retainer", "owners"},
	{"retainer", "isolate"},
};

/* A value of any type from the input; how many bytes it took. */
static size_t bind(sqlite3_stmt *s, const uint8_t *at, size_t left)
{
	size_t len = left > 1 ? at[1] % TEXT_MAX : 0;
	int64_t number = 0;
	double real;

	len = len < left - 2 ? len : left - 2;
	switch (at[0] % 5) {
	case 0:
		return sqlite3_bind_null(s, 1), 2;
	case 1:
		memcpy(&number, at + 2, len < 8 ? len : 8);
		sqlite3_bind_int64(s, 1, number);
		return 2 + (len < 8 ? len : 8);
	case 2:
		memcpy(&number, at + 2, len < 8 ? len : 8);
		memcpy(&real, &number, 8);
		sqlite3_bind_double(s, 1, real);
		return 2 + (len < 8 ? len : 8);
	case 3:
		sqlite3_bind_blob(s, 1, at + 2, (int)len, SQLITE_STATIC);
		return 2 + len;
	default:
		sqlite3_bind_text(s, 1, (const char *)at + 2, (int)len, SQLITE_STATIC);
		return 2 + len;
	}
}

static void change_cells(sqlite3 *db, const uint8_t *at, size_t left)
{
	for (unsigned i = 0; i < CHANGES_MAX && left > 4; i++) {
		size_t cell = at[0] % (sizeof(cells) / sizeof(cells[0])), took;
		char sql[128];
		sqlite3_stmt *s;

		snprintf(sql, sizeof(sql), "UPDATE %s SET %s = ?1", cells[cell].table,
			 cells[cell].column);
		if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
			abort();
		took = 1 + bind(s, at + 1, left - 1);
		sqlite3_step(s); /* one that is not unique is refused */
		sqlite3_finalize(s);
		at += took;
		left -= took < left ? took : left;
	}
}

/* --- what comes of it --- */

static void check_process(const struct recorded_process *p)
{
	check(memchr(p->comm, '\0', sizeof(p->comm)) != NULL);
	check(p->first_ns <= p->last_ns && p->collector <= COLLECTOR_LIVE);
	check(!p->verdict || (p->verdict->class < VERDICT_CLASSES &&
			      p->verdict->evidence_count <= VERDICT_EVIDENCE_MAX &&
			      p->verdict->confidence >= 0 && p->verdict->confidence <= 1));
	check(!p->kept || p->kept->count <= KEPT_MAX);
	for (size_t i = 0; i < p->tick_count; i++)
		check(p->ticks[i].rss_high >= p->ticks[i].now.rss_bytes);
	for (size_t i = 0; i < p->gc_count; i++)
		check(p->gcs[i].gc.kind < MW_GC_KINDS && p->gcs[i].count > 0);
	for (size_t i = 0; i < p->census_count; i++) {
		const struct census *c = p->censuses[i].census;

		check(c->isolate_count <= CENSUS_ISOLATES_MAX);
		for (unsigned k = 0; k < c->constructor_count; k++)
			check(c->constructors[k].name && c->constructors[k].kind < CENSUS_KINDS);
	}
}

/* Every figure becomes a place in a chart, every name text. */
static void check_reports(const struct recorded *r)
{
	struct strbuf page;

	strbuf_init(&page);
	check(!html_report_add(&page, r));
	strbuf_clear(&page);
	report_text_add(&page, r, &(struct report_view){.rows = 100});
	check(!page.err && !strchr(page.s, '\033'));
	strbuf_clear(&page);
	check(!report_json_add(&page, r, &(struct report_json){.sites = 10}));
	strbuf_release(&page);
}

/* "root;leaf BYTES", a line each; the sum of the bytes. */
static uint64_t check_folded(char *text)
{
	uint64_t sum = 0;

	for (char *line = text, *end; *line; line = end + 1) {
		char *number;

		end = strchr(line, '\n');
		check(end != NULL);
		*end = '\0';
		number = strrchr(line, ' ');
		check(number && number > line && number[1]);
		check(strspn(number + 1, "0123456789") == strlen(number + 1));
		sum += strtoull(number, NULL, 10);
		*number = '\0';
		check(line[0] != ';' && number[-1] != ';' && !strstr(line, ";;"));
	}
	return sum;
}

static uint64_t check_profile(const struct strbuf *packed)
{
	Pprof__Profile *p = pprof_unpack(packed);
	const char *broken = p ? pprof_broken_rule(p) : "it can be unpacked";
	uint64_t sum = 0;

	if (broken)
		fprintf(stderr, "a profile without: %s\n", broken);
	check(!broken);
	for (size_t i = 0; i < p->n_sample; i++)
		sum += (uint64_t)p->sample[i]->value[p->n_sample_type - 1];
	pprof__profile__free_unpacked(p, NULL);
	return sum;
}

/* What other programs read has the same bytes, unless there are more of them than can be told. */
static void check_exports(const struct recorded *r)
{
	struct strbuf out;
	uint64_t folded, profile;

	strbuf_init(&out);
	check(!report_flame_svg(&out, r) && !strchr(out.s, '\033'));
	strbuf_clear(&out);
	check(!report_flame_folded(&out, r));
	folded = check_folded(out.s);
	strbuf_clear(&out);
	check(!pprof_add(&out, r));
	profile = check_profile(&out);
	check(profile == folded || profile > SUM_MAX || folded > SUM_MAX);
	strbuf_release(&out);
}

static struct recorded *load_valid(void)
{
	sqlite3 *db = open_copy(NULL, 0);
	struct recorded *r = NULL;
	char why[RECORDING_WHY];

	check(!recording_load_db(db, NULL, &r, why));
	sqlite3_close(db);
	return r;
}

static void check_comparison(const struct recorded *a, const struct recorded *b)
{
	struct run_diff *d = run_diff_new(a, b, (const uint64_t[]){0, 0});
	struct strbuf page;

	check(d != NULL);
	for (size_t i = 0; i < d->pair_count; i++)
		check(!isnan(d->pairs[i].growth.delta) && !isnan(d->pairs[i].growth.more));
	strbuf_init(&page);
	check(!html_diff_add(&page, d));
	strbuf_clear(&page);
	run_diff_text_add(&page, d, &(struct census_view){.rows = 100});
	check(!page.err && !strchr(page.s, '\033'));
	strbuf_clear(&page);
	ndjson_run_diff_add(&page, d);
	check(!page.err);
	strbuf_release(&page);
	run_diff_free(d);
}

/* With what it was before, either way round. */
static void check_comparisons(const struct recorded *r)
{
	static struct recorded *before;

	if (!before)
		before = load_valid();
	check_comparison(before, r);
	check_comparison(r, before);
}

static void check_recorded(const struct recorded *r)
{
	check(r->begin_ns <= r->end_ns);
	for (size_t i = 0; i < r->process_count; i++)
		check_process(&r->processes[i]);
	for (size_t i = 0; i < r->event_count; i++)
		check(r->events[i].kind < RECORDED_EVENTS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[RECORDING_WHY];
	struct recorded *r = NULL;
	sqlite3 *db;
	bool is_file;
	int err;

	if (size < 2)
		return 0;
	if (!valid)
		make_valid();
	is_file = data[0] & 1;
	db = open_copy(data + 1, is_file ? size - 1 : 0);
	if (!is_file)
		change_cells(db, data + 1, size - 1);
	recording_harden(db);
	err = recording_load_db(db, NULL, &r, why);
	check(!err == !!r && !err == !why[0]);
	if (r) {
		check_recorded(r);
		check_reports(r);
		check_exports(r);
		check_comparisons(r);
	}
	recorded_free(r);
	sqlite3_close(db);
	return 0;
}

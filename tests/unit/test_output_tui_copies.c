/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copies of growth sites for the live view: whole, in order, and good when the table is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/tui_internal.h"
#include "sample.h"
#include "verdict_sample.h"

#define MIB (1024ULL * 1024)

static struct process *a_process(void)
{
	static struct process p;

	p = (struct process){.pid = 4711, .start_ns = 5, .comm = "node"};
	p.sites = site_table_new();
	assert_non_null(p.sites);
	return &p;
}

static void add_lines(struct site_table *t, enum mw_site_kind kind, const char *fn, uint32_t lines)
{
	for (uint32_t line = 1; line <= lines; line++) {
		const struct frame frames[] = {
			sample_native(FRAME_RUNTIME, "malloc", "/libc.so.6", line),
			sample_js(FRAME_USER, fn, "/srv/a.js", line)};

		sample_site(t, kind, frames, 2, line * MIB);
	}
}

static void test_copies(void **state)
{
	struct process *p = a_process();
	struct tui_sites c;

	(void)state;
	copies_init(&c);
	add_lines(p->sites, MW_SITE_FAULT, "grow", 20);
	add_lines(p->sites, MW_SITE_EXTERNAL, "save", 3);
	p->sites->quality.why = "no symbols";
	site_table_finish_tick(p->sites);
	assert_int_equal(copies_take(&c, p, 5), 0);
	site_table_free(p->sites); /* they are ours */

	assert_int_equal(c.pid, 4711);
	assert_int_equal(c.start_ns, 5);
	assert_int_equal(c.leading, 2); /* by function */
	assert_int_equal(c.count, 2 + 5 + 3);
	assert_string_equal(c.state.s, "JavaScript by what there is: no symbols");
	assert_string_equal(c.quality.s, "0 stacks");
	for (unsigned i = 0; i < c.count; i++) {
		const struct site *s = c.list[i].group.top;

		assert_ptr_equal(s, &c.list[i].site);
		assert_int_equal(s->stack->count, 2);
		assert_int_equal(s->chain.at[0], 1);
	}
	/* The kind that leads comes first, then the others; by lines. */
	assert_int_equal(c.list[0].group.kind, MW_SITE_FAULT);
	assert_int_equal(c.list[0].group.chains, 20);
	assert_int_equal(c.list[2].group.kind, MW_SITE_FAULT);
	assert_int_equal(c.list[2].site.stack->frames[1].line, 20);
	assert_int_equal(c.list[6].site.stack->frames[1].line, 16);
	assert_int_equal(c.list[7].group.kind, MW_SITE_EXTERNAL);
	assert_int_equal(c.list[7].site.stack->frames[1].line, 3);
	copies_release(&c);
	assert_int_equal(c.count, 0);
}

/* Taken again each tick, with less and with nothing. */
static void test_again(void **state)
{
	struct process *p = a_process();
	struct tui_sites c;

	(void)state;
	copies_init(&c);
	for (int kind = 1; kind < MW_SITE_KINDS; kind++)
		add_lines(p->sites, kind, "grow", 30);
	site_table_finish_tick(p->sites);
	assert_int_equal(copies_take(&c, p, 1000), 0);
	assert_int_equal(c.leading, 1);
	assert_int_equal(c.count, 1 + COPIES_A_KIND * (MW_SITE_KINDS - 1));
	assert_int_equal(copies_take(&c, p, 1), 0);
	assert_int_equal(c.count, 1 + (MW_SITE_KINDS - 1));
	site_table_free(p->sites);
	p = a_process();
	assert_int_equal(copies_take(&c, p, 10), 0);
	assert_int_equal(c.count, 0);
	assert_string_equal(c.state.s, "no growth was sampled yet");
	site_table_free(p->sites);
	copies_release(&c);
}

/* Of a tick: the first processes that have sites, and the one that is looked at. */
static void test_snapshot(void **state)
{
	struct process list[8] = {0}, *rows[8];
	struct tick tick = {.rows = rows, .count = 8, .sites_wanted = 10};
	struct pulse pulse = {0};
	struct snapshot s;

	(void)state;
	snapshot_init(&s);
	for (uint32_t i = 0; i < 8; i++) {
		rows[i] = &list[i];
		list[i].pid = 100 + i;
		list[i].sites = i ? site_table_new() : NULL;
	}
	assert_int_equal(snapshot_take(&s, &tick, &pulse, (struct looked_at){0}), 0);
	assert_int_equal(s.site_count, SNAPSHOT_SITES);
	assert_null(snapshot_sites(&s, &list[0]));
	for (int i = 1; i <= SNAPSHOT_SITES; i++)
		assert_int_equal(snapshot_sites(&s, &list[i])->pid, 100 + i);
	assert_null(snapshot_sites(&s, &list[SNAPSHOT_SITES + 1]));
	assert_int_equal(snapshot_take(&s, &tick, &pulse, (struct looked_at){107, 0}), 0);
	assert_int_equal(s.site_count, SNAPSHOT_SITES);
	assert_non_null(snapshot_sites(&s, &list[7]));
	assert_non_null(snapshot_sites(&s, &list[1]));
	list[7].start_ns = 9; /* another process by now */
	assert_null(snapshot_sites(&s, &list[7]));
	tick.sites_wanted = 0;
	assert_int_equal(snapshot_take(&s, &tick, &pulse, (struct looked_at){0}), 0);
	assert_int_equal(s.site_count, 0);
	for (int i = 1; i < 8; i++)
		site_table_free(list[i].sites);
	snapshot_release(&s);
}

/* Verdicts are the judge's: what is drawn, frozen or not, must not point to them. */
static void test_verdicts(void **state)
{
	struct verdict judged[3] = {sample_leak(), sample_calm(VERDICT_STEADY, 0.9), sample_leak()};
	struct process list[4] = {{.pid = 1, .verdict = &judged[0]},
				  {.pid = 2},
				  {.pid = 3, .verdict = &judged[1]},
				  {.pid = 4, .verdict = &judged[2]}};
	struct process *rows[4] = {&list[0], &list[1], &list[2], &list[3]};
	struct tick tick = {.rows = rows, .count = 4};
	struct pulse pulse = {0};
	struct snapshot s;
	char where[] = "/slice/x";

	(void)state;
	judged[2].limit.where = where;
	judged[2].confidence = 0.8;
	snapshot_init(&s);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(snapshot_take(&s, &tick, &pulse, (struct looked_at){0}), 0);
		assert_int_equal(s.verdicts.count, 3);
	}
	memset(judged, 0xff, sizeof(judged));
	memset(where, 0xff, sizeof(where));
	assert_null(s.order[1]->verdict);
	assert_string_equal(s.order[0]->verdict->evidence[0], "it rises");
	assert_string_equal(s.order[0]->verdict->limit.where, "/x");
	assert_null(s.order[2]->verdict->limit.where);
	assert_string_equal(s.order[3]->verdict->limit.where, "/slice/x");
	snapshot_sort(&s, column_find("verdict"), false);
	assert_int_equal(s.order[0]->pid, 1);
	assert_int_equal(s.order[1]->pid, 4);
	assert_int_equal(s.order[3]->pid, 2);
	tick.count = 0;
	assert_int_equal(snapshot_take(&s, &tick, &pulse, (struct looked_at){0}), 0);
	assert_int_equal(s.verdicts.count, 0);
	snapshot_release(&s);
}

static void assert_page(const struct verdict *v, int width, const char *expected)
{
	struct process p = {.pid = 1, .verdict = v};
	static struct tui t;
	struct strbuf out;

	strbuf_init(&t.cell);
	strbuf_init(&t.padded);
	strbuf_init(&out);
	tui_verdict(&t, &p, width, &out);
	assert_string_equal(out.s, expected);
	strbuf_release(&out);
	strbuf_release(&t.cell);
	strbuf_release(&t.padded);
}

/* Sentences are wrapped between words; one long word is cut where the terminal ends. */
static void test_verdict_page(void **state)
{
	struct verdict v = sample_calm(VERDICT_STEADY, 0.9);

	(void)state;
	assert_page(NULL, 80, "");
	assert_page(&v, 80,
		    "\tverdict: steady, 90 % sure: comes back to the same floor\n  it is flat\n");
	strcpy(v.evidence[0], "one two three\033 verylongword/that/does/not/fit x");
	v.class = VERDICT_EARLY;
	assert_page(&v, 12,
		    "\tverdict: too\n\t  early to\n\t  say\n"
		    "  one two\n    three\xEF\xBF\xBD\n    verylongword/that/does/not/fit x\n");
	for (int width = -3; width < 3; width++)
		assert_page(&v, width,
			    "\tverdict: too early to say\n"
			    "  one two three\xEF\xBF\xBD verylongword/that/does/not/fit x\n");
}

static void test_paint(void **state)
{
	struct verdict leak = sample_leak(), calm = sample_calm(VERDICT_WARMING, 0.9);

	(void)state;
	assert_int_equal(tui_verdict_paint(NULL), PAINT_PLAIN);
	assert_int_equal(tui_verdict_paint(&leak), PAINT_ALARM);
	assert_int_equal(tui_verdict_paint(&calm), PAINT_NOTICE);
	calm.class = VERDICT_STEADY;
	assert_int_equal(tui_verdict_paint(&calm), PAINT_PLAIN);
	assert_int_equal(tui_limit_paint(NULL), PAINT_PLAIN);
	assert_int_equal(tui_limit_paint(&calm), PAINT_PLAIN);
	assert_int_equal(tui_limit_paint(&leak), PAINT_ALARM);
	leak.limit_seconds = 1000;
	assert_int_equal(tui_limit_paint(&leak), PAINT_NOTICE);
	leak.limit_seconds = 10000;
	assert_int_equal(tui_limit_paint(&leak), PAINT_PLAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),	     cmocka_unit_test(test_again),
		cmocka_unit_test(test_snapshot),     cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_verdict_page), cmocka_unit_test(test_paint),
	};

	return cmocka_run_group_tests_name("output/tui_copies", tests, NULL, NULL);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_snapshot),
	};

	return cmocka_run_group_tests_name("output/tui_copies", tests, NULL, NULL);
}

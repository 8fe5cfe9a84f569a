// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The page of a recording: what is in it, and that nothing of the target's is markup. How it looks
 * and what it does in a browser: e2e/html.sh.
 *
 * With MEMWATCH_TEST_PAGE=FILE the page of the sample is written there, to be looked at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/html_report.h"
#include "recorded_sample.h"

static void assert_in(const char *page, const char *part)
{
	if (!strstr(page, part))
		fail_msg("not in the page: %s", part);
}

static unsigned times_in(const char *page, const char *part)
{
	unsigned count = 0;

	for (const char *at = page; (at = strstr(at, part)) != NULL; at++)
		count++;
	return count;
}

static void keep_page(const char *page)
{
	const char *path = getenv("MEMWATCH_TEST_PAGE");
	FILE *f = path ? fopen(path, "w") : NULL;

	if (f) {
		fputs(page, f);
		fclose(f);
	}
}

static void test_page_says_it_all(void **state)
{
	struct recorded *r = recorded_sample();
	struct strbuf out;

	(void)state;
	strbuf_init(&out);
	assert_int_equal(html_report_add(&out, r), 0);
	keep_page(out.s);
	assert_in(out.s, "node (4711): leak, 92 % sure: +1.2M/s");
	assert_in(out.s, "memory.max of /x (512.0M) in 3m20s");
	assert_in(out.s, "<h3>Growth sites</h3>");
	assert_in(out.s, "saveContext handles.js:12");
	assert_in(out.s, "<td class=\"n\" data-v=\"19900\">+19900</td>");
	assert_in(out.s, "<td>StatusContext</td><td>/app/handles.js:25</td>");
	assert_in(out.s, "variable `handleMap` of Context, scope of open (/app/handles.js:12)");
	assert_in(out.s, "<td>mark-compact</td><td class=\"n\" data-v=\"9\">9</td>");
	assert_in(out.s, "<td>exit: 4712 (worker) by signal 15 (SIGTERM), peak rss 52.0M</td>");
	assert_in(out.s, "limit 512.0M of /x/&lt;b&gt;");
	assert_in(out.s, "2023-11-14 22:13:20 UTC to 2023-11-14 22:18:20 UTC: 5m00s, 301 ticks");
	assert_int_equal(times_in(out.s, "<section class=\"process\""), 2);
	strbuf_release(&out);
	recorded_free(r);
}

static void test_names_are_no_markup(void **state)
{
	struct recorded *r = recorded_sample();
	struct strbuf out;

	(void)state;
	strcpy(r->processes[0].comm, "<i>\"'&");
	strbuf_init(&out);
	assert_int_equal(html_report_add(&out, r), 0);
	assert_int_equal(times_in(out.s, "<script>document"), 0);
	assert_int_equal(times_in(out.s, "<img"), 0);
	assert_int_equal(times_in(out.s, "<i>"), 0);
	assert_int_equal(times_in(out.s, "<b>'"), 0);
	assert_in(out.s, "&lt;/script&gt;&lt;script&gt;document.title=&#39;owned&#39;");
	assert_in(out.s, "data-name=\"&lt;i&gt;&quot;&#39;&amp; (4711)\"");
	/* Attributes that the policy would refuse */
	assert_int_equal(times_in(out.s, " style=\""), 0);
	strbuf_release(&out);
	recorded_free(r);
}

/* Numbers between @open and the next ']' behind @from. */
static size_t numbers_in(const char *from, const char *open)
{
	const char *at = strstr(from, open);
	size_t count = 1;

	assert_non_null(at);
	for (at += strlen(open); *at != ']'; at++)
		count += *at == ',';
	return count;
}

/* A day of ticks: no more than 1000 points, the peak and the valley among them. */
static void test_long_series_keep_their_extremes(void **state)
{
	struct recorded *r = recorded_sample();
	struct recorded_process *p = &r->processes[0];
	struct strbuf out;

	(void)state;
	free(p->ticks);
	p->tick_count = 0;
	recorded_sample_ticks(p, 86400, 0);
	p->ticks[40000].now.anon_bytes = 777 * RECORDED_MIB;
	p->ticks[40000].now.rss_bytes = p->ticks[40000].rss_high = 808 * RECORDED_MIB;
	p->ticks[50001].now.anon_bytes = 3;
	p->ticks[50001].now.rss_bytes = p->ticks[50001].rss_high = 31 * RECORDED_MIB + 3;
	strbuf_init(&out);
	assert_int_equal(html_report_add(&out, r), 0);
	assert_true(numbers_in(out.s, "\"ms\":[") <= 1000);
	assert_true(numbers_in(out.s, "\"ms\":[") > 900);
	assert_in(out.s, ",814743552,");
	assert_in(out.s, ",3,");
	strbuf_release(&out);
	recorded_free(r);
}

static void test_tables_have_an_end(void **state)
{
	struct recorded *r = recorded_sample();
	struct recorded_process *many = realloc(r->processes, 700 * sizeof(*many));
	struct strbuf out;

	(void)state;
	assert_non_null(many);
	r->processes = many;
	for (unsigned i = 2; i < 700; i++)
		many[i] = (struct recorded_process){
			.id = i + 1, .pid = 5000 + i, .comm = "idle", .last_ns = i < 600};
	r->process_count = 700;
	strbuf_init(&out);
	assert_int_equal(html_report_add(&out, r), 0);
	assert_in(out.s, "<p class=\"note\">100 more are not shown.</p>");
	assert_in(out.s, "<p class=\"note\">100 more began and ended between two ticks.</p>");
	strbuf_release(&out);
	recorded_free(r);
}

/* A kind of memory that nobody has is neither a column nor a series; one that somebody has is. */
static void test_no_empty_columns(void **state)
{
	struct recorded *r = recorded_sample();
	struct strbuf out;

	(void)state;
	for (size_t i = 0; i < r->process_count; i++) {
		struct recorded_process *p = &r->processes[i];

		p->last.shmem_bytes = p->last.swap_bytes = 0;
		for (size_t k = 0; k < p->tick_count; k++)
			p->ticks[k].now.shmem_bytes = p->ticks[k].now.swap_bytes = 0;
	}
	strbuf_init(&out);
	assert_int_equal(html_report_add(&out, r), 0);
	assert_null(strstr(out.s, ">shmem<"));
	assert_null(strstr(out.s, ">swap<"));
	strbuf_clear(&out);
	r->processes[1].last.swap_bytes = 4096;
	r->processes[0].ticks[0].now.shmem_bytes = 4096;
	assert_int_equal(html_report_add(&out, r), 0);
	assert_in(out.s, ">swap</th>");
	assert_in(out.s, "<span class=\"key shmem\">shmem</span>");
	strbuf_release(&out);
	recorded_free(r);
}

/* Of many processes that are well no single one is the news. */
static void test_headline(void **state)
{
	struct recorded *r = recorded_sample();
	struct strbuf out;

	(void)state;
	free((void *)r->processes[0].verdict);
	r->processes[0].verdict = NULL;
	strbuf_init(&out);
	assert_int_equal(html_report_add(&out, r), 0);
	assert_in(out.s, "Too early to say of any of 2 processes");
	assert_in(out.s, "<li>most growth: node (4711) by 79.8M in 5m00s (+27");
	strbuf_clear(&out);
	r->processes[0].is_loaded = false; /* -p 4712 */
	assert_int_equal(html_report_add(&out, r), 0);
	assert_in(out.s, "<p class=\"sentence\">worker (4712): not judged; it grew by 4.0M in ");
	strbuf_clear(&out);
	r->processes[0].is_loaded = true;
	r->process_count = 1;
	assert_int_equal(html_report_add(&out, r), 0);
	assert_in(out.s,
		  "<p class=\"sentence\">node (4711): not judged; it grew by 79.8M in 5m00s (+27");
	strbuf_clear(&out);
	r->process_count = 2;
	r->processes[1].is_oom_killed = true;
	recorded_sample_verdict(&r->processes[0]);
	assert_int_equal(html_report_add(&out, r), 0);
	assert_in(out.s, "<p class=\"sentence\">node (4711): leak, 92 % sure");
	assert_in(out.s, "Also: worker (4712), killed by the OOM killer");
	strbuf_release(&out);
	recorded_free(r);
}

static void test_nothing_to_show(void **state)
{
	struct recorded *r = recorded_alloc(1, sizeof(*r));
	struct strbuf out;

	(void)state;
	strbuf_init(&out);
	assert_int_equal(html_report_add(&out, r), 0);
	assert_in(out.s, "There is no process in this recording.");
	assert_in(out.s, "It has no end");
	strbuf_release(&out);
	recorded_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_says_it_all),
		cmocka_unit_test(test_names_are_no_markup),
		cmocka_unit_test(test_long_series_keep_their_extremes),
		cmocka_unit_test(test_tables_have_an_end),
		cmocka_unit_test(test_headline),
		cmocka_unit_test(test_no_empty_columns),
		cmocka_unit_test(test_nothing_to_show),
	};

	return cmocka_run_group_tests_name("output/html_report", tests, NULL, NULL);
}

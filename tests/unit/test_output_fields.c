/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The catalogue against the structs it describes; columns: keys, sorting,
 * formatting, padding; the sparkline.
 */
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "output/fields.h"
#include "sample.h"
#include "verdict_sample.h"

#define MIB	    (1ULL << 20)
#define REPLACEMENT "\xEF\xBF\xBD"

/* ---- the catalogue ---- */

struct member {
	const char *name;
	size_t offset;
};

#define TOTAL(m)                                                                                   \
	{                                                                                          \
#m, offsetof(struct totals, m)                                                     \
	}
#define ACTIVITY(m)                                                                                \
	{                                                                                          \
#m, offsetof(struct activity, m)                                                   \
	}

static const struct member totals_members[] = {
	TOTAL(rss_bytes),     TOTAL(anon_bytes), TOTAL(file_bytes), TOTAL(shmem_bytes),
	TOTAL(swap_bytes),    TOTAL(vm_bytes),	 TOTAL(data_bytes), TOTAL(stack_bytes),
	TOTAL(pgtable_bytes), TOTAL(heap_bytes), TOTAL(threads),    TOTAL(minflt),
	TOTAL(majflt),
};

static const struct member activity_members[] = {
	ACTIVITY(fault_bytes),	ACTIVITY(fault_count),	ACTIVITY(brk_bytes),
	ACTIVITY(brk_count),	ACTIVITY(mmap_bytes),	ACTIVITY(mmap_count),
	ACTIVITY(munmap_bytes), ACTIVITY(munmap_count), ACTIVITY(mremap_bytes),
	ACTIVITY(mremap_count), ACTIVITY(fault_heap),	ACTIVITY(fault_stack),
	ACTIVITY(fault_mmap),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool ends_with(const char *s, const char *end)
{
	return strlen(s) >= strlen(end) && !strcmp(s + strlen(s) - strlen(end), end);
}

/* Every member has one row, its key is its name, and what is read is that member. */
static void test_total_fields(void **state)
{
	struct totals t;

	(void)state;
	assert_int_equal(offsetof(struct totals, heap_unknown),
			 COUNT(totals_members) * sizeof(uint64_t));
	assert_int_equal(total_field_count, COUNT(totals_members));
	for (size_t i = 0; i < COUNT(totals_members); i++) {
		uint64_t value = 0x1122334400000000ULL + i;

		memcpy((char *)&t + totals_members[i].offset, &value, sizeof(value));
	}
	for (size_t i = 0; i < COUNT(totals_members); i++) {
		unsigned rows = 0;

		for (size_t j = 0; j < total_field_count; j++) {
			const struct total_field *f = &total_fields[j];

			if (strcmp(f->key, totals_members[i].name))
				continue;
			rows++;
			assert_true(total_value(f, &t) == 0x1122334400000000ULL + i);
			assert_int_equal(f->unit == UNIT_BYTES, ends_with(f->key, "_bytes"));
			assert_true(f->help && f->help[0]);
		}
		assert_int_equal(rows, 1);
	}
}

static void test_activity_fields(void **state)
{
	struct activity a;

	(void)state;
	assert_int_equal(sizeof(a), COUNT(activity_members) * sizeof(uint64_t));
	assert_int_equal(activity_field_count, COUNT(activity_members));
	for (size_t i = 0; i < COUNT(activity_members); i++) {
		uint64_t value = 0x5566778800000000ULL + i;

		memcpy((char *)&a + activity_members[i].offset, &value, sizeof(value));
	}
	for (size_t i = 0; i < COUNT(activity_members); i++) {
		unsigned rows = 0;

		for (size_t j = 0; j < activity_field_count; j++) {
			const struct activity_field *f = &activity_fields[j];
			const char *key = activity_members[i].name;

			if (strcmp(f->key, key))
				continue;
			rows++;
			assert_true(activity_value(f, &a) == 0x5566778800000000ULL + i);
			assert_int_equal(f->unit == UNIT_BYTES, ends_with(key, "_bytes"));
			assert_int_equal(f->needs,
					 !strncmp(key, "fault_", 6)
						 ? ends_with(key, "_bytes") ||
								   ends_with(key, "_count")
							   ? ACTIVITY_ALWAYS
							   : ACTIVITY_SAMPLED
						 : ACTIVITY_CALLS);
		}
		assert_int_equal(rows, 1);
	}
}

/* ---- columns ---- */

static void test_columns(void **state)
{
	(void)state;
	for (size_t i = 0; i < column_count; i++) {
		const struct column *c = &columns[i];

		assert_ptr_equal(column_find(c->key), c);
		assert_true((int)strlen(c->title) <= c->width);
		assert_non_null(c->format);
		assert_true(c->help && c->help[0]);
		/* Text is left-aligned, and sorted by itself; a verdict by what it means. */
		assert_int_equal(!c->value || !strcmp(c->key, "verdict"), c->is_left);
	}
}

static void test_column_find(void **state)
{
	static const char *const absent[] = {"",     "rs",	 "rsss",   "RSS",
					     "rss_", "rss_byte", "_bytes", "rss_bytes_",
					     "rss ", "footprint"};

	(void)state;
	for (size_t i = 0; i < COUNT(absent); i++)
		assert_null(column_find(absent[i]));
	assert_string_equal(column_find("rss_bytes")->key, "rss");
	assert_string_equal(column_find("pgtable_bytes")->key, "pgtable");
	/* Each size that is a column is found by its NDJSON key. */
	for (size_t i = 0; i < column_count; i++) {
		for (size_t j = 0; j < total_field_count; j++) {
			const char *key = total_fields[j].key;
			size_t len = strlen(columns[i].key);

			if (!strncmp(key, columns[i].key, len) && !strcmp(key + len, "_bytes"))
				assert_ptr_equal(column_find(key), &columns[i]);
		}
	}
}

/* A process with a different value in each column, after two ticks a second apart. */
static struct process *grown(struct process_table *t, uint32_t pid, const char *comm)
{
	struct mw_task raw = sample_task(pid, 1, comm);

	sample_tick(t, 10 * SAMPLE_SECOND, &raw);
	raw.anon_pages += 3 * SAMPLE_MIB_PAGES;
	raw.minflt += 24000;
	raw.growth.mmap_count += 100;
	raw.growth.munmap_count += 20;
	raw.growth.mremap_count += 3;
	raw.growth.brk_count += 1;
	return sample_tick(t, 12 * SAMPLE_SECOND, &raw);
}

static void test_column_texts(void **state)
{
	static const struct {
		const char *key, *text;
		int64_t value;
	} cases[] = {
		{"pid", "4711", 4711},
		{"comm", "node", 0},
		{"growth", "+1.5M/s", 3 * MIB / 2},
		{"verdict", "-", 0},
		{"limit", "-", 0},
		{"delta", "+3.0M", 3 * MIB},
		{"since", "+3.0M", 3 * MIB},
		{"rss", "7.8M", (1230 + 768) * 4096},
		{"anon", "6.9M", (1000 + 768) * 4096},
		{"file", "800.0K", 200 * 4096},
		{"shmem", "120.0K", 30 * 4096},
		{"swap", "16.0K", 4 * 4096},
		{"heap", "132.0K", 135168},
		{"pgtable", "40.0K", 40961},
		{"vm", "351.6M", 90000LL * 4096},
		{"faults", "12.0k", 12000},
		{"calls", "62", 62},
		{"threads", "11", 11},
	};
	struct process_table t;
	struct process *p;
	struct strbuf out;

	(void)state;
	assert_int_equal(process_table_init(&t, SAMPLE_PAGE_SHIFT), 0);
	p = grown(&t, 4711, "node");
	strbuf_init(&out);
	assert_int_equal(COUNT(cases), column_count);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct column *c = column_find(cases[i].key);

		assert_non_null(c);
		strbuf_clear(&out);
		c->format(&out, p);
		assert_string_equal(out.s, cases[i].text);
		if (c->value)
			assert_true(c->value(p) == cases[i].value);
	}
	strbuf_release(&out);
	process_table_release(&t);
}

/* What needs two ticks is "-" at the first, and what needs calls where they are not counted. */
static void test_column_texts_of_the_first_tick(void **state)
{
	static const char *const need_delta[] = {"growth", "delta", "faults", "calls"};
	struct mw_task raw = sample_task(1, 1, "node");
	struct process_table t;
	struct process *p;
	struct strbuf out;

	(void)state;
	assert_int_equal(process_table_init(&t, SAMPLE_PAGE_SHIFT), 0);
	raw.flags = 0;
	p = sample_tick(&t, SAMPLE_SECOND, &raw);
	strbuf_init(&out);
	for (size_t i = 0; i < COUNT(need_delta); i++) {
		const struct column *c = column_find(need_delta[i]);

		strbuf_clear(&out);
		c->format(&out, p);
		assert_string_equal(out.s, "-");
		assert_true(c->value(p) == 0);
	}
	p = sample_tick(&t, 2 * SAMPLE_SECOND, &raw);
	for (size_t i = 0; i < COUNT(need_delta); i++) {
		strbuf_clear(&out);
		column_find(need_delta[i])->format(&out, p);
		assert_string_equal(out.s, !strcmp(need_delta[i], "calls")    ? "-"
					   : !strcmp(need_delta[i], "growth") ? "0/s"
									      : "0");
	}
	strbuf_release(&out);
	process_table_release(&t);
}

/* No value is wider than its column. */
static void test_widest_values(void **state)
{
	static const int64_t sizes[] = {
		0, 1, 1023, 1024, 1023 * 1024, 1000 * 1024 - 1, 1023 * (int64_t)MIB, INT64_MAX / 4};
	struct process p = {
		.pid = 4194304, .has_delta = true, .has_growth = true, .calls_counted = true};
	struct strbuf out;

	(void)state;
	strbuf_init(&out);
	memset(p.comm, 'W', 15);
	p.now_ns = SAMPLE_SECOND;
	for (size_t from = 0; from < COUNT(sizes); from++) {
		for (size_t to = 0; to < COUNT(sizes); to++) {
			uint64_t *now = &p.now.rss_bytes;

			for (size_t i = 0; i < total_field_count; i++)
				now[i] = (uint64_t)sizes[to];
			p.now.swap_bytes = 0;
			p.now.threads = 9999;
			p.before.rss_bytes = p.first.rss_bytes = (uint64_t)sizes[from];
			p.activity.fault_count = (uint64_t)sizes[to];
			p.activity.mmap_count = (uint64_t)sizes[to];
			p.history.count = 0;
			history_add(&p.history, SAMPLE_SECOND, (uint64_t)sizes[from]);
			history_add(&p.history, 2 * SAMPLE_SECOND, (uint64_t)sizes[to]);
			for (size_t i = 0; i < column_count; i++) {
				strbuf_clear(&out);
				columns[i].format(&out, &p);
				if ((int)out.len > columns[i].width)
					fail_msg("%s: '%s'", columns[i].key, out.s);
			}
		}
	}
	strbuf_release(&out);
}

static void test_hostile_comm(void **state)
{
	struct process p = {.comm = "a\033[2J\n\xff\xe2\x80\xae"};
	struct strbuf out;

	(void)state;
	strbuf_init(&out);
	column_find("comm")->format(&out, &p);
	assert_string_equal(out.s, "a" REPLACEMENT "[2J" REPLACEMENT REPLACEMENT REPLACEMENT);
	strbuf_release(&out);
}

/* ---- sorting ---- */

static void assert_order(const char *key, struct process *list, size_t count, const char *expected)
{
	struct process *rows[16];
	char order[16 * 3] = "";

	/* From every rotation: the result must not depend on where they come from. */
	for (size_t shift = 0; shift < count; shift++) {
		order[0] = '\0';
		for (size_t i = 0; i < count; i++)
			rows[i] = &list[(i + shift) % count];
		column_sort(column_find(key), rows, count);
		for (size_t i = 0; i < count; i++)
			sprintf(order + strlen(order), "%s%u", i ? " " : "", rows[i]->pid);
		assert_string_equal(order, expected);
	}
}

static void test_sort(void **state)
{
	struct process list[] = {
		{.pid = 1, .comm = "b", .now = {.rss_bytes = 10, .anon_bytes = 5, .threads = 1}},
		{.pid = 2, .comm = "a", .now = {.rss_bytes = 30, .anon_bytes = 5, .threads = 1}},
		{.pid = 3, .comm = "c", .now = {.rss_bytes = 20, .anon_bytes = 9, .threads = 1}},
		{.pid = 4, .comm = "a", .now = {.rss_bytes = 40, .anon_bytes = 1, .threads = 1}},
		{.pid = 5, .comm = "a", .now = {.rss_bytes = 30, .anon_bytes = 5, .threads = 1}},
		{.pid = 6,
		 .comm = "\xff",
		 .now = {.swap_bytes = 30, .anon_bytes = 5, .threads = 1}},
	};

	(void)state;
	assert_order("pid", list, COUNT(list), "6 5 4 3 2 1");
	assert_order("rss", list, COUNT(list), "4 2 5 3 1 6");
	/* Ties: by footprint (swap counts), then by PID. */
	assert_order("anon", list, COUNT(list), "3 2 5 6 1 4");
	assert_order("threads", list, COUNT(list), "4 2 5 6 3 1");
	assert_order("comm", list, COUNT(list), "4 2 5 1 3 6");
}

static void test_sort_by_change(void **state)
{
	struct process list[4] = {{.pid = 1}, {.pid = 2}, {.pid = 3}, {.pid = 4}};
	static const uint64_t before[] = {100, 100, 100, 100}, now[] = {90, 300, 100, 200};

	(void)state;
	for (size_t i = 0; i < COUNT(list); i++) {
		list[i].before.rss_bytes = list[i].first.rss_bytes = before[i];
		list[i].now.rss_bytes = now[i];
		list[i].has_delta = i != 1; /* unknown: as if it had not moved */
		list[i].before_ns = SAMPLE_SECOND;
		list[i].now_ns = 2 * SAMPLE_SECOND;
		list[i].activity.fault_count = now[i];
		history_add(&list[i].history, SAMPLE_SECOND, before[i]);
		history_add(&list[i].history, 2 * SAMPLE_SECOND, now[i]);
	}
	assert_order("growth", list, COUNT(list), "2 4 3 1");
	assert_order("since", list, COUNT(list), "2 4 3 1");
	assert_order("delta", list, COUNT(list), "4 2 3 1");
	assert_order("faults", list, COUNT(list), "4 3 1 2");
}

/* Leaks first, the surest before all; then by class, and last what was not judged. */
static void test_sort_by_verdict(void **state)
{
	struct verdict sure = sample_leak(), unsure = sample_leak(), external = sample_leak();
	struct verdict steady = sample_calm(VERDICT_STEADY, 0.99);
	struct verdict warming = sample_calm(VERDICT_WARMING, 0.5);
	struct verdict early = sample_calm(VERDICT_EARLY, 0);
	struct process list[] = {
		{.pid = 1, .verdict = &steady},	 {.pid = 2, .verdict = &unsure},
		{.pid = 3, .verdict = NULL},	 {.pid = 4, .verdict = &sure},
		{.pid = 5, .verdict = &early},	 {.pid = 6, .verdict = &external},
		{.pid = 7, .verdict = &warming},
	};

	(void)state;
	sure.confidence = 0.95;
	unsure.confidence = 0.66;
	external.class = VERDICT_EXTERNAL;
	external.confidence = 0.8;
	assert_order("verdict", list, COUNT(list), "4 6 2 7 1 5 3");
	/* The one that is full now comes first, then the others by time. */
	sure.limit_seconds = 3000;
	unsure.limit_seconds = 0;
	external.limit_seconds = 2999;
	assert_order("limit", list, COUNT(list), "2 6 4 1 3 5 7");
	unsure.limit_seconds = INFINITY;
	sure.limit_seconds = 0x1p61;
	assert_order("limit", list, COUNT(list), "6 4 1 2 3 5 7");
}

static void test_sort_many(void **state)
{
	enum { MANY = 3000 };
	struct process *list = calloc(MANY, sizeof(*list)), **rows = calloc(MANY, sizeof(*rows));

	(void)state;
	assert_true(list && rows);
	srandom(3);
	for (unsigned i = 0; i < MANY; i++) {
		list[i].pid = i + 1;
		list[i].now.rss_bytes = random() % 50;
		list[i].now.anon_bytes = random() % 5;
		rows[i] = &list[i];
	}
	column_sort(column_find("anon"), rows, MANY);
	for (unsigned i = 1; i < MANY; i++) {
		const struct totals *a = &rows[i - 1]->now, *b = &rows[i]->now;

		assert_true(a->anon_bytes >= b->anon_bytes);
		if (a->anon_bytes == b->anon_bytes)
			assert_true(a->rss_bytes >= b->rss_bytes);
		if (a->anon_bytes == b->anon_bytes && a->rss_bytes == b->rss_bytes)
			assert_true(rows[i - 1]->pid < rows[i]->pid);
	}
	free(rows);
	free(list);
}

/* ---- padding ---- */

/* Columns that @s takes; -1 if it is not valid in this locale. */
static int columns_of(const char *s)
{
	wchar_t wide[256];
	size_t n = mbstowcs(wide, s, COUNT(wide));

	return n == (size_t)-1 ? -1 : wcswidth(wide, n);
}

static void assert_padded(const char *text, int width, bool is_left, const char *expected)
{
	struct strbuf out;

	strbuf_init(&out);
	column_pad(&out, text, width, is_left);
	assert_string_equal(out.s, expected);
	strbuf_release(&out);
}

static int utf8_setup(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

static int utf8_teardown(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C") ? 0 : -1;
}

static void test_pad(void **state)
{
	(void)state;
	assert_padded("abc", 5, true, "abc  ");
	assert_padded("abc", 5, false, "  abc");
	assert_padded("abc", 3, true, "abc");
	assert_padded("abcdef", 3, true, "abc");
	assert_padded("abcdef", 3, false, "abc");
	assert_padded("", 3, true, "   ");
	assert_padded("", 0, true, "");
	assert_padded("abc", 0, true, "");
	assert_padded("äöü", 5, true, "äöü  ");
	assert_padded("äöü", 2, true, "äö");
	/* Two columns each; a half is not shown, its column is padded. */
	assert_padded("日本語", 8, true, "日本語  ");
	assert_padded("日本語", 6, false, "日本語");
	assert_padded("日本語", 5, true, "日本 ");
	assert_padded("日本語", 5, false, " 日本");
	assert_padded("日", 1, true, " ");
	assert_padded("a日", 2, true, "a ");
	/* No column of their own: they stay with what they belong to. */
	assert_padded("e\u0301a", 3, true, "e\u0301a ");
	assert_padded("e\u0301a", 1, true, "e\u0301");
	assert_padded("\u0301", 2, true, "\u0301  ");
	assert_padded("\U0001F600x", 3, true, "\U0001F600x");
	/* Not valid, against the contract: still no crash, and to the width. */
	assert_padded("\xff\xfe", 3, true, "\xff\xfe ");
	assert_padded("a\xc3", 3, true, "a\xc3 ");
	assert_padded("\xff\xfe", 1, false, "\xff");
}

static void test_pad_random(void **state)
{
	static const char *const pieces[] = {"a",	  " ",		"ä", "日",     "\u0301",
					     REPLACEMENT, "\U0001F600", "Ω", "\u200b", "-"};

	(void)state;
	srandom(4);
	for (int run = 0; run < 20000; run++) {
		char text[64] = "";
		int width = random() % 20;
		struct strbuf out;

		for (int i = random() % 12; i > 0; i--)
			strcat(text, pieces[random() % COUNT(pieces)]);
		strbuf_init(&out);
		column_pad(&out, text, width, random() % 2);
		assert_int_equal(columns_of(out.s), width);
		if (columns_of(text) <= width)
			assert_non_null(strstr(out.s, text)); /* nothing is lost */
		strbuf_release(&out);
	}
}

/* Without a locale characters count one column each, and none is cut in two. */
static void test_pad_in_the_c_locale(void **state)
{
	struct strbuf out;

	(void)state;
	assert_string_equal(setlocale(LC_CTYPE, NULL), "C");
	assert_padded("abc", 5, true, "abc  ");
	assert_padded("äöü", 5, true, "äöü  ");
	assert_padded("äöü", 2, false, "äö");
	strbuf_init(&out);
	column_pad(&out, "a" REPLACEMENT REPLACEMENT "b" REPLACEMENT REPLACEMENT, 5, true);
	assert_string_equal(out.s, "a" REPLACEMENT REPLACEMENT "b" REPLACEMENT);
	strbuf_release(&out);
}

/* ---- sparkline ---- */

static void assert_sparkline(const uint64_t *samples, size_t count, unsigned width, bool utf8,
			     const char *expected)
{
	struct history h = {0};
	struct strbuf out;

	for (size_t i = 0; i < count; i++)
		history_add(&h, i + 1, samples[i]);
	strbuf_init(&out);
	sparkline(&out, &h, width, utf8);
	assert_string_equal(out.s, expected);
	strbuf_release(&out);
}

static void test_sparkline(void **state)
{
	static const uint64_t ramp[] = {0, 100, 200, 300, 400, 500, 600, 700};
	static const uint64_t v[] = {700, 0, 700};
	static const uint64_t high[] = {UINT64_MAX, 0, UINT64_MAX / 2};

	(void)state;
	assert_sparkline(ramp, 8, 8, false, "_.-~=+*#");
	assert_sparkline(ramp, 8, 8, true, "▁▂▃▄▅▆▇█");
	assert_sparkline(ramp, 8, 10, false, "  _.-~=+*#"); /* oldest first, newest last */
	assert_sparkline(ramp, 8, 4, false, "_-+#");	    /* of what is shown */
	assert_sparkline(ramp, 8, 0, false, "");
	assert_sparkline(v, 3, 3, true, "█▁█");
	assert_sparkline(high, 3, 3, false, "#_=");
	assert_sparkline(ramp, 0, 3, true, "   ");
}

static void test_sparkline_flat(void **state)
{
	static const uint64_t zero[] = {0, 0, 0}, same[] = {5 * MIB, 5 * MIB, 5 * MIB};
	/* A page of noise on a GiB is nothing; a sixty-fourth of it is something. */
	static const uint64_t noise[] = {1024 * MIB, 1024 * MIB + 4096, 1024 * MIB};
	static const uint64_t enough[] = {1024 * MIB, 1024 * MIB + 32 * MIB, 1024 * MIB};

	(void)state;
	assert_sparkline(zero, 3, 3, false, "___");
	assert_sparkline(same, 3, 3, false, "___");
	assert_sparkline(same, 1, 3, false, "  _");
	assert_sparkline(noise, 3, 3, false, "___");
	assert_sparkline(enough, 3, 3, false, "_#_");
}

static void test_sparkline_wider_than_the_history(void **state)
{
	uint64_t samples[HISTORY_CAP + 8];
	struct history h = {0};
	struct strbuf out;

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++)
		history_add(&h, i + 1, samples[i] = i);
	strbuf_init(&out);
	sparkline(&out, &h, HISTORY_CAP + 5, false);
	assert_int_equal(out.len, HISTORY_CAP + 5);
	assert_int_equal(strspn(out.s, " "), 5);
	assert_int_equal(out.s[5], '_');
	assert_int_equal(out.s[out.len - 1], '#');
	strbuf_release(&out);
}

#define IN_UTF8(test) cmocka_unit_test_setup_teardown(test, utf8_setup, utf8_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_total_fields),
		cmocka_unit_test(test_activity_fields),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_column_find),
		cmocka_unit_test(test_column_texts),
		cmocka_unit_test(test_column_texts_of_the_first_tick),
		cmocka_unit_test(test_widest_values),
		cmocka_unit_test(test_hostile_comm),
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_sort_by_change),
		cmocka_unit_test(test_sort_by_verdict),
		cmocka_unit_test(test_sort_many),
		IN_UTF8(test_pad),
		IN_UTF8(test_pad_random),
		cmocka_unit_test(test_pad_in_the_c_locale),
		cmocka_unit_test(test_sparkline),
		cmocka_unit_test(test_sparkline_flat),
		cmocka_unit_test(test_sparkline_wider_than_the_history),
	};

	return cmocka_run_group_tests_name("output/fields", tests, NULL, NULL);
}

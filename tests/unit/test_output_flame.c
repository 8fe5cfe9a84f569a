/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flame graphs as folded stacks and as SVG: what they say, and hostile names in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flame_sample.h"
#include "output/flame_svg.h"
#include "output/folded.h"
#include "utf8_oracle.h"

static struct flame *flame_of(const struct recorded_process *a, const struct recorded_process *b)
{
	struct flame *f = flame_new();

	assert_non_null(f);
	if (a)
		assert_int_equal(flame_add_process(f, a, NULL, FLAME_A, 1), 0);
	if (b)
		assert_int_equal(flame_add_process(f, b, NULL, FLAME_B, 1), 0);
	flame_finish(f);
	return f;
}

static char *svg_of(const struct flame *f, bool is_inline, const char *title)
{
	const struct flame_svg_options o = {.title = title, .is_inline = is_inline, .id = "one"};
	struct strbuf out;

	strbuf_init(&out);
	flame_svg_add(&out, f, &o);
	assert_int_equal(out.err, 0);
	return out.s;
}

static unsigned count(const char *text, const char *of)
{
	unsigned n = 0;

	for (; (text = strstr(text, of)); text += strlen(of))
		n++;
	return n;
}

/* By a real parser, where there is one. */
static void check_xml(const char *text)
{
	FILE *f;

	if (system("command -v xmllint >/dev/null"))
		return;
	f = popen("xmllint --huge --noout -", "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(pclose(f), 0);
}

/* Valid UTF-8 that is no more than it seems; lines and indents are our own. */
static void check_text(const char *text)
{
	char *copy = strdup(text);

	for (char *at = copy; (at = strpbrk(at, "\n\t"));)
		*at = ' ';
	assert_true(oracle_is_clean(copy, strlen(copy)));
	free(copy);
}

static void test_folded(void **state)
{
	struct recorded_process p = flame_service(1);
	struct flame *f = flame_of(NULL, &p);
	struct strbuf out;

	(void)state;
	strbuf_init(&out);
	folded_add(&out, f, FLAME_B);
	assert_string_equal(out.s, "main (node);handle a.js:29;save a.js:11 6291456\n"
				   "main (node);handle a.js:29;buffer b.js:2 3145728\n"
				   "main (node);printf (libc.so.6) 1048576\n");
	strbuf_clear(&out);
	folded_add(&out, f, FLAME_A);
	assert_string_equal(out.s, "");
	strbuf_release(&out);
	flame_free(f);
	site_table_free(p.sites);
}

/* Each line is a path and one number, and the numbers are all there is. */
/* Names that differ at their end only are told apart: who renders them cuts them. */
static void test_folded_long(void **state)
{
	struct recorded_process p = flame_process(1);
	char names[2][101];
	struct strbuf out, wanted;
	struct flame *f;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		snprintf(names[i], sizeof(names[i]), "%098u.%u", 0, i);
		names[i][0] = 'x';
		FLAME_ADD(p.sites, MW_SITE_FAULT, 9 - i, flame_js_frame(names[i], "/srv/a.js", 2));
	}
	FLAME_ADD(p.sites, MW_SITE_FAULT, 3,
		  sample_native(FRAME_USER,
				"a::much<longer, than>::the_name::that_is<shown>::in_texts(int)",
				"/srv/app", 7));
	site_table_finish_tick(p.sites);
	f = flame_of(NULL, &p);
	strbuf_init(&out);
	strbuf_init(&wanted);
	folded_add(&out, f, FLAME_B);
	strbuf_addf(&wanted, "%s a.js:1 9\n%s a.js:1 8\n", names[0], names[1]);
	strbuf_adds(&wanted, "a::much<longer, than>::the_name::that_is<shown>::in_texts (app) 3\n");
	assert_string_equal(out.s, wanted.s);
	strbuf_release(&out);
	strbuf_release(&wanted);
	flame_free(f);
	site_table_free(p.sites);
}

static void test_folded_hostile(void **state)
{
	char longest[5000];
	struct recorded_process p = flame_hostile_process(longest, sizeof(longest));
	struct flame *f = flame_of(NULL, &p);
	struct strbuf out;
	uint64_t sum = 0;
	unsigned lines = 0;

	(void)state;
	strbuf_init(&out);
	folded_add(&out, f, FLAME_B);
	check_text(out.s);
	for (char *line = strtok(out.s, "\n"); line; line = strtok(NULL, "\n")) {
		char *space = strrchr(line, ' '), *end, *before;

		assert_non_null(space);
		sum += strtoull(space + 1, &end, 10);
		assert_int_equal(*end, '\0');
		*space = '\0';
		before = strrchr(line, ' ');
		assert_true(!before || strspn(before + 1, "0123456789.") != strlen(before + 1) ||
			    !before[1]);
		assert_null(strstr(line, ";;"));
		assert_true(*line != ';' && line[strlen(line) - 1] != ';');
		lines++;
	}
	assert_int_equal(sum, f->root->bytes[FLAME_B]);
	assert_int_equal(lines, FLAME_HOSTILE + 1);
	strbuf_release(&out);
	flame_free(f);
	site_table_free(p.sites);
}

static void test_svg(void **state)
{
	struct recorded_process p = flame_service(1);
	struct flame *f = flame_of(NULL, &p);
	char *svg = svg_of(f, false, "node (1)");

	(void)state;
	check_text(svg);
	check_xml(svg);
	assert_int_equal(count(svg, "<svg class=\"f\""), 6);
	assert_non_null(strstr(svg, "<title>save  /srv/a.js:11\n6.0M (60.0 %), 2 samples</title>"));
	assert_non_null(strstr(svg, "x=\"0.00000%\" y=\"76\" width=\"60.00000%\""));
	assert_non_null(strstr(svg, "x=\"60.00000%\" y=\"76\" width=\"30.00000%\""));
	assert_non_null(strstr(svg, "data-d=\"0\" x=\"0.00000%\" y=\"127\" width=\"100.00000%\""));
	/* as an image, too: its size is known */
	assert_non_null(strstr(svg, " width=\"1200\" viewBox=\"0 0 1200 174\" "));
	assert_non_null(strstr(svg, " height=\"174\" "));
	assert_int_equal(count(svg, "<script>"), 1);
	assert_int_equal(count(svg, "://"), count(svg, "http://www.w3.org/")); /* names */
	free(svg);
	svg = svg_of(f, true, "node (1)");
	check_xml(svg);
	assert_null(strstr(svg, "<script"));
	assert_null(strstr(svg, "style"));
	assert_null(strstr(svg, "://"));
	free(svg);
	flame_free(f);
	site_table_free(p.sites);
}

static void test_svg_hostile(void **state)
{
	char longest[5000], *svg;
	struct recorded_process p = flame_hostile_process(longest, sizeof(longest));
	struct flame *f = flame_of(&p, &p);

	(void)state;
	for (unsigned i = 0; i < FLAME_HOSTILE; i++) {
		svg = svg_of(f, false, flame_hostile[i]);
		check_text(svg);
		if (!i)
			check_xml(svg);
		assert_int_equal(count(svg, "<script"), 1);
		assert_int_equal(count(svg, "]]>"), 1);
		assert_null(strstr(svg, "\" onload"));
		assert_null(strstr(svg, "' onload"));
		assert_null(strstr(svg, "<!--"));
		free(svg);
	}
	svg = svg_of(f, true, longest);
	assert_true(strlen(svg) < 400 * f->node_count + 2 * 500 * 4 * f->node_count);
	free(svg);
	flame_free(f);
	site_table_free(p.sites);
}

/* Of two runs: as wide as the second; red for more, blue for less. */
static void test_svg_diff(void **state)
{
	struct recorded_process a = flame_process(1), b = flame_process(2);
	const struct frame up = flame_js_frame("up", "/srv/a.js", 5);
	const struct frame down = flame_js_frame("down", "/srv/a.js", 50);
	const struct frame gone = flame_js_frame("gone", "/srv/a.js", 70);
	struct flame *f;
	char *svg;

	(void)state;
	FLAME_ADD(a.sites, MW_SITE_FAULT, 2 * FLAME_MIB, up);
	FLAME_ADD(b.sites, MW_SITE_FAULT, 6 * FLAME_MIB, up);
	FLAME_ADD(a.sites, MW_SITE_FAULT, 4 * FLAME_MIB, down);
	FLAME_ADD(b.sites, MW_SITE_FAULT, 2 * FLAME_MIB, down);
	FLAME_ADD(a.sites, MW_SITE_FAULT, 3 * FLAME_MIB, gone);
	site_table_finish_tick(a.sites);
	site_table_finish_tick(b.sites);
	f = flame_of(&a, &b);
	svg = svg_of(f, false, "two");
	check_xml(svg);
	assert_int_equal(count(svg, "<svg class=\"f\""), 3);
	assert_non_null(strstr(svg, "6.0M, in the first run 2.0M: +4.0M (75.0 %)"));
	assert_non_null(strstr(svg, "2.0M, in the first run 4.0M: -2.0M (25.0 %)"));
	assert_non_null(strstr(svg, "3.0M of the first run is gone, and not drawn"));
	assert_non_null(strstr(svg, "+4.0M (75.0 %), 1 samples</title><rect width=\"100%\" "
				    "height=\"100%\" rx=\"2\" fill=\"#f"));
	assert_non_null(strstr(svg, "-2.0M (25.0 %), 1 samples</title><rect width=\"100%\" "
				    "height=\"100%\" rx=\"2\" fill=\"#9"));
	free(svg);
	flame_free(f);
	site_table_free(a.sites);
	site_table_free(b.sites);
}

/* Thin ones are left out, and it is said. */
static void test_svg_thin(void **state)
{
	struct recorded_process p = flame_process(1);
	struct frame f1 = flame_js_frame("large", "/srv/a.js", 5);
	struct frame f2 = flame_js_frame("thin", "/srv/a.js", 6);
	struct flame *f;
	char *svg;

	(void)state;
	FLAME_ADD(p.sites, MW_SITE_FAULT, 1000 * FLAME_MIB, f1);
	FLAME_ADD(p.sites, MW_SITE_FAULT, 100, f2);
	site_table_finish_tick(p.sites);
	f = flame_of(NULL, &p);
	svg = svg_of(f, true, "");
	assert_null(strstr(svg, "thin a.js"));
	assert_non_null(strstr(svg, "; 1 too thin to be drawn"));
	free(svg);
	flame_free(f);
	site_table_free(p.sites);
	f = flame_of(NULL, NULL);
	svg = svg_of(f, false, NULL);
	check_xml(svg);
	assert_non_null(strstr(svg, "no growth was seen"));
	free(svg);
	flame_free(f);
}

/* What would end the script early, or fetch anything. */
static void test_script(void **state)
{
	(void)state;
	assert_null(strstr(flame_js, "]]>"));
	assert_null(strstr(flame_js, "</"));
	assert_null(strstr(flame_js, "eval"));
	assert_null(strstr(flame_js, "innerHTML"));
	assert_int_equal(count(flame_js, "://"), 1); /* the namespace of XHTML */
	check_text(flame_js);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folded),	       cmocka_unit_test(test_folded_long),
		cmocka_unit_test(test_folded_hostile), cmocka_unit_test(test_svg),
		cmocka_unit_test(test_svg_hostile),    cmocka_unit_test(test_svg_diff),
		cmocka_unit_test(test_svg_thin),       cmocka_unit_test(test_script),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

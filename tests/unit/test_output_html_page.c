// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What every page promises; how it looks and what its script does is tested in e2e/html.sh. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sha256.h"
#include "output/html_page.h"

static void assert_text(const char *given, const char *wanted)
{
	struct strbuf out;

	strbuf_init(&out);
	html_text(&out, given);
	assert_string_equal(out.s, wanted);
	strbuf_release(&out);
}

static void test_text_cannot_be_markup(void **state)
{
	(void)state;
	assert_text(NULL, "");
	assert_text("", "");
	assert_text("</script><b a='\"'>&amp;",
		    "&lt;/script&gt;&lt;b a=&#39;&quot;&#39;&gt;&amp;amp;");
	assert_text("caf\xC3\xA9 < \xE2\x82\xAC", "caf\xC3\xA9 &lt; \xE2\x82\xAC");
	assert_text("a\x01\xE2\x80\xAE"
		    "b\xE2\x82<",
		    "a\xEF\xBF\xBD\xEF\xBF\xBD"
		    "b\xEF\xBF\xBD&lt;");
}

/* Each <style> and <script> of the page that runs has its hash in the policy, and each hash one. */
static unsigned hashed(const char *page, const char *open, const char *close)
{
	const char *policy = strstr(page, "Content-Security-Policy");
	size_t policy_len = strcspn(policy, "\n");
	unsigned count = 0;

	for (const char *at = page; (at = strstr(at, open)) != NULL; count++) {
		const char *end;
		char hash[SHA256_BASE64];

		at += strlen(open);
		end = strstr(at, close);
		assert_non_null(end);
		sha256_base64(hash, at, (size_t)(end - at));
		assert_non_null(memmem(policy, policy_len, hash, strlen(hash)));
	}
	return count;
}

static void test_policy_names_all_that_runs(void **state)
{
	struct strbuf out;
	unsigned hashes = 0, found;

	(void)state;
	strbuf_init(&out);
	html_begin(&out, "<script>alert(1)</script>");
	html_end(&out);
	assert_int_equal(out.err, 0);
	assert_non_null(strstr(out.s, "<h1>&lt;script&gt;alert(1)&lt;/script&gt;</h1>"));
	assert_non_null(strstr(out.s, "content=\"default-src 'none'; style-src 'sha256-"));
	assert_null(strstr(out.s, "unsafe"));
	found = hashed(out.s, "<style>", "</style>") + hashed(out.s, "<script>", "</script>");
	for (const char *at = out.s; (at = strstr(at, "'sha256-")) != NULL; at++)
		hashes++;
	assert_true(found >= 2);
	assert_int_equal(found, hashes);
	strbuf_release(&out);
}

static void test_table(void **state)
{
	static const struct html_column columns[] = {
		{"name", "what it \"is\"", false},
		{"bytes", NULL, true},
	};
	struct strbuf out;

	(void)state;
	strbuf_init(&out);
	html_table_begin(&out, "t", columns, 2);
	html_row_begin(&out);
	html_cell(&out, "<i>");
	html_cell_bytes(&out, 1572864, true);
	html_cell_bytes(&out, -1024, false);
	html_cell_number(&out, 2.25, 1, true);
	html_cell_number(&out, NAN, 1, true);
	html_row_end(&out);
	html_table_end(&out);
	html_table_rest(&out, 0);
	assert_string_equal(out.s,
			    "<div class=\"scroll\"><table id=\"t\" class=\"sortable\">\n<thead><tr>"
			    "<th scope=\"col\" title=\"what it &quot;is&quot;\">name</th>"
			    "<th scope=\"col\" class=\"n\">bytes</th></tr></thead>\n<tbody>\n"
			    "<tr><td>&lt;i&gt;</td><td class=\"n\" data-v=\"1572864\">+1.5M</td>"
			    "<td class=\"n\" data-v=\"-1024\">-1.0K</td><td class=\"n\" "
			    "data-v=\"2.2\">+2.2</td>"
			    "<td class=\"n\">\xE2\x80\x93</td></tr>\n</tbody></table></div>\n");
	strbuf_clear(&out);
	html_table_rest(&out, 7);
	assert_string_equal(out.s, "<p class=\"note\">7 more are not shown.</p>\n");
	strbuf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_cannot_be_markup),
		cmocka_unit_test(test_policy_names_all_that_runs),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests_name("output/html_page", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who keeps what a leak consists of, as lines; names are hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kept_sample.h"
#include "output/kept_text.h"

static void test_lines(void **state)
{
	struct kept k = sample_kept();
	struct strbuf out;

	(void)state;
	strbuf_init(&out);
	kept_text_add(&out, &k, "#  ");
	assert_string_equal(
		out.s,
		"#  grew in V8's heap within 5s, by two censuses of it:\n"
		"#    +2500 StatusContext handles.js:25, +156.3K: kept by Map, variable "
		"`handleMap` handles.js:12\n"
		"#    +5 on\xef\xbf\xbd\"Tick\"(), +320B: one of them by .next of Timeout\n");
	strbuf_clear(&out);
	k.constructors[0].by.share = 0.873;
	kept_line_add(&out, &k, 0);
	assert_non_null(strstr(out.s, ": 87% kept by Map, "));
	strbuf_clear(&out);
	k.constructors[1].by = k.constructors[0].by;
	kept_line_add(&out, &k, 1);
	assert_non_null(strstr(out.s, ", +320B: kept by the same"));
	strbuf_release(&out);
}

static void test_unknown(void **state)
{
	struct kept k = sample_kept();
	struct strbuf out;

	(void)state;
	strbuf_init(&out);
	memset(&k.constructors[0].by, 0, sizeof(k.constructors[0].by));
	kept_line_add(&out, &k, 0);
	assert_string_equal(out.s, "+2500 StatusContext handles.js:25, +156.3K");
	strbuf_clear(&out);
	k.count = 0;
	kept_text_add(&out, &k, "");
	assert_string_equal(out.s, "two censuses of V8's heap, 5s apart, show nothing that grew\n");
	strbuf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests_name("output/kept_text", tests, NULL, NULL);
}

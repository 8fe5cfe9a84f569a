/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Messages: prefix, level, sink, hostile names, and that nothing else is disturbed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "capture.h"

static int reset(void **state)
{
	(void)state;
	log_set_level(LOG_INFO);
	log_set_sink(NULL, NULL);
	return 0;
}

static void test_prefixes_and_default_level(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(log_get_level(), LOG_INFO);
	capture_begin(&c);
	log_error("cannot open %s: %d", "x", 3);
	log_warn("odd");
	log_info("note");
	log_debug("not shown");
	assert_string_equal(capture_end(&c), "memwatch: cannot open x: 3\n"
					     "memwatch: warning: odd\n"
					     "memwatch: note\n");
}

static void test_levels(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c);
	log_set_level(LOG_ERROR);
	log_warn("no");
	log_error("yes");
	log_set_level(LOG_DEBUG);
	log_debug("detail");
	assert_string_equal(capture_end(&c), "memwatch: yes\nmemwatch: detail\n");
	assert_int_equal(log_get_level(), LOG_DEBUG);
}

static void test_error_code(void **state)
{
	struct capture c;
	int err;

	(void)state;
	capture_begin(&c);
	err = log_error_code(-EPERM, "pid %d: %s", 7, "no");
	assert_string_equal(capture_end(&c), "memwatch: pid 7: no\n");
	assert_int_equal(err, -EPERM);
}

static void test_newlines(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c);
	log_info("ended\n");
	log_info("one\nmemwatch: forged\n\nlast");
	log_info("%s", "");
	assert_string_equal(capture_end(&c), "memwatch: ended\n"
					     "memwatch: one\n"
					     "memwatch:   memwatch: forged\n"
					     "memwatch:   \n"
					     "memwatch:   last\n"
					     "memwatch: \n");
}

static void test_hostile_names(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c);
	log_error("comm '%s'", "\x1b[2J\rx\xff\t%s%n");
	assert_string_equal(capture_end(&c),
			    "memwatch: comm '\xEF\xBF\xBD[2J\xEF\xBF\xBDx\xEF\xBF\xBD %s%n'\n");
}

static void test_long_message(void **state)
{
	struct capture c;
	char name[3000];
	size_t len;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	capture_begin(&c);
	log_error("%s", name);
	len = strlen(capture_end(&c));
	assert_int_equal(len, strlen("memwatch: ") + sizeof(name) - 1 + 1);
}

static void test_errno_is_kept(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c);
	errno = ENOENT;
	log_error("why: %m");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(capture_end(&c), "memwatch: why: No such file or directory\n");
}

static void collect(void *arg, enum log_level level, const char *text)
{
	strbuf_addf(arg, "%d:%s|", (int)level, text);
}

static void test_sink(void **state)
{
	struct capture c;
	struct strbuf b;

	(void)state;
	strbuf_init(&b);
	capture_begin(&c);
	log_set_sink(collect, &b);
	log_warn("w %d\n", 1);
	log_error("a\nb");
	log_debug("below the level");
	log_set_sink(NULL, NULL);
	log_info("back");
	assert_string_equal(capture_end(&c), "memwatch: back\n");
	assert_string_equal(b.s, "1:w 1|0:a|0:  b|");
	strbuf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_prefixes_and_default_level, reset),
		cmocka_unit_test_teardown(test_levels, reset),
		cmocka_unit_test_teardown(test_error_code, reset),
		cmocka_unit_test_teardown(test_newlines, reset),
		cmocka_unit_test_teardown(test_hostile_names, reset),
		cmocka_unit_test_teardown(test_long_message, reset),
		cmocka_unit_test_teardown(test_errno_is_kept, reset),
		cmocka_unit_test_teardown(test_sink, reset),
	};

	return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}

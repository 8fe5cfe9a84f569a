/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Options: every callback writes down what it got, so that one string shows
 * what was called, with what, and in which order.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/opts.h"
#include "base/strbuf.h"
#include "capture.h"

#define MAX_ARGS 16

static int take_pid(void *arg, const char *value)
{
	strbuf_addf(arg, "pid=%s ", value);
	return 0;
}

static int take_json(void *arg, const char *value)
{
	strbuf_addf(arg, "json%s ", value ? "!" : "");
	return 0;
}

static int take_verbose(void *arg, const char *value)
{
	strbuf_addf(arg, "v%s ", value ? "!" : "");
	return 0;
}

static int take_bad(void *arg, const char *value)
{
	strbuf_addf(arg, "bad=%s ", value);
	return -ERANGE;
}

static int take_operand(void *arg, const char *value)
{
	strbuf_addf(arg, "[%s] ", value);
	return strcmp(value, "stop") ? 0 : -ECANCELED;
}

static const struct opt table[] = {
	{0, "", NULL, "What to watch:", NULL},
	{'p', "pid", "PID", "processes, several with commas", take_pid},
	{0, "json", NULL, "NDJSON", take_json},
	{0, "jsonlines", NULL, "shares a prefix with json", take_json},
	{0, "bad", "X", "always refuses", take_bad},
	{0, "", NULL, "Other:", NULL},
	{'v', "verbose", NULL, "more", take_verbose},
	{'x', "", NULL, "short only", take_verbose},
	{0, NULL, NULL, NULL, NULL},
};

/* Parses the words of @line (split at blanks) and checks what came of it. */
static void check_with(const char *line, opt_fn operand, int err, const char *calls,
		       const char *message)
{
	char *argv[MAX_ARGS + 1] = {(char *)"memwatch"};
	char *copy = strdup(line), *rest = copy, *word;
	struct capture c;
	struct strbuf b;
	int argc = 1, result;

	assert_non_null(copy);
	while (argc < MAX_ARGS && (word = strsep(&rest, " ")))
		if (*word)
			argv[argc++] = word;
	strbuf_init(&b);
	capture_begin(&c);
	result = opts_parse(argc, argv, table, operand, &b);
	assert_string_equal(capture_end(&c), message);
	assert_string_equal(b.s, calls);
	assert_int_equal(result, err);
	strbuf_release(&b);
	free(copy);
}

static void check(const char *line, const char *calls)
{
	check_with(line, take_operand, 0, calls, "");
}

static void check_refused(const char *line, const char *calls, const char *message)
{
	check_with(line, take_operand, -EINVAL, calls, message);
}

static void test_accepts(void **state)
{
	(void)state;
	check("", "");
	check("-p 1 -p2 --pid 3 --pid=4 --pid= --json -v", "pid=1 pid=2 pid=3 pid=4 pid= json v ");
	check("-vvp 1", "v v pid=1 ");
	check("-vp1 -x", "v pid=1 v ");
	check("-p -5", "pid=-5 ");
	check("--pid --json", "pid=--json ");
	check("-p --", "pid=-- ");
	check("--verb", "v ");
	check("--json --jsonl", "json json ");
}

static void test_operands_in_order(void **state)
{
	(void)state;
	check("-p 1 2 --json 3 -v", "pid=1 [2] json [3] v ");
	check("a - b", "[a] [-] [b] ");
	check("a -- -v --json -- b", "[a] [-v] [--json] [--] [b] ");
	check("--", "");
	setenv("POSIXLY_CORRECT", "1", 1);
	check("2 --json", "[2] json ");
	unsetenv("POSIXLY_CORRECT");
}

static void test_argv_is_left_alone(void **state)
{
	char *argv[] = {(char *)"memwatch", (char *)"a", (char *)"-v", (char *)"b", NULL};
	char *before[5];
	struct strbuf b;

	(void)state;
	memcpy(before, argv, sizeof(argv));
	strbuf_init(&b);
	assert_int_equal(opts_parse(4, argv, table, take_operand, &b), 0);
	assert_memory_equal(before, argv, sizeof(argv));
	assert_int_equal(opts_parse(0, argv, table, take_operand, &b), 0);
	strbuf_release(&b);
}

static void test_unknown(void **state)
{
	(void)state;
	check_refused("-v --foo 1", "v ", "memwatch: unknown option '--foo'; see --help\n");
	check_refused("--foo=bar", "", "memwatch: unknown option '--foo'; see --help\n");
	check_refused("--=x", "", "memwatch: unknown option '--'; see --help\n");
	check_refused("-z", "", "memwatch: unknown option '-z'; see --help\n");
	check_refused("-vz1", "v ", "memwatch: unknown option '-z'; see --help\n");
	check_refused("---", "", "memwatch: unknown option '---'; see --help\n");
	check_refused("-:", "", "memwatch: unknown option '-:'; see --help\n");
	check_refused("-?", "", "memwatch: unknown option '-?'; see --help\n");
	check_refused("-\xC3\xBC", "", "memwatch: unknown option '-\xEF\xBF\xBD'; see --help\n");
	check_refused("-\x01", "", "memwatch: unknown option '-\xEF\xBF\xBD'; see --help\n");
	check_refused("--\x1b[m", "", "memwatch: unknown option '--\xEF\xBF\xBD[m'; see --help\n");
	check_refused("--jso", "", "memwatch: option '--jso' is ambiguous; see --help\n");
}

static void test_missing_and_extra_values(void **state)
{
	(void)state;
	check_refused("1 -p", "[1] ", "memwatch: option '-p' needs a value (PID); see --help\n");
	check_refused("--pid", "", "memwatch: option '--pid' needs a value (PID); see --help\n");
	check_refused("-v --pi", "v ",
		      "memwatch: option '--pid' needs a value (PID); see --help\n");
	check_refused("--json=1", "", "memwatch: option '--json' takes no value; see --help\n");
}

static void test_operands_refused(void **state)
{
	(void)state;
	check_with("-v what", NULL, -EINVAL, "v ",
		   "memwatch: unexpected argument 'what'; see --help\n");
	check_with("-- -v", NULL, -EINVAL, "", "memwatch: unexpected argument '-v'; see --help\n");
}

static void test_callback_errors(void **state)
{
	(void)state;
	check_with("--bad 1 -v", take_operand, -ERANGE, "bad=1 ", "");
	check_with("stop -v", take_operand, -ECANCELED, "[stop] ", "");
	check_with("-v -- stop x", take_operand, -ECANCELED, "v [stop] ", "");
}

static void check_print(const struct opt *t, const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	opts_print(out, t);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void test_print(void **state)
{
	(void)state;
	check_print(table, "What to watch:\n"
			   "  -p, --pid PID          processes, several with commas\n"
			   "      --json             NDJSON\n"
			   "      --jsonlines        shares a prefix with json\n"
			   "      --bad X            always refuses\n"
			   "\n"
			   "Other:\n"
			   "  -v, --verbose          more\n"
			   "  -x                     short only\n");
}

static void test_print_wraps(void **state)
{
	static const struct opt t[] = {
		{'a', "all", NULL,
		 "the first line is filled up to column eighty, and not beyond it, by words",
		 take_json},
		{0, "listen", "ADDRESS:P", "fits\nsecond line\n\nafter a gap", take_pid},
		{0, "a-very-long-option-name", "VALUE", "below", take_pid},
		{'e', "empty", NULL, "", take_json},
		{'n', "none", NULL, NULL, take_json},
		{'u', "utf", NULL,
		 "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4 "
		 "67890123456789012345678901234567890123456 x",
		 take_json},
		{0, NULL, NULL, NULL, NULL},
	};

	(void)state;
	check_print(
		t,
		"  -a, --all               the first line is filled up to column eighty, and not\n"
		"                          beyond it, by words\n"
		"      --listen ADDRESS:P  fits\n"
		"                          second line\n"
		"\n"
		"                          after a gap\n"
		"      --a-very-long-option-name VALUE\n"
		"                          below\n"
		"  -e, --empty\n" /* and none of what is not to be listed */
		"  -u, --utf               "
		"\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4 "
		"67890123456789012345678901234567890123456 x\n");
}

/* Whatever the words: no line over 80 columns, nothing lost, no blanks at the end. */
static void test_print_never_over_80(void **state)
{
	(void)state;
	srandom(5);
	for (int round = 0; round < 500; round++) {
		char help[600], *text = NULL, *line, *rest;
		struct opt t[2] = {{'o', "option", "V", help, take_pid}};
		size_t n = 0, size = 0, words = 0;
		FILE *out = open_memstream(&text, &size);

		assert_non_null(out);
		for (words = 0; n < 500; words++)
			n += (size_t)sprintf(help + n, "%.*s ", (int)(random() % 50) + 1,
					     "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww");
		opts_print(out, t);
		fclose(out);
		for (rest = text; (line = strsep(&rest, "\n"));) {
			assert_true(strlen(line) <= 80);
			assert_true(!*line || line[strlen(line) - 1] == 'w');
			for (char *w = strtok(line, " "); w; w = strtok(NULL, " "))
				words -= *w == 'w';
		}
		assert_int_equal(words, 0);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_operands_in_order),
		cmocka_unit_test(test_argv_is_left_alone),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_missing_and_extra_values),
		cmocka_unit_test(test_operands_refused),
		cmocka_unit_test(test_callback_errors),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_print_wraps),
		cmocka_unit_test(test_print_never_over_80),
	};

	return cmocka_run_group_tests_name("base/opts", tests, NULL, NULL);
}

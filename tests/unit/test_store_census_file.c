/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files of censuses: what is written is read again; all or nothing is written; hostile files. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "census_sample.h"
#include "output/ndjson_census.h"
#include "output/ndjson_record.h"
#include "store/census_file.h"

#define META   "{\"type\":\"meta\",\"schema\":1}\n"
#define CENSUS "{\"type\":\"census\",\"pid\":1,\"isolates\":[{\"isolate\":\"0x10\",\"count\":1}]}\n"
#define END    "{\"type\":\"end\"}\n"

static const struct run run = {.version = "0.1.0", .kernel = "6.18", .arch = "x86_64"};

static int parse_n(const char *text, size_t len, struct census_file *out)
{
	FILE *f = fmemopen((void *)text, len, "r");
	int err;

	assert_non_null(f);
	err = census_file_parse(f, out);
	fclose(f);
	return err;
}

static int parse(const char *text, struct census_file *out)
{
	return parse_n(text, strlen(text), out);
}

/* That it is refused so, and why. */
static void refused(const char *text, int err, const char *why)
{
	struct census_file file;

	assert_int_equal(parse(text, &file), err);
	assert_null(file.census);
	if (!strstr(file.why, why))
		fail_msg("'%s' does not say '%s'", file.why, why);
}

static void test_round_trip(void **state)
{
	struct census *c = sample_service(3, 2500);
	struct strbuf text, again;
	struct census_file file;

	(void)state;
	strbuf_init(&text);
	strbuf_init(&again);
	sample_retainer(c);
	c->in_gc = true;
	c->gc_waits = 2;
	c->lost = (struct census_lost){1, 2, 3, 4, 5};
	ndjson_census_file_add(&text, &run, c);
	assert_int_equal(text.err, 0);
	assert_int_equal(parse(text.s, &file), 0);
	assert_false(file.is_cut);
	strbuf_clear(&text);
	ndjson_census_add(&text, c);
	ndjson_constructors_add(&text, c);
	ndjson_retainers_add(&text, c);
	ndjson_census_add(&again, file.census);
	ndjson_constructors_add(&again, file.census);
	ndjson_retainers_add(&again, file.census);
	assert_string_equal(again.s, text.s);
	assert_int_equal(file.census->wall_ns, c->wall_ns);
	census_free(file.census);
	c->is_live = true; /* then there is no pause */
	strbuf_clear(&text);
	ndjson_census_file_add(&text, &run, c);
	assert_int_equal(parse(text.s, &file), 0);
	assert_true(file.census->is_live && !file.census->pause_ns);
	census_free(file.census);
	census_free(c);
	strbuf_release(&text);
	strbuf_release(&again);
}

/* As `heap --json --every` writes it. */
static void test_the_last_one_counts(void **state)
{
	struct census *a = sample_service(0, 0), *b = sample_service(5, 2500);
	struct census_diff *d;
	struct census_file file;
	struct strbuf text;

	(void)state;
	strbuf_init(&text);
	sample_add(a, (struct constructor){.name = "Gone", .count = 4, .bytes = 400});
	d = census_diff_new(a, NULL, b);
	assert_non_null(d);
	ndjson_meta_add(&text, &run);
	ndjson_census_add(&text, a);
	ndjson_constructors_add(&text, a);
	ndjson_census_add(&text, b);
	ndjson_changes_add(&text, d);
	ndjson_census_end_add(&text, 2);
	assert_int_equal(parse(text.s, &file), 0);
	assert_int_equal(file.census->taken_ns, b->taken_ns);
	assert_int_equal(file.census->constructor_count, b->constructor_count);
	for (unsigned i = 0; i < b->constructor_count; i++) {
		assert_string_equal(file.census->constructors[i].name, b->constructors[i].name);
		assert_int_equal(file.census->constructors[i].count, b->constructors[i].count);
	}
	census_free(file.census);
	census_diff_free(d);
	census_free(a);
	census_free(b);
	strbuf_release(&text);
}

/* Wherever a file was cut off: what there is, and that it was cut; or no census. */
static void test_cut_anywhere(void **state)
{
	struct census *c = sample_service(0, 10);
	struct strbuf text;
	bool had_census = false;

	(void)state;
	strbuf_init(&text);
	sample_retainer(c);
	ndjson_census_file_add(&text, &run, c);
	for (size_t len = 1; len < text.len - 1; len++) {
		struct census_file file;
		int err = parse_n(text.s, len, &file);

		assert_true(!err == !!file.census && !err == !file.why[0]);
		assert_true(!err || !had_census);
		if (!err)
			assert_true(file.is_cut);
		had_census = !err;
		census_free(file.census);
	}
	assert_true(had_census);
	census_free(c);
	strbuf_release(&text);
}

static void test_no_census(void **state)
{
	(void)state;
	refused("\n", -EINVAL, "it is empty");
	refused("\x7f"
		"ELF\2\1\1",
		-EINVAL, "it is no NDJSON");
	refused("hello\nworld\n", -EINVAL, "it is no NDJSON");
	refused("[]\n", -EINVAL, "it is no NDJSON");
	refused("{}\n", -EINVAL, "does not begin");
	refused("{\"a\":1}\n" META CENSUS END, -EINVAL, "does not begin");
	refused(META END, -EINVAL, "no census in it");
	refused(META "{\"type\":\"process\",\"pid\":1}\n" END, -EINVAL, "no census in it");
	refused("{\"type\":\"meta\",\"schema\":2}\n", -ENOTSUP, "schema 2");
	refused("{\"type\":\"meta\",\"schema\":99999999999999999999}\n", -EINVAL, "out of range");
	refused(META CENSUS "hello\n" END, -EINVAL, "line 3 is no JSON object");
	refused(META CENSUS END "{} {}\n", -EINVAL, "line 4 is no JSON object");
	refused(META "{\"type\":\"constructor\",\"name\":\"A\",\"count\":1}\n" CENSUS, -EINVAL,
		"line 2: a constructor before its census");
}

static void test_hostile_values(void **state)
{
	(void)state;
	refused(META CENSUS "{\"type\":\"constructor\",\"count\":1}\n", -EINVAL,
		"line 3: a constructor without a name");
	refused(META CENSUS "{\"type\":\"constructor\",\"name\":\"A\",\"count\":-1}\n", -EINVAL,
		"line 3: 'count' is out of range");
	refused(META CENSUS "{\"type\":\"constructor\",\"name\":\"A\",\"count\":1.5}\n", -EINVAL,
		"'count' is no whole number");
	refused(META CENSUS "{\"type\":\"constructor\",\"name\":\"A\",\"count\":\"1\"}\n", -EINVAL,
		"'count' is no whole number");
	refused(META CENSUS "{\"type\":\"constructor\",\"name\":\"A\",\"bytes\":1e30}\n", -EINVAL,
		"'bytes' is no whole number");
	refused(META CENSUS "{\"type\":\"constructor\",\"name\":\"A\","
			    "\"bytes\":18446744073709551616}\n",
		-EINVAL, "'bytes' is out of range");
	refused(META CENSUS "{\"type\":\"constructor\",\"name\":\"A\",\"line\":4294967296}\n",
		-EINVAL, "'line' is out of range");
	refused(META "{\"type\":\"census\",\"pid\":4294967296}\n", -EINVAL, "'pid'");
	refused(META "{\"type\":\"census\",\"isolates\":[1]}\n", -EINVAL, "without its address");
	refused(META "{\"type\":\"census\",\"isolates\":[{\"isolate\":\"0xzz\"}]}\n", -EINVAL,
		"without its address");
	refused("[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n", -EINVAL, "no NDJSON");
}

/* What is strange but does no harm is passed over. */
static void test_strange_values(void **state)
{
	struct census_file file;
	const struct constructor *k;

	(void)state;
	assert_int_equal(parse(META "{\"type\":7}\n{\"type\":\"news\",\"x\":[{}]}\n\n"
				    "{\"type\":\"census\",\"isolates\":7,\"lost\":[],\"comm\":[],"
				    "\"runtime\":\"a very long text that does not fit into it\"}\n"
				    "{\"type\":\"constructor\",\"name\":\"A\\u0000B\",\"file\":7,"
				    "\"kind\":\"newer\",\"isolate\":\"0x99\",\"count\":2}\n"
				    "{\"type\":\"retainer\",\"path\":[1,{\"edge\":7}],"
				    "\"share\":\"x\"}\n" END,
			       &file),
			 0);
	assert_false(file.is_cut);
	assert_int_equal(file.census->constructor_count, 1);
	k = &file.census->constructors[0];
	assert_string_equal(k->name, "A");
	assert_null(k->file);
	assert_int_equal(k->kind, CENSUS_SYSTEM);
	assert_int_equal(k->isolate, 0);
	assert_int_equal(file.census->retainers[0].step_count, 2);
	assert_string_equal(file.census->retainers[0].steps[1].edge, "");
	assert_true(file.census->retainers[0].share == 0);
	assert_int_equal(strlen(file.census->node), sizeof(file.census->node) - 1);
	census_free(file.census);
}

static void test_more_than_there_can_be(void **state)
{
	struct census_file file;
	struct strbuf text;

	(void)state;
	strbuf_init(&text);
	strbuf_adds(&text, META "{\"type\":\"census\",\"isolates\":[");
	for (int i = 0; i <= CENSUS_ISOLATES_MAX; i++)
		strbuf_addf(&text, "%s{\"isolate\":\"0x%x\"}", i ? "," : "", i);
	strbuf_adds(&text, "]}\n");
	refused(text.s, -E2BIG, "more than 64 isolates");
	strbuf_clear(&text);
	strbuf_adds(&text, META CENSUS "{\"type\":\"retainer\",\"path\":[");
	for (int i = 0; i <= CENSUS_STEPS_MAX; i++)
		strbuf_addf(&text, "%s{}", i ? "," : "");
	strbuf_adds(&text, "]}\n");
	refused(text.s, -E2BIG, "'path' is longer than 64");
	strbuf_clear(&text);
	strbuf_adds(&text, META CENSUS "{\"type\":\"constructor\",\"count\":1,\"name\":\"");
	while (text.len < CENSUS_FILE_LINE_MAX + 200)
		strbuf_addc(&text, 'x');
	strbuf_adds(&text, "\"}\n" END);
	refused(text.s, -E2BIG, "line 3 is longer than");
	strbuf_clear(&text);
	strbuf_adds(&text, META CENSUS);
	for (unsigned i = 0; i <= CENSUS_FILE_RETAINERS_MAX; i++)
		strbuf_adds(&text, "{\"type\":\"retainer\"}\n");
	refused(text.s, -E2BIG, "more than 1024 retainers");
	strbuf_release(&text);
	refused("", -EINVAL, "empty");
	assert_int_equal(census_file_read("/does/not/exist", &file), -ENOENT);
	assert_non_null(strstr(file.why, "No such file"));
	assert_int_equal(census_file_read("/", &file), -EIO);
	assert_non_null(strstr(file.why, "directory"));
}

/* --- writing --- */

static char *slurp(const char *path)
{
	static char text[64];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	close(fd);
	text[n] = '\0';
	return text;
}

static void test_writing(void **state)
{
	char dir[] = "/tmp/memwatch-store.XXXXXX";
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	umask(022);
	assert_int_equal(census_file_write("a", "one", 3, false), 0);
	assert_string_equal(slurp("a"), "one");
	assert_int_equal(stat("a", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(symlink("a", "link"), 0);
	assert_int_equal(census_file_write("link", "another", 7, false), 0);
	assert_string_equal(slurp("a"), "another"); /* and the link is one still */
	assert_int_equal(lstat("link", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(chmod("a", 0600), 0); /* it was to be nobody else's, and stays so */
	assert_int_equal(census_file_write("a", "another", 7, false), 0);
	assert_int_equal(stat("a", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(census_file_write("secret", "x", 1, true), 0);
	assert_int_equal(stat("secret", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(unlink("secret"), 0);
	assert_int_equal(census_file_write("/dev/null", "x", 1, false), 0);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(census_file_write(".", "x", 1, false), -EISDIR);
	assert_int_equal(census_file_check("none/a"), -ENOENT);
	assert_int_equal(census_file_check("a/b"), -ENOTDIR);
	assert_int_equal(census_file_check(""), -ENOENT);
	assert_int_equal(census_file_check("/memwatch-none"), access("/", W_OK) ? -EACCES : 0);
	assert_int_equal(census_file_check("new"), 0);
	assert_int_equal(access("new", F_OK), -1); /* asking makes nothing */
	assert_int_equal(unlink("a") || unlink("link"), 0);
	assert_int_equal(chdir("/") || rmdir(dir), 0); /* and nothing is left beside */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_the_last_one_counts),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_no_census),
		cmocka_unit_test(test_hostile_values),
		cmocka_unit_test(test_strange_values),
		cmocka_unit_test(test_more_than_there_can_be),
		cmocka_unit_test(test_writing),
	};

	return cmocka_run_group_tests_name("store/census_file", tests, NULL, NULL);
}

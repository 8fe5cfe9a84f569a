/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Verdicts on what real programs did, as recorded (tests/golden/courses, made by truth/golden.sh):
 * right at each moment, as truth/judge.jq has it.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/course.h"

#define COURSES	      "tests/golden/courses"
#define SURE	      0.9
#define LATE_S	      60
#define LATE_RATE     1000000
#define NS_PER_MS     1000000ULL
#define BEGIN_NS      (1000 * 1000 * NS_PER_MS)
#define EXPECTED_MAX  256
#define COURSES_LEAST 10 /* that there are */

struct recorded {
	const char *name;
	struct course course;
	enum collector collector;
	enum verdict_class called;
	char expected[EXPECTED_MAX]; /* "0:leak 40:steady,churn" */
	double rate;		     /* bytes per second that it leaks; 0: it does not */
	double start_s;		     /* that it had run for */
	double right_since_s;	     /* < 0: it is not right */
	unsigned wrong;
};

static bool class_is_listed(const char *list, size_t len, const char *class)
{
	size_t n = strlen(class);

	for (const char *at = list; at && at < list + len; at = strpbrk(at, ", ")) {
		at += *at == ',';
		if (!strncmp(at, class, n) && (at + n >= list + len || at[n] == ','))
			return true;
	}
	return false;
}

/* By the last phase that has begun at @s seconds after the program's start. */
static bool class_is_right(const struct recorded *r, double s, const char *class)
{
	bool is_right = false;

	for (const char *phase = r->expected; *phase; phase += strspn(phase, " ")) {
		const char *list = strchr(phase, ':') + 1;
		size_t len = strcspn(list, " ");

		if (strtod(phase, NULL) <= s)
			is_right = class_is_listed(list, len, class);
		phase = list + len;
	}
	return is_right;
}

static void complain(struct recorded *r, double s, const struct verdict *v, const char *what)
{
	print_error("%s: at %.0f s: %s%s, confidence %.2f: %s\n", r->name, s,
		    verdict_class_name(v->class), v->is_leak ? "!" : "", v->confidence, what);
	r->wrong++;
}

static void judge(struct recorded *r, uint64_t ms)
{
	const struct course_view view = {
		.now_ns = BEGIN_NS + ms * NS_PER_MS,
		.collector = r->collector,
		.called = r->called,
	};
	double s = (double)ms / 1e3;
	struct verdict v;
	bool is_right;

	course_judge(&r->course, &view, &v);
	r->called = v.is_leak ? v.class : VERDICT_EARLY;
	is_right = v.is_leak == (r->rate > 0) &&
		   class_is_right(r, r->start_s + s, verdict_class_name(v.class));
	if (v.is_leak && !(r->rate > 0))
		complain(r, s, &v, "it does not leak");
	if (v.class != VERDICT_EARLY && v.confidence >= SURE && !is_right)
		complain(r, s, &v, "sure, and wrong");
	if (!is_right)
		r->right_since_s = -1;
	else if (r->right_since_s < 0)
		r->right_since_s = s;
}

static void take_tick(struct recorded *r, const char *line)
{
	unsigned long long ms, anon, file, shmem, brk, vm, threads;
	struct process p = {0};

	assert_int_equal(sscanf(line, "%llu %llu %llu %llu %llu %llu %llu", &ms, &anon, &file,
				&shmem, &brk, &vm, &threads),
			 7);
	p.now_ns = BEGIN_NS + ms * NS_PER_MS;
	p.now = (struct totals){
		.anon_bytes = anon << 10,
		.file_bytes = file << 10,
		.shmem_bytes = shmem << 10,
		.heap_bytes = brk << 10,
		.vm_bytes = vm << 10,
		.threads = threads,
	};
	assert_int_equal(course_add(&r->course, &p), 0);
	judge(r, ms);
}

static enum mw_gc_kind gc_kind(const char *name)
{
	for (int kind = 0; kind < MW_GC_KINDS; kind++)
		if (!strcmp(gc_kind_name(kind), name))
			return kind;
	fail_msg("no kind of collection: %s", name);
	return MW_GC_OTHER;
}

static void take_gc(struct recorded *r, const char *line)
{
	unsigned long long ms, isolate, live, external, limit;
	char kind[24];

	assert_int_equal(sscanf(line, "%llu %23s %llu %llu %llu %llu", &ms, kind, &isolate, &live,
				&external, &limit),
			 6);
	course_gc(&r->course, &(struct gc){.ns = BEGIN_NS + ms * NS_PER_MS,
					   .kind = gc_kind(kind),
					   .isolate = isolate,
					   .live_bytes = live,
					   .external_bytes = external,
					   .limit_bytes = limit});
}

static void take_start(struct recorded *r, uint64_t ms)
{
	r->start_s = (double)ms / 1e3;
	r->course.start_ns = BEGIN_NS - ms * NS_PER_MS;
}

static void take_line(struct recorded *r, const char *line)
{
	size_t len = strcspn(line, " ");
	const char *rest = line + len + 1;

	if (!strncmp(line, "tick", len))
		take_tick(r, rest);
	else if (!strncmp(line, "gc", len))
		take_gc(r, rest);
	else if (!strncmp(line, "expected", len))
		snprintf(r->expected, sizeof(r->expected), "%.*s", (int)strcspn(rest, "\n"), rest);
	else if (!strncmp(line, "rate", len))
		r->rate = strtod(rest, NULL);
	else if (!strncmp(line, "collector", len))
		r->collector = strncmp(rest, "live", 4) ? COLLECTOR_NONE : COLLECTOR_LIVE;
	else if (!strncmp(line, "start", len))
		take_start(r, strtoull(rest, NULL, 10));
}

static void play(const char *name)
{
	struct recorded r = {.name = name, .right_since_s = -1};
	char path[512], line[512];
	FILE *file;

	snprintf(path, sizeof(path), COURSES "/%s", name);
	file = fopen(path, "r");
	assert_non_null(file);
	course_init(&r.course, 0);
	while (fgets(line, sizeof(line), file))
		take_line(&r, line);
	fclose(file);
	course_release(&r.course);
	assert_true(r.expected[0]);
	if (r.rate > 0 && r.right_since_s < 0) {
		print_error("%s: the leak is not found\n", name);
		r.wrong++;
	}
	if (r.rate >= LATE_RATE && r.right_since_s > LATE_S) {
		print_error("%s: found only after %.0f s\n", name, r.right_since_s);
		r.wrong++;
	}
	assert_int_equal(r.wrong, 0);
}

static void test_recorded(void **state)
{
	DIR *dir = opendir(COURSES); /* tests run where the tree begins */
	unsigned count = 0;

	(void)state;
	assert_non_null(dir);
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (!strstr(entry->d_name, ".txt"))
			continue;
		play(entry->d_name);
		count++;
	}
	closedir(dir);
	assert_true(count >= COURSES_LEAST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

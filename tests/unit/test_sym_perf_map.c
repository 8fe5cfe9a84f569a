/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * perf_map: lines good and bad; files that grow, are replaced, belong to others or are no files;
 * the PID and the /tmp of a container; what names mean; and a real JIT, node --perf-basic-prof.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <sys/stat.h>
#include <time.h>

#include "program.h"
#include "sym/perf_map.h"
#include "sym/perf_name.h"
#include "symbol_fixture.h"

/* ---- lines ---- */

static void test_lines(void **state)
{
	static const struct {
		const char *line;
		uint64_t start, size;
		const char *name; /* NULL: no such line */
	} cases[] = {
		{"7f00 10 f", 0x7f00, 0x10, "f"},
		{"7F00aB 1 a name with  spaces", 0x7f00ab, 1, "a name with  spaces"},
		{"0x10 0X20 hex", 0x10, 0x20, "hex"},
		{"ffffffffffffff00 ff x", 0xffffffffffffff00, 0xff, "x"},
		{"10 20   padded", 0x10, 0x20, "padded"},
		{"", 0, 0, NULL},
		{" ", 0, 0, NULL},
		{"10", 0, 0, NULL},
		{"10 20", 0, 0, NULL},
		{"10 20 ", 0, 0, NULL},
		{"10 0 empty", 0, 0, NULL},
		{"xyz 20 f", 0, 0, NULL},
		{"10 -1 f", 0, 0, NULL},
		{"0x 20 f", 0, 0, NULL},
		{"10000000000000000 1 too-long", 0, 0, NULL},
		{"ffffffffffffff00 101 wraps", 0, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t start, size;
		size_t name_at;
		int err = perf_map_parse(cases[i].line, strlen(cases[i].line), &start, &size,
					 &name_at);

		if (err != (cases[i].name ? 0 : -EINVAL))
			fail_msg("'%s': %d", cases[i].line, err);
		if (err)
			continue;
		assert_int_equal(start, cases[i].start);
		assert_int_equal(size, cases[i].size);
		assert_string_equal(cases[i].line + name_at, cases[i].name);
	}
}

/* ---- files, of this process ---- */

static char map_path[64];

static void map_write(const char *mode, const char *text)
{
	FILE *f = fopen(map_path, mode);

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int map_setup(void **state)
{
	(void)state;
	snprintf(map_path, sizeof(map_path), "/tmp/perf-%d.map", getpid());
	unlink(map_path);
	return 0;
}

static int map_teardown(void **state)
{
	(void)state;
	unlink(map_path);
	return 0;
}

static void assert_name(struct perf_map *m, uint64_t addr, const char *want)
{
	char name[PERF_NAME_BYTES];
	int err = perf_map_find(m, addr, name);

	assert_int_equal(err, want ? 0 : -ENOENT);
	if (want)
		assert_string_equal(name, want);
}

static void test_growing(void **state)
{
	struct perf_map *m = perf_map_new(getpid());

	(void)state;
	assert_non_null(m);
	assert_int_equal(perf_map_refresh(m), -ENOENT);
	assert_name(m, 0x1000, NULL);
	map_write("w", "1000 100 first\n2000 100 second\n");
	assert_name(m, 0x1000, NULL); /* not read yet */
	assert_int_equal(perf_map_refresh(m), 0);
	assert_name(m, 0x0fff, NULL);
	assert_name(m, 0x1000, "first");
	assert_name(m, 0x10ff, "first");
	assert_name(m, 0x1100, NULL);
	assert_name(m, 0x2050, "second");
	map_write("a", "3000 100 thi"); /* being written */
	assert_int_equal(perf_map_refresh(m), 0);
	assert_name(m, 0x3000, NULL);
	map_write("a", "rd\ngarbage\n4000 10 fourth\n");
	assert_int_equal(perf_map_refresh(m), 0);
	assert_name(m, 0x3000, "third");
	assert_name(m, 0x400f, "fourth");
	assert_name(m, 0x1000, "first");
	assert_int_equal(perf_map_count(m), 4);

	map_write("w", "1000 100 new\n"); /* shorter: another file */
	assert_int_equal(perf_map_refresh(m), 0);
	assert_name(m, 0x1000, "new");
	assert_name(m, 0x2050, NULL);
	unlink(map_path);
	assert_int_equal(perf_map_refresh(m), 0);
	assert_name(m, 0x1000, "new"); /* what it said is still true */
	map_write("w", "1000 100 another one, longer than the one before it\n");
	assert_int_equal(perf_map_refresh(m), 0);
	assert_name(m, 0x1000, "another one, longer than the one before it");
	perf_map_free(m);
	perf_map_free(NULL);
}

/* Memory of freed code is used again: the youngest is right. */
static void test_overlaps(void **state)
{
	struct perf_map *m = perf_map_new(getpid());

	(void)state;
	map_write("w", "1000 1000 old\n1100 10 inner\n1000 80 young\n1800 100 part\n");
	assert_int_equal(perf_map_refresh(m), 0);
	assert_name(m, 0x1000, "young");
	assert_name(m, 0x1105, "inner");
	assert_name(m, 0x1850, "part");
	map_write("a", "1000 900 youngest\n");
	assert_int_equal(perf_map_refresh(m), 0);
	assert_name(m, 0x1000, "youngest");
	assert_name(m, 0x1105, "youngest");
	assert_name(m, 0x1850, "youngest");
	assert_name(m, 0x1900, NULL); /* what "old" had left is freed, too */
	perf_map_free(m);
}

static void test_large(void **state)
{
	enum { MANY = 200000 };
	struct perf_map *m = perf_map_new(getpid());
	FILE *f = fopen(map_path, "w");
	char name[64];

	(void)state;
	for (int i = 0; i < MANY; i++)
		fprintf(f, "%lx 40 function%d\n", 0x100000 + 64UL * (unsigned)(MANY - i), i);
	fclose(f);
	assert_int_equal(perf_map_refresh(m), 0);
	assert_int_equal(perf_map_count(m), MANY);
	for (int i = 0; i < MANY; i += 997) {
		snprintf(name, sizeof(name), "function%d", i);
		assert_name(m, 0x100000 + 64UL * (unsigned)(MANY - i) + 63, name);
	}
	perf_map_free(m);
}

static void test_long_lines(void **state)
{
	struct perf_map *m = perf_map_new(getpid());
	char name[PERF_NAME_BYTES], *text = malloc(1 << 20);

	(void)state;
	memset(text, 'x', (1 << 20) - 1);
	text[(1 << 20) - 1] = '\0';
	map_write("w", "1000 10 before\n2000 10 ");
	map_write("a", text); /* longer than what is read at once */
	map_write("a", "\n3000 10 after\n4000 10 ");
	text[2000] = '\0';
	map_write("a", text);
	map_write("a", "\r\n");
	assert_int_equal(perf_map_refresh(m), 0);
	assert_name(m, 0x1000, "before");
	assert_name(m, 0x3000, "after");
	assert_int_equal(perf_map_find(m, 0x4000, name), 0);
	assert_int_equal(strlen(name), PERF_NAME_BYTES - 1);
	free(text);
	perf_map_free(m);
}

/* ---- whose file ---- */

static void test_not_a_file(void **state)
{
	struct perf_map *m = perf_map_new(getpid());

	(void)state;
	assert_int_equal(mkfifo(map_path, 0644), 0);
	assert_int_equal(perf_map_refresh(m), -EPERM); /* and does not wait for a writer */
	unlink(map_path);
	assert_int_equal(symlink("/dev/zero", map_path), 0);
	assert_int_equal(perf_map_refresh(m), -EPERM);
	unlink(map_path);
	assert_int_equal(mkdir(map_path, 0755), 0);
	assert_int_equal(perf_map_refresh(m), -EPERM);
	rmdir(map_path);
	perf_map_free(m);
}

static void test_not_its_own(void **state)
{
	struct perf_map *m;
	pid_t pid;

	(void)state;
	if (geteuid()) {
		print_message("skipped: needs root\n");
		skip();
	}
	map_write("w", "1000 100 f\n");
	m = perf_map_new(getpid());
	assert_int_equal(chown(map_path, 12345, 12345), 0);
	assert_int_equal(perf_map_refresh(m), -EPERM);
	perf_map_free(m);

	/* a process of that user, whose file it is */
	pid = fork();
	if (!pid) {
		if (setgid(12345) || setuid(12345))
			_exit(1);
		pause();
	}
	poll(NULL, 0, 50);
	unlink(map_path);
	snprintf(map_path, sizeof(map_path), "/tmp/perf-%d.map", pid);
	map_write("w", "1000 100 f\n");
	assert_int_equal(chown(map_path, 12345, 12345), 0);
	m = perf_map_new(pid);
	for (int i = 0; i < 100 && perf_map_refresh(m); i++)
		poll(NULL, 0, 20); /* until it is that user */
	assert_name(m, 0x1000, "f");
	assert_int_equal(chown(map_path, 12346, 12346), 0);
	assert_int_equal(perf_map_refresh(m), -EPERM);
	perf_map_free(m);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* By the PID in its own namespace, in its own /tmp; a link leads nowhere but there. */
static void test_container(void **state)
{
	static const char script[] = "mount -t tmpfs none /tmp && echo \"1000 100 inner\" "
				     ">/tmp/perf-$$.map && echo ready $$ && exec cat";
	static const char linked[] = "mount -t tmpfs none /tmp && ln -s \"$0\" /tmp/perf-$$.map && "
				     "echo ready $$ && exec cat";
	const char *argv[] = {"unshare", "-pfm", "--kill-child", "sh", "-c", script, NULL, NULL};
	char line[64], path[64], secret[PATH_MAX];
	struct program p;
	struct perf_map *m;
	int inner = 0;
	pid_t outer;
	FILE *f;

	(void)state;
	if (geteuid()) {
		print_message("skipped: needs root\n");
		skip();
	}
	SKIP_WITHOUT("unshare");
	snprintf(secret, sizeof(secret), "%s/secret", program_dir);
	for (int round = 0; round < 2; round++) {
		if (round) {
			f = fopen(secret, "w"); /* in our /tmp, and not in that of the container */
			fputs("1000 100 secret\n", f);
			fclose(f);
			argv[5] = linked;
			argv[6] = secret;
		}
		p = program_start(argv);
		program_line(&p, line, sizeof(line));
		assert_int_equal(sscanf(line, "ready %d", &inner), 1);
		assert_int_equal(inner, 1);
		/* unshare's child is the one */
		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", p.pid, p.pid);
		f = fopen(path, "r");
		assert_int_equal(fscanf(f, "%d", &outer), 1);
		fclose(f);
		assert_int_not_equal(outer, inner);
		m = perf_map_new(outer);
		assert_int_equal(perf_map_refresh(m), round ? -ENOENT : 0);
		assert_name(m, 0x1010, round ? NULL : "inner");
		perf_map_free(m);
		program_stop(&p);
	}
}

/* ---- names ---- */

static void test_names(void **state)
{
	static const struct {
		const char *name, *fn, *file;
		unsigned fn_line;
		enum frame_kind kind;
		enum frame_origin origin;
		enum frame_tier tier;
	} cases[] = {
		{"LazyCompile:*save /app/a.js:12:24", "save", "/app/a.js", 12, FRAME_JS, FRAME_USER,
		 TIER_TURBOFAN},
		{"JS:~save file:///app/a.mjs:1:1", "save", "file:///app/a.mjs", 1, FRAME_JS,
		 FRAME_USER, TIER_INTERPRETED},
		{"JS:^get x.y /app/with space/a.js:3:4", "get", "x.y /app/with space/a.js", 3,
		 FRAME_JS, FRAME_USER, TIER_BASELINE},
		{"JS:o+save /app/a.js:7:1", "save", "/app/a.js", 7, FRAME_JS, FRAME_USER,
		 TIER_MAGLEV},
		{"JS:*'save /app/a.js:7:1", "save", "/app/a.js", 7, FRAME_JS, FRAME_USER,
		 TIER_TURBOFAN},
		{"JS:~ /app/a.js:7:1", "(anonymous)", "/app/a.js", 7, FRAME_JS, FRAME_USER,
		 TIER_INTERPRETED},
		{"LazyCompile:~/app/a.js:7:1", "(anonymous)", "/app/a.js", 7, FRAME_JS, FRAME_USER,
		 TIER_INTERPRETED},
		{"JS:~processTicks node:internal/process/task_queues:72:35", "processTicks",
		 "node:internal/process/task_queues", 72, FRAME_JS, FRAME_RUNTIME,
		 TIER_INTERPRETED},
		{"LazyCompile:~emit events.js:187:44", "emit", "events.js", 187, FRAME_JS,
		 FRAME_RUNTIME, TIER_INTERPRETED},
		{"JS:*go /app/node_modules/x/i.js:1:2", "go", "/app/node_modules/x/i.js", 1,
		 FRAME_JS, FRAME_DEPENDENCY, TIER_TURBOFAN},
		{"Script:~/app/a.js", "/app/a.js", NULL, 0, FRAME_JS, FRAME_USER, TIER_INTERPRETED},
		{"JS:~", "(anonymous)", NULL, 0, FRAME_JS, FRAME_USER, TIER_INTERPRETED},
		{"JS:", "(anonymous)", NULL, 0, FRAME_JS, FRAME_USER, TIER_NONE},
		{"JS:~:1:1", "(anonymous)", NULL, 0, FRAME_JS, FRAME_USER, TIER_INTERPRETED},
		{"Builtin:ArrayPrototypePush", "ArrayPrototypePush", NULL, 0, FRAME_BUILTIN,
		 FRAME_RUNTIME, TIER_NONE},
		{"BytecodeHandler:Ldar", "Ldar", NULL, 0, FRAME_BUILTIN, FRAME_RUNTIME, TIER_NONE},
		{"RegExp:^a+$", "^a+$", NULL, 0, FRAME_BUILTIN, FRAME_RUNTIME, TIER_NONE},
		{"py::Store.save:/app/store.py", "Store.save", "/app/store.py", 0, FRAME_NATIVE,
		 FRAME_USER, TIER_NONE},
		{"py::loads:/usr/lib/python3.12/json/__init__.py", "loads",
		 "/usr/lib/python3.12/json/__init__.py", 0, FRAME_NATIVE, FRAME_RUNTIME, TIER_NONE},
		{"py::_boot:<frozen importlib>", "_boot", "<frozen importlib>", 0, FRAME_NATIVE,
		 FRAME_RUNTIME, TIER_NONE},
		{"py::odd", "odd", NULL, 0, FRAME_NATIVE, FRAME_USER, TIER_NONE},
		{"Lcom/app/Store;::save", "Lcom/app/Store;::save", NULL, 0, FRAME_NATIVE,
		 FRAME_USER, TIER_NONE},
	};
	struct intern *names = intern_new(1 << 20);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame f = {0};

		perf_name_frame(cases[i].name, names, &f);
		if (!f.fn || strcmp(f.fn, cases[i].fn) != 0)
			fail_msg("'%s' is called '%s'", cases[i].name, f.fn);
		assert_int_equal(!f.file, !cases[i].file);
		if (f.file)
			assert_string_equal(f.file, cases[i].file);
		assert_int_equal(f.fn_line, cases[i].fn_line);
		assert_int_equal(f.kind, cases[i].kind);
		assert_int_equal(f.tier, cases[i].tier);
		if (f.origin != cases[i].origin)
			fail_msg("'%s' is of %d", cases[i].name, f.origin);
	}
	intern_free(names);
}

/* ---- Node ---- */

static bool node_path(char *out, size_t size)
{
	FILE *in =
		popen("command -v node || ls /var/cache/memwatch/node/*/bin/node 2>/dev/null", "r");
	bool found = fgets(out, (int)size, in) != NULL;

	pclose(in);
	out[strcspn(out, "\n")] = '\0';
	return found;
}

/* A hot function is compiled: it must be found under its name where the JIT says it is. */
static void test_node(void **state)
{
	static const char script[] =
		"function hotLoop(n) { let s = 0; for (let i = 0; i < n; i++) s += i % 7; return s "
		"}\n"
		"let t = Date.now(); while (Date.now() - t < 300) hotLoop(1000);\n"
		"console.log('ready'); process.stdin.resume()";
	char node[PATH_MAX], path[PATH_MAX], map[64], line[4096];
	char command[3 * PATH_MAX];
	const char *argv[] = {"sh", "-c", command, NULL};
	struct watched w;
	unsigned found = 0, js = 0;
	FILE *f;

	(void)state;
	if (!node_path(node, sizeof(node))) {
		print_message("skipped: no node\n");
		skip();
	}
	snprintf(path, sizeof(path), "%s/hot.js", program_dir);
	f = fopen(path, "w");
	fputs(script, f);
	fclose(f);
	/* some versions leave a log where they are */
	snprintf(command, sizeof(command), "cd '%s' && exec '%s' --perf-basic-prof '%s'",
		 program_dir, node, path);
	w = watched_start(argv);
	snprintf(map, sizeof(map), "/tmp/perf-%d.map", w.program.pid);
	f = fopen(map, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		uint64_t start, size;
		size_t name_at;
		struct frame frame;

		if (perf_map_parse(line, strcspn(line, "\n"), &start, &size, &name_at) ||
		    !strstr(line, "hotLoop") ||
		    !proc_maps_find(symbol_process_maps(w.process), start))
			continue; /* bytecode is logged as well, and is not executable */
		frame = frame_at(&w, start + size / 2);
		assert_non_null(frame.fn);
		js += frame.kind == FRAME_JS;
		if (strcmp(frame.fn, "hotLoop") != 0)
			continue;
		assert_string_equal(frame.file, path);
		assert_int_equal(frame.fn_line, 1);
		assert_int_equal(frame.origin, FRAME_USER);
		assert_int_not_equal(frame.tier, TIER_NONE);
		assert_null(frame.module);
		found++;
	}
	fclose(f);
	watched_stop(&w);
	unlink(map);
	assert_true(found > 0 && js >= found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test_setup_teardown(test_growing, map_setup, map_teardown),
		cmocka_unit_test_setup_teardown(test_overlaps, map_setup, map_teardown),
		cmocka_unit_test_setup_teardown(test_large, map_setup, map_teardown),
		cmocka_unit_test_setup_teardown(test_long_lines, map_setup, map_teardown),
		cmocka_unit_test_setup_teardown(test_not_a_file, map_setup, map_teardown),
		cmocka_unit_test_setup_teardown(test_not_its_own, map_setup, map_teardown),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_node),
	};

	return cmocka_run_group_tests_name("sym/perf_map", tests, program_setup, program_teardown);
}

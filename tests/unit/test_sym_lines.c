/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names, lines and inlined functions of running C, C++, Rust and Go programs against what
 * addr2line(1) says of the same addresses, binutils' and LLVM's; and of damaged files, an end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "base/clock.h"
#include "program.h"
#include "sym/dwarf_lines.h"
#include "symbol_fixture.h"

#define MAX_ADDRESSES 600
#define MAX_FRAMES    32

/* ---- addr2line ---- */

struct place {
	char fn[1024], file[1024];
	unsigned line;
};

struct truth {
	uint64_t addr;
	unsigned count;
	struct place places[MAX_FRAMES];
};

/* Some bytes of every function that nm lists, up to MAX_ADDRESSES, evenly. */
static size_t addresses_pick(const char *path, uint64_t *out)
{
	size_t functions = 0, count = 0, step;
	char line[16384];

	for (int pass = 0; pass < 2; pass++) {
		FILE *in;
		size_t i = 0;

		snprintf(line, sizeof(line), "nm -S --defined-only '%s' 2>/dev/null", path);
		in = popen(line, "r");
		step = functions / (MAX_ADDRESSES / 3) + 1;
		while (fgets(line, sizeof(line), in)) {
			uint64_t addr, size;
			char type;

			if (sscanf(line, "%lx %lx %c", &addr, &size, &type) != 3 ||
			    !strchr("tTwW", type) || !size)
				continue;
			functions += !pass;
			if (!pass || i++ % step || count + 3 > MAX_ADDRESSES)
				continue;
			out[count++] = addr;
			out[count++] = addr + size / 2;
			out[count++] = addr + size - 1;
		}
		pclose(in);
	}
	return count;
}

static void line_trim(char *line)
{
	char *note = strstr(line, " (discriminator");

	line[strcspn(line, "\n")] = '\0';
	if (note)
		*note = '\0';
}

static char oracle[PATH_MAX] = "addr2line";

static struct truth *addr2line(const char *path, const uint64_t *addrs, size_t count)
{
	struct truth *v = calloc(count, sizeof(*v)), *t = v - 1;
	const char *list = program_path("addresses");
	char line[16384], second[16384];
	FILE *f = fopen(list, "w");

	assert_non_null(v);
	for (size_t i = 0; i < count; i++)
		fprintf(f, "%lx\n", addrs[i]);
	fclose(f);
	snprintf(line, sizeof(line), "%s -ifCae '%s' <'%s' 2>/dev/null", oracle, path, list);
	f = popen(line, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		struct place *p;
		char *colon;

		if (!strncmp(line, "0x", 2)) {
			t++;
			assert_true(t < v + count);
			t->addr = strtoull(line, NULL, 16);
			continue;
		}
		assert_non_null(fgets(second, sizeof(second), f));
		if (t->count == MAX_FRAMES)
			continue;
		p = &t->places[t->count++];
		line_trim(line);
		line_trim(second);
		colon = strrchr(second, ':');
		assert_non_null(colon);
		*colon = '\0';
		p->line = (unsigned)strtoul(colon + 1, NULL, 10); /* '?' is 0 */
		snprintf(p->fn, sizeof(p->fn), "%.1000s", line);
		snprintf(p->file, sizeof(p->file), "%.1000s", base_of(second));
	}
	pclose(f);
	return v;
}

/* ---- comparison ---- */

static bool has_lines(const struct truth *t)
{
	for (unsigned i = 0; i < t->count; i++) {
		if (t->places[i].line)
			return true;
	}
	return false;
}

static bool places_equal(const struct truth *t, const struct frame *frames, unsigned count)
{
	if (t->count != count)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (frames[i].line != t->places[i].line ||
		    (t->places[i].line && strcmp(base_of(frames[i].file), t->places[i].file) != 0))
			return false;
	}
	return true;
}

static void places_print(const struct truth *t, const struct frame *frames, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		print_message("  ours  %s %s:%u\n", frames[i].fn ? frames[i].fn : "?",
			      base_of(frames[i].file), frames[i].line);
	for (unsigned i = 0; i < t->count; i++)
		print_message("  other %s %s:%u\n", t->places[i].fn, t->places[i].file,
			      t->places[i].line);
}

/* Returns how many of the addresses with lines have the same ones, as a share. */
static double compare(const char *path, bool names_are_plain, double *us)
{
	static uint64_t addrs[MAX_ADDRESSES];
	size_t count = addresses_pick(path, addrs), compared = 0, equal = 0, shown = 0;
	struct truth *truth = addr2line(path, addrs, count);
	struct watched w = watched_run(path);
	uint64_t bias = watched_bias(&w, path, path);
	uint64_t spent_ns;
	struct frame frames[MAX_FRAMES];

	for (size_t i = 0; i < count; i++) {
		const struct truth *t = &truth[i];
		unsigned got;

		assert_int_equal(t->addr, addrs[i]);
		got = symbol_process_resolve(w.process, bias + addrs[i], false, frames, MAX_FRAMES);
		for (unsigned k = 0; k < got; k++) {
			assert_int_equal(frames[k].ip, bias + addrs[i]);
			assert_int_equal(frames[k].is_inlined, k + 1 < got);
			assert_int_equal(frames[k].kind, FRAME_NATIVE);
			assert_string_equal(frames[k].module, path);
		}
		if (!has_lines(t) || t->count == MAX_FRAMES)
			continue;
		compared++;
		if (places_equal(t, frames, got)) {
			equal++;
			for (unsigned k = 0; names_are_plain && k < got; k++) {
				if (!strstr(t->places[k].fn, "asm_")) /* has aliases */
					assert_string_equal(frames[k].fn, t->places[k].fn);
			}
		} else if (shown++ < 3) {
			print_message("%s at %lx:\n", path, addrs[i]);
			places_print(t, frames, got);
		}
	}
	spent_ns = clock_cpu_ns();
	for (size_t i = 0; i < count; i++)
		symbol_process_resolve(w.process, bias + addrs[i], false, frames, MAX_FRAMES);
	spent_ns = clock_cpu_ns() - spent_ns;
	*us = (double)spent_ns / 1e3 / (double)count;
	watched_stop(&w);
	free(truth);
	assert_true(compared > 5);
	print_message("%s: %zu of %zu addresses as addr2line says; %.2f us each, warm\n",
		      base_of(path), equal, compared, *us);
	return (double)equal / (double)compared;
}

static void test_c(void **state)
{
	static const char *const compilers[] = {
		"gcc -O2 -g",
		"gcc -O0 -g",
		"gcc -O2 -g -gdwarf-4 -no-pie",
		"gcc -O2 -g -gz",
	};
	double us;

	(void)state;
	for (size_t i = 0; i < sizeof(compilers) / sizeof(compilers[0]); i++)
		assert_true(compare(program_build(compilers[i], "grow.c", "lines"), true, &us) ==
			    1);
	assert_true(us < 100);
}

static void test_cxx(void **state)
{
	double us;

	(void)state;
	SKIP_WITHOUT("g++");
	/* binutils' addr2line is wrong about DWARF 5's files of code in sections of their own */
	assert_true(compare(program_build("g++ -O2 -g -gdwarf-4", "grow.cc", "cxx"), false, &us) ==
		    1);
	assert_true(compare(program_build("g++ -O0 -g -gdwarf-4 -gz", "grow.cc", "cxx0"), false,
			    &us) == 1);
}

/* What binutils 2.40 gets wrong or cannot read: against LLVM's addr2line. */
static void test_against_llvm(void **state)
{
	static const struct {
		const char *compiler, *source;
	} cases[] = {
		{"gcc -O2 -g -gdwarf64", "grow.c"},
		{"gcc -O2 -g -flto", "grow.c"},
		{"gcc -O2 -g -gdwarf-4 -fdebug-types-section", "grow.c"},
		{"clang -O2 -g -gdwarf-5", "grow.c"},
		{"clang -O2 -g -ffunction-sections -Wl,--gc-sections", "grow.c"},
		{"g++ -O2 -g", "grow.cc"},
		{"clang++ -O2 -g", "grow.cc"},
	};
	FILE *in =
		popen("command -v llvm-addr2line || ls /usr/bin/llvm-addr2line-* 2>/dev/null", "r");
	char found[PATH_MAX] = "";

	(void)state;
	if (!fgets(found, sizeof(found), in)) {
		pclose(in);
		print_message("skipped: llvm-addr2line is not installed\n");
		skip();
	}
	pclose(in);
	found[strcspn(found, "\n")] = '\0';
	strcpy(oracle, found);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char tool[16];
		double us, share;

		sscanf(cases[i].compiler, "%15s", tool);
		if (!program_have(tool)) {
			print_message("left out: %s is not installed\n", tool);
			continue;
		}
		share = compare(program_build(cases[i].compiler, cases[i].source, "llvm"), false,
				&us);
		if (share < 1)
			fail_msg("%s: %f", cases[i].compiler, share);
	}
	strcpy(oracle, "addr2line");
}

static void test_rust(void **state)
{
	const char *path = program_path("rust");
	double us;

	(void)state;
	SKIP_WITHOUT("rustc");
	if (program_shell("rustc -O -g -o '%s' " PROGRAMS "/grow.rs", path))
		fail_msg("rustc cannot build grow.rs");
	/* a few differ where a range is empty or more than addr2line shows */
	assert_true(compare(path, false, &us) > 0.98);
}

static void test_go(void **state)
{
	const char *path = program_path("go");
	double us;

	(void)state;
	SKIP_WITHOUT("go");
	if (program_shell("HOME=${HOME:-/root} GO111MODULE=off go build -o '%s' " PROGRAMS
			  "/grow.go",
			  path))
		fail_msg("go cannot build grow.go");
	assert_true(compare(path, false, &us) > 0.99);
}

/* The name in a list by nm for what begins at @addr, without Go's ABI; "" if there is none. */
static void nm_name(const char *list, uint64_t addr, char *out, size_t size)
{
	char line[16384];
	FILE *in = fopen(list, "r");

	assert_non_null(in);
	*out = '\0';
	while (!*out && fgets(line, sizeof(line), in)) {
		char *abi;

		if (strlen(line) < 20 || !strchr("tT", line[17]) ||
		    strtoull(line, NULL, 16) != addr)
			continue;
		line[strcspn(line, "\n")] = '\0';
		abi = strstr(line, ".abi0");
		if (abi)
			*abi = '\0';
		snprintf(out, size, "%.1000s", line + 19);
	}
	fclose(in);
}

/* Without symbols and DWARF, by Go's own table: as addr2line says of the program before that. */
static void check_stripped_go(const char *flags)
{
	static uint64_t addrs[MAX_ADDRESSES];
	const char *whole = program_path("go-whole"), *path = program_path("go-stripped");
	char list[PATH_MAX];
	size_t count, lines = 0, names = 0, without = 0;
	struct truth *truth;
	struct watched w;
	uint64_t bias;

	snprintf(list, sizeof(list), "%s", program_path("go-names"));
	if (program_shell(
		    "export HOME=${HOME:-/root} GO111MODULE=off; go build %s -o '%s' " PROGRAMS
		    "/grow.go && go build %s -ldflags='-s -w' -o '%s' " PROGRAMS "/grow.go",
		    flags, whole, flags, path))
		fail_msg("go cannot build grow.go %s", flags);
	/* code of the same size and place (data moved), or the comparison means nothing */
	assert_int_equal(program_shell("cd '%s' && for f in whole stripped; do readelf -SW go-$f | "
				       "grep ' .text ' >text-$f; done && cmp text-whole "
				       "text-stripped",
				       program_dir),
			 0);
	assert_int_equal(program_shell("nm '%s' >'%s'", whole, list), 0);
	count = addresses_pick(whole, addrs);
	truth = addr2line(whole, addrs, count);
	w = watched_run(path);
	bias = watched_bias(&w, path, path);
	for (size_t i = 0; i < count; i++) {
		const struct truth *t = &truth[i];
		struct frame f = frame_at(&w, bias + addrs[i]);
		char name[1024];

		if (i % 3 == 0) {
			nm_name(list, addrs[i], name, sizeof(name));
			if (!f.fn) { /* labels in assembly are no functions of Go's */
				without++;
				continue;
			}
			assert_string_equal(f.fn, name);
			names++;
		}
		if (t->count != 1 || !t->places[0].line || !f.line)
			continue;
		assert_string_equal(base_of(f.file), t->places[0].file);
		assert_int_equal(f.line, t->places[0].line);
		lines++;
	}
	print_message("go %s, stripped: %zu names, %zu lines, %zu without\n", flags, names, lines,
		      without);
	assert_true(names > 100 && lines > 200 && without < names / 20);
	watched_stop(&w);
	free(truth);
}

static void test_go_stripped(void **state)
{
	(void)state;
	SKIP_WITHOUT("go");
	check_stripped_go("");
	check_stripped_go("-buildmode=pie");
}

/* ---- damage ---- */

/* One file whose sections of DWARF are changed at random, looked up everywhere: no more than an
 * end. */
static void test_damaged(void **state)
{
	enum { ROUNDS = 600 };
	const char *path = program_build("gcc -O2 -g", "stackcopy.c", "damaged");
	const char *copy = program_path("copy");
	struct dwarf_function functions[8];
	unsigned char *bytes;
	unsigned known = 0;
	size_t size;
	FILE *in = fopen(path, "r");
	uint64_t capture = symbol_address(path, "capture", NULL), low = 0;

	(void)state;
	assert_non_null(in);
	fseek(in, 0, SEEK_END);
	size = (size_t)ftell(in);
	rewind(in);
	bytes = malloc(size);
	assert_int_equal(fread(bytes, 1, size, in), size);
	fclose(in);
	for (size_t i = 0; i + 7 < size && !low; i++) { /* behind the code */
		if (!memcmp(bytes + i, "GCC: (", 6))
			low = i;
	}
	assert_true(low != 0);
	srandom(3);
	for (int round = 0; round < ROUNDS; round++) {
		FILE *out = fopen(copy, "w");
		struct dwarf_lines *lines;
		struct elf_file *f;

		fwrite(bytes, 1, size, out);
		for (int i = 0; i <= round % 8; i++) {
			fseek(out, (long)(low + (uint64_t)random() % (size - low)), SEEK_SET);
			fputc((int)(random() & 0xff), out);
		}
		fclose(out);
		f = elf_file_open(copy);
		lines = f ? dwarf_lines_open(f) : NULL;
		for (uint64_t at = capture; lines && at < capture + 400; at += 16) {
			unsigned count = dwarf_lines_find(lines, at, functions, 8);

			assert_in_range(count, 0, 8);
			for (unsigned i = 0; i < count; i++)
				known += functions[i].fn && strlen(functions[i].fn) > 0 &&
					 (!functions[i].file || strlen(functions[i].file) > 0);
		}
		dwarf_lines_free(lines);
		elf_file_free(f);
	}
	free(bytes);
	assert_true(known > ROUNDS * 10); /* else this tested the header */
}

/* ---- what the source says ---- */

static void test_known_lines(void **state)
{
	const char *path = program_build("gcc -O2 -g", "grow.c", "known");
	struct watched w = watched_run(path);
	uint64_t size = 0, addr = symbol_address(path, "outer", &size);
	uint64_t bias = watched_bias(&w, path, path);
	struct frame frames[4];
	bool seen = false;

	(void)state;
	assert_true(addr && size);
	for (uint64_t at = addr; at < addr + size; at++) {
		unsigned count = symbol_process_resolve(w.process, bias + at, false, frames, 4);
		struct frame last = frames[count - 1], one;

		assert_string_equal(last.fn, "outer");
		assert_int_equal(last.fn_line, 19);
		assert_string_equal(base_of(last.file), "grow.c");
		assert_int_equal(*last.file, '/'); /* joined with where it was compiled */
		assert_int_equal(last.origin, FRAME_USER);
		/* with space for one, the innermost is left out */
		assert_int_equal(symbol_process_resolve(w.process, bias + at, false, &one, 1), 1);
		assert_string_equal(one.fn, "outer");
		/* a return address is of the call before it */
		symbol_process_resolve(w.process, bias + at + 1, true, &one, 1);
		assert_int_equal(one.line, last.line);
		assert_int_equal(one.ip, bias + at + 1);
		if (count == 1)
			continue;
		assert_int_equal(count, 2);
		assert_string_equal(frames[0].fn, "inlined");
		assert_true(frames[0].is_inlined);
		assert_int_equal(frames[0].fn_line, 13);
		assert_in_range(frames[0].line, 15, 16);
		assert_int_equal(last.line, 21);
		seen = true;
	}
	assert_true(seen);
	watched_stop(&w);
}

static void test_readable_names(void **state)
{
	static const char *const want[] = {
		"app::Derived::grow(int)",
		"app::Cache<std::string>::keep(std::string const&, std::string)",
		"app::(anonymous namespace)::hidden(int)",
	};
	const char *path;
	static uint64_t addrs[MAX_ADDRESSES];
	struct watched w;
	unsigned found = 0;
	uint64_t bias;
	size_t count;

	(void)state;
	SKIP_WITHOUT("g++");
	path = program_build("g++ -O2", "grow.cc", "readable");
	count = addresses_pick(path, addrs);
	w = watched_run(path);
	bias = watched_bias(&w, path, path);
	for (size_t k = 0; k < sizeof(want) / sizeof(want[0]); k++) {
		for (size_t i = 0; i < count; i++) {
			struct frame f = frame_at(&w, bias + addrs[i]);

			if (!f.fn || strcmp(f.fn, want[k]) != 0)
				continue;
			assert_int_equal(f.origin, FRAME_USER);
			found++;
			break;
		}
	}
	assert_int_equal(found, sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; i < count; i++) {
		struct frame f = frame_at(&w, bias + addrs[i]);

		if (f.fn && !strncmp(f.fn, "std::", 5))
			assert_int_equal(f.origin, FRAME_RUNTIME);
	}
	watched_stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_c),
		cmocka_unit_test(test_cxx),
		cmocka_unit_test(test_against_llvm),
		cmocka_unit_test(test_rust),
		cmocka_unit_test(test_go),
		cmocka_unit_test(test_go_stripped),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_known_lines),
		cmocka_unit_test(test_readable_names),
	};

	return cmocka_run_group_tests_name("sym/dwarf_lines", tests, program_setup,
					   program_teardown);
}

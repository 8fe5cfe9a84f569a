/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * elf_symbols: every function that nm(1) lists is found at its first, middle and last byte, under
 * one of the names that nm has for that address; gaps have no name; Node's table is small.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "base/clock.h"
#include "elf_build.h"
#include "program.h"
#include "sym/elf_symbols.h"

static struct elf_symbols *load(const char *path)
{
	struct elf_file *f = elf_file_open(path);
	struct elf_symbols *s;

	assert_non_null(f);
	s = elf_symbols_load(f);
	elf_file_free(f);
	return s;
}

/* ---- against nm ---- */

struct nm_symbol {
	uint64_t addr, size;
	char name[512];
};

/* Functions with a size, by address. */
static struct nm_symbol *nm_read(const char *path, const char *options, size_t *count)
{
	struct nm_symbol *v = NULL;
	char line[16384];
	size_t n = 0, capacity = 0;
	FILE *in;

	snprintf(line, sizeof(line), "nm -S --defined-only -n %s '%s'", options, path);
	in = popen(line, "r");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in)) {
		struct nm_symbol s;
		char type;

		if (sscanf(line, "%lx %lx %c %511s", &s.addr, &s.size, &type, s.name) != 4)
			continue;
		if (!strchr("tTwWi", type) || !s.size)
			continue;
		s.name[strcspn(s.name, "@")] = '\0';
		if (n == capacity) {
			capacity = capacity ? 2 * capacity : 1024;
			v = realloc(v, capacity * sizeof(*v));
			assert_non_null(v);
		}
		v[n++] = s;
	}
	pclose(in);
	*count = n;
	return v;
}

/* One of the names of @nm[i]'s address. */
static bool is_name_of(const struct nm_symbol *nm, size_t count, size_t i, const char *name)
{
	while (i && nm[i - 1].addr == nm[i].addr)
		i--;
	for (uint64_t addr = nm[i].addr; i < count && nm[i].addr == addr; i++) {
		if (!strncmp(nm[i].name, name, sizeof(nm[i].name) - 1))
			return true;
	}
	return false;
}

static void check_against_nm(const char *path, const char *options)
{
	struct elf_symbols *s = load(path);
	char name[ELF_NAME_BYTES];
	size_t count, checked = 0;
	struct nm_symbol *nm = nm_read(path, options, &count);
	uint64_t start;

	assert_non_null(s);
	for (size_t i = 0; i < count; i++) {
		const uint64_t offsets[] = {0, nm[i].size / 2, nm[i].size - 1};

		for (size_t k = 0; k < 3; k++) {
			/* functions that begin within this one have bytes of their own */
			if (i + 1 < count && nm[i + 1].addr <= nm[i].addr + offsets[k])
				continue;
			assert_int_equal(elf_symbols_find(s, nm[i].addr + offsets[k], name, &start),
					 0);
			assert_int_equal(start, nm[i].addr);
			if (!is_name_of(nm, count, i, name))
				fail_msg("%s: '%s' is not '%s'", path, name, nm[i].name);
			checked++;
		}
	}
	assert_true(checked > 20);
	assert_int_equal(elf_symbols_find(s, 0, name, &start), -ENOENT);
	assert_int_equal(elf_symbols_find(s, UINT64_MAX, name, &start), -ENOENT);
	free(nm);
	elf_symbols_free(s);
}

static void test_against_nm(void **state)
{
	char self[32];

	(void)state;
	check_against_nm(program_build("gcc -O2", "stackcopy.c", "symbols"), "");
	check_against_nm(program_build("g++ -O2", "grow.cc", "cxx"), "");
	check_against_nm(program_build("gcc -static", "grow.c", "static"), "");
	snprintf(self, sizeof(self), "/proc/%d/exe", getpid());
	check_against_nm(self, "");
}

static void test_stripped(void **state)
{
	const char *path = program_build("gcc -O2 -rdynamic", "stackcopy.c", "stripped");
	struct elf_symbols *s;
	char name[ELF_NAME_BYTES];
	struct nm_symbol *nm;
	uint64_t start;
	size_t count;

	(void)state;
	assert_int_equal(program_shell("strip '%s'", path), 0);
	nm = nm_read(path, "-D", &count);
	s = load(path);
	assert_non_null(s);
	assert_true(count > 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(elf_symbols_find(s, nm[i].addr, name, &start), 0);
		assert_true(is_name_of(nm, count, i, name));
	}
	free(nm);
	elf_symbols_free(s);

	path = program_build("gcc -O2 -static", "stackcopy.c", "nothing");
	assert_int_equal(program_shell("strip '%s'", path), 0);
	assert_null(load(path));
	assert_int_equal(errno, ENOENT);
}

/* ---- shapes ---- */

static uint64_t address_of(const char *path, const char *name)
{
	char command[512], line[64];
	uint64_t addr = 0;
	FILE *in;

	snprintf(command, sizeof(command), "nm '%s' | awk '$3 == \"%s\" {print $1}'", path, name);
	in = popen(command, "r");
	if (fgets(line, sizeof(line), in))
		addr = strtoull(line, NULL, 16);
	pclose(in);
	assert_true(addr != 0);
	return addr;
}

static void test_gaps_and_labels(void **state)
{
	const char *path = program_build("gcc -O1", "grow.c", "asm");
	uint64_t whole = address_of(path, "asm_whole"), label = address_of(path, "asm_label");
	struct elf_symbols *s = load(path);
	char name[ELF_NAME_BYTES];
	uint64_t start;
	struct {
		uint64_t at;
		const char *want; /* NULL: nobody's */
	} cases[] =
		{
			{whole, "asm_whole"},	   {whole + 15, "asm_whole"},
			{whole + 16, "asm_inner"}, {whole + 31, "asm_inner"},
			{whole + 32, "asm_whole"}, {whole + 47, "asm_whole"},
			{whole + 48, NULL},	   {whole + 127, NULL},
			{label, "asm_label"},	   {label + 31, "asm_label"},
			{label + 32, "asm_after"}, /* and not __asm_alias, nor asm_weak */
		};

	(void)state;
	assert_non_null(s);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int err = elf_symbols_find(s, cases[i].at, name, &start);

		assert_int_equal(err, cases[i].want ? 0 : -ENOENT);
		if (cases[i].want)
			assert_string_equal(name, cases[i].want);
	}
	elf_symbols_free(s);
}

/* Names that libc's users know. */
static void test_libc_names(void **state)
{
	static const char *const want[] = {"malloc", "calloc", "realloc", "free", "mmap", "puts"};
	char command[512], path[256] = "";
	char name[ELF_NAME_BYTES];
	struct elf_symbols *s;
	struct nm_symbol *nm;
	unsigned found = 0;
	uint64_t start;
	size_t count;
	FILE *in;

	(void)state;
	snprintf(command, sizeof(command), "ldd '%s' | awk '/libc.so/ {printf \"%%s\", $3}'",
		 program_build("gcc", "grow.c", "linked"));
	in = popen(command, "r");
	assert_non_null(fgets(path, sizeof(path), in));
	pclose(in);
	s = load(path);
	nm = nm_read(path, "-D", &count);
	assert_non_null(s);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < sizeof(want) / sizeof(want[0]); k++) {
			if (strcmp(nm[i].name, want[k]) != 0)
				continue;
			assert_int_equal(elf_symbols_find(s, nm[i].addr + 1, name, &start), 0);
			assert_string_equal(name, want[k]);
			found++;
		}
	}
	assert_int_equal(found, sizeof(want) / sizeof(want[0]));
	free(nm);
	elf_symbols_free(s);
}

/* ---- damage ---- */

#define FUNCTION(name, at)                                                                         \
	{                                                                                          \
		name, ELF_BUILD_DATA + (at), STT_FUNC, false                                       \
	}

static const struct elf_build_sym build_syms[] = {
	FUNCTION("first", 0), FUNCTION("second", 4), FUNCTION("third", 8), {0}};

static struct elf_symbols *load_bytes(unsigned char *bytes, size_t len)
{
	char path[64];
	int fd = elf_build_memfd(bytes, len, path);
	struct elf_file *f;
	struct elf_symbols *s = NULL;

	assert_true(fd >= 0);
	f = elf_file_open(path);
	close(fd);
	if (f)
		s = elf_symbols_load(f);
	elf_file_free(f);
	return s;
}

static void test_built(void **state)
{
	const int32_t data[4] = {0};
	const struct elf_build_spec spec = {.syms = build_syms, .data = data, .data_count = 4};
	char name[ELF_NAME_BYTES];
	struct elf_symbols *s;
	unsigned char *bytes;
	uint64_t start;
	size_t len;

	(void)state;
	bytes = elf_build(&spec, &len);
	elf_build_shdr(bytes, EB_DATA)->sh_flags |= SHF_EXECINSTR;
	s = load_bytes(bytes, len);
	assert_non_null(s);
	assert_int_equal(elf_symbols_count(s), 3);
	assert_int_equal(elf_symbols_find(s, ELF_BUILD_DATA + 5, name, &start), 0);
	assert_string_equal(name, "second");
	assert_int_equal(elf_symbols_find(s, ELF_BUILD_DATA + 12, name, &start), -ENOENT);
	elf_symbols_free(s);

	/* the table of strings loses its end after the symbols were read */
	elf_build_shdr(bytes, EB_STRTAB)->sh_offset = 1ULL << 40;
	assert_null(load_bytes(bytes, len));
	elf_build_shdr(bytes, EB_DATA)->sh_flags = 0; /* data has no functions */
	assert_null(load_bytes(bytes, len));
	free(bytes);
}

static void test_mutated(void **state)
{
	const int32_t data[4] = {0};
	const struct elf_build_spec spec = {.syms = build_syms, .data = data, .data_count = 4};
	unsigned char *bytes, *copy;
	unsigned loaded = 0;
	size_t len;

	(void)state;
	bytes = elf_build(&spec, &len);
	elf_build_shdr(bytes, EB_DATA)->sh_flags |= SHF_EXECINSTR;
	copy = malloc(len);
	srandom(7);
	for (int i = 0; i < 3000; i++) {
		char name[ELF_NAME_BYTES];
		struct elf_symbols *s;
		uint64_t start;

		memcpy(copy, bytes, len);
		for (int k = 0; k <= i % 4; k++)
			copy[64 + (size_t)random() % (len - 64)] = (unsigned char)random();
		s = load_bytes(copy, len);
		for (uint64_t at = 0; s && at < 16; at++)
			if (!elf_symbols_find(s, ELF_BUILD_DATA + at, name, &start))
				assert_true(memchr(name, '\0', sizeof(name)) != NULL);
		loaded += s != NULL;
		elf_symbols_free(s);
	}
	assert_true(loaded > 1000);
	free(copy);
	free(bytes);
}

/* ---- Node ---- */

static void test_node(void **state)
{
	uint64_t spent_ns;
	char name[ELF_NAME_BYTES], path[PATH_MAX] = "";
	struct elf_symbols *s;
	uint64_t start;
	double ms;
	FILE *in;

	(void)state;
	SKIP_WITHOUT("node");
	in = popen("node -p process.execPath", "r");
	assert_non_null(fgets(path, sizeof(path), in));
	pclose(in);
	path[strcspn(path, "\n")] = '\0';
	spent_ns = clock_cpu_ns();
	s = load(path);
	spent_ns = clock_cpu_ns() - spent_ns;
	assert_non_null(s);
	ms = (double)spent_ns / 1e6;
	print_message("%zu functions, %zu KiB, %.0f ms\n", elf_symbols_count(s),
		      elf_symbols_bytes(s) >> 10, ms);
	assert_true(elf_symbols_bytes(s) <= 24 * elf_symbols_count(s) + 4096);
	assert_true(ms < 3000);
	if (elf_symbols_count(s) > 10000) /* else V8 is in libnode */
		assert_int_equal(elf_symbols_find(s, address_of(path, "uv_run") + 8, name, &start),
				 0);
	elf_symbols_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_nm),
		cmocka_unit_test(test_stripped),
		cmocka_unit_test(test_gaps_and_labels),
		cmocka_unit_test(test_libc_names),
		cmocka_unit_test(test_built),
		cmocka_unit_test(test_mutated),
		cmocka_unit_test(test_node),
	};

	return cmocka_run_group_tests_name("sym/elf_symbols", tests, program_setup,
					   program_teardown);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Unwinding and the judgement of frame pointers, against programs that know the answer: stackcopy
 * hands over its registers, its stack, and what libgcc's unwinder found from the same place.
 *
 * LIMITATIONS: the runtime's unwinder is asked on this machine alone; of another one's files only
 * the descriptions are read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "base/clock.h"
#include "program.h"
#include "sym/cfi.h"
#include "sym/symbolizer.h"

#define MAX_FRAMES 64
#if defined(__aarch64__)
#define REG_SP	   31
#define REG_PC	   32
#define REGS	   33
#define RESTORER   "__kernel_rt_sigreturn" /* in the vDSO */
#define BY_DEFAULT true			   /* compilers keep frame pointers, but for leaves */
#else
#define REG_SP	   7
#define REG_PC	   16
#define REGS	   17
#define RESTORER   "__restore_rt"
#define BY_DEFAULT false
#endif

/* ---- a program whose stack is known ---- */

struct known {
	struct program program;
	struct mw_stack_copy copy;
	uint64_t count;
	uint64_t truth[512]; /* return addresses; the first is in the function that copied */
	struct intern *names;
	struct symbolizer *symbolizer;
	struct symbol_process *process;
};

static void known_start(struct known *k, const char *path, const char *depth, const char *how)
{
	const char *argv[] = {path, depth, how, NULL};

	k->program = program_start(argv);
	program_read(&k->program, &k->copy, sizeof(k->copy));
	program_read(&k->program, &k->count, sizeof(k->count));
	assert_in_range(k->count, 1, 512);
	program_read(&k->program, k->truth, k->count * sizeof(k->truth[0]));
	k->names = intern_new(1 << 20);
	k->symbolizer = symbolizer_new(k->names);
	assert_non_null(k->symbolizer);
	k->process = symbol_process_new(k->symbolizer, k->program.pid);
	assert_non_null(k->process);
}

static void known_stop(struct known *k)
{
	symbol_process_free(k->process);
	symbolizer_free(k->symbolizer);
	intern_free(k->names);
	program_stop(&k->program);
}

static const char *name_at(struct known *k, uint64_t ip, bool is_return)
{
	struct frame frames[8];
	unsigned count = symbol_process_resolve(k->process, ip, is_return, frames, 8);

	assert_true(count > 0);
	return frames[count - 1].fn ? frames[count - 1].fn : "?";
}

/* ---- whole stacks ---- */

static const char *const compilers[] = {
	"gcc -O2 -fomit-frame-pointer",
	"gcc -O0",
	"gcc -O3 -fomit-frame-pointer -g",
	"gcc -O2 -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer",
	"gcc -Os -fomit-frame-pointer -no-pie",
	"gcc -O2 -fomit-frame-pointer -static",
	"clang -O2 -fomit-frame-pointer",
};

static void check_whole(struct known *k)
{
	uint64_t ips[MAX_FRAMES];
	bool is_cut = true;
	unsigned count = symbol_process_unwind(k->process, &k->copy, ips, MAX_FRAMES, &is_cut);

	assert_false(is_cut);
	assert_int_equal(count, k->count);
	assert_int_equal(ips[0], k->copy.regs[REG_PC]);
	assert_string_equal(name_at(k, ips[0], false), "capture");
	for (unsigned i = 1; i < count; i++)
		assert_int_equal(ips[i], k->truth[i]);
}

static void test_whole_stacks(void **state)
{
	static const char *const hows[] = {
		"main",
		"thread",
#if !defined(__aarch64__) /* what it interrupted is left out: see symbol_unwind.c */
		"signal",
#endif
	};
	struct known *k = calloc(1, sizeof(*k));

	(void)state;
	for (size_t i = 0; i < sizeof(compilers) / sizeof(compilers[0]); i++) {
		const char *path;

		if (!strncmp(compilers[i], "clang", 5) && !program_have("clang")) {
			print_message("left out: clang is not installed\n");
			continue;
		}
		path = program_build(compilers[i], "stackcopy.c", "stackcopy");
		for (size_t how = 0; how < sizeof(hows) / sizeof(hows[0]); how++) {
			known_start(k, path, "9", hows[how]);
			check_whole(k);
			known_stop(k);
		}
	}
	free(k);
}

/* What a signal's handler returns to is known by its first byte. */
static void test_signal_frame(void **state)
{
	struct known *k = calloc(1, sizeof(*k));
	unsigned handler = 0;
	const char *name;

	(void)state;
	known_start(k, program_build("gcc -O2 -static", "stackcopy.c", "signal"), "3", "signal");
	for (unsigned i = 1; i < k->count && !handler; i++) {
		if (!strcmp(name_at(k, k->truth[i], true), "on_signal"))
			handler = i;
	}
	assert_in_range(handler, 1, k->count - 3);
	name = name_at(k, k->truth[handler + 1], true);
	assert_string_equal(name, RESTORER);
	known_stop(k);
	free(k);
}

/* Stripped, and by .debug_frame where there is no .eh_frame. */
static void test_other_sources(void **state)
{
	struct known *k = calloc(1, sizeof(*k));
	const char *path = program_build("gcc -O2 -fomit-frame-pointer", "stackcopy.c", "stripped");
	uint64_t ips[MAX_FRAMES];
	bool is_cut;

	(void)state;
	assert_int_equal(program_shell("strip '%s'", path), 0);
	known_start(k, path, "9", "main");
	assert_int_equal(symbol_process_unwind(k->process, &k->copy, ips, MAX_FRAMES, &is_cut),
			 k->count);
	assert_false(is_cut);
	known_stop(k);

	/* crt1.o brings an .eh_frame of its own, so it has to go */
	path = program_build(
		"gcc -O2 -g -gz=none -fomit-frame-pointer -fno-asynchronous-unwind-tables",
		"stackcopy.c", "debug_frame");
	assert_int_equal(program_shell("objcopy -R .eh_frame -R .eh_frame_hdr '%s'", path), 0);
	known_start(k, path, "5", "main");
	assert_true(symbol_process_unwind(k->process, &k->copy, ips, MAX_FRAMES, &is_cut) > 6);
	for (unsigned i = 1; i < 7; i++)
		assert_non_null(strstr("step_plain step_array step_aligned step_registers main",
				       name_at(k, ips[i], true)));
	known_stop(k);
	free(k);
}

/* ---- parts of stacks ---- */

static void test_cut_stacks(void **state)
{
	const char *path = program_build("gcc -O2 -fomit-frame-pointer", "stackcopy.c", "cut");
	struct known *k = calloc(1, sizeof(*k));
	uint64_t ips[MAX_FRAMES];
	unsigned before = 0;
	uint32_t whole;
	bool is_cut;

	(void)state;
	known_start(k, path, "9", "main");
	whole = k->copy.size;
	for (uint32_t size = 0; size < whole; size += 40) {
		unsigned count;

		k->copy.size = size;
		count = symbol_process_unwind(k->process, &k->copy, ips, MAX_FRAMES, &is_cut);
		assert_true(count >= 1 && count >= before);
		for (unsigned i = 1; i < count; i++)
			assert_int_equal(ips[i], k->truth[i]); /* what there is, is right */
		if (count < k->count)
			assert_true(is_cut);
		before = count;
	}
	assert_int_equal(before, k->count);

	k->copy.size = whole;
	for (unsigned max = 1; max < k->count; max++) {
		assert_int_equal(symbol_process_unwind(k->process, &k->copy, ips, max, &is_cut),
				 max);
		assert_true(is_cut);
	}
	known_stop(k);

	known_start(k, path, "400", "main"); /* deeper than what is copied */
	assert_int_equal(k->copy.size, MW_STACK_COPY_BYTES);
	assert_true(k->count > 300);
	assert_int_equal(symbol_process_unwind(k->process, &k->copy, ips, MAX_FRAMES, &is_cut),
			 MAX_FRAMES);
	assert_true(is_cut);
	for (unsigned i = 1; i < MAX_FRAMES; i++)
		assert_int_equal(ips[i], k->truth[i]);
	known_stop(k);
	free(k);
}

static uint64_t xorshift(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

/* Whatever is in the copy: an end, and only addresses in executable memory. */
static void test_hostile_copies(void **state)
{
	const char *path = program_build("gcc -O2 -fomit-frame-pointer", "stackcopy.c", "hostile");
	struct known *k = calloc(1, sizeof(*k));
	struct mw_stack_copy *copy = malloc(sizeof(*copy));
	uint64_t seed = 0x2545f4914f6cdd1d, ips[MAX_FRAMES];
	unsigned longest = 0;

	(void)state;
	known_start(k, path, "9", "main");
	for (int round = 0; round < 4000; round++) {
		unsigned changes = 1 + (unsigned)(xorshift(&seed) % 8);
		unsigned count;
		bool is_cut;

		*copy = k->copy;
		for (unsigned i = 0; i < changes; i++) {
			uint64_t word = round % 2 ? k->truth[xorshift(&seed) % k->count]
						  : copy->regs[REG_SP] + xorshift(&seed) % 600;

			if (i % 4 == 3)
				copy->regs[xorshift(&seed) % REGS] = word;
			else
				memcpy(copy->stack + xorshift(&seed) % 512, &word, sizeof(word));
		}
		if (round % 50 == 0)
			copy->size = UINT32_MAX;
		count = symbol_process_unwind(k->process, copy, ips, MAX_FRAMES, &is_cut);
		assert_in_range(count, 1, MAX_FRAMES);
		for (unsigned i = 1; i < count; i++)
			assert_non_null(
				proc_maps_find(symbol_process_maps(k->process), ips[i] - 1));
		longest = count > longest ? count : longest;
	}
	assert_true(longest >= k->count); /* else this tested only the first step */
	known_stop(k);
	free(copy);
	free(k);
}

static void test_speed(void **state)
{
	const char *path = program_build("gcc -O2 -fomit-frame-pointer", "stackcopy.c", "speed");
	struct known *k = calloc(1, sizeof(*k));
	uint64_t spent_ns;
	uint64_t ips[MAX_FRAMES];
	bool is_cut;
	double us;

	(void)state;
	known_start(k, path, "15", "main");
	symbol_process_unwind(k->process, &k->copy, ips, MAX_FRAMES, &is_cut);
	spent_ns = clock_cpu_ns();
	for (int i = 0; i < 200; i++)
		symbol_process_unwind(k->process, &k->copy, ips, MAX_FRAMES, &is_cut);
	spent_ns = clock_cpu_ns() - spent_ns;
	us = (double)spent_ns / 1e3 / 200;
	print_message("%.1f us for %d frames\n", us, (int)k->count);
	assert_true(us < 1000); /* 100 is the aim; this may run sanitized */
	known_stop(k);
	free(k);
}

/* ---- the return address ---- */

/* Of the functions of a file: how many have saved it where they begin, and how many soon after. */
static bool count_saved(const char *path, unsigned *all, unsigned *at_once, unsigned *soon)
{
	struct elf_file *f = elf_file_open(path);
	struct cfi *cfi = f ? cfi_load(f) : NULL;

	*all = *at_once = *soon = 0;
	for (size_t i = 0; cfi && i < cfi_count(cfi); i++) {
		uint64_t at = cfi_address(cfi, i);
		bool is_saved = false;

		++*all;
		*at_once += cfi_return_is_saved(cfi, at) == 1;
		for (unsigned by = 0; by < 64; by += 4)
			is_saved |= cfi_return_is_saved(cfi, at + by) == 1;
		*soon += is_saved;
	}
	cfi_free(cfi);
	elf_file_free(f);
	return *all > 200;
}

static void test_return_is_saved(void **state)
{
	unsigned all, at_once, soon;

	(void)state;
	if (!count_saved("/var/cache/memwatch/sysroot/arm64/lib/aarch64-linux-gnu/libc.so.6", &all,
			 &at_once, &soon)) {
		print_message("SKIP: no C library of arm64 (tests/kernels/sysroot.sh)\n");
		skip();
	}
	assert_true(at_once < all / 100); /* but for _start and the like, which nobody called */
	assert_true(soon > all / 2);
	assert_true(soon < all * 95 / 100); /* the rest are leaves */
#if defined(__x86_64__)
	assert_true(count_saved("/proc/self/exe", &all, &at_once, &soon));
	assert_int_equal(at_once, all);
#endif
}

/* ---- frame pointers ---- */

/* What is said of the executable and of libc in a process that runs @path. */
static void judge(const char *path, int *exe, int *libc)
{
	const char *plain[] = {path, "4", "main", NULL};
	const char *node[] = {path, "-e", "console.log(1); process.stdin.resume()", NULL};
	struct program program = program_start(strstr(path, "/node") ? node : plain);
	struct text_range ranges[32];
	struct intern *names = intern_new(1 << 20);
	struct symbolizer *s = symbolizer_new(names);
	struct symbol_process *p;
	unsigned count;
	char said;

	*exe = *libc = -1;
	program_read(&program, &said, 1); /* it runs */
	p = symbol_process_new(s, program.pid);
	assert_non_null(p);
	count = symbol_process_text(p, ranges, 32);
	assert_true(count > 0 && ranges[0].is_executable);
	for (unsigned i = 0; i < count; i++) {
		const struct proc_map *m = proc_maps_find(symbol_process_maps(p), ranges[i].start);

		assert_non_null(m);
		assert_int_equal(m->end, ranges[i].end);
		assert_int_equal(ranges[i].is_executable, !strcmp(m->path, path));
		if (ranges[i].is_executable)
			*exe = ranges[i].has_frame_pointers;
		if (strstr(m->path, "/libc.so"))
			*libc = ranges[i].has_frame_pointers;
	}
	assert_int_equal(symbol_process_text(p, ranges, 1), 1);
	assert_true(ranges[0].is_executable);
	symbol_process_free(p);
	symbolizer_free(s);
	intern_free(names);
	program_stop(&program);
}

static void test_frame_pointers(void **state)
{
	static const struct {
		const char *compiler;
		int want;
	} cases[] = {
		{"gcc -O0", true},
		{"gcc -O2", BY_DEFAULT},
		{"gcc -O2 -fno-omit-frame-pointer", true},
		{"gcc -O2 -fomit-frame-pointer -g", false},
		{"gcc -O2 -fno-omit-frame-pointer -static",
		 BY_DEFAULT}, /* nearly all of it is libc */
		{"clang -O2 -fno-omit-frame-pointer", true},
		{"clang -O2 -fomit-frame-pointer", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int exe, libc;

		if (!strncmp(cases[i].compiler, "clang", 5) && !program_have("clang")) {
			print_message("left out: clang is not installed\n");
			continue;
		}
		judge(program_build(cases[i].compiler, "stackcopy.c", "judged"), &exe, &libc);
		if (exe != cases[i].want)
			fail_msg("%s: %d", cases[i].compiler, exe);
		/* Debian's and Ubuntu's have none but by default; -1 where static */
		assert_true(libc == -1 || libc == BY_DEFAULT);
	}
}

/* Runtimes: Go's linker writes no .eh_frame; Rust's library keeps them, what it is linked to does
 * not. */
static void test_frame_pointers_of_runtimes(void **state)
{
	int exe, libc;

	(void)state;
	if (program_have("go")) {
		const char *go = program_path("go");

		if (program_shell("HOME=${HOME:-/root} GO111MODULE=off go build -o '%s' " PROGRAMS
				  "/grow.go",
				  go))
			fail_msg("go cannot build grow.go");
		judge(go, &exe, &libc);
		assert_int_equal(exe, true);
	} else {
		print_message("left out: go is not installed\n");
	}
	if (program_have("rustc")) {
		const char *rust = program_path("rust");

		if (program_shell("rustc -O -o '%s' " PROGRAMS "/grow.rs", rust))
			fail_msg("rustc cannot build grow.rs");
		judge(rust, &exe, &libc);
		assert_int_equal(exe, false);
	} else {
		print_message("left out: rustc is not installed\n");
	}
	if (program_have("node")) {
		char node[PATH_MAX];
		FILE *in = popen("node -p process.execPath", "r");

		assert_non_null(fgets(node, sizeof(node), in));
		pclose(in);
		node[strcspn(node, "\n")] = '\0';
		judge(node, &exe, &libc);
		assert_int_equal(exe, true);
	} else {
		print_message("left out: node is not installed\n");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_stacks),
		cmocka_unit_test(test_signal_frame),
		cmocka_unit_test(test_other_sources),
		cmocka_unit_test(test_cut_stacks),
		cmocka_unit_test(test_hostile_copies),
		cmocka_unit_test(test_speed),
		cmocka_unit_test(test_return_is_saved),
		cmocka_unit_test(test_frame_pointers),
		cmocka_unit_test(test_frame_pointers_of_runtimes),
	};

	return cmocka_run_group_tests_name("sym/cfi", tests, program_setup, program_teardown);
}

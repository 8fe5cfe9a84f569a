/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For tests of the symbolizer: one program that runs, and a symbolizer that looks at it.
 *
 * LIMITATIONS: a helper header, for one includer per program; after program.h.
 */
#ifndef MEMWATCH_TESTS_SYMBOL_FIXTURE_H
#define MEMWATCH_TESTS_SYMBOL_FIXTURE_H

#include "sym/symbolizer.h"

struct watched {
	struct program program; /* pid 0: none, it is this process */
	struct intern *names;
	struct symbolizer *symbolizer;
	struct symbol_process *process;
};

/* Of a program that prints "ready..." when it runs; @argv NULL: of this process. */
static inline struct watched watched_start(const char *const *argv)
{
	struct watched w = {0};
	char line[256];

	w.names = intern_new(4 << 20);
	w.symbolizer = symbolizer_new(w.names);
	assert_non_null(w.symbolizer);
	if (argv) {
		w.program = program_start(argv);
		program_line(&w.program, line, sizeof(line));
		if (strncmp(line, "ready", 5) != 0)
			fail_msg("%s says '%s'", argv[0], line);
	}
	w.process = symbol_process_new(w.symbolizer, argv ? w.program.pid : getpid());
	assert_non_null(w.process);
	return w;
}

static inline struct watched watched_run(const char *path)
{
	const char *argv[] = {path, NULL};

	return watched_start(argv);
}

static inline void watched_stop(struct watched *w)
{
	symbol_process_free(w->process);
	symbolizer_free(w->symbolizer);
	intern_free(w->names);
	if (w->program.pid)
		program_stop(&w->program);
}

/* Address in the process minus address in the file at @path (as we see it), mapped as @mapped. */
static inline uint64_t watched_bias(struct watched *w, const char *path, const char *mapped)
{
	const struct proc_maps *maps = symbol_process_maps(w->process);
	struct elf_file *f = elf_file_open(path);
	uint64_t bias = 0;
	unsigned i;

	assert_non_null(f);
	for (i = 0; i < maps->count; i++) {
		if (strncmp(maps->maps[i].path, mapped, strlen(mapped)) != 0)
			continue;
		assert_int_equal(
			elf_file_bias(f, maps->maps[i].start, maps->maps[i].offset, true, &bias),
			0);
		break;
	}
	elf_file_free(f);
	if (i == maps->count)
		fail_msg("%s is not mapped", mapped);
	return bias;
}

/* The address and size of a function by nm; 0 if there is none. */
static inline uint64_t symbol_address(const char *path, const char *name, uint64_t *size)
{
	uint64_t addr = 0;
	char line[4096];
	FILE *in;

	snprintf(line, sizeof(line), "nm -S '%s' 2>/dev/null", path);
	in = popen(line, "r");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in)) {
		uint64_t at, len;
		char type, symbol[512];

		if (sscanf(line, "%lx %lx %c %511s", &at, &len, &type, symbol) != 4 ||
		    strcmp(symbol, name) != 0)
			continue;
		addr = at;
		if (size)
			*size = len;
	}
	pclose(in);
	return addr;
}

/* The outermost frame at an address: the physical function. */
static inline struct frame frame_at(struct watched *w, uint64_t addr)
{
	struct frame frames[32];
	unsigned count = symbol_process_resolve(w->process, addr, false, frames, 32);

	assert_in_range(count, 1, 32);
	assert_int_equal(frames[count - 1].ip, addr);
	assert_false(frames[count - 1].is_inlined);
	return frames[count - 1];
}

static inline const char *base_of(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "";
}

#endif

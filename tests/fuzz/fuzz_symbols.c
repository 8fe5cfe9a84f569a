/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libFuzzer: the input is an ELF file (in a memfd); its functions are looked up and its DWARF is
 * read, as for the frames of a stack.
 *
 * LIMITATIONS: libelf is not instrumented: its errors are seen where ASan replaces what it calls,
 * and where it crashes or hangs.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/elf_build.h"
#include "sym/dwarf_lines.h"
#include "sym/elf_symbols.h"

#define MAX_LOOKUPS 64
#define MAX_FRAMES  16

static void symbols_look(const struct elf_symbols *s, uint64_t addr)
{
	char name[ELF_NAME_BYTES];
	uint64_t start;

	if (!elf_symbols_find(s, addr, name, &start) &&
	    (start > addr || !memchr(name, '\0', sizeof(name)) || !*name))
		abort();
}

static void lines_look(struct dwarf_lines *d, uint64_t addr)
{
	struct dwarf_function functions[MAX_FRAMES];
	unsigned count = dwarf_lines_find(d, addr, functions, MAX_FRAMES);
	volatile size_t len = 0; /* the strings are there */

	if (count > MAX_FRAMES)
		abort();
	for (unsigned i = 0; i < count; i++) {
		len += functions[i].fn ? strlen(functions[i].fn) : 0;
		len += functions[i].file ? strlen(functions[i].file) : 0;
	}
}

struct addresses {
	uint64_t v[MAX_LOOKUPS];
	unsigned count;
};

static int on_symbol(void *arg, const struct elf_symbol *sym)
{
	struct addresses *a = arg;

	a->v[a->count++] = sym->value + sym->size / 2;
	return a->count == MAX_LOOKUPS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct addresses a = {0};
	struct elf_symbols *symbols;
	struct dwarf_lines *lines;
	struct elf_file *f;
	char path[32];
	int fd = elf_build_memfd(data, size, path);

	if (fd < 0)
		return -1;
	f = elf_file_open(path);
	close(fd);
	if (!f)
		return 0;
	elf_file_for_each_symbol(f, on_symbol, &a);
	symbols = elf_symbols_load(f);
	lines = dwarf_lines_open(f);
	for (unsigned i = 0; i < a.count; i++) {
		if (symbols)
			symbols_look(symbols, a.v[i]);
		if (lines)
			lines_look(lines, a.v[i]);
	}
	if (lines)
		lines_look(lines, 0x1139);
	elf_symbols_free(symbols);
	dwarf_lines_free(lines);
	elf_file_free(f);
	return 0;
}

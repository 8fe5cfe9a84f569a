/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Source files, lines and inlined functions of an ELF file, by its DWARF.
 */
#ifndef MEMWATCH_SYM_DWARF_LINES_H
#define MEMWATCH_SYM_DWARF_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "sym/elf_file.h"

struct dwarf_lines;

/* One of the functions at an address. Strings are valid until the next look-up. */
struct dwarf_function {
	const char *fn;	  /* mangled where the compiler mangles, else plain; NULL: unknown */
	const char *file; /* absolute where the compiler knew that; NULL: unknown */
	uint32_t line; /* where the address is in it, or the call of the one inlined into it; 0 */
	uint32_t fn_line; /* where it is declared; 0: unknown */
};

/**
 * dwarf_lines_open - reads nothing yet
 * @f: must outlive it
 *
 * NULL with errno set: ENOENT (no DWARF), ENOMEM.
 */
struct dwarf_lines *dwarf_lines_open(struct elf_file *f);
/** dwarf_lines_free - takes NULL */
void dwarf_lines_free(struct dwarf_lines *d);

/**
 * dwarf_lines_find - the functions at @addr: inlined ones, innermost first, then the physical one
 * @max: at least 1; if there are more, the innermost are left out: they are a library's
 *
 * Returns how many, 0 if nothing is known.
 */
unsigned dwarf_lines_find(struct dwarf_lines *d, uint64_t addr, struct dwarf_function *out,
			  unsigned max);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The line table of one unit: addresses to files and lines.
 */
#ifndef MEMWATCH_SYM_DWARF_ROWS_H
#define MEMWATCH_SYM_DWARF_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "sym/dwarf_unit.h"

struct dwarf_row {
	uint64_t addr;
	uint32_t line;
	uint32_t file; /* DWARF_NO_FILE: nothing is here any more */
};

#define DWARF_NO_FILE UINT32_MAX

struct dwarf_rows {
	struct dwarf_row *v; /* by address */
	size_t count, capacity;
	unsigned char *program; /* with its header, that has the names of files */
	size_t size;
	uint8_t version, offset_size;
};

/**
 * dwarf_rows_load - runs the line program of a unit
 *
 * Returns 0, -ENOENT (it has none), -E2BIG (of more than 16 MiB, or 4M rows), -EBADMSG, -ENOMEM.
 */
int dwarf_rows_load(struct dwarf_sections *s, const struct dwarf_unit *u, struct dwarf_rows *out);
void dwarf_rows_release(struct dwarf_rows *r);
/** dwarf_rows_find - the row that @addr is in, or NULL */
const struct dwarf_row *dwarf_rows_find(const struct dwarf_rows *r, uint64_t addr);
/** dwarf_rows_file - path of a file by its number in rows and in calls, absolute where the compiler
 *  knew that; false if there is none */
bool dwarf_rows_file(struct dwarf_sections *s, const struct dwarf_unit *u,
		     const struct dwarf_rows *r, uint32_t file, char *out, size_t size);
size_t dwarf_rows_bytes(const struct dwarf_rows *r);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The DWARF sections of an ELF file, read piece by piece.
 */
#ifndef MEMWATCH_SYM_DWARF_SECTIONS_H
#define MEMWATCH_SYM_DWARF_SECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sym/cursor.h"
#include "sym/elf_file.h"

enum dwarf_section_id {
	DWARF_INFO,
	DWARF_ABBREV,
	DWARF_LINE,
	DWARF_STR,
	DWARF_LINE_STR,
	DWARF_STR_OFFSETS,
	DWARF_ADDR,
	DWARF_RANGES,
	DWARF_RNGLISTS,
	DWARF_SECTIONS,
};

struct dwarf_section {
	uint64_t size;	      /* when it is decompressed; 0: there is none */
	uint64_t offset;      /* in the file */
	unsigned char *whole; /* if it was compressed, or read as a whole */
};

struct dwarf_sections {
	int fd;
	struct dwarf_section v[DWARF_SECTIONS];
	size_t bytes; /* of memory that they take */
};

/**
 * dwarf_sections_open - finds them; decompresses those that are
 *
 * Returns 0, -ENOENT (no .debug_info), -E2BIG (compressed ones of more than 128 MiB), -EBADMSG,
 * -ENOMEM, -ENOTSUP (compressed in another way than by zlib).
 */
int dwarf_sections_open(struct elf_file *f, struct dwarf_sections *out);
void dwarf_sections_release(struct dwarf_sections *s);

/** dwarf_sections_read - some bytes; 0 or -EFAULT */
int dwarf_sections_read(const struct dwarf_sections *s, enum dwarf_section_id id, uint64_t offset,
			void *out, size_t size);
/** dwarf_sections_copy - the same in memory to be freed; NULL with errno set */
void *dwarf_sections_copy(const struct dwarf_sections *s, enum dwarf_section_id id, uint64_t offset,
			  size_t size);
/** dwarf_sections_whole - a cursor from @offset to the end; the section, of at most 64 MiB, stays
 * in memory. Bad if that cannot be. */
struct cursor dwarf_sections_whole(struct dwarf_sections *s, enum dwarf_section_id id,
				   uint64_t offset);
/** dwarf_sections_string - a string, cut to fit; false if there is none */
bool dwarf_sections_string(const struct dwarf_sections *s, enum dwarf_section_id id,
			   uint64_t offset, char *out, size_t size);

#endif

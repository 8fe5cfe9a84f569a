/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Units of .debug_info and the entries (DIEs) in them: as much as names, lines and
 * ranges of functions take.
 */
#ifndef MEMWATCH_SYM_DWARF_UNIT_H
#define MEMWATCH_SYM_DWARF_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sym/dwarf_sections.h"

/* An attribute's value. */
struct dwarf_value {
	uint64_t v;    /* number, address, index, or offset; of references: in .debug_info */
	uint16_t form; /* DW_FORM_*; 0: there is none */
};

/* The attributes that are kept. */
enum dwarf_attribute {
	AT_SIBLING,
	AT_NAME,
	AT_LINKAGE_NAME,
	AT_LOW_PC,
	AT_HIGH_PC,
	AT_RANGES,
	AT_ORIGIN, /* DW_AT_abstract_origin */
	AT_SPECIFICATION,
	AT_DECL_LINE,
	AT_CALL_FILE,
	AT_CALL_LINE,
	AT_STMT_LIST,
	AT_COMP_DIR,
	AT_STR_OFFSETS_BASE,
	AT_ADDR_BASE,
	AT_RNGLISTS_BASE,
	AT_KEPT,
};

struct dwarf_die {
	uint64_t offset; /* in .debug_info, as that below */
	uint64_t next;	 /* what comes behind it: its first child, if it has children */
	uint16_t tag;	 /* 0: the end of a list of children */
	bool has_children;
	struct dwarf_value at[AT_KEPT];
};

struct dwarf_abbrev;
struct dwarf_spec;

struct dwarf_unit {
	uint64_t offset, end; /* in .debug_info */
	uint64_t die;	      /* offset of the unit's own DIE */
	uint64_t abbrev_offset;
	uint8_t version, offset_size;
	uint8_t type; /* DW_UT_* */
	uint64_t str_offsets_base, addr_base, rnglists_base, low_pc;
	struct dwarf_value stmt_list, comp_dir;

	/* Loaded; NULL if not. */
	unsigned char *bytes; /* from @offset on */
	size_t size;
	struct dwarf_abbrev *abbrevs; /* by code */
	struct dwarf_spec *specs;
	size_t abbrev_count, spec_count;
};

/**
 * dwarf_unit_open - the header of the unit at @offset, and its own DIE
 * @die: may be NULL
 *
 * Returns 0; -ENOTSUP for one that is to be skipped (another version, or size of addresses): then
 * @out->end is right; -EBADMSG where nothing more can be read; -ENOMEM.
 */
int dwarf_unit_open(struct dwarf_sections *s, uint64_t offset, struct dwarf_unit *out,
		    struct dwarf_die *die);
/** dwarf_unit_load - reads all of it, if that was not done yet; 0, -E2BIG (more than 64 MiB) ... */
int dwarf_unit_load(struct dwarf_sections *s, struct dwarf_unit *u);
/** dwarf_unit_unload - keeps what dwarf_unit_open() found out */
void dwarf_unit_unload(struct dwarf_unit *u);
/** dwarf_unit_bytes - memory that is loaded */
size_t dwarf_unit_bytes(const struct dwarf_unit *u);

/**
 * dwarf_die_read - the entry at @offset of a loaded unit
 * @is_wanted: of a tag whose attributes are wanted; others have AT_SIBLING at the most. NULL: all
 *
 * Returns 0, or -EBADMSG: @offset is not in the unit, or makes no sense. Always ends behind
 * @offset.
 */
int dwarf_die_read(const struct dwarf_unit *u, uint64_t offset, bool (*is_wanted)(uint16_t tag),
		   struct dwarf_die *out);
/** dwarf_die_behind - offset of what follows @die and its children, by its sibling attribute; 0 if
 * it has none that is behind it and in the unit */
uint64_t dwarf_die_behind(const struct dwarf_unit *u, const struct dwarf_die *die);

/** dwarf_value_string - false if it is none, or lies in another file (dwz) */
bool dwarf_value_string(struct dwarf_sections *s, const struct dwarf_unit *u,
			const struct dwarf_value *value, char *out, size_t size);
/** dwarf_value_address - false if it is none */
bool dwarf_value_address(struct dwarf_sections *s, const struct dwarf_unit *u,
			 const struct dwarf_value *value, uint64_t *out);

/**
 * dwarf_die_ranges - the addresses of a function, a block, or a unit
 * @fn:   a range that is not empty; other than 0 ends it and is returned
 * @work: how many entries may still be looked at; counted down
 *
 * Returns 0, what @fn returned, -E2BIG (no work left) or -EBADMSG.
 */
int dwarf_die_ranges(struct dwarf_sections *s, const struct dwarf_unit *u,
		     const struct dwarf_die *die, int (*fn)(void *arg, uint64_t low, uint64_t high),
		     void *arg, uint64_t *work);

/** dwarf_value_take - reads an attribute of @form (line tables use them as well) */
void dwarf_value_take(struct cursor *c, const struct dwarf_unit *u, uint64_t form, int64_t implicit,
		      struct dwarf_value *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Units, abbreviations, DIEs and their values: DWARF 2 to 5, sections 7.5.
 *
 * A DIE begins with a code; the unit's abbreviations say which attributes that has, in which forms.
 * A form says how long a value is: one table here.
 *
 * Why not libdw: it reads behind the end of damaged line tables and strings (fuzzing elfutils 0.188
 * for seconds shows it), and a process may have whatever file it likes.
 *
 * LIMITATIONS
 *   - Addresses of 8 bytes only.
 *   - What dwz moved to another file has no names (DW_FORM_strp_sup and the like).
 *   - Type units are skipped: functions do not need them.
 */
#include "sym/dwarf_unit.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_UNIT_BYTES	(64u << 20)
#define HEAD_BYTES	4096 /* of a unit, for its own DIE */
#define MAX_ABBREVS	(64u << 10)
#define MAX_SPECS	(1u << 20)
#define MAX_DIE_SPECS	512
#define NOT_FIXED	UINT16_MAX
#define MAX_HEADER_SIZE 40

struct dwarf_spec {
	uint16_t name, form;
	int64_t implicit; /* the value of DW_FORM_implicit_const */
};

struct dwarf_abbrev {
	uint64_t code;
	uint32_t first_spec;
	uint16_t spec_count;
	uint16_t tag;
	uint16_t fixed_size; /* of all values together; NOT_FIXED */
	bool has_children;
	bool has_sibling;
};

static const uint8_t kept[] = {
	/* DW_AT_* below 0x80, to 1 + enum dwarf_attribute */
	[DW_AT_sibling] = 1 + AT_SIBLING,
	[DW_AT_name] = 1 + AT_NAME,
	[DW_AT_linkage_name] = 1 + AT_LINKAGE_NAME,
	[DW_AT_low_pc] = 1 + AT_LOW_PC,
	[DW_AT_high_pc] = 1 + AT_HIGH_PC,
	[DW_AT_ranges] = 1 + AT_RANGES,
	[DW_AT_abstract_origin] = 1 + AT_ORIGIN,
	[DW_AT_specification] = 1 + AT_SPECIFICATION,
	[DW_AT_decl_line] = 1 + AT_DECL_LINE,
	[DW_AT_call_file] = 1 + AT_CALL_FILE,
	[DW_AT_call_line] = 1 + AT_CALL_LINE,
	[DW_AT_stmt_list] = 1 + AT_STMT_LIST,
	[DW_AT_comp_dir] = 1 + AT_COMP_DIR,
	[DW_AT_str_offsets_base] = 1 + AT_STR_OFFSETS_BASE,
	[DW_AT_addr_base] = 1 + AT_ADDR_BASE,
	[DW_AT_rnglists_base] = 1 + AT_RNGLISTS_BASE,
};

/* 1 + which it is; 0: not kept. */
static unsigned kept_as(uint16_t name)
{
	if (name == DW_AT_MIPS_linkage_name)
		return 1 + AT_LINKAGE_NAME;
	return name < sizeof(kept) ? kept[name] : 0;
}

/* ---- forms ---- */

enum form_kind {
	FORM_BAD, /* unknown: nothing behind it can be read */
	FORM_FIXED,
	FORM_OFFSET, /* 4 or 8 bytes, by the unit */
	FORM_ULEB,
	FORM_SLEB,
	FORM_STRING,
	FORM_BLOCK,	 /* its length in so many bytes before it */
	FORM_BLOCK_ULEB, /* its length as ULEB128 before it */
	FORM_REF_ADDR,
	FORM_INDIRECT,
	FORM_IMPLICIT,
};

struct form {
	uint8_t kind;  /* enum form_kind */
	uint8_t bytes; /* FIXED, BLOCK */
	bool is_ref;   /* of this unit: from its beginning */
};

static const struct form forms[] = {
	[DW_FORM_addr] = {FORM_FIXED, 8},
	[DW_FORM_block2] = {FORM_BLOCK, 2},
	[DW_FORM_block4] = {FORM_BLOCK, 4},
	[DW_FORM_data2] = {FORM_FIXED, 2},
	[DW_FORM_data4] = {FORM_FIXED, 4},
	[DW_FORM_data8] = {FORM_FIXED, 8},
	[DW_FORM_string] = {.kind = FORM_STRING},
	[DW_FORM_block] = {.kind = FORM_BLOCK_ULEB},
	[DW_FORM_block1] = {FORM_BLOCK, 1},
	[DW_FORM_data1] = {FORM_FIXED, 1},
	[DW_FORM_flag] = {FORM_FIXED, 1},
	[DW_FORM_sdata] = {.kind = FORM_SLEB},
	[DW_FORM_strp] = {.kind = FORM_OFFSET},
	[DW_FORM_udata] = {.kind = FORM_ULEB},
	[DW_FORM_ref_addr] = {.kind = FORM_REF_ADDR},
	[DW_FORM_ref1] = {FORM_FIXED, 1, true},
	[DW_FORM_ref2] = {FORM_FIXED, 2, true},
	[DW_FORM_ref4] = {FORM_FIXED, 4, true},
	[DW_FORM_ref8] = {FORM_FIXED, 8, true},
	[DW_FORM_ref_udata] = {FORM_ULEB, 0, true},
	[DW_FORM_indirect] = {.kind = FORM_INDIRECT},
	[DW_FORM_sec_offset] = {.kind = FORM_OFFSET},
	[DW_FORM_exprloc] = {.kind = FORM_BLOCK_ULEB},
	[DW_FORM_flag_present] = {FORM_FIXED, 0},
	[DW_FORM_strx] = {.kind = FORM_ULEB},
	[DW_FORM_addrx] = {.kind = FORM_ULEB},
	[DW_FORM_ref_sup4] = {FORM_FIXED, 4},
	[DW_FORM_strp_sup] = {.kind = FORM_OFFSET},
	[DW_FORM_data16] = {FORM_FIXED, 16},
	[DW_FORM_line_strp] = {.kind = FORM_OFFSET},
	[DW_FORM_ref_sig8] = {FORM_FIXED, 8},
	[DW_FORM_implicit_const] = {.kind = FORM_IMPLICIT},
	[DW_FORM_loclistx] = {.kind = FORM_ULEB},
	[DW_FORM_rnglistx] = {.kind = FORM_ULEB},
	[DW_FORM_ref_sup8] = {FORM_FIXED, 8},
	[DW_FORM_strx1] = {FORM_FIXED, 1},
	[DW_FORM_strx2] = {FORM_FIXED, 2},
	[DW_FORM_strx3] = {FORM_FIXED, 3},
	[DW_FORM_strx4] = {FORM_FIXED, 4},
	[DW_FORM_addrx1] = {FORM_FIXED, 1},
	[DW_FORM_addrx2] = {FORM_FIXED, 2},
	[DW_FORM_addrx3] = {FORM_FIXED, 3},
	[DW_FORM_addrx4] = {FORM_FIXED, 4},
};

static struct form form_of(uint64_t form)
{
	if (form == DW_FORM_GNU_ref_alt || form == DW_FORM_GNU_strp_alt)
		return (struct form){.kind = FORM_OFFSET};
	if (form == DW_FORM_GNU_addr_index || form == DW_FORM_GNU_str_index)
		return (struct form){.kind = FORM_ULEB};
	return form < sizeof(forms) / sizeof(forms[0]) ? forms[form]
						       : (struct form){.kind = FORM_BAD};
}

/* How many bytes it takes, if that does not depend on them. */
static unsigned form_size(const struct dwarf_unit *u, uint64_t form)
{
	struct form f = form_of(form);

	switch (f.kind) {
	case FORM_FIXED:
		return f.bytes;
	case FORM_OFFSET:
		return u->offset_size;
	case FORM_REF_ADDR:
		return u->version == 2 ? 8 : u->offset_size;
	case FORM_IMPLICIT:
		return 0;
	default:
		return NOT_FIXED;
	}
}

void dwarf_value_take(struct cursor *c, const struct dwarf_unit *u, uint64_t form, int64_t implicit,
		      struct dwarf_value *out)
{
	struct form f = form_of(form);

	if (f.kind == FORM_INDIRECT) {
		form = cursor_uleb(c);
		f = form_of(form);
	}
	*out = (struct dwarf_value){.form = (uint16_t)form};
	switch (f.kind) {
	case FORM_FIXED:
		if (f.bytes <= 8)
			out->v = f.bytes ? cursor_take(c, f.bytes) : 1; /* a flag that is there */
		else
			cursor_skip(c, f.bytes);
		break;
	case FORM_OFFSET:
	case FORM_REF_ADDR:
		out->v = cursor_take(c, form_size(u, form));
		break;
	case FORM_ULEB:
		out->v = cursor_uleb(c);
		break;
	case FORM_SLEB:
		out->v = (uint64_t)cursor_sleb(c);
		break;
	case FORM_STRING: /* an offset, if it is in the unit */
		out->v = u->offset + (uint64_t)(c->at - u->bytes);
		cursor_string(c);
		break;
	case FORM_BLOCK:
		cursor_skip(c, cursor_take(c, f.bytes));
		break;
	case FORM_BLOCK_ULEB:
		cursor_skip(c, cursor_uleb(c));
		break;
	case FORM_IMPLICIT:
		out->v = (uint64_t)implicit;
		break;
	default:
		c->bad = true;
	}
	if (f.is_ref)
		out->v += u->offset;
}

/* ---- abbreviations ---- */

/* With space for one more of @size bytes; NULL: no memory, and @v is as it was. */
static void *array_grow(void *v, size_t count, size_t size)
{
	if (count && (count < 64 || (count & (count - 1))))
		return v; /* it has space for 64, 128, 256 ... */
	return realloc(v, (count ? 2 * count : 64) * size);
}

static int abbrev_take(struct dwarf_unit *u, struct cursor *c, uint64_t code)
{
	struct dwarf_abbrev *a;
	struct dwarf_spec *specs;
	uint64_t size = 0;

	if (u->abbrev_count == MAX_ABBREVS)
		return -E2BIG;
	a = array_grow(u->abbrevs, u->abbrev_count, sizeof(*a));
	if (!a)
		return -ENOMEM;
	u->abbrevs = a;
	a = &u->abbrevs[u->abbrev_count++];
	*a = (struct dwarf_abbrev){.code = code, .first_spec = (uint32_t)u->spec_count};
	a->tag = (uint16_t)cursor_uleb(c);
	a->has_children = cursor_take(c, 1);
	for (;;) {
		struct dwarf_spec spec = {.name = (uint16_t)cursor_uleb(c)};
		uint64_t form = cursor_uleb(c);
		unsigned bytes;

		if (form == DW_FORM_implicit_const)
			spec.implicit = cursor_sleb(c);
		if (c->bad || (!spec.name && !form))
			break;
		if (a->spec_count == MAX_DIE_SPECS || u->spec_count == MAX_SPECS ||
		    form > UINT16_MAX)
			return -E2BIG;
		spec.form = (uint16_t)form;
		specs = array_grow(u->specs, u->spec_count, sizeof(spec));
		if (!specs)
			return -ENOMEM;
		u->specs = specs;
		u->specs[u->spec_count++] = spec;
		a->spec_count++;
		a->has_sibling |= spec.name == DW_AT_sibling;
		bytes = form_size(u, form);
		size = bytes == NOT_FIXED || size == NOT_FIXED ? NOT_FIXED : size + bytes;
	}
	a->fixed_size = size < NOT_FIXED ? (uint16_t)size : NOT_FIXED;
	return c->bad ? -EBADMSG : 0;
}

static int by_code(const void *a, const void *b)
{
	const struct dwarf_abbrev *x = a, *y = b;

	return x->code < y->code ? -1 : x->code > y->code;
}

/* @only: the one with this code; 0: all of them. */
static int abbrevs_read(struct dwarf_sections *s, struct dwarf_unit *u, uint64_t only)
{
	struct cursor c = dwarf_sections_whole(s, DWARF_ABBREV, u->abbrev_offset);
	bool is_sorted = true;

	for (;;) {
		uint64_t code = cursor_uleb(&c);
		int err;

		if (!code)
			break;
		err = abbrev_take(u, &c, code);
		if (err)
			return err;
		is_sorted &= u->abbrev_count < 2 || code > u->abbrevs[u->abbrev_count - 2].code;
		if (only && code == only)
			return 0;
		if (only) /* not this one: its space can be used again */
			u->abbrev_count = u->spec_count = 0;
	}
	if (c.bad || only)
		return -EBADMSG;
	if (!is_sorted)
		qsort(u->abbrevs, u->abbrev_count, sizeof(*u->abbrevs), by_code);
	return 0;
}

static const struct dwarf_abbrev *abbrev_find(const struct dwarf_unit *u, uint64_t code)
{
	struct dwarf_abbrev key = {.code = code};

	if (code <= u->abbrev_count && u->abbrevs[code - 1].code == code)
		return &u->abbrevs[code - 1];
	return u->abbrev_count ? bsearch(&key, u->abbrevs, u->abbrev_count, sizeof(key), by_code)
			       : NULL;
}

/* ---- DIEs ---- */

int dwarf_die_read(const struct dwarf_unit *u, uint64_t offset, bool (*is_wanted)(uint16_t tag),
		   struct dwarf_die *out)
{
	const struct dwarf_abbrev *a;
	struct cursor c;
	uint64_t code;
	bool wanted;

	if (offset < u->die || offset >= u->end)
		return -EBADMSG;
	c = cursor_of(u->bytes, u->size, offset - u->offset, u->size - (offset - u->offset));
	code = cursor_uleb(&c);
	out->offset = offset;
	out->tag = 0;
	out->has_children = false;
	a = code && !c.bad ? abbrev_find(u, code) : NULL;
	if (code && !a)
		return -EBADMSG;
	wanted = !is_wanted || (a && is_wanted(a->tag));
	if (wanted)
		memset(out->at, 0, sizeof(out->at));
	else
		out->at[AT_SIBLING].form = 0;
	if (a) {
		out->tag = a->tag;
		out->has_children = a->has_children;
	}
	if (a && !wanted && a->fixed_size != NOT_FIXED && !a->has_sibling) {
		cursor_skip(&c, a->fixed_size);
	} else {
		for (unsigned i = 0; a && i < a->spec_count && !c.bad; i++) {
			const struct dwarf_spec *spec = &u->specs[a->first_spec + i];
			unsigned keep = kept_as(spec->name);
			struct dwarf_value value;

			dwarf_value_take(&c, u, spec->form, spec->implicit, &value);
			if (keep && (wanted || keep == 1 + AT_SIBLING))
				out->at[keep - 1] = value;
		}
	}
	out->next = u->offset + (uint64_t)(c.at - u->bytes);
	return c.bad ? -EBADMSG : 0;
}

uint64_t dwarf_die_behind(const struct dwarf_unit *u, const struct dwarf_die *die)
{
	const struct dwarf_value *sibling = &die->at[AT_SIBLING];

	if (!die->has_children)
		return die->next;
	return sibling->form && sibling->v > die->next && sibling->v < u->end ? sibling->v : 0;
}

/* ---- units ---- */

static int header_read(struct dwarf_sections *s, uint64_t offset, struct dwarf_unit *out)
{
	uint64_t left = s->v[DWARF_INFO].size - offset, length, header;
	unsigned char bytes[MAX_HEADER_SIZE] = {0};
	size_t size = left < sizeof(bytes) ? left : sizeof(bytes);
	struct cursor c;
	unsigned address_size;

	if (dwarf_sections_read(s, DWARF_INFO, offset, bytes, size))
		return -EBADMSG;
	c = cursor_of(bytes, size, 0, size);
	out->offset_size = 4;
	length = cursor_take(&c, 4);
	if (length == 0xffffffff) {
		out->offset_size = 8;
		length = cursor_take(&c, 8);
	}
	header = (uint64_t)(c.at - bytes);
	if (c.bad || length > left - header || !length)
		return -EBADMSG;
	out->offset = offset;
	out->end = offset + header + length;
	out->version = (uint8_t)cursor_take(&c, 2);
	out->type = DW_UT_compile;
	if (out->version >= 5) {
		out->type = (uint8_t)cursor_take(&c, 1);
		address_size = (unsigned)cursor_take(&c, 1);
		out->abbrev_offset = cursor_take(&c, out->offset_size);
		if (out->type == DW_UT_skeleton)
			cursor_skip(&c, 8);
	} else {
		out->abbrev_offset = cursor_take(&c, out->offset_size);
		address_size = (unsigned)cursor_take(&c, 1);
	}
	out->die = offset + (uint64_t)(c.at - bytes);
	if (c.bad || out->version < 2 || out->version > 5 || address_size != 8)
		return -ENOTSUP;
	return out->type == DW_UT_type || out->type == DW_UT_split_type || out->die >= out->end
		       ? -ENOTSUP
		       : 0;
}

/* Reads @size bytes of the unit, and as many abbreviations as those take. */
static int unit_read(struct dwarf_sections *s, struct dwarf_unit *u, size_t size, bool only_first)
{
	struct cursor c;
	uint64_t code;
	int err;

	u->bytes = dwarf_sections_copy(s, DWARF_INFO, u->offset, size);
	if (!u->bytes)
		return -errno;
	u->size = size;
	c = cursor_of(u->bytes, u->size, u->die - u->offset, u->size - (u->die - u->offset));
	code = cursor_uleb(&c);
	err = code ? abbrevs_read(s, u, only_first ? code : 0) : -EBADMSG;
	if (err)
		dwarf_unit_unload(u);
	return err;
}

static uint64_t value_or(const struct dwarf_value *value, uint64_t otherwise)
{
	return value->form ? value->v : otherwise;
}

/* What other values of the unit are relative to. */
static void bases_set(struct dwarf_sections *s, struct dwarf_unit *u, const struct dwarf_die *die)
{
	/* Without an attribute (split units, before DWARF 5): behind the header. */
	uint64_t header = u->version >= 5 ? (u->offset_size == 8 ? 16 : 8) : 0;

	u->str_offsets_base = value_or(&die->at[AT_STR_OFFSETS_BASE], header);
	u->addr_base = value_or(&die->at[AT_ADDR_BASE], header);
	u->rnglists_base = value_or(&die->at[AT_RNGLISTS_BASE], header + (header ? 4 : 0));
	u->stmt_list = die->at[AT_STMT_LIST];
	u->comp_dir = die->at[AT_COMP_DIR];
	u->low_pc = 0;
	dwarf_value_address(s, u, &die->at[AT_LOW_PC], &u->low_pc);
}

int dwarf_unit_open(struct dwarf_sections *s, uint64_t offset, struct dwarf_unit *out,
		    struct dwarf_die *die)
{
	struct dwarf_die own;
	uint64_t size;
	int err;

	*out = (struct dwarf_unit){0};
	if (offset >= s->v[DWARF_INFO].size)
		return -EBADMSG;
	err = header_read(s, offset, out);
	if (err)
		return err;
	size = out->end - out->offset;
	err = unit_read(s, out, size < HEAD_BYTES ? (size_t)size : HEAD_BYTES, true);
	if (!err)
		err = dwarf_die_read(out, out->die, NULL, &own);
	dwarf_unit_unload(out);
	if (err)
		return err == -ENOMEM ? err : -ENOTSUP; /* the next one may be better */
	bases_set(s, out, &own);
	if (die)
		*die = own;
	return 0;
}

int dwarf_unit_load(struct dwarf_sections *s, struct dwarf_unit *u)
{
	uint64_t size = u->end - u->offset;

	if (u->bytes)
		return 0;
	return size > MAX_UNIT_BYTES ? -E2BIG : unit_read(s, u, (size_t)size, false);
}

void dwarf_unit_unload(struct dwarf_unit *u)
{
	free(u->bytes);
	free(u->abbrevs);
	free(u->specs);
	u->bytes = NULL;
	u->abbrevs = NULL;
	u->specs = NULL;
	u->size = u->abbrev_count = u->spec_count = 0;
}

size_t dwarf_unit_bytes(const struct dwarf_unit *u)
{
	return u->size +
	       2 * (u->abbrev_count * sizeof(*u->abbrevs) + u->spec_count * sizeof(*u->specs));
}

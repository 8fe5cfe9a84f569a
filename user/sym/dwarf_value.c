/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What values of DIEs stand for: strings, addresses, and ranges of addresses (DWARF 5
 * sections 2.17.3 and 7.28; 2.17.3 of DWARF 4 for .debug_ranges).
 */
#include <dwarf.h>
#include <errno.h>

#include "sym/dwarf_unit.h"

/* The @index-th entry of @size bytes in a table. */
static bool table_get(struct dwarf_sections *s, enum dwarf_section_id id, uint64_t base,
		      uint64_t index, unsigned size, uint64_t *out)
{
	struct cursor c;
	uint64_t at;

	if (__builtin_mul_overflow(index, (uint64_t)size, &at) ||
	    __builtin_add_overflow(at, base, &at))
		return false;
	c = dwarf_sections_whole(s, id, at);
	*out = cursor_take(&c, size);
	return !c.bad;
}

bool dwarf_value_string(struct dwarf_sections *s, const struct dwarf_unit *u,
			const struct dwarf_value *value, char *out, size_t size)
{
	uint64_t at;

	switch (value->form) {
	case DW_FORM_string:
		return dwarf_sections_string(s, DWARF_INFO, value->v, out, size);
	case DW_FORM_strp:
		return dwarf_sections_string(s, DWARF_STR, value->v, out, size);
	case DW_FORM_line_strp:
		return dwarf_sections_string(s, DWARF_LINE_STR, value->v, out, size);
	case DW_FORM_strx:
	case DW_FORM_strx1:
	case DW_FORM_strx2:
	case DW_FORM_strx3:
	case DW_FORM_strx4:
	case DW_FORM_GNU_str_index:
		return table_get(s, DWARF_STR_OFFSETS, u->str_offsets_base, value->v,
				 u->offset_size, &at) &&
		       dwarf_sections_string(s, DWARF_STR, at, out, size);
	default:
		return false;
	}
}

bool dwarf_value_address(struct dwarf_sections *s, const struct dwarf_unit *u,
			 const struct dwarf_value *value, uint64_t *out)
{
	switch (value->form) {
	case DW_FORM_addr:
		*out = value->v;
		return true;
	case DW_FORM_addrx:
	case DW_FORM_addrx1:
	case DW_FORM_addrx2:
	case DW_FORM_addrx3:
	case DW_FORM_addrx4:
	case DW_FORM_GNU_addr_index:
		return table_get(s, DWARF_ADDR, u->addr_base, value->v, 8, out);
	default:
		return false;
	}
}

/* ---- ranges ---- */

struct ranges_walk {
	struct dwarf_sections *s;
	const struct dwarf_unit *u;
	int (*fn)(void *arg, uint64_t low, uint64_t high);
	void *arg;
	uint64_t *work;
	uint64_t base;
};

static int range_give(struct ranges_walk *w, uint64_t low, uint64_t high)
{
	return low < high ? w->fn(w->arg, low, high) : 0;
}

/* .debug_ranges: pairs of offsets from a base, or a new base after the highest address. */
static int ranges_old(struct ranges_walk *w, uint64_t offset)
{
	struct cursor c = dwarf_sections_whole(w->s, DWARF_RANGES, offset);

	while (!c.bad) {
		uint64_t low = cursor_take(&c, 8), high = cursor_take(&c, 8);
		int ret;

		if (!*w->work)
			return -E2BIG;
		--*w->work;
		if (!low && !high)
			break;
		if (low == UINT64_MAX) {
			w->base = high;
			continue;
		}
		ret = range_give(w, w->base + low, w->base + high);
		if (ret)
			return ret;
	}
	return c.bad ? -EBADMSG : 0;
}

static uint64_t indexed(struct ranges_walk *w, struct cursor *c)
{
	struct dwarf_value value = {.v = cursor_uleb(c), .form = DW_FORM_addrx};
	uint64_t addr = 0;

	if (!dwarf_value_address(w->s, w->u, &value, &addr))
		c->bad = true;
	return addr;
}

/* One entry of .debug_rnglists. Returns 1 at the end of the list, or as dwarf_die_ranges(). */
static int range_new(struct ranges_walk *w, struct cursor *c)
{
	unsigned kind = (unsigned)cursor_take(c, 1);
	uint64_t low = 0, high = 0;

	switch (kind) {
	case DW_RLE_end_of_list:
		return 1;
	case DW_RLE_base_addressx:
		w->base = indexed(w, c);
		return 0;
	case DW_RLE_base_address:
		w->base = cursor_take(c, 8);
		return 0;
	case DW_RLE_startx_endx:
		low = indexed(w, c);
		high = indexed(w, c);
		break;
	case DW_RLE_startx_length:
		low = indexed(w, c);
		high = low + cursor_uleb(c);
		break;
	case DW_RLE_offset_pair:
		low = w->base + cursor_uleb(c);
		high = w->base + cursor_uleb(c);
		break;
	case DW_RLE_start_end:
		low = cursor_take(c, 8);
		high = cursor_take(c, 8);
		break;
	case DW_RLE_start_length:
		low = cursor_take(c, 8);
		high = low + cursor_uleb(c);
		break;
	default:
		return -EBADMSG;
	}
	return c->bad ? -EBADMSG : range_give(w, low, high);
}

static int ranges_new(struct ranges_walk *w, uint64_t offset)
{
	struct cursor c = dwarf_sections_whole(w->s, DWARF_RNGLISTS, offset);

	for (;;) {
		int ret;

		if (!*w->work)
			return -E2BIG;
		--*w->work;
		if (!cursor_left(&c))
			return -EBADMSG;
		ret = range_new(w, &c);
		if (ret)
			return ret == 1 ? 0 : ret;
	}
}

static int ranges_list(struct ranges_walk *w, const struct dwarf_value *value)
{
	uint64_t offset = value->v;

	if (w->u->version < 5)
		return ranges_old(w, offset);
	if (value->form == DW_FORM_rnglistx) {
		if (!table_get(w->s, DWARF_RNGLISTS, w->u->rnglists_base, value->v,
			       w->u->offset_size, &offset))
			return -EBADMSG;
		offset += w->u->rnglists_base;
	}
	return ranges_new(w, offset);
}

int dwarf_die_ranges(struct dwarf_sections *s, const struct dwarf_unit *u,
		     const struct dwarf_die *die, int (*fn)(void *arg, uint64_t low, uint64_t high),
		     void *arg, uint64_t *work)
{
	struct ranges_walk w = {
		.s = s, .u = u, .fn = fn, .arg = arg, .work = work, .base = u->low_pc};
	const struct dwarf_value *high = &die->at[AT_HIGH_PC];
	uint64_t low_pc, high_pc;

	if (die->at[AT_RANGES].form)
		return ranges_list(&w, &die->at[AT_RANGES]);
	if (!high->form || !dwarf_value_address(s, u, &die->at[AT_LOW_PC], &low_pc))
		return 0;
	if (!dwarf_value_address(s, u, high, &high_pc))
		high_pc = low_pc + high->v; /* a constant is a length */
	return range_give(&w, low_pc, high_pc);
}

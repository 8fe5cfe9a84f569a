/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Line programs: DWARF 2 to 5, section 6.2.
 *
 * A program is run once, into rows of 16 bytes that are sorted by address; of neighbours with the
 * same file and line the first stays. Names of files are looked up in its header when they are
 * asked for.
 *
 * LIMITATIONS
 *   - Columns, statements, blocks, discriminators and views are not kept.
 *   - No VLIW (op_index): x86-64 and arm64 have none.
 */
#include "sym/dwarf_rows.h"

#include <dwarf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PROGRAM_BYTES (16u << 20)
#define MAX_ROWS	  (4u << 20)
#define MIN_CAPACITY	  256
#define MAX_FORMATS	  16 /* of an entry in DWARF 5's tables; it defines 5 */
#define NAME_BYTES	  1024

/* ---- header ---- */

struct format {
	uint64_t content, form; /* DW_LNCT_*, DW_FORM_* */
};

struct header {
	uint64_t min_length;
	int64_t line_base;
	uint64_t line_range;
	unsigned opcode_base;
	unsigned char lengths[256]; /* operands of standard opcodes */
	struct cursor tables;	    /* of directories and files */
	struct cursor program;
};

static int header_read(const struct dwarf_rows *r, struct header *h)
{
	struct cursor c = cursor_of(r->program, r->size, 0, r->size);
	uint64_t length;

	cursor_skip(&c, r->offset_size == 8 ? 12 : 4);
	cursor_skip(&c, 2); /* version */
	if (r->version >= 5)
		cursor_skip(&c, 2); /* sizes of addresses and segments */
	length = cursor_take(&c, r->offset_size);
	h->tables = cursor_block(&c, length);
	h->program = c;
	c = h->tables;
	h->min_length = cursor_take(&c, 1);
	if (r->version >= 4)
		cursor_skip(&c, 1); /* maximum of operations per instruction */
	cursor_skip(&c, 1);	    /* default of is_stmt */
	h->line_base = (int64_t)cursor_take(&c, 1);
	if (h->line_base > INT8_MAX) /* it is signed */
		h->line_base -= 1 + UINT8_MAX;
	h->line_range = cursor_take(&c, 1);
	h->opcode_base = (unsigned)cursor_take(&c, 1);
	memset(h->lengths, 0, sizeof(h->lengths));
	for (unsigned i = 1; i < h->opcode_base; i++)
		h->lengths[i] = (unsigned char)cursor_take(&c, 1);
	h->tables = c;
	return c.bad || h->program.bad || !h->line_range || !h->opcode_base ? -EBADMSG : 0;
}

/* ---- program ---- */

struct machine {
	struct dwarf_rows *rows;
	const struct header *h;
	uint64_t addr;
	uint64_t line; /* wraps around */
	uint64_t file;
	int err;
};

static void machine_reset(struct machine *m)
{
	m->addr = 0;
	m->line = 1;
	m->file = 1;
}

static void row_add(struct machine *m, bool is_end)
{
	struct dwarf_rows *r = m->rows;
	struct dwarf_row row = {
		.addr = m->addr,
		.line = m->line <= UINT32_MAX ? (uint32_t)m->line : 0,
		.file = is_end || m->file >= DWARF_NO_FILE ? DWARF_NO_FILE : (uint32_t)m->file,
	};
	const struct dwarf_row *last = r->count ? &r->v[r->count - 1] : NULL;

	if (last && last->line == row.line && last->file == row.file && last->addr <= row.addr &&
	    !is_end)
		return;
	if (r->count == r->capacity) {
		size_t capacity = r->capacity ? 2 * r->capacity : MIN_CAPACITY;
		struct dwarf_row *v = NULL;

		if (r->count < MAX_ROWS)
			v = realloc(r->v, capacity * sizeof(*v));
		if (!v) {
			m->err = r->count < MAX_ROWS ? -ENOMEM : -E2BIG;
			return;
		}
		r->v = v;
		r->capacity = capacity;
	}
	r->v[r->count++] = row;
}

static void do_extended(struct machine *m, struct cursor *c)
{
	struct cursor body = cursor_block(c, cursor_uleb(c));
	unsigned opcode = (unsigned)cursor_take(&body, 1);

	if (opcode == DW_LNE_end_sequence) {
		row_add(m, true);
		machine_reset(m);
	} else if (opcode == DW_LNE_set_address) {
		m->addr = cursor_take(&body, (unsigned)cursor_left(&body) < 8 ? 4 : 8);
	}
}

static void do_standard(struct machine *m, unsigned opcode, struct cursor *c)
{
	switch (opcode) {
	case DW_LNS_copy:
		row_add(m, false);
		break;
	case DW_LNS_advance_pc:
		m->addr += cursor_uleb(c) * m->h->min_length;
		break;
	case DW_LNS_advance_line:
		m->line += (uint64_t)cursor_sleb(c);
		break;
	case DW_LNS_set_file:
		m->file = cursor_uleb(c);
		break;
	case DW_LNS_const_add_pc:
		m->addr += (255 - m->h->opcode_base) / m->h->line_range * m->h->min_length;
		break;
	case DW_LNS_fixed_advance_pc:
		m->addr += cursor_take(c, 2);
		break;
	default: /* columns and the like, and what we do not know */
		for (unsigned i = 0; i < m->h->lengths[opcode]; i++)
			cursor_uleb(c);
	}
}

static int program_run(struct dwarf_rows *r, const struct header *h)
{
	struct machine m = {.rows = r, .h = h};
	struct cursor c = h->program;

	machine_reset(&m);
	while (cursor_left(&c) && !m.err) {
		unsigned opcode = (unsigned)cursor_take(&c, 1);

		if (opcode >= h->opcode_base) {
			unsigned special = opcode - h->opcode_base;

			m.addr += special / h->line_range * h->min_length;
			m.line += (uint64_t)h->line_base + special % h->line_range;
			row_add(&m, false);
		} else if (opcode) {
			do_standard(&m, opcode, &c);
		} else {
			do_extended(&m, &c);
		}
	}
	return m.err; /* what a damaged one had before the damage stays */
}

/* ---- order ---- */

struct numbered {
	struct dwarf_row row;
	size_t number;
};

/* At one address an end comes before what begins there; else as in the program. */
static int rows_compare(const struct dwarf_row *x, const struct dwarf_row *y)
{
	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return (y->file == DWARF_NO_FILE) - (x->file == DWARF_NO_FILE);
}

static int by_address(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;
	int order = rows_compare(&x->row, &y->row);

	return order ? order : x->number < y->number ? -1 : x->number > y->number;
}

/* Sequences come in any order. */
static int rows_sort(struct dwarf_rows *r)
{
	struct numbered *v;
	size_t sorted = 1;

	while (sorted < r->count && rows_compare(&r->v[sorted - 1], &r->v[sorted]) <= 0)
		sorted++;
	if (sorted >= r->count)
		return 0;
	v = calloc(r->count, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < r->count; i++)
		v[i] = (struct numbered){r->v[i], i};
	qsort(v, r->count, sizeof(*v), by_address);
	for (size_t i = 0; i < r->count; i++)
		r->v[i] = v[i].row;
	free(v);
	return 0;
}

/* ---- loading ---- */

static int program_read(struct dwarf_sections *s, const struct dwarf_unit *u,
			struct dwarf_rows *out)
{
	uint64_t at = u->stmt_list.v, left, length;
	unsigned char head[14] = {0};
	struct cursor c;

	if (!u->stmt_list.form || at >= s->v[DWARF_LINE].size)
		return -ENOENT;
	left = s->v[DWARF_LINE].size - at;
	if (dwarf_sections_read(s, DWARF_LINE, at, head, left < sizeof(head) ? left : sizeof(head)))
		return -EBADMSG;
	c = cursor_of(head, sizeof(head), 0, sizeof(head));
	out->offset_size = 4;
	length = cursor_take(&c, 4);
	if (length == 0xffffffff) {
		out->offset_size = 8;
		length = cursor_take(&c, 8);
	}
	out->version = (uint8_t)cursor_take(&c, 2);
	left -= left < (out->offset_size == 8 ? 12u : 4u) ? left : out->offset_size == 8 ? 12 : 4;
	if (length > left || out->version < 2 || out->version > 5)
		return -EBADMSG;
	if (length > MAX_PROGRAM_BYTES)
		return -E2BIG;
	out->size = length + (out->offset_size == 8 ? 12 : 4);
	out->program = dwarf_sections_copy(s, DWARF_LINE, at, out->size);
	return out->program ? 0 : -errno;
}

int dwarf_rows_load(struct dwarf_sections *s, const struct dwarf_unit *u, struct dwarf_rows *out)
{
	struct header h;
	int err;

	*out = (struct dwarf_rows){0};
	err = program_read(s, u, out);
	if (!err)
		err = header_read(out, &h);
	if (!err)
		err = program_run(out, &h);
	if (!err)
		err = rows_sort(out);
	if (err)
		dwarf_rows_release(out);
	return err;
}

void dwarf_rows_release(struct dwarf_rows *r)
{
	free(r->v);
	free(r->program);
	*r = (struct dwarf_rows){0};
}

const struct dwarf_row *dwarf_rows_find(const struct dwarf_rows *r, uint64_t addr)
{
	size_t low = 0, high = r->count; /* the first behind @addr */

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->v[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low && r->v[low - 1].file != DWARF_NO_FILE ? &r->v[low - 1] : NULL;
}

size_t dwarf_rows_bytes(const struct dwarf_rows *r)
{
	return r->size + r->capacity * sizeof(*r->v);
}

/* ---- files ---- */

struct name {
	char text[NAME_BYTES];
	uint64_t dir;
	bool is_found;
};

/* DWARF 2 to 4: names up to an empty one; files with three numbers behind each. */
static void table_old(struct cursor *c, bool has_numbers, uint64_t want, struct name *out)
{
	for (uint64_t i = 1; cursor_left(c); i++) {
		const char *text = cursor_string(c);
		uint64_t dir = 0;

		if (!*text)
			return;
		if (has_numbers) {
			dir = cursor_uleb(c);
			cursor_uleb(c); /* time */
			cursor_uleb(c); /* size */
		}
		if (i != want)
			continue;
		snprintf(out->text, sizeof(out->text), "%s", text);
		out->dir = dir;
		out->is_found = true;
	}
}

/* A string that is in the table itself is at @value->v there; it was found to end. */
static void name_set(struct dwarf_sections *s, const struct dwarf_unit *line_unit,
		     const struct dwarf_value *value, struct name *out)
{
	if (value->form == DW_FORM_string) {
		snprintf(out->text, sizeof(out->text), "%s",
			 (const char *)line_unit->bytes + value->v);
		out->is_found = true;
	} else {
		out->is_found =
			dwarf_value_string(s, line_unit, value, out->text, sizeof(out->text));
	}
}

/* DWARF 5: a description of the entries, then those. */
static void table_new(struct dwarf_sections *s, const struct dwarf_unit *line_unit,
		      struct cursor *c, uint64_t want, struct name *out)
{
	struct format formats[MAX_FORMATS] = {0};
	uint64_t format_count = cursor_take(c, 1), count;

	if (format_count > MAX_FORMATS)
		c->bad = true;
	for (unsigned i = 0; i < format_count && !c->bad; i++) {
		formats[i].content = cursor_uleb(c);
		formats[i].form = cursor_uleb(c);
	}
	count = cursor_uleb(c);
	if (!format_count || c->bad) /* entries without content: as many as it says are nothing */
		return;
	for (uint64_t i = 0; i < count && cursor_left(c); i++) {
		for (unsigned k = 0; k < format_count && !c->bad; k++) {
			struct dwarf_value value;

			dwarf_value_take(c, line_unit, formats[k].form, 0, &value);
			if (i != want || c->bad)
				continue;
			if (formats[k].content == DW_LNCT_directory_index)
				out->dir = value.v;
			else if (formats[k].content == DW_LNCT_path)
				name_set(s, line_unit, &value, out);
		}
	}
}

static void tables_look(struct dwarf_sections *s, const struct dwarf_unit *u,
			const struct dwarf_rows *r, uint64_t dir, uint64_t file,
			struct name *dir_out, struct name *file_out)
{
	/* Values are read as of a unit: strings in this table are at u->bytes of it. */
	struct dwarf_unit line_unit = *u;
	struct header h;
	struct cursor c;

	if (header_read(r, &h))
		return;
	c = h.tables;
	line_unit.version = r->version;
	line_unit.offset_size = r->offset_size;
	line_unit.bytes = r->program;
	line_unit.offset = 0;
	if (r->version >= 5) {
		table_new(s, &line_unit, &c, dir, dir_out);
		table_new(s, &line_unit, &c, file, file_out);
	} else {
		table_old(&c, false, dir, dir_out);
		table_old(&c, true, file, file_out);
	}
}

bool dwarf_rows_file(struct dwarf_sections *s, const struct dwarf_unit *u,
		     const struct dwarf_rows *r, uint32_t file, char *out, size_t size)
{
	char comp_dir[NAME_BYTES] = "";
	struct name name = {0}, dir = {0}, unused = {0};
	bool has_dir;
	int len;

	if (!r->program || file == DWARF_NO_FILE)
		return false;
	tables_look(s, u, r, UINT64_MAX, file, &unused, &name);
	if (!name.is_found || !*name.text)
		return false;
	if (*name.text != '/')
		tables_look(s, u, r, name.dir, UINT64_MAX, &dir, &unused);
	has_dir = dir.is_found && *dir.text;
	if (*name.text != '/' && (!has_dir || *dir.text != '/') &&
	    !dwarf_value_string(s, u, &u->comp_dir, comp_dir, sizeof(comp_dir)))
		*comp_dir = '\0';
	len = snprintf(out, size, "%s%s%s%s%s", comp_dir, *comp_dir ? "/" : "",
		       has_dir ? dir.text : "", has_dir ? "/" : "", name.text);
	return len > 0 && (size_t)len < size;
}

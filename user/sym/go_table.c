/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Go's .gopclntab (src/runtime/symtab.go, src/debug/gosym/pclntab.go):
 *
 *	header     magic, quantum of addresses, number of functions, offsets of what follows
 *	funcnames  strings             files  strings
 *	cutab      by unit: offsets of its files
 *	pctab      by function: deltas of values (file, line) and of addresses, as varints
 *	functab    (address, offset of its description) by address; behind it, the descriptions
 *
 * Nothing is loaded: a look-up takes about twenty small reads of the file. It is asked only for
 * programs without symbols.
 *
 * LIMITATIONS
 *   - Go 1.16 to 1.25 (three magics). Offsets of 8 bytes.
 *   - Inlined functions are not told; a place in one is that of the function that it is in, without
 * a line.
 *   - Where C is linked in, addresses begin at the symbol runtime.text, which is not the beginning
 * of .text then: such a program has names only if its header has that address (not PIE).
 */
#include "sym/go_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sym/cursor.h"

#define MAGIC_116      0xfffffffaU
#define MAGIC_118      0xfffffff0U
#define MAGIC_120      0xfffffff1U
#define HEADER_BYTES   (8 + 8 * 8)
#define MAX_FUNCTIONS  (8u << 20)
#define VALUES_BYTES   16384 /* of one function's table that are read */
#define FUNCTION_BYTES 48

struct go_table {
	int fd;
	struct elf_section s;
	bool is_118; /* and newer */
	unsigned quantum;
	uint64_t text, count;
	uint64_t names, units, files, values, functions; /* offsets in the section */
};

/* A function's description, as far as it is needed. */
struct description {
	uint32_t name, file_values, line_values, unit;
};

static int bytes_read(const struct go_table *t, uint64_t offset, void *out, size_t size)
{
	ssize_t n;

	if (offset > t->s.size || size > t->s.size - offset)
		return -EBADMSG;
	n = pread(t->fd, out, size, (off_t)(t->s.offset + offset));
	return n == (ssize_t)size ? 0 : -EBADMSG;
}

static int string_read(const struct go_table *t, uint64_t offset, char *out)
{
	size_t size = GO_NAME_BYTES - 1;

	if (offset >= t->s.size)
		return -EBADMSG;
	if (size > t->s.size - offset)
		size = t->s.size - offset;
	out[size] = '\0';
	return bytes_read(t, offset, out, size);
}

/* ---- opening ---- */

static int header_read(struct go_table *t, uint64_t text)
{
	unsigned char bytes[HEADER_BYTES];
	struct cursor c;
	uint32_t magic;
	uint64_t header_text = 0;

	if (bytes_read(t, 0, bytes, sizeof(bytes)))
		return -EBADMSG;
	c = cursor_of(bytes, sizeof(bytes), 0, sizeof(bytes));
	magic = (uint32_t)cursor_take(&c, 4);
	t->is_118 = magic == MAGIC_118 || magic == MAGIC_120;
	if (!t->is_118 && magic != MAGIC_116)
		return -ENOTSUP;
	if (cursor_take(&c, 2)) /* zeros */
		return -EBADMSG;
	t->quantum = (unsigned)cursor_take(&c, 1);
	if (cursor_take(&c, 1) != 8)
		return -ENOTSUP;
	t->count = cursor_take(&c, 8);
	cursor_take(&c, 8); /* files */
	if (t->is_118)
		header_text = cursor_take(&c, 8);
	t->text = header_text ? header_text : text; /* 0 in a PIE: it is relocated */
	t->names = cursor_take(&c, 8);
	t->units = cursor_take(&c, 8);
	t->files = cursor_take(&c, 8);
	t->values = cursor_take(&c, 8);
	t->functions = cursor_take(&c, 8);
	return t->count && t->count <= MAX_FUNCTIONS ? 0 : -EBADMSG;
}

struct go_table *go_table_open(struct elf_file *f)
{
	struct elf_section text = {0};
	struct go_table *t = calloc(1, sizeof(*t));
	int err = 0;

	if (!t)
		return NULL;
	if (elf_file_section(f, ".gopclntab", &t->s) &&
	    elf_file_section(f, ".data.rel.ro.gopclntab", &t->s))
		err = -ENOENT;
	else if (t->s.is_compressed || t->s.offset > INT64_MAX)
		err = -ENOTSUP;
	if (!err) {
		t->fd = elf_file_fd(f);
		elf_file_section(f, ".text", &text); /* none: it stays 0 */
		err = header_read(t, text.addr);
	}
	if (!err)
		return t;
	free(t);
	errno = -err;
	return NULL;
}

void go_table_free(struct go_table *t)
{
	free(t);
}

/* ---- functions ---- */

/* The @i-th pair of functab; @i may be the number of functions: then there is only an end. */
static int pair_read(const struct go_table *t, uint64_t i, uint64_t *addr, uint64_t *offset)
{
	unsigned size = t->is_118 ? 4 : 8;
	unsigned char bytes[16] = {0};
	struct cursor c;
	int err = bytes_read(t, t->functions + 2 * i * size, bytes, i < t->count ? 2 * size : size);

	c = cursor_of(bytes, sizeof(bytes), 0, sizeof(bytes));
	*addr = cursor_take(&c, size) + (t->is_118 ? t->text : 0);
	*offset = cursor_take(&c, size);
	return err;
}

/* Which function @addr is in; -ENOENT, -EBADMSG. */
static int64_t index_find(const struct go_table *t, uint64_t addr)
{
	uint64_t low = 0, high = t->count; /* the first behind @addr */
	uint64_t at, unused;

	if (pair_read(t, t->count, &at, &unused))
		return -EBADMSG;
	if (addr >= at)
		return -ENOENT;
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (pair_read(t, mid, &at, &unused))
			return -EBADMSG;
		if (at <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? (int64_t)low - 1 : -ENOENT;
}

static int description_read(const struct go_table *t, uint64_t offset, struct description *out)
{
	unsigned char bytes[FUNCTION_BYTES] = {0};
	uint64_t at, left;
	struct cursor c;

	if (__builtin_add_overflow(t->functions, offset, &at) || at >= t->s.size)
		return -EBADMSG;
	left = t->s.size - at;
	if (bytes_read(t, at, bytes, left < sizeof(bytes) ? (size_t)left : sizeof(bytes)))
		return -EBADMSG;
	c = cursor_of(bytes, sizeof(bytes), 0, sizeof(bytes));
	cursor_skip(&c, t->is_118 ? 4 : 8); /* entry */
	out->name = (uint32_t)cursor_take(&c, 4);
	cursor_skip(&c, 4 + 4 + 4); /* arguments, deferreturn, pcsp */
	out->file_values = (uint32_t)cursor_take(&c, 4);
	out->line_values = (uint32_t)cursor_take(&c, 4);
	cursor_skip(&c, 4); /* number of pcdata */
	out->unit = (uint32_t)cursor_take(&c, 4);
	return 0;
}

/* ---- values by address ---- */

/* The value of a table at @addr, and at the function's beginning; false if there is none. */
static bool value_at(const struct go_table *t, uint32_t table, uint64_t entry, uint64_t addr,
		     int64_t *out, int64_t *first)
{
	unsigned char bytes[VALUES_BYTES];
	uint64_t at = t->values + table, pc = entry, left;
	int64_t value = -1;
	struct cursor c;

	if (!table || at < t->values || at >= t->s.size)
		return false;
	left = t->s.size - at;
	if (left > sizeof(bytes))
		left = sizeof(bytes);
	if (bytes_read(t, at, bytes, (size_t)left))
		return false;
	c = cursor_of(bytes, sizeof(bytes), 0, left);
	for (bool is_first = true; !c.bad; is_first = false) {
		uint64_t delta = cursor_uleb(&c) & UINT32_MAX;

		if (!delta && !is_first)
			return false;
		value += delta & 1 ? -(int64_t)(delta >> 1) - 1 : (int64_t)(delta >> 1);
		pc += (cursor_uleb(&c) & UINT32_MAX) * t->quantum;
		if (is_first)
			*first = value;
		if (!c.bad && addr < pc) {
			*out = value;
			return true;
		}
	}
	return false;
}

static bool file_name(const struct go_table *t, const struct description *d, int64_t file,
		      char *out)
{
	uint32_t offset;

	if (file < 0 || file > UINT32_MAX ||
	    bytes_read(t, t->units + ((uint64_t)d->unit + (uint64_t)file) * sizeof(offset), &offset,
		       sizeof(offset)) ||
	    offset == UINT32_MAX)
		return false;
	return !string_read(t, t->files + offset, out);
}

/* What was inlined is in another file, or before the function's own beginning in the same. */
static void place_find(const struct go_table *t, const struct description *d, uint64_t addr,
		       struct go_function *out)
{
	int64_t file, own_file, line, own_line;

	if (!value_at(t, d->file_values, out->start, addr, &file, &own_file) ||
	    !file_name(t, d, own_file, out->file)) {
		*out->file = '\0';
		return;
	}
	if (file == own_file && value_at(t, d->line_values, out->start, addr, &line, &own_line) &&
	    line > 0 && line <= UINT32_MAX && line >= own_line)
		out->line = (uint32_t)line;
}

int go_table_find(const struct go_table *t, uint64_t addr, struct go_function *out)
{
	int64_t i = index_find(t, addr);
	struct description d;
	uint64_t offset;

	out->line = 0;
	*out->file = '\0';
	if (i < 0)
		return (int)i;
	if (pair_read(t, (uint64_t)i, &out->start, &offset) || description_read(t, offset, &d) ||
	    string_read(t, t->names + d.name, out->fn) || !*out->fn)
		return -EBADMSG;
	place_find(t, &d, addr, out);
	return 0;
}

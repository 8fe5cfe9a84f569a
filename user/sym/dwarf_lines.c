/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lines by libdw.
 *
 * How
 *   1. The first look-up makes a table of the ranges of all compilation units. (.debug_aranges
 *      would be that, but clang and Go do not write it.)
 *   2. The first look-up in a unit makes a table of the ranges of its functions, and libdw
 *      decodes its line program.
 *   3. A look-up finds the unit, the line, the function, and descends through the blocks and
 *      inlined calls that contain the address.
 *
 * What bounds it: the size of all DWARF, entries visited a unit, depth, length of a line program.
 * When the units that were decoded come to more than MAX_DECODED_BYTES, all is forgotten and begun
 * anew.
 *
 * LIMITATIONS
 *   - The DWARF of a file is read into memory as a whole, by libdw (a mapped file could be cut
 *     under it). Programs with more than MAX_DWARF_BYTES have no lines.
 *   - Split DWARF (.dwo): lines and no inlined functions.
 *   - libdw is robust against damaged files, but was not written against hostile ones; what is
 *     known to loop or overflow is avoided, and tests/fuzz/fuzz_dwarf.c looks for more.
 */
#include "sym/dwarf_lines.h"

#include <dwarf.h>
#include <errno.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <elfutils/libdw.h>

#define MAX_DWARF_BYTES	  (512u << 20)
#define MAX_PROGRAM_BYTES (4u << 20) /* of one unit's lines; each byte may become 88 in memory */
#define MAX_DECODED_BYTES (16u << 20)
#define MAX_UNITS	  (1u << 20)
#define MAX_RANGES	  (4u << 20)
#define MAX_UNIT_ENTRIES  (4u << 20) /* DIEs that are visited for the functions of one unit */
#define MAX_UNIT_DEPTH	  32
#define MAX_BLOCK_ENTRIES 65536 /* DIEs that are visited in one function */
#define MAX_BLOCK_DEPTH	  64
#define MAX_BACK	  64 /* ranges that are looked at for one that encloses the address */
#define MIN_CAPACITY	  64

struct range {
	uint64_t low, high;
	uint64_t what; /* index of a unit; or offset of a function's DIE */
};

struct ranges {
	struct range *v; /* by low */
	size_t count, capacity;
};

struct unit {
	Dwarf_Off die;
	struct ranges functions;
	bool was_indexed;
	bool has_lines; /* and they may be decoded */
};

struct dwarf_lines {
	struct elf_file *elf;
	Dwarf *dwarf; /* NULL: not begun */
	bool is_bad;
	struct unit *units;
	size_t unit_count, unit_capacity;
	struct ranges ranges;
	uint64_t decoded_bytes;
};

/* ---- ranges ---- */

static int ranges_add(struct ranges *r, uint64_t low, uint64_t high, uint64_t what)
{
	if (low >= high || !low) /* 0: of functions that the linker discarded */
		return 0;
	if (r->count >= MAX_RANGES)
		return -E2BIG;
	if (r->count == r->capacity) {
		size_t capacity = r->capacity ? 2 * r->capacity : MIN_CAPACITY;
		struct range *v = realloc(r->v, capacity * sizeof(*v));

		if (!v)
			return -ENOMEM;
		r->v = v;
		r->capacity = capacity;
	}
	r->v[r->count++] = (struct range){low, high, what};
	return 0;
}

static int by_low(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return x->high > y->high ? -1 : x->high < y->high; /* what encloses comes first */
}

static void ranges_sort(struct ranges *r)
{
	if (r->count)
		qsort(r->v, r->count, sizeof(*r->v), by_low);
}

/* The innermost that @addr is in. */
static const struct range *ranges_find(const struct ranges *r, uint64_t addr)
{
	size_t low = 0, high = r->count; /* the first behind @addr */

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->v[mid].low <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t back = 0; back < MAX_BACK && back < low; back++) {
		if (addr < r->v[low - 1 - back].high)
			return &r->v[low - 1 - back];
	}
	return NULL;
}

static void ranges_release(struct ranges *r)
{
	free(r->v);
	*r = (struct ranges){0};
}

/* Those of one DIE. */
static int ranges_add_die(struct ranges *r, Dwarf_Die *die, uint64_t what)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;
	int err = 0;

	for (unsigned i = 0; !err && i < MAX_RANGES; i++) {
		at = dwarf_ranges(die, at, &base, &low, &high);
		if (at <= 0)
			break;
		err = ranges_add(r, low, high, what);
	}
	return err;
}

/* ---- units ---- */

static int unit_add(struct dwarf_lines *d, Dwarf_Die *die)
{
	size_t index = d->unit_count;

	if (index == MAX_UNITS)
		return -E2BIG;
	if (index == d->unit_capacity) {
		size_t capacity = d->unit_capacity ? 2 * d->unit_capacity : MIN_CAPACITY;
		struct unit *units = realloc(d->units, capacity * sizeof(*units));

		if (!units)
			return -ENOMEM;
		d->units = units;
		d->unit_capacity = capacity;
	}
	d->units[d->unit_count++] = (struct unit){.die = dwarf_dieoffset(die)};
	return ranges_add_die(&d->ranges, die, index);
}

static int units_read(struct dwarf_lines *d)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die die, sub;
	uint8_t type;

	while (!dwarf_get_units(d->dwarf, cu, &cu, NULL, &type, &die, &sub)) {
		int err;

		if (type != DW_UT_compile && type != DW_UT_skeleton)
			continue;
		err = unit_add(d, &die);
		if (err)
			return err;
	}
	ranges_sort(&d->ranges);
	return 0;
}

static void forget(struct dwarf_lines *d)
{
	for (size_t i = 0; i < d->unit_count; i++)
		ranges_release(&d->units[i].functions);
	free(d->units);
	ranges_release(&d->ranges);
	dwarf_end(d->dwarf); /* takes NULL */
	d->dwarf = NULL;
	d->units = NULL;
	d->unit_count = d->unit_capacity = 0;
	d->decoded_bytes = 0;
}

static bool begin(struct dwarf_lines *d)
{
	if (d->decoded_bytes > MAX_DECODED_BYTES)
		forget(d);
	if (d->dwarf || d->is_bad)
		return d->dwarf;
	d->dwarf = dwarf_begin_elf(elf_file_elf(d->elf), DWARF_C_READ, NULL);
	if (!d->dwarf || units_read(d)) {
		forget(d);
		d->is_bad = true;
	}
	return d->dwarf;
}

/* ---- functions of a unit ---- */

/* May have functions in it. */
static bool is_scope(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_structure_type ||
	       tag == DW_TAG_class_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_enumeration_type;
}

static int functions_read(struct ranges *out, Dwarf_Die *parent, unsigned depth, unsigned *visited)
{
	Dwarf_Die die;
	int err = 0;

	if (depth == MAX_UNIT_DEPTH || dwarf_child(parent, &die))
		return 0;
	do {
		int tag = dwarf_tag(&die);

		if (++*visited > MAX_UNIT_ENTRIES)
			return -E2BIG;
		if (tag == DW_TAG_subprogram)
			err = ranges_add_die(out, &die, dwarf_dieoffset(&die));
		else if (is_scope(tag))
			err = functions_read(out, &die, depth + 1, visited);
	} while (!err && !dwarf_siblingof(&die, &die));
	return err;
}

/* The bytes of .debug_line as libdw has them: decompressed in place. NULL if there are none. */
static Elf_Data *line_data(Elf *elf)
{
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *name;
		GElf_Shdr sh;

		name = gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;
		if (name && (!strcmp(name, ".debug_line") || !strcmp(name, ".zdebug_line")))
			return elf_rawdata(scn, NULL);
	}
	return NULL;
}

/* How long the line program is that libdw would decode; 0 if there is none or it is too long. */
static uint64_t program_bytes(struct dwarf_lines *d, Dwarf_Die *unit)
{
	Elf_Data *data = line_data(dwarf_getelf(d->dwarf));
	Dwarf_Attribute attr;
	uint32_t length;
	uint64_t size;
	Dwarf_Word at;

	if (!dwarf_attr(unit, DW_AT_stmt_list, &attr) || dwarf_formudata(&attr, &at))
		return 0;
	if (!data || !data->d_buf || at > data->d_size || data->d_size - at < sizeof(length))
		return 0;
	size = data->d_size - at;
	memcpy(&length, (const char *)data->d_buf + at, sizeof(length));
	if (length < 0xfffffff0 && length < size) /* else 64-bit DWARF, or wrong: the rest */
		size = length;
	return size <= MAX_PROGRAM_BYTES ? size : 0;
}

static void unit_index(struct dwarf_lines *d, struct unit *u, Dwarf_Die *die)
{
	unsigned visited = 0;
	uint64_t bytes;

	if (u->was_indexed)
		return;
	u->was_indexed = true;
	functions_read(&u->functions, die, 0, &visited); /* of a damaged one, what could be read */
	ranges_sort(&u->functions);
	bytes = program_bytes(d, die);
	u->has_lines = bytes > 0;
	d->decoded_bytes += bytes + visited;
}

/* ---- a look-up ---- */

struct lookup {
	Dwarf_Die unit;
	uint64_t addr;
	Dwarf_Die path[MAX_BLOCK_DEPTH]; /* the function, then inlined ones, outermost first */
	unsigned count;
	unsigned visited;
};

/* Appends the inlined functions below @parent that the address is in. */
static void descend(struct lookup *l, Dwarf_Die *parent, unsigned depth)
{
	Dwarf_Die die;

	if (depth == MAX_BLOCK_DEPTH || dwarf_child(parent, &die))
		return;
	do {
		int tag = dwarf_tag(&die);

		if (++l->visited > MAX_BLOCK_ENTRIES)
			return;
		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block)
			continue;
		if (dwarf_haspc(&die, l->addr) != 1)
			continue;
		if (tag == DW_TAG_inlined_subroutine && l->count < MAX_BLOCK_DEPTH)
			l->path[l->count++] = die;
		descend(l, &die, depth + 1);
		return;
	} while (!dwarf_siblingof(&die, &die));
}

static uint32_t number_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attr;
	Dwarf_Word v;

	return dwarf_attr_integrate(die, name, &attr) && !dwarf_formudata(&attr, &v) &&
			       v <= UINT32_MAX
		       ? (uint32_t)v
		       : 0;
}

static const char *name_of(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	const char *name = NULL;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attr) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attr))
		name = dwarf_formstring(&attr);
	return name ? name : dwarf_diename(die);
}

/* The file that a call was in, out of the unit's table. */
static const char *call_file(struct lookup *l, Dwarf_Die *inlined)
{
	uint32_t index = number_of(inlined, DW_AT_call_file);
	Dwarf_Files *files;
	size_t count;

	if (dwarf_getsrcfiles(&l->unit, &files, &count) || index >= count)
		return NULL;
	return dwarf_filesrc(files, index, NULL, NULL);
}

static const char *directory_of(struct lookup *l)
{
	Dwarf_Attribute attr;

	return dwarf_attr(&l->unit, DW_AT_comp_dir, &attr) ? dwarf_formstring(&attr) : NULL;
}

static void line_at(struct lookup *l, struct dwarf_function *out)
{
	Dwarf_Line *line = dwarf_getsrc_die(&l->unit, l->addr);
	int number;

	if (!line)
		return;
	out->file = dwarf_linesrc(line, NULL, NULL);
	if (!dwarf_lineno(line, &number) && number > 0)
		out->line = (uint32_t)number;
}

/* Where a function is, is where the one inlined into it was called. */
static void function_give(struct lookup *l, unsigned i, bool has_lines, struct dwarf_function *out)
{
	*out = (struct dwarf_function){
		.fn = name_of(&l->path[i]),
		.fn_line = number_of(&l->path[i], DW_AT_decl_line),
	};
	if (i + 1 < l->count) {
		out->line = number_of(&l->path[i + 1], DW_AT_call_line);
		out->file = has_lines ? call_file(l, &l->path[i + 1]) : NULL;
	} else if (has_lines) {
		line_at(l, out);
	}
	if (out->file && *out->file != '/')
		out->dir = directory_of(l);
}

unsigned dwarf_lines_find(struct dwarf_lines *d, uint64_t addr, struct dwarf_function *out,
			  unsigned max)
{
	struct lookup l = {.addr = addr};
	const struct range *r;
	struct unit *u;

	if (!begin(d))
		return 0;
	r = ranges_find(&d->ranges, addr);
	if (!r)
		return 0;
	u = &d->units[r->what];
	if (!dwarf_offdie(d->dwarf, u->die, &l.unit))
		return 0;
	unit_index(d, u, &l.unit);
	r = ranges_find(&u->functions, addr);
	if (r && dwarf_offdie(d->dwarf, r->what, &l.path[0])) {
		l.count = 1;
		descend(&l, &l.path[0], 0);
		if (max > l.count)
			max = l.count;
		for (unsigned i = 0; i < max; i++)
			function_give(&l, max - 1 - i, u->has_lines, &out[i]);
		return max;
	}
	*out = (struct dwarf_function){0};
	if (u->has_lines)
		line_at(&l, out);
	if (out->file && *out->file != '/')
		out->dir = directory_of(&l);
	return out->line || out->file;
}

/* ---- opening ---- */

/* Of all sections with DWARF, when they are decompressed. */
static uint64_t dwarf_bytes(Elf *elf)
{
	size_t names;
	Elf_Scn *scn = NULL;
	uint64_t sum = 0;

	if (elf_getshdrstrndx(elf, &names))
		return 0;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *name;
		GElf_Shdr sh;
		GElf_Chdr ch;
		uint64_t size;

		if (!gelf_getshdr(scn, &sh) || sh.sh_type == SHT_NOBITS)
			continue;
		name = elf_strptr(elf, names, sh.sh_name);
		if (!name ||
		    (strncmp(name, ".debug_", 7) != 0 && strncmp(name, ".zdebug_", 8) != 0 &&
		     strncmp(name, ".gnu_debug", 10) != 0))
			continue;
		size = sh.sh_size;
		if (sh.sh_flags & SHF_COMPRESSED)
			size = gelf_getchdr(scn, &ch) ? ch.ch_size : UINT64_MAX;
		else if (*name == '.' && name[1] == 'z') /* the old way: its size is in the data */
			size = sh.sh_size < MAX_DWARF_BYTES ? 8 * sh.sh_size : UINT64_MAX;
		if (__builtin_add_overflow(sum, size, &sum))
			return UINT64_MAX;
	}
	return sum;
}

struct dwarf_lines *dwarf_lines_open(struct elf_file *f)
{
	struct dwarf_lines *d;
	uint64_t bytes;
	char path[32];

	if (!elf_file_has_dwarf(f)) {
		errno = ENOENT;
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", elf_file_fd(f));
	d->elf = elf_file_open(path); /* one for libdw alone: it keeps what it reads */
	bytes = d->elf ? dwarf_bytes(elf_file_elf(d->elf)) : 0;
	if (d->elf && bytes <= MAX_DWARF_BYTES)
		return d;
	if (d->elf)
		errno = E2BIG;
	dwarf_lines_free(d);
	return NULL;
}

void dwarf_lines_free(struct dwarf_lines *d)
{
	if (!d)
		return;
	forget(d);
	elf_file_free(d->elf);
	free(d);
}

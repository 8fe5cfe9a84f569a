/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lines and inlined functions.
 *
 *	dwarf_sections   bytes of the file        dwarf_unit, _value   entries of .debug_info
 *	dwarf_rows       lines of a unit          dwarf_ranges         what is at an address
 *
 * How
 *   1. The first look-up makes a table of the ranges of all units. (.debug_aranges would be that,
 *      but clang and Go do not write it.)
 *   2. The first look-up in a unit makes a table of the ranges of its functions, and one of its
 * lines.
 *   3. A look-up finds the unit, the row, the function, and descends through the blocks and
 *      inlined calls that contain the address.
 *
 * What was loaded of units is dropped when it comes to more than MAX_LOADED_BYTES in a file. Each
 * loop over the file goes forward only, or counts down what work is left.
 *
 * LIMITATIONS
 *   - Split DWARF (.dwo): lines and no inlined functions.
 *   - See the parts.
 */
#include "sym/dwarf_lines.h"

#include <dwarf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sym/dwarf_ranges.h"
#include "sym/dwarf_rows.h"
#include "sym/dwarf_unit.h"

#define MAX_LOADED_BYTES (32u << 20)
#define MAX_UNITS	 (256u << 10)
#define MAX_ALL_WORK	 (16u << 20) /* entries of ranges, of all units */
#define MAX_UNIT_WORK	 (4u << 20)  /* the same of all functions of a unit */
#define MAX_WORK	 65536	     /* DIEs, and entries of ranges, that one look-up takes */
#define MAX_DEPTH	 64	     /* of inlined functions */
#define MAX_ORIGINS	 8	     /* DIEs that a name is looked for in */
#define MIN_CAPACITY	 64
#define TEXT_BYTES	 (256u << 10) /* for the strings of one look-up */
#define NAME_BYTES	 4096

struct unit {
	struct dwarf_unit u;
	struct dwarf_ranges functions; /* to offsets of their DIEs */
	struct dwarf_rows rows;
	bool has_tables;
	size_t bytes; /* in use for all that, when it is loaded */
};

struct dwarf_lines {
	struct elf_file *elf;
	struct dwarf_sections sections;
	bool was_begun, is_bad;
	struct unit *units; /* by offset */
	size_t unit_count, unit_capacity;
	struct dwarf_ranges ranges; /* to indices of units */
	size_t loaded_bytes;
	char *text;
	size_t text_used;
};

/* ---- the table of units ---- */

struct adding {
	struct dwarf_ranges *to;
	uint64_t what;
};

static int on_range(void *arg, uint64_t low, uint64_t high)
{
	const struct adding *a = arg;

	return dwarf_ranges_add(a->to, low, high, a->what);
}

static int unit_add(struct dwarf_lines *d, const struct dwarf_unit *u)
{
	if (d->unit_count == MAX_UNITS)
		return -E2BIG;
	if (d->unit_count == d->unit_capacity) {
		size_t capacity = d->unit_capacity ? 2 * d->unit_capacity : MIN_CAPACITY;
		struct unit *units = realloc(d->units, capacity * sizeof(*units));

		if (!units)
			return -ENOMEM;
		d->units = units;
		d->unit_capacity = capacity;
	}
	d->units[d->unit_count++] = (struct unit){.u = *u};
	return 0;
}

/* All that can be read; partial units too, since others refer to them. */
static int units_read(struct dwarf_lines *d)
{
	uint64_t work = MAX_ALL_WORK;
	struct dwarf_unit u;

	for (uint64_t at = 0;; at = u.end) {
		struct adding adding = {&d->ranges, d->unit_count};
		struct dwarf_die die;
		int err = dwarf_unit_open(&d->sections, at, &u, &die);

		if (err == -ENOTSUP)
			continue;
		if (err == -EBADMSG)
			break;
		if (!err)
			err = unit_add(d, &u);
		if (!err && die.tag != DW_TAG_partial_unit)
			err = dwarf_die_ranges(&d->sections, &u, &die, on_range, &adding, &work);
		if (err && err != -EBADMSG)
			return err;
	}
	dwarf_ranges_sort(&d->ranges);
	return d->unit_count ? 0 : -ENOENT;
}

static bool begin(struct dwarf_lines *d)
{
	if (!d->was_begun) {
		d->was_begun = true;
		d->text = malloc(TEXT_BYTES);
		d->is_bad = !d->text || dwarf_sections_open(d->elf, &d->sections) || units_read(d);
	}
	return !d->is_bad;
}

static struct unit *unit_of(struct dwarf_lines *d, uint64_t offset)
{
	size_t low = 0, high = d->unit_count; /* the first that begins behind @offset */

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (d->units[mid].u.offset <= offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low && offset < d->units[low - 1].u.end ? &d->units[low - 1] : NULL;
}

/* ---- loading ---- */

static void unit_unload(struct unit *u)
{
	dwarf_unit_unload(&u->u);
	dwarf_ranges_release(&u->functions);
	dwarf_rows_release(&u->rows);
	u->has_tables = false;
	u->bytes = 0;
}

static void unload_all(struct dwarf_lines *d)
{
	for (size_t i = 0; i < d->unit_count; i++)
		unit_unload(&d->units[i]);
	d->loaded_bytes = 0;
}

static void account(struct dwarf_lines *d, struct unit *u)
{
	size_t bytes = dwarf_unit_bytes(&u->u) + dwarf_rows_bytes(&u->rows) +
		       u->functions.capacity * sizeof(*u->functions.v);

	d->loaded_bytes += bytes - u->bytes;
	u->bytes = bytes;
}

/* Has functions, or what contains them. */
static bool is_indexed(uint16_t tag)
{
	return tag == DW_TAG_subprogram;
}

/* Functions may be in namespaces, classes, and other functions: all entries are gone through but
 * those that belong to something else. */
static bool may_contain_functions(uint16_t tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_structure_type ||
	       tag == DW_TAG_class_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_enumeration_type || tag == DW_TAG_subprogram ||
	       tag == DW_TAG_lexical_block || tag == DW_TAG_compile_unit ||
	       tag == DW_TAG_skeleton_unit;
}

static void functions_read(struct dwarf_lines *d, struct unit *u)
{
	uint64_t work = MAX_UNIT_WORK, at = u->u.die, behind;
	struct dwarf_die die;

	/* Flat: what is nested follows its parent. */
	while (at < u->u.end && !dwarf_die_read(&u->u, at, is_indexed, &die)) {
		struct adding adding = {&u->functions, die.offset};

		if (die.tag == DW_TAG_subprogram &&
		    dwarf_die_ranges(&d->sections, &u->u, &die, on_range, &adding, &work) == -E2BIG)
			break;
		behind = may_contain_functions(die.tag) ? 0 : dwarf_die_behind(&u->u, &die);
		at = behind ? behind : die.next;
	}
	dwarf_ranges_sort(&u->functions);
}

/* False if nothing of it can be used. */
static bool unit_load(struct dwarf_lines *d, struct unit *u)
{
	if (u->has_tables)
		return true;
	if (d->loaded_bytes > MAX_LOADED_BYTES)
		unload_all(d);
	if (dwarf_unit_load(&d->sections, &u->u))
		return false;
	u->has_tables = true;
	functions_read(d, u);
	dwarf_rows_load(&d->sections, &u->u, &u->rows); /* without: names alone */
	account(d, u);
	return true;
}

/* ---- a look-up ---- */

struct lookup {
	struct dwarf_lines *d;
	struct unit *u;
	uint64_t addr;
	uint64_t work;
	struct dwarf_die path[MAX_DEPTH]; /* the function, then inlined ones, outermost first */
	unsigned count;
	bool contains;
};

static int on_block_range(void *arg, uint64_t low, uint64_t high)
{
	struct lookup *l = arg;

	l->contains |= l->addr >= low && l->addr < high;
	return l->contains;
}

static bool is_block(uint16_t tag)
{
	return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
	       tag == DW_TAG_subprogram;
}

static bool contains_address(struct lookup *l, const struct dwarf_die *die)
{
	l->contains = false;
	dwarf_die_ranges(&l->d->sections, &l->u->u, die, on_block_range, l, &l->work);
	return l->contains;
}

/* Where the children of @die end: behind them, by its sibling or by going through them. */
static uint64_t skip_children(struct lookup *l, const struct dwarf_die *die)
{
	uint64_t at = dwarf_die_behind(&l->u->u, die);
	struct dwarf_die child;
	unsigned depth = 1;

	if (at)
		return at;
	for (at = die->next; depth && l->work; at = child.next, l->work--) {
		if (dwarf_die_read(&l->u->u, at, is_block, &child))
			return 0;
		depth += child.has_children;
		depth -= !child.tag;
	}
	return depth ? 0 : at;
}

/* Appends the inlined functions that the address is in, below the function that @l->path begins
 * with. */
static void descend(struct lookup *l)
{
	struct dwarf_die die = l->path[0];
	uint64_t at = die.has_children ? die.next : 0;

	while (at && l->work) {
		if (dwarf_die_read(&l->u->u, at, is_block, &die) || !die.tag)
			return;
		l->work--;
		if ((die.tag == DW_TAG_inlined_subroutine || die.tag == DW_TAG_lexical_block) &&
		    contains_address(l, &die)) {
			if (die.tag == DW_TAG_inlined_subroutine && l->count < MAX_DEPTH)
				l->path[l->count++] = die;
			if (!die.has_children)
				return;
			at = die.next; /* its siblings are of no interest any more */
		} else {
			at = skip_children(l, &die);
		}
	}
}

/* ---- what is known of a function ---- */

static const char *text_keep(struct dwarf_lines *d, const char *s)
{
	size_t len = strnlen(s, NAME_BYTES) + 1;
	char *kept = d->text + d->text_used;

	if (len > TEXT_BYTES - d->text_used)
		return NULL;
	memcpy(kept, s, len - 1);
	kept[len - 1] = '\0';
	d->text_used += len;
	return kept;
}

/* What @die refers to, in this unit or another; false if that makes no sense. */
static bool refer(struct lookup *l, const struct unit **u, const struct dwarf_value *to,
		  struct dwarf_die *die)
{
	uint64_t offset = to->v;
	struct unit *other;

	if (to->form == DW_FORM_GNU_ref_alt || to->form == DW_FORM_ref_sup4 ||
	    to->form == DW_FORM_ref_sup8 || to->form == DW_FORM_ref_sig8)
		return false;
	if (offset >= (*u)->u.offset && offset < (*u)->u.end)
		return !dwarf_die_read(&(*u)->u, offset, NULL, die);
	other = unit_of(l->d, offset);
	/* Only its entries: it needs no tables. It counts for the next time that all are dropped.
	 */
	if (!other || dwarf_unit_load(&l->d->sections, &other->u))
		return false;
	account(l->d, other);
	*u = other;
	return !dwarf_die_read(&other->u, offset, NULL, die);
}

/* The name and line of a function, its own or those of what it is an instance or a definition of.
 */
static void describe(struct lookup *l, struct dwarf_die die, struct dwarf_function *out)
{
	const struct unit *u = l->u;
	char text[NAME_BYTES];
	bool is_linkage = false;

	for (unsigned i = 0; i < MAX_ORIGINS; i++) {
		const struct dwarf_value *linkage = &die.at[AT_LINKAGE_NAME], *next;

		if (!is_linkage &&
		    dwarf_value_string(&l->d->sections, &u->u, linkage, text, sizeof(text))) {
			out->fn = text_keep(l->d, text);
			is_linkage = true;
		} else if (!out->fn && dwarf_value_string(&l->d->sections, &u->u, &die.at[AT_NAME],
							  text, sizeof(text))) {
			out->fn = text_keep(l->d, text);
		}
		if (!out->fn_line && die.at[AT_DECL_LINE].v <= UINT32_MAX)
			out->fn_line = (uint32_t)die.at[AT_DECL_LINE].v;
		next = die.at[AT_ORIGIN].form ? &die.at[AT_ORIGIN] : &die.at[AT_SPECIFICATION];
		if (!next->form || !refer(l, &u, next, &die))
			return;
	}
}

static void file_set(struct lookup *l, uint64_t file, struct dwarf_function *out)
{
	char path[PATH_MAX];

	if (file < DWARF_NO_FILE && dwarf_rows_file(&l->d->sections, &l->u->u, &l->u->rows,
						    (uint32_t)file, path, sizeof(path)))
		out->file = text_keep(l->d, path);
}

static void place_of_address(struct lookup *l, struct dwarf_function *out)
{
	const struct dwarf_row *row = dwarf_rows_find(&l->u->rows, l->addr);

	if (!row)
		return;
	out->line = row->line;
	file_set(l, row->file, out);
}

/* Where a function is, is where the one inlined into it was called. */
static void function_give(struct lookup *l, unsigned i, struct dwarf_function *out)
{
	*out = (struct dwarf_function){0};
	if (i + 1 < l->count) {
		const struct dwarf_die *inlined = &l->path[i + 1];

		if (inlined->at[AT_CALL_LINE].v <= UINT32_MAX)
			out->line = (uint32_t)inlined->at[AT_CALL_LINE].v;
		if (inlined->at[AT_CALL_FILE].form)
			file_set(l, inlined->at[AT_CALL_FILE].v, out);
	} else {
		place_of_address(l, out);
	}
	describe(l, l->path[i], out);
}

unsigned dwarf_lines_find(struct dwarf_lines *d, uint64_t addr, struct dwarf_function *out,
			  unsigned max)
{
	struct lookup l = {.d = d, .addr = addr, .work = MAX_WORK};
	const struct dwarf_range *r;

	if (!begin(d))
		return 0;
	d->text_used = 0;
	r = dwarf_ranges_find(&d->ranges, addr);
	if (!r)
		return 0;
	l.u = &d->units[r->what];
	if (!unit_load(d, l.u))
		return 0;
	r = dwarf_ranges_find(&l.u->functions, addr);
	if (!r || dwarf_die_read(&l.u->u, r->what, NULL, &l.path[0])) {
		*out = (struct dwarf_function){0};
		place_of_address(&l, out);
		return out->line || out->file;
	}
	l.count = 1;
	descend(&l);
	if (max > l.count)
		max = l.count;
	for (unsigned i = 0; i < max; i++)
		function_give(&l, max - 1 - i, &out[i]);
	return max;
}

/* ---- opening ---- */

struct dwarf_lines *dwarf_lines_open(struct elf_file *f)
{
	struct dwarf_lines *d;

	if (!elf_file_has_dwarf(f)) {
		errno = ENOENT;
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	if (d)
		d->elf = f;
	return d;
}

void dwarf_lines_free(struct dwarf_lines *d)
{
	if (!d)
		return;
	unload_all(d);
	free(d->units);
	dwarf_ranges_release(&d->ranges);
	dwarf_sections_release(&d->sections);
	free(d->text);
	free(d);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Call frame information: the section, its entries, and their index.
 *
 * How
 *   - The section is copied out of the file. One pass over it makes an index of its FDEs by
 *     address, 16 bytes each: .eh_frame_hdr has one too, but not in all files, and need not be
 *     right.
 *   - cfi_row.c interprets the program of one FDE up to an address (100-200 ns, so nothing is
 *     cached), cfi_step.c applies the result to registers.
 *   - Every read goes through a cursor (cursor.h).
 *
 * Why not libdw's dwarf_cfi_addrframe(): it allocates by register numbers that the file gives
 * (elfutils 0.188), and is slower.
 *
 * Format: DWARF 5 section 6.4, and the Linux Standard Base for .eh_frame.
 *
 * LIMITATIONS
 *   - Compressed .debug_frame (Go has that, and keeps frame pointers) is not read.
 *   - No DW_EH_PE_textrel, _datarel, _funcrel or _aligned addresses of functions: nothing on
 *     Linux uses them there. No "eh" augmentation of GCC 2.
 */
#include "sym/cfi.h"

#include <errno.h>
#include <stdlib.h>

#include "sym/cfi_internal.h"

#define MAX_SECTION_BYTES (128u << 20) /* chrome has 25 MB */
#define MAX_ENTRIES	  (4u << 20)
#define MIN_CAPACITY	  256u
#define MAX_SAMPLED	  4096u /* FDEs that are judged */
#define MAX_AUGMENTATION  16u

/* DW_EH_PE_* */
#define PE_FORMAT   0x0f
#define PE_RELATION 0x70
#define PE_PCREL    0x10
#define PE_INDIRECT 0x80
#define PE_OMIT	    0xff

struct index_entry {
	uint64_t start;
	uint32_t size;
	uint32_t offset; /* of the FDE in the section */
};

struct cfi {
	unsigned char *bytes;
	size_t size;
	uint64_t addr; /* of the section */
	bool is_eh;
	struct index_entry *index; /* by start */
	size_t count, capacity;
};

/* ---- pointers ---- */

static uint64_t sign_extend(uint64_t v, unsigned bits)
{
	return (uint64_t)((int64_t)(v << (64 - bits)) >> (64 - bits));
}

uint64_t cfi_pointer(const struct cfi *cfi, struct cursor *c, uint8_t encoding)
{
	uint64_t at = cfi->addr + (uint64_t)(c->at - cfi->bytes);
	uint64_t v;

	switch (encoding & PE_FORMAT) {
	case 0x00: /* absptr */
	case 0x04: /* udata8 */
	case 0x0c: /* sdata8 */
		v = cursor_take(c, 8);
		break;
	case 0x01:
		v = cursor_uleb(c);
		break;
	case 0x02:
		v = cursor_take(c, 2);
		break;
	case 0x03:
		v = cursor_take(c, 4);
		break;
	case 0x09:
		v = (uint64_t)cursor_sleb(c);
		break;
	case 0x0a:
		v = sign_extend(cursor_take(c, 2), 16);
		break;
	case 0x0b:
		v = sign_extend(cursor_take(c, 4), 32);
		break;
	default:
		c->bad = true;
		return 0;
	}
	if ((encoding & PE_RELATION) == PE_PCREL)
		return at + v;
	if (encoding & (PE_RELATION | PE_INDIRECT))
		c->bad = true;
	return v;
}

/* ---- entries ---- */

struct entry {
	bool is_cie;
	uint64_t cie_offset; /* of an FDE */
	struct cursor body;  /* what follows the id */
	uint64_t next;	     /* offset of what comes after it */
};

/* The entry at @offset. False behind the last one, and for one that ends behind the section. */
static bool entry_at(const struct cfi *cfi, uint64_t offset, struct entry *out)
{
	struct cursor c;
	unsigned id_bytes = 4;
	uint64_t length, id, id_at;

	if (offset >= cfi->size)
		return false;
	c = cursor_of(cfi->bytes, cfi->size, offset, cfi->size - offset);
	length = cursor_take(&c, 4);
	if (length == 0xffffffff) {
		length = cursor_take(&c, 8);
		id_bytes = cfi->is_eh ? 4 : 8;
	}
	out->body = cursor_block(&c, length);
	if (c.bad)
		return false;
	out->next = (uint64_t)(c.at - cfi->bytes);
	out->is_cie = false;
	out->cie_offset = UINT64_MAX;
	if (!length) /* a terminator; a linker may have put more behind it */
		return true;
	id_at = (uint64_t)(out->body.at - cfi->bytes);
	id = cursor_take(&out->body, id_bytes);
	if (cfi->is_eh) {
		out->is_cie = !id;
		if (id <= id_at)
			out->cie_offset = id_at - id;
	} else {
		out->is_cie = id == (id_bytes == 4 ? 0xffffffff : UINT64_MAX);
		out->cie_offset = id;
	}
	return true;
}

/* The data of augmentation "z..." */
static void augmentation_take(const struct cfi *cfi, struct cursor *c, const char *letters,
			      struct cfi_cie *out)
{
	struct cursor data = cursor_block(c, cursor_uleb(c));

	out->has_augmentation = true;
	for (; *letters; letters++) {
		uint8_t encoding;

		switch (*letters) {
		case 'L':
			cursor_take(&data, 1);
			break;
		case 'P':
			encoding = (uint8_t)cursor_take(&data, 1);
			/* Only to get past it. */
			if (encoding != PE_OMIT)
				cfi_pointer(cfi, &data, encoding & PE_FORMAT);
			break;
		case 'R':
			out->pointer_encoding = (uint8_t)cursor_take(&data, 1);
			break;
		case 'S':
			out->is_signal = true;
			break;
		default: /* 'B', 'G' of arm64 have no data; after others we know nothing */
			if (*letters != 'B' && *letters != 'G')
				return;
		}
	}
	if (data.bad)
		c->bad = true;
}

static int cie_at(const struct cfi *cfi, uint64_t offset, struct cfi_cie *out)
{
	char augmentation[MAX_AUGMENTATION];
	struct entry e;
	struct cursor *c = &e.body;
	uint64_t address_size, segment_size;
	unsigned version;
	size_t i;

	if (!entry_at(cfi, offset, &e) || !e.is_cie)
		return -EBADMSG;
	*out = (struct cfi_cie){0};
	version = (unsigned)cursor_take(c, 1);
	if (version != 1 && version != 3 && version != 4)
		return -EBADMSG;
	for (i = 0; i < sizeof(augmentation); i++) {
		augmentation[i] = (char)cursor_take(c, 1);
		if (!augmentation[i])
			break;
	}
	if (i == sizeof(augmentation) || (i && *augmentation != 'z'))
		return -EBADMSG;
	address_size = version == 4 ? cursor_take(c, 1) : 8;
	segment_size = version == 4 ? cursor_take(c, 1) : 0;
	if (address_size != 8 || segment_size)
		return -EBADMSG;
	out->code_align = cursor_uleb(c);
	out->data_align = cursor_sleb(c);
	out->return_column = version == 1 ? cursor_take(c, 1) : cursor_uleb(c);
	if (*augmentation)
		augmentation_take(cfi, c, augmentation + 1, out);
	out->program = *c;
	return c->bad || out->return_column >= MW_REGS ? -EBADMSG : 0;
}

int cfi_fde_at(const struct cfi *cfi, uint64_t offset, struct cfi_fde *out)
{
	struct cursor *c;
	struct entry e;
	int err;

	if (!entry_at(cfi, offset, &e))
		return -EBADMSG;
	if (e.is_cie || e.body.at == e.body.end)
		return -ENOENT;
	err = cie_at(cfi, e.cie_offset, &out->cie);
	if (err)
		return err;
	c = &e.body;
	out->start = cfi_pointer(cfi, c, out->cie.pointer_encoding);
	out->size = cfi_pointer(cfi, c, out->cie.pointer_encoding & PE_FORMAT);
	if (out->cie.has_augmentation)
		cursor_block(c, cursor_uleb(c));
	out->program = *c;
	return c->bad ? -EBADMSG : 0;
}

/* ---- index ---- */

static int index_add(struct cfi *cfi, const struct cfi_fde *fde, uint64_t offset)
{
	if (cfi->count == cfi->capacity) {
		size_t capacity = cfi->capacity ? 2 * cfi->capacity : MIN_CAPACITY;
		struct index_entry *index = realloc(cfi->index, capacity * sizeof(*index));

		if (!index)
			return -ENOMEM;
		cfi->index = index;
		cfi->capacity = capacity;
	}
	cfi->index[cfi->count++] = (struct index_entry){
		.start = fde->start,
		.size = fde->size > UINT32_MAX ? UINT32_MAX : (uint32_t)fde->size,
		.offset = (uint32_t)offset,
	};
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct index_entry *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* An entry that makes no sense is left out; one without an end ends the section. */
static int index_make(struct cfi *cfi)
{
	struct entry e;
	uint64_t at = 0;

	for (unsigned i = 0; i < MAX_ENTRIES && entry_at(cfi, at, &e); i++, at = e.next) {
		struct cfi_fde fde;
		int err;

		/* Of functions that the linker discarded, .debug_frame says that they begin at 0 */
		if (cfi_fde_at(cfi, at, &fde) || !fde.start || !fde.size)
			continue;
		err = index_add(cfi, &fde, at);
		if (err)
			return err;
	}
	if (!cfi->count)
		return -ENOENT;
	qsort(cfi->index, cfi->count, sizeof(*cfi->index), by_start);
	return 0;
}

static const struct index_entry *index_find(const struct cfi *cfi, uint64_t pc)
{
	size_t low = 0, high = cfi->count; /* the first behind @pc */

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (cfi->index[mid].start <= pc)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || pc - cfi->index[low - 1].start >= cfi->index[low - 1].size)
		return NULL;
	return &cfi->index[low - 1];
}

int cfi_find(const struct cfi *cfi, uint64_t pc, struct cfi_fde *out)
{
	const struct index_entry *at = index_find(cfi, pc);

	return at ? cfi_fde_at(cfi, at->offset, out) : -ENOENT;
}

/* ---- public ---- */

struct cfi *cfi_load(struct elf_file *f)
{
	static const char *const names[] = {".eh_frame", ".debug_frame"};
	struct cfi *cfi = calloc(1, sizeof(*cfi));
	int err = ENOENT;

	if (!cfi)
		return NULL;
	for (size_t i = 0; err && i < sizeof(names) / sizeof(names[0]); i++) {
		struct elf_section s;

		if (elf_file_section(f, names[i], &s))
			continue;
		cfi->bytes = elf_file_section_read(f, &s, MAX_SECTION_BYTES);
		err = cfi->bytes ? 0 : errno;
		cfi->size = s.size;
		cfi->addr = s.addr;
		cfi->is_eh = !i;
		if (!err)
			err = -index_make(cfi);
		if (err) {
			free(cfi->bytes);
			cfi->bytes = NULL;
		}
	}
	if (!err)
		return cfi;
	cfi_free(cfi);
	errno = err;
	return NULL;
}

void cfi_free(struct cfi *cfi)
{
	if (!cfi)
		return;
	free(cfi->bytes);
	free(cfi->index);
	free(cfi);
}

double cfi_frame_pointers(struct cfi *cfi)
{
	size_t step = cfi->count / MAX_SAMPLED + 1;
	uint64_t with = 0, all = 0;

	for (size_t i = 0; i < cfi->count; i += step) {
		struct cfi_fde fde;
		enum cfi_use use;

		if (cfi_fde_at(cfi, cfi->index[i].offset, &fde))
			continue;
		use = cfi_fde_use(cfi, &fde);
		if (use == CFI_NO_STACK)
			continue;
		all += cfi->index[i].size;
		with += use == CFI_FRAME_POINTER ? cfi->index[i].size : 0;
	}
	return all ? (double)with / (double)all : -1;
}

size_t cfi_count(const struct cfi *cfi)
{
	return cfi->count;
}

uint64_t cfi_address(const struct cfi *cfi, size_t i)
{
	return cfi->index[i].start;
}

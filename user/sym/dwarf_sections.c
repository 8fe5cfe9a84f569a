/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * DWARF sections. Large ones (.debug_info, .debug_line, .debug_str) are read where they are needed
 * and not kept; small ones are kept when first used. Compressed ones can only be had as a whole.
 *
 * LIMITATIONS: no zstd.
 */
#include "sym/dwarf_sections.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#define MAX_WHOLE_BYTES	   (64u << 20)
#define MAX_INFLATED_BYTES (128u << 20)
#define ZLIB_HEAD_BYTES	   12 /* of the old .zdebug_*: "ZLIB", and the size, big endian */

static const char *const names[DWARF_SECTIONS] = {
	[DWARF_INFO] = "info", [DWARF_ABBREV] = "abbrev",     [DWARF_LINE] = "line",
	[DWARF_STR] = "str",   [DWARF_LINE_STR] = "line_str", [DWARF_STR_OFFSETS] = "str_offsets",
	[DWARF_ADDR] = "addr", [DWARF_RANGES] = "ranges",     [DWARF_RNGLISTS] = "rnglists",
};

/* ---- opening ---- */

static int inflate_into(struct dwarf_sections *all, struct dwarf_section *s, const void *packed,
			size_t packed_size, uint64_t size)
{
	uLongf got = size;

	if (size > MAX_INFLATED_BYTES - all->bytes)
		return -E2BIG;
	s->whole = malloc(size ? size : 1);
	if (!s->whole)
		return -ENOMEM;
	if (uncompress(s->whole, &got, packed, packed_size) != Z_OK || got != size) {
		free(s->whole);
		s->whole = NULL;
		return -EBADMSG;
	}
	s->size = size;
	all->bytes += size;
	return 0;
}

static int unpack(struct elf_file *f, struct elf_section *from, bool is_old,
		  struct dwarf_sections *all, struct dwarf_section *s)
{
	unsigned char *packed;
	size_t head = is_old ? ZLIB_HEAD_BYTES : sizeof(Elf64_Chdr);
	uint64_t size = 0;
	Elf64_Chdr ch;
	int err;

	from->is_compressed = false; /* as it is */
	packed = elf_file_section_read(f, from, MAX_INFLATED_BYTES);
	if (!packed)
		return -errno;
	err = from->size < head ? -EBADMSG : 0;
	if (!err && is_old) {
		err = memcmp(packed, "ZLIB", 4) ? -EBADMSG : 0;
		for (unsigned i = 4; i < ZLIB_HEAD_BYTES; i++)
			size = size << 8 | packed[i];
	} else if (!err) {
		memcpy(&ch, packed, sizeof(ch));
		err = ch.ch_type == ELFCOMPRESS_ZLIB ? 0 : -ENOTSUP;
		size = ch.ch_size;
	}
	if (!err)
		err = inflate_into(all, s, packed + head, from->size - head, size);
	free(packed);
	return err;
}

static int section_open(struct elf_file *f, enum dwarf_section_id id, struct dwarf_sections *all)
{
	struct dwarf_section *s = &all->v[id];
	struct elf_section found;
	char name[32];

	snprintf(name, sizeof(name), ".debug_%s", names[id]);
	if (!elf_file_section(f, name, &found)) {
		if (found.type == SHT_NOBITS)
			return 0;
		if (found.is_compressed)
			return unpack(f, &found, false, all, s);
		s->offset = found.offset;
		s->size = found.offset <= INT64_MAX ? found.size : 0;
		return 0;
	}
	snprintf(name, sizeof(name), ".zdebug_%s", names[id]);
	if (!elf_file_section(f, name, &found) && found.type != SHT_NOBITS)
		return unpack(f, &found, true, all, s);
	return 0;
}

int dwarf_sections_open(struct elf_file *f, struct dwarf_sections *out)
{
	int err = 0;

	*out = (struct dwarf_sections){.fd = elf_file_fd(f)};
	for (enum dwarf_section_id id = 0; !err && id < DWARF_SECTIONS; id++)
		err = section_open(f, id, out);
	if (!err && !out->v[DWARF_INFO].size)
		err = -ENOENT;
	if (err)
		dwarf_sections_release(out);
	return err;
}

void dwarf_sections_release(struct dwarf_sections *s)
{
	for (enum dwarf_section_id id = 0; id < DWARF_SECTIONS; id++)
		free(s->v[id].whole);
	*s = (struct dwarf_sections){.fd = -1};
}

/* ---- reading ---- */

int dwarf_sections_read(const struct dwarf_sections *all, enum dwarf_section_id id, uint64_t offset,
			void *out, size_t size)
{
	const struct dwarf_section *s = &all->v[id];
	ssize_t n;

	if (offset > s->size || size > s->size - offset)
		return -EFAULT;
	if (s->whole) {
		memcpy(out, s->whole + offset, size);
		return 0;
	}
	n = pread(all->fd, out, size, (off_t)(s->offset + offset));
	return n == (ssize_t)size ? 0 : -EFAULT;
}

void *dwarf_sections_copy(const struct dwarf_sections *s, enum dwarf_section_id id, uint64_t offset,
			  size_t size)
{
	void *copy;

	if (offset > s->v[id].size || size > s->v[id].size - offset) {
		errno = EFAULT;
		return NULL;
	}
	copy = malloc(size ? size : 1);
	if (copy && dwarf_sections_read(s, id, offset, copy, size)) {
		free(copy);
		errno = EFAULT;
		return NULL;
	}
	return copy;
}

struct cursor dwarf_sections_whole(struct dwarf_sections *all, enum dwarf_section_id id,
				   uint64_t offset)
{
	struct dwarf_section *s = &all->v[id];

	if (!s->whole && s->size && s->size <= MAX_WHOLE_BYTES) {
		s->whole = dwarf_sections_copy(all, id, 0, s->size);
		all->bytes += s->whole ? s->size : 0;
	}
	return cursor_of(s->whole, s->size, offset, offset <= s->size ? s->size - offset : 0);
}

bool dwarf_sections_string(const struct dwarf_sections *all, enum dwarf_section_id id,
			   uint64_t offset, char *out, size_t size)
{
	const struct dwarf_section *s = &all->v[id];
	uint64_t left = offset < s->size ? s->size - offset : 0;

	if (!left)
		return false;
	if (size - 1 > left)
		size = left + 1;
	if (dwarf_sections_read(all, id, offset, out, size - 1))
		return false;
	out[size - 1] = '\0';
	return true;
}

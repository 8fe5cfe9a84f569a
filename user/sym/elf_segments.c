/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where bytes of an ELF file are in memory, and back: by its PT_LOAD segments (elf_file.h).
 *
 * The kernel and ld.so map whole pages, so a mapping shows what surrounds a segment in its first
 * and last page, and such a page of the file may be mapped twice, at different addresses.
 */
#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <unistd.h>

#include "sym/elf_file.h"

int elf_file_offset(struct elf_file *f, uint64_t vaddr, uint64_t *offset)
{
	GElf_Phdr ph;

	for (int i = 0; gelf_getphdr(elf_file_elf(f), i, &ph); i++) {
		if (ph.p_type == PT_LOAD && vaddr >= ph.p_vaddr &&
		    vaddr - ph.p_vaddr < ph.p_filesz) {
			*offset = ph.p_offset + (vaddr - ph.p_vaddr);
			return 0;
		}
	}
	return -EFAULT;
}

int elf_file_address(struct elf_file *f, uint64_t offset, bool is_executable, uint64_t *vaddr)
{
	uint64_t in_page = (uint64_t)sysconf(_SC_PAGESIZE) - 1;
	GElf_Phdr ph;

	for (int i = 0; gelf_getphdr(elf_file_elf(f), i, &ph); i++) {
		uint64_t end;

		if (ph.p_type != PT_LOAD || (is_executable && !(ph.p_flags & PF_X)))
			continue;
		if (__builtin_add_overflow(ph.p_offset, ph.p_filesz, &end) || end > INT64_MAX)
			continue;
		if (offset < (ph.p_offset & ~in_page) || offset >= ((end + in_page) & ~in_page))
			continue;
		*vaddr = ph.p_vaddr - ph.p_offset + offset;
		return 0;
	}
	return -EFAULT;
}

int elf_file_bias(struct elf_file *f, uint64_t start, uint64_t offset, bool is_executable,
		  uint64_t *bias)
{
	uint64_t vaddr;
	int err = elf_file_address(f, offset, is_executable, &vaddr);

	if (!err)
		*bias = start - vaddr;
	return err;
}

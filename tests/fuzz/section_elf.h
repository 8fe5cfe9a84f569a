/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For fuzzers of one section: an ELF file around it.
 */
#ifndef MEMWATCH_TESTS_SECTION_ELF_H
#define MEMWATCH_TESTS_SECTION_ELF_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECTION_ELF_ADDR 0x1000

/* An ELF file of one section, in a memfd; a descriptor, or -1. */
static inline int section_elf_write(const char *name, const uint8_t *data, size_t size)
{
	static const char names_head[] = "\0.shstrtab";
	Elf64_Ehdr eh = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_DYN,
		.e_version = EV_CURRENT,
		.e_shoff = sizeof(eh),
		.e_ehsize = sizeof(eh),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = 3,
		.e_shstrndx = 1,
	};
	Elf64_Shdr sh[3] = {0};
	char names[64];
	size_t names_len = sizeof(names_head) + strlen(name) + 1;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	memcpy(names, names_head, sizeof(names_head));
	memcpy(names + sizeof(names_head), name, strlen(name) + 1);
	sh[1] = (Elf64_Shdr){.sh_name = 1,
			     .sh_type = SHT_STRTAB,
			     .sh_offset = sizeof(eh) + sizeof(sh),
			     .sh_size = names_len};
	sh[2] = (Elf64_Shdr){.sh_name = sizeof(names_head),
			     .sh_type = SHT_PROGBITS,
			     .sh_addr = SECTION_ELF_ADDR,
			     .sh_offset = sizeof(eh) + sizeof(sh) + names_len,
			     .sh_size = size};
	if (write(fd, &eh, sizeof(eh)) != sizeof(eh) || write(fd, sh, sizeof(sh)) != sizeof(sh) ||
	    write(fd, names, names_len) != (ssize_t)names_len ||
	    write(fd, data, size) != (ssize_t)size) {
		close(fd);
		return -1;
	}
	return fd;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For tests of what reads ELF files: builds a small one in memory, puts bytes
 * behind a path without a directory (memfd), and walks all that an ELF file
 * gives, touching every byte of it.
 *
 * LIMITATIONS: a helper header, for one includer per program.
 */
#ifndef MEMWATCH_TESTS_ELF_BUILD_H
#define MEMWATCH_TESTS_ELF_BUILD_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sym/elf_file.h"

#define ELF_BUILD_DATA	    0x10000u /* address of .data: int i of spec->data at + 4 i */
#define ELF_BUILD_BASE	    0x20000u /* address of .stapsdt.base */
#define ELF_BUILD_MAX_BYTES (64u << 20)

enum elf_build_section {
	EB_NULL,
	EB_DATA,
	EB_BUILD_ID,
	EB_BASE,
	EB_USDT,
	EB_SYMTAB,
	EB_DYNSYM,
	EB_STRTAB,
	EB_SHSTRTAB,
	EB_SECTIONS
};

struct elf_build_sym {
	const char *name;
	uint64_t value;
	unsigned char type; /* STT_* */
	bool import;
};

struct elf_build_usdt {
	const char *provider, *name;
	uint64_t pc, base, semaphore;
	const char *args; /* NULL: "" */
};

struct elf_build_spec {
	const struct elf_build_sym *syms; /* up to a NULL name */
	uint64_t sym_bytes;		  /* of each of them; 0: 4 */
	const int32_t *data;
	size_t data_count;
	const struct elf_build_usdt *probes; /* up to a NULL provider */
	unsigned probe_repeat;		     /* all of them so many times more */
	const unsigned char *build_id;
	size_t build_id_len;
	bool stripped; /* no .symtab */
	bool dynsym;   /* a .dynsym with the same symbols */
};

static inline void elf_build_note(FILE *out, const char *name, uint32_t type, const void *desc,
				  size_t len)
{
	Elf64_Nhdr nh = {(uint32_t)strlen(name) + 1, (uint32_t)len, type};
	static const char zeros[4];

	fwrite(&nh, sizeof(nh), 1, out);
	fwrite(name, 1, nh.n_namesz, out);
	fwrite(zeros, 1, -nh.n_namesz & 3, out);
	fwrite(desc, 1, len, out);
	fwrite(zeros, 1, -len & 3, out);
}

static inline void elf_build_usdts(FILE *out, const struct elf_build_spec *spec)
{
	for (unsigned round = 0; spec->probes && round <= spec->probe_repeat; round++) {
		for (const struct elf_build_usdt *p = spec->probes; p->provider; p++) {
			uint64_t head[3] = {p->pc, p->base, p->semaphore};
			char desc[256];
			size_t len = sizeof(head);

			memcpy(desc, head, sizeof(head));
			len += (size_t)snprintf(desc + len, sizeof(desc) - len, "%s%c%s%c%s%c",
						p->provider, 0, p->name, 0, p->args ? p->args : "",
						0);
			elf_build_note(out, "stapsdt", 3, desc, len);
		}
	}
}

static inline void elf_build_syms(FILE *out, const struct elf_build_spec *spec)
{
	Elf64_Sym sym = {0};
	uint32_t name = 1;

	fwrite(&sym, sizeof(sym), 1, out);
	for (const struct elf_build_sym *s = spec->syms; s && s->name; s++) {
		sym.st_name = name;
		sym.st_value = s->value;
		sym.st_size = spec->sym_bytes ? spec->sym_bytes : 4;
		sym.st_info = ELF64_ST_INFO(STB_GLOBAL, s->type);
		sym.st_shndx = s->import ? SHN_UNDEF : EB_DATA;
		fwrite(&sym, sizeof(sym), 1, out);
		name += (uint32_t)strlen(s->name) + 1;
	}
}

static inline void elf_build_strings(FILE *out, const struct elf_build_spec *spec)
{
	fputc('\0', out);
	for (const struct elf_build_sym *s = spec->syms; s && s->name; s++)
		fwrite(s->name, 1, strlen(s->name) + 1, out);
}

static inline void elf_build_section(FILE *out, enum elf_build_section i,
				     const struct elf_build_spec *spec, const char *names,
				     size_t names_len)
{
	switch (i) {
	case EB_DATA:
		if (spec->data_count)
			fwrite(spec->data, sizeof(*spec->data), spec->data_count, out);
		break;
	case EB_BUILD_ID:
		if (spec->build_id_len)
			elf_build_note(out, "GNU", NT_GNU_BUILD_ID, spec->build_id,
				       spec->build_id_len);
		break;
	case EB_BASE:
		fputc('\0', out);
		break;
	case EB_USDT:
		elf_build_usdts(out, spec);
		break;
	case EB_SYMTAB:
	case EB_DYNSYM:
		elf_build_syms(out, spec);
		break;
	case EB_STRTAB:
		elf_build_strings(out, spec);
		break;
	case EB_SHSTRTAB:
		fwrite(names, 1, names_len, out);
		break;
	default:
		break;
	}
}

/* The file's bytes (free() them), sections headers last. */
static inline unsigned char *elf_build(const struct elf_build_spec *spec, size_t *len)
{
	static const char names[] = "\0.data\0.note.gnu.build-id\0.stapsdt.base\0.note.stapsdt\0"
				    ".symtab\0.dynsym\0.strtab\0.shstrtab";
	static const uint32_t types[EB_SECTIONS] = {
		SHT_NULL,   SHT_PROGBITS, SHT_NOTE,   SHT_PROGBITS, SHT_NOTE,
		SHT_SYMTAB, SHT_DYNSYM,	  SHT_STRTAB, SHT_STRTAB,
	};
	Elf64_Shdr sh[EB_SECTIONS] = {0};
	Elf64_Ehdr eh = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = EB_SECTIONS,
		.e_shstrndx = EB_SHSTRTAB,
	};
	Elf64_Phdr ph = {.p_type = PT_LOAD, .p_vaddr = ELF_BUILD_DATA};
	char *bytes = NULL;
	uint32_t name = 1;
	FILE *out = open_memstream(&bytes, len);

	fwrite(&eh, sizeof(eh), 1, out);
	fwrite(&ph, sizeof(ph), 1, out);
	for (unsigned i = 1; i < EB_SECTIONS; i++) {
		while (ftell(out) % 8)
			fputc('\0', out);
		sh[i].sh_offset = (uint64_t)ftell(out);
		elf_build_section(out, i, spec, names, sizeof(names));
		sh[i].sh_size = (uint64_t)ftell(out) - sh[i].sh_offset;
		sh[i].sh_type = types[i];
		sh[i].sh_name = name;
		sh[i].sh_addralign = types[i] == SHT_NOTE ? 4 : 8;
		name += (uint32_t)strlen(names + name) + 1;
	}
	while (ftell(out) % 8)
		fputc('\0', out);
	sh[EB_BASE].sh_addr = ELF_BUILD_BASE;
	sh[EB_SYMTAB].sh_link = sh[EB_DYNSYM].sh_link = EB_STRTAB;
	sh[EB_SYMTAB].sh_entsize = sh[EB_DYNSYM].sh_entsize = sizeof(Elf64_Sym);
	sh[EB_SYMTAB].sh_type = spec->stripped ? SHT_NULL : SHT_SYMTAB;
	sh[EB_DYNSYM].sh_type = spec->dynsym ? SHT_DYNSYM : SHT_NULL;
	eh.e_shoff = (uint64_t)ftell(out);
	fwrite(sh, sizeof(sh), 1, out);
	fclose(out);

	ph.p_offset = sh[EB_DATA].sh_offset;
	ph.p_filesz = sh[EB_DATA].sh_size;
	ph.p_memsz = ph.p_filesz + 4096; /* .bss behind it */
	memcpy(bytes, &eh, sizeof(eh));
	memcpy(bytes + sizeof(eh), &ph, sizeof(ph));
	return (unsigned char *)bytes;
}

/* The header of section @i, in the bytes of a built file. */
static inline Elf64_Shdr *elf_build_shdr(unsigned char *bytes, enum elf_build_section i)
{
	Elf64_Ehdr eh;

	memcpy(&eh, bytes, sizeof(eh));
	return (Elf64_Shdr *)(void *)(bytes + eh.e_shoff) + i;
}

/* A memfd with these bytes, and its path; -1 if there is none. */
static inline int elf_build_memfd(const void *bytes, size_t len, char path[32])
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	if (write(fd, bytes, len) != (ssize_t)len) {
		close(fd);
		return -1;
	}
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

/* ---- walking ---- */

struct elf_walk {
	uint64_t symbols, probes, sum; /* sum: so that no read is optimised away */
};

static inline int elf_walk_symbol(void *arg, const struct elf_symbol *s)
{
	struct elf_walk *w = arg;

	w->symbols++;
	w->sum += strlen(s->name) + s->value + s->size + s->type;
	return 0;
}

static inline int elf_walk_usdt(void *arg, const struct elf_usdt *u)
{
	struct elf_walk *w = arg;

	w->probes++;
	w->sum += strlen(u->provider) + strlen(u->name) + strlen(u->args) + u->pc + u->semaphore;
	return 0;
}

/* All of an ELF file. False if it was not opened. */
static inline bool elf_walk_path(const char *path, struct elf_walk *w)
{
	static const uint64_t addrs[] = {
		0, 1, ELF_BUILD_DATA, 0x400000, UINT64_MAX, UINT64_MAX - 7, INT64_MAX, 0x1000};
	struct elf_file *f = elf_file_open(path);
	unsigned char buf[64];

	*w = (struct elf_walk){0};
	if (!f)
		return false;
	elf_file_for_each_symbol(f, elf_walk_symbol, w);
	elf_file_for_each_usdt(f, elf_walk_usdt, w);
	for (size_t i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
		if (!elf_file_read(f, addrs[i], buf, sizeof(buf)))
			w->sum += buf[0] + buf[63];
	}
	w->sum += strlen(elf_file_build_id(f)) + elf_file_has_dwarf(f) + elf_file_has_symtab(f);
	elf_file_free(f);
	return true;
}

#endif

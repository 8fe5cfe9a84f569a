/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An ELF file of a process, opened safely: sections, symbols by name, USDT
 * notes. Files are hostile input: libelf validates the structure, every
 * loop here is bounded, and no string is used without its length.
 */
#ifndef MEMWATCH_SYM_ELF_FILE_H
#define MEMWATCH_SYM_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_file;

enum elf_table { ELF_SYMTAB, ELF_DYNSYM, ELF_TABLES };

struct elf_symbol {
	const char *name; /* not empty; valid until elf_file_free() */
	uint64_t value;	  /* virtual address in the file's own terms */
	uint64_t size;
	uint32_t name_offset;  /* in the strings of @table */
	unsigned char type;    /* STT_* */
	unsigned char binding; /* STB_* */
	unsigned char table;   /* enum elf_table */
	bool is_code;	       /* in an executable section */
};

struct elf_section {
	uint64_t addr, offset, size; /* @offset: in the file */
	uint32_t type;		     /* SHT_*; SHT_NOBITS has no bytes in the file */
	bool is_compressed;
};

struct elf_usdt {
	const char *provider; /* valid until elf_file_free() */
	const char *name;
	const char *args;   /* one string for all, see usdt_arg.h; "" for none. Of any length */
	uint64_t pc;	    /* as in the note, prelink-adjusted by .stapsdt.base */
	uint64_t semaphore; /* 0 for none */
};

/**
 * elf_file_open - open an executable or a shared library
 *
 * Only regular files are opened at all (never a device or a FIFO), and never
 * mapped, so that a file which shrinks meanwhile is an error and not SIGBUS.
 *
 * Returns NULL with errno set: ENOENT, EACCES, EISDIR, ENOMEM ..., or ENOEXEC
 * for what is not a 64-bit ET_EXEC or ET_DYN ELF of this machine's byte order.
 */
struct elf_file *elf_file_open(const char *path);
/** elf_file_free - takes NULL */
void elf_file_free(struct elf_file *f);

/**
 * elf_file_for_each_symbol - .symtab, and .dynsym too (a name may come twice)
 * @fn: returns 0 to go on; anything else ends the walk and is returned
 *
 * Symbols that the file only imports (SHN_UNDEF) and nameless ones are left out.
 * Returns 0 at the end; -E2BIG (a table of more than 8M symbols) or -EBADMSG (a
 * damaged one) after the tables that could be walked were.
 */
int elf_file_for_each_symbol(struct elf_file *f, int (*fn)(void *arg, const struct elf_symbol *),
			     void *arg);
/** elf_file_for_each_symbol_in - the same for one table; also 0 if there is none */
int elf_file_for_each_symbol_in(struct elf_file *f, enum elf_table table,
				int (*fn)(void *arg, const struct elf_symbol *), void *arg);
/** elf_file_strings - where the names of a table are in the file; 0, or -ENOENT */
int elf_file_strings(struct elf_file *f, enum elf_table table, struct elf_section *out);
/** elf_file_section - the first section of that name; 0, or -ENOENT */
int elf_file_section(struct elf_file *f, const char *name, struct elf_section *out);
/**
 * elf_file_section_read - a copy of a section's bytes, to be freed
 *
 * NULL with errno set: E2BIG (more than @max_bytes), ENODATA (SHT_NOBITS), ENOTSUP
 * (compressed), EFAULT (behind the end of the file), ENOMEM.
 */
void *elf_file_section_read(struct elf_file *f, const struct elf_section *s, uint64_t max_bytes);
/**
 * elf_file_for_each_usdt - the .note.stapsdt notes
 * @fn: as above
 *
 * Returns 0 at the end, also when there is no such section; -E2BIG (more than
 * 64k notes) or -EBADMSG (damaged) after the notes before that.
 */
int elf_file_for_each_usdt(struct elf_file *f, int (*fn)(void *arg, const struct elf_usdt *),
			   void *arg);
/**
 * elf_file_read - copies @len bytes of initialised data at virtual address @addr
 *
 * As in the file: relocations are not applied. Within one PT_LOAD segment, and
 * not .bss. Returns 0 or -EFAULT.
 */
int elf_file_read(struct elf_file *f, uint64_t addr, void *out, size_t len);
/**
 * elf_file_offset - where in the file the byte at virtual address @vaddr is (for uprobes)
 *
 * Returns 0, or -EFAULT if no PT_LOAD segment holds it.
 */
int elf_file_offset(struct elf_file *f, uint64_t vaddr, uint64_t *offset);
/**
 * elf_file_address - the virtual address at which the byte at @offset is loaded
 * @is_executable: by an executable segment; pages of the file may be in two segments
 *
 * Whole pages: what surrounds a segment in its first and last page counts as its.
 * Returns 0, or -EFAULT if no segment loads it.
 */
int elf_file_address(struct elf_file *f, uint64_t offset, bool is_executable, uint64_t *vaddr);
/**
 * elf_file_bias - address in the process minus address in the file
 * @start, @offset, @is_executable: of one mapping of it
 *
 * Returns 0 or -EFAULT. @bias wraps around: 0 for what was not relocated.
 */
int elf_file_bias(struct elf_file *f, uint64_t start, uint64_t offset, bool is_executable,
		  uint64_t *bias);
bool elf_file_has_symtab(const struct elf_file *f); /* .symtab: not stripped */
bool elf_file_has_dwarf(const struct elf_file *f);  /* .debug_info or .zdebug_info */
/** elf_file_machine - EM_X86_64, EM_AARCH64 ... */
uint16_t elf_file_machine(const struct elf_file *f);
/** elf_file_fd - open for reading; of @f */
int elf_file_fd(const struct elf_file *f);
/** elf_file_elf - libelf's handle, opened to read and not to map; of @f */
struct Elf *elf_file_elf(const struct elf_file *f);
/** elf_file_build_id - hex of the NT_GNU_BUILD_ID note, or "" */
const char *elf_file_build_id(const struct elf_file *f);

#endif

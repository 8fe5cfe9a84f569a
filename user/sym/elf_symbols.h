/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The functions of an ELF file by address: a sorted table of 16 bytes a function.
 * Names stay in the file and are read when they are asked for.
 */
#ifndef MEMWATCH_SYM_ELF_SYMBOLS_H
#define MEMWATCH_SYM_ELF_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#include "sym/elf_file.h"

#define ELF_NAME_BYTES 4096 /* longer names are cut */

struct elf_symbols;

/**
 * elf_symbols_load - from .symtab, or from .dynsym where that has none
 *
 * @f may be freed afterwards. Of several names of an address one is kept: the one with a size,
 * then with the fewest leading underscores, then global before local before weak, then the
 * shortest. Returns NULL with errno set: ENOENT (no functions), ENOMEM ...
 */
struct elf_symbols *elf_symbols_load(struct elf_file *f);
/** elf_symbols_free - takes NULL */
void elf_symbols_free(struct elf_symbols *s);

/**
 * elf_symbols_find - the function that @addr is in
 * @name: ELF_NAME_BYTES, without the version that the linker appends (memcpy@@GLIBC_2.14)
 * @start: where it begins
 *
 * Returns 0, -ENOENT, or -EFAULT if the name could not be read.
 */
int elf_symbols_find(const struct elf_symbols *s, uint64_t addr, char *name, uint64_t *start);

size_t elf_symbols_count(const struct elf_symbols *s);
/** elf_symbols_bytes - memory in use */
size_t elf_symbols_bytes(const struct elf_symbols *s);

#endif

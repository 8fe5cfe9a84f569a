/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Separate debug files: the symbols and DWARF that were stripped off an ELF file.
 */
#ifndef MEMWATCH_SYM_DEBUG_FILE_H
#define MEMWATCH_SYM_DEBUG_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "sym/debuginfod.h"
#include "sym/elf_file.h"

/**
 * debug_file_open - the debug file of @f, from where distributions put it
 * @pid:  a process that maps @f: its root is searched first, then ours
 * @path: of @f, as that process maps it
 * @budget: for servers
 *
 * Its build id must be that of @f, or its CRC the one in @f where that has no build id.
 * NULL with errno set: ENOENT (there is none that matches) ...
 */
struct elf_file *debug_file_open(pid_t pid, const char *path, struct elf_file *f,
				 struct debuginfod_budget *budget);

/**
 * debug_file_find - the debug file of a build id, where the file that it is of is not at hand
 * @build_id: hexadecimal; anything else is not found
 *
 * In our own root only. NULL with errno set: ENOENT ...
 */
struct elf_file *debug_file_find(const char *build_id, struct debuginfod_budget *budget);

#endif

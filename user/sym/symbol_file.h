/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The files that processes map, and what is known of each: once, however many map it.
 * Contents (symbols, frame descriptions, lines) are loaded when first asked for; of
 * files past a limit the least recently used ones give theirs up and are read anew when needed.
 */
#ifndef MEMWATCH_SYM_SYMBOL_FILE_H
#define MEMWATCH_SYM_SYMBOL_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sym/cfi.h"
#include "sym/dwarf_lines.h"
#include "sym/elf_symbols.h"
#include "sym/go_table.h"
#include "sym/proc_maps.h"

#define SYMBOL_FILES_LOADED 128 /* files that are held open at once */

struct symbol_files;
struct symbol_file;

/** symbol_files_new - NULL with errno set */
struct symbol_files *symbol_files_new(void);
/** symbol_files_free - after all of its files were put; takes NULL */
void symbol_files_free(struct symbol_files *all);
/** symbol_files_known - of how many symbols were asked for so far, also of those that were freed */
uint64_t symbol_files_known(const struct symbol_files *all);

/**
 * symbol_file_get - the file of a mapping, whether it can be read or not
 *
 * The same one for the same device, inode, path and time of change. To be put back.
 * Also for "[vdso]", which is a copy of our own: the kernel has one for all of an ABI.
 * Returns NULL with errno set: ENOENT (no file is mapped there), ENOMEM.
 */
struct symbol_file *symbol_file_get(struct symbol_files *all, pid_t pid, const struct proc_map *m);
/**
 * symbol_file_find - a file without a process: by its path, if it still is that file, or else its
 * debug file
 * @path, @build_id: as they were recorded: hostile
 *
 * It is open, until as many others were opened as may be. To be put back. NULL with errno set:
 * ENOENT ...
 */
struct symbol_file *symbol_file_find(struct symbol_files *all, const char *path,
				     const char *build_id);
/** symbol_file_put - frees it after the last one; takes NULL */
void symbol_file_put(struct symbol_files *all, struct symbol_file *f);

/**
 * symbol_file_open - what the others need first
 * @pid, @m: of the call before it, or of another process that maps it
 *
 * It stays open until as many others were opened as may be, so call it before each use.
 * Returns 0, or the negative errno of elf_file_open(), which is remembered.
 */
int symbol_file_open(struct symbol_files *all, struct symbol_file *f, pid_t pid,
		     const struct proc_map *m);

/* Only after symbol_file_open(); of it or of its separate debug file; NULL where the file has no
 * such thing. */
struct elf_file *symbol_file_elf(struct symbol_file *f);
const struct elf_symbols *symbol_file_symbols(struct symbol_file *f, pid_t pid);
struct dwarf_lines *symbol_file_lines(struct symbol_file *f, pid_t pid);
const struct go_table *symbol_file_go(struct symbol_file *f); /* where it has no symbols */
struct cfi *symbol_file_cfi(struct symbol_file *f, pid_t pid);
/** symbol_file_keeps_frame_pointers - nearly all of its functions do; see cfi_frame_pointers() */
bool symbol_file_keeps_frame_pointers(struct symbol_file *f);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names for native addresses of a process: ELF symbols, separate debug files, source lines and
 * inlined functions by DWARF, perf maps of JITs; and unwinding of code without frame pointers.
 *
 * Files are read through the target's mount namespace, once each however many
 * processes map them. Caches are bounded. Nothing here stops or writes to a process.
 */
#ifndef MEMWATCH_SYM_SYMBOLIZER_H
#define MEMWATCH_SYM_SYMBOLIZER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/intern.h"
#include "memwatch/sites.h"
#include "model/frame.h"
#include "sym/proc_maps.h"

struct symbol_file;    /* one file */
struct symbolizer;     /* the files, for all processes */
struct symbol_process; /* one process */

/** symbolizer_new - names go to @names, which must outlive it. NULL with errno set */
struct symbolizer *symbolizer_new(struct intern *names);
/** symbolizer_free - after all of its processes; takes NULL */
void symbolizer_free(struct symbolizer *s);
/** symbolizer_files - in how many files something was named so far: the first time is dear */
uint64_t symbolizer_files(const struct symbolizer *s);

/** symbol_process_new - reads its executable mappings. NULL with errno set (ESRCH, EACCES ...) */
struct symbol_process *symbol_process_new(struct symbolizer *s, pid_t pid);
void symbol_process_free(struct symbol_process *p);

/** symbol_process_maps - the executable mappings as of the last refresh */
const struct proc_maps *symbol_process_maps(const struct symbol_process *p);
/** symbol_process_refresh - reads the mappings and the perf map anew; once a second at the most is
 *  enough: an address outside all known mappings does so by itself. 0 or -errno */
int symbol_process_refresh(struct symbol_process *p);

/**
 * symbol_process_resolve - the frames at @ip, innermost first
 * @is_return: @ip is a return address: the call before it is meant
 * @out:       @max entries, 1 at the least; more than one where DWARF knows inlined functions
 *
 * Always gives one frame at the least: FRAME_UNKNOWN with the module if there is no symbol.
 * Returns how many.
 */
unsigned symbol_process_resolve(struct symbol_process *p, uint64_t ip, bool is_return,
				struct frame *out, unsigned max);

/**
 * symbolizer_find - the file that a frame was in, when its process may be gone; NULL with errno set
 * @path, @build_id: as recorded
 *
 * See symbol_file_find(). At most SYMBOL_FILES_LOADED at once, each put back.
 */
struct symbol_file *symbolizer_find(struct symbolizer *s, const char *path, const char *build_id);
void symbolizer_put(struct symbolizer *s, struct symbol_file *f);
/**
 * symbolizer_name - the frames at @of->module_address in that file, innermost first
 * @of:  what is known of it already
 * @out: @max entries, 1 at the least
 *
 * Always gives one at the least: @of itself if there is no name. Returns how many.
 */
unsigned symbolizer_name(struct symbolizer *s, struct symbol_file *f, const struct frame *of,
			 struct frame *out, unsigned max);

/**
 * symbol_process_unwind - return addresses of a copied stack, by .eh_frame or .debug_frame
 * @ips: @max entries; the first is where the thread was
 * @is_cut: set if the walk ended before the outermost frame
 *
 * Returns how many (at least 1).
 */
unsigned symbol_process_unwind(struct symbol_process *p, const struct mw_stack_copy *copy,
			       uint64_t *ips, unsigned max, bool *is_cut);

/**
 * symbol_process_link_is_live - whether arm64's link register is all that has a leaf's caller
 * @ip:   where the leaf is
 * @link: the register, which leads to code
 *
 * By the leaf's frame description; where there is none, it is if the two are not one function.
 * False if @link is left over from a call that the leaf has made.
 */
bool symbol_process_link_is_live(struct symbol_process *p, uint64_t ip, uint64_t link);

struct text_range {
	uint64_t start, end;
	bool has_frame_pointers; /* its functions keep them, nearly all */
	bool is_executable;	 /* of the main program, not of a library */
};

/**
 * symbol_process_text - the executable, file-backed mappings and whether their code keeps frame
 * pointers, judged by the frame descriptions (.eh_frame) of the file
 *
 * Returns how many, at most @max, the executable's first.
 */
unsigned symbol_process_text(struct symbol_process *p, struct text_range *out, unsigned max);

#endif

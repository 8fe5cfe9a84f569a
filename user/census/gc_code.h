/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The code of V8 that is on a thread's stack while it collects garbage, and at no other time. */
#ifndef MEMWATCH_CENSUS_GC_CODE_H
#define MEMWATCH_CENSUS_GC_CODE_H

#include "memwatch/sites.h" /* struct mw_range */
#include "sym/elf_file.h"

#define GC_CODE_MAX 64

/**
 * gc_code_read - ranges of it, as addresses of the process, by address
 * @bias: of the file in the process (elf_file_bias())
 * @out: at least GC_CODE_MAX
 *
 * Returns how many; 0: the file's symbols do not tell.
 */
unsigned gc_code_read(struct elf_file *f, uint64_t bias, struct mw_range *out);

#endif

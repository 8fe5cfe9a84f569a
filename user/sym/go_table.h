/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table of functions and lines that every Go program carries for its own tracebacks
 * (.gopclntab), also when it was stripped.
 */
#ifndef MEMWATCH_SYM_GO_TABLE_H
#define MEMWATCH_SYM_GO_TABLE_H

#include <stdint.h>

#include "sym/elf_file.h"

#define GO_NAME_BYTES 1024 /* longer ones are cut */

struct go_table;

struct go_function {
	char fn[GO_NAME_BYTES];
	char file[GO_NAME_BYTES]; /* ""; unknown */
	uint32_t line;		  /* 0: unknown, or in a function that was inlined */
	uint64_t start;
};

/**
 * go_table_open - of Go 1.16 and newer
 * @f: must outlive it
 *
 * NULL with errno set: ENOENT (it is not Go's), ENOTSUP (of another version), EBADMSG, ENOMEM.
 */
struct go_table *go_table_open(struct elf_file *f);
/** go_table_free - takes NULL */
void go_table_free(struct go_table *t);
/** go_table_find - the function at @addr; 0, -ENOENT, -EBADMSG */
int go_table_find(const struct go_table *t, uint64_t addr, struct go_function *out);

#endif

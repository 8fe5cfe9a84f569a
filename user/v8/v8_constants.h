/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * V8's metadata for debuggers: v8dbg_* constants of its file, taken into the int32_t fields of
 * a struct by a table; and tables of what they leave out, by version.
 *
 * Names of constants end in the field's C++ type, which changes from version to version: they
 * are matched up to there.
 */
#ifndef MEMWATCH_V8_V8_CONSTANTS_H
#define MEMWATCH_V8_V8_CONSTANTS_H

#include <stddef.h>
#include <stdint.h>

#include "sym/elf_file.h"

#define V8_CONSTANT_PREFIX "v8dbg_"
#define V8_ABSENT	   (-1)
#define V8_CONSTANTS_MAX   256 /* rows of a table */

/* A row: the first one that a file has counts, for each field. */
struct v8_constant {
	const char *name; /* without "v8dbg_"; one that ends in "__" is of any type */
	size_t field;	  /* offset of an int32_t */
};

/* What the constants leave out: the first row whose versions fit, and only if it is absent. */
struct v8_gap {
	uint64_t since, until; /* V8_VERSION(); up to but not including; 0: all */
	size_t field;
	int32_t value;
};

struct v8_constants {
	const struct v8_constant *rows;
	size_t count; /* at most V8_CONSTANTS_MAX */
	void *out;
	uint8_t taken[V8_CONSTANTS_MAX]; /* 1: the row was found */
	unsigned found;
};

/** v8_constants_init - makes all fields of @rows absent; @rows and @out must outlive it */
void v8_constants_init(struct v8_constants *c, const struct v8_constant *rows, size_t count,
		       void *out);
/** v8_constants_take - @sym is a v8dbg_* symbol of @f: its value, if it is wanted */
void v8_constants_take(struct v8_constants *c, struct elf_file *f, const struct elf_symbol *sym);
/** v8_constant_value - of a symbol; 0 for one in .bss, of which the file has no bytes */
int32_t v8_constant_value(struct elf_file *f, const struct elf_symbol *sym);
/** v8_gaps_clear - makes all fields of @gaps absent */
void v8_gaps_clear(const struct v8_gap *gaps, size_t count, void *out);
/** v8_gaps_fill - what is absent in @out, for a version */
void v8_gaps_fill(const struct v8_gap *gaps, size_t count, uint64_t version, void *out);

#endif

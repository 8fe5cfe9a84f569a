/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Call frame information: how to get from a function to its caller without a frame pointer.
 * .eh_frame or .debug_frame of an ELF file, read with the distrust that files deserve.
 */
#ifndef MEMWATCH_SYM_CFI_H
#define MEMWATCH_SYM_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memwatch/sites.h"
#include "sym/elf_file.h"

struct cfi;

/* Registers of one frame, numbered as in struct mw_stack_copy. */
struct cfi_regs {
	uint64_t v[MW_REGS];
	uint64_t known; /* bit i: v[i] is known */
};

/* Reads eight bytes of the stack; 0 or a negative errno. */
typedef int (*cfi_read_fn)(void *arg, uint64_t addr, uint64_t *out);

enum cfi_step { CFI_STEP, CFI_OUTERMOST };

/**
 * cfi_load - .eh_frame of @f, else .debug_frame
 *
 * Takes what it needs out of @f. NULL with errno set: ENOENT (neither), ENOMEM ...
 */
struct cfi *cfi_load(struct elf_file *f);
/** cfi_free - takes NULL */
void cfi_free(struct cfi *c);

/**
 * cfi_step - from a frame to its caller
 * @pc:     address in the file's own terms, of the instruction that the frame is at: of a return
 *          address the one before
 * @bias:   address in the process minus that
 * @regs:   of the frame; then of its caller
 * @signal: set if the caller was interrupted and did not call: its pc is no return address
 *
 * Returns CFI_STEP, CFI_OUTERMOST (the frame has no caller), -ENOENT (@pc is not described),
 * -EBADMSG (the description makes no sense), or what @read returned.
 */
int cfi_step(struct cfi *c, uint64_t pc, uint64_t bias, struct cfi_regs *regs, cfi_read_fn read,
	     void *arg, bool *signal);

/**
 * cfi_return_is_saved - whether the function has put its return address into its frame at @pc
 *
 * 0: it is still in the register that a call leaves it in, arm64's link register. Else 1 (always,
 * where calls push it), -ENOENT or -EBADMSG as cfi_step().
 */
int cfi_return_is_saved(const struct cfi *c, uint64_t pc);

/**
 * cfi_frame_pointers - the share of code whose functions establish a frame pointer
 *
 * Of those that use the stack at all, by size; of a sample, evenly taken, if there are many.
 * Negative if nothing can be told from it.
 */
double cfi_frame_pointers(struct cfi *c);

/** cfi_count - how many functions are described */
size_t cfi_count(const struct cfi *c);
/** cfi_address - where the @i-th of them begins, by address */
uint64_t cfi_address(const struct cfi *c, size_t i);

#endif

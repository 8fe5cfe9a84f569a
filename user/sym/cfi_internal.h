/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the parts of cfi share: entries and rows.
 */
#ifndef MEMWATCH_SYM_CFI_INTERNAL_H
#define MEMWATCH_SYM_CFI_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sym/cfi.h"
#include "sym/cursor.h"

#if defined(__aarch64__)
enum { CFI_FP = 29, CFI_SP = 31, CFI_PC = 32 };
#define CFI_CALLEE_SAVED 0x3ff80000ULL /* x19..x29 */
#else
enum { CFI_FP = 6, CFI_SP = 7, CFI_PC = 16 };
#define CFI_CALLEE_SAVED 0xf048ULL /* rbx rbp r12..r15 */
#endif

struct cfi_cie {
	uint64_t code_align;
	int64_t data_align;
	uint64_t return_column;
	uint8_t pointer_encoding; /* DW_EH_PE_* of addresses in its FDEs */
	bool has_augmentation;	  /* its FDEs begin with such data */
	bool is_signal;
	struct cursor program;
};

struct cfi_fde {
	struct cfi_cie cie;
	uint64_t start, size;
	struct cursor program;
};

enum cfi_rule_kind {
	RULE_UNSPECIFIED,
	RULE_UNDEFINED,
	RULE_SAME,
	RULE_OFFSET,	     /* saved at CFA + offset */
	RULE_VAL_OFFSET,     /* is CFA + offset */
	RULE_REGISTER,	     /* is in register @reg */
	RULE_EXPRESSION,     /* saved where the expression says */
	RULE_VAL_EXPRESSION, /* is what the expression says */
};

struct cfi_rule {
	uint8_t kind;
	uint8_t reg;
	int64_t offset;
	struct cursor expression;
};

/* How to unwind at one address. CFA: RULE_VAL_OFFSET of @cfa.reg, or RULE_VAL_EXPRESSION. */
struct cfi_row {
	struct cfi_rule cfa;
	struct cfi_rule regs[MW_REGS];
};

/** cfi_pointer - an encoded pointer; sets @c->bad for what is not supported */
uint64_t cfi_pointer(const struct cfi *cfi, struct cursor *c, uint8_t encoding);
/** cfi_fde_at - parses the FDE at an offset in the section; 0, -ENOENT (a CIE), -EBADMSG */
int cfi_fde_at(const struct cfi *cfi, uint64_t offset, struct cfi_fde *out);
/** cfi_find - the FDE that @pc is in; 0, -ENOENT, -EBADMSG */
int cfi_find(const struct cfi *cfi, uint64_t pc, struct cfi_fde *out);
/** cfi_row_at - interprets up to @pc, which is in @fde; 0 or -EBADMSG */
int cfi_row_at(const struct cfi *cfi, const struct cfi_fde *fde, uint64_t pc, struct cfi_row *out);

enum cfi_use { CFI_NO_STACK, CFI_STACK, CFI_FRAME_POINTER };
/** cfi_fde_use - what the whole function does with the stack */
enum cfi_use cfi_fde_use(const struct cfi *cfi, const struct cfi_fde *fde);

#endif

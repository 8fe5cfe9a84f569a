/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract of the kernel and the user side about arguments of USDT probes: where one is when a
 * thread is at the probe. user/sym/usdt_arg.h reads that from the file, bpf/usdt.bpf.h fetches it.
 */
#ifndef MEMWATCH_USDT_H
#define MEMWATCH_USDT_H

#ifndef __bpf__
#include <linux/types.h>
#endif

enum mw_usdt_kind {
	MW_USDT_NONE, /* there is no such argument, or nobody wants it */
	MW_USDT_CONST,
	MW_USDT_REGISTER,
	MW_USDT_MEMORY, /* at base + index << scale + offset */
};

/* Registers of x86-64. Of arm64: x0 to x30 by their number, and the stack pointer. */
enum mw_usdt_reg {
	MW_USDT_AX,
	MW_USDT_BX,
	MW_USDT_CX,
	MW_USDT_DX,
	MW_USDT_SI,
	MW_USDT_DI,
	MW_USDT_BP,
	MW_USDT_SP,
	MW_USDT_R8,
	MW_USDT_R15 = MW_USDT_R8 + 7,
	MW_USDT_IP,
	MW_USDT_ARM_SP = 31,
	MW_USDT_NO_REG = 255, /* counts as 0 */
};

struct mw_usdt_arg {
	__s32 offset; /* the constant, or of the memory */
	__u8 kind;    /* enum mw_usdt_kind */
	__u8 size;    /* 1, 2, 4 or 8 bytes count */
	__u8 is_signed;
	__u8 base;  /* enum mw_usdt_reg; the register, or of the memory */
	__u8 index; /* of the memory, MW_USDT_NO_REG if there is none */
	__u8 scale; /* 0 to 3 bits */
	__u8 shift; /* to the right, in bits: 8 for %ah */
	__u8 reserved;
};

_Static_assert(sizeof(struct mw_usdt_arg) == 12, "the same on both sides");

#endif

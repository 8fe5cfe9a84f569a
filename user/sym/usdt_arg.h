/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the arguments of a USDT probe are, as its note has it: operands that the compiler wrote
 * into a string, in the words of the assembler ("4@%edi -4@$3 8@-8(%rbp)", "4@w0 8@[sp, 16] 4@5").
 */
#ifndef MEMWATCH_SYM_USDT_ARG_H
#define MEMWATCH_SYM_USDT_ARG_H

#include "memwatch/usdt.h"

#define USDT_ARGS_BYTES 1024 /* of a string that is looked at */

enum usdt_machine {
	USDT_X86_64,
	USDT_ARM64,
#if defined(__aarch64__)
	USDT_THIS_MACHINE = USDT_ARM64,
#else
	USDT_THIS_MACHINE = USDT_X86_64,
#endif
};

/**
 * usdt_arg_parse - argument @index, from 0
 * @args: of all arguments; any text
 *
 * Returns 0; -ENOENT if there are fewer; -E2BIG if @args is longer than USDT_ARGS_BYTES; -ENOTSUP
 * for what is no register, constant or memory by registers: floating point, symbols, damage.
 */
int usdt_arg_parse(const char *args, unsigned index, enum usdt_machine machine,
		   struct mw_usdt_arg *out);

#endif

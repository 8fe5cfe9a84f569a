/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libFuzzer: the input is the arguments of a USDT probe, which whoever makes a file may choose.
 * What is read must be within what the kernel side takes.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sym/usdt_arg.h"

static void check(int condition)
{
	if (!condition)
		abort();
}

static int is_register(unsigned reg, enum usdt_machine machine)
{
	return reg == MW_USDT_NO_REG ||
	       reg <= (machine == USDT_X86_64 ? (unsigned)MW_USDT_IP : (unsigned)MW_USDT_ARM_SP);
}

static void check_arg(const struct mw_usdt_arg *arg, enum usdt_machine machine)
{
	check(arg->kind >= MW_USDT_CONST && arg->kind <= MW_USDT_MEMORY);
	check(arg->size && arg->size <= 8 && !(arg->size & (arg->size - 1)));
	check(is_register(arg->base, machine) && is_register(arg->index, machine));
	check(arg->kind != MW_USDT_REGISTER || arg->base != MW_USDT_NO_REG);
	check(arg->scale <= 3 && (arg->shift == 0 || arg->shift == 8));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *args = malloc(size + 1);

	if (!args)
		return -1;
	memcpy(args, data, size);
	args[size] = '\0';
	for (enum usdt_machine machine = USDT_X86_64; machine <= USDT_ARM64; machine++) {
		struct mw_usdt_arg arg;
		unsigned i = 0;
		int err;

		while ((err = usdt_arg_parse(args, i, machine, &arg)) == 0 || err == -ENOTSUP) {
			if (!err)
				check_arg(&arg, machine);
			check(i++ <= size);
		}
		check(err == -ENOENT || err == -E2BIG);
	}
	free(args);
	return 0;
}

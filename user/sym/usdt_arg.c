// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * SIZE@OPERAND, separated by spaces; a negative size for what is signed (SystemTap wiki,
 * UserSpaceProbeImplementation). Operands:
 *   x86-64  $CONST  %REG  OFFSET(%BASE,%INDEX,SCALE), each part of which but the brackets may miss
 *   arm64   CONST   REG   [BASE]  [BASE, OFFSET]  [BASE, INDEX]  [BASE, INDEX, lsl BITS]
 *
 * Each reader takes what it knows off the front of the text and says whether it was there.
 */
#include "sym/usdt_arg.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define REGISTER_BYTES 8 /* of a name, and its NUL */

static bool take(const char **s, const char *token)
{
	size_t len = strlen(token);

	if (strncmp(*s, token, len) != 0)
		return false;
	*s += len;
	return true;
}

static void skip_spaces(const char **s)
{
	*s += strspn(*s, " \t");
}

static bool take_number(const char **s, long min, long max, long *out)
{
	const char *digits = *s + (**s == '-');
	char *end;

	if (!isdigit((unsigned char)*digits))
		return false;
	errno = 0;
	*out = strtol(*s, &end, 0);
	if (errno || *out < min || *out > max)
		return false;
	*s = end;
	return true;
}

/* "4@", "-4@" */
static bool take_size(const char **s, struct mw_usdt_arg *out)
{
	long size;

	if (!take_number(s, -8, 8, &size) || !take(s, "@"))
		return false;
	out->is_signed = size < 0;
	out->size = (__u8)labs(size);
	return out->size == 1 || out->size == 2 || out->size == 4 || out->size == 8;
}

static bool take_offset(const char **s, struct mw_usdt_arg *out)
{
	long offset;

	if (!take_number(s, INT32_MIN, INT32_MAX, &offset))
		return false;
	out->offset = (__s32)offset;
	return true;
}

/* A word of letters and digits; false if there is none, or it is too long for a register. */
static bool take_word(const char **s, char word[REGISTER_BYTES])
{
	size_t len = 0;

	while (isalnum((unsigned char)(*s)[len]))
		len++;
	if (!len || len >= REGISTER_BYTES)
		return false;
	memcpy(word, *s, len);
	word[len] = '\0';
	*s += len;
	return true;
}

/* --- x86-64 --- */

/* The names of each register, of 8 bytes to 1; what is in its second byte has a name too. */
static const struct {
	const char *names[4], *high;
} x86_registers[] = {
	[MW_USDT_AX] = {{"rax", "eax", "ax", "al"}, "ah"},
	[MW_USDT_BX] = {{"rbx", "ebx", "bx", "bl"}, "bh"},
	[MW_USDT_CX] = {{"rcx", "ecx", "cx", "cl"}, "ch"},
	[MW_USDT_DX] = {{"rdx", "edx", "dx", "dl"}, "dh"},
	[MW_USDT_SI] = {{"rsi", "esi", "si", "sil"}, NULL},
	[MW_USDT_DI] = {{"rdi", "edi", "di", "dil"}, NULL},
	[MW_USDT_BP] = {{"rbp", "ebp", "bp", "bpl"}, NULL},
	[MW_USDT_SP] = {{"rsp", "esp", "sp", "spl"}, NULL},
	[MW_USDT_R8] = {{"r8", "r8d", "r8w", "r8b"}, NULL},
	{{"r9", "r9d", "r9w", "r9b"}, NULL},
	{{"r10", "r10d", "r10w", "r10b"}, NULL},
	{{"r11", "r11d", "r11w", "r11b"}, NULL},
	{{"r12", "r12d", "r12w", "r12b"}, NULL},
	{{"r13", "r13d", "r13w", "r13b"}, NULL},
	{{"r14", "r14d", "r14w", "r14b"}, NULL},
	[MW_USDT_R15] = {{"r15", "r15d", "r15w", "r15b"}, NULL},
	[MW_USDT_IP] = {{"rip", "eip", "ip", "ip"}, NULL},
};

static bool take_x86_register(const char **s, __u8 *reg, __u8 *shift)
{
	char word[REGISTER_BYTES];

	if (!take(s, "%") || !take_word(s, word))
		return false;
	for (unsigned i = 0; i < sizeof(x86_registers) / sizeof(x86_registers[0]); i++) {
		const char *high = x86_registers[i].high;

		*reg = (__u8)i;
		*shift = 0;
		for (unsigned k = 0; k < 4; k++) {
			if (!strcmp(word, x86_registers[i].names[k]))
				return true;
		}
		*shift = 8;
		if (high && !strcmp(word, high))
			return true;
	}
	return false;
}

/* Of an address: all of it, "%rax". */
static bool take_x86_whole_register(const char **s, __u8 *reg)
{
	const char *name = *s + 1;
	__u8 shift;

	return take_x86_register(s, reg, &shift) &&
	       !strncmp(name, x86_registers[*reg].names[0], (size_t)(*s - name));
}

static bool take_scale(const char **s, struct mw_usdt_arg *out)
{
	long factor;

	if (!take_number(s, 1, 8, &factor) || factor & (factor - 1))
		return false;
	out->scale = (__u8)__builtin_ctzl((unsigned long)factor);
	return true;
}

/* "(%rax)", "(%rax,%rdx)", "(%rax,%rdx,4)", "(,%rdx,4)" */
static bool take_x86_address(const char **s, struct mw_usdt_arg *out)
{
	out->kind = MW_USDT_MEMORY;
	if (!take(s, "("))
		return false;
	if (**s == '%' && !take_x86_whole_register(s, &out->base))
		return false;
	if (take(s, ",")) {
		skip_spaces(s);
		if (!take_x86_whole_register(s, &out->index))
			return false;
		if (take(s, ",")) {
			skip_spaces(s);
			if (!take_scale(s, out))
				return false;
		}
	}
	return take(s, ")") && (out->base != MW_USDT_NO_REG || out->index != MW_USDT_NO_REG);
}

static bool take_x86(const char **s, struct mw_usdt_arg *out)
{
	if (take(s, "$")) {
		out->kind = MW_USDT_CONST;
		return take_offset(s, out);
	}
	if (**s == '%') {
		out->kind = MW_USDT_REGISTER;
		return take_x86_register(s, &out->base, &out->shift);
	}
	if (**s != '(' && !take_offset(s, out))
		return false;
	return take_x86_address(s, out);
}

/* --- arm64 --- */

static bool take_arm64_register(const char **s, __u8 *reg)
{
	char word[REGISTER_BYTES];
	char *end;
	long n;

	if (!take_word(s, word))
		return false;
	*reg = MW_USDT_ARM_SP;
	if (!strcmp(word, "sp") || !strcmp(word, "wsp"))
		return true;
	if ((*word != 'x' && *word != 'w') || !isdigit((unsigned char)word[1]))
		return false;
	n = strtol(word + 1, &end, 10);
	*reg = (__u8)n;
	return n <= 30 && !*end;
}

/* Behind the comma: "16", "#16", "x2", "x2, lsl 3" */
static bool take_arm64_offset(const char **s, struct mw_usdt_arg *out)
{
	long bits;

	skip_spaces(s);
	if (**s != 'x') {
		(void)take(s, "#");
		return take_offset(s, out);
	}
	if (!take_arm64_register(s, &out->index))
		return false;
	if (!take(s, ","))
		return true;
	skip_spaces(s);
	if (!take(s, "lsl"))
		return false;
	skip_spaces(s);
	(void)take(s, "#");
	if (!take_number(s, 0, 3, &bits))
		return false;
	out->scale = (__u8)bits;
	return true;
}

static bool take_arm64(const char **s, struct mw_usdt_arg *out)
{
	if (take(s, "[")) {
		out->kind = MW_USDT_MEMORY;
		if (**s == 'w' || !take_arm64_register(s, &out->base))
			return false;
		if (take(s, ",") && !take_arm64_offset(s, out))
			return false;
		return take(s, "]");
	}
	if (isalpha((unsigned char)**s)) {
		out->kind = MW_USDT_REGISTER;
		return take_arm64_register(s, &out->base);
	}
	out->kind = MW_USDT_CONST;
	(void)take(s, "#");
	return take_offset(s, out);
}

/* --- all --- */

/* Behind this argument: at a space that is not in brackets, or at the end. */
static void skip_arg(const char **s)
{
	int depth = 0;

	for (; **s && (depth || (**s != ' ' && **s != '\t')); ++*s) {
		if (strchr("([", **s))
			depth++;
		else if (depth && strchr(")]", **s))
			depth--;
	}
}

int usdt_arg_parse(const char *args, unsigned index, enum usdt_machine machine,
		   struct mw_usdt_arg *out)
{
	*out = (struct mw_usdt_arg){.base = MW_USDT_NO_REG, .index = MW_USDT_NO_REG};
	if (strnlen(args, USDT_ARGS_BYTES + 1) > USDT_ARGS_BYTES)
		return -E2BIG;
	skip_spaces(&args);
	for (; index && *args; index--) {
		skip_arg(&args);
		skip_spaces(&args);
	}
	if (!*args)
		return -ENOENT;
	if (take_size(&args, out) &&
	    (machine == USDT_X86_64 ? take_x86(&args, out) : take_arm64(&args, out)) &&
	    (!*args || *args == ' ' || *args == '\t'))
		return 0;
	memset(out, 0, sizeof(*out));
	return -ENOTSUP;
}

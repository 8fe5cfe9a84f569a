/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Arguments of USDT probes: what include/memwatch/usdt.h describes, of the thread that is there.
 *
 * Registers are read by the offset of a name: the verifier takes no variable one in the context
 * itself.
 */
#ifndef MEMWATCH_USDT_BPF_H
#define MEMWATCH_USDT_BPF_H

#include "memwatch.bpf.h"
#include "memwatch/usdt.h"

/* Where it is in struct pt_regs; -1 if there is no such register. */
static __always_inline long mw_usdt_place(__u8 reg)
{
#if defined(__TARGET_ARCH_x86)
	switch (reg) {
	case MW_USDT_AX:
		return bpf_core_field_offset(struct pt_regs, ax);
	case MW_USDT_BX:
		return bpf_core_field_offset(struct pt_regs, bx);
	case MW_USDT_CX:
		return bpf_core_field_offset(struct pt_regs, cx);
	case MW_USDT_DX:
		return bpf_core_field_offset(struct pt_regs, dx);
	case MW_USDT_SI:
		return bpf_core_field_offset(struct pt_regs, si);
	case MW_USDT_DI:
		return bpf_core_field_offset(struct pt_regs, di);
	case MW_USDT_BP:
		return bpf_core_field_offset(struct pt_regs, bp);
	case MW_USDT_SP:
		return bpf_core_field_offset(struct pt_regs, sp);
	case MW_USDT_R8:
		return bpf_core_field_offset(struct pt_regs, r8);
	case MW_USDT_R8 + 1:
		return bpf_core_field_offset(struct pt_regs, r9);
	case MW_USDT_R8 + 2:
		return bpf_core_field_offset(struct pt_regs, r10);
	case MW_USDT_R8 + 3:
		return bpf_core_field_offset(struct pt_regs, r11);
	case MW_USDT_R8 + 4:
		return bpf_core_field_offset(struct pt_regs, r12);
	case MW_USDT_R8 + 5:
		return bpf_core_field_offset(struct pt_regs, r13);
	case MW_USDT_R8 + 6:
		return bpf_core_field_offset(struct pt_regs, r14);
	case MW_USDT_R15:
		return bpf_core_field_offset(struct pt_regs, r15);
	case MW_USDT_IP:
		return bpf_core_field_offset(struct pt_regs, ip);
	}
	return -1;
#else
	if (reg < 31)
		return bpf_core_field_offset(struct user_pt_regs, regs) + reg * sizeof(__u64);
	return reg == MW_USDT_ARM_SP ? (long)bpf_core_field_offset(struct user_pt_regs, sp) : -1;
#endif
}

static __always_inline __u64 mw_usdt_register(struct pt_regs *ctx, __u8 reg)
{
	long place = mw_usdt_place(reg);
	__u64 value = 0;

	if (place < 0 || place > (long)sizeof(struct pt_regs))
		return 0;
	bpf_probe_read_kernel(&value, sizeof(value), (void *)ctx + place);
	return value;
}

/* Only the bytes that count: what is behind them may be another page. */
static __always_inline bool mw_usdt_memory(__u64 address, __u8 size, __u64 *value)
{
	const void *at = (const void *)address;

	*value = 0;
	switch (size) {
	case 1:
		return !bpf_probe_read_user(value, 1, at);
	case 2:
		return !bpf_probe_read_user(value, 2, at);
	case 4:
		return !bpf_probe_read_user(value, 4, at);
	case 8:
		return !bpf_probe_read_user(value, 8, at);
	}
	return false;
}

/* @value: cut to its size, with its sign. */
static __always_inline long mw_usdt_value(const struct mw_usdt_arg *arg, __u64 value)
{
	__u32 unused_bits = (64 - 8 * arg->size) & 63;

	value = value >> (arg->shift & 63) << unused_bits;
	return arg->is_signed ? (long)value >> unused_bits : (long)(value >> unused_bits);
}

/* False, and 0, if there is no such argument, or it cannot be read. */
static __always_inline bool mw_usdt_arg(struct pt_regs *ctx, const struct mw_usdt_arg *arg,
					long *out)
{
	__u64 value = (__u64)(long)arg->offset;

	*out = 0;
	if (arg->kind == MW_USDT_NONE)
		return false;
	if (arg->kind == MW_USDT_REGISTER)
		value = mw_usdt_register(ctx, arg->base);
	if (arg->kind == MW_USDT_MEMORY) {
		value += mw_usdt_register(ctx, arg->base) +
			 (mw_usdt_register(ctx, arg->index) << (arg->scale & 3));
		if (!mw_usdt_memory(value, arg->size, &value))
			return false;
	}
	*out = mw_usdt_value(arg, value);
	return true;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Return addresses: where a machine keeps them, and what they look like.
 *
 * arm64 has that of the running function in a register (x30, the link register) until the
 * function saves it, next to the caller's frame pointer, as x86-64 does it. Functions that call
 * nothing never do. With pointer authentication (ARMv8.3) what is saved is signed: the bits above
 * those of an address hold a code.
 */
#ifndef MEMWATCH_RETURN_BPF_H
#define MEMWATCH_RETURN_BPF_H

#include "memwatch.bpf.h"
#include "memwatch/sites.h"

/* @link: arm64's link register, signed perhaps; 0: there is none, or it is not meant. */
struct mw_regs {
	__u64 ip, sp, fp, link;
};

/* A return address without its signature. */
static __always_inline __u64 mw_code_address(__u64 v)
{
#if defined(__TARGET_ARCH_arm64)
	return v & ((1ULL << ((mw_cfg.address_bits ?: MW_ADDRESS_BITS) & 63)) - 1);
#else
	return v;
#endif
}

/* Whether the instruction before @ret is a call. */
static __always_inline bool mw_follows_call(__u64 ret)
{
#if defined(__TARGET_ARCH_x86)
	__u8 b[8] = {};

	if (bpf_probe_read_user(b, 7, (void *)(ret - 7)))
		return false;
	if (b[2] == 0xe8) /* call rel32 */
		return true;
	/* call r/m64: ff /2, by its length: register, memory + disp8, + disp32 or SIB */
	return (b[5] == 0xff && (b[6] & 0x38) == 0x10) || (b[4] == 0xff && (b[5] & 0x38) == 0x10) ||
	       (b[3] == 0xff && (b[4] & 0x38) == 0x10) || (b[1] == 0xff && (b[2] & 0x38) == 0x10) ||
	       (b[0] == 0xff && (b[1] & 0x38) == 0x10);
#else
	__u32 insn = 0;

	if (bpf_probe_read_user(&insn, sizeof(insn), (void *)(ret - 4)))
		return false;
	/* bl; blr, and those that authenticate: blraaz, blrabz, blraa, blrab */
	return insn >> 26 == 0x25 || (insn & 0xfffffc1f) == 0xd63f0000 ||
	       (insn & 0xfefff800) == 0xd63f0800;
#endif
}

#endif

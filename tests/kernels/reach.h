/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a BPF program can come to an instruction that libbpf poisoned, because what it accesses
 * is not in the kernel's types. Rightly it cannot: a test for the type or field, a constant after
 * relocation, turns the program away before.
 *
 * Constants are followed through registers, as the kernel's verifier does, and both ways are taken
 * where a branch depends on anything else. What is spilled to the stack is not followed: such code
 * counts as reachable.
 */
#ifndef MEMWATCH_TESTS_REACH_H
#define MEMWATCH_TESTS_REACH_H

#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define REACH_POISON	 0xbad2310 /* libbpf, bpf_core_poison_insn(): a call of this helper */
#define REACH_REGISTERS	 11
#define REACH_LOAD_IMM64 (BPF_LD | BPF_DW | BPF_IMM)

struct reach_state {
	bool seen, waiting;
	bool known[REACH_REGISTERS];
	__u64 value[REACH_REGISTERS];
};

struct reach {
	const struct bpf_insn *insns;
	size_t count;
	struct reach_state *states;
};

static inline bool reach_is_poisoned(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->imm == REACH_POISON;
}

/* The state before instruction @to may also be @s: known is what all ways there agree on. */
static inline void reach_join(struct reach *r, size_t to, const struct reach_state *s)
{
	struct reach_state *old = to < r->count ? &r->states[to] : NULL;

	if (!old)
		return;
	if (!old->seen) {
		*old = *s;
		old->seen = old->waiting = true;
		return;
	}
	for (int i = 0; i < REACH_REGISTERS; i++) {
		if (!old->known[i] || (s->known[i] && s->value[i] == old->value[i]))
			continue;
		old->known[i] = false;
		old->waiting = true;
	}
}

static inline bool reach_compare(__u8 op, __u64 a, __u64 b)
{
	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSGT:
		return (__s64)a > (__s64)b;
	case BPF_JSGE:
		return (__s64)a >= (__s64)b;
	case BPF_JSLT:
		return (__s64)a < (__s64)b;
	case BPF_JSLE:
		return (__s64)a <= (__s64)b;
	default: /* BPF_JSET */
		return a & b;
	}
}

/* The second operand; false if it is not known. */
static inline bool reach_operand(const struct reach_state *s, const struct bpf_insn *insn, __u64 *b)
{
	bool is_register = BPF_SRC(insn->code) == BPF_X;

	*b = is_register ? s->value[insn->src_reg] : (__u64)insn->imm;
	return !is_register || s->known[insn->src_reg];
}

static inline void reach_branch(struct reach *r, size_t at, const struct reach_state *s)
{
	const struct bpf_insn *insn = &r->insns[at];
	__u64 a = s->value[insn->dst_reg], b;
	bool known = reach_operand(s, insn, &b) && s->known[insn->dst_reg], taken;

	if (BPF_CLASS(insn->code) == BPF_JMP32) { /* both signs: sign extension keeps every order */
		a = (__s64)(__s32)a;
		b = (__s64)(__s32)b;
	}
	taken = reach_compare(BPF_OP(insn->code), a, b);
	if (!known || taken)
		reach_join(r, at + 1 + insn->off, s);
	if (!known || !taken)
		reach_join(r, at + 1, s);
}

static inline void reach_alu(struct reach_state *s, const struct bpf_insn *insn)
{
	__u64 *a = &s->value[insn->dst_reg], b;
	bool known = reach_operand(s, insn, &b), *is_known = &s->known[insn->dst_reg];

	*is_known = known && (*is_known || BPF_OP(insn->code) == BPF_MOV);
	switch (BPF_OP(insn->code)) {
	case BPF_MOV:
		*a = b;
		break;
	case BPF_ADD:
		*a += b;
		break;
	case BPF_AND:
		*a &= b;
		break;
	case BPF_OR:
		*a |= b;
		break;
	case BPF_XOR:
		*a ^= b;
		break;
	case BPF_LSH:
		*a <<= b & 63;
		break;
	default:
		*is_known = false;
		break;
	}
	if (BPF_CLASS(insn->code) == BPF_ALU)
		*a = (__u32)*a;
}

static inline void reach_call(struct reach *r, size_t at, struct reach_state *s)
{
	const struct bpf_insn *insn = &r->insns[at];
	const struct reach_state nothing_known = {};

	if (insn->src_reg == BPF_PSEUDO_CALL)
		reach_join(r, at + 1 + insn->imm, &nothing_known);
	memset(s->known, 0, 6 * sizeof(s->known[0])); /* r0 to r5 */
	reach_join(r, at + 1, s);
}

static inline void reach_load_imm64(struct reach *r, size_t at, struct reach_state *s)
{
	const struct bpf_insn *insn = &r->insns[at];
	const struct reach_state nothing_known = {};

	s->known[insn->dst_reg] = !insn->src_reg;
	s->value[insn->dst_reg] = (__u32)insn->imm | (__u64)(__u32)insn[1].imm << 32;
	if (insn->src_reg == BPF_PSEUDO_FUNC) /* a callback */
		reach_join(r, at + 1 + insn->imm, &nothing_known);
	reach_join(r, at + 2, s);
}

static inline void reach_jump(struct reach *r, size_t at, struct reach_state *s)
{
	const struct bpf_insn *insn = &r->insns[at];

	switch (BPF_OP(insn->code)) {
	case BPF_EXIT:
		break;
	case BPF_CALL:
		reach_call(r, at, s);
		break;
	case BPF_JA:
		reach_join(r, at + 1 + (BPF_CLASS(insn->code) == BPF_JMP32 ? insn->imm : insn->off),
			   s);
		break;
	default:
		reach_branch(r, at, s);
		break;
	}
}

static inline void reach_step(struct reach *r, size_t at)
{
	const struct bpf_insn *insn = &r->insns[at];
	struct reach_state s = r->states[at];

	switch (BPF_CLASS(insn->code)) {
	case BPF_JMP:
	case BPF_JMP32:
		reach_jump(r, at, &s);
		return;
	case BPF_LD:
		if (insn->code == REACH_LOAD_IMM64) {
			reach_load_imm64(r, at, &s);
			return;
		}
		s.known[BPF_REG_0] = false;
		break;
	case BPF_ALU:
	case BPF_ALU64:
		reach_alu(&s, insn);
		break;
	case BPF_STX: /* an atomic one may fetch */
		if (BPF_MODE(insn->code) == BPF_ATOMIC)
			s.known[insn->src_reg] = s.known[BPF_REG_0] = false;
		break;
	default:
		s.known[insn->dst_reg] = false;
		break;
	}
	reach_join(r, at + 1, &s);
}

/**
 * reach_poisoned - the first poisoned instruction of @insns that can be reached
 *
 * Its number, -1 if there is none, -ENOMEM.
 */
static inline long reach_poisoned(const struct bpf_insn *insns, size_t count)
{
	struct reach r = {.insns = insns, .count = count};
	const struct reach_state nothing_known = {};
	bool again = true;
	long found = -1;

	r.states = calloc(count + 1, sizeof(*r.states));
	if (!r.states)
		return -ENOMEM;
	reach_join(&r, 0, &nothing_known);
	while (again) {
		again = false;
		for (size_t i = 0; i < count; i++) {
			if (!r.states[i].waiting)
				continue;
			r.states[i].waiting = false;
			reach_step(&r, i);
			again = true;
		}
	}
	for (size_t i = 0; found < 0 && i < count; i++) {
		if (r.states[i].seen && reach_is_poisoned(&insns[i]))
			found = (long)i;
	}
	free(r.states);
	return found;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a BPF program can come to an instruction that libbpf poisoned, because what it accesses
 * is not in the kernel's types. Rightly it cannot: a test for the type or field, a constant after
 * relocation, turns the program away before.
 *
 * Constants are followed through registers, as the kernel's verifier does, and both ways are taken
 * where a branch depends on anything else. What is spilled to the stack is not followed: such code
 * counts as reachable, and arguments that are read by such a pointer are not counted.
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

enum reach_kind {
	REACH_ANYTHING,
	REACH_CONSTANT,
	REACH_CONTEXT, /* what the program is called with: an array of its arguments, for some */
};

struct reach_state {
	bool seen, waiting;
	enum reach_kind kind[REACH_REGISTERS];
	__u64 value[REACH_REGISTERS]; /* of a constant; else 0 */
};

struct reach {
	const struct bpf_insn *insns;
	size_t count;
	struct reach_state *states;
	unsigned context_bytes; /* of which something is read */
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
		if (old->kind[i] == REACH_ANYTHING ||
		    (s->kind[i] == old->kind[i] && s->value[i] == old->value[i]))
			continue;
		old->kind[i] = REACH_ANYTHING;
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
	return !is_register || s->kind[insn->src_reg] == REACH_CONSTANT;
}

static inline void reach_branch(struct reach *r, size_t at, const struct reach_state *s)
{
	const struct bpf_insn *insn = &r->insns[at];
	__u64 a = s->value[insn->dst_reg], b;
	bool known = reach_operand(s, insn, &b) && s->kind[insn->dst_reg] == REACH_CONSTANT, taken;

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

static inline void reach_set(struct reach_state *s, __u8 reg, enum reach_kind kind, __u64 value)
{
	s->kind[reg] = kind;
	s->value[reg] = kind == REACH_CONSTANT ? value : 0;
}

/* False if it is not known what becomes of @a. */
static inline bool reach_compute(__u8 op, __u64 *a, __u64 b)
{
	switch (op) {
	case BPF_MOV:
		*a = b;
		return true;
	case BPF_ADD:
		*a += b;
		return true;
	case BPF_AND:
		*a &= b;
		return true;
	case BPF_OR:
		*a |= b;
		return true;
	case BPF_XOR:
		*a ^= b;
		return true;
	case BPF_LSH:
		*a <<= b & 63;
		return true;
	default:
		return false;
	}
}

static inline void reach_alu(struct reach_state *s, const struct bpf_insn *insn)
{
	bool moves = BPF_OP(insn->code) == BPF_MOV;
	__u64 a = s->value[insn->dst_reg], b;

	if (insn->code == (BPF_ALU64 | BPF_MOV | BPF_X)) {
		reach_set(s, insn->dst_reg, s->kind[insn->src_reg], s->value[insn->src_reg]);
		return;
	}
	if (!reach_operand(s, insn, &b) || (!moves && s->kind[insn->dst_reg] != REACH_CONSTANT) ||
	    !reach_compute(BPF_OP(insn->code), &a, b)) {
		reach_set(s, insn->dst_reg, REACH_ANYTHING, 0);
		return;
	}
	reach_set(s, insn->dst_reg, REACH_CONSTANT,
		  BPF_CLASS(insn->code) == BPF_ALU ? (__u32)a : a);
}

static inline void reach_call(struct reach *r, size_t at, struct reach_state *s)
{
	const struct bpf_insn *insn = &r->insns[at];
	const struct reach_state nothing_known = {};

	if (insn->src_reg == BPF_PSEUDO_CALL)
		reach_join(r, at + 1 + insn->imm, &nothing_known);
	for (__u8 i = BPF_REG_0; i <= BPF_REG_5; i++)
		reach_set(s, i, REACH_ANYTHING, 0);
	reach_join(r, at + 1, s);
}

static inline void reach_load_imm64(struct reach *r, size_t at, struct reach_state *s)
{
	const struct bpf_insn *insn = &r->insns[at];
	const struct reach_state nothing_known = {};

	reach_set(s, insn->dst_reg, insn->src_reg ? REACH_ANYTHING : REACH_CONSTANT,
		  (__u32)insn->imm | (__u64)(__u32)insn[1].imm << 32);
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

static inline void reach_load(struct reach *r, struct reach_state *s, const struct bpf_insn *insn)
{
	unsigned end = insn->off + sizeof(__u64);

	if (s->kind[insn->src_reg] == REACH_CONTEXT && end > r->context_bytes)
		r->context_bytes = end;
	reach_set(s, insn->dst_reg, REACH_ANYTHING, 0);
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
		reach_set(&s, BPF_REG_0, REACH_ANYTHING, 0);
		break;
	case BPF_ALU:
	case BPF_ALU64:
		reach_alu(&s, insn);
		break;
	case BPF_STX: /* an atomic one may fetch */
		if (BPF_MODE(insn->code) == BPF_ATOMIC) {
			reach_set(&s, insn->src_reg, REACH_ANYTHING, 0);
			reach_set(&s, BPF_REG_0, REACH_ANYTHING, 0);
		}
		break;
	case BPF_LDX:
		reach_load(r, &s, insn);
		break;
	default: /* BPF_ST */
		break;
	}
	reach_join(r, at + 1, &s);
}

/**
 * reach_poisoned - the first poisoned instruction of @insns that can be reached
 * @arguments: how many words of its context it may read (tp_btf, fexit: an argument each)
 *
 * Its number, -1 if there is none, -ENOMEM.
 */
static inline long reach_poisoned(const struct bpf_insn *insns, size_t count, unsigned *arguments)
{
	struct reach r = {.insns = insns, .count = count};
	const struct reach_state entry = {.kind = {[BPF_REG_1] = REACH_CONTEXT}};
	bool again = true;
	long found = -1;

	r.states = calloc(count + 1, sizeof(*r.states));
	if (!r.states)
		return -ENOMEM;
	reach_join(&r, 0, &entry);
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
	*arguments = r.context_bytes / sizeof(__u64);
	return found;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Call frame information: from the registers of a frame to those of its caller.
 *
 * Only what functions must preserve is carried over where the description says nothing: other
 * registers are unknown in the caller, and a description that needs one is an error
 * instead of a wrong stack.
 *
 * Expressions (DWARF 5 section 2.5) are in the PLT, in signal trampolines, and in functions that
 * realign their stack. What those use is here; each has at most MAX_OPS operations.
 *
 * LIMITATIONS: no jumps, division or rotation in expressions.
 */
#include <errno.h>

#include "sym/cfi_internal.h"

#define MAX_OPS	  64
#define MAX_STACK 16

/* DW_OP_* */
enum {
	OP_ADDR = 0x03,
	OP_DEREF = 0x06,
	OP_CONST1U = 0x08,
	OP_CONST1S = 0x09,
	OP_CONST2U = 0x0a,
	OP_CONST2S = 0x0b,
	OP_CONST4U = 0x0c,
	OP_CONST4S = 0x0d,
	OP_CONST8U = 0x0e,
	OP_CONST8S = 0x0f,
	OP_CONSTU = 0x10,
	OP_CONSTS = 0x11,
	OP_DUP = 0x12,
	OP_DROP = 0x13,
	OP_OVER = 0x14,
	OP_SWAP = 0x16,
	OP_AND = 0x1a,
	OP_MINUS = 0x1c,
	OP_MUL = 0x1e,
	OP_NEG = 0x1f,
	OP_NOT = 0x20,
	OP_OR = 0x21,
	OP_PLUS = 0x22,
	OP_PLUS_UCONST = 0x23,
	OP_SHL = 0x24,
	OP_SHR = 0x25,
	OP_XOR = 0x27,
	OP_EQ = 0x29,
	OP_GE = 0x2a,
	OP_GT = 0x2b,
	OP_LE = 0x2c,
	OP_LT = 0x2d,
	OP_NE = 0x2e,
	OP_LIT0 = 0x30,
	OP_LIT31 = 0x4f,
	OP_BREG0 = 0x70,
	OP_BREG31 = 0x8f,
	OP_BREGX = 0x92,
	OP_NOP = 0x96,
};

struct evaluation {
	const struct cfi_regs *regs;
	uint64_t bias;
	cfi_read_fn read;
	void *arg;
	uint64_t stack[MAX_STACK];
	unsigned depth;
	int err;
};

static void push(struct evaluation *ev, uint64_t v)
{
	if (ev->depth == MAX_STACK)
		ev->err = -EBADMSG;
	else
		ev->stack[ev->depth++] = v;
}

static uint64_t pop(struct evaluation *ev)
{
	if (!ev->depth) {
		ev->err = -EBADMSG;
		return 0;
	}
	return ev->stack[--ev->depth];
}

static uint64_t reg_get(struct evaluation *ev, uint64_t reg)
{
	if (reg >= MW_REGS || !(ev->regs->known & 1ULL << reg)) {
		ev->err = -EBADMSG;
		return 0;
	}
	return ev->regs->v[reg];
}

/* Those with an operand in the expression, and no other. False if @op is none of them. */
static bool do_constant(struct evaluation *ev, unsigned op, struct cursor *c)
{
	if (op >= OP_LIT0 && op <= OP_LIT31)
		push(ev, op - OP_LIT0);
	else if (op >= OP_BREG0 && op <= OP_BREG31)
		push(ev, reg_get(ev, op - OP_BREG0) + (uint64_t)cursor_sleb(c));
	else if (op == OP_BREGX)
		push(ev, reg_get(ev, cursor_uleb(c)) + (uint64_t)cursor_sleb(c));
	else if (op == OP_ADDR)
		push(ev, cursor_take(c, 8) + ev->bias);
	else if (op == OP_CONSTU)
		push(ev, cursor_uleb(c));
	else if (op == OP_CONSTS)
		push(ev, (uint64_t)cursor_sleb(c));
	else if (op == OP_CONST1S)
		push(ev, (uint64_t)(int8_t)cursor_take(c, 1));
	else if (op == OP_CONST2S)
		push(ev, (uint64_t)(int16_t)cursor_take(c, 2));
	else if (op == OP_CONST4S)
		push(ev, (uint64_t)(int32_t)cursor_take(c, 4));
	else if (op == OP_CONST1U || op == OP_CONST2U || op == OP_CONST4U)
		push(ev, cursor_take(c, 1u << (op - OP_CONST1U) / 2));
	else if (op == OP_CONST8U || op == OP_CONST8S)
		push(ev, cursor_take(c, 8));
	else
		return false;
	return true;
}

/* Those with one operand on the stack. */
static bool do_unary(struct evaluation *ev, unsigned op, struct cursor *c)
{
	uint64_t v, loaded = 0;

	if (op != OP_DEREF && op != OP_DUP && op != OP_DROP && op != OP_NEG && op != OP_NOT &&
	    op != OP_PLUS_UCONST)
		return false;
	v = pop(ev);
	if (op == OP_DEREF) {
		if (!ev->err)
			ev->err = ev->read(ev->arg, v, &loaded);
		push(ev, loaded);
	} else if (op == OP_DUP) {
		push(ev, v);
		push(ev, v);
	} else if (op == OP_NEG) {
		push(ev, -v);
	} else if (op == OP_NOT) {
		push(ev, ~v);
	} else if (op == OP_PLUS_UCONST) {
		push(ev, v + cursor_uleb(c));
	}
	return true;
}

/* Those with two operands on the stack and one result. */
static int binary(unsigned op, uint64_t a, uint64_t b, uint64_t *out)
{
	int64_t x = (int64_t)a, y = (int64_t)b;

	switch (op) {
	case OP_AND:
		*out = a & b;
		return 0;
	case OP_MINUS:
		*out = a - b;
		return 0;
	case OP_MUL:
		*out = a * b;
		return 0;
	case OP_OR:
		*out = a | b;
		return 0;
	case OP_PLUS:
		*out = a + b;
		return 0;
	case OP_SHL:
		*out = b < 64 ? a << b : 0;
		return 0;
	case OP_SHR:
		*out = b < 64 ? a >> b : 0;
		return 0;
	case OP_XOR:
		*out = a ^ b;
		return 0;
	case OP_EQ:
		*out = x == y;
		return 0;
	case OP_GE:
		*out = x >= y;
		return 0;
	case OP_GT:
		*out = x > y;
		return 0;
	case OP_LE:
		*out = x <= y;
		return 0;
	case OP_LT:
		*out = x < y;
		return 0;
	case OP_NE:
		*out = x != y;
		return 0;
	default:
		return -EBADMSG;
	}
}

static void do_binary(struct evaluation *ev, unsigned op)
{
	uint64_t b = pop(ev), a = pop(ev), result = 0;

	if (op == OP_OVER || op == OP_SWAP) {
		push(ev, op == OP_OVER ? a : b);
		push(ev, op == OP_OVER ? b : a);
		if (op == OP_OVER)
			push(ev, a);
		return;
	}
	if (binary(op, a, b, &result))
		ev->err = -EBADMSG;
	push(ev, result);
}

/* @cfa: pushed first, NULL for none. */
static int evaluate(struct evaluation *ev, struct cursor c, const uint64_t *cfa, uint64_t *out)
{
	ev->depth = 0;
	ev->err = 0;
	if (cfa)
		push(ev, *cfa);
	for (unsigned i = 0; c.at < c.end && !c.bad && !ev->err; i++) {
		unsigned op = (unsigned)cursor_take(&c, 1);

		if (i == MAX_OPS)
			return -EBADMSG;
		if (op == OP_NOP || do_constant(ev, op, &c) || do_unary(ev, op, &c))
			continue;
		do_binary(ev, op);
	}
	*out = pop(ev);
	return c.bad ? -EBADMSG : ev->err;
}

/* ---- a step ---- */

static int cfa_of(struct evaluation *ev, const struct cfi_row *row, uint64_t *cfa)
{
	if (row->cfa.kind == RULE_VAL_EXPRESSION)
		return evaluate(ev, row->cfa.expression, NULL, cfa);
	ev->err = 0;
	*cfa = reg_get(ev, row->cfa.reg) + (uint64_t)row->cfa.offset;
	return ev->err;
}

/* The register in the caller. Returns 1 if it is known, 0 if not, or a negative errno. */
static int rule_apply(struct evaluation *ev, const struct cfi_rule *rule, unsigned reg,
		      uint64_t cfa, uint64_t *out)
{
	uint64_t v = 0;
	int err = 0;

	switch (rule->kind) {
	case RULE_UNSPECIFIED:
		if (!(CFI_CALLEE_SAVED & 1ULL << reg))
			return 0;
		/* fall through */
	case RULE_SAME:
		*out = ev->regs->v[reg];
		return (ev->regs->known >> reg) & 1;
	case RULE_OFFSET:
		err = ev->read(ev->arg, cfa + (uint64_t)rule->offset, &v);
		break;
	case RULE_VAL_OFFSET:
		v = cfa + (uint64_t)rule->offset;
		break;
	case RULE_REGISTER:
		*out = ev->regs->v[rule->reg];
		return (ev->regs->known >> rule->reg) & 1;
	case RULE_EXPRESSION:
		err = evaluate(ev, rule->expression, &cfa, &v);
		if (!err)
			err = ev->read(ev->arg, v, &v);
		break;
	case RULE_VAL_EXPRESSION:
		err = evaluate(ev, rule->expression, &cfa, &v);
		break;
	default:
		return 0;
	}
	*out = v;
	return err ? err : 1;
}

/* Only pc, sp, fp and what CFAs are computed from must be right: an unreadable one of the others
 * is unknown, as if it were overwritten. */
static int caller_regs(struct evaluation *ev, const struct cfi_row *row, unsigned return_column,
		       uint64_t cfa, struct cfi_regs *out)
{
	*out = (struct cfi_regs){0};
	for (unsigned reg = 0; reg < MW_REGS; reg++) {
		int known = rule_apply(ev, &row->regs[reg], reg, cfa, &out->v[reg]);

		if (known < 0 && reg == return_column)
			return known;
		if (known > 0)
			out->known |= 1ULL << reg;
	}
	if (row->regs[CFI_SP].kind == RULE_UNSPECIFIED) {
		out->v[CFI_SP] = cfa;
		out->known |= 1ULL << CFI_SP;
	}
	return 0;
}

int cfi_return_is_saved(const struct cfi *cfi, uint64_t pc)
{
	struct cfi_fde fde;
	struct cfi_row row;
	int err = cfi_find(cfi, pc, &fde);

	if (!err)
		err = cfi_row_at(cfi, &fde, pc, &row);
	if (err)
		return err;
	return row.regs[fde.cie.return_column].kind != RULE_UNSPECIFIED &&
	       row.regs[fde.cie.return_column].kind != RULE_SAME;
}

int cfi_step(struct cfi *cfi, uint64_t pc, uint64_t bias, struct cfi_regs *regs, cfi_read_fn read,
	     void *arg, bool *signal)
{
	struct evaluation ev = {.regs = regs, .bias = bias, .read = read, .arg = arg};
	struct cfi_regs caller;
	struct cfi_fde fde;
	struct cfi_row row;
	unsigned ra;
	uint64_t cfa = 0;
	int err;

	err = cfi_find(cfi, pc, &fde);
	if (!err)
		err = cfi_row_at(cfi, &fde, pc, &row);
	if (err)
		return err;
	ra = (unsigned)fde.cie.return_column;
	if (row.regs[ra].kind == RULE_UNDEFINED)
		return CFI_OUTERMOST;
	if (CFI_PC != ra && row.regs[ra].kind == RULE_UNSPECIFIED)
		row.regs[ra].kind = RULE_SAME; /* arm64: a leaf's is still in the link register */
	err = cfa_of(&ev, &row, &cfa);
	if (!err)
		err = caller_regs(&ev, &row, ra, cfa, &caller);
	if (err)
		return err;
	if (!(caller.known & 1ULL << ra))
		return -EBADMSG;
	caller.v[CFI_PC] = caller.v[ra];
	caller.known |= 1ULL << CFI_PC;
	*regs = caller;
	*signal = fde.cie.is_signal;
	return caller.v[CFI_PC] ? CFI_STEP : CFI_OUTERMOST;
}

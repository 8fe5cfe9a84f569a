/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Call frame information: the programs of CIEs and FDEs, interpreted into a row.
 *
 * One table says which operands each instruction has; a function carries them out. Registers that
 * are not kept (vector registers) are parsed and forgotten.
 *
 * LIMITATIONS: states are remembered MAX_STATES deep; compilers take one.
 */
#include <errno.h>
#include <string.h>

#include "sym/cfi_internal.h"

#define MAX_STATES 4

/* DW_CFA_*: the three that carry an operand in their low bits, and the others. */
enum { OP_ADVANCE = 0x40, OP_OFFSET = 0x80, OP_RESTORE = 0xc0, OP_HIGH = 0xc0, OP_LOW = 0x3f };

enum opcode {
	CFA_NOP = 0x00,
	CFA_SET_LOC = 0x01,
	CFA_ADVANCE1 = 0x02,
	CFA_ADVANCE2 = 0x03,
	CFA_ADVANCE4 = 0x04,
	CFA_OFFSET_EXTENDED = 0x05,
	CFA_RESTORE_EXTENDED = 0x06,
	CFA_UNDEFINED = 0x07,
	CFA_SAME_VALUE = 0x08,
	CFA_REGISTER = 0x09,
	CFA_REMEMBER = 0x0a,
	CFA_RESTORE_STATE = 0x0b,
	CFA_DEF_CFA = 0x0c,
	CFA_DEF_CFA_REGISTER = 0x0d,
	CFA_DEF_CFA_OFFSET = 0x0e,
	CFA_DEF_CFA_EXPRESSION = 0x0f,
	CFA_EXPRESSION = 0x10,
	CFA_OFFSET_EXTENDED_SF = 0x11,
	CFA_DEF_CFA_SF = 0x12,
	CFA_DEF_CFA_OFFSET_SF = 0x13,
	CFA_VAL_OFFSET = 0x14,
	CFA_VAL_OFFSET_SF = 0x15,
	CFA_VAL_EXPRESSION = 0x16,
	CFA_NEGATE_RA_STATE = 0x2d, /* arm64: the return address is signed */
	CFA_GNU_ARGS_SIZE = 0x2e,
	CFA_GNU_NEGATIVE_OFFSET = 0x2f,
	CFA_OPCODES = 0x40,
};

/* Operands: what is to be read after the opcode. */
enum operand {
	NONE,
	ADDRESS, /* as encoded in the CIE */
	DELTA1,	 /* in units of code alignment */
	DELTA2,
	DELTA4,
	REG,	     /* ULEB128 */
	UNSIGNED,    /* ULEB128 */
	FACTORED,    /* ULEB128, in units of data alignment */
	FACTORED_SF, /* SLEB128, likewise */
	BLOCK,	     /* an expression */
	BAD,
};

static const uint8_t operands[CFA_OPCODES][2] = {
	[CFA_NOP] = {NONE},
	[CFA_SET_LOC] = {ADDRESS},
	[CFA_ADVANCE1] = {DELTA1},
	[CFA_ADVANCE2] = {DELTA2},
	[CFA_ADVANCE4] = {DELTA4},
	[CFA_OFFSET_EXTENDED] = {REG, FACTORED},
	[CFA_RESTORE_EXTENDED] = {REG},
	[CFA_UNDEFINED] = {REG},
	[CFA_SAME_VALUE] = {REG},
	[CFA_REGISTER] = {REG, UNSIGNED},
	[CFA_REMEMBER] = {NONE},
	[CFA_RESTORE_STATE] = {NONE},
	[CFA_DEF_CFA] = {REG, UNSIGNED},
	[CFA_DEF_CFA_REGISTER] = {REG},
	[CFA_DEF_CFA_OFFSET] = {UNSIGNED},
	[CFA_DEF_CFA_EXPRESSION] = {BLOCK},
	[CFA_EXPRESSION] = {REG, BLOCK},
	[CFA_OFFSET_EXTENDED_SF] = {REG, FACTORED_SF},
	[CFA_DEF_CFA_SF] = {REG, FACTORED_SF},
	[CFA_DEF_CFA_OFFSET_SF] = {FACTORED_SF},
	[CFA_VAL_OFFSET] = {REG, FACTORED},
	[CFA_VAL_OFFSET_SF] = {REG, FACTORED_SF},
	[CFA_VAL_EXPRESSION] = {REG, BLOCK},
	[0x17 ... 0x2c] = {BAD},
	[CFA_NEGATE_RA_STATE] = {NONE},
	[CFA_GNU_ARGS_SIZE] = {UNSIGNED},
	[CFA_GNU_NEGATIVE_OFFSET] = {REG, FACTORED},
	[0x30 ... 0x3f] = {BAD},
};

/* One instruction, its operands read. */
struct instruction {
	uint8_t opcode; /* OP_ADVANCE, OP_OFFSET and OP_RESTORE: as those with operands */
	bool has_address;
	uint64_t address; /* ADDRESS */
	uint64_t delta;	  /* of the location, bytes */
	uint64_t reg;
	uint64_t value; /* the other operand; an offset's two's complement */
	struct cursor block;
};

static void operand_take(const struct cfi *cfi, const struct cfi_cie *cie, enum operand operand,
			 struct cursor *c, struct instruction *out)
{
	switch (operand) {
	case NONE:
		break;
	case ADDRESS:
		out->address = cfi_pointer(cfi, c, cie->pointer_encoding);
		out->has_address = true;
		break;
	case DELTA1:
		out->delta = cursor_take(c, 1) * cie->code_align;
		break;
	case DELTA2:
		out->delta = cursor_take(c, 2) * cie->code_align;
		break;
	case DELTA4:
		out->delta = cursor_take(c, 4) * cie->code_align;
		break;
	case REG:
		out->reg = cursor_uleb(c);
		break;
	case UNSIGNED:
		out->value = cursor_uleb(c);
		break;
	case FACTORED:
		out->value = cursor_uleb(c) * (uint64_t)cie->data_align;
		break;
	case FACTORED_SF:
		out->value = (uint64_t)cursor_sleb(c) * (uint64_t)cie->data_align;
		break;
	case BLOCK:
		out->block = cursor_block(c, cursor_uleb(c));
		break;
	case BAD:
		c->bad = true;
		break;
	}
}

/* False at the end of the program, and where it makes no sense (then @c->bad). */
static bool instruction_take(const struct cfi *cfi, const struct cfi_cie *cie, struct cursor *c,
			     struct instruction *out)
{
	uint8_t byte;

	if (c->bad || c->at == c->end)
		return false;
	*out = (struct instruction){0};
	byte = (uint8_t)cursor_take(c, 1);
	switch (byte & OP_HIGH) {
	case OP_ADVANCE:
		out->opcode = CFA_ADVANCE1;
		out->delta = (byte & OP_LOW) * cie->code_align;
		break;
	case OP_OFFSET:
		out->opcode = CFA_OFFSET_EXTENDED;
		out->reg = byte & OP_LOW;
		operand_take(cfi, cie, FACTORED, c, out);
		break;
	case OP_RESTORE:
		out->opcode = CFA_RESTORE_EXTENDED;
		out->reg = byte & OP_LOW;
		break;
	default:
		out->opcode = byte;
		operand_take(cfi, cie, operands[byte][0], c, out);
		operand_take(cfi, cie, operands[byte][1], c, out);
	}
	return !c->bad;
}

/* ---- rows ---- */

struct machine {
	const struct cfi *cfi;
	const struct cfi_cie *cie;
	uint64_t location;
	struct cfi_row *row;
	const struct cfi_row *initial; /* after the CIE's program; NULL while that runs */
	struct cfi_row *states;	       /* MAX_STATES */
	unsigned depth;
};

static void rule_set(struct machine *m, const struct instruction *in, enum cfi_rule_kind kind)
{
	struct cfi_rule *rule;

	if (in->reg >= MW_REGS)
		return;
	rule = &m->row->regs[in->reg];
	*rule = (struct cfi_rule){
		.kind = kind, .offset = (int64_t)in->value, .expression = in->block};
	if (kind == RULE_REGISTER) {
		rule->reg = in->value < MW_REGS ? (uint8_t)in->value : 0;
		rule->kind = in->value < MW_REGS ? RULE_REGISTER : RULE_UNDEFINED;
	}
}

static int cfa_set(struct machine *m, uint64_t reg, uint64_t offset)
{
	if (reg >= MW_REGS)
		return -EBADMSG;
	m->row->cfa = (struct cfi_rule){
		.kind = RULE_VAL_OFFSET, .reg = (uint8_t)reg, .offset = (int64_t)offset};
	return 0;
}

static int state_change(struct machine *m, uint8_t opcode)
{
	if (opcode == CFA_REMEMBER) {
		if (m->depth == MAX_STATES)
			return -EBADMSG;
		m->states[m->depth++] = *m->row;
	} else {
		if (!m->depth)
			return -EBADMSG;
		*m->row = m->states[--m->depth]; /* with the CFA, as gas means it */
	}
	return 0;
}

static int instruction_do(struct machine *m, const struct instruction *in)
{
	static const uint8_t kinds[CFA_OPCODES] = {
		[CFA_OFFSET_EXTENDED] = RULE_OFFSET,
		[CFA_OFFSET_EXTENDED_SF] = RULE_OFFSET,
		[CFA_UNDEFINED] = RULE_UNDEFINED,
		[CFA_SAME_VALUE] = RULE_SAME,
		[CFA_REGISTER] = RULE_REGISTER,
		[CFA_EXPRESSION] = RULE_EXPRESSION,
		[CFA_VAL_OFFSET] = RULE_VAL_OFFSET,
		[CFA_VAL_OFFSET_SF] = RULE_VAL_OFFSET,
		[CFA_VAL_EXPRESSION] = RULE_VAL_EXPRESSION,
	};
	struct instruction negated;

	switch (in->opcode) {
	case CFA_RESTORE_EXTENDED:
		if (in->reg < MW_REGS && m->initial)
			m->row->regs[in->reg] = m->initial->regs[in->reg];
		return 0;
	case CFA_REMEMBER:
	case CFA_RESTORE_STATE:
		return state_change(m, in->opcode);
	case CFA_DEF_CFA:
	case CFA_DEF_CFA_SF:
		return cfa_set(m, in->reg, in->value);
	case CFA_DEF_CFA_REGISTER:
		return cfa_set(m, in->reg, (uint64_t)m->row->cfa.offset);
	case CFA_DEF_CFA_OFFSET:
	case CFA_DEF_CFA_OFFSET_SF:
		m->row->cfa.offset = (int64_t)in->value;
		return 0;
	case CFA_DEF_CFA_EXPRESSION:
		m->row->cfa =
			(struct cfi_rule){.kind = RULE_VAL_EXPRESSION, .expression = in->block};
		return 0;
	case CFA_GNU_NEGATIVE_OFFSET:
		negated = *in;
		negated.value = -negated.value;
		rule_set(m, &negated, RULE_OFFSET);
		return 0;
	default:
		if (kinds[in->opcode])
			rule_set(m, in, kinds[in->opcode]);
		return 0;
	}
}

/* Up to the row that @pc is in. */
static int program_run(struct machine *m, struct cursor program, uint64_t pc)
{
	struct instruction in;

	while (instruction_take(m->cfi, m->cie, &program, &in)) {
		int err;

		m->location = in.has_address ? in.address : m->location + in.delta;
		if (m->location > pc)
			return 0;
		err = instruction_do(m, &in);
		if (err)
			return err;
	}
	return program.bad ? -EBADMSG : 0;
}

int cfi_row_at(const struct cfi *cfi, const struct cfi_fde *fde, uint64_t pc, struct cfi_row *out)
{
	struct cfi_row states[MAX_STATES], initial;
	struct machine m = {
		.cfi = cfi, .cie = &fde->cie, .location = fde->start, .row = out, .states = states};
	int err;

	memset(out, 0, sizeof(*out));
	err = program_run(&m, fde->cie.program, UINT64_MAX);
	if (err)
		return err;
	initial = *out;
	m.initial = &initial;
	m.location = fde->start;
	err = program_run(&m, fde->program, pc);
	return err ? err : out->cfa.kind ? 0 : -EBADMSG;
}

enum cfi_use cfi_fde_use(const struct cfi *cfi, const struct cfi_fde *fde)
{
	struct cursor program = fde->program;
	enum cfi_use use = CFI_NO_STACK;
	struct instruction in;

	while (instruction_take(cfi, &fde->cie, &program, &in)) {
		switch (in.opcode) {
		case CFA_DEF_CFA:
		case CFA_DEF_CFA_REGISTER:
			if (in.reg == CFI_FP)
				return CFI_FRAME_POINTER;
			use = CFI_STACK;
			break;
		case CFA_OFFSET_EXTENDED: /* arm64 computes the CFA from sp and still keeps x29 */
			if (CFI_FP == 29 && in.reg == CFI_FP)
				return CFI_FRAME_POINTER;
			use = CFI_STACK;
			break;
		case CFA_EXPRESSION: /* realigned stack: CFA from elsewhere, but a frame pointer */
			if (in.reg == CFI_FP)
				return CFI_FRAME_POINTER;
			use = CFI_STACK;
			break;
		case CFA_DEF_CFA_OFFSET:
			use = CFI_STACK;
			break;
		case CFA_DEF_CFA_EXPRESSION: /* the PLT: calls nothing; in others something came
						before */
			return CFI_NO_STACK;
		default:
			break;
		}
	}
	return use;
}

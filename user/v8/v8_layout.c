/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading the layout of V8's objects off its file.
 *
 * How
 *   1. One walk over the symbols takes the values of the v8dbg_* constants named in constants[],
 *      V8's version, where its builtins begin and end, and two tables of V8's own: sizes of
 *      bytecodes, and operand counts of deoptimisation opcodes.
 *   2. gaps[] fills in what the constants of a version do not say, and the rest follows from
 *      fields that lie beside it.
 *
 * LIMITATIONS
 *   - 64-bit tagged values only (no pointer compression: Electron, Chrome).
 *   - V8 before 7.8 (Node 12) is refused; what is newer than 14.6 is taken to be like it.
 *   - Where builtins have no symbols (Debian's libnode), their place is found by the code of
 *     Isolate::CurrentEmbeddedBlobCode().
 */
#include "v8/v8_layout.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "v8/v8_constants.h"
#include "v8/v8_insn.h"

#define MIN_FOUND      20u /* of constants[]: fewer is no metadata to rely on */
#define FIELD(f)       offsetof(struct v8_layout, f)
#define TYPE(f)	       FIELD(types.f)
#define OFFSET(f)      FIELD(offsets.f)
#define FUNCTION_BYTES 16 /* of one that returns a variable */

static const struct v8_constant constants[] = {
	{"TaggedSize", FIELD(tagged_bytes)},
	{"FirstNonstringType", TYPE(first_nonstring)},
	{"FirstJSFunctionType", TYPE(function_first)},
	{"type_JSFunction__", TYPE(function_first)},
	{"LastJSFunctionType", TYPE(function_last)},
	{"type_SharedFunctionInfo__", TYPE(shared_info)},
	{"type_Script__", TYPE(script)},
	{"type_ScopeInfo__", TYPE(scope_info)},
	{"type_DebugInfo__", TYPE(debug_info)},
	{"type_FixedArray__", TYPE(fixed_array)},
	{"type_ByteArray__", TYPE(byte_array)},
	{"type_TrustedByteArray__", TYPE(trusted_byte_array)},
	{"type_BytecodeArray__", TYPE(bytecode_array)},
	{"type_InterpreterData__", TYPE(interpreter_data)},
	{"type_BaselineData__", TYPE(baseline_data)},
	{"type_UncompiledDataWithPreparseData__", TYPE(uncompiled[0])},
	{"type_UncompiledDataWithoutPreparseData__", TYPE(uncompiled[1])},
	{"type_UncompiledDataWithPreparseDataAndJob__", TYPE(uncompiled[2])},
	{"type_UncompiledDataWithoutPreparseDataWithJob__", TYPE(uncompiled[3])},
	{"type_Code__", TYPE(code)},
	{"type_InstructionStream__", TYPE(code_stream)},
	{"class_Map__instance_type__", OFFSET(map_type)},
	{"class_JSFunction__shared__", OFFSET(function_shared)},
	{"class_SharedFunctionInfo__function_data__", OFFSET(shared_data)},
	{"class_SharedFunctionInfo__name_or_scope_info__", OFFSET(shared_name)},
	{"class_SharedFunctionInfo__script__", OFFSET(shared_script)},
	{"class_SharedFunctionInfo__script_or_debug_info__", OFFSET(shared_script)},
	{"class_SharedFunctionInfo__flags__", OFFSET(shared_flags)},
	{"class_Script__source__", OFFSET(script_source)},
	{"class_Script__name__", OFFSET(script_name)},
	{"class_Script__line_offset__", OFFSET(script_line_offset)},
	{"class_Script__line_ends__", OFFSET(script_line_ends)},
	{"class_Script__id__", OFFSET(script_id)},
	{"class_UncompiledData__start_position__", OFFSET(uncompiled_start)},
	{"class_FixedArrayBase__length__", OFFSET(array_length)},
	{"class_FixedArray__data__", OFFSET(array_data)},
	{"class_InterpreterData__bytecode_array__", OFFSET(interpreter_data_bytecode)},
	{"class_BytecodeArray__source_position_table__", OFFSET(bytecode_positions)},
	{"class_BytecodeArray__data__", OFFSET(bytecode_data)},
	{"class_Code__deoptimization_data__", OFFSET(code_deopt_data)},
	{"class_Code__source_position_table__", OFFSET(code_positions)},
	{"class_Code__instruction_start__", OFFSET(code_start)},
	{"class_Code__instruction_size__", OFFSET(code_size)},
	{"class_Code__flags__", OFFSET(code_flags)},
	{"off_fp_function", OFFSET(fp_function)},
	{"off_fp_context_or_frame_type", OFFSET(fp_context)},
	{"off_fp_bytecode_array", OFFSET(fp_bytecode_array)},
	{"off_fp_bytecode_offset", OFFSET(fp_bytecode_offset)},
	{"scopeinfo_idx_first_vars", FIELD(scope_info_first_vars)},
	{"CodeKindFieldMask", FIELD(code_kind_mask)},
	{"CodeKindBaseline", FIELD(code_kind_baseline)},
	{"DeoptimizationDataInlinedFunctionCountIndex", FIELD(deopt_inlined_count)},
	{"DeoptimizationDataLiteralArrayIndex", FIELD(deopt_literals)},
	{"DeoptimizationDataSharedFunctionInfoIndex", FIELD(deopt_shared)},
	{"DeoptimizationDataWrappedSharedFunctionInfoIndex", FIELD(deopt_shared)},
	{"DeoptimizationDataInliningPositionsIndex", FIELD(deopt_inlining_positions)},
};
#define CONSTANTS	       (sizeof(constants) / sizeof(constants[0]))

#define V(major, minor, build) V8_VERSION(major, minor, build)
#define V8_CODE_APART	       V(11, 1, 204) /* Code holds a pointer to its instructions */
#define V8_SIZE_AFTER_FLAGS    V(11, 4, 59)

static const struct v8_gap gaps[] = {
	{0, 0, FIELD(tagged_bytes), 8},
	{0, 0, TYPE(first_nonstring), 64},
	{0, 0, OFFSET(map_type), 12},
	{0, 0, OFFSET(shared_data), 8}, /* trusted_function_data from V8 12 on */
	{0, 0, OFFSET(script_source), 8},
	{0, 0, OFFSET(script_name), 16},
	{0, 0, OFFSET(script_line_offset), 24},
	{0, 0, OFFSET(script_line_ends), 56},
	{0, 0, OFFSET(script_id), 64},
	{0, 0, OFFSET(debug_info_script), 24},
	{0, 0, OFFSET(uncompiled_start), 16},
	/* ScopeInfo was a FixedArray, with a length */
	{0, V(9, 1, 71), OFFSET(scope_info_slots), 16},
	{0, 0, OFFSET(scope_info_slots), 8},
	{0, 0, FIELD(scope_info_first_vars), 3},
	{0, 0, OFFSET(array_length), 8},
	{0, 0, OFFSET(array_data), 16},
	{0, 0, OFFSET(interpreter_data_bytecode), 8},
	{0, 0, OFFSET(baseline_data_bytecode), 16},
	{V(12, 0, 0), 0, OFFSET(bytecode_positions), 24},
	{0, 0, OFFSET(bytecode_positions), 32},
	{0, 0, OFFSET(bytecode_data), 54},
	{0, 0, OFFSET(fp_function), -16},
	{0, 0, OFFSET(fp_context), -8},
	/* The feedback vector's slot came between them in V8 8.7.198 */
	{0, V(8, 7, 198), OFFSET(fp_bytecode_array), -24},
	{0, 0, OFFSET(fp_bytecode_array), -32},
	{0, V(9, 0, 240), FIELD(code_kind_mask), 0x3e}, /* above a flag */
	{0, 0, FIELD(code_kind_mask), 0xf},
	{V(9, 0, 240), 0, FIELD(code_kind_baseline), 11},
	{0, V(9, 0, 240), FIELD(code_kind_turbofan), 0}, /* OPTIMIZED_FUNCTION */
	{0, 0, FIELD(deopt_inlined_count), 1},
	{0, 0, FIELD(deopt_literals), 2},
	{0, 0, FIELD(deopt_shared), 6},
};
#define GAPS (sizeof(gaps) / sizeof(gaps[0]))

/* Operand counts of TranslationOpcode since V8 13, where the file does not hold them. */
static const uint8_t operands_v13[] = {
	6, 4, 3, 3, 2, 1, 3, 4, 3, 3, 3, 1, 0, 0, 3, 3, 1, 1, 1, 0, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 2, 1,
};

struct reading {
	struct elf_file *file;
	struct v8_layout *out;
	struct v8_constants constants;
	int32_t version[3];
	uint64_t builtins_start, builtins_last, builtins_last_size;
	struct elf_symbol sizes, operands; /* of V8's tables; value 0: none */
	uint64_t blob_code_fn, blob_size_fn;
};

static int32_t *field(struct v8_layout *l, size_t offset)
{
	return (int32_t *)((char *)l + offset);
}

/* ---- symbols ---- */

static void take_builtin(struct reading *r, const struct elf_symbol *sym)
{
	if (!r->builtins_start || sym->value < r->builtins_start)
		r->builtins_start = sym->value;
	if (sym->value >= r->builtins_last) {
		r->builtins_last = sym->value;
		r->builtins_last_size = sym->size;
	}
}

static void take_v8(struct reading *r, const struct elf_symbol *sym)
{
	static const char *const version[3] = {"major_E", "minor_E", "build_E"};
	const char *name = sym->name + strlen("_ZN2v88internal");

	for (int i = 0; i < 3; i++) {
		if (!strncmp(name, "7Version6", 9) && !strcmp(name + 9, version[i]))
			r->version[i] = v8_constant_value(r->file, sym);
	}
	if (!strcmp(name, "11interpreter9Bytecodes14kBytecodeSizesE"))
		r->sizes = *sym;
	else if (!strcmp(name, "7Isolate23CurrentEmbeddedBlobCodeEv"))
		r->blob_code_fn = sym->value;
	else if (!strcmp(name, "7Isolate27CurrentEmbeddedBlobCodeSizeEv"))
		r->blob_size_fn = sym->value;
}

static int on_symbol(void *arg, const struct elf_symbol *sym)
{
	static const char operands[] = "_ZZN2v88internal29TranslationOpcodeOperandCountE"
				       "NS0_17TranslationOpcodeEE6counts";
	struct reading *r = arg;

	if (!strncmp(sym->name, V8_CONSTANT_PREFIX, strlen(V8_CONSTANT_PREFIX)))
		v8_constants_take(&r->constants, r->file, sym);
	else if (!strncmp(sym->name, "Builtins_", 9) && sym->is_code)
		take_builtin(r, sym);
	else if (!strncmp(sym->name, "_ZN2v88internal", 15))
		take_v8(r, sym);
	else if (!strcmp(sym->name, operands))
		r->operands = *sym;
	return 0;
}

/* ---- tables of V8's own ---- */

static void read_bytecode_sizes(struct reading *r)
{
	struct v8_layout *l = r->out;
	uint64_t count = r->sizes.size / V8_BYTECODE_SCALES; /* before V8 9 each is an int */

	if (!r->sizes.value || !count || count > V8_BYTECODES_MAX)
		return;
	for (unsigned i = 0; i < V8_BYTECODE_SCALES; i++) {
		if (elf_file_read(r->file, r->sizes.value + i * count, l->bytecode_sizes[i], count))
			return;
	}
	l->bytecode_count = (unsigned)count;
}

static void read_deopt_operands(struct reading *r)
{
	struct v8_layout *l = r->out;
	int32_t counts[V8_DEOPT_OPCODES_MAX];
	uint64_t n = r->operands.size / sizeof(counts[0]);

	if (r->operands.value && n && n <= V8_DEOPT_OPCODES_MAX &&
	    !elf_file_read(r->file, r->operands.value, counts, n * sizeof(counts[0]))) {
		for (unsigned i = 0; i < n; i++) {
			if (counts[i] < 0 || counts[i] > V8_DEOPT_OPERANDS_MAX)
				return;
			l->deopt_operands[i] = (uint8_t)counts[i];
		}
		l->deopt_opcode_count = (unsigned)n;
	} else if (l->version >= V(13, 0, 0)) {
		memcpy(l->deopt_operands, operands_v13, sizeof(operands_v13));
		l->deopt_opcode_count = sizeof(operands_v13);
	}
}

static uint64_t returned_variable(const struct reading *r, uint64_t fn)
{
	unsigned char code[FUNCTION_BYTES];

	if (!fn || elf_file_read(r->file, fn, code, sizeof(code)))
		return 0;
	return v8_insn_returned_variable(r->out->machine, fn, code, sizeof(code));
}

static void find_builtins(struct reading *r)
{
	struct mw_range *range = &r->out->frames.builtins[0];

	if (r->builtins_start) {
		range->start = r->builtins_start;
		/* The last one is a short handler; its size is not given before V8 9 */
		range->end =
			r->builtins_last + (r->builtins_last_size ? r->builtins_last_size : 64);
		return;
	}
	r->out->builtins_pointer = returned_variable(r, r->blob_code_fn);
	r->out->builtins_size = returned_variable(r, r->blob_size_fn);
}

/* ---- what is left out ---- */

/* The fields of Code lie side by side, of which each version names others. */
static void fill_code(struct v8_layout *l)
{
	struct v8_offsets *o = &l->offsets;

	l->code_start_is_pointer = l->version >= V8_CODE_APART;
	if (o->code_size != V8_ABSENT) {
		if (o->code_positions == V8_ABSENT)
			o->code_positions =
				l->version >= V(12, 0, 0) ? o->code_start - 24 : o->code_size - 16;
		if (o->code_flags == V8_ABSENT)
			o->code_flags = o->code_size + (l->version >= V(9, 0, 0) ? 8 : 4);
	} else if (o->code_positions != V8_ABSENT) {
		o->code_start = o->code_positions + 16;
		o->code_flags = o->code_start + 8;
		o->code_size = o->code_flags + (l->version < V8_SIZE_AFTER_FLAGS ? 8 : 4);
	}
	if (o->code_deopt_data == V8_ABSENT && o->code_positions != V8_ABSENT)
		o->code_deopt_data = o->code_positions - 8;
}

static void fill_rest(struct v8_layout *l)
{
	struct v8_types *t = &l->types;
	struct v8_offsets *o = &l->offsets;

	if (t->function_last == V8_ABSENT) /* subclasses of JSFunction came in V8 9.0.14 */
		t->function_last = t->function_first + (l->version >= V(9, 0, 14) ? 16 : 0);
	if (o->shared_flags != V8_ABSENT)
		o->shared_literal_id = o->shared_flags + 4;
	if (o->fp_bytecode_offset == V8_ABSENT)
		o->fp_bytecode_offset = o->fp_bytecode_array - 8;
	if (l->code_kind_baseline != V8_ABSENT) {
		l->code_kind_maglev = l->code_kind_baseline + 1;
		l->code_kind_turbofan = l->code_kind_baseline + 2;
	}
	if (l->deopt_inlining_positions == V8_ABSENT)
		l->deopt_inlining_positions = l->deopt_shared + 1;
	l->positions_begin_at_0 = l->version < V(8, 0, 0); /* Node 12 has it, Node 14 not */
	l->positions_have_two_flags = l->version >= V(14, 0, 0);
	l->deopt_has_pcs = l->version >= V(12, 0, 0);
	l->scope_info_begins_with_positions = l->scope_info_first_vars == 5;
	l->scope_info_hashes_names = o->scope_info_slots == 8;
}

static void fill_frames(struct v8_layout *l)
{
	struct mw_v8_frames *f = &l->frames;

	f->shared_offset = (__u16)l->offsets.function_shared;
	f->map_type_offset = (__u16)l->offsets.map_type;
	f->function_type_first = (__u16)l->types.function_first;
	f->function_type_last = (__u16)l->types.function_last;
	f->shared_type = (__u16)l->types.shared_info;
	f->bytecode_offset_fp = (__s16)l->offsets.fp_bytecode_offset;
	f->shared_script_offset = (__u16)l->offsets.shared_script;
	f->shared_literal_id_offset = (__u16)l->offsets.shared_literal_id;
	f->script_id_offset = (__u16)l->offsets.script_id;
	f->enabled = 1;
}

/* ---- is it usable ---- */

/* A name in the middle of an object, or a type that fits into a Map: what is read later. */
static bool is_sound(const struct v8_layout *l)
{
	static const size_t needed_types[] = {
		TYPE(function_first), TYPE(function_last),  TYPE(shared_info),
		TYPE(script),	      TYPE(scope_info),	    TYPE(fixed_array),
		TYPE(byte_array),     TYPE(bytecode_array), TYPE(code),
	};
	const int32_t *offset = (const int32_t *)&l->offsets;
	const int32_t *fp = &l->offsets.fp_function;

	for (size_t i = 0; i < sizeof(needed_types) / sizeof(needed_types[0]); i++) {
		int32_t type = *field((struct v8_layout *)l, needed_types[i]);

		if (type <= 0 || type > UINT16_MAX)
			return false;
	}
	for (; offset < fp; offset++) {
		if (*offset < 0 || *offset > 256)
			return false;
	}
	return l->offsets.fp_function == -16 && l->offsets.fp_context == -8 &&
	       (l->offsets.fp_bytecode_offset == -32 || l->offsets.fp_bytecode_offset == -40) &&
	       l->scope_info_first_vars >= 3 && l->scope_info_first_vars <= 5;
}

static int judge(const struct reading *r, const char **why)
{
	const struct v8_layout *l = r->out;

	if (!r->constants.found && !r->version[0]) {
		*why = "there is no V8 in this file";
		return -ENOENT;
	}
	if (r->constants.found < MIN_FOUND || r->version[0] <= 0) {
		*why = "V8's metadata (v8dbg_* symbols) was stripped from its file";
		return -ENOTSUP;
	}
	if (l->tagged_bytes != 8) {
		*why = "this V8 compresses pointers, which is not supported";
		return -ENOTSUP;
	}
	if (l->version < V(7, 8, 0)) {
		*why = "this V8 is older than Node 12's, which is not supported";
		return -ENOTSUP;
	}
	if (!is_sound(l)) {
		*why = "V8's metadata (v8dbg_* symbols) is of an unknown kind";
		return -ENOTSUP;
	}
	return 0;
}

int v8_layout_read(struct elf_file *f, struct v8_layout *out, const char **why)
{
	struct reading r = {.file = f, .out = out};
	int err;

	memset(out, 0, sizeof(*out));
	out->machine = elf_file_machine(f);
	v8_constants_init(&r.constants, constants, CONSTANTS, out);
	v8_gaps_clear(gaps, GAPS, out);
	out->offsets.shared_literal_id = V8_ABSENT;
	out->code_kind_maglev = V8_ABSENT;
	/* .symtab has all that .dynsym has. Damage: what was found is judged */
	elf_file_for_each_symbol_in(f, ELF_SYMTAB, on_symbol, &r);
	if (r.constants.found < MIN_FOUND || !r.version[0])
		elf_file_for_each_symbol_in(f, ELF_DYNSYM, on_symbol, &r);
	out->major = r.version[0];
	out->minor = r.version[1];
	out->build = r.version[2];
	out->version = V(out->major, (uint16_t)out->minor, (uint16_t)out->build);
	v8_gaps_fill(gaps, GAPS, out->version, out);
	fill_code(out);
	fill_rest(out);
	err = judge(&r, why);
	if (err) {
		memset(out, 0, sizeof(*out));
		return err;
	}
	read_bytecode_sizes(&r);
	read_deopt_operands(&r);
	find_builtins(&r);
	fill_frames(out);
	return 0;
}

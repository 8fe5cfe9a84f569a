/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How the objects of one V8 lie in memory: from the v8dbg_* constants that its
 * file exports, completed by a table of what they leave out, by version. Offsets
 * are from the untagged start of an object. Fields that a version has not are -1.
 *
 * Sources: V8's own tools/gen-postmortem-metadata.py; the table was measured on Node 12-26
 * (V8 7.8-14.6) and is checked by tests against running processes.
 */
#ifndef MEMWATCH_V8_V8_LAYOUT_H
#define MEMWATCH_V8_V8_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "memwatch/sites.h"
#include "sym/elf_file.h"

#define V8_VERSION(major, minor, build)                                                            \
	(((uint64_t)(major) << 32) | ((uint64_t)(minor) << 16) | (uint64_t)(build))

#define V8_BYTECODES_MAX      256
#define V8_BYTECODE_SCALES    3
#define V8_DEOPT_OPCODES_MAX  64
#define V8_DEOPT_OPERANDS_MAX 8
#define V8_UNCOMPILED_TYPES   4

/* Instance types, as in a Map. */
struct v8_types {
	int32_t first_nonstring; /* all below are strings */
	int32_t function_first, function_last;
	int32_t shared_info, script, scope_info, debug_info;
	int32_t fixed_array, byte_array, trusted_byte_array;
	int32_t bytecode_array, interpreter_data, baseline_data;
	int32_t uncompiled[V8_UNCOMPILED_TYPES]; /* UncompiledData: with and without PreparseData,
						    and a job of it */
	int32_t code;
	int32_t code_stream; /* InstructionStream: what JIT code lies in, apart from its Code */
};

struct v8_offsets {
	int32_t map_type;
	int32_t function_shared;
	int32_t shared_data, shared_name, shared_script, shared_flags, shared_literal_id;
	int32_t script_source, script_name, script_line_offset, script_line_ends, script_id;
	int32_t debug_info_script;
	int32_t uncompiled_start; /* of the function, in its script */
	int32_t scope_info_slots; /* flags, parameters, context locals, ... */
	int32_t array_length, array_data;
	int32_t interpreter_data_bytecode, baseline_data_bytecode;
	int32_t bytecode_positions, bytecode_data;
	int32_t code_deopt_data, code_positions, code_start, code_size, code_flags;
	/* In a frame, from its fp */
	int32_t fp_function, fp_context, fp_bytecode_array, fp_bytecode_offset;
};

struct v8_layout {
	int major, minor, build;
	uint64_t version; /* V8_VERSION() */
	uint16_t machine; /* of its code, as in v8_insn.h */

	struct mw_v8_frames frames; /* for BPF; @builtins as link-time addresses of the file,
				       which are 0 where only the process knows */

	/* ... the rest is for user/v8 alone: */
	int32_t tagged_bytes;
	struct v8_types types;
	struct v8_offsets offsets;
	int32_t scope_info_first_vars; /* slot */
	bool scope_info_begins_with_positions;
	bool scope_info_hashes_names; /* 75 or more local names are in a table of their own */

	int32_t code_kind_mask, code_kind_baseline, code_kind_maglev, code_kind_turbofan;
	bool code_start_is_pointer; /* Code is apart from the instructions */
	/* DeoptimizationData: indices */
	int32_t deopt_inlined_count, deopt_literals, deopt_shared, deopt_inlining_positions;
	bool positions_have_two_flags; /* v8_positions.c */
	bool positions_begin_at_0;     /* their code offsets; else at -1 */
	bool deopt_has_pcs;	       /* each entry holds the pc of its call */

	/* Bytes of a bytecode, by operand scale; 0 of them: unknown */
	uint8_t bytecode_sizes[V8_BYTECODE_SCALES][V8_BYTECODES_MAX];
	unsigned bytecode_count;
	uint8_t deopt_operands[V8_DEOPT_OPCODES_MAX]; /* of a translation's opcode */
	unsigned deopt_opcode_count;		      /* 0: unknown */

	/* Addresses in the file of the variables that hold where the builtins are and how large;
	   0 if it is not known, or not needed */
	uint64_t builtins_pointer, builtins_size;
};

/**
 * v8_layout_read - from the file that holds V8
 *
 * Returns 0, -ENOENT (no V8 in it), -ENOTSUP (pointer compression, or metadata that
 * is too thin), with @why set to a sentence.
 */
int v8_layout_read(struct elf_file *f, struct v8_layout *out, const char **why);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a census must know of one V8 beyond v8/v8_layout.h: instance types and offsets, by its
 * v8dbg_* constants, and a table of what they leave out. -1: this version has none.
 */
#ifndef MEMWATCH_CENSUS_LAYOUT_H
#define MEMWATCH_CENSUS_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "v8/v8_constants.h" /* V8_ABSENT */
#include "v8/v8_layout.h"

#define CENSUS_TYPES	 4096 /* instance types are below */
#define CENSUS_TYPE_NAME 48

struct census_types {
	int32_t map, oddball, hole, heap_number, bigint, symbol, foreign, trusted_foreign;
	int32_t cell, property_cell, context_cell;
	int32_t proxy; /* the first of the JSReceivers: JavaScript's objects, with all above */
	int32_t context_first, context_last;
	/* What is like a FixedArray is from v8_types.fixed_array up to this, not including */
	int32_t array_end;
	int32_t double_array, property_array, weak_fixed_array, weak_array_list, array_list;
	int32_t transition_array, descriptors, strong_descriptors, embedder_data, free_space;
	int32_t trusted_array, trusted_weak_array, protected_array, protected_weak_array;
	int32_t feedback_vector, feedback_metadata, preparse_data, coverage_info, allocation_site;
	int32_t function_template, module, weak_cell, wasm_null;
	int32_t js_weak_ref, js_map, js_set, js_weak_map, js_weak_set, js_bound_function, js_regexp;
	int32_t js_array, js_array_buffer, js_global;
};

struct census_offsets {
	int32_t map_words, map_in_object, map_bits2, map_bits3, map_prototype, map_constructor,
		map_descriptors;
	int32_t descriptors_header, descriptors_count;
	int32_t function_context;
	int32_t array_buffer_bytes;
};

struct census_layout {
	const struct v8_layout *v8;
	struct census_types types;
	struct census_offsets offsets;
	int32_t own_descriptors_mask, own_descriptors_shift; /* in bit_field3 */
	int32_t dictionary_shift;
	int32_t location_mask, location_shift, index_mask, index_shift; /* in property details */
	int32_t dictionary_prefix; /* words of a NameDictionary before its entries, after the
				      table's own 3 */
	int32_t context_header;	   /* slots of a Context before variables */
	char names[CENSUS_TYPES]
		  [CENSUS_TYPE_NAME]; /* of instance types: "FixedArray"; "": unknown */
};

/** census_layout_read - from the file that holds V8; @v8 must outlive it. 0, -ENOTSUP, -ENOMEM */
int census_layout_read(struct elf_file *f, const struct v8_layout *v8, struct census_layout *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The layout of a V8, as a census needs it: by v8dbg_* constants, and by gaps[] of what they
 * leave out, which was measured on Node 12 to 26 (V8 7.8 to 14.6).
 *
 * Names of instance types are taken from the constants too: they are shown for V8's own objects.
 *
 * LIMITATIONS: types that a version leaves out of its metadata, and gaps[] too, are unknown: their
 * sizes are learned (heap_size.c), and nothing is known of what they are.
 */
#include "census/layout.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "v8/v8_constants.h"

#define FIELD(f)	       offsetof(struct census_layout, f)
#define TYPE(f)		       FIELD(types.f)
#define OFFSET(f)	       FIELD(offsets.f)
#define V(major, minor, build) V8_VERSION(major, minor, build)
#define TYPE_PREFIX	       V8_CONSTANT_PREFIX "type_"

static const struct v8_constant constants[] = {
	{"type_Map__", TYPE(map)},
	{"type_Oddball__", TYPE(oddball)},
	{"type_Hole__", TYPE(hole)},
	{"type_HeapNumber__", TYPE(heap_number)},
	{"type_Symbol__", TYPE(symbol)},
	{"type_Foreign__", TYPE(foreign)},
	{"type_TrustedForeign__", TYPE(trusted_foreign)},
	{"type_Cell__", TYPE(cell)},
	{"type_PropertyCell__", TYPE(property_cell)},
	{"type_ContextCell__", TYPE(context_cell)},
	{"type_JSProxy__", TYPE(proxy)},
	{"FirstContextType", TYPE(context_first)},
	{"LastContextType", TYPE(context_last)},
	{"type_FixedDoubleArray__", TYPE(double_array)},
	{"type_PropertyArray__", TYPE(property_array)},
	{"type_WeakFixedArray__", TYPE(weak_fixed_array)},
	{"type_WeakArrayList__", TYPE(weak_array_list)},
	{"type_ArrayList__", TYPE(array_list)},
	{"type_DescriptorArray__", TYPE(descriptors)},
	{"type_StrongDescriptorArray__", TYPE(strong_descriptors)},
	{"type_EmbedderDataArray__", TYPE(embedder_data)},
	{"type_FreeSpace__", TYPE(free_space)},
	{"type_TrustedFixedArray__", TYPE(trusted_array)},
	{"type_TrustedWeakFixedArray__", TYPE(trusted_weak_array)},
	{"type_ProtectedFixedArray__", TYPE(protected_array)},
	{"type_ProtectedWeakFixedArray__", TYPE(protected_weak_array)},
	{"type_FeedbackVector__", TYPE(feedback_vector)},
	{"type_PreparseData__", TYPE(preparse_data)},
	{"type_CoverageInfo__", TYPE(coverage_info)},
	{"type_AllocationSite__", TYPE(allocation_site)},
	{"type_FunctionTemplateInfo__", TYPE(function_template)},
	{"type_SourceTextModule__", TYPE(module)},
	{"type_WeakCell__", TYPE(weak_cell)},
	{"type_WasmNull__", TYPE(wasm_null)},
	{"type_JSWeakRef__", TYPE(js_weak_ref)},
	{"type_JSMap__", TYPE(js_map)},
	{"type_JSSet__", TYPE(js_set)},
	{"type_JSWeakMap__", TYPE(js_weak_map)},
	{"type_JSWeakSet__", TYPE(js_weak_set)},
	{"type_JSBoundFunction__", TYPE(js_bound_function)},
	{"type_JSRegExp__", TYPE(js_regexp)},
	{"type_JSArray__", TYPE(js_array)},
	{"type_JSArrayBuffer__", TYPE(js_array_buffer)},
	{"type_JSGlobalObject__", TYPE(js_global)},
	{"class_Map__instance_size_in_words__", OFFSET(map_words)},
	{"class_Map__inobject_properties_start_or_constructor_function_index__",
	 OFFSET(map_in_object)},
	{"class_Map__bit_field2__", OFFSET(map_bits2)},
	{"class_Map__bit_field3__", OFFSET(map_bits3)},
	{"class_Map__prototype__", OFFSET(map_prototype)},
	{"class_Map__constructor_or_back_pointer__", OFFSET(map_constructor)},
	{"class_Map__constructor_or_backpointer__", OFFSET(map_constructor)},
	{"class_Map__instance_descriptors_offset", OFFSET(map_descriptors)},
	{"class_DescriptorArray__header_size__", OFFSET(descriptors_header)},
	{"class_JSFunction__context__", OFFSET(function_context)},
	{"class_JSArrayBuffer__byte_length__", OFFSET(array_buffer_bytes)},
	{"bit_field3_number_of_own_descriptors_mask", FIELD(own_descriptors_mask)},
	{"bit_field3_number_of_own_descriptors_shift", FIELD(own_descriptors_shift)},
	{"bit_field3_is_dictionary_map_shift", FIELD(dictionary_shift)},
	{"prop_location_mask", FIELD(location_mask)},
	{"prop_location_shift", FIELD(location_shift)},
	{"prop_index_mask", FIELD(index_mask)},
	{"prop_index_shift", FIELD(index_shift)},
	{"namedictionaryshape_prefix_size", FIELD(dictionary_prefix)},
	{"context_min_slots", FIELD(context_header)},
};

static const struct v8_gap gaps[] = {
	{0, V(8, 0, 0), TYPE(proxy), 1024}, /* JSReceivers had a range of their own */
	/* Of Node 12 (7.8): beside what it names, by its src/objects/instance-type.h */
	{0, V(8, 0, 0), TYPE(bigint), 66},
	{0, V(8, 0, 0), TYPE(feedback_metadata), 75},
	{0, V(8, 0, 0), TYPE(free_space), 73},
	{0, V(8, 0, 0), TYPE(module), 119},
	{0, V(8, 0, 0), TYPE(cell), 151},
	{0, V(8, 0, 0), TYPE(property_array), 158},
	{0, V(8, 0, 0), TYPE(property_cell), 159},
	{0, 0, OFFSET(map_words), 8},
	{0, 0, OFFSET(map_in_object), 9},
	{0, 0, OFFSET(map_bits2), 15},
	{0, 0, OFFSET(map_bits3), 16},
	{0, 0, OFFSET(map_prototype), 24},
	{0, 0, OFFSET(map_constructor), 32},
	{0, 0, OFFSET(map_descriptors), 40},
	{0, 0, OFFSET(descriptors_header), 24},
	{0, 0, OFFSET(descriptors_count), 8},
	{0, 0, OFFSET(function_context), 32},
	{0, 0, FIELD(own_descriptors_mask), 0x3ff << 10},
	{0, 0, FIELD(own_descriptors_shift), 10},
	{0, 0, FIELD(dictionary_shift), 21},
	{0, 0, FIELD(location_mask), 2},
	{0, 0, FIELD(location_shift), 1},
	{0, 0, FIELD(index_mask), 0x3ff << 19},
	{0, 0, FIELD(index_shift), 19},
	{0, 0, FIELD(dictionary_prefix), 2},
	{0, 0, FIELD(context_header), 2},
};

#define CONSTANTS (sizeof(constants) / sizeof(constants[0]))
#define GAPS	  (sizeof(gaps) / sizeof(gaps[0]))

struct reading {
	struct elf_file *file;
	struct census_layout *out;
	struct v8_constants constants;
};

static void take_name(struct reading *r, const struct elf_symbol *sym)
{
	const char *name = sym->name + strlen(TYPE_PREFIX);
	const char *end = strstr(name, "__");
	int32_t type = v8_constant_value(r->file, sym);
	size_t len = end ? (size_t)(end - name) : 0;

	if (!len || len >= CENSUS_TYPE_NAME || type < 0 || type >= CENSUS_TYPES ||
	    *r->out->names[type])
		return;
	memcpy(r->out->names[type], name, len);
}

static int on_symbol(void *arg, const struct elf_symbol *sym)
{
	struct reading *r = arg;

	if (strncmp(sym->name, V8_CONSTANT_PREFIX, strlen(V8_CONSTANT_PREFIX)))
		return 0;
	v8_constants_take(&r->constants, r->file, sym);
	if (!strncmp(sym->name, TYPE_PREFIX, strlen(TYPE_PREFIX)))
		take_name(r, sym);
	return 0;
}

/* Types that lie beside others, in every version. */
static void fill_neighbours(struct census_layout *l)
{
	struct census_types *t = &l->types;

	if (t->bigint == V8_ABSENT)
		t->bigint = t->symbol + 1;
	if (t->feedback_metadata == V8_ABSENT && t->feedback_vector != V8_ABSENT)
		t->feedback_metadata = t->feedback_vector - 1;
	if (t->weak_fixed_array != V8_ABSENT)
		t->transition_array = t->weak_fixed_array + 1;
	/* Tables, scope infos, contexts ...: all of a FixedArray's layout are in one range */
	t->array_end = l->v8->types.byte_array > l->v8->types.fixed_array ? l->v8->types.byte_array
									  : t->context_last + 1;
}

/* What everything stands on; offsets within small objects. */
static int judge(const struct census_layout *l)
{
	const struct census_types *t = &l->types;
	const int32_t *offset = (const int32_t *)&l->offsets;
	const int32_t *end = (const int32_t *)(&l->offsets + 1);
	const int32_t needed[] = {t->map,	    t->symbol,	     t->proxy,
				  t->context_first, t->context_last, t->heap_number};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (needed[i] <= 0 || needed[i] >= CENSUS_TYPES)
			return -ENOTSUP;
	}
	for (; offset < end; offset++) {
		if (*offset < 0 || *offset > 256)
			return -ENOTSUP;
	}
	if (l->own_descriptors_shift < 0 || l->own_descriptors_shift > 31 || l->index_shift < 0 ||
	    l->index_shift > 31 || l->dictionary_shift < 0 || l->dictionary_shift > 31 ||
	    l->dictionary_prefix < 0 || l->dictionary_prefix > 8 || l->context_header < 0 ||
	    l->context_header > 8)
		return -ENOTSUP;
	return 0;
}

int census_layout_read(struct elf_file *f, const struct v8_layout *v8, struct census_layout *out)
{
	struct reading r = {.file = f, .out = out};

	memset(out, 0, sizeof(*out));
	memset(&out->types, 0xff, sizeof(out->types)); /* V8_ABSENT */
	out->v8 = v8;
	v8_constants_init(&r.constants, constants, CONSTANTS, out);
	v8_gaps_clear(gaps, GAPS, out);
	elf_file_for_each_symbol_in(f, ELF_SYMTAB, on_symbol, &r);
	if (r.constants.found < CONSTANTS / 2)
		elf_file_for_each_symbol_in(f, ELF_DYNSYM, on_symbol, &r);
	v8_gaps_fill(gaps, GAPS, v8->version, out);
	fill_neighbours(out);
	return judge(out);
}

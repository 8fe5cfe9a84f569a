/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "output/ndjson_kept.h"

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

const struct site_key verdict_constructor_keys[] = {
	{"name", "as in constructor"},
	{"kind", "as in constructor"},
	{"file", "as in constructor"},
	{"line", "as in constructor"},
	{"delta_count", "change between the two censuses"},
	{"delta_bytes", "the same of bytes"},
	{"count", "live objects"},
	{"bytes", "that they take, those outside of the heap included"},
};
const size_t verdict_constructor_key_count = COUNT_OF(verdict_constructor_keys);

const struct site_key verdict_retainer_keys[] = {
	{"container", "what holds them: Map, Array, ...; absent: no one container does"},
	{"share", "of the objects that it holds, 0..1"},
	{"count", "objects that are reached through it only, or first"},
	{"bytes", "of these"},
	{"edge", "how the container, or one of the objects, is referred to: variable, property"},
	{"node", "by what"},
	{"file", "of that, or of the next on the way to a root that has one"},
	{"line", "of that in the file"},
};
const size_t verdict_retainer_key_count = COUNT_OF(verdict_retainer_keys);

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libbpf's own CO-RE macros, but for the compiler's part: offsets are those of
 * the stub types, and what the kernel has is for the test to say.
 */
#define __builtin_preserve_access_index(address) (address)

#include_next <bpf/bpf_core_read.h>

#undef ___read /* forms no member of NULL: host_read() answers that as the kernel does */
#define ___read(read_fn, dst, src_type, src, accessor)                                             \
	read_fn((void *)(dst), sizeof(*(dst)),                                                     \
		(const void *)((__u64)(src) + __builtin_offsetof(typeof(*(src_type)0), accessor)))

#undef bpf_core_field_offset
#undef bpf_core_type_size
#undef bpf_core_type_exists
#undef bpf_core_enum_value
#undef bpf_core_enum_value_exists
#define bpf_core_field_offset(type, field) __builtin_offsetof(type, field)
#define bpf_core_type_size(type)	   sizeof(type)
#define bpf_core_type_exists(type)	   host.has_old_rss /* the only type that is asked for */
#define bpf_core_enum_value(type, value)   (value)
#define bpf_core_enum_value_exists(type, value)                                                    \
	(__builtin_strcmp(#value, "memory_cgrp_id") ? host.has_loop : host.has_memcg)

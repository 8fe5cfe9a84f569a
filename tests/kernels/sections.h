/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the sections of a BPF object are to the kernel, as in libbpf's own table, which libbpf keeps
 * to itself.
 */
#ifndef MEMWATCH_TESTS_SECTIONS_H
#define MEMWATCH_TESTS_SECTIONS_H

#include <bpf/btf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

struct section_kind {
	const char *prefix;
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
	const char
		*btf_prefix; /* of the type that is attached to, named after the '/'; NULL: none */
	__u32 btf_kind;
};

static const struct section_kind section_kinds[] = {
	{"uprobe", BPF_PROG_TYPE_KPROBE, 0, NULL, 0},
	{"uretprobe", BPF_PROG_TYPE_KPROBE, 0, NULL, 0},
	{"kprobe", BPF_PROG_TYPE_KPROBE, 0, NULL, 0},
	{"kretprobe", BPF_PROG_TYPE_KPROBE, 0, NULL, 0},
	{"perf_event", BPF_PROG_TYPE_PERF_EVENT, 0, NULL, 0},
	{"tp", BPF_PROG_TYPE_TRACEPOINT, 0, NULL, 0},
	{"raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, NULL, 0},
	{"tp_btf", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, "btf_trace_", BTF_KIND_TYPEDEF},
	{"fentry", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, "", BTF_KIND_FUNC},
	{"fexit", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, "", BTF_KIND_FUNC},
	{"iter", BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, "bpf_iter_", BTF_KIND_FUNC},
};
#define SECTION_KINDS (sizeof(section_kinds) / sizeof(section_kinds[0]))

static inline const struct section_kind *section_kind_of(const char *section)
{
	size_t len = strcspn(section, "/");

	for (size_t i = 0; i < SECTION_KINDS; i++) {
		const char *prefix = section_kinds[i].prefix;

		if (strlen(prefix) == len && !strncmp(section, prefix, len))
			return &section_kinds[i];
	}
	return NULL;
}

/** section_attach_type - the id in @btf of what @section attaches to; 0: nothing; -ENOENT */
static inline int section_attach_type(const struct btf *btf, const char *section)
{
	const struct section_kind *kind = section_kind_of(section);
	const char *target = strchr(section, '/');
	char name[128];

	if (!kind || !kind->btf_prefix || !target)
		return 0;
	snprintf(name, sizeof(name), "%s%s", kind->btf_prefix, target + 1);
	return btf__find_by_name_kind(btf, name, kind->btf_kind);
}

#endif

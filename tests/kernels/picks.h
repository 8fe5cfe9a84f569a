/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a BPF object asks of a kernel's types: those that its CO-RE relocations begin at, and the
 * prototypes of what its programs attach to. Each is a pick: "struct mm_struct".
 *
 * Relocations are read from the .BTF.ext section (kernel: Documentation/bpf/btf.rst, "The .BTF.ext
 * section"), which libbpf keeps to itself.
 */
#ifndef MEMWATCH_TESTS_PICKS_H
#define MEMWATCH_TESTS_PICKS_H

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sections.h"

/* struct btf_ext_header, as far as it is needed here */
struct picks_ext_header {
	__u16 magic;
	__u8 version, flags;
	__u32 hdr_len;
	__u32 func_info_off, func_info_len, line_info_off, line_info_len;
	__u32 core_relo_off, core_relo_len;
};

/* "struct", "union", "enum", "typedef" or "func": how the list of picks says it. NULL: none. */
static inline const char *btf_kind_word(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
		return "struct";
	case BTF_KIND_UNION:
		return "union";
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return "enum";
	case BTF_KIND_TYPEDEF:
		return "typedef";
	case BTF_KIND_FUNC:
		return "func";
	default:
		return NULL;
	}
}

/* Of NAME___flavour, NAME: how libbpf looks for a type. */
static inline size_t btf_essential_len(const char *name)
{
	const char *flavour = strstr(name, "___");

	return flavour && flavour != name ? (size_t)(flavour - name) : strlen(name);
}

static inline Elf_Data *picks_section(Elf *elf, const char *wanted)
{
	Elf_Scn *section = NULL;
	size_t strings;

	if (!elf || elf_getshdrstrndx(elf, &strings))
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		const char *name;

		if (!gelf_getshdr(section, &header))
			return NULL;
		name = elf_strptr(elf, strings, header.sh_name);
		if (name && !strcmp(name, wanted))
			return elf_getdata(section, NULL);
	}
	return NULL;
}

/* @name may have a flavour: struct mm_struct___pre_v62. */
typedef void (*pick_fn)(void *arg, const char *kind, const char *name);

/* Of a section of the programs: {name, how many, that many relocations}; where the next begins. */
static inline const char *picks_walk(const struct btf *btf, const char *at, __u32 record,
				     pick_fn fn, void *arg)
{
	__u32 count = ((const __u32 *)at)[1];

	for (at += 2 * sizeof(__u32); count; count--, at += record) {
		const struct bpf_core_relo *relo = (const void *)at;
		const struct btf_type *t = btf__type_by_id(btf, relo->type_id);
		const char *kind = t ? btf_kind_word(t) : NULL;

		if (kind && relo->kind != BPF_CORE_TYPE_ID_LOCAL)
			fn(arg, kind, btf__name_by_offset(btf, t->name_off));
	}
	return at;
}

static inline int picks_of_relos(const char *object, pick_fn fn, void *arg)
{
	struct btf *btf = btf__parse_elf(object, NULL);
	int fd = open(object, O_RDONLY | O_CLOEXEC);
	Elf *elf;
	Elf_Data *data;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	data = picks_section(elf, ".BTF.ext");
	if (btf && data && data->d_size >= sizeof(struct picks_ext_header)) {
		const struct picks_ext_header *h = data->d_buf;
		const char *at = (const char *)h + h->hdr_len + h->core_relo_off;
		const char *end = at + h->core_relo_len;
		__u32 record = *(const __u32 *)at;

		for (at += sizeof(__u32); at < end;)
			at = picks_walk(btf, at, record, fn, arg);
	}
	elf_end(elf);
	if (fd >= 0)
		close(fd);
	btf__free(btf);
	return btf && data ? 0 : -EINVAL;
}

/* Of "tp_btf/sys_exit" or "raw_tp/sys_exit" the typedef that has the prototype, of "fexit/NAME" the
 * function. */
static inline void picks_of_section(const char *section, pick_fn fn, void *arg)
{
	const struct section_kind *kind = section_kind_of(section);
	const char *target = strchr(section, '/');
	char name[128];

	if (kind && kind->type == BPF_PROG_TYPE_RAW_TRACEPOINT)
		kind = section_kind_of("tp_btf");
	if (!target++)
		return;
	snprintf(name, sizeof(name), "%s%s", kind && kind->btf_prefix ? kind->btf_prefix : "",
		 target);
	fn(arg, kind && kind->btf_kind == BTF_KIND_TYPEDEF ? "typedef" : "func", name);
}

/** picks_each - calls @fn for all that the file @path asks for. 0 or a negative errno */
static inline int picks_each(const char *path, pick_fn fn, void *arg)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	int err = object ? picks_of_relos(path, fn, arg) : -errno;

	if (!err)
		bpf_object__for_each_program (program, object)
			picks_of_section(bpf_program__section_name(program), fn, arg);
	bpf_object__close(object);
	return err;
}

#endif

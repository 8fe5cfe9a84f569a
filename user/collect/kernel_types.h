/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The types that the BPF programs are relocated by: the kernel's own BTF, or a file that the user
 * names where the kernel has none (or has it, to try).
 *
 * A file is not trusted: libbpf follows what it refers to without asking, so it is checked to be
 * whole first. And it is compared with the kernel by all that can be asked without its types.
 */
#ifndef MEMWATCH_COLLECT_KERNEL_TYPES_H
#define MEMWATCH_COLLECT_KERNEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>

struct btf;

#define KERNEL_TYPES_PATH "/sys/kernel/btf/vmlinux"

/** kernel_types_own - the running kernel's; NULL with errno: ENOENT if it has none, else malformed
 * or not to be read */
struct btf *kernel_types_own(void);

/**
 * kernel_types_load - of a file: BTF, or an ELF file with it in .BTF
 * @why: on failure, what is wrong with it, to follow its name
 *
 * Returns NULL with errno set.
 */
struct btf *kernel_types_load(const char *path, char *why, size_t size);

/** kernel_types_are_sound - whether every reference in @btf leads somewhere, and a reader who
 * follows them comes to an end soon: neither in a circle, nor by nested types without number */
bool kernel_types_are_sound(const struct btf *btf);

/**
 * kernel_types_compare - whether @btf can be the running kernel's
 * @own:  the kernel's own types, or NULL
 * @root: "", or a folder with sys/ in it
 * @why:  on failure, the difference
 *
 * Compared are the architecture, sizes of structs (with @own, or with the slabs that the kernel has
 * for them) and which BPF helpers there are. Another build of nearly the same kernel may pass: see
 * struct mw_self.
 *
 * Returns 0 or -EINVAL.
 */
int kernel_types_compare(const struct btf *btf, const struct btf *own, const char *root, char *why,
			 size_t size);

#endif

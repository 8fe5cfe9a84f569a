/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Loading and checking a kernel's types. */
#include "collect/kernel_types.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RAW_MAX_BYTES (64 << 20) /* a distribution's kernel has 5 to 10 MiB */
#define DEPTH_MAX     64	 /* of types by value in each other */
#define WALK_MAX      4096 /* types met in one, each as often as it is; 25 in Linux 5.10 to 7.3 */

/* Verifier's words for a helper of a number that it has not heard of, since 3.18. */
#define HELPER_UNHEARD_OF "invalid func "

#if defined(__x86_64__)
#define REGISTERS_MEMBER "orig_ax" /* of struct pt_regs, and of no other architecture's */
#elif defined(__aarch64__)
#define REGISTERS_MEMBER "syscallno"
#endif

/* --- loading --- */

struct btf *kernel_types_own(void)
{
	struct btf *btf;

	if (access(KERNEL_TYPES_PATH, F_OK))
		return NULL;
	btf = btf__parse(KERNEL_TYPES_PATH, NULL);
	if (!btf)
		errno = errno == EACCES ? EACCES : EPROTO;
	return btf;
}

/* What libbpf would take for a file is read to its end: it must have one. 0 or -errno */
static int check_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;
	uint16_t magic = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (S_ISDIR(st.st_mode))
		err = -EISDIR;
	else if (!S_ISREG(st.st_mode))
		err = -EPROTO;
	else if (read(fd, &magic, sizeof(magic)) != sizeof(magic))
		err = -EPROTO;
	else if ((magic == BTF_MAGIC || magic == __builtin_bswap16(BTF_MAGIC)) &&
		 st.st_size > RAW_MAX_BYTES)
		err = -EFBIG;
	close(fd);
	return err;
}

static void say_file(int err, char *why, size_t size)
{
	if (err == -EPROTO)
		snprintf(why, size,
			 "it is neither BTF nor an ELF file with BTF in it (section .BTF)");
	else
		snprintf(why, size, "%s", strerror(-err));
}

struct btf *kernel_types_load(const char *path, char *why, size_t size)
{
	int err = check_file(path);
	struct btf *btf;

	if (err) {
		say_file(err, why, size);
		errno = -err;
		return NULL;
	}
	btf = btf__parse(path, NULL);
	if (!btf) {
		say_file(errno == ENOMEM ? -ENOMEM : -EPROTO, why, size);
		errno = EINVAL;
		return NULL;
	}
	if (!kernel_types_are_sound(btf)) {
		snprintf(why, size, "it is damaged: what it refers to is not there");
		btf__free(btf);
		errno = EINVAL;
		return NULL;
	}
	return btf;
}

/* --- being sound --- */

struct walk {
	const struct btf *btf;
	uint16_t *met; /* of each type: what walk_type() said; 0: not yet; or */
	unsigned depth;
};

#define WALKING UINT16_MAX

static bool is_type(const struct btf *btf, uint32_t id)
{
	return id < btf__type_cnt(btf);
}

static bool is_name(const struct btf *btf, uint32_t offset)
{
	return btf__str_by_offset(btf, offset) != NULL;
}

static bool members_are_there(const struct btf *btf, const struct btf_type *t)
{
	for (int i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];

		if (!is_name(btf, m->name_off) || !is_type(btf, m->type))
			return false;
	}
	return true;
}

static bool params_are_there(const struct btf *btf, const struct btf_type *t)
{
	for (int i = 0; i < btf_vlen(t); i++) {
		const struct btf_param *p = &btf_params(t)[i];

		if (!is_name(btf, p->name_off) || !is_type(btf, p->type))
			return false;
	}
	return is_type(btf, t->type);
}

static bool constants_are_there(const struct btf *btf, const struct btf_type *t)
{
	for (int i = 0; i < btf_vlen(t); i++) {
		uint32_t name = btf_kind(t) == BTF_KIND_ENUM ? btf_enum(t)[i].name_off
							     : btf_enum64(t)[i].name_off;

		if (!is_name(btf, name))
			return false;
	}
	return true;
}

static bool variables_are_there(const struct btf *btf, const struct btf_type *t)
{
	for (int i = 0; i < btf_vlen(t); i++) {
		if (!is_type(btf, btf_var_secinfos(t)[i].type))
			return false;
	}
	return true;
}

/* Whether all that @t names is there. Its own length was checked by libbpf. */
static bool references_are_there(const struct btf *btf, const struct btf_type *t)
{
	if (!is_name(btf, t->name_off))
		return false;
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return members_are_there(btf, t);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return constants_are_there(btf, t);
	case BTF_KIND_ARRAY:
		return is_type(btf, btf_array(t)->type) && is_type(btf, btf_array(t)->index_type);
	case BTF_KIND_FUNC_PROTO:
		return params_are_there(btf, t);
	case BTF_KIND_DATASEC:
		return variables_are_there(btf, t);
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_FWD:
		return true;
	default:
		return is_type(btf, t->type);
	}
}

/*
 * What libbpf follows without counting: modifiers and typedefs, arrays, nameless members. How many
 * types it meets, also those that it meets again; 0: without end, or more than WALK_MAX.
 */
static unsigned walk_type(struct walk *w, uint32_t id) // NOLINT(misc-no-recursion): DEPTH_MAX
{
	const struct btf_type *t = btf__type_by_id(w->btf, id);
	unsigned met = 1, inner = 1;

	if (!id)
		return 1;
	if (w->met[id])
		return w->met[id] == WALKING ? 0 : w->met[id];
	if (w->depth == DEPTH_MAX)
		return 0;
	w->met[id] = WALKING;
	w->depth++;
	if (btf_is_mod(t) || btf_is_typedef(t) || btf_is_array(t))
		met += inner = walk_type(w, btf_is_array(t) ? btf_array(t)->type : t->type);
	for (int i = 0; inner && met <= WALK_MAX && btf_is_composite(t) && i < btf_vlen(t); i++) {
		if (!btf__str_by_offset(w->btf, btf_members(t)[i].name_off)[0])
			met += inner = walk_type(w, btf_members(t)[i].type);
	}
	w->depth--;
	if (!inner || met > WALK_MAX)
		return 0; /* it stays WALKING: who comes by it again hears the same */
	w->met[id] = (uint16_t)met;
	return met;
}

bool kernel_types_are_sound(const struct btf *btf)
{
	uint32_t count = btf__type_cnt(btf);
	struct walk w = {.btf = btf, .met = calloc(count, sizeof(*w.met))};
	bool sound = w.met != NULL;

	for (uint32_t id = 1; sound && id < count; id++)
		sound = references_are_there(btf, btf__type_by_id(btf, id));
	for (uint32_t id = 1; sound && id < count; id++)
		sound = walk_type(&w, id) > 0;
	free(w.met);
	return sound;
}

/* --- being this kernel's --- */

static const struct btf_type *find_struct(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	return id > 0 ? btf__type_by_id(btf, id) : NULL;
}

static int compare_machine(const struct btf *btf, char *why, size_t size)
{
	const struct btf_type *regs = find_struct(btf, "pt_regs");
	uint16_t one = 1;

	/* The first is in nearly every BPF program, too. */
	if (!find_struct(btf, "task_struct") || !find_struct(btf, "inode") || !regs) {
		snprintf(why, size,
			 "it does not hold a kernel's types (it may be a module's, a program's, or "
			 "cut "
			 "down for another tool)");
		return -EINVAL;
	}
	if (btf__endianness(btf) == (*(uint8_t *)&one ? BTF_LITTLE_ENDIAN : BTF_BIG_ENDIAN)) {
		/* Newer arm64 kernels have them in a nameless union: one level is enough. */
		for (int i = 0; i < btf_vlen(regs); i++) {
			const char *name = btf__str_by_offset(btf, btf_members(regs)[i].name_off);

			if (!strcmp(name, REGISTERS_MEMBER))
				return 0;
		}
	}
	snprintf(why, size, "it is of another architecture's kernel");
	return -EINVAL;
}

static int compare_size(const char *name, uint32_t theirs, uint32_t ours, char *why, size_t size)
{
	if (theirs == ours)
		return 0;
	snprintf(why, size,
		 "it is of another kernel version or build: its struct %s takes %u bytes, the "
		 "running kernel's %u",
		 name, theirs, ours);
	return -EINVAL;
}

static int compare_own(const struct btf *btf, const struct btf *own, char *why, size_t size)
{
	static const char *const names[] = {"task_struct", "mm_struct",	 "signal_struct",
					    "inode",	   "mem_cgroup", "bpf_prog"};
	int err = 0;

	for (unsigned i = 0; !err && i < sizeof(names) / sizeof(names[0]); i++) {
		const struct btf_type *a = find_struct(btf, names[i]);
		const struct btf_type *b = find_struct(own, names[i]);

		if (a && b)
			err = compare_size(names[i], a->size, b->size, why, size);
	}
	return err;
}

/*
 * Slabs that hold nothing but one struct and are not merged with others, as each has a constructor
 * (slab_unmergeable() in mm/slab_common.c).
 */
static const struct {
	const char *slab, *name;
} slabs[] = {
	{"inode_cache", "inode"},
	{"bdev_cache", "bdev_inode"},
	{"proc_inode_cache", "proc_inode"},
	{"shmem_inode_cache", "shmem_inode_info"},
	{"sighand_cache", "sighand_struct"},
	{"sock_inode_cache", "socket_alloc"},
};

static int compare_slabs(const struct btf *btf, const char *root, char *why, size_t size)
{
	int err = 0;

	for (unsigned i = 0; !err && i < sizeof(slabs) / sizeof(slabs[0]); i++) {
		const struct btf_type *t = find_struct(btf, slabs[i].name);
		char path[4096];
		unsigned bytes;
		FILE *f;

		snprintf(path, sizeof(path), "%s/sys/kernel/slab/%s/object_size", root,
			 slabs[i].slab);
		f = t ? fopen(path, "re") : NULL;
		if (!f)
			continue;
		// NOLINTNEXTLINE(cert-err34-c): the kernel's own number
		if (fscanf(f, "%u", &bytes) == 1)
			err = compare_size(slabs[i].name, t->size, bytes, why, size);
		fclose(f);
	}
	return err;
}

/* Whether the kernel has a helper of this number; true if it cannot be asked. */
static bool knows_helper(int number, bool unknown)
{
	const struct bpf_insn program[] = {
		{.code = BPF_JMP | BPF_CALL, .imm = number},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	char log[4096] = "";
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_buf = log, .log_size = sizeof(log),
		    .log_level = 1);
	int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "mw_probe", "GPL", program,
			       sizeof(program) / sizeof(program[0]), &opts);

	if (fd >= 0)
		close(fd);
	else if (!log[0])
		return unknown;
	return fd >= 0 || !strstr(log, HELPER_UNHEARD_OF);
}

/* Their number grew with each version up to 6.2. */
static int compare_helpers(const struct btf *btf, char *why, size_t size)
{
	int id = btf__find_by_name_kind(btf, "bpf_func_id", BTF_KIND_ENUM), max = 0;
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++) {
		if (btf_enum(t)[i].val > max)
			max = btf_enum(t)[i].val; /* __BPF_FUNC_MAX_ID */
	}
	if (max < 2 || (knows_helper(max - 1, true) && !knows_helper(max, false)))
		return 0;
	snprintf(why, size,
		 "it is of %s kernel version: it has %d BPF helpers, the running kernel %s",
		 knows_helper(max - 1, true) ? "an older" : "a newer", max - 1,
		 knows_helper(max - 1, true) ? "more" : "fewer");
	return -EINVAL;
}

int kernel_types_compare(const struct btf *btf, const struct btf *own, const char *root, char *why,
			 size_t size)
{
	int err = compare_machine(btf, why, size);

	if (!err && own)
		err = compare_own(btf, own, why, size);
	if (!err && !own)
		err = compare_slabs(btf, root, why, size);
	return err ? err : compare_helpers(btf, why, size);
}

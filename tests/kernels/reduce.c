// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From a kernel's types (5 MB of BTF) those that memwatch asks for (tens of KB), so that they can
 * be kept beside the tests for each kernel.
 *
 *	reduce --picks OBJECT...	what BPF objects ask for: types that relocations begin at,
 *					prototypes of what is attached to
 *	reduce BTF PICKS OUT		those of PICKS ("struct mm_struct", one a line)
 *
 * A picked type has all of its members and what they contain by value: a CO-RE relocation has the
 * same result as with all types. Of what is behind a pointer only the name is kept, unless it is
 * picked as well or is an argument of what is attached to. Of the same input the output is the
 * same, to the byte.
 */
#include <stdlib.h>

#include "picks.h"

enum depth {
	DEPTH_NONE,
	DEPTH_NAME, /* behind a pointer: structs are declared, the rest is as it is */
	DEPTH_FULL,
};

struct reduction {
	const struct btf *full;
	struct btf *out;
	__u32 count; /* of types of @full */
	__u8 *depth; /* enum depth of each */
	__u32 *id;   /* of each in @out */
};

static void mark(struct reduction *r, __u32 id, enum depth depth);

static bool is_named_composite(const struct btf_type *t)
{
	return btf_is_composite(t) && t->name_off;
}

static void mark_params(struct reduction *r, const struct btf_type *t)
{
	mark(r, t->type, DEPTH_FULL);
	for (int i = 0; i < btf_vlen(t); i++)
		mark(r, btf_params(t)[i].type, DEPTH_FULL);
}

/* Notes what is needed of type @id, and of what it is made of. */
static void mark(struct reduction *r, __u32 id, enum depth depth)
{
	const struct btf_type *t = btf__type_by_id(r->full, id);

	if (!id || r->depth[id] >= depth)
		return;
	r->depth[id] = depth;
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (depth == DEPTH_NAME && is_named_composite(t))
			break;
		for (int i = 0; i < btf_vlen(t); i++)
			mark(r, btf_members(t)[i].type, DEPTH_FULL);
		break;
	case BTF_KIND_PTR:
		mark(r, t->type, DEPTH_NAME);
		break;
	case BTF_KIND_ARRAY:
		mark(r, btf_array(t)->type, depth);
		mark(r, btf_array(t)->index_type, DEPTH_FULL);
		break;
	case BTF_KIND_FUNC_PROTO:
		mark_params(r, t);
		break;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_FUNC:
		mark(r, t->type, depth);
		break;
	default:
		break;
	}
}

/* Of a prototype that is attached to, what its arguments point to: a kernel may know only the name,
 * and then does not let programs read it. */
static void mark_arguments(struct reduction *r, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(r->full, id);

	while (!btf_is_func_proto(t)) {
		if (!t->type)
			return;
		t = btf__type_by_id(r->full, t->type);
	}
	for (int i = 0; i < btf_vlen(t); i++) {
		__u32 argument = btf_params(t)[i].type;
		const struct btf_type *pointer = btf__type_by_id(r->full, argument);

		if (btf_is_ptr(pointer))
			mark(r, pointer->type, DEPTH_FULL);
	}
}

/* Every type of that name: a kernel has several of some, and libbpf looks at all of them. */
static void mark_named(struct reduction *r, const char *kind, const char *name)
{
	for (__u32 id = 1; id < r->count; id++) {
		const struct btf_type *t = btf__type_by_id(r->full, id);
		const char *own = btf__name_by_offset(r->full, t->name_off);
		const char *word = btf_kind_word(t);

		if (word && !strcmp(word, kind) && btf_essential_len(own) == strlen(name) &&
		    !strncmp(own, name, strlen(name))) {
			mark(r, id, DEPTH_FULL);
			if (btf_is_func(t) || !strncmp(name, "btf_trace_", strlen("btf_trace_")))
				mark_arguments(r, id);
		}
	}
}

static int mark_picks(struct reduction *r, const char *path)
{
	FILE *f = fopen(path, "re");
	char kind[16], name[128], line[256];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%15s %127s", kind, name) == 2)
			mark_named(r, kind, name);
	}
	fclose(f);
	return 0;
}

/* --- writing: types keep their order, so that nothing depends on how they were found --- */

static void add_types(struct reduction *r)
{
	for (__u32 id = 1; id < r->count; id++) {
		const struct btf_type *t = btf__type_by_id(r->full, id);
		const char *name = btf__name_by_offset(r->full, t->name_off);

		if (r->depth[id] == DEPTH_NONE)
			continue;
		if (r->depth[id] == DEPTH_NAME && is_named_composite(t))
			r->id[id] = btf__add_fwd(r->out, name,
						 btf_is_union(t) ? BTF_FWD_UNION : BTF_FWD_STRUCT);
		else
			r->id[id] = btf__add_type(r->out, r->full, t);
	}
}

/* A type is added with the ids that it had. */
static void renumber(struct reduction *r, struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (int i = 0; i < btf_vlen(t); i++)
			btf_members(t)[i].type = r->id[btf_members(t)[i].type];
		break;
	case BTF_KIND_ARRAY:
		btf_array(t)->type = r->id[btf_array(t)->type];
		btf_array(t)->index_type = r->id[btf_array(t)->index_type];
		break;
	case BTF_KIND_FUNC_PROTO:
		for (int i = 0; i < btf_vlen(t); i++)
			btf_params(t)[i].type = r->id[btf_params(t)[i].type];
		t->type = r->id[t->type];
		break;
	case BTF_KIND_PTR:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_FUNC:
		t->type = r->id[t->type];
		break;
	default:
		break;
	}
}

static int write_out(const struct reduction *r, const char *path)
{
	__u32 size;
	const void *data = btf__raw_data(r->out, &size);
	FILE *f = fopen(path, "we");
	bool written;

	if (!data || !f)
		return -errno;
	written = fwrite(data, 1, size, f) == size;
	return fclose(f) || !written ? -EIO : 0;
}

static int reduce(const char *from, const char *picks, const char *to)
{
	struct reduction r = {.full = btf__parse_raw(from), .out = btf__new_empty()};
	int err = r.full && r.out ? 0 : -errno;

	if (!err) {
		r.count = btf__type_cnt(r.full);
		r.depth = calloc(r.count, sizeof(*r.depth));
		r.id = calloc(r.count, sizeof(*r.id));
		err = r.depth && r.id ? mark_picks(&r, picks) : -ENOMEM;
	}
	if (!err) {
		add_types(&r);
		for (__u32 id = 1; id < btf__type_cnt(r.out); id++)
			renumber(&r, (struct btf_type *)btf__type_by_id(r.out, id));
		err = write_out(&r, to);
	}
	free(r.depth);
	free(r.id);
	btf__free(r.out);
	btf__free((struct btf *)r.full);
	if (err)
		fprintf(stderr, "reduce: %s to %s: %s\n", from, to, strerror(-err));
	return err;
}

/* --- what objects ask for --- */

static void print_pick(void *arg, const char *kind, const char *name)
{
	(void)arg;
	printf("%s %.*s\n", kind, (int)btf_essential_len(name), name);
}

static int print_picks(const char *path)
{
	int err = picks_each(path, print_pick, NULL);

	if (err)
		fprintf(stderr, "reduce: %s: no BPF object with types: %s\n", path, strerror(-err));
	return err;
}

int main(int argc, char **argv)
{
	int err = 0;

	if (argc > 2 && !strcmp(argv[1], "--picks")) {
		for (int i = 2; !err && i < argc; i++)
			err = print_picks(argv[i]);
		return err ? 1 : 0;
	}
	if (argc != 4) {
		fprintf(stderr, "usage: reduce --picks OBJECT... | BTF PICKS OUT\n");
		return 2;
	}
	return reduce(argv[1], argv[2], argv[3]) ? 1 : 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * memwatch's BPF object, relocated by libbpf as in the product, with each program handed to the
 * caller instead of the kernel: what the kernel gets in its place does nothing, so that one load
 * of the object is enough for all programs and no refused one fails it.
 *
 * libbpf's way for that: a handler of its own for each kind of section, whose prog_prepare_load_fn
 * sees the relocated instructions and may replace them (libbpf.h, libbpf_register_prog_handler()).
 */
#ifndef MEMWATCH_TESTS_INTERCEPT_H
#define MEMWATCH_TESTS_INTERCEPT_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collect/programs.h"
#include "sections.h"

/* Called with each program: its instructions are bpf_program__insns(), @opts what libbpf would
 * load it with (but for what depends on its type). */
struct intercept {
	void (*program)(void *arg, struct bpf_program *program,
			const struct bpf_prog_load_opts *opts);
	void *arg;
};

static inline int intercept_program(struct bpf_program *program, struct bpf_prog_load_opts *opts,
				    long cookie)
{
	struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	const struct intercept *i = (const void *)cookie;

	i->program(i->arg, program, opts);
	opts->func_info = NULL; /* of the instructions that go */
	opts->func_info_cnt = 0;
	opts->line_info = NULL;
	opts->line_info_cnt = 0;
	return bpf_program__set_insns(program, nothing, sizeof(nothing) / sizeof(nothing[0]));
}

/** intercept_register - before opening an object; for the life of this process. 0 or -errno */
static inline int intercept_register(const struct intercept *i)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .cookie = (long)i,
		    .prog_prepare_load_fn = intercept_program);
	int err = 0;

	for (size_t k = 0; err >= 0 && k < SECTION_KINDS; k++) {
		char section[32];

		snprintf(section, sizeof(section), "%s+", section_kinds[k].prefix);
		err = libbpf_register_prog_handler(section, BPF_PROG_TYPE_SOCKET_FILTER, 0, &opts);
	}
	return err < 0 ? err : 0;
}

/* Whether @program is for kernel @k, or its twin. */
static inline bool intercept_is_for(const struct bpf_object *object, const struct kernel *k,
				    const struct bpf_program *program)
{
	char name[32];
	char *twin;

	snprintf(name, sizeof(name), "%s", bpf_program__name(program));
	twin = strstr(name, "_v510");
	if (twin)
		*twin = '\0';
	return programs_find(object, k, name) == program;
}

/**
 * intercept_prepare - after opening: the programs for kernel @k are loaded, the others not
 *
 * Maps are made, as small as the verifier does not care about. 0 or a negative errno; of a section
 * that is not in section_kinds, with a message.
 */
static inline int intercept_prepare(struct bpf_object *object, const struct kernel *k)
{
	struct bpf_program *program;
	struct bpf_map *map;

	bpf_object__for_each_program (program, object) {
		const char *section = bpf_program__section_name(program);

		if (!section_kind_of(section)) {
			fprintf(stderr, "section %s is not in tests/kernels/sections.h\n", section);
			return -EINVAL;
		}
		bpf_program__set_autoload(program, intercept_is_for(object, k, program));
	}
	bpf_object__for_each_map (map, object) {
		switch (bpf_map__type(map)) {
		case BPF_MAP_TYPE_HASH:
		case BPF_MAP_TYPE_LRU_HASH:
		case BPF_MAP_TYPE_PERCPU_HASH:
			bpf_map__set_max_entries(map, 1);
			break;
		case BPF_MAP_TYPE_RINGBUF:
			bpf_map__set_max_entries(map, getpagesize());
			break;
		default:
			break;
		}
	}
	return 0;
}

#endif

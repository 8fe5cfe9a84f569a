/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loading: the skeleton is opened, its configuration fixed, and the programs of the hooks in use
 * are loaded, each with a verifier log of its own, so that the one refused is known.
 */
#include "collect/session_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "collect/kernel_types.h"
#include "collect/programs.h"
#include "memwatch.skel.h"

#define VERIFIER_LOG_SIZE (16 * 1024)

/* What is not used takes no memory. */
static int configure_sites(struct session *s)
{
	struct bpf_map *const of_sites[] = {s->skel->maps.mw_sites, s->skel->maps.mw_site_procs,
					    s->skel->maps.mw_scratch};
	struct bpf_map *const of_v8[] = {s->skel->maps.mw_v8_isolates, s->skel->maps.mw_v8_samples,
					 s->skel->maps.mw_v8_old,      s->skel->maps.mw_v8_calls,
					 s->skel->maps.mw_external,    s->skel->maps.mw_ext_calls};
	int err = 0;

	if (!session_used_hook(s, CAPABILITY_GC))
		err = bpf_map__set_max_entries(s->skel->maps.mw_gc_threads, 1);
	if (!err && !session_used_hook(s, CAPABILITY_GC))
		err = bpf_map__set_max_entries(s->skel->maps.mw_gc_usdt, 1);
	if (!session_used_hook(s, CAPABILITY_SITES)) {
		for (size_t i = 0; !err && i < sizeof(of_sites) / sizeof(of_sites[0]); i++)
			err = bpf_map__set_max_entries(of_sites[i], 1);
		if (!err)
			err = bpf_map__set_max_entries(s->skel->maps.mw_stacks,
						       sysconf(_SC_PAGESIZE));
	}
	if (!session_used_hook(s, CAPABILITY_V8)) {
		for (size_t i = 0; !err && i < sizeof(of_v8) / sizeof(of_v8[0]); i++)
			err = bpf_map__set_max_entries(of_v8[i], 1);
	}
	return err;
}

static int configure(struct session *s, const struct session_options *o)
{
	struct bpf_map *growth = s->skel->maps.mw_growth, *ring = s->skel->maps.mw_events;
	int err = 0;

	s->skel->rodata->mw_cfg = programs_config(&s->kernel);
	s->skel->rodata->mw_cfg.start_unit_ns = session_start_unit_ns(s);
	if (o->pid_count) { /* a few processes need no room for all */
		err = bpf_map__set_max_entries(growth, o->pid_count + 1);
		if (!err)
			err = bpf_map__set_max_entries(ring, MW_RING_BYTES / 8);
	}
	return err ? err : configure_sites(s);
}

struct bpf_program *session_find_program(const struct session *s, const char *name)
{
	return programs_find(s->skel->obj, &s->kernel, name);
}

void session_free_verifier_logs(struct session *s)
{
	for (size_t i = 0; i < MAX_HOOKS; i++) {
		for (int j = 0; j < HOOK_MAX_PROGRAMS; j++) {
			free(s->verifier_log[i][j]);
			s->verifier_log[i][j] = NULL;
		}
	}
}

/* A log of its own for each program: the one that has something in it is the one refused. */
static int select_program(struct session *s, size_t hook, int j)
{
	struct bpf_program *program = session_find_program(s, hook_table[hook].programs[j]);

	s->verifier_log[hook][j] = calloc(1, VERIFIER_LOG_SIZE);
	if (!s->verifier_log[hook][j])
		return -ENOMEM;
	bpf_program__set_log_buf(program, s->verifier_log[hook][j], VERIFIER_LOG_SIZE);
	return bpf_program__set_autoload(program, true);
}

const struct hook *session_refused_hook(const struct session *s)
{
	for (size_t i = 0; i < hook_count; i++) {
		for (int j = 0; j < HOOK_MAX_PROGRAMS; j++) {
			const char *text = s->verifier_log[i][j];

			if (!text || !text[0])
				continue;
			log_debug("the kernel on %s: %s", hook_table[i].programs[j], text);
			return &hook_table[i];
		}
	}
	return NULL;
}

int session_load(struct session *s, const struct session_options *o)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct bpf_program *program;
	int err = 0;

	/*
	 * For a type that the kernel does not have (a flavour of another version) libbpf looks
	 * into the modules' BTF too, and fails where that is refused: without CAP_SYS_ADMIN.
	 */
	opts.btf_custom_path = s->kernel.btf_copy[0] ? s->kernel.btf_copy : NULL;
	if (!opts.btf_custom_path && s->kernel.has_types &&
	    !kernel_has_cap(&s->kernel, CAP_SYS_ADMIN))
		opts.btf_custom_path = KERNEL_TYPES_PATH;
	s->skel = memwatch_bpf__open_opts(&opts);
	if (!s->skel)
		return -errno;
	bpf_object__for_each_program (program, s->skel->obj)
		bpf_program__set_autoload(program, false);
	for (size_t i = 0; i < hook_count; i++) {
		const char *const *names = hook_table[i].programs;

		if (!s->hooks[i].is_used)
			continue;
		for (int j = 0; !err && j < HOOK_MAX_PROGRAMS && names[j]; j++)
			err = select_program(s, i, j);
	}
	program = session_find_program(s, PROGRAMS_LEARN);
	if (!err)
		err = bpf_program__set_autoload(program, true);
	if (!err)
		err = configure(s, o);
	return err ? err : memwatch_bpf__load(s->skel);
}

/*
 * By wrong types a program reads anything: that memwatch finds itself is proof enough. The kernel's
 * own are right.
 */
int session_learn(struct session *s)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct bpf_program *program = session_find_program(s, PROGRAMS_LEARN);
	const struct mw_self *self = &s->skel->bss->mw_self;
	int err = bpf_prog_test_run_opts(bpf_program__fd(program), &opts);

	if (err)
		return log_error_code(err, "cannot run a BPF program once (Linux 5.10): %s",
				      strerror(-err));
	s->level = s->skel->bss->mw_pidns.level;
	if (s->kernel.has_types && !s->kernel.btf_file)
		return 0;
	if (self->fits && self->brk == (uint64_t)sbrk(0))
		return 0;
	return log_error_code(
		-EINVAL,
		"cannot use %s: it is of another kernel version or build, as memwatch "
		"does not find itself in the kernel by it; it takes the BTF of Linux "
		"%s %s",
		s->kernel.btf_file ? s->kernel.btf_file : "the vmlinux file found",
		s->kernel.release, s->kernel.arch);
}

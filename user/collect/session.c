/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A session's life, and what it collects. When a hook turns out not to work after all, it is struck
 * off and everything is opened anew without it: a program that does not load fails the whole
 * object, and there is no other way back.
 */
#include "collect/session_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "collect/cgroup.h"
#include "memwatch.skel.h"

/* --- opening and closing --- */

/* With all programs loaded and none attached. */
static int prepare(struct session *s)
{
	int err = session_learn(s);

	return !err && session_totals_by_proc(s) ? session_proc_open(s) : err;
}

static int open_with_fallbacks(struct session *s, const struct session_options *o)
{
	for (;;) {
		const struct hook *failed = NULL;
		int err;

		session_choose_hooks(s, o);
		if (!session_used_hook(s, CAPABILITY_TOTALS)) {
			const struct hook_state *last = &s->hooks[hook_totals_last - hook_table];

			return log_error_code(last->err, "%s", last->why);
		}
		err = session_load(s, o);
		if (err)
			failed = session_refused_hook(s);
		if (err && !failed)
			failed = session_expendable_hook(s);
		session_free_verifier_logs(s);
		if (!err) {
			err = prepare(s);
			if (err)
				return err;
			err = session_attach_all(s, o, &failed);
		}
		if (!err)
			return 0;
		if (!failed || failed == hook_totals_last)
			return log_error_code(err,
					      "the kernel refused memwatch's BPF programs: %s; "
					      "run with -v for its reasons, or 'memwatch doctor'",
					      strerror(-err));
		session_unload(s);
		session_strike_off(s, failed, err, "the kernel refused the program; -v shows why");
	}
}

struct session *session_open(const struct session_options *options)
{
	struct session *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return NULL;
	bpf_cost_init(&s->cost);
	s->buffer = calloc(READ_RECORDS, sizeof(*s->buffer));
	s->proc_fd = -1;
	err = s->buffer ? kernel_init(&s->kernel, options->btf) : -ENOMEM;
	if (!err)
		err = open_with_fallbacks(s, options);
	kernel_release(&s->kernel); /* the types take megabytes, and are not asked again */
	if (err) {
		session_close(s);
		errno = -err;
		return NULL;
	}
	return s;
}

void session_close(struct session *s)
{
	if (!s)
		return;
	session_unload(s);
	bpf_cost_release(&s->cost);
	kernel_release(&s->kernel);
	if (s->proc_fd >= 0)
		close(s->proc_fd);
	free(s->buffer);
	free(s->fault_fds);
	free(s);
}

/* nr_targets stays: with the last one gone, nothing is a target, not everything. */
void session_remove_target(struct session *s, uint32_t pid)
{
	bpf_map_delete_elem(bpf_map__fd(s->skel->maps.mw_targets), &pid);
}

/* Keys are global PIDs: in a namespace of our own they are not known here. */
void session_forget_process(struct session *s, uint32_t pid)
{
	if (!session_used_hook(s, CAPABILITY_EXIT) && !s->level)
		bpf_map_delete_elem(bpf_map__fd(s->skel->maps.mw_growth), &pid);
}

/* --- collecting --- */

int session_take_records(struct process_table *table, const struct mw_task *records, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct mw_task *raw = &records[i];
		struct process *p;
		struct cgroup *fresh;
		int err;

		err = process_table_update(table, raw, &p);
		if (err == -EEXIST)
			continue;
		if (err)
			return err;
		/* Those of no known cgroup have none in common. */
		fresh = raw->cgroup_id ? process_set_cgroup(table, p, raw->cgroup_id) : NULL;
		if (fresh)
			cgroup_read(fresh, raw->cgroup_id, p->pid);
	}
	return 0;
}

static int collect_by_iterator(struct session *s, struct process_table *table)
{
	int fd = bpf_iter_create(bpf_link__fd(s->links[CAPABILITY_TOTALS].link[0]));
	int err = 0;

	if (fd < 0)
		return fd;
	while (!err) {
		ssize_t n = read(fd, s->buffer, READ_BUFFER_SIZE);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			err = -errno;
		if (n <= 0)
			break;
		err = session_take_records(table, s->buffer, n / sizeof(*s->buffer));
	}
	close(fd);
	return err;
}

int session_collect(struct session *s, struct process_table *table)
{
	process_table_begin(table, clock_boot_ns());
	return session_totals_by_proc(s) ? session_proc_collect(s, table)
					 : collect_by_iterator(s, table);
}

int session_drain(struct session *s, session_event_fn fn, void *arg)
{
	s->event_fn = fn;
	s->event_arg = arg;
	return ring_buffer__consume(s->ring);
}

int session_event_fd(const struct session *s)
{
	return ring_buffer__epoll_fd(s->ring);
}

/* Not of uprobes, which are most of the programs: no kernel tells. See bpf_cost_missed(). */
static uint64_t missed_runs(const struct session *s)
{
	uint64_t sum = 0;

	for (int c = 0; c < CAPABILITY_MAX; c++) {
		const struct hook *hook = session_used_hook(s, c);

		if (hook && hook->attach != HOOK_ATTACH_LATER)
			sum += bpf_cost_missed(&s->cost, c);
	}
	return sum;
}

void session_lost(const struct session *s, struct lost *out)
{
	__u64 values[MW_MAX_CPUS] = {0};
	int fd = bpf_map__fd(s->skel->maps.mw_lost);

	out->count[LOST_MISSED] = missed_runs(s);
	if (s->kernel.cpus > MW_MAX_CPUS)
		return;
	for (__u32 cause = 0; cause < MW_LOST_MAX; cause++) {
		out->count[cause] = 0;
		if (bpf_map_lookup_elem(fd, &cause, values))
			continue;
		for (int cpu = 0; cpu < s->kernel.cpus; cpu++)
			out->count[cause] += values[cpu];
	}
}

/* --- sites --- */

int session_map_fd(const struct session *s, const char *name)
{
	return bpf_object__find_map_fd_by_name(s->skel->obj, name);
}

void session_set_site_procs(struct session *s, unsigned count)
{
	s->skel->bss->mw_ctl.nr_site_procs = count;
}

int session_program_fd(const struct session *s, const char *name)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(s->skel->obj, name);

	return program ? bpf_program__fd(program) : -1;
}

/* --- own cost --- */

/* "memlock:	BYTES" in fdinfo: what the kernel accounts for the map. */
uint64_t session_map_bytes(const struct session *s)
{
	struct bpf_map *map;
	uint64_t sum = 0;

	bpf_object__for_each_map (map, s->skel->obj) {
		unsigned long long bytes;
		char path[64], line[128];
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", bpf_map__fd(map));
		f = fopen(path, "re");
		if (!f)
			continue;
		while (fgets(line, sizeof(line), f)) {
			if (sscanf(line, "memlock: %llu", &bytes) == 1)
				sum += bytes;
		}
		fclose(f);
	}
	return sum;
}

struct bpf_cost *session_cost(struct session *s)
{
	return session_used_hook(s, CAPABILITY_SELF) ? &s->cost : NULL;
}

/* --- what is in use --- */

const struct kernel *session_kernel(const struct session *s)
{
	return &s->kernel;
}

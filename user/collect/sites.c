// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The watched processes, and the maps that hold what the kernel counted for them.
 * Counts are read in batches: one system call for some hundred sites.
 */
#include "collect/sites.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "collect/site_process.h"

#define NAMES_BYTES	  (32u << 20)
#define BATCH		  512
#define ALLOC_COST_NS	  14000.0	     /* two traps, a stack, and naming it now and then */
#define EXTERNAL_COST_NS  7000.0	     /* three traps: measured in a loop of Buffer.alloc() */
#define SITES_OF_BUDGET	  0.5		     /* its share, and as much again for naming */
#define LEARNING_NS	  (5 * NSEC_PER_SEC) /* most of a process's stacks come in its first seconds */
#define LEARNING_APART_NS (60 * NSEC_PER_SEC) /* for files: who loads new ones for ever is dear */
#define THRIFT_MAX	  64

struct sites {
	struct site_shared shared;
	struct hmap processes; /* struct site_process by pid */
	struct ring_buffer *ring;
	int sites_fd, isolates_fd, external_fd;
	bool has_v8;
	double naming_pct; /* of one CPU, that naming stacks may cost; 0: no limit */
	uint64_t last_tick_ns, learning_until_ns;
	uint64_t files_until_ns;	/* the last time for a new file */
	uint64_t files;			/* of the symbolizer, as of the last look */
	uint64_t spent_ns, learning_ns; /* own CPU time: since the last tick; spent once, in all */
	uint64_t dropped_samples;	/* of processes that are no longer watched */
	struct mw_v8_isolate isolates[MW_V8_ISOLATES];
	struct mw_site_key keys[BATCH];
	struct mw_site values[BATCH];
};

static struct site_process *find(const struct sites *s, uint32_t pid)
{
	struct hmap_node *node = hmap_find(&s->processes, pid);

	return node ? hmap_entry(node, struct site_process, node) : NULL;
}

static int on_record(void *arg, void *data, size_t size)
{
	struct sites *s = arg;
	const struct mw_stack_header *h = data;
	struct site_process *p = size >= sizeof(*h) ? find(s, h->pid) : NULL;

	if (!p)
		return 0;
	if (h->record == MW_STACK_FRAMES && size >= offsetof(struct mw_stack, frames))
		site_process_stack(p, data);
	else if (h->record == MW_STACK_COPY && size >= sizeof(struct mw_stack_copy))
		site_process_copy(p, data);
	return 0;
}

/* A process of Node's takes some 24 descriptors, a probe each. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE,
		  &limit); /* if not, the last ones get no probes, and that is said */
}

struct sites *sites_new(struct session *session, struct runtime_files *files, double budget_pct)
{
	const char *why = NULL;
	struct sites *s;
	int err;

	if (!session_has_sites(session, &why)) {
		errno = ENOTSUP;
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	raise_file_limit();
	s->shared.session = session;
	s->shared.files = files;
	s->shared.procs_fd = session_map_fd(session, "mw_site_procs");
	s->shared.thrift = 1;
	s->shared.v8_max_per_s = budget_pct / 100 * SITES_OF_BUDGET * 1e9 / ALLOC_COST_NS;
	s->shared.external_max_per_s = budget_pct / 100 * SITES_OF_BUDGET * 1e9 / EXTERNAL_COST_NS;
	s->naming_pct = budget_pct * SITES_OF_BUDGET;
	s->sites_fd = session_map_fd(session, "mw_sites");
	s->external_fd = session_map_fd(session, "mw_external");
	s->isolates_fd = session_map_fd(session, "mw_v8_isolates");
	s->has_v8 = session_hook_name(session, CAPABILITY_V8) != NULL;
	s->shared.names = intern_new(NAMES_BYTES);
	s->shared.symbolizer = s->shared.names ? symbolizer_new(s->shared.names) : NULL;
	err = s->shared.symbolizer ? hmap_init(&s->processes) : -ENOMEM;
	if (!err) {
		s->ring =
			ring_buffer__new(session_map_fd(session, "mw_stacks"), on_record, s, NULL);
		err = s->ring ? 0 : -errno;
	}
	if (err) {
		sites_free(s);
		errno = -err;
		return NULL;
	}
	return s;
}

/* --- the kernel's entries of a process that is no longer watched --- */

static void delete_keys(struct sites *s, uint32_t pid)
{
	struct mw_site_key key, next;
	bool has_key = false;

	for (unsigned i = 0; i < 2 * MW_SITES; i++) {
		if (bpf_map_get_next_key(s->sites_fd, has_key ? &key : NULL, &next))
			break;
		if (has_key && key.pid == pid)
			bpf_map_delete_elem(s->sites_fd, &key);
		key = next;
		has_key = true;
	}
	if (has_key && key.pid == pid)
		bpf_map_delete_elem(s->sites_fd, &key);
}

/* Buffers that it had: their places are for others. */
static void delete_external(struct sites *s, uint32_t pid)
{
	struct mw_external_key key, next;
	bool has_key = false;

	for (unsigned i = 0; s->has_v8 && i < 2 * MW_EXTERNAL_LIVE; i++) {
		if (bpf_map_get_next_key(s->external_fd, has_key ? &key : NULL, &next))
			break;
		if (has_key && key.pid == pid)
			bpf_map_delete_elem(s->external_fd, &key);
		key = next;
		has_key = true;
	}
	if (has_key && key.pid == pid)
		bpf_map_delete_elem(s->external_fd, &key);
}

static void free_isolates(struct sites *s, uint32_t pid)
{
	static const struct mw_v8_isolate nothing;

	for (__u32 i = 0; s->has_v8 && i < MW_V8_ISOLATES; i++) {
		struct mw_v8_isolate it;

		if (!bpf_map_lookup_elem(s->isolates_fd, &i, &it) && it.owner && it.pid == pid)
			bpf_map_update_elem(s->isolates_fd, &i, &nothing, BPF_ANY);
	}
}

static void end_process(struct sites *s, struct site_process *p)
{
	uint32_t pid = p->pid;

	s->dropped_samples += p->dropped_samples;
	hmap_remove(&s->processes, &p->node);
	session_set_site_procs(s->shared.session, s->processes.count);
	site_process_free(p, &s->shared);
	delete_keys(s, pid);
	delete_external(s, pid);
	free_isolates(s, pid);
}

void sites_free(struct sites *s)
{
	struct hmap_node *node;

	if (!s)
		return;
	while (s->processes.buckets && (node = hmap_next(&s->processes, NULL)))
		end_process(s, hmap_entry(node, struct site_process, node));
	hmap_release(&s->processes);
	ring_buffer__free(s->ring);
	symbolizer_free(s->shared.symbolizer);
	intern_free(s->shared.names);
	free(s);
}

/* --- which processes --- */

void sites_want(struct sites *s, uint32_t pid, uint64_t start_ns)
{
	struct site_process *p = find(s, pid);
	uint64_t begun;

	if (p && p->start_ns != start_ns) { /* the PID is another's now */
		end_process(s, p);
		p = NULL;
	}
	if (p) {
		p->is_wanted = true;
		return;
	}
	if (s->processes.count >= MW_SITE_PROCS)
		return;
	begun = clock_cpu_ns();
	p = site_process_new(&s->shared, pid, start_ns);
	s->learning_ns += clock_cpu_ns() - begun;
	s->learning_until_ns = clock_boot_ns() + LEARNING_NS;
	if (!p) {
		log_debug("PID %u: no sites: %s", pid, strerror(errno));
		return;
	}
	p->is_wanted = true;
	hmap_add(&s->processes, &p->node, pid);
	session_set_site_procs(s->shared.session, s->processes.count);
}

unsigned sites_settle(struct sites *s)
{
	struct hmap_node *node = hmap_next(&s->processes, NULL), *next;

	for (; node; node = next) {
		struct site_process *p = hmap_entry(node, struct site_process, node);

		next = hmap_next(&s->processes, node);
		if (!p->is_wanted)
			end_process(s, p);
		else
			p->is_wanted = false;
	}
	return s->processes.count;
}

void sites_forget(struct sites *s, uint32_t pid)
{
	struct site_process *p = find(s, pid);

	if (p)
		end_process(s, p);
}

/* --- reading --- */

static void read_isolates(struct sites *s)
{
	struct hmap_node *node;

	if (!s->has_v8)
		return;
	for (__u32 i = 0; i < MW_V8_ISOLATES; i++) {
		if (bpf_map_lookup_elem(s->isolates_fd, &i, &s->isolates[i]))
			memset(&s->isolates[i], 0, sizeof(s->isolates[i]));
	}
	hmap_for_each (&s->processes, node)
		site_process_isolates(hmap_entry(node, struct site_process, node), s->isolates,
				      MW_V8_ISOLATES);
}

/* Of a process that idles most stacks come when its work does: the first in a file shows that. */
static void look_for_files(struct sites *s)
{
	uint64_t files = symbolizer_files(s->shared.symbolizer), now_ns = clock_boot_ns();

	if (files != s->files && now_ns >= s->files_until_ns + LEARNING_APART_NS)
		s->files_until_ns = s->learning_until_ns = now_ns + LEARNING_NS;
	s->files = files;
}

static void account(struct sites *s, uint64_t begun)
{
	uint64_t spent = clock_cpu_ns() - begun;

	look_for_files(s);
	if (clock_boot_ns() < s->learning_until_ns)
		s->learning_ns += spent;
	else
		s->spent_ns += spent;
}

/* Samples more rarely when naming them is too dear. */
static void keep_to_budget(struct sites *s, uint64_t interval_ns)
{
	double pct = interval_ns ? 100.0 * s->spent_ns / interval_ns : 0;

	if (s->naming_pct && pct > s->naming_pct && s->shared.thrift < THRIFT_MAX)
		s->shared.thrift *= 2;
	else if (pct < s->naming_pct / 4 && s->shared.thrift > 1)
		s->shared.thrift /= 2;
	s->spent_ns = 0;
}

uint64_t sites_learning_ns(const struct sites *s)
{
	return s->learning_ns;
}

void sites_step(struct sites *s)
{
	uint64_t begun = clock_cpu_ns();
	struct hmap_node *node;

	if (!s->processes.count)
		return;
	read_isolates(s);
	ring_buffer__consume(s->ring);
	hmap_for_each (&s->processes, node)
		site_process_step(hmap_entry(node, struct site_process, node), &s->shared);
	account(s, begun);
}

static void read_counts(struct sites *s)
{
	__u64 cursor = 0; /* opaque: at least as large as the kernel's, which is 4 bytes */
	bool has_cursor = false;
	unsigned total = 0;

	while (total < 2 * MW_SITES) {
		__u32 count = BATCH;
		int err = bpf_map_lookup_batch(s->sites_fd, has_cursor ? &cursor : NULL, &cursor,
					       s->keys, s->values, &count, NULL);

		if (err && errno != ENOENT) {
			log_debug("cannot read the sites: %s", strerror(errno));
			break;
		}
		for (__u32 i = 0; i < count; i++) {
			struct site_process *p = find(s, s->keys[i].pid);

			if (p)
				site_process_count(p, &s->keys[i], &s->values[i]);
		}
		total += count;
		has_cursor = true;
		if (err) /* ENOENT: that was the end */
			break;
	}
	if (total > MW_SITES / 4 * 3) {
		struct hmap_node *node;

		hmap_for_each (&s->processes, node)
			site_process_make_room(hmap_entry(node, struct site_process, node),
					       s->sites_fd);
	}
}

void sites_tick(struct sites *s)
{
	uint64_t now = clock_boot_ns(), interval_ns = now - s->last_tick_ns;
	uint64_t begun = clock_cpu_ns();
	struct hmap_node *node;

	s->last_tick_ns = now;
	if (!s->processes.count)
		return;
	read_isolates(s);
	hmap_for_each (&s->processes, node)
		hmap_entry(node, struct site_process, node)->table->unnamed_bytes = 0;
	ring_buffer__consume(s->ring);
	read_counts(s);
	hmap_for_each (&s->processes, node)
		site_process_tick(hmap_entry(node, struct site_process, node), &s->shared,
				  interval_ns);
	session_vary_faults(s->shared.session);
	account(s, begun);
	keep_to_budget(s, interval_ns);
}

void sites_gc(struct sites *s, const struct gc *gc)
{
	struct site_process *p = find(s, gc->pid);

	if (p && p->start_ns == gc->start_ns)
		heap_growth_add(&p->heaps, gc);
}

void sites_heap_out(struct sites *s, uint32_t pid, uint64_t isolate)
{
	struct site_process *p = find(s, pid);

	if (p)
		heap_growth_remove(&p->heaps, isolate);
}

struct site_table *sites_of(const struct sites *s, uint32_t pid, uint64_t start_ns)
{
	struct site_process *p = find(s, pid);

	return p && p->start_ns == start_ns ? p->table : NULL;
}

void sites_lost(const struct sites *s, struct lost *out)
{
	struct hmap_node *node;

	out->count[LOST_NAMES] = intern_refused(s->shared.names);
	out->count[LOST_SITES] = s->dropped_samples;
	hmap_for_each (&s->processes, node)
		out->count[LOST_SITES] +=
			hmap_entry(node, struct site_process, node)->dropped_samples;
}

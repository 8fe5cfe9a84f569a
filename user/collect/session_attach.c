/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Attaching: links of the programs in use, by capability, so that each can be taken off and put on
 * again while memwatch runs.
 */
#include "collect/session_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "collect/programs.h"
#include "memwatch.skel.h"

#define MAX_LINKS (HOOK_MAX_PROGRAMS + MW_MAX_CPUS)

static void detach(struct links *links)
{
	for (unsigned i = 0; i < links->count; i++)
		bpf_link__destroy(links->link[i]);
	free(links->link);
	memset(links, 0, sizeof(*links));
}

static int add_link(struct links *links, struct bpf_link *link)
{
	struct bpf_link **grown;

	if (!link)
		return -errno;
	grown = links->count < MAX_LINKS ? realloc(links->link, (links->count + 1) * sizeof(*grown))
					 : NULL;
	if (!grown) {
		bpf_link__destroy(link);
		return -ENOMEM;
	}
	links->link = grown;
	grown[links->count++] = link;
	return 0;
}

/* The software event counts for next to nothing; one fault in so many runs the program. */
static int attach_perf_faults(struct session *s, struct bpf_program *program, struct links *links)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period =
			session_used_hook(s, CAPABILITY_SITES) ? SITE_PERIOD : FAULT_PERIOD,
	};

	if (!s->fault_fds)
		s->fault_fds = calloc(s->kernel.cpus, sizeof(*s->fault_fds));
	if (!s->fault_fds)
		return -ENOMEM;
	s->fault_fd_count = 0;
	for (int cpu = 0; cpu < s->kernel.cpus; cpu++) {
		int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
		struct bpf_link *link;
		int err;

		if (fd < 0 && errno == ENODEV) /* this CPU is offline */
			continue;
		if (fd < 0)
			return -errno;
		link = bpf_program__attach_perf_event(program, fd);
		err = add_link(links, link);
		if (err) {
			if (!link)
				close(fd);
			return err;
		}
		s->fault_fds[s->fault_fd_count++] = fd;
	}
	return links->count ? 0 : -ENODEV;
}

static int attach_hook(struct session *s, const struct hook *hook)
{
	struct links *links = &s->links[hook->capability];
	int err = 0;

	for (int i = 0; !err && i < HOOK_MAX_PROGRAMS && hook->programs[i]; i++) {
		struct bpf_program *program = session_find_program(s, hook->programs[i]);

		switch (hook->attach) {
		case HOOK_ATTACH_AUTO:
			err = add_link(links, bpf_program__attach(program));
			break;
		case HOOK_ATTACH_ITER:
			err = add_link(links, bpf_program__attach_iter(program, NULL));
			break;
		case HOOK_ATTACH_PERF_FAULTS:
			err = attach_perf_faults(s, program, links);
			break;
		case HOOK_ATTACH_LATER:
		case HOOK_ATTACH_NONE:
			break;
		}
	}
	if (err)
		detach(links);
	return err;
}

/* The iterator's time is not in it: that is memwatch's own. */
static void account_programs(struct session *s)
{
	bpf_cost_init(&s->cost);
	for (int c = CAPABILITY_TOTALS + 1; c < CAPABILITY_MAX; c++) {
		const struct hook *hook = session_used_hook(s, c);

		for (int i = 0; hook && i < HOOK_MAX_PROGRAMS && hook->programs[i]; i++)
			bpf_cost_add(&s->cost, c,
				     bpf_program__fd(session_find_program(s, hook->programs[i])));
	}
}

static int set_targets(struct session *s, const struct session_options *o)
{
	int fd = bpf_map__fd(s->skel->maps.mw_targets);
	__u8 one = 1;

	for (unsigned i = 0; i < o->pid_count; i++) {
		if (bpf_map_update_elem(fd, &o->pids[i], &one, BPF_ANY))
			return -errno;
	}
	s->skel->bss->mw_ctl.nr_targets = o->pid_count;
	return 0;
}

bool session_has_targets(const struct session *s)
{
	return s->skel->bss->mw_ctl.nr_targets > 0;
}

static int on_record(void *ctx, void *data, size_t size)
{
	struct session *s = ctx;

	if (size >= sizeof(struct mw_event_header))
		s->event_fn(s->event_arg, data);
	return 0;
}

/* A pass that gives each process its entry with its break; see bpf/tasks.bpf.c.
 */
static int seed(struct session *s)
{
	int fd, n;

	if (session_totals_by_proc(s))
		return session_proc_seed(s);
	s->skel->bss->mw_ctl.seed = 1;
	fd = bpf_iter_create(bpf_link__fd(s->links[CAPABILITY_TOTALS].link[0]));
	if (fd < 0)
		return fd;
	do {
		n = read(fd, s->buffer, READ_BUFFER_SIZE);
	} while (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)));
	n = n < 0 ? -errno : 0;
	close(fd);
	s->skel->bss->mw_ctl.seed = 0;
	return n;
}

/*
 * The totals first, so that the pass it makes has given every process its
 * entry before events are counted.
 */
int session_attach_all(struct session *s, const struct session_options *o,
		       const struct hook **failed)
{
	int err = set_targets(s, o);

	if (err)
		return err;
	s->ring = ring_buffer__new(bpf_map__fd(s->skel->maps.mw_events), on_record, s, NULL);
	if (!s->ring)
		return -errno;
	for (size_t i = 0; i < hook_count; i++) {
		if (!s->hooks[i].is_used)
			continue;
		err = attach_hook(s, &hook_table[i]);
		if (!err && hook_table[i].capability == CAPABILITY_TOTALS)
			err = seed(s);
		if (err) {
			*failed = &hook_table[i];
			return err;
		}
	}
	account_programs(s);
	return 0;
}

void session_unload(struct session *s)
{
	for (int c = 0; c < CAPABILITY_MAX; c++)
		detach(&s->links[c]);
	ring_buffer__free(s->ring);
	s->ring = NULL;
	memwatch_bpf__destroy(s->skel);
	s->skel = NULL;
}

bool session_is_enabled(const struct session *s, enum capability c)
{
	return s->links[c].count > 0;
}

int session_set_enabled(struct session *s, enum capability c, bool enabled)
{
	const struct hook *hook = session_used_hook(s, c);
	bool is_enabled = s->links[c].count > 0;

	if (!hook || hook->attach == HOOK_ATTACH_NONE || c == CAPABILITY_TOTALS)
		return -ENOENT;
	if (enabled == is_enabled)
		return 0;
	bpf_cost_look_again(&s->cost);
	if (enabled) {
		int err = c == CAPABILITY_CALLS ? seed(s) : 0; /* breaks have moved meanwhile */

		return err ? err : attach_hook(s, hook);
	}
	detach(&s->links[c]);
	bpf_cost_stop(&s->cost, c, clock_boot_ns());
	return 0;
}

void session_vary_faults(struct session *s)
{
	uint64_t period = SITE_PERIOD - SITE_PERIOD / 2 + random() % SITE_PERIOD;

	if (!session_used_hook(s, CAPABILITY_SITES) || !session_is_enabled(s, CAPABILITY_FAULTS))
		return;
	for (unsigned i = 0; i < s->fault_fd_count; i++)
		ioctl(s->fault_fds[i], PERF_EVENT_IOC_PERIOD, &period);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Windows of BPF run-time statistics and the rates between them; runs that were left out. */
#include "collect/bpf_cost.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define GAP_MIN_NS (2 * NSEC_PER_SEC)
#define GAP_MAX_NS (32 * NSEC_PER_SEC)

void bpf_cost_init(struct bpf_cost *c)
{
	memset(c, 0, sizeof(*c));
	c->stats_fd = -1;
	c->gap_ns = GAP_MIN_NS;
}

void bpf_cost_release(struct bpf_cost *c)
{
	if (c->stats_fd >= 0)
		close(c->stats_fd);
	c->stats_fd = -1;
}

void bpf_cost_add(struct bpf_cost *c, enum capability capability, int prog_fd)
{
	if (c->fd_count[capability] < HOOK_MAX_PROGRAMS)
		c->fds[capability][c->fd_count[capability]++] = prog_fd;
}

struct run_stats {
	uint64_t run_ns, missed;
};

/* An older kernel's bpf_prog_info is shorter: the rest stays 0. */
static struct run_stats programs_stats(const struct bpf_cost *c, enum capability capability)
{
	struct run_stats sum = {0};

	for (unsigned i = 0; i < c->fd_count[capability]; i++) {
		struct bpf_prog_info info = {0};
		__u32 len = sizeof(info);

		if (bpf_obj_get_info_by_fd(c->fds[capability][i], &info, &len))
			continue;
		sum.run_ns += info.run_time_ns;
		sum.missed += info.recursion_misses;
	}
	return sum;
}

static void window_begin(struct bpf_cost *c, uint64_t now_ns)
{
	for (int i = 0; i < CAPABILITY_MAX; i++)
		c->run_ns[i] = programs_stats(c, i).run_ns;
	c->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	c->window_ns = now_ns;
	c->next_ns = now_ns + c->gap_ns;
	if (c->gap_ns < GAP_MAX_NS)
		c->gap_ns *= 2;
}

static void window_end(struct bpf_cost *c, uint64_t now_ns)
{
	uint64_t window_ns = now_ns - c->window_ns;

	close(c->stats_fd);
	c->stats_fd = -1;
	if (!window_ns)
		return;
	for (int i = 0; i < CAPABILITY_MAX; i++) {
		uint64_t run_ns = programs_stats(c, i).run_ns - c->run_ns[i];

		c->counted_ns[i] = bpf_cost_ns(c, i, c->window_ns) + run_ns;
		c->rate[i] = (double)run_ns / window_ns;
	}
	c->as_of_ns = now_ns;
}

void bpf_cost_step(struct bpf_cost *c, uint64_t now_ns)
{
	if (c->stats_fd >= 0)
		window_end(c, now_ns);
	else if (now_ns >= c->next_ns)
		window_begin(c, now_ns);
}

void bpf_cost_look_again(struct bpf_cost *c)
{
	c->gap_ns = GAP_MIN_NS;
	if (c->next_ns > c->window_ns + c->gap_ns)
		c->next_ns = c->window_ns + c->gap_ns;
}

void bpf_cost_stop(struct bpf_cost *c, enum capability capability, uint64_t now_ns)
{
	c->counted_ns[capability] = bpf_cost_ns(c, capability, now_ns);
	c->rate[capability] = 0;
}

uint64_t bpf_cost_ns(const struct bpf_cost *c, enum capability capability, uint64_t now_ns)
{
	uint64_t since = c->as_of_ns && now_ns > c->as_of_ns ? now_ns - c->as_of_ns : 0;

	return c->counted_ns[capability] + (uint64_t)(c->rate[capability] * since);
}

uint64_t bpf_cost_missed(const struct bpf_cost *c, enum capability capability)
{
	return programs_stats(c, capability).missed;
}

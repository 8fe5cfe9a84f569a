/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Going first, for a bounded time. */
#include "census/urgent.h"

#include <sched.h>

#include "base/clock.h"

void urgent_begin(struct urgent *u)
{
	const struct sched_param first = {.sched_priority = 1};
	struct sched_param param = {0};

	*u = (struct urgent){.policy = sched_getscheduler(0)};
	if (u->policy < 0 || sched_getparam(0, &param) || sched_setscheduler(0, SCHED_RR, &first))
		return;
	u->priority = param.sched_priority;
	u->until_ns = clock_boot_ns() + URGENT_MS * 1000000ull;
}

static void give_back(const struct urgent *u)
{
	const struct sched_param before = {.sched_priority = u->priority};

	sched_setscheduler(0, u->policy, &before);
}

void urgent_check(const struct urgent *u)
{
	if (u->until_ns && clock_boot_ns() > u->until_ns)
		give_back(u);
}

void urgent_end(struct urgent *u)
{
	if (u->until_ns)
		give_back(u);
	u->until_ns = 0;
}

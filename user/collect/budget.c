/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When to give up detail, and when to take it back. */
#include "collect/budget.h"

#include <stddef.h>

#define PATIENCE_MIN 5
#define PATIENCE_MAX 60

#define STEP_DOWN_AT 0.8
#define STEP_UP_AT   0.4

void budget_init(struct budget *b, double limit_pct)
{
	*b = (struct budget){.limit_pct = limit_pct, .patience = PATIENCE_MIN};
}

bool budget_update(struct budget *b, double used_pct)
{
	enum budget_level before = b->level;

	if (b->limit_pct <= 0)
		return false;
	if (used_pct > b->limit_pct * STEP_DOWN_AT) {
		int steps = used_pct > b->limit_pct ? 2 : 1;

		if (b->calm == 0 && b->level > BUDGET_FULL && b->patience < PATIENCE_MAX)
			b->patience *= 2;
		b->level = b->level + steps < BUDGET_LEVELS ? b->level + steps : BUDGET_LEVELS - 1;
		b->calm = 0;
	} else if (used_pct < b->limit_pct * STEP_UP_AT && b->level > BUDGET_FULL) {
		if (++b->calm >= b->patience) {
			b->level--;
			b->calm = 0;
		}
	} else {
		b->calm = 0;
	}
	return b->level != before;
}

bool budget_collects(const struct budget *b, unsigned long long n)
{
	unsigned period = 1;

	if (b->level >= BUDGET_HALF_TICKS)
		period = 2u << (b->level - BUDGET_HALF_TICKS);
	return n % period == 0;
}

const char *budget_text(enum budget_level level)
{
	static const char *const text[BUDGET_LEVELS] = {
		[BUDGET_NO_FAULT_PLACES] = "where page faults land",
		[BUDGET_NO_CALLS] = "page-fault places and calls",
		[BUDGET_HALF_TICKS] = "page-fault places, calls, every second tick",
		[BUDGET_QUARTER_TICKS] = "page-fault places, calls, three of four ticks",
		[BUDGET_EIGHTH_TICKS] = "page-fault places, calls, seven of eight ticks",
	};

	return text[level];
}

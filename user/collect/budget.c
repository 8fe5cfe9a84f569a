/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When to give up detail, which, and when to take it back. */
#include "collect/budget.h"

#include <stddef.h>

#define PATIENCE_MIN	5
#define PATIENCE_MAX	60

#define GIVE_UP_AT	0.8
#define GIVE_UP_AT_ONCE 3
#define TAKE_BACK_AT	0.4
#define WORTH_IT	0.1 /* of the limit: what costs less is not worth to be without */

void budget_init(struct budget *b, double limit_pct)
{
	*b = (struct budget){.limit_pct = limit_pct, .patience = PATIENCE_MIN};
}

unsigned budget_has(const struct budget *b, enum budget_part part)
{
	unsigned n = 0;

	for (unsigned i = 0; i < b->given_up_count; i++)
		n += b->given_up[i] == part;
	return n;
}

static bool can_give_up(const struct budget *b, enum budget_part part)
{
	return budget_has(b, part) < (part == BUDGET_TICKS ? BUDGET_TICKS_MAX : 1);
}

static bool give_up_dearest(struct budget *b, const double used_pct[BUDGET_PARTS])
{
	int dearest = -1;

	for (int part = 0; part < BUDGET_PARTS; part++) {
		if (can_give_up(b, part) && used_pct[part] > b->limit_pct * WORTH_IT &&
		    (dearest < 0 || used_pct[part] > used_pct[dearest]))
			dearest = part;
	}
	if (dearest < 0)
		return false;
	/* Too early, if something was taken back just now. */
	if (b->since_taken_back && b->since_taken_back <= b->patience)
		b->patience = b->patience * 2 < PATIENCE_MAX ? b->patience * 2 : PATIENCE_MAX;
	b->given_up[b->given_up_count++] = dearest;
	b->is_settling = true;
	b->calm = b->over = 0;
	b->since_taken_back = 0;
	return true;
}

bool budget_update(struct budget *b, const double used_pct[BUDGET_PARTS], double total_pct)
{
	if (b->limit_pct <= 0)
		return false;
	if (b->is_settling) {
		b->is_settling = false;
		return false;
	}
	b->since_taken_back += b->since_taken_back > 0;
	b->over = total_pct > b->limit_pct * GIVE_UP_AT ? b->over + 1 : 0;
	if (b->over >= 2 || total_pct > b->limit_pct * GIVE_UP_AT_ONCE)
		return give_up_dearest(b, used_pct);
	if (!b->given_up_count || total_pct > b->limit_pct * TAKE_BACK_AT) {
		b->calm = 0;
		return false;
	}
	if (++b->calm < b->patience)
		return false;
	b->given_up_count--;
	b->is_settling = true;
	b->calm = 0;
	b->since_taken_back = 1;
	return true;
}

bool budget_collects(const struct budget *b, unsigned long long n)
{
	return n % (1ULL << budget_has(b, BUDGET_TICKS)) == 0;
}

const char *budget_text(const struct budget *b)
{
	static const char *const text[1 + BUDGET_TICKS_MAX][4] = {
		{NULL, "page-fault places", "calls", "page-fault places and calls"},
		{"every second tick", "page-fault places, every second tick",
		 "calls, every second tick", "page-fault places, calls, every second tick"},
		{"3 of 4 ticks", "page-fault places, 3 of 4 ticks", "calls, 3 of 4 ticks",
		 "page-fault places, calls, 3 of 4 ticks"},
		{"7 of 8 ticks", "page-fault places, 7 of 8 ticks", "calls, 7 of 8 ticks",
		 "page-fault places, calls, 7 of 8 ticks"},
	};

	return text[budget_has(b, BUDGET_TICKS)]
		   [budget_has(b, BUDGET_FAULTS) + 2 * budget_has(b, BUDGET_CALLS)];
}

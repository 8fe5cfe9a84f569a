// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Copies of growth sites: the collector's change with each tick, and go with their process.
 * Of each group the largest stack is copied; some kilobytes a site.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output/site_text.h"
#include "output/tui_internal.h"

#define MOST (COPIES_LEADING + COPIES_A_KIND * (MW_SITE_KINDS - 1))

void copies_init(struct tui_sites *c)
{
	memset(c, 0, sizeof(*c));
	strbuf_init(&c->state);
	strbuf_init(&c->quality);
}

static void copies_clear(struct tui_sites *c)
{
	for (unsigned i = 0; i < c->count; i++)
		free(c->list[i].site.stack);
	c->count = c->leading = 0;
	c->pid = 0;
	strbuf_clear(&c->state);
	strbuf_clear(&c->quality);
}

void copies_release(struct tui_sites *c)
{
	copies_clear(c);
	free(c->list);
	strbuf_release(&c->state);
	strbuf_release(&c->quality);
	copies_init(c);
}

static int copy_site(struct tui_sites *c, const struct site_group *g)
{
	const struct stack *stack = g->top->stack;
	struct tui_site *copy = &c->list[c->count];

	copy->group = *g;
	copy->site = *g->top;
	copy->site.stack = stack_new(stack->frames, stack->count, stack->is_cut);
	if (!copy->site.stack)
		return -ENOMEM;
	copy->group.top = &copy->site;
	c->count++;
	return 0;
}

static int copy_kind(struct tui_sites *c, const struct site_table *t, enum mw_site_kind kind,
		     unsigned wanted)
{
	struct site_group groups[COPIES_A_KIND];
	unsigned count = site_groups(t, kind, SITE_BY_CHAIN, groups,
				     wanted < COPIES_A_KIND ? wanted : COPIES_A_KIND);
	int err = 0;

	for (unsigned i = 0; i < count && !err; i++)
		err = copy_site(c, &groups[i]);
	return err;
}

/* The kind that the leading site is of comes first. */
static int copy_kinds(struct tui_sites *c, const struct site_table *t, unsigned wanted)
{
	enum mw_site_kind first = c->leading ? c->list[0].group.kind : 0;
	int err = c->leading ? copy_kind(c, t, first, wanted) : 0;

	for (unsigned i = 0; i < MW_SITE_KINDS - 1 && !err; i++) {
		if (site_kinds_ordered[i] != first)
			err = copy_kind(c, t, site_kinds_ordered[i], wanted);
	}
	return err;
}

static int copy_leading(struct tui_sites *c, const struct site_table *t, unsigned wanted)
{
	struct site_group groups[COPIES_LEADING];
	unsigned count =
		site_groups_leading(t, groups, wanted < COPIES_LEADING ? wanted : COPIES_LEADING);
	int err = 0;

	for (unsigned i = 0; i < count && !err; i++)
		err = copy_site(c, &groups[i]);
	c->leading = c->count;
	return err;
}

int copies_take(struct tui_sites *c, const struct process *p, unsigned wanted)
{
	int err = 0;

	copies_clear(c);
	if (!c->list)
		c->list = calloc(MOST, sizeof(*c->list));
	if (!c->list)
		return -ENOMEM;
	c->pid = p->pid;
	c->start_ns = p->start_ns;
	err = copy_leading(c, p->sites, wanted);
	if (!err)
		err = copy_kinds(c, p->sites, wanted);
	site_state_add(&c->state, p->sites);
	site_quality_add(&c->quality, p->sites);
	if (!err)
		err = c->state.err ? c->state.err : c->quality.err;
	if (err)
		copies_clear(c);
	return err;
}

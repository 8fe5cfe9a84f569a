/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files are cut at their beginning: the end of a path says more. */
#include "analysis/census_kept.h"

#include <stdio.h>
#include <string.h>

static void copy_name(char out[KEPT_NAME], const char *name)
{
	snprintf(out, KEPT_NAME, "%s", name ? name : "");
}

static void copy_file(char out[KEPT_FILE], const char *file)
{
	size_t len = file ? strlen(file) : 0;

	if (len < KEPT_FILE)
		snprintf(out, KEPT_FILE, "%s", file ? file : "");
	else
		snprintf(out, KEPT_FILE, "...%s", file + len - (KEPT_FILE - 4));
}

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static const struct retainer *retainer_of(const struct census *c, const struct constructor *k)
{
	for (unsigned i = 0; i < c->retainer_count; i++) {
		const struct retainer *r = &c->retainers[i];

		if (r->of_kind == k->kind && r->isolate == k->isolate && is_same(r->of, k->name) &&
		    is_same(r->of_file, k->file))
			return r;
	}
	return NULL;
}

static void copy_retainer(struct kept_by *out, const struct retainer *r)
{
	if (!r || !r->step_count)
		return;
	copy_name(out->container, r->share > 0 ? r->container : NULL);
	copy_name(out->edge, r->steps[0].edge);
	copy_name(out->node, r->steps[0].node);
	out->share = r->share;
	out->count = r->count;
	out->bytes = r->bytes;
	for (unsigned i = 0; i < r->step_count; i++) {
		if (!r->steps[i].file)
			continue;
		copy_file(out->file, r->steps[i].file);
		out->line = r->steps[i].line;
		break;
	}
}

static void copy_constructor(struct kept_constructor *out, const struct census_change *from,
			     const struct census *now)
{
	const struct constructor *k = from->what;

	out->kind = k->kind;
	copy_name(out->name, k->name);
	copy_file(out->file, k->file);
	out->line = k->line;
	out->count = from->at[CENSUS_NOW].count;
	out->bytes = census_amount_bytes(&from->at[CENSUS_NOW]);
	out->delta_count = census_grown_count(from->at, CENSUS_FIRST);
	out->delta_bytes = census_grown_bytes(from->at, CENSUS_FIRST);
	copy_retainer(&out->by, retainer_of(now, k));
}

void census_kept(const struct census_diff *d, struct kept *out)
{
	const struct census *first = d->of[CENSUS_FIRST], *now = d->of[CENSUS_NOW];
	const struct census_change *growers[CENSUS_GROWERS_MAX];
	unsigned count = census_diff_growers(d, CENSUS_FIRST, growers);

	*out = (struct kept){
		.taken_ns = now->taken_ns,
		.seconds = census_diff_seconds(d, CENSUS_FIRST),
		.pauses_ns = {first->pause_ns, now->pause_ns},
	};
	for (unsigned i = 0; i < count && i < KEPT_MAX; i++)
		copy_constructor(&out->constructors[out->count++], growers[i], now);
}

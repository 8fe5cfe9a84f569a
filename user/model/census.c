/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A census as data: two growing lists whose strings are kept once.
 *
 * LIMITATIONS: nothing is taken out again, and a constructor that comes twice is in it twice: who
 * fills it has counted before.
 */
#include "model/census.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MIN_ROOM 16u

static const char *const kinds[CENSUS_KINDS] = {
	[CENSUS_OBJECT] = "object", [CENSUS_CLOSURE] = "closure", [CENSUS_ARRAY] = "array",
	[CENSUS_STRING] = "string", [CENSUS_CONTEXT] = "context", [CENSUS_NUMBER] = "number",
	[CENSUS_SYMBOL] = "symbol", [CENSUS_REGEXP] = "regexp",	  [CENSUS_CODE] = "code",
	[CENSUS_SHAPE] = "shape",   [CENSUS_SYSTEM] = "system",
};

const char *census_kind_name(unsigned kind)
{
	return kinds[kind < CENSUS_KINDS ? kind : CENSUS_SYSTEM];
}

int census_kind_parse(const char *name)
{
	for (int kind = 0; kind < CENSUS_KINDS; kind++) {
		if (!strcmp(name, kinds[kind]))
			return kind;
	}
	return -1;
}

struct census *census_new(void)
{
	struct census *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->names = intern_new(CENSUS_NAMES_BYTES);
	if (!c->names) {
		free(c);
		errno = ENOMEM;
		return NULL;
	}
	return c;
}

void census_free(struct census *c)
{
	if (!c)
		return;
	free(c->constructors);
	free(c->retainers);
	intern_free(c->names);
	free(c);
}

/* Room for one more behind @count of them: it doubles, so what there is follows from the count. */
static void *make_room(void *list, unsigned count, size_t size)
{
	size_t room = count < MIN_ROOM ? MIN_ROOM : 2 * (size_t)count;

	if (count && (count < MIN_ROOM || count & (count - 1)))
		return list;
	return reallocarray(list, room, size);
}

static const char *keep(struct census *c, const char *name)
{
	uint64_t refused = intern_refused(c->names);
	const char *kept = intern_str(c->names, name);

	c->lost.names += intern_refused(c->names) - refused;
	return kept;
}

int census_add_constructor(struct census *c, const struct constructor *from)
{
	struct constructor *list =
		make_room(c->constructors, c->constructor_count, sizeof(*c->constructors));
	struct constructor *to;

	if (!list)
		return -ENOMEM;
	c->constructors = list;
	to = &list[c->constructor_count++];
	*to = *from;
	to->name = keep(c, from->name ? from->name : "");
	to->class_name = keep(c, from->class_name);
	to->file = keep(c, from->file);
	return 0;
}

static void keep_steps(struct census *c, struct retainer_step *steps, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		steps[i].edge = keep(c, steps[i].edge ? steps[i].edge : "");
		steps[i].node = keep(c, steps[i].node ? steps[i].node : "");
		steps[i].file = keep(c, steps[i].file);
	}
}

int census_add_retainer(struct census *c, const struct retainer *from)
{
	struct retainer *list = make_room(c->retainers, c->retainer_count, sizeof(*c->retainers));
	struct retainer *to;

	if (!list)
		return -ENOMEM;
	c->retainers = list;
	to = &list[c->retainer_count++];
	*to = *from;
	to->of = keep(c, from->of ? from->of : "");
	to->of_file = keep(c, from->of_file);
	to->container = keep(c, from->container);
	keep_steps(c, to->steps, to->step_count);
	keep_steps(c, to->owners, to->owner_count);
	return 0;
}

static int most_first(uint64_t a, uint64_t b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

/* Sums of what a file says may wrap: that is an order, too. */
static uint64_t all_bytes(const struct constructor *k)
{
	return k->bytes + k->external_bytes;
}

static int compare(const void *pa, const void *pb)
{
	const struct constructor *a = pa, *b = pb;
	int order = most_first(all_bytes(a), all_bytes(b));

	if (!order)
		order = most_first(a->count, b->count);
	if (!order)
		order = strcmp(a->name, b->name);
	if (!order)
		order = strcmp(a->file ? a->file : "", b->file ? b->file : "");
	if (!order)
		order = (a->line > b->line) - (a->line < b->line);
	return order ? order : (int)a->isolate - (int)b->isolate;
}

void census_sort(struct census *c)
{
	if (c->constructor_count)
		qsort(c->constructors, c->constructor_count, sizeof(*c->constructors), compare);
}

static bool is_same_step(const struct retainer_step *a, const struct retainer_step *b)
{
	/* Both are interned by one census. */
	return a->edge == b->edge && a->node == b->node && a->file == b->file && a->line == b->line;
}

/* That there are two of them of one name, size and path is unlikely. */
bool retainer_is_same_container(const struct retainer *a, const struct retainer *b)
{
	if (a->isolate != b->isolate || a->container != b->container || !(a->share > 0) ||
	    !(b->share > 0) || a->count != b->count || a->bytes != b->bytes ||
	    a->step_count != b->step_count)
		return false;
	for (unsigned i = 0; i < a->step_count; i++) {
		if (!is_same_step(&a->steps[i], &b->steps[i]))
			return false;
	}
	return true;
}

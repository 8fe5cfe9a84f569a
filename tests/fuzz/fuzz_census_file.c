/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* libFuzzer: the input is a file of a census. What is read must be fit to be shown and compared. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/census_file.h"

static void check(int condition)
{
	if (!condition)
		abort();
}

static void check_steps(const struct retainer_step *steps, unsigned count, unsigned max)
{
	check(count <= max);
	for (unsigned i = 0; i < count; i++)
		check(steps[i].edge && steps[i].node);
}

static void check_census(const struct census *c)
{
	check(c->isolate_count <= CENSUS_ISOLATES_MAX);
	check(memchr(c->comm, '\0', sizeof(c->comm)) && memchr(c->node, '\0', sizeof(c->node)));
	for (unsigned i = 0; i < c->constructor_count; i++) {
		const struct constructor *k = &c->constructors[i];

		check(k->name && k->kind < CENSUS_KINDS && k->count < INT64_MAX &&
		      k->bytes < INT64_MAX && k->external_bytes < INT64_MAX);
		check(!k->isolate || k->isolate < c->isolate_count);
	}
	for (unsigned i = 0; i < c->retainer_count; i++) {
		const struct retainer *r = &c->retainers[i];

		check(r->of && r->share >= 0 && r->share <= 1 && r->of_kind < CENSUS_KINDS);
		check_steps(r->steps, r->step_count, CENSUS_STEPS_MAX);
		check_steps(r->owners, r->owner_count, CENSUS_OWNERS_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *f = size ? fmemopen((void *)data, size, "r") : NULL;
	struct census_file file;
	int err;

	if (!f)
		return 0;
	err = census_file_parse(f, &file);
	check(!err == !!file.census && !err == !file.why[0]);
	if (!err)
		check_census(file.census);
	census_free(file.census);
	fclose(f);
	return 0;
}

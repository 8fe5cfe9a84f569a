/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Taking V8's constants by tables. */
#include "v8/v8_constants.h"

#include <stdbool.h>
#include <string.h>

static int32_t *field(void *out, size_t offset)
{
	return (int32_t *)((char *)out + offset);
}

void v8_constants_init(struct v8_constants *c, const struct v8_constant *rows, size_t count,
		       void *out)
{
	memset(c, 0, sizeof(*c));
	c->rows = rows;
	c->count = count < V8_CONSTANTS_MAX ? count : V8_CONSTANTS_MAX;
	c->out = out;
	for (size_t i = 0; i < c->count; i++)
		*field(out, rows[i].field) = V8_ABSENT;
}

int32_t v8_constant_value(struct elf_file *f, const struct elf_symbol *sym)
{
	int32_t v;

	return elf_file_read(f, sym->value, &v, sizeof(v)) ? 0 : v;
}

static bool name_matches(const char *name, const char *wanted)
{
	size_t len = strlen(wanted);

	if (len > 2 && !strcmp(wanted + len - 2, "__"))
		return !strncmp(name, wanted, len);
	return !strcmp(name, wanted);
}

void v8_constants_take(struct v8_constants *c, struct elf_file *f, const struct elf_symbol *sym)
{
	const char *name = sym->name + strlen(V8_CONSTANT_PREFIX);

	for (size_t i = 0; i < c->count; i++) {
		if (c->taken[i] || !name_matches(name, c->rows[i].name))
			continue;
		c->taken[i] = 1;
		c->found++;
		for (size_t j = 0; j < i; j++) { /* a row before has the field already */
			if (c->taken[j] && c->rows[j].field == c->rows[i].field)
				return;
		}
		*field(c->out, c->rows[i].field) = v8_constant_value(f, sym);
		return;
	}
}

void v8_gaps_clear(const struct v8_gap *gaps, size_t count, void *out)
{
	for (size_t i = 0; i < count; i++)
		*field(out, gaps[i].field) = V8_ABSENT;
}

void v8_gaps_fill(const struct v8_gap *gaps, size_t count, uint64_t version, void *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct v8_gap *g = &gaps[i];

		if (*field(out, g->field) == V8_ABSENT && version >= g->since &&
		    (!g->until || version < g->until))
			*field(out, g->field) = g->value;
	}
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A profile that was written, unpacked again, and what its readers demand of it: google/pprof
 * (Profile.CheckValid), Parca (normalizer.ValidatePprofProfile), Pyroscope (pprof.Normalize, which
 * drops what breaks them). See user/output/pprof.c.
 */
#ifndef MEMWATCH_TESTS_PPROF_RULES_H
#define MEMWATCH_TESTS_PPROF_RULES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/strbuf.h"
#include "profile.pb-c.h"
#include "utf8_oracle.h"

#define PPROF_UNPACKED_MAX (64u << 20)
#define PPROF_RULE(rule)                                                                           \
	do {                                                                                       \
		if (!(rule))                                                                       \
			return #rule;                                                              \
	} while (0)

/* NULL if it is no gzip'd profile; pprof__profile__free_unpacked() it. */
static inline Pprof__Profile *pprof_unpack(const struct strbuf *packed)
{
	unsigned char *bytes = malloc(PPROF_UNPACKED_MAX);
	z_stream z = {.next_in = (unsigned char *)packed->s,
		      .avail_in = (uInt)packed->len,
		      .next_out = bytes,
		      .avail_out = PPROF_UNPACKED_MAX};
	Pprof__Profile *p = NULL;

	if (bytes && inflateInit2(&z, MAX_WBITS + 16) == Z_OK) {
		if (inflate(&z, Z_FINISH) == Z_STREAM_END)
			p = pprof__profile__unpack(NULL, z.total_out, bytes);
		inflateEnd(&z);
	}
	free(bytes);
	return p;
}

/* The string of that number; NULL: there is none. */
static inline const char *pprof_text(const Pprof__Profile *p, int64_t id)
{
	return id >= 0 && (uint64_t)id < p->n_string_table ? p->string_table[id] : NULL;
}

static inline bool pprof_has_text(const Pprof__Profile *p, int64_t id)
{
	const char *text = pprof_text(p, id);

	return text && *text;
}

/* --- the rules: NULL, or the one that is broken --- */

static inline const char *pprof_rules_of_strings(const Pprof__Profile *p)
{
	PPROF_RULE(p->n_string_table && !*p->string_table[0]);
	for (size_t i = 0; i < p->n_string_table; i++)
		PPROF_RULE(oracle_is_clean(p->string_table[i], strlen(p->string_table[i])));
	for (size_t i = 0; i < p->n_comment; i++)
		PPROF_RULE(pprof_has_text(p, p->comment[i]));
	return NULL;
}

static inline const char *pprof_rules_of_types(const Pprof__Profile *p)
{
	bool is_default_there = false;

	PPROF_RULE(p->n_sample_type);
	for (size_t i = 0; i < p->n_sample_type; i++) {
		PPROF_RULE(pprof_has_text(p, p->sample_type[i]->type));
		PPROF_RULE(pprof_has_text(p, p->sample_type[i]->unit));
		is_default_there |= p->sample_type[i]->type == p->default_sample_type;
	}
	PPROF_RULE(is_default_there);
	PPROF_RULE(p->sample_type[p->n_sample_type - 1]->type == p->default_sample_type);
	PPROF_RULE(p->period_type && pprof_has_text(p, p->period_type->type));
	PPROF_RULE(pprof_has_text(p, p->period_type->unit));
	return NULL;
}

static inline const char *pprof_rules_of_label(const Pprof__Profile *p, const Pprof__Sample *s,
					       size_t at)
{
	const Pprof__Label *l = s->label[at];

	PPROF_RULE(pprof_has_text(p, l->key));
	PPROF_RULE(pprof_text(p, l->str));
	PPROF_RULE(!l->num == pprof_has_text(p, l->str)); /* one of them */
	for (size_t i = 0; i < at; i++)
		PPROF_RULE(s->label[i]->key != l->key);
	return NULL;
}

static inline const char *pprof_rules_of_samples(const Pprof__Profile *p)
{
	const char *broken = NULL;

	for (size_t i = 0; i < p->n_sample; i++) {
		const Pprof__Sample *s = p->sample[i];

		PPROF_RULE(s->n_value == p->n_sample_type);
		PPROF_RULE(s->n_location_id);
		for (size_t k = 0; k < s->n_value; k++)
			PPROF_RULE(s->value[k] >= 0);
		for (size_t k = 0; k < s->n_location_id; k++)
			PPROF_RULE(s->location_id[k] && s->location_id[k] <= p->n_location);
		for (size_t k = 0; k < s->n_label && !broken; k++)
			broken = pprof_rules_of_label(p, s, k);
	}
	return broken;
}

static inline const char *pprof_rules_of_locations(const Pprof__Profile *p)
{
	for (size_t i = 0; i < p->n_location; i++) {
		const Pprof__Location *l = p->location[i];
		const Pprof__Mapping *m;

		PPROF_RULE(l->id == i + 1);
		PPROF_RULE(l->address || l->n_line);
		for (size_t k = 0; k < l->n_line; k++)
			PPROF_RULE(l->line[k]->function_id &&
				   l->line[k]->function_id <= p->n_function);
		PPROF_RULE(l->mapping_id <= p->n_mapping);
		m = l->mapping_id ? p->mapping[l->mapping_id - 1] : NULL;
		PPROF_RULE(!m || !m->has_functions == !l->n_line);
	}
	return NULL;
}

static inline const char *pprof_rules_of_functions(const Pprof__Profile *p)
{
	for (size_t i = 0; i < p->n_function; i++) {
		PPROF_RULE(p->function[i]->id == i + 1);
		PPROF_RULE(pprof_has_text(p, p->function[i]->name));
		PPROF_RULE(pprof_has_text(p, p->function[i]->system_name));
		PPROF_RULE(pprof_text(p, p->function[i]->filename));
	}
	return NULL;
}

/* One without names is for readers to look them up: only of one that is all memory are addresses
 * taken as the file's own, and only if it claims to have nothing. */
static inline const char *pprof_rules_of_mappings(const Pprof__Profile *p)
{
	for (size_t i = 0; i < p->n_mapping; i++) {
		const Pprof__Mapping *m = p->mapping[i];

		PPROF_RULE(m->id == i + 1);
		PPROF_RULE(pprof_text(p, m->filename));
		PPROF_RULE(pprof_text(p, m->build_id));
		PPROF_RULE(m->has_filenames == m->has_functions);
		PPROF_RULE(m->has_line_numbers == m->has_functions);
		PPROF_RULE(m->has_functions || (!m->memory_start && m->memory_limit == UINT64_MAX));
	}
	return NULL;
}

/* All of them. */
static inline const char *pprof_broken_rule(const Pprof__Profile *p)
{
	const char *(*const rules[])(const Pprof__Profile *) = {
		pprof_rules_of_strings,	  pprof_rules_of_types,	    pprof_rules_of_samples,
		pprof_rules_of_locations, pprof_rules_of_functions, pprof_rules_of_mappings,
	};
	const char *broken = NULL;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]) && !broken; i++)
		broken = rules[i](p);
	return broken;
}

#endif

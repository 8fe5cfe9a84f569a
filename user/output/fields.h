/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The catalogue of what memwatch shows of a process. Every output walks it: the
 * NDJSON keys, the live table and the piped lines, the sort keys, `memwatch
 * schema`. A new field is a new row here.
 */
#ifndef MEMWATCH_OUTPUT_FIELDS_H
#define MEMWATCH_OUTPUT_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "model/process.h"

enum field_unit { UNIT_BYTES, UNIT_COUNT };

/* A member of struct totals: a NDJSON key of "process", and of its "delta". */
struct total_field {
	const char *key;
	enum field_unit unit;
	size_t offset;
	const char *help;
};

/* A member of struct activity: a NDJSON key of "events". */
struct activity_field {
	const char *key;
	enum field_unit unit;
	size_t offset;
	enum { ACTIVITY_ALWAYS, ACTIVITY_CALLS, ACTIVITY_SAMPLED } needs;
	const char *help;
};

extern const struct total_field total_fields[];
extern const size_t total_field_count;
extern const struct activity_field activity_fields[];
extern const size_t activity_field_count;

uint64_t total_value(const struct total_field *f, const struct totals *t);
/** total_is_known - else its value is 0 and means nothing */
bool total_is_known(const struct total_field *f, const struct totals *t);
uint64_t activity_value(const struct activity_field *f, const struct activity *a);

/* A column of the table, on a terminal or piped. */
struct column {
	const char *key;   /* of -s, and of the NDJSON where it is a field */
	const char *title; /* as wide as it is, at the least */
	int width;
	bool is_left; /* text, left-aligned */
	const char *help;
	void (*format)(struct strbuf *out, const struct process *p);
	int64_t (*value)(const struct process *p); /* to sort by, largest first; NULL: by text */
};

extern const struct column columns[];
extern const size_t column_count;

/** column_find - by key; NULL if there is none */
const struct column *column_find(const char *key);

/** column_sort - largest first (text: A first; limit: soonest first); ties by footprint, then PID
 */
void column_sort(const struct column *c, struct process **list, size_t count);

/**
 * column_pad - append @text to @out, cut or padded to @width columns of a terminal
 *
 * @text must be valid UTF-8 without controls (strbuf_add_text()); wide
 * characters are counted by wcwidth(3) under the current locale.
 */
void column_pad(struct strbuf *out, const char *text, int width, bool is_left);

/** column_cut - append @text (as above), of a longer one its beginning and "..": @width columns at
 *  the most */
void column_cut(struct strbuf *out, const char *text, int width);

/** text_columns - of a terminal that @text (as above) takes */
int text_columns(const char *text);

/** sparkline - @width cells of the footprint's course, oldest first; ASCII unless @utf8 */
void sparkline(struct strbuf *out, const struct history *h, unsigned width, bool utf8);

#endif

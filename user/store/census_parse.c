/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads the NDJSON of a census, a line at a time, into struct census: what a key means is said by
 * `memwatch schema`.
 *
 * LIMITATIONS: of two censuses of different processes in one file, the last one is had.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/run.h"
#include "store/census_file.h"
#include "store/json_read.h"

#define NUMBER_MAX INT64_MAX /* of what is counted */

struct parse {
	FILE *f;
	struct json_tokener *tokener;
	char *line;
	size_t len;
	bool is_last;	/* the file ends with this line */
	bool is_broken; /* @line ends without a newline */
	unsigned number;
	bool has_meta, has_end;
	struct census *census; /* NULL: none yet */
	struct retainer retainer;
	struct census_file *out;
};

__attribute__((format(printf, 3, 4))) static int refuse(struct parse *p, int err, const char *fmt,
							...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->out->why, sizeof(p->out->why), fmt, ap);
	va_end(ap);
	return err;
}

/* --- values --- */

/* 0 where there is none; a number that cannot be is refused. */
static int get_number(struct parse *p, struct json_object *o, const char *key, uint64_t max,
		      uint64_t *out)
{
	struct json_object *v;
	int64_t value;

	*out = 0;
	if (!json_object_object_get_ex(o, key, &v))
		return 0;
	if (!json_object_is_type(v, json_type_int))
		return refuse(p, -EINVAL, "line %u: '%s' is no whole number", p->number, key);
	errno = 0;
	value = json_object_get_int64(v); /* what is larger comes as the largest */
	if (value < 0 || value == INT64_MAX || (uint64_t)value > max)
		return refuse(p, -EINVAL, "line %u: '%s' is out of range", p->number, key);
	*out = (uint64_t)value;
	return 0;
}

/* A number to be stored at an offset of a struct. */
struct number {
	const char *key;
	uint64_t *to;
};

static int get_numbers(struct parse *p, struct json_object *o, const struct number *numbers,
		       size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		err = get_number(p, o, numbers[i].key, NUMBER_MAX, numbers[i].to);
	return err;
}

/* "0x7f001000" */
static bool get_address(struct json_object *o, const char *key, uint64_t *out)
{
	const char *text = json_read_string(o, key);
	char *end;

	if (!text || strncmp(text, "0x", 2))
		return false;
	errno = 0;
	*out = strtoull(text, &end, 16);
	return !errno && !*end && end > text + 2;
}

/* Its index in the census; one that the census does not name is the first. */
static uint8_t get_isolate(const struct census *c, struct json_object *o)
{
	uint64_t id;

	if (!get_address(o, "isolate", &id))
		return 0;
	for (unsigned i = 0; i < c->isolate_count; i++) {
		if (c->isolates[i].id == id)
			return (uint8_t)i;
	}
	return 0;
}

static uint8_t get_kind(struct json_object *o)
{
	const char *name = json_read_string(o, "kind");
	int kind = name ? census_kind_parse(name) : CENSUS_OBJECT;

	return (uint8_t)(kind < 0 ? CENSUS_SYSTEM : kind); /* one that is not known yet */
}

/* --- records --- */

static int read_meta(struct parse *p, struct json_object *o)
{
	uint64_t schema;
	int err = get_number(p, o, "schema", NUMBER_MAX, &schema);

	if (err)
		return err;
	if (schema > MEMWATCH_SCHEMA)
		return refuse(p, -ENOTSUP,
			      "it is of schema %llu, and this memwatch knows %d: take a newer one",
			      (unsigned long long)schema, MEMWATCH_SCHEMA);
	p->has_meta = true;
	p->has_end = false; /* files may be joined */
	return 0;
}

static int read_isolates(struct parse *p, struct json_object *o)
{
	struct json_object *list = json_read_list(o, "isolates");
	struct census *c = p->census;
	size_t count = list ? json_object_array_length(list) : 0;
	int err = 0;

	if (count > CENSUS_ISOLATES_MAX)
		return refuse(p, -E2BIG, "line %u: more than %d isolates", p->number,
			      CENSUS_ISOLATES_MAX);
	for (size_t i = 0; i < count && !err; i++) {
		struct json_object *from = json_object_array_get_idx(list, i);
		struct census_isolate *to = &c->isolates[i];
		const struct number numbers[] = {
			{"count", &to->count},
			{"bytes", &to->bytes},
			{"external_bytes", &to->external_bytes},
			{"page_bytes", &to->page_bytes},
		};

		if (!get_address(from, "isolate", &to->id))
			return refuse(p, -EINVAL, "line %u: an isolate without its address",
				      p->number);
		err = get_numbers(p, from, numbers, sizeof(numbers) / sizeof(numbers[0]));
	}
	c->isolate_count = (unsigned)count;
	return err;
}

static int read_lost(struct parse *p, struct json_object *o)
{
	struct census_lost *to = &p->census->lost;
	const struct number numbers[] = {
		{"unreadable_bytes", &to->unreadable_bytes},
		{"unknown_sizes", &to->unknown_sizes},
		{"overlaps", &to->overlaps},
		{"names", &to->names},
		{"isolates", &to->isolates},
	};
	struct json_object *lost;

	if (!json_object_object_get_ex(o, "lost", &lost))
		return 0;
	return get_numbers(p, lost, numbers, sizeof(numbers) / sizeof(numbers[0]));
}

static int read_how(struct parse *p, struct json_object *o)
{
	struct census *c = p->census;
	const char *time = json_read_string(o, "time");
	uint64_t pid, waits;
	const struct number numbers[] = {
		{"ts_ns", &c->taken_ns},
		{"start_ns", &c->start_ns},
		{"pause_ns", &c->pause_ns},
		{"analysis_ns", &c->analysis_ns},
		{"copied_bytes", &c->copied_bytes},
		{"rss_bytes", &c->rss_bytes},
	};
	int err = get_numbers(p, o, numbers, sizeof(numbers) / sizeof(numbers[0]));

	if (!err)
		err = get_number(p, o, "pid", UINT32_MAX, &pid);
	if (!err)
		err = get_number(p, o, "gc_waits", UINT32_MAX, &waits);
	if (err)
		return err;
	c->pid = (uint32_t)pid;
	c->gc_waits = (unsigned)waits;
	if (!time || clock_parse_rfc3339(time, &c->wall_ns))
		c->wall_ns = 0;
	c->is_live = json_read_flag(o, "live");
	c->in_gc = json_read_flag(o, "in_gc");
	json_read_copy(o, "comm", c->comm, sizeof(c->comm));
	json_read_copy(o, "runtime", c->node, sizeof(c->node));
	return 0;
}

static int read_census(struct parse *p, struct json_object *o)
{
	int err;

	census_free(p->census);
	p->census = census_new();
	if (!p->census)
		return refuse(p, -ENOMEM, "no memory");
	err = read_how(p, o);
	if (!err)
		err = read_isolates(p, o);
	return err ? err : read_lost(p, o);
}

static int read_constructor(struct parse *p, struct json_object *o)
{
	struct constructor k = {.name = json_read_string(o, "name"),
				.class_name = json_read_string(o, "class"),
				.file = json_read_string(o, "file"),
				.kind = get_kind(o)};
	const struct number numbers[] = {
		{"count", &k.count},
		{"bytes", &k.bytes},
		{"external_bytes", &k.external_bytes},
	};
	uint64_t line;
	int err = get_numbers(p, o, numbers, sizeof(numbers) / sizeof(numbers[0]));

	if (!err)
		err = get_number(p, o, "line", UINT32_MAX, &line);
	if (err)
		return err;
	if (!k.name)
		return refuse(p, -EINVAL, "line %u: a constructor without a name", p->number);
	if (!k.count && !k.bytes)
		return 0; /* gone: of a comparison */
	if (p->census->constructor_count >= CENSUS_FILE_RECORDS_MAX)
		return refuse(p, -E2BIG, "line %u: more than %u constructors", p->number,
			      CENSUS_FILE_RECORDS_MAX);
	k.line = (uint32_t)line;
	k.isolate = get_isolate(p->census, o);
	if (census_add_constructor(p->census, &k))
		return refuse(p, -ENOMEM, "no memory");
	return 0;
}

static int read_steps(struct parse *p, struct json_object *o, const char *key,
		      struct retainer_step *to, unsigned max, unsigned *count)
{
	struct json_object *list = json_read_list(o, key);
	size_t there = list ? json_object_array_length(list) : 0;

	if (there > max)
		return refuse(p, -E2BIG, "line %u: '%s' is longer than %u", p->number, key, max);
	for (size_t i = 0; i < there; i++) {
		struct json_object *from = json_object_array_get_idx(list, i);
		uint64_t line;
		int err = get_number(p, from, "line", UINT32_MAX, &line);

		if (err)
			return err;
		to[i] = (struct retainer_step){
			.edge = json_read_string(from, "edge"),
			.node = json_read_string(from, "node"),
			.file = json_read_string(from, "file"),
			.line = (uint32_t)line,
		};
	}
	*count = (unsigned)there;
	return 0;
}

static int read_retainer(struct parse *p, struct json_object *o)
{
	struct retainer *r = &p->retainer;
	uint64_t left_out = 0, owners_left_out = 0;
	const struct number numbers[] = {
		{"instances", &r->instances},
		{"count", &r->count},
		{"bytes", &r->bytes},
	};
	int err;

	*r = (struct retainer){.of = json_read_string(o, "of"),
			       .of_file = json_read_string(o, "file"),
			       .of_kind = get_kind(o),
			       .container = json_read_string(o, "container"),
			       .share = json_read_share(o, "share")};
	r->isolate = get_isolate(p->census, o);
	err = get_numbers(p, o, numbers, sizeof(numbers) / sizeof(numbers[0]));
	if (!err)
		err = get_number(p, o, "left_out", UINT32_MAX, &left_out);
	if (!err)
		err = get_number(p, o, "owners_left_out", UINT32_MAX, &owners_left_out);
	if (!err)
		err = read_steps(p, o, "path", r->steps, CENSUS_STEPS_MAX, &r->step_count);
	if (!err)
		err = read_steps(p, o, "owners", r->owners, CENSUS_OWNERS_MAX, &r->owner_count);
	if (err)
		return err;
	r->steps_left_out = (unsigned)left_out;
	r->owners_left_out = (unsigned)owners_left_out;
	if (p->census->retainer_count >= CENSUS_FILE_RETAINERS_MAX)
		return refuse(p, -E2BIG, "line %u: more than %u retainers", p->number,
			      CENSUS_FILE_RETAINERS_MAX);
	return census_add_retainer(p->census, r) ? refuse(p, -ENOMEM, "no memory") : 0;
}

static int read_end(struct parse *p, struct json_object *o)
{
	(void)o;
	p->has_end = true;
	return 0;
}

static const struct {
	const char *type;
	int (*read)(struct parse *p, struct json_object *o);
	bool is_of_census;
} records[] = {
	{"meta", read_meta, false},
	{"census", read_census, false},
	{"constructor", read_constructor, true},
	{"retainer", read_retainer, true},
	{"end", read_end, false},
};

static int read_record(struct parse *p, struct json_object *o)
{
	const char *type = json_read_string(o, "type");

	if (!p->has_meta && (!type || strcmp(type, "meta")))
		return refuse(p, -EINVAL, "it does not begin as what memwatch writes");
	for (size_t i = 0; type && i < sizeof(records) / sizeof(records[0]); i++) {
		if (strcmp(type, records[i].type))
			continue;
		if (records[i].is_of_census && !p->census)
			return refuse(p, -EINVAL, "line %u: a %s before its census", p->number,
				      type);
		return records[i].read(p, o);
	}
	return 0;
}

/* --- lines --- */

/* The next line, without its newline. 1, 0 at the end, or an error. */
static int read_line(struct parse *p)
{
	size_t len = 0;
	int c;

	while ((c = getc_unlocked(p->f)) != EOF && c != '\n') {
		if (len == CENSUS_FILE_LINE_MAX)
			return refuse(p, p->has_meta ? -E2BIG : -EINVAL,
				      "line %u is longer than %u bytes", p->number + 1,
				      CENSUS_FILE_LINE_MAX);
		p->line[len++] = (char)c;
	}
	if (ferror(p->f))
		return refuse(p, -EIO, "%s", strerror(errno ? errno : EIO));
	p->is_broken = c == EOF;
	p->len = len;
	p->number++;
	return c != EOF || len;
}

static struct json_object *parse_line(struct parse *p)
{
	struct json_object *o;

	json_tokener_reset(p->tokener);
	o = json_tokener_parse_ex(p->tokener, p->line, (int)p->len);
	if (o && json_object_is_type(o, json_type_object) &&
	    json_tokener_get_parse_end(p->tokener) == p->len)
		return o;
	json_object_put(o);
	return NULL;
}

static int read_lines(struct parse *p)
{
	int err;

	while ((err = read_line(p)) > 0) {
		struct json_object *o;

		if (!p->len)
			continue;
		o = parse_line(p);
		if (!o && p->is_broken && p->has_meta) /* cut off within the line */
			return 0;
		if (!o)
			return refuse(p, -EINVAL,
				      p->has_meta ? "line %u is no JSON object"
						  : "it is no NDJSON (line %u)",
				      p->number);
		err = read_record(p, o);
		json_object_put(o);
		if (err)
			return err;
	}
	return err;
}

static int finish(struct parse *p)
{
	struct census *c = p->census;

	if (!c)
		return refuse(p, -EINVAL,
			      p->has_meta ? "there is no census in it: 'memwatch heap -o' makes one"
					  : "it is empty");
	p->out->is_cut = !p->has_end;
	census_sort(c);
	p->out->census = c;
	p->census = NULL;
	return 0;
}

int census_file_parse(FILE *f, struct census_file *out)
{
	struct parse p = {.f = f, .out = out};
	int err;

	*out = (struct census_file){0};
	p.line = malloc(CENSUS_FILE_LINE_MAX);
	p.tokener = json_tokener_new_ex(CENSUS_FILE_DEPTH);
	if (!p.line || !p.tokener)
		err = refuse(&p, -ENOMEM, "no memory");
	else
		err = read_lines(&p);
	if (!err)
		err = finish(&p);
	census_free(p.census);
	free(p.line);
	if (p.tokener)
		json_tokener_free(p.tokener);
	return err;
}

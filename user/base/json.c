/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The writer of NDJSON: commas and nesting, the rest is strbuf's.
 *
 * Nesting that is too deep or does not match is a bug of the caller's. It
 * writes nowhere it should not, and shows as -EOVERFLOW or -EINVAL in the
 * strbuf's @err, like memory that ran out.
 *
 * No number depends on the locale: a decimal comma is not JSON.
 *
 * LIMITATIONS: whether a key is given in an array, or an object is closed as
 * an array, is not checked.
 */
#include <errno.h>
#include <math.h>

#include "base/json.h"

static void fail(struct json *j, int err)
{
	if (!j->b->err)
		j->b->err = err;
}

/* The comma and the key before an item. */
static void begin_item(struct json *j, const char *key)
{
	if (j->depth < 1 || j->depth > JSON_DEPTH) {
		fail(j, j->depth < 1 ? -EINVAL : -EOVERFLOW);
		return;
	}
	if (j->has_item[j->depth - 1])
		strbuf_addc(j->b, ',');
	j->has_item[j->depth - 1] = true;
	if (key) {
		strbuf_addc(j->b, '"');
		strbuf_adds(j->b, key);
		strbuf_adds(j->b, "\":");
	}
}

static void open_level(struct json *j, char bracket)
{
	if (j->depth < JSON_DEPTH)
		j->has_item[j->depth] = false;
	else
		fail(j, -EOVERFLOW);
	j->depth++;
	strbuf_addc(j->b, bracket);
}

/* @min: the depth that there is at least while something of this kind is open */
static void close_level(struct json *j, char bracket, int min)
{
	if (j->depth < min) {
		fail(j, -EINVAL);
		return;
	}
	j->depth--;
	strbuf_addc(j->b, bracket);
}

void json_begin(struct json *j, struct strbuf *b)
{
	*j = (struct json){.b = b};
	open_level(j, '{');
}

void json_end(struct json *j)
{
	if (j->depth != 1)
		fail(j, -EINVAL);
	close_level(j, '}', 1);
	strbuf_addc(j->b, '\n');
}

void json_object_begin(struct json *j, const char *key)
{
	begin_item(j, key);
	open_level(j, '{');
}

void json_object_end(struct json *j)
{
	close_level(j, '}', 2);
}

void json_array_begin(struct json *j, const char *key)
{
	begin_item(j, key);
	open_level(j, '[');
}

void json_array_end(struct json *j)
{
	close_level(j, ']', 2);
}

void json_str(struct json *j, const char *key, const char *value)
{
	json_strn(j, key, value, SIZE_MAX);
}

void json_strn(struct json *j, const char *key, const char *value, size_t len)
{
	begin_item(j, key);
	if (value)
		strbuf_add_json_string(j->b, value, len);
	else
		strbuf_adds(j->b, "null");
}

void json_u64(struct json *j, const char *key, uint64_t value)
{
	begin_item(j, key);
	strbuf_addu(j->b, value);
}

void json_i64(struct json *j, const char *key, int64_t value)
{
	begin_item(j, key);
	strbuf_addi(j->b, value);
}

void json_flag(struct json *j, const char *key, bool value)
{
	begin_item(j, key);
	strbuf_adds(j->b, value ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
	begin_item(j, key);
	strbuf_adds(j->b, "null");
}

/* @value in [0, 2^64) as @whole and @frac / @scale, rounded half up. */
static void split_fixed(double value, uint64_t scale, uint64_t *whole, uint64_t *frac)
{
	double scaled;

	*whole = (uint64_t)value;
	scaled = (value - (double)*whole) * (double)scale;
	*frac = (uint64_t)scaled;
	if (scaled - (double)*frac >= 0.5)
		++*frac;
	if (*frac >= scale) {
		++*whole;
		*frac -= scale;
	}
}

void json_fixed(struct json *j, const char *key, double value, int decimals)
{
	uint64_t whole, frac, scale = 1;

	if (!isfinite(value)) {
		json_null(j, key);
		return;
	}
	begin_item(j, key);
	if (fabs(value) >= 0x1p64) {
		strbuf_addf(j->b, "%.0f", value); /* no point, so no locale */
		return;
	}
	for (int i = 0; i < decimals && i < 6; i++)
		scale *= 10;
	split_fixed(fabs(value), scale, &whole, &frac);
	if (value < 0 && (whole || frac))
		strbuf_addc(j->b, '-');
	strbuf_addu(j->b, whole);
	if (scale > 1)
		strbuf_addc(j->b, '.');
	for (scale /= 10; scale; scale /= 10)
		strbuf_addc(j->b, (char)('0' + frac / scale % 10));
}

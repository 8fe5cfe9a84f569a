/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A writer of JSON objects, one a line, into a strbuf.
 *
 * Written by hand and not with json-c: a thousand processes at each tick cost
 * json-c's tree of allocations more than the whole collection does. Strings
 * pass through strbuf_add_json_string(), so that nothing raw gets out.
 * Nesting is at most JSON_DEPTH, the outermost object included. Deeper, or
 * ends that do not match, set the strbuf's @err (-EOVERFLOW, -EINVAL).
 */
#ifndef MEMWATCH_BASE_JSON_H
#define MEMWATCH_BASE_JSON_H

#include "base/strbuf.h"

#define JSON_DEPTH 8

struct json {
	struct strbuf *b;
	int depth;
	bool has_item[JSON_DEPTH];
};

void json_begin(struct json *j, struct strbuf *b); /* opens the outermost object */
void json_end(struct json *j);			   /* closes it and adds the newline */

/* @key NULL inside an array. Every key is a literal of memwatch's own. */
void json_object_begin(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array_begin(struct json *j, const char *key);
void json_array_end(struct json *j);
/* @value NULL becomes null. @len: at most so many bytes. */
void json_str(struct json *j, const char *key, const char *value);
void json_strn(struct json *j, const char *key, const char *value, size_t len);
void json_u64(struct json *j, const char *key, uint64_t value);
void json_i64(struct json *j, const char *key, int64_t value);
void json_flag(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);
/** json_fixed - @value with @decimals (0..6) digits; not-a-number and infinity become null */
void json_fixed(struct json *j, const char *key, double value, int decimals);

#endif

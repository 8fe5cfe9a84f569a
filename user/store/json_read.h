/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Values of hostile JSON: what is missing, or of another type, is not there. */
#ifndef MEMWATCH_STORE_JSON_READ_H
#define MEMWATCH_STORE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

/** json_read_string - NULL: there is none, or it is no string; lives as long as @o */
const char *json_read_string(struct json_object *o, const char *key);
/** json_read_list - NULL: there is none, or it is no array */
struct json_object *json_read_list(struct json_object *o, const char *key);
/** json_read_flag - false, too, if there is none */
bool json_read_flag(struct json_object *o, const char *key);
/** json_read_number - a whole number of @min to @max; 0 if there is none or it is beyond */
int64_t json_read_number(struct json_object *o, const char *key, int64_t min, int64_t max);
/** json_read_share - a number of 0..1; 0 if there is none or it is beyond */
double json_read_share(struct json_object *o, const char *key);
/** json_read_copy - a string as text of @size bytes, cut if it is longer; "" if there is none */
void json_read_copy(struct json_object *o, const char *key, char *out, size_t size);

/** json_read_text - @text as a value of at most @depth; NULL if it is none. json_object_put() it */
struct json_object *json_read_text(const char *text, int depth);

#endif

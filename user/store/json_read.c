/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "store/json_read.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static struct json_object *get(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, type))
		return NULL;
	return v;
}

const char *json_read_string(struct json_object *o, const char *key)
{
	struct json_object *v = get(o, key, json_type_string);

	return v ? json_object_get_string(v) : NULL;
}

struct json_object *json_read_list(struct json_object *o, const char *key)
{
	return get(o, key, json_type_array);
}

bool json_read_flag(struct json_object *o, const char *key)
{
	struct json_object *v = get(o, key, json_type_boolean);

	return v && json_object_get_boolean(v);
}

int64_t json_read_number(struct json_object *o, const char *key, int64_t min, int64_t max)
{
	struct json_object *v = get(o, key, json_type_int);
	int64_t value = v ? json_object_get_int64(v) : 0;

	return value >= min && value <= max ? value : 0;
}

double json_read_share(struct json_object *o, const char *key)
{
	struct json_object *v;
	double share = json_object_object_get_ex(o, key, &v) ? json_object_get_double(v) : 0;

	return share > 0 && share <= 1 ? share : 0;
}

void json_read_copy(struct json_object *o, const char *key, char *out, size_t size)
{
	const char *text = json_read_string(o, key);

	snprintf(out, size, "%s", text ? text : "");
}

struct json_object *json_read_text(const char *text, int depth)
{
	struct json_tokener *tokener = json_tokener_new_ex(depth);
	size_t len = strlen(text);
	struct json_object *o = NULL;

	if (tokener && len <= INT_MAX)
		o = json_tokener_parse_ex(tokener, text, (int)len);
	if (tokener)
		json_tokener_free(tokener);
	return o;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* "{tags, note, buf, ...}": what plain objects and scopes are called by. */
#include <stdio.h>

#include "census/heap_internal.h"

#define NAMES_SHOWN 6

void name_list_begin(struct name_list *l, const char *prefix, char *out, size_t size)
{
	int n = snprintf(out, size, "%s{", prefix);

	*l = (struct name_list){.out = out, .size = size};
	if (n > 0 && (size_t)n < size)
		l->len = (size_t)n;
}

bool name_list_add(struct name_list *l, const char *name)
{
	int n;

	if (l->shown == NAMES_SHOWN)
		return false;
	n = snprintf(l->out + l->len, l->size - l->len, "%s%s", l->shown ? ", " : "", name);
	if (n < 0 || (size_t)n >= l->size - l->len)
		return false;
	l->len += (size_t)n;
	l->shown++;
	return l->shown < NAMES_SHOWN;
}

void name_list_end(struct name_list *l, unsigned count)
{
	snprintf(l->out + l->len, l->size - l->len, l->shown < count ? ", ...}" : "}");
}

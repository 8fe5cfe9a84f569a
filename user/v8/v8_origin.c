/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose code a script is, by its name.
 *
 *	node:fs, node:internal/...	Node's own (since 16)
 *	fs.js, internal/...		the same before; a name without a directory
 *	.../node_modules/...		a dependency
 *	/usr/share/nodejs/...		a dependency, where Debian puts packages
 *	all else			the user's: files, [eval], [stdin], evalmachine.<anonymous>
 */
#include "v8/v8_origin.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

enum frame_origin v8_origin(const char *file, bool names_internals_by_file)
{
	size_t len = strlen(file);

	if (begins(file, "node:"))
		return FRAME_RUNTIME;
	if (names_internals_by_file &&
	    (begins(file, "internal/") ||
	     (!strchr(file, '/') && len > 3 && !strcmp(file + len - 3, ".js"))))
		return FRAME_RUNTIME;
	if (strstr(file, "/node_modules/") || begins(file, "/usr/share/nodejs/"))
		return FRAME_DEPENDENCY;
	return FRAME_USER;
}

static int hex(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	return isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

void v8_path_of_url(char *name)
{
	static const char scheme[] = "file://";
	char *from = name + strlen(scheme), *to = name;

	if (!begins(name, scheme) || *from != '/')
		return;
	for (; *from; from++) {
		int high = *from == '%' ? hex(from[1]) : -1;
		int low = high >= 0 ? hex(from[2]) : -1;

		if (low >= 0 && (high || low)) { /* not NUL */
			*to++ = (char)(high << 4 | low);
			from += 2;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

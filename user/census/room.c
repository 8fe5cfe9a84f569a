/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the machine and the own cgroup, with all above it, have left. The cgroup's path is
 * that of /proc/self/cgroup; where it names no folder (in a container that sees only its own
 * cgroup, as the root), the folders above it that are there count.
 */
#include "census/room.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB	   1024
#define RESERVE	   10	/* one part in so many is left to others */
#define FILE_BYTES 8192 /* memory.stat of Linux 6.18 takes 2 KiB */

struct version {
	const char *mount, *max, *used, *inactive;
};

static const struct version v1 = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
				  "memory.usage_in_bytes", "total_inactive_file"};
static const struct version v2[] = {
	{"/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"},
	{"/sys/fs/cgroup/unified", "memory.max", "memory.current", "inactive_file"},
};

__attribute__((format(printf, 3, 4))) static bool read_file(char *out, size_t size,
							    const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	FILE *in;
	int n;

	va_start(args, format);
	n = vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	out[0] = '\0';
	in = n < (int)sizeof(path) ? fopen(path, "re") : NULL;
	if (!in)
		return false;
	out[fread(out, 1, size - 1, in)] = '\0';
	fclose(in);
	return true;
}

/* False for "max". */
static bool parse_number(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return end != text && !errno;
}

/* The number after @name at the beginning of a line. */
static bool find_number(const char *text, const char *name, uint64_t *value)
{
	size_t len = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, len) && strchr(": ", line[len]) && line[len])
			return parse_number(line + len + 1, value);
	}
	return false;
}

/* --- cgroups --- */

static uint64_t level_free(const char *root, const struct version *v, const char *path)
{
	char text[FILE_BYTES];
	uint64_t max, used, inactive;

	if (!read_file(text, sizeof(text), "%s%s%s/%s", root, v->mount, path, v->max) ||
	    !parse_number(text, &max))
		return UINT64_MAX;
	if (!read_file(text, sizeof(text), "%s%s%s/%s", root, v->mount, path, v->used) ||
	    !parse_number(text, &used))
		return UINT64_MAX;
	read_file(text, sizeof(text), "%s%s%s/memory.stat", root, v->mount, path);
	if (find_number(text, v->inactive, &inactive))
		used -= inactive < used ? inactive : used;
	return max > used ? max - used : 0;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Of a cgroup and all above it. */
static uint64_t path_free(const char *root, const struct version *v, char *path)
{
	uint64_t least = UINT64_MAX;

	for (;;) {
		char *slash = strrchr(path, '/');

		least = lesser(least, level_free(root, v, path));
		if (!slash)
			return least;
		*slash = '\0';
	}
}

/* A line of /proc/PID/cgroup: "4:memory:/a/b", "0::/a/b" of v2. */
static uint64_t line_free(const char *root, char *line)
{
	char *controllers = strchr(line, ':'),
	     *path = controllers ? strchr(controllers + 1, ':') : NULL;
	uint64_t least = UINT64_MAX;

	if (!path)
		return UINT64_MAX;
	*path++ = '\0';
	if (strstr(path, "/..")) /* outside of what is seen here */
		return UINT64_MAX;
	if (!strcmp(controllers, ":memory"))
		return path_free(root, &v1, path);
	for (size_t i = 0; !controllers[1] && i < sizeof(v2) / sizeof(v2[0]); i++) {
		char copy[PATH_MAX];

		snprintf(copy, sizeof(copy), "%s", path);
		least = lesser(least, path_free(root, &v2[i], copy));
	}
	return least;
}

static uint64_t cgroups_free(const char *root)
{
	char text[FILE_BYTES], *rest = text, *line;
	uint64_t least = UINT64_MAX;

	read_file(text, sizeof(text), "%s/proc/self/cgroup", root);
	while ((line = strsep(&rest, "\n")))
		least = lesser(least, line_free(root, line));
	return least;
}

uint64_t room_free(const char *root)
{
	uint64_t available, least = cgroups_free(root);
	char text[FILE_BYTES];

	read_file(text, sizeof(text), "%s/proc/meminfo", root);
	if (find_number(text, "MemAvailable", &available))
		least = lesser(least, available * KIB);
	return least == UINT64_MAX ? least : least - least / RESERVE;
}

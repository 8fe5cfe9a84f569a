/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the machine and the own cgroup, with all above it, have left. The cgroup's path is
 * that of /proc/self/cgroup; where it names no folder (in a container that sees only its own
 * cgroup, as the root), the folders above it that are there count.
 */
#include "census/room.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/memory_files.h"

#define RESERVE 10 /* one part in so many is left to others */

/* --- cgroups --- */

static uint64_t level_free(const char *root, const struct memory_cgroup *v, const char *path)
{
	uint64_t max, used;

	if (!memory_cgroup_number(root, v, path, v->max, &max) ||
	    !memory_cgroup_used(root, v, path, &used))
		return UINT64_MAX;
	return max > used ? max - used : 0;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Of a cgroup and all above it. */
static uint64_t path_free(const char *root, const struct memory_cgroup *v, char *path)
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
		return path_free(root, &memory_cgroups[MEMORY_CGROUP_V1], path);
	for (int i = MEMORY_CGROUP_V2; !controllers[1] && i < MEMORY_CGROUPS; i++) {
		char copy[PATH_MAX];

		snprintf(copy, sizeof(copy), "%s", path);
		least = lesser(least, path_free(root, &memory_cgroups[i], copy));
	}
	return least;
}

static uint64_t cgroups_free(const char *root)
{
	char text[MEMORY_FILE_BYTES], *rest = text, *line;
	uint64_t least = UINT64_MAX;

	memory_file_read(root, "/proc/self/cgroup", text, sizeof(text));
	while ((line = strsep(&rest, "\n")))
		least = lesser(least, line_free(root, line));
	return least;
}

uint64_t room_free(const char *root)
{
	uint64_t least = cgroups_free(root);
	struct meminfo machine;

	if (meminfo_read(root, &machine))
		least = lesser(least, machine.available_bytes);
	return least == UINT64_MAX ? least : least - least / RESERVE;
}

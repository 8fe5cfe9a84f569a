/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/memory_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KIB 1024

/* As the kernel gives it: a page at a time, on some. */
static size_t read_all(int fd, char *out, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, out + len, size - len)) > 0)
		len += (size_t)n;
	return len;
}

bool memory_file_read(const char *root, const char *name, char *out, size_t size)
{
	char path[2 * PATH_MAX];
	int fd = -1;

	if (snprintf(path, sizeof(path), "%s%s", root, name) < (int)sizeof(path))
		fd = open(path, O_RDONLY | O_CLOEXEC);
	out[fd >= 0 ? read_all(fd, out, size - 1) : 0] = '\0';
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* "123\n"; false for "max", and what is no number. */
static bool parse_number(const char *text, uint64_t *value)
{
	uint64_t parsed;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	parsed = strtoull(text, NULL, 10);
	if (errno)
		return false;
	*value = parsed;
	return true;
}

/* The number after @name at the beginning of a line: "inactive_file 1", "MemTotal:   1 kB". */
static bool find_number(const char *text, const char *name, uint64_t *value)
{
	size_t len = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) != 0 || (line[len] != ' ' && line[len] != ':'))
			continue;
		return parse_number(line + len + 1 + strspn(line + len + 1, " "), value);
	}
	return false;
}

/* --- the machine --- */

static bool find_kib(const char *text, const char *name, uint64_t *bytes)
{
	uint64_t kib;

	if (!find_number(text, name, &kib) || __builtin_mul_overflow(kib, KIB, bytes))
		return false;
	return true;
}

bool meminfo_read(const char *root, struct meminfo *out)
{
	char text[MEMORY_FILE_BYTES];

	*out = (struct meminfo){0};
	memory_file_read(root, "/proc/meminfo", text, sizeof(text));
	find_kib(text, "SwapTotal", &out->swap_total_bytes);
	find_kib(text, "SwapFree", &out->swap_free_bytes);
	return find_kib(text, "MemTotal", &out->total_bytes) &&
	       find_kib(text, "MemAvailable", &out->available_bytes);
}

/* --- cgroups --- */

const struct memory_cgroup memory_cgroups[MEMORY_CGROUPS] = {
	[MEMORY_CGROUP_V1] = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
			      "memory.limit_in_bytes", NULL, "memory.usage_in_bytes",
			      "total_inactive_file"},
	[MEMORY_CGROUP_V2] = {"/sys/fs/cgroup", "cgroup.controllers", "memory.max", "memory.high",
			      "memory.current", "inactive_file"},
	[MEMORY_CGROUP_UNIFIED] = {"/sys/fs/cgroup/unified", "cgroup.controllers", "memory.max",
				   "memory.high", "memory.current", "inactive_file"},
};

static bool read_file(const char *root, const struct memory_cgroup *v, const char *path,
		      const char *file, char *out, size_t size)
{
	char name[2 * PATH_MAX];

	out[0] = '\0';
	return snprintf(name, sizeof(name), "%s%s/%s", v->mount, path, file) < (int)sizeof(name) &&
	       memory_file_read(root, name, out, size);
}

bool memory_cgroup_number(const char *root, const struct memory_cgroup *v, const char *path,
			  const char *file, uint64_t *value)
{
	char text[64];

	return read_file(root, v, path, file, text, sizeof(text)) && parse_number(text, value);
}

bool memory_cgroup_used(const char *root, const struct memory_cgroup *v, const char *path,
			uint64_t *used)
{
	char text[MEMORY_FILE_BYTES];
	uint64_t inactive;

	if (!memory_cgroup_number(root, v, path, v->used, used))
		return false;
	read_file(root, v, path, "memory.stat", text, sizeof(text));
	if (find_number(text, v->inactive, &inactive)) /* each was read at a moment of its own */
		*used -= inactive < *used ? inactive : *used;
	return true;
}

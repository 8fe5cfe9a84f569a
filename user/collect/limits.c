/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Limits of memory cgroups, v2 and v1, and of the machine, as files tell them. */
#include "collect/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KIB	   1024
#define UNLIMITED  (1ULL << 62) /* v1 says "none" by the most pages that it can count */
#define PATH_BYTES 4096
#define FILE_BYTES 8192 /* memory.stat of Linux 6.18 takes 2 KiB */

/* The names of one version. */
struct version {
	const char *mount; /* where it is, if @sign is there */
	const char *sign;  /* a file of each cgroup, the root too */
	const char *max;
	const char *high; /* NULL: it has none */
	const char *used;
	const char *inactive; /* in memory.stat, with all below */
};

static const struct version versions[] = {
	{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.limit_in_bytes", NULL,
	 "memory.usage_in_bytes", "total_inactive_file"},
	{"/sys/fs/cgroup", "cgroup.controllers", "memory.max", "memory.high", "memory.current",
	 "inactive_file"},
	{"/sys/fs/cgroup/unified", "cgroup.controllers", "memory.max", "memory.high",
	 "memory.current", "inactive_file"},
};

#define VERSIONS (sizeof(versions) / sizeof(versions[0]))

/* What one cgroup says at this tick. */
struct reading {
	char *path;
	struct limit limits[2];
	unsigned count;
};

struct limits {
	char *root;
	const struct version *version; /* NULL: no memory cgroups here */
	struct reading readings[LIMITS_CGROUPS];
	unsigned reading_count;
	bool has_machine, machine_is_read;
	struct limit machine;
};

/* The beginning of a file, as a string; "" where it cannot be read. */
static void read_text(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, out, size - 1) : -1;

	out[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

/* "123\n"; false for "max", and what is no number. */
static bool parse_bytes(const char *text, uint64_t *bytes)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*bytes = strtoull(text, &end, 10);
	return !errno;
}

/* The number after @name at the beginning of a line. */
static bool find_value(const char *text, const char *name, uint64_t *value)
{
	size_t len = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) != 0 || (line[len] != ' ' && line[len] != ':'))
			continue;
		return parse_bytes(line + len + 1 + strspn(line + len + 1, " "), value);
	}
	return false;
}

/* --- a cgroup --- */

static bool read_number(const struct limits *l, const char *path, const char *file, uint64_t *value)
{
	char name[2 * PATH_BYTES], text[64] = "";

	snprintf(name, sizeof(name), "%s%s%s/%s", l->root, l->version->mount, path, file);
	read_text(name, text, sizeof(text));
	return parse_bytes(text, value);
}

static bool read_used(const struct limits *l, const char *path, uint64_t *used)
{
	char name[2 * PATH_BYTES], text[FILE_BYTES] = "";
	uint64_t inactive;

	if (!read_number(l, path, l->version->used, used))
		return false;
	snprintf(name, sizeof(name), "%s%s%s/memory.stat", l->root, l->version->mount, path);
	read_text(name, text, sizeof(text));
	if (find_value(text, l->version->inactive, &inactive))
		*used -= inactive < *used ? inactive : *used;
	return true;
}

/* What is used is asked for only where something limits it. */
static void reading_read(const struct limits *l, struct reading *r)
{
	const struct version *v = l->version;
	uint64_t max = UNLIMITED, high = UNLIMITED, used;

	r->count = 0;
	read_number(l, r->path, v->max, &max);
	if (v->high)
		read_number(l, r->path, v->high, &high);
	if ((max >= UNLIMITED && high >= UNLIMITED) || !read_used(l, r->path, &used))
		return;
	if (high < UNLIMITED)
		r->limits[r->count++] = (struct limit){LIMIT_CGROUP_HIGH, high, used, r->path};
	if (max < UNLIMITED)
		r->limits[r->count++] = (struct limit){LIMIT_CGROUP_MAX, max, used, r->path};
}

static const struct reading *reading_of(struct limits *l, const char *path)
{
	struct reading *r;

	for (unsigned i = 0; i < l->reading_count; i++) {
		if (!strcmp(l->readings[i].path, path))
			return &l->readings[i];
	}
	if (l->reading_count == LIMITS_CGROUPS)
		return NULL;
	r = &l->readings[l->reading_count];
	r->path = strdup(path);
	if (!r->path)
		return NULL;
	l->reading_count++;
	reading_read(l, r);
	return r;
}

/* A path that leads out of what is seen here (a cgroup namespace's "/..") leads anywhere. */
static bool path_is_sound(const char *path)
{
	size_t len = strlen(path);

	return path[0] == '/' && len < PATH_BYTES && !strstr(path, "/../") &&
	       !(len >= 3 && !strcmp(path + len - 3, "/.."));
}

static unsigned cgroup_limits(struct limits *l, const char *path, struct limit *out)
{
	char level[PATH_BYTES];
	unsigned count = 0;

	if (!l->version || !path_is_sound(path))
		return 0;
	snprintf(level, sizeof(level), "%s", path);
	for (int depth = 0; depth < MW_CGROUP_DEPTH && level[1]; depth++) {
		const struct reading *r = reading_of(l, level);
		char *slash = strrchr(level, '/');

		for (unsigned i = 0; r && i < r->count; i++)
			out[count++] = r->limits[i];
		slash[slash == level] = '\0';
	}
	return count;
}

/* --- the machine --- */

static void read_machine(struct limits *l)
{
	char name[PATH_BYTES], text[FILE_BYTES] = "";
	uint64_t total, available;

	l->machine_is_read = true;
	snprintf(name, sizeof(name), "%s/proc/meminfo", l->root);
	read_text(name, text, sizeof(text));
	l->has_machine = find_value(text, "MemTotal", &total) &&
			 find_value(text, "MemAvailable", &available) && available <= total;
	if (l->has_machine)
		l->machine = (struct limit){
			.kind = LIMIT_MACHINE,
			.bytes = total * KIB,
			.used_bytes = (total - available) * KIB,
		};
}

/* --- for others --- */

static const struct version *find_version(const char *root)
{
	char name[PATH_BYTES];

	for (unsigned i = 0; i < VERSIONS; i++) {
		snprintf(name, sizeof(name), "%s%s/%s", root, versions[i].mount, versions[i].sign);
		if (!access(name, F_OK))
			return &versions[i];
	}
	return NULL;
}

struct limits *limits_new(const char *root)
{
	struct limits *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->root = strdup(root);
	if (!l->root) {
		free(l);
		return NULL;
	}
	l->version = find_version(root);
	return l;
}

void limits_begin(struct limits *l)
{
	for (unsigned i = 0; i < l->reading_count; i++)
		free(l->readings[i].path);
	l->reading_count = 0;
	l->machine_is_read = false;
}

void limits_free(struct limits *l)
{
	if (!l)
		return;
	limits_begin(l);
	free(l->root);
	free(l);
}

unsigned limits_of(struct limits *l, const char *path, struct limit *out)
{
	unsigned count = path ? cgroup_limits(l, path, out) : 0;

	if (!l->machine_is_read)
		read_machine(l);
	if (l->has_machine)
		out[count++] = l->machine;
	return count;
}

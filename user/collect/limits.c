/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Limits of memory cgroups, v2 and v1, and of the machine, as files tell them. */
#include "collect/limits.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory_files.h"

#define UNLIMITED  (1ULL << 62) /* v1 says "none" by the most pages that it can count */
#define PATH_BYTES 4096

/* What one cgroup says at this tick. */
struct reading {
	char *path;
	struct limit limits[2];
	unsigned count;
};

struct limits {
	char *root;
	const struct memory_cgroup *version; /* NULL: no memory cgroups here */
	struct reading readings[LIMITS_CGROUPS];
	unsigned reading_count;
	bool has_machine, machine_is_read;
	struct limit machine;
};

/* --- a cgroup --- */

/* What is used is asked for only where something limits it. */
static void reading_read(const struct limits *l, struct reading *r)
{
	const struct memory_cgroup *v = l->version;
	uint64_t max = UNLIMITED, high = UNLIMITED, used;

	r->count = 0;
	memory_cgroup_number(l->root, v, r->path, v->max, &max);
	if (v->high)
		memory_cgroup_number(l->root, v, r->path, v->high, &high);
	if ((max >= UNLIMITED && high >= UNLIMITED) ||
	    !memory_cgroup_used(l->root, v, r->path, &used))
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
	struct meminfo m;

	l->machine_is_read = true;
	l->has_machine = meminfo_read(l->root, &m) && m.available_bytes <= m.total_bytes;
	if (l->has_machine)
		l->machine = (struct limit){
			.kind = LIMIT_MACHINE,
			.bytes = m.total_bytes,
			.used_bytes = m.total_bytes - m.available_bytes,
		};
}

/* --- for others --- */

static const struct memory_cgroup *find_version(const char *root)
{
	char name[PATH_BYTES];

	for (int i = 0; i < MEMORY_CGROUPS; i++) {
		const struct memory_cgroup *v = &memory_cgroups[i];

		snprintf(name, sizeof(name), "%s%s/%s", root, v->mount, v->sign);
		if (!access(name, F_OK))
			return v;
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

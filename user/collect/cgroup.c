/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names of cgroups. The kernel side reports ids; the path of each is read once,
 * through the first process that is seen in it.
 */
#include "collect/cgroup.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CONTAINER_ID_LEN 64

void cgroup_container_id(const char *path, char out[65])
{
	size_t run = 0;

	out[0] = '\0';
	for (const char *c = path; *c; c++) {
		run = isxdigit((unsigned char)*c) ? run + 1 : 0;
		if (run == CONTAINER_ID_LEN && !isxdigit((unsigned char)c[1])) {
			memcpy(out, c + 1 - CONTAINER_ID_LEN, CONTAINER_ID_LEN);
			out[CONTAINER_ID_LEN] = '\0';
		}
	}
}

static bool has_controller(const char *list, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	for (const char *end = list + len; list < end;) {
		size_t word = 0;

		while (list + word < end && list[word] != ',')
			word++;
		if (word == name_len && !memcmp(list, name, word))
			return true;
		list += word + 1;
	}
	return false;
}

/* Lines are "ID:CONTROLLERS:PATH"; v2's has no controllers. */
void cgroup_read(struct cgroup *cgroup, uint32_t pid)
{
	char name[32], line[4352];
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%u/cgroup", pid);
	f = fopen(name, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		char *controllers = strchr(line, ':');
		char *path = controllers ? strchr(controllers + 1, ':') : NULL;
		bool is_memory;

		if (!path)
			continue;
		controllers++;
		is_memory = has_controller(controllers, path - controllers, "memory");
		if (!is_memory && (path != controllers || cgroup->path))
			continue;
		path++;
		path[strcspn(path, "\n")] = '\0';
		free(cgroup->path);
		cgroup->path = strdup(path);
		if (is_memory)
			break;
	}
	fclose(f);
	if (cgroup->path)
		cgroup_container_id(cgroup->path, cgroup->container);
}

int cgroup_id_of_path(const char *path, uint64_t *id)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	*id = st.st_ino;
	return 0;
}

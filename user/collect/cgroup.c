/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names of cgroups. The kernel side reports ids; the path of each is read once,
 * through the first process that is seen in it.
 */
#include "collect/cgroup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Lines are "ID:CONTROLLERS:PATH"; v2's has no controllers. To be freed; NULL if it does not tell.
 */
static char *path_of_process(uint32_t pid)
{
	char name[32], line[4352], *found = NULL;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%u/cgroup", pid);
	f = fopen(name, "re");
	if (!f)
		return NULL;
	while (fgets(line, sizeof(line), f)) {
		char *controllers = strchr(line, ':');
		char *path = controllers ? strchr(controllers + 1, ':') : NULL;
		bool is_memory;

		if (!path)
			continue;
		controllers++;
		is_memory = has_controller(controllers, path - controllers, "memory");
		if (!is_memory && (path != controllers || found))
			continue;
		path++;
		path[strcspn(path, "\n")] = '\0';
		free(found);
		found = strdup(path);
		if (is_memory)
			break;
	}
	fclose(f);
	return found;
}

/* A kernfs file handle is the id (FILEID_KERNFS, include/linux/exportfs.h). */
#define FILEID_KERNFS 0xfe

static int open_by_id(int mount_fd, uint64_t id)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} u = {.handle = {.handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS}};

	memcpy(u.handle.f_handle, &id, sizeof(id));
	return open_by_handle_at(mount_fd, &u.handle, O_PATH | O_CLOEXEC);
}

/* The path of what @fd is open on, below the mount at @root; NULL if it is not there. */
static char *path_below(int fd, const char *root)
{
	char link[64], path[4096];
	size_t len = strlen(root);
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return NULL;
	path[n] = '\0';
	if (strncmp(path, root, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return strdup(path[len] ? path + len : "/");
}

void cgroup_read_by_id(struct cgroup *cgroup, uint64_t id)
{
	static const char *const roots[] = {"/sys/fs/cgroup/memory", "/sys/fs/cgroup"};

	for (unsigned i = 0; i < 2 && !cgroup->path; i++) {
		int mount_fd = open(roots[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int fd = mount_fd >= 0 ? open_by_id(mount_fd, id) : -1;

		if (fd >= 0) {
			cgroup->path = path_below(fd, roots[i]);
			close(fd);
		}
		if (mount_fd >= 0)
			close(mount_fd);
	}
	if (cgroup->path)
		cgroup_container_id(cgroup->path, cgroup->container);
}

void cgroup_read(struct cgroup *cgroup, uint64_t id, uint32_t pid)
{
	cgroup_read_by_id(cgroup, id);
	if (cgroup->path)
		return;
	cgroup->path = path_of_process(pid);
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

uint64_t cgroup_id_of_process(uint32_t pid, bool is_v1)
{
	static const char *const v1[] = {"/sys/fs/cgroup/memory", NULL};
	static const char *const v2[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	char *own = path_of_process(pid), path[4096 + 32];
	uint64_t id = 0;

	/* One that is outside the namespace begins with "/..": where that is, is not known. */
	for (unsigned i = 0; own && !strstr(own, "/..") && !id && i < 2; i++) {
		const char *root = (is_v1 ? v1 : v2)[i];

		if (!root)
			break;
		snprintf(path, sizeof(path), "%s%s", root, own);
		if (cgroup_id_of_path(path, &id))
			id = 0;
	}
	free(own);
	return id;
}

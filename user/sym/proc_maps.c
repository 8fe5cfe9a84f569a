/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * /proc/PID/maps, and the files behind its lines.
 *
 * How
 *   - Lines are parsed by hand: there may be tens of thousands, and sscanf() takes as long
 *     for one as the kernel takes to write it.
 *   - A file is opened through /proc/PID/map_files/START-END, which is the very file that is
 *     mapped, whatever has become of its name. That takes CAP_SYS_ADMIN or
 *     CAP_CHECKPOINT_RESTORE. Without: the executable through /proc/PID/exe, which is as exact;
 *     others by name below /proc/PID/root.
 *
 * LIMITATIONS
 *   - Without the capability: a file that was deleted, or whose name contains a newline (escaped
 *     in maps), or a chroot in our mount namespace, is missed. A file that was replaced is
 *     noticed by its inode, but not where devices in maps are not those of stat(2) (btrfs,
 *     overlays).
 *   - A process whose main thread has ended while others live has empty maps.
 */
#include "sym/proc_maps.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MAX_LINES      (1u << 20)  /* vm.max_map_count is 65,530 by default */
#define MAX_PATH_BYTES (64u << 20) /* of all paths, equal neighbours counted once */
#define LINE_BYTES     (PATH_MAX + 256)
#define MIN_CAPACITY   64u

/* What is being read. */
struct reading {
	struct proc_maps maps;
	unsigned capacity;
	size_t path_bytes;
};

/* ---- a line ---- */

/* Reads a number and the separator after it. */
static bool number_take(char **at, int base, char separator, uint64_t *out)
{
	const char *begin = *at;
	uint64_t v = 0;

	for (;; ++*at) {
		unsigned c = (unsigned char)**at;
		unsigned digit = c >= '0' && c <= '9'		      ? c - '0'
				 : base == 16 && c >= 'a' && c <= 'f' ? c - 'a' + 10
								      : 99;

		if (digit == 99)
			break;
		if (__builtin_mul_overflow(v, (unsigned)base, &v) ||
		    __builtin_add_overflow(v, digit, &v))
			return false;
	}
	if (*at == begin || **at != separator)
		return false;
	*out = v;
	++*at;
	return true;
}

bool proc_map_parse(char *line, struct proc_map *out)
{
	uint64_t dev_major, dev_minor;
	char *at = line;

	line[strcspn(line, "\n")] = '\0';
	*out = (struct proc_map){0};
	if (!number_take(&at, 16, '-', &out->start) || !number_take(&at, 16, ' ', &out->end))
		return false;
	if (out->end <= out->start || strnlen(at, 5) < 5 || at[4] != ' ')
		return false;
	memcpy(out->perms, at, 4);
	at += 5;
	if (!number_take(&at, 16, ' ', &out->offset) || !number_take(&at, 16, ':', &dev_major) ||
	    !number_take(&at, 16, ' ', &dev_minor))
		return false;
	if (!number_take(&at, 10, ' ', &out->inode)) /* the space is there without a path too */
		return false;
	out->dev = dev_major << 32 | (uint32_t)dev_minor;
	out->path = at + strspn(at, " ");
	return true;
}

/* ---- all lines ---- */

static int map_add(struct reading *r, const struct proc_map *m)
{
	struct proc_map *last = r->maps.count ? &r->maps.maps[r->maps.count - 1] : NULL;
	struct proc_map *maps;
	char *path;

	if (last && m->start < last->end) /* the process changed between two reads */
		return 0;
	if (r->maps.count == r->capacity) {
		unsigned capacity = r->capacity ? 2 * r->capacity : MIN_CAPACITY;

		maps = realloc(r->maps.maps, capacity * sizeof(*maps));
		if (!maps)
			return -ENOMEM;
		r->maps.maps = maps;
		r->capacity = capacity;
		last = r->maps.count ? &maps[r->maps.count - 1] : NULL;
	}
	if (last && !strcmp(last->path, m->path)) {
		path = last->path; /* neighbours share it, see proc_maps_release() */
	} else {
		size_t bytes = strlen(m->path) + 1;

		if (bytes > MAX_PATH_BYTES - r->path_bytes)
			return 0;
		path = strdup(m->path);
		if (!path)
			return -ENOMEM;
		r->path_bytes += bytes;
	}
	r->maps.maps[r->maps.count] = *m;
	r->maps.maps[r->maps.count++].path = path;
	return 0;
}

static int lines_read(FILE *in, unsigned flags, struct reading *r)
{
	char line[LINE_BYTES];
	bool in_line = false; /* this is the rest of a line that was too long */
	unsigned lines = 0;

	errno = 0;
	while (lines < MAX_LINES && fgets(line, sizeof(line), in)) {
		bool whole = strchr(line, '\n') != NULL;
		bool usable = whole && !in_line;
		struct proc_map m;
		int err;

		in_line = !whole;
		lines++;
		if (!usable || !proc_map_parse(line, &m))
			continue;
		if ((flags & PROC_MAPS_EXECUTABLE) && m.perms[2] != 'x')
			continue;
		err = map_add(r, &m);
		if (err)
			return err;
	}
	return ferror(in) && errno ? -errno : 0;
}

int proc_maps_read(pid_t pid, unsigned flags, struct proc_maps *out)
{
	struct reading r = {0};
	char name[64];
	FILE *in;
	int err;

	proc_maps_release(out);
	if (pid <= 0)
		return -ESRCH;
	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	in = fopen(name, "re");
	if (!in)
		return errno == ENOENT ? -ESRCH : -errno;
	err = lines_read(in, flags, &r);
	fclose(in);
	if (err)
		proc_maps_release(&r.maps);
	else
		*out = r.maps;
	return err;
}

void proc_maps_release(struct proc_maps *m)
{
	for (unsigned i = 0; i < m->count; i++) {
		if (!i || m->maps[i].path != m->maps[i - 1].path)
			free(m->maps[i].path);
	}
	free(m->maps);
	*m = (struct proc_maps){0};
}

const struct proc_map *proc_maps_find(const struct proc_maps *m, uint64_t addr)
{
	unsigned low = 0, high = m->count; /* the first that ends behind @addr */

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (m->maps[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->count && m->maps[low].start <= addr ? &m->maps[low] : NULL;
}

/* ---- the file ---- */

bool proc_map_is_file(const struct proc_map *m)
{
	return *m->path == '/' && m->inode;
}

bool proc_map_is_deleted(const struct proc_map *m)
{
	static const char suffix[] = " (deleted)";
	size_t len = strlen(m->path);

	return len >= strlen(suffix) && !strcmp(m->path + len - strlen(suffix), suffix);
}

void proc_exe_path(pid_t pid, char *out, size_t size)
{
	char name[64];
	ssize_t len;

	snprintf(name, sizeof(name), "/proc/%d/exe", pid);
	len = readlink(name, out, size - 1);
	out[len > 0 ? len : 0] = '\0';
}

static bool is_exe(pid_t pid, const struct proc_map *m)
{
	char exe[PATH_MAX];

	proc_exe_path(pid, exe, sizeof(exe));
	return *exe && !strcmp(exe, m->path);
}

int proc_map_path(pid_t pid, const struct proc_map *m, char *out, size_t size)
{
	struct stat st;
	int len, err;

	len = snprintf(out, size, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, m->start, m->end);
	if (len < 0 || (size_t)len >= size)
		return -ENAMETOOLONG;
	err = stat(out, &st) ? -errno : 0;
	if (err != -EPERM && err != -EACCES && err != -ENOENT)
		return err;
	if (is_exe(pid, m)) {
		snprintf(out, size, "/proc/%d/exe", pid); /* shorter than the above */
		return stat(out, &st) ? -errno : 0;
	}
	if (*m->path != '/' || proc_map_is_deleted(m)) /* @err says why map_files did not work */
		return err;
	len = snprintf(out, size, "/proc/%d/root%s", pid, m->path);
	if (len < 0 || (size_t)len >= size)
		return -ENAMETOOLONG;
	err = stat(out, &st) ? -errno : 0;
	if (err)
		return err;
	if (m->dev == ((uint64_t)major(st.st_dev) << 32 | minor(st.st_dev)) &&
	    m->inode != st.st_ino)
		return -ESTALE;
	return 0;
}

struct elf_file *proc_map_open(pid_t pid, const struct proc_map *m)
{
	char path[PATH_MAX + 64];
	int err = proc_map_path(pid, m, path, sizeof(path));

	if (err) {
		errno = -err;
		return NULL;
	}
	return elf_file_open(path);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Separate debug files, where GDB looks for them:
 *   1. by build id: /usr/lib/debug/.build-id/xx/yyyy.debug
 *   2. by the name in .gnu_debuglink: beside the file, in .debug/ there, and below
 *      /usr/lib/debug
 *   3. from debuginfod servers (debuginfod.h), where the user has configured them
 *
 * LIMITATIONS: the CRC of a file of more than MAX_CRC_BYTES is not computed: without a build id
 * it is not used.
 */
#include "sym/debug_file.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "sym/debuginfod.h"
#include "sym/root_file.h"

#define DEBUG_DIR	"/usr/lib/debug"
#define MAX_LINK_BYTES	4096u
#define MAX_CRC_BYTES	(256u << 20)
#define CRC_CHUNK_BYTES (64u << 10)

/* .gnu_debuglink: a file name, and the CRC-32 of that file. */
struct debug_link {
	char name[NAME_MAX + 1];
	uint32_t crc;
};

static bool link_read(struct elf_file *f, struct debug_link *out)
{
	struct elf_section s;
	size_t len, crc_at;
	bool ok = false;
	char *bytes;

	if (elf_file_section(f, ".gnu_debuglink", &s))
		return false;
	bytes = elf_file_section_read(f, &s, MAX_LINK_BYTES);
	if (!bytes)
		return false;
	len = strnlen(bytes, s.size);
	crc_at = (len + 4) & ~(size_t)3; /* behind the NUL, aligned */
	if (len && len < sizeof(out->name) && crc_at + 4 <= s.size && !memchr(bytes, '/', len)) {
		memcpy(out->name, bytes, len + 1);
		memcpy(&out->crc, bytes + crc_at, 4);
		ok = true;
	}
	free(bytes);
	return ok;
}

static bool crc_matches(const struct elf_file *f, uint32_t want)
{
	unsigned char chunk[CRC_CHUNK_BYTES];
	int fd = elf_file_fd(f);
	uLong crc = crc32(0, NULL, 0);
	struct stat st;
	off_t at = 0;

	if (fstat(fd, &st) || st.st_size > MAX_CRC_BYTES)
		return false;
	while (at < st.st_size) {
		ssize_t n = pread(fd, chunk, sizeof(chunk), at);

		if (n <= 0)
			return false;
		crc = crc32(crc, chunk, (uInt)n);
		at += n;
	}
	return (uint32_t)crc == want;
}

/* @link: NULL where only a build id will do. */
static struct elf_file *open_if_matches(pid_t pid, const char *path, const char *id,
					const struct debug_link *link)
{
	struct elf_file *debug;
	char name[32];
	int fd = root_file_open(pid, path);

	if (fd < 0)
		return NULL;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	debug = elf_file_open(name);
	close(fd);
	if (!debug)
		return NULL;
	if (*id ? !strcmp(id, elf_file_build_id(debug)) : link && crc_matches(debug, link->crc))
		return debug;
	elf_file_free(debug);
	return NULL;
}

/* It becomes part of a path, and may come from a recording. */
static bool is_build_id(const char *id)
{
	size_t len = strlen(id);

	return len >= 4 && len < 200 && strspn(id, "0123456789abcdef") == len;
}

static struct elf_file *find_by_build_id(pid_t pid, const char *id)
{
	struct elf_file *debug;
	char path[256];

	if (!is_build_id(id))
		return NULL;
	snprintf(path, sizeof(path), DEBUG_DIR "/.build-id/%.2s/%s.debug", id, id + 2);
	debug = open_if_matches(pid, path, id, NULL);
	return debug || !pid ? debug : open_if_matches(0, path, id, NULL);
}

static struct elf_file *find_by_link(pid_t pid, const char *path, struct elf_file *f)
{
	static const struct {
		const char *before, *after; /* the file's directory */
		bool also_ours;		    /* distributions install there */
	} places[] = {
		{"", "/", false},
		{"", "/.debug/", false},
		{DEBUG_DIR, "/", true},
	};
	char copy[PATH_MAX], where[PATH_MAX];
	const char *dir, *id = elf_file_build_id(f);
	struct elf_file *debug = NULL;
	struct debug_link link;

	if (*path != '/' || strlen(path) >= sizeof(copy) || !link_read(f, &link))
		return NULL;
	strcpy(copy, path);
	dir = dirname(copy);
	for (size_t i = 0; !debug && i < sizeof(places) / sizeof(places[0]); i++) {
		int len = snprintf(where, sizeof(where), "%s%s%s%s", places[i].before, dir,
				   places[i].after, link.name);

		if (len < 0 || (size_t)len >= sizeof(where))
			continue;
		debug = open_if_matches(pid, where, id, &link);
		if (!debug && places[i].also_ours)
			debug = open_if_matches(0, where, id, &link);
	}
	return debug;
}

static struct elf_file *find_by_server(const char *id, struct debuginfod_budget *budget)
{
	char path[PATH_MAX];

	if (debuginfod_find(budget, id, path, sizeof(path)))
		return NULL;
	return open_if_matches(0, path, id, NULL);
}

struct elf_file *debug_file_open(pid_t pid, const char *path, struct elf_file *f,
				 struct debuginfod_budget *budget)
{
	const char *id = elf_file_build_id(f);
	struct elf_file *debug = find_by_build_id(pid, id);

	if (!debug)
		debug = find_by_link(pid, path, f);
	if (!debug)
		debug = find_by_server(id, budget);
	if (!debug)
		errno = ENOENT;
	return debug;
}

struct elf_file *debug_file_find(const char *build_id, struct debuginfod_budget *budget)
{
	struct elf_file *debug = find_by_build_id(0, build_id);

	if (!debug && is_build_id(build_id))
		debug = find_by_server(build_id, budget);
	if (!debug)
		errno = ENOENT;
	return debug;
}

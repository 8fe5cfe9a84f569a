/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Perf maps.
 *
 * How
 *   - JITs append to the file, so only what is new is read, up to the last whole line.
 *   - An entry takes 16 bytes: address, size, and where its name is in the file. Names are read
 * from there when they are asked for.
 *   - Code is freed and its memory used again: of entries with an address, the one written last is
 *     right. They are sorted by start and, if that is equal, age; of the same start only the
 *     youngest stays.
 *
 * LIMITATIONS
 *   - Entries that overlap and begin at different addresses: up to MAX_BACK of them are looked at,
 *     and the youngest wins.
 *   - A file of more than 4 GiB is not read; of one of more than MAX_BYTES, the beginning.
 *   - A file that is rewritten in place and not shorter than before is taken for one that was
 *     appended to.
 */
#include "sym/perf_map.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sym/root_file.h"

#define MAX_BYTES    (256u << 20)
#define MAX_ENTRIES  (4u << 20)
#define MAX_BACK     64
#define CHUNK_BYTES  (256u << 10) /* also the longest line */
#define MIN_CAPACITY 256

struct entry {
	uint64_t start;
	uint32_t size;
	uint32_t name_at; /* in the file: the larger, the younger */
};

struct perf_map {
	pid_t pid;
	int fd; /* -1: none */
	dev_t dev;
	ino_t inode;
	uint64_t done; /* bytes that were read, up to the end of a line */
	struct entry *v;
	size_t count, capacity;
	bool is_sorted;
};

/* ---- lines ---- */

/* Takes a hexadecimal number and the spaces behind it. */
static bool hex_take(const char **at, const char *end, uint64_t *out)
{
	const char *begin = *at;
	uint64_t v = 0;

	if (end - *at > 2 && (*at)[0] == '0' && ((*at)[1] | 32) == 'x')
		begin = *at += 2;
	for (; *at < end; ++*at) {
		char c = **at;
		unsigned digit = c >= '0' && c <= '9'	? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
				 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
							: 99;

		if (digit == 99)
			break;
		if (v >> 60)
			return false;
		v = v << 4 | digit;
	}
	if (*at == begin || *at == end || **at != ' ')
		return false;
	while (*at < end && **at == ' ')
		++*at;
	*out = v;
	return true;
}

int perf_map_parse(const char *line, size_t len, uint64_t *start, uint64_t *size, size_t *name_at)
{
	const char *at = line, *end = line + len;

	if (!hex_take(&at, end, start) || !hex_take(&at, end, size) || at == end)
		return -EINVAL;
	if (!*size || *start + *size < *start)
		return -EINVAL;
	*name_at = (size_t)(at - line);
	return 0;
}

/* ---- entries ---- */

static int entry_add(struct perf_map *m, uint64_t start, uint64_t size, uint64_t name_at)
{
	if (m->count >= MAX_ENTRIES || name_at > UINT32_MAX)
		return -E2BIG;
	if (m->count == m->capacity) {
		size_t capacity = m->capacity ? 2 * m->capacity : MIN_CAPACITY;
		struct entry *v = realloc(m->v, capacity * sizeof(*v));

		if (!v)
			return -ENOMEM;
		m->v = v;
		m->capacity = capacity;
	}
	m->v[m->count++] = (struct entry){
		.start = start,
		.size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size,
		.name_at = (uint32_t)name_at,
	};
	m->is_sorted = false;
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->name_at < y->name_at ? -1 : x->name_at > y->name_at;
}

static void entries_sort(struct perf_map *m)
{
	size_t kept = 0;

	if (m->is_sorted || !m->count)
		return;
	qsort(m->v, m->count, sizeof(*m->v), by_start);
	for (size_t i = 0; i < m->count; i++) {
		if (kept && m->v[kept - 1].start == m->v[i].start)
			kept--;
		m->v[kept++] = m->v[i];
	}
	m->count = kept;
	m->is_sorted = true;
}

/* ---- the file ---- */

/* The last number of a line of /proc/PID/status, or @otherwise. */
static unsigned long status_last(pid_t pid, const char *key, unsigned long otherwise)
{
	unsigned long v = otherwise;
	char line[256], name[32];
	FILE *in;

	snprintf(name, sizeof(name), "/proc/%d/status", pid);
	in = fopen(name, "re");
	while (in && fgets(line, sizeof(line), in)) {
		const char *last = strrchr(line, '\t');

		if (!strncmp(line, key, strlen(key)) && last)
			v = strtoul(last + 1, NULL, 10);
	}
	if (in)
		fclose(in);
	return v;
}

/* Whoever else could write there would make us show what he likes. */
static bool is_trusted(pid_t pid, const struct stat *st)
{
	char name[32];
	struct stat proc;

	if (!S_ISREG(st->st_mode))
		return false;
	if (!st->st_uid || st->st_uid == status_last(pid, "Uid:", 0))
		return true;
	snprintf(name, sizeof(name), "/proc/%d", pid);
	return !stat(name, &proc) && proc.st_uid == st->st_uid;
}

static int file_open(const struct perf_map *m, struct stat *st)
{
	char path[64];
	int path_fd, fd;

	snprintf(path, sizeof(path), "/tmp/perf-%lu.map",
		 status_last(m->pid, "NSpid:", (unsigned long)m->pid));
	path_fd = root_file_open(m->pid, path);
	if (path_fd < 0)
		return path_fd;
	if (fstat(path_fd, st))
		fd = -errno;
	else
		fd = is_trusted(m->pid, st) ? root_file_read(path_fd) : -EPERM;
	close(path_fd);
	return fd;
}

static void forget(struct perf_map *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
	m->done = 0;
	m->count = 0;
	m->is_sorted = true;
}

/* Adds the whole lines of a chunk; returns how many bytes they are. */
static size_t lines_add(struct perf_map *m, const char *chunk, size_t len, int *err)
{
	const char *at = chunk, *end = chunk + len, *newline;

	while (!*err && (newline = memchr(at, '\n', (size_t)(end - at)))) {
		uint64_t start, size;
		size_t name_at;

		if (!perf_map_parse(at, (size_t)(newline - at), &start, &size, &name_at))
			*err = entry_add(m, start, size,
					 m->done + (uint64_t)(at - chunk) + name_at);
		at = newline + 1;
	}
	return (size_t)(at - chunk);
}

static int read_new(struct perf_map *m)
{
	char *chunk = malloc(CHUNK_BYTES);
	int err = chunk ? 0 : -ENOMEM;

	while (!err && m->done < MAX_BYTES) {
		ssize_t n = pread(m->fd, chunk, CHUNK_BYTES, (off_t)m->done);
		size_t used;

		if (n <= 0)
			break;
		used = lines_add(m, chunk, (size_t)n, &err);
		if (!used && n == CHUNK_BYTES)
			used = CHUNK_BYTES; /* no line is that long: its rest will not parse */
		m->done += used;
		if (!used)
			break; /* the last line is being written */
	}
	free(chunk);
	return err == -E2BIG ? 0 : err; /* what fits is there */
}

int perf_map_refresh(struct perf_map *m)
{
	struct stat st;
	int fd = file_open(m, &st);

	if (fd < 0) {
		/* One that was removed was right until then. */
		return fd == -ENOENT && m->fd >= 0 ? 0 : fd;
	}
	if (m->fd >= 0 &&
	    (st.st_dev != m->dev || st.st_ino != m->inode || (uint64_t)st.st_size < m->done))
		forget(m);
	if (m->fd < 0) {
		m->fd = fd;
		m->dev = st.st_dev;
		m->inode = st.st_ino;
	} else {
		close(fd);
	}
	return (uint64_t)st.st_size > m->done ? read_new(m) : 0;
}

struct perf_map *perf_map_new(pid_t pid)
{
	struct perf_map *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->pid = pid;
	m->fd = -1;
	m->is_sorted = true;
	return m;
}

void perf_map_free(struct perf_map *m)
{
	if (!m)
		return;
	forget(m);
	free(m->v);
	free(m);
}

int perf_map_find(struct perf_map *m, uint64_t addr, char *name)
{
	const struct entry *best = NULL;
	size_t low = 0, high;
	ssize_t n;

	entries_sort(m);
	high = m->count; /* the first behind @addr */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (m->v[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t back = 0; back < MAX_BACK && back < low; back++) {
		const struct entry *e = &m->v[low - 1 - back];

		if (addr - e->start < e->size && (!best || e->name_at > best->name_at))
			best = e;
	}
	if (!best)
		return -ENOENT;
	n = pread(m->fd, name, PERF_NAME_BYTES - 1, best->name_at);
	if (n <= 0)
		return -ENOENT;
	name[n] = '\0';
	name[strcspn(name, "\r\n")] = '\0';
	return *name ? 0 : -ENOENT;
}

size_t perf_map_count(const struct perf_map *m)
{
	return m->count;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading /proc/PID/stat. The name in it may hold anything, also ") R 1". */
#include "base/proc_stat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define STAT_BYTES 2048

/* Fields by their number in proc(5); the first after the name is 3. */
enum {
	STAT_STATE = 3,
	STAT_PPID = 4,
	STAT_FLAGS = 9,
	STAT_MINFLT = 10,
	STAT_MAJFLT = 12,
	STAT_THREADS = 20,
	STAT_START = 22,
	STAT_RSS = 24,
	STAT_FIELDS = 25,
};

uint64_t proc_stat_tick_ns(void)
{
	return NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
}

int proc_stat_parse(char *text, struct proc_stat *out)
{
	uint64_t value[STAT_FIELDS] = {0};
	char *name = strchr(text, '('), *end = strrchr(text, ')');
	char *save = NULL, *word;
	int i = STAT_STATE;

	memset(out, 0, sizeof(*out));
	if (!name || !end || end < name || end[1] != ' ')
		return -EINVAL;
	out->state = end[2];
	*end = '\0';
	snprintf(out->comm, sizeof(out->comm), "%s", name + 1);
	for (word = strtok_r(end + 1, " \n", &save); word && i < STAT_FIELDS;
	     word = strtok_r(NULL, " \n", &save))
		value[i++] = strtoull(word, NULL, 10);
	if (i < STAT_FIELDS)
		return -EINVAL;
	out->ppid = (uint32_t)value[STAT_PPID];
	out->flags = value[STAT_FLAGS];
	out->minflt = value[STAT_MINFLT];
	out->majflt = value[STAT_MAJFLT];
	out->threads = value[STAT_THREADS];
	out->start_ticks = value[STAT_START];
	out->rss_pages = value[STAT_RSS];
	return 0;
}

int proc_stat_read_at(int dir, struct proc_stat *out)
{
	char text[STAT_BYTES];
	int fd = openat(dir, "stat", O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	err = n < 0 ? -errno : 0;
	close(fd);
	if (n <= 0)
		return err ? err : -ESRCH;
	text[n] = '\0';
	return strlen(text) == (size_t)n ? proc_stat_parse(text, out) : -EINVAL;
}

int proc_stat_read(uint32_t pid, struct proc_stat *out)
{
	char path[32];
	int dir, err;

	snprintf(path, sizeof(path), "/proc/%u", pid);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	err = proc_stat_read_at(dir, out);
	close(dir);
	return err;
}

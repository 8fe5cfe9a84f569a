/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* struct mw_task from /proc/PID/{stat,status,maps}. Names in them are hostile. */
#include "collect/proc_tasks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/proc_stat.h"

#define PF_KTHREAD     0x00200000 /* include/linux/sched.h, unchanged since 2.6 */
#define LINE_BYTES     512
#define MAPS_LINES_MAX 4096 /* the heap is among the first, but below it there may be JIT code */

uint32_t proc_start_unit_ns(void)
{
	return (uint32_t)proc_stat_tick_ns();
}

bool proc_sizes_are_exact(const char *release)
{
	unsigned major = 0, minor = 0;

	// NOLINTNEXTLINE(cert-err34-c): uname's own
	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return false;
	return major < 6 || (major == 6 && (minor < 2 || minor >= 16)) || major > 6;
}

static FILE *open_at(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;

	if (!f && fd >= 0)
		close(fd);
	return f;
}

/* --- stat --- */

/* The name is between the first '(' and the last ')', and may hold anything, also these. */
static int read_stat(int dir, struct mw_task *out)
{
	struct proc_stat stat;

	if (proc_stat_read_at(dir, &stat) || stat.flags & PF_KTHREAD)
		return -ESRCH;
	memcpy(out->comm, stat.comm, strnlen(stat.comm, MW_COMM_LEN - 1));
	out->ppid = stat.ppid;
	out->minflt = stat.minflt;
	out->majflt = stat.majflt;
	out->threads = stat.threads;
	out->start_ns = stat.start_ticks * proc_stat_tick_ns();
	return 0;
}

bool proc_is_running(uint32_t pid)
{
	struct proc_stat stat;

	return !proc_stat_read(pid, &stat) && stat.state && !strchr("ZXx", stat.state);
}

/* --- status --- */

/* Its keys, in kB. */
static const struct status_key {
	const char *key;
	size_t offset;
	bool is_pages; /* else bytes */
} status_keys[] = {
	{"VmSize:", offsetof(struct mw_task, vm_pages), true},
	{"VmHWM:", offsetof(struct mw_task, peak_rss_pages), true},
	{"RssAnon:", offsetof(struct mw_task, anon_pages), true},
	{"RssFile:", offsetof(struct mw_task, file_pages), true},
	{"RssShmem:", offsetof(struct mw_task, shmem_pages), true},
	{"VmData:", offsetof(struct mw_task, data_pages), true},
	{"VmStk:", offsetof(struct mw_task, stack_pages), true},
	{"VmPTE:", offsetof(struct mw_task, pgtable_bytes), false},
	{"VmSwap:", offsetof(struct mw_task, swap_pages), true},
};

#define STATUS_KEYS (sizeof(status_keys) / sizeof(status_keys[0]))

/* Returns whether it was one of the keys. */
static bool parse_status_line(const char *line, unsigned page_shift, struct mw_task *out)
{
	for (unsigned i = 0; i < STATUS_KEYS; i++) {
		const struct status_key *k = &status_keys[i];
		size_t len = strlen(k->key);
		uint64_t *value = (uint64_t *)((char *)out + k->offset);

		if (strncmp(line, k->key, len) != 0)
			continue;
		*value = strtoull(line + len, NULL, 10) << 10;
		if (k->is_pages)
			*value >>= page_shift;
		return true;
	}
	return false;
}

/*
 * A line may be longer than the buffer (Groups): what is not at the beginning of one is no key. The
 * first is the name, in which the kernel escapes newlines.
 */
static int read_status(int dir, const char *name, unsigned page_shift, struct mw_task *out)
{
	FILE *f = open_at(dir, name);
	bool is_start = true;
	char line[LINE_BYTES];
	unsigned found = 0;

	if (!f)
		return -ESRCH;
	while (found < STATUS_KEYS && fgets(line, sizeof(line), f)) {
		if (is_start)
			found += parse_status_line(line, page_shift, out);
		is_start = strchr(line, '\n') != NULL;
	}
	fclose(f);
	return found == STATUS_KEYS ? 0 : -ESRCH;
}

/* The first thread has ended before the others: the memory is theirs. */
static int read_threads_status(int dir, unsigned page_shift, struct mw_task *out)
{
	int fd = openat(dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = -ESRCH;
	DIR *tasks = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!tasks && fd >= 0)
		close(fd);
	while (err && tasks && (entry = readdir(tasks))) {
		char name[sizeof(entry->d_name) + 16];

		snprintf(name, sizeof(name), "task/%s/status", entry->d_name);
		if (entry->d_name[0] != '.')
			err = read_status(dir, name, page_shift, out);
	}
	if (tasks)
		closedir(tasks);
	return err;
}

/* --- maps --- */

/*
 * From the first [heap] to the end of the last: mprotect(2) may have cut it. False if it cannot be
 * told; a process without one has 0 bytes.
 */
static bool read_heap(int dir, uint64_t *start, uint64_t *end)
{
	FILE *f = open_at(dir, "maps");
	bool is_start = true, was_heap = false;
	char line[LINE_BYTES];
	int lines = 0;

	*start = *end = 0;
	if (!f)
		return false;
	while (lines < MAPS_LINES_MAX && fgets(line, sizeof(line), f)) {
		bool is_whole = strchr(line, '\n') != NULL;
		const char *name = is_start && is_whole ? strstr(line, "[heap]\n") : NULL;
		unsigned long long from, to;

		lines += is_start;
		is_start = is_whole;
		/* A file's name may end so, too; but it begins with a slash. */
		if (name && !strchr(line, '/') && sscanf(line, "%llx-%llx ", &from, &to) == 2) {
			*start = was_heap ? *start : from;
			*end = to;
			was_heap = true;
		} else if (was_heap) {
			break;
		}
	}
	was_heap |= feof(f) && lines > 0; /* all was seen; of others nothing is shown */
	fclose(f);
	return was_heap;
}

/* --- a process --- */

static int open_process(int proc, uint32_t pid)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", pid);
	return openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* One folder for all files: they are of one process, also when the PID is used again. */
int proc_task_read(int proc, uint32_t pid, unsigned page_shift, struct mw_task *out)
{
	int dir = open_process(proc, pid), err;
	uint64_t start, end;

	memset(out, 0, sizeof(*out));
	if (dir < 0)
		return -ESRCH;
	out->pid = pid;
	err = read_stat(dir, out);
	if (!err)
		err = read_status(dir, "status", page_shift, out);
	if (err && out->threads > 1)
		err = read_threads_status(dir, page_shift, out);
	if (!err && !read_heap(dir, &start, &end))
		out->flags |= MW_TASK_HEAP_UNKNOWN;
	else if (!err)
		out->brk_bytes = end - start;
	close(dir);
	return err;
}

uint64_t proc_task_read_brk(int proc, uint32_t pid)
{
	int dir = open_process(proc, pid);
	uint64_t start, end = 0;

	if (dir < 0)
		return 0;
	if (!read_heap(dir, &start, &end))
		end = 0;
	close(dir);
	return end;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "collect/uprobe.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/background.h"

#define SYSFS		"/sys/bus/event_source/devices/uprobe/"
#define KERNEL_ENOTSUPP 524 /* not an errno of user space */

/* The number at the end of a one-line file: "7", "config:0". */
static int read_number(const char *path)
{
	char line[64] = "", *digits;
	FILE *f = fopen(path, "re");

	if (!f)
		return -errno;
	digits = fgets(line, sizeof(line), f) ? strpbrk(line, "0123456789") : NULL;
	fclose(f);
	return digits ? (int)strtol(digits, NULL, 10) : -EIO;
}

/* @config: of the probe, beyond its place. */
static int open_probe(int prog_fd, uint64_t config, uint32_t pid, const char *path, uint64_t offset)
{
	struct perf_event_attr attr = {.size = sizeof(attr), .config = config};
	int type = read_number(SYSFS "type");
	int fd;

	if (type < 0)
		return -ENOENT;
	attr.type = type;
	attr.uprobe_path = (uintptr_t)path;
	attr.probe_offset = offset;
	fd = syscall(SYS_perf_event_open, &attr, (pid_t)pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return errno == KERNEL_ENOTSUPP ? -ENOTSUP : -errno;
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog_fd) || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0)) {
		int err = -errno;

		background_close(fd);
		return err;
	}
	return fd;
}

int uprobe_open(int prog_fd, bool is_return, uint32_t pid, const char *path, uint64_t offset)
{
	int bit = is_return ? read_number(SYSFS "format/retprobe") : 0;

	if (bit < 0)
		return -ENOENT;
	return open_probe(prog_fd, is_return ? 1ULL << bit : 0, pid, path, offset);
}

int uprobe_open_usdt(int prog_fd, uint32_t pid, const char *path, uint64_t offset,
		     uint64_t semaphore)
{
	int bit = semaphore ? read_number(SYSFS "format/ref_ctr_offset") : 0; /* "config:32-63" */

	if (bit < 0 || bit > 63 || semaphore > UINT64_MAX >> bit)
		return -ENOTSUP;
	return open_probe(prog_fd, semaphore << bit, pid, path, offset);
}

#if defined(__x86_64__)
static bool has_seccomp(uint32_t pid)
{
	char path[32], line[256];
	bool has = true; /* unless it says otherwise */
	int mode;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	f = fopen(path, "re");
	if (!f)
		return has;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Seccomp: %d", &mode) == 1)
			has = mode != 0;
	}
	fclose(f);
	return has;
}

bool uprobe_is_deadly(uint32_t pid)
{
	unsigned major, minor;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major == 6 && minor >= 11 && minor <= 13 && has_seccomp(pid);
}
#else
bool uprobe_is_deadly(uint32_t pid)
{
	(void)pid;
	return false;
}
#endif

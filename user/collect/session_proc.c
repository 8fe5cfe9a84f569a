/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Totals by reading /proc, where the kernel's task iterator is not to be had. Only in the initial
 * PID namespace, where a PID in /proc is the key of mw_growth, and time namespace, where a start in
 * /proc is that of the kernel.
 */
#include "collect/session_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "collect/cgroup.h"
#include "collect/proc_tasks.h"

/* What is done for each process; a negative errno ends the pass. */
typedef int (*visit_fn)(void *arg, uint32_t pid);

bool session_totals_by_proc(const struct session *s)
{
	const struct hook *hook = session_used_hook(s, CAPABILITY_TOTALS);

	return hook && hook->attach != HOOK_ATTACH_ITER;
}

uint32_t session_start_unit_ns(const struct session *s)
{
	return session_totals_by_proc(s) ? proc_start_unit_ns() : 0;
}

/* Whether start times in /proc are not those of the kernel (time_namespaces(7)). */
static bool is_in_time_namespace(void)
{
	FILE *f = fopen("/proc/self/timens_offsets", "re"); /* Linux 5.6 */
	long long seconds, nanoseconds;
	bool found = false;
	char line[128];

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, "boottime %lld %lld", &seconds, &nanoseconds) == 2 &&
			(seconds || nanoseconds);
	fclose(f);
	return found;
}

int session_proc_open(struct session *s)
{
	if (s->level)
		return log_error_code(
			-ENOTSUP,
			"memwatch is in a PID namespace, where it needs the kernel's task iterator "
			"(a kernel with CONFIG_DEBUG_INFO_BTF): run it outside, in a container "
			"with --pid=host");
	if (is_in_time_namespace())
		return log_error_code(
			-ENOTSUP,
			"memwatch is in a time namespace, where it needs the kernel's task "
			"iterator (a kernel with CONFIG_DEBUG_INFO_BTF): run it outside");
	s->proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->proc_fd < 0 || faccessat(s->proc_fd, "self/stat", R_OK, 0))
		return log_error_code(-ENOENT,
				      "totals are to be read from /proc, which is not mounted: "
				      "mount -t proc proc /proc");
	return 0;
}

static int for_each_target(struct session *s, visit_fn fn, void *arg)
{
	int fd = session_map_fd(s, "mw_targets"), err = 0;
	uint32_t pid, *last = NULL;

	while (!err && !bpf_map_get_next_key(fd, last, &pid)) {
		err = fn(arg, pid);
		last = &pid;
	}
	return err;
}

static int for_each_process(struct session *s, visit_fn fn, void *arg)
{
	int fd = openat(s->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!dir) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && (entry = readdir(dir))) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			err = fn(arg, strtoul(entry->d_name, NULL, 10));
	}
	closedir(dir);
	return err;
}

static int for_each(struct session *s, visit_fn fn, void *arg)
{
	return session_has_targets(s) ? for_each_target(s, fn, arg) : for_each_process(s, fn, arg);
}

/* --- breaks --- */

/* What is counted meanwhile may be lost: calls are not, as their programs are not attached. */
static int seed_process(void *arg, uint32_t pid)
{
	struct session *s = arg;
	struct mw_growth growth = {0};
	int fd = session_map_fd(s, "mw_growth");

	bpf_map_lookup_elem(fd, &pid, &growth);
	growth.brk_last = proc_task_read_brk(s->proc_fd, pid);
	if (growth.brk_last)
		bpf_map_update_elem(fd, &pid, &growth, BPF_ANY);
	return 0;
}

int session_proc_seed(struct session *s)
{
	return for_each(s, seed_process, s);
}

/* --- totals --- */

struct collection {
	struct session *s;
	struct process_table *table;
};

static int collect_process(void *arg, uint32_t pid)
{
	struct collection *c = arg;
	struct session *s = c->s;
	struct mw_task task;

	if (proc_task_read(s->proc_fd, pid, s->kernel.page_shift, &task))
		return 0;
	task.cgroup_id = cgroup_id_of_process(pid, s->kernel.cgroup_v1);
	if (!proc_sizes_are_exact(s->kernel.release))
		task.flags |= MW_TASK_RSS_APPROXIMATE;
	if (!bpf_map_lookup_elem(session_map_fd(s, "mw_growth"), &pid, &task.growth))
		task.flags |= MW_TASK_GROWTH;
	return session_take_records(c->table, &task, 1);
}

int session_proc_collect(struct session *s, struct process_table *table)
{
	struct collection c = {.s = s, .table = table};

	return for_each(s, collect_process, &c);
}

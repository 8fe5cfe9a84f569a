/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Naming processes, and keeping track of which named ones are still there. */
#include "cmd/targets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"
#include "collect/cgroup.h"

#define PID_MAX_LIMIT 4194304 /* include/linux/threads.h */

static bool has_pid(const struct targets *t, uint32_t pid)
{
	for (unsigned i = 0; i < t->count; i++) {
		if (t->pids[i] == pid)
			return true;
	}
	return false;
}

static int add_pid(struct targets *t, const char *word)
{
	uint64_t pid;
	int err = units_parse_u64(word, PID_MAX_LIMIT, &pid);

	if (err || !pid)
		return log_error_code(-EINVAL,
				      "'%s' is not a process id: give a number, as pidof "
				      "or ps print it",
				      word);
	if (has_pid(t, pid))
		return 0;
	if (t->count == MW_MAX_TARGETS)
		return log_error_code(-E2BIG, "more than %d processes named: name them by -n or -c",
				      MW_MAX_TARGETS);
	t->pids[t->count++] = pid;
	t->alive = t->count;
	return 0;
}

int targets_add_pids(struct targets *t, const char *list)
{
	char *copy = strdup(list), *save = NULL;
	int err = copy ? 0 : -ENOMEM;
	bool any = false;

	for (char *word = copy ? strtok_r(copy, ", \t\n", &save) : NULL; word && !err;
	     word = strtok_r(NULL, ", \t\n", &save)) {
		err = add_pid(t, word);
		any = true;
	}
	free(copy);
	if (!err && !any)
		return log_error_code(-EINVAL, "no process id given: is the program running?");
	return err;
}

int targets_set_comm(struct targets *t, const char *comm)
{
	if (!comm[0])
		return log_error_code(-EINVAL, "-n needs the name of a program");
	snprintf(t->comm, sizeof(t->comm), "%s", comm);
	return 0;
}

/* "/sys/fs/cgroup/memory/a/b" to "/a/b" as /proc/PID/cgroup has it; else as given. */
static const char *below_cgroup_root(const char *path)
{
	static const char *const roots[] = {"/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified",
					    "/sys/fs/cgroup"};

	for (unsigned i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		size_t len = strlen(roots[i]);

		if (!strncmp(path, roots[i], len) && (path[len] == '/' || !path[len]))
			return path[len] ? path + len : "/";
	}
	return path;
}

int targets_set_cgroup(struct targets *t, const char *path)
{
	static const char *const roots[] = {"", "/sys/fs/cgroup/memory", "/sys/fs/cgroup",
					    "/sys/fs/cgroup/unified"};

	t->cgroup = path;
	t->cgroup_path = below_cgroup_root(path);
	if (path[0] != '/')
		return log_error_code(-EINVAL, "-c needs a path: /system.slice/x.service or "
					       "/sys/fs/cgroup/...");
	for (unsigned i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		char full[4096];

		if (!i && t->cgroup_path == path)
			continue; /* relative to the cgroup root, not to / */
		snprintf(full, sizeof(full), "%s%s", roots[i], i ? t->cgroup_path : path);
		if (!cgroup_id_of_path(full, &t->cgroup_id))
			return 0;
	}
	return log_error_code(-EINVAL, "no cgroup '%s': see /proc/PID/cgroup for a process's",
			      path);
}

/* The thread group of @pid and whether it has an address space, by /proc. */
static int read_status(uint32_t pid, uint32_t *tgid, bool *has_mm)
{
	char path[32], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	*tgid = 0;
	*has_mm = false;
	while (fgets(line, sizeof(line), f)) {
		unsigned id;

		if (sscanf(line, "Tgid: %u", &id) == 1)
			*tgid = id;
		if (!strncmp(line, "VmSize:", 7))
			*has_mm = true;
	}
	fclose(f);
	return *tgid ? 0 : -ESRCH;
}

int targets_check(struct targets *t)
{
	unsigned named = t->count;

	t->count = 0; /* grows again: two threads may be of one process */
	for (unsigned i = 0; i < named; i++) {
		uint32_t tgid = 0;
		bool has_mm = false;

		if (read_status(t->pids[i], &tgid, &has_mm))
			return log_error_code(-ESRCH,
					      "no process with PID %u: it has ended, or lives in "
					      "another PID namespace",
					      t->pids[i]);
		if (!has_mm)
			return log_error_code(-ESRCH,
					      "PID %u is a kernel thread or a zombie: it has no "
					      "memory of its own",
					      t->pids[i]);
		if (tgid != t->pids[i])
			log_info("%u is a thread of process %u: watching the process", t->pids[i],
				 tgid);
		if (!has_pid(t, tgid))
			t->pids[t->count++] = tgid;
	}
	t->alive = t->count;
	return 0;
}

/*
 * By the kernel's name, which is the main thread's ("MainThread" in newer Node), or
 * by the program's file name.
 */
static bool is_called(const struct process *p, const char *name)
{
	char link[32], path[4096];
	const char *base;
	ssize_t n;

	if (!strncmp(p->comm, name, MW_COMM_LEN - 1))
		return true;
	snprintf(link, sizeof(link), "/proc/%u/exe", p->pid);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	base = strrchr(path, '/');
	return base && !strcmp(base + 1, name);
}

bool targets_match(const struct targets *t, const struct process *p)
{
	size_t len;

	if (t->tree)
		return tree_has(t->tree, p->pid, p->start_ns);
	if (t->comm[0] && !is_called(p, t->comm))
		return false;
	if (!t->cgroup)
		return true;
	if (!p->cgroup)
		return false;
	if (p->cgroup->node.key == t->cgroup_id)
		return true;
	if (!p->cgroup->path)
		return false;
	len = strlen(t->cgroup_path);
	while (len && t->cgroup_path[len - 1] == '/')
		len--;
	/* The same path under another id: it was made anew, as for a service that was restarted. */
	return !strncmp(p->cgroup->path, t->cgroup_path, len) &&
	       (p->cgroup->path[len] == '/' || !p->cgroup->path[len]);
}

bool targets_are_named(const struct targets *t)
{
	return t->count || t->comm[0] || t->cgroup || t->tree;
}

bool targets_left(const struct targets *t)
{
	if (t->tree)
		return !tree_is_empty(t->tree);
	return !t->count || t->alive;
}

void targets_seen(struct targets *t, const struct process *p)
{
	for (unsigned i = 0; i < t->count; i++) {
		if (t->pids[i] == p->pid && !t->is_gone[i] && !t->starts[i])
			t->starts[i] = p->start_ns;
	}
}

bool targets_gone(struct targets *t, uint32_t pid, uint64_t start_ns)
{
	if (t->tree)
		return tree_gone(t->tree, pid, start_ns);
	for (unsigned i = 0; i < t->count; i++) {
		if (t->pids[i] != pid || t->is_gone[i])
			continue;
		if (start_ns && t->starts[i] && t->starts[i] != start_ns)
			continue;
		t->is_gone[i] = true;
		t->alive--;
		return true;
	}
	return false;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Facts of the running kernel, from BTF, uname, /proc and /sys.
 */
#include "collect/kernel.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/log.h"
#include "collect/kernel_types.h"

static uint64_t read_effective_caps(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	uint64_t caps = 0;
	char line[256];

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "CapEff: %" SCNx64, &caps) == 1)
			break;
	}
	fclose(f);
	return caps;
}

/* "N:memory:/path" in /proc/self/cgroup is a v1 hierarchy; v2 has only "0::/path". */
static bool memory_is_cgroup_v1(void)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	bool found = false;
	char line[4352];

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		char *controllers = strchr(line, ':');
		char *end = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!end)
			continue;
		*end = '\0';
		for (char *c = strtok(controllers + 1, ","); c; c = strtok(NULL, ","))
			found |= !strcmp(c, "memory");
	}
	fclose(f);
	return found;
}

static bool lockdown_is_confidentiality(void)
{
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");
	char line[128] = "";
	bool found;

	if (!f)
		return false;
	found = fgets(line, sizeof(line), f) && strstr(line, "[confidentiality]");
	fclose(f);
	return found;
}

void kernel_set_btf(struct kernel *k, struct btf *btf)
{
	k->btf = btf;
	k->has_types = btf != NULL;
	k->has_loop = kernel_has_helper(k, "BPF_FUNC_loop");
	/* Kernel 6.16 gave it this argument and moved it before exit_mm(). */
	k->exit_has_group_dead = kernel_tracepoint_args(k, "sched_process_exit") >= 2;
}

static int bpf_message(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	log_vprint(level == LIBBPF_WARN ? LOG_DEBUG : LOG_DEBUG + 1, fmt, ap);
	return 0;
}

/* Into a file without a name, which libbpf opens by that of its descriptor. */
static int keep_copy(struct kernel *k, const struct btf *btf)
{
	uint32_t size, done = 0;
	const char *data = btf__raw_data(btf, &size);
	int fd = data ? memfd_create("memwatch-types", MFD_CLOEXEC) : -1;

	if (fd < 0)
		return data ? -errno : -ENOMEM;
	snprintf(k->btf_copy, sizeof(k->btf_copy), "/proc/self/fd/%d", fd);
	k->btf_copy_fd = fd;
	while (done < size) {
		ssize_t n = write(fd, data + done, size - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? n : 0;
	}
	return 0;
}

/* The file's types, if they can be the running kernel's, of which @own may be known. */
static int use_file(struct kernel *k, const char *file, const struct btf *own)
{
	char why[256];
	struct btf *btf = kernel_types_load(file, why, sizeof(why));
	int err = btf ? kernel_types_compare(btf, own, "", why, sizeof(why)) : -errno;

	if (!err) {
		err = keep_copy(k, btf);
		snprintf(why, sizeof(why), "%s", strerror(-err));
	}
	if (err) {
		btf__free(btf);
		return log_error_code(err,
				      "cannot use --btf %s: %s; it takes the BTF of Linux %s %s, "
				      "see memwatch(8)",
				      file, why, k->release, k->arch);
	}
	kernel_set_btf(k, btf);
	k->btf_file = file;
	return 0;
}

/* Without a file and without its own, libbpf looks for a vmlinux where distributions put it. */
static int find_types(struct kernel *k, const char *file)
{
	struct btf *own = kernel_types_own(), *found;
	bool has_types = own != NULL;
	int err = 0;

	k->is_malformed = !own && errno == EPROTO;
	if (file) {
		err = use_file(k, file, own);
		btf__free(own);
	} else {
		found = own ? own : btf__load_vmlinux_btf();
		kernel_set_btf(k, libbpf_get_error(found) ? NULL : found);
	}
	k->has_types = has_types;
	return err;
}

int kernel_init(struct kernel *k, const char *btf_file)
{
	struct utsname u;

	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(bpf_message);
	memset(k, 0, sizeof(*k));
	if (uname(&u))
		return log_error_code(-errno, "cannot ask the kernel: %s", strerror(errno));
	snprintf(k->release, sizeof(k->release), "%s", u.release);
	snprintf(k->arch, sizeof(k->arch), "%s", u.machine);
	k->cpus = libbpf_num_possible_cpus();
	if (k->cpus < 0)
		return log_error_code(k->cpus, "cannot tell how many CPUs there are: %s",
				      strerror(-k->cpus));
	k->page_shift = __builtin_ctzl(sysconf(_SC_PAGESIZE));
	k->cgroup_v1 = memory_is_cgroup_v1();
	k->lockdown = lockdown_is_confidentiality();
	k->caps = read_effective_caps();
	return find_types(k, btf_file);
}

void kernel_release(struct kernel *k)
{
	btf__free(k->btf);
	k->btf = NULL;
	if (k->btf_copy[0])
		close(k->btf_copy_fd);
	k->btf_copy[0] = '\0';
}

bool kernel_has_cap(const struct kernel *k, int cap)
{
	return k->caps & (1ULL << cap);
}

bool kernel_has_helper(const struct kernel *k, const char *name)
{
	int id = k->btf ? btf__find_by_name_kind(k->btf, "bpf_func_id", BTF_KIND_ENUM) : -ENOENT;
	const struct btf_type *t;

	if (id < 0)
		return false;
	t = btf__type_by_id(k->btf, id);
	for (int i = 0; i < btf_vlen(t); i++) {
		if (!strcmp(btf__name_by_offset(k->btf, btf_enum(t)[i].name_off), name))
			return true;
	}
	return false;
}

/* typedef void (*btf_trace_NAME)(void *data, ARGS...): the prototype, or NULL */
static const struct btf_type *tracepoint_proto(const struct kernel *k, const char *name)
{
	char typedef_name[128];
	const struct btf_type *t;
	int id;

	if (!k->btf)
		return NULL;
	snprintf(typedef_name, sizeof(typedef_name), "btf_trace_%s", name);
	id = btf__find_by_name_kind(k->btf, typedef_name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return NULL;
	t = btf__type_by_id(k->btf, btf__type_by_id(k->btf, id)->type);
	if (!t || !btf_is_ptr(t))
		return NULL;
	t = btf__type_by_id(k->btf, t->type);
	return t && btf_is_func_proto(t) ? t : NULL;
}

bool kernel_has_tracepoint(const struct kernel *k, const char *name)
{
	return tracepoint_proto(k, name) != NULL;
}

int kernel_tracepoint_args(const struct kernel *k, const char *name)
{
	const struct btf_type *proto = tracepoint_proto(k, name);

	return proto ? btf_vlen(proto) - 1 : -ENOENT;
}

bool kernel_tracepoint_arg_is_task(const struct kernel *k, const char *name, int i)
{
	const struct btf_type *proto = tracepoint_proto(k, name), *t;

	if (!proto || i + 1 >= btf_vlen(proto))
		return false;
	t = btf__type_by_id(k->btf, btf_params(proto)[i + 1].type);
	if (!t || !btf_is_ptr(t))
		return false;
	t = btf__type_by_id(k->btf, t->type);
	return t && btf_is_struct(t) &&
	       !strcmp(btf__name_by_offset(k->btf, t->name_off), "task_struct");
}

bool kernel_function_arg_is_known(const struct kernel *k, const char *name, int i)
{
	int id = k->btf ? btf__find_by_name_kind(k->btf, name, BTF_KIND_FUNC) : -ENOENT;
	const struct btf_type *t = id > 0 ? btf__type_by_id(k->btf, id) : NULL;

	t = t ? btf__type_by_id(k->btf, t->type) : NULL;
	if (!t || i >= btf_vlen(t))
		return false;
	t = btf__type_by_id(k->btf, btf_params(t)[i].type);
	if (!t || !btf_is_ptr(t))
		return t != NULL;
	do
		t = btf__type_by_id(k->btf, t->type);
	while (t && btf_is_mod(t));
	return t && !btf_is_fwd(t);
}

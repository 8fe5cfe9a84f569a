/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * v8_info: this process maps small files that claim to hold V8, and says what
 * it finds in itself; a running node must give the version that it prints.
 *
 * LIMITATIONS: what needs a capability (map_files) or root is skipped without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "elf_build.h"
#include "v8/v8_info.h"

#define MAP_BYTES 4096u
#define MUTATIONS 1000

/* ---- a V8 to be found ---- */

enum { D_MAJOR, D_MINOR, D_BUILD, D_TAGGED, D_SMI_SHIFT, D_COUNT };
#define DATA(i) (ELF_BUILD_DATA + 4 * (i))

static const struct elf_build_sym v8_syms[] = {
	{"_ZN2v88internal7Version6major_E", DATA(D_MAJOR), STT_OBJECT, false},
	{"_ZN2v88internal7Version6minor_E", DATA(D_MINOR), STT_OBJECT, false},
	{"_ZN2v88internal7Version6build_E", DATA(D_BUILD), STT_OBJECT, false},
	{"v8dbg_TaggedSize", DATA(D_TAGGED), STT_OBJECT, false},
	{"v8dbg_SmiShiftSize", DATA(D_SMI_SHIFT), STT_OBJECT, false},
	{"v8dbg_class_JSFunction__shared__SharedFunctionInfo", DATA(4), STT_OBJECT, false},
	{"_ZN2v88internal4Heap8ScavengeEv", 0x400, STT_FUNC, false},
	{"_ZN2v88internal4Heap11MarkCompactEv", 0x500, STT_FUNC, false},
	{0},
};
static const struct elf_build_usdt v8_probes[] = {
	{"node", "gc__start", 0x400, ELF_BUILD_BASE, 0, NULL},
	{"v8", "x", 0x500, ELF_BUILD_BASE, 0, NULL},
	{"libc", "setjmp", 0x600, ELF_BUILD_BASE, 0, NULL},
	{0},
};
static const int32_t v8_data[D_COUNT] = {12, 4, 254, 8, 31};
static const struct elf_build_spec v8_spec = {
	.syms = v8_syms,
	.data = v8_data,
	.data_count = D_COUNT,
	.probes = v8_probes,
	.dynsym = true,
};

struct mapped {
	char path[256];
	void *at;
};

struct fixture {
	char dir[64];
};

static int fixture_setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	snprintf(fx->dir, sizeof(fx->dir), "/tmp/mw-test-v8-XXXXXX");
	*state = fx;
	return mkdtemp(fx->dir) ? 0 : -1;
}

static int fixture_teardown(void **state)
{
	struct fixture *fx = *state;

	rmdir(fx->dir);
	free(fx);
	return 0;
}

static struct mapped map_bytes(struct fixture *fx, const char *name, const void *bytes, size_t len)
{
	struct mapped m;
	int fd;

	snprintf(m.path, sizeof(m.path), "%s/%s", fx->dir, name);
	fd = open(m.path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	m.at = mmap(NULL, MAP_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_true(m.at != MAP_FAILED);
	close(fd);
	return m;
}

static struct mapped map_spec(struct fixture *fx, const char *name,
			      const struct elf_build_spec *spec)
{
	size_t len;
	unsigned char *bytes = elf_build(spec, &len);
	struct mapped m = map_bytes(fx, name, bytes, len);

	free(bytes);
	return m;
}

static void unmap(const struct mapped *m)
{
	munmap(m->at, MAP_BYTES);
	unlink(m->path);
}

/* What is found when a file of this kind is mapped. */
static struct v8_info info_of(struct fixture *fx, const struct elf_build_spec *spec)
{
	struct mapped m = map_spec(fx, "libnode.so.1", spec);
	struct v8_info info;

	assert_int_equal(v8_info_read(getpid(), &info), 0);
	if (info.present)
		assert_string_equal(info.path, m.path);
	unmap(&m);
	return info;
}

/* /proc/PID/map_files takes CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE. */
static bool map_files_work(void)
{
	struct dirent *e;
	bool ok = false;
	DIR *d = opendir("/proc/self/map_files");

	while (d && !ok && (e = readdir(d))) {
		int fd = *e->d_name == '.' ? -1 : openat(dirfd(d), e->d_name, O_PATH | O_CLOEXEC);

		ok = fd >= 0;
		if (ok)
			close(fd);
	}
	if (d)
		closedir(d);
	return ok;
}

/* ---- found ---- */

static void no_v8(void **state)
{
	struct v8_info info;

	(void)state;
	memset(&info, 0xff, sizeof(info));
	assert_int_equal(v8_info_read(getpid(), &info), 0);
	assert_false(info.present);
	assert_string_equal(info.path, "");
	assert_int_equal(info.major, 0);
	assert_int_equal(info.v8dbg_symbols, 0);
}

static void whole_v8(void **state)
{
	struct v8_info info = info_of(*state, &v8_spec);

	assert_true(info.present);
	assert_int_equal(info.major, 12);
	assert_int_equal(info.minor, 4);
	assert_int_equal(info.build, 254);
	assert_int_equal(info.v8dbg_symbols, 3); /* each is in .symtab and .dynsym */
	assert_int_equal(info.tagged_size, 8);
	assert_true(info.gc_symbols);
	assert_int_equal(info.usdt_probes, 2);
}

static void exported_only(void **state)
{
	struct elf_build_spec spec = v8_spec;
	struct v8_info info;

	spec.stripped = true;
	info = info_of(*state, &spec);
	assert_true(info.present);
	assert_int_equal(info.major, 12);
	assert_int_equal(info.v8dbg_symbols, 3);
}

/* An addon imports V8's symbols and does not hold it. */
static void imported_only(void **state)
{
	static const struct elf_build_sym syms[] = {
		{"_ZN2v88internal7Version6major_E", 0, STT_OBJECT, true},
		{"v8dbg_TaggedSize", 0, STT_OBJECT, true},
		{"_ZN2v82V810GetVersionEv", 0, STT_FUNC, true},
		{"_ZN2v88internal4Heap8ScavengeEv", 0x400, STT_FUNC, false},
		{0},
	};
	const struct elf_build_spec spec = {.syms = syms};

	assert_false(info_of(*state, &spec).present);
}

static void public_api_only(void **state)
{
	static const struct elf_build_sym syms[] = {
		{"_ZN2v82V810GetVersionEv", 0x400, STT_FUNC, false},
		{"_ZN2v88internal4Heap8ScavengeEv", 0x400, STT_FUNC, false},
		{0},
	};
	const struct elf_build_spec spec = {.syms = syms};
	struct v8_info info = info_of(*state, &spec);

	assert_true(info.present);
	assert_int_equal(info.major, 0);
	assert_int_equal(info.tagged_size, 0);
	assert_false(info.gc_symbols); /* one of the two */
}

static void tagged_sizes(void **state)
{
	static const struct elf_build_sym old_syms[] = {
		{"v8dbg_SmiShiftSize", DATA(D_SMI_SHIFT), STT_OBJECT, false},
		{0},
	};
	static const struct {
		const struct elf_build_sym *syms;
		int32_t tagged, smi_shift;
		int want;
	} cases[] = {
		{v8_syms, 8, 31, 8},  {v8_syms, 4, 0, 4},   {v8_syms, 77, 31, 0},
		{v8_syms, -1, 31, 0}, {old_syms, 0, 31, 8}, /* before V8 7.8 */
		{old_syms, 0, 0, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct elf_build_spec spec = v8_spec;
		int32_t data[D_COUNT];

		memcpy(data, v8_data, sizeof(data));
		data[D_TAGGED] = cases[i].tagged;
		data[D_SMI_SHIFT] = cases[i].smi_shift;
		spec.data = data;
		spec.syms = cases[i].syms;
		assert_int_equal(info_of(*state, &spec).tagged_size, cases[i].want);
	}
}

static void garbage_version(void **state)
{
	static const int32_t bad[] = {-1, INT32_MIN, INT32_MAX, 10000};

	for (size_t i = 0; i < 3 * sizeof(bad) / sizeof(bad[0]); i++) {
		struct elf_build_spec spec = v8_spec;
		int32_t data[D_COUNT];
		struct v8_info info;

		memcpy(data, v8_data, sizeof(data));
		data[i % 3] = bad[i / 3];
		spec.data = data;
		info = info_of(*state, &spec);
		assert_true(info.present);
		assert_true(!info.major && !info.minor && !info.build);
	}
}

/* ---- which file ---- */

static void named_first(void **state)
{
	struct elf_build_spec other = v8_spec;
	const int32_t data[D_COUNT] = {99, 1, 1, 8, 31};
	struct mapped a, b;
	struct v8_info info;

	other.data = data;
	a = map_spec(*state, "anything.so", &other);
	assert_int_equal(v8_info_read(getpid(), &info), 0);
	assert_int_equal(info.major, 99); /* a name is not needed */
	b = map_spec(*state, "libnode.so.115", &v8_spec);
	assert_int_equal(v8_info_read(getpid(), &info), 0);
	assert_int_equal(info.major, 12); /* but comes first */
	assert_string_equal(info.path, b.path);
	unmap(&a);
	unmap(&b);
}

static void odd_names(void **state)
{
	static const char *const names[] = {" lib node .so", "x (deleted)", "7f00-7f01 r-xp 0",
					    "lib\nnode.so"};
	bool exact = map_files_work();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct mapped m = map_spec(*state, names[i], &v8_spec);
		struct v8_info info;
		int err = v8_info_read(getpid(), &info);

		unmap(&m);
		if (!exact && (strchr(names[i], '\n') || strchr(names[i], '(')))
			continue; /* a documented limitation */
		assert_int_equal(err, 0);
		assert_int_equal(info.major, 12);
	}
}

static void deleted_file(void **state)
{
	struct mapped m;
	struct v8_info info;
	int err;

	m = map_spec(*state, "libnode.so.1", &v8_spec);
	unlink(m.path);
	err = v8_info_read(getpid(), &info);
	munmap(m.at, MAP_BYTES);
	if (!map_files_work()) {
		assert_int_equal(err, -EACCES); /* and not "no V8" */
		print_message("skipped: a deleted file takes CAP_SYS_ADMIN\n");
		skip();
	}
	assert_int_equal(err, 0);
	assert_int_equal(info.major, 12);
	assert_non_null(strstr(info.path, "libnode.so.1 (deleted)"));
}

static void many_files(void **state)
{
	struct mapped m[300], v8;
	struct v8_info info;
	char name[32];

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "plain%d.so", i);
		m[i] = map_bytes(*state, name, "no ELF", 6);
	}
	v8 = map_spec(*state, "libnode.so.1", &v8_spec); /* more are mapped than are opened */
	assert_int_equal(v8_info_read(getpid(), &info), 0);
	assert_int_equal(info.major, 12);
	for (int i = 0; i < 300; i++)
		unmap(&m[i]);
	unmap(&v8);
}

/* ---- damage ---- */

static void cut_file(void **state)
{
	struct mapped m = map_spec(*state, "libnode.so.1", &v8_spec);
	struct v8_info info;

	assert_int_equal(truncate(m.path, 700), 0);
	assert_int_equal(v8_info_read(getpid(), &info), 0);
	assert_int_equal(truncate(m.path, 0), 0);
	assert_int_equal(v8_info_read(getpid(), &info), 0);
	assert_false(info.present);
	unmap(&m);
}

static uint64_t xorshift(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void flipped_files(void **state)
{
	uint64_t seed = 0x2545f4914f6cdd1d;
	unsigned char *bytes, *copy;
	unsigned found = 0;
	size_t len;

	bytes = elf_build(&v8_spec, &len);
	copy = malloc(len);
	assert_non_null(copy);
	for (unsigned i = 0; i < MUTATIONS; i++) {
		struct v8_info info;
		struct mapped m;

		memcpy(copy, bytes, len);
		for (unsigned k = 0; k <= i % 6; k++)
			copy[xorshift(&seed) % len] = (unsigned char)xorshift(&seed);
		m = map_bytes(*state, "libnode.so.1", copy, len);
		assert_int_equal(v8_info_read(getpid(), &info), 0);
		assert_true(info.major >= 0 && info.major <= 9999);
		assert_true(memchr(info.path, '\0', sizeof(info.path)) != NULL);
		found += info.present;
		unmap(&m);
	}
	free(copy);
	free(bytes);
	assert_true(found > MUTATIONS / 2); /* else this tested the magic number */
}

/* ---- processes ---- */

static void no_such_process(void **state)
{
	struct v8_info info;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (!pid)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	assert_int_equal(v8_info_read(pid, &info), 0); /* a zombie maps nothing */
	assert_false(info.present);
	waitpid(pid, NULL, 0);
	assert_int_equal(v8_info_read(pid, &info), -ESRCH);
	assert_int_equal(v8_info_read(0, &info), -ESRCH);
	assert_int_equal(v8_info_read(-1, &info), -ESRCH);
}

static void not_ours(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	if (geteuid()) {
		print_message("skipped: needs root, to become somebody else\n");
		skip();
	}
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct v8_info info;

		if (setgid(65534) || setuid(65534))
			_exit(1);
		_exit(v8_info_read(getppid(), &info) == -EACCES ? 0 : 2);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static bool node_in_path(void)
{
	return !system("command -v node >/dev/null 2>&1");
}

static void running_node(void **state)
{
	static const char script[] = "console.log(process.pid, process.versions.v8);"
				     "setTimeout(() => {}, 30000)";
	uint64_t spent_ns;
	int pid = 0, major = 0, minor = 0, build = 0;
	struct v8_info info;
	int pipes[2];
	FILE *out;
	pid_t child;
	int err;

	(void)state;
	if (!node_in_path()) {
		print_message("skipped: no node in PATH\n");
		skip();
	}
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		dup2(pipes[1], STDOUT_FILENO);
		execlp("node", "node", "-e", script, (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	out = fdopen(pipes[0], "r");
	/* node may be a wrapper: it says which process it is */
	assert_int_equal(fscanf(out, "%d %d.%d.%d", &pid, &major, &minor, &build), 4);
	spent_ns = clock_cpu_ns();
	err = v8_info_read(pid, &info);
	spent_ns = clock_cpu_ns() - spent_ns;
	kill(pid, SIGKILL);
	fclose(out);
	waitpid(child, NULL, 0);

	assert_int_equal(err, 0);
	assert_true(info.present);
	assert_int_equal(info.major, major);
	assert_int_equal(info.minor, minor);
	assert_int_equal(info.build, build);
	assert_true(info.v8dbg_symbols > 300); /* 361 to 531 in node 12-26 */
	assert_int_equal(info.tagged_size, 8);
	assert_true(spent_ns < 2 * NSEC_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_v8),	   cmocka_unit_test(whole_v8),
		cmocka_unit_test(exported_only),   cmocka_unit_test(imported_only),
		cmocka_unit_test(public_api_only), cmocka_unit_test(tagged_sizes),
		cmocka_unit_test(garbage_version), cmocka_unit_test(named_first),
		cmocka_unit_test(odd_names),	   cmocka_unit_test(deleted_file),
		cmocka_unit_test(many_files),	   cmocka_unit_test(cut_file),
		cmocka_unit_test(flipped_files),   cmocka_unit_test(no_such_process),
		cmocka_unit_test(not_ours),	   cmocka_unit_test(running_node),
	};

	return cmocka_run_group_tests_name("v8/v8_info", tests, fixture_setup, fixture_teardown);
}

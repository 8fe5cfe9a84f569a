/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which runtime is in a file, of files that are mapped into this program; each is looked at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/runtime_files.h"
#include "unit/elf_build.h"
#include "v8/v8_layout.h"

#define FILE_BYTES 65536

static char dir[64];
static struct runtime_files *files;

/* A file of that name in the directory, mapped as code. */
struct mapped {
	char path[128];
	void *at;
	struct proc_map *map;
	struct proc_maps maps;
};

static void put_file(const char *path, const struct elf_build_spec *spec, const char *instead)
{
	static const char replaced[] = ".note.gnu.build-id";
	unsigned char *bytes;
	size_t len;
	FILE *out;

	bytes = elf_build(spec, &len);
	if (instead) { /* a section of that name */
		char *at = memmem(bytes, len, replaced, sizeof(replaced));

		assert_non_null(at);
		assert_true(strlen(instead) < sizeof(replaced));
		strcpy(at, instead);
	}
	out = fopen(path, "we");
	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
	free(bytes);
}

static void map_file(struct mapped *m, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	memset(m, 0, sizeof(*m));
	snprintf(m->path, sizeof(m->path), "%s", path);
	assert_true(fd >= 0);
	m->at = mmap(NULL, FILE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	close(fd);
	assert_ptr_not_equal(m->at, MAP_FAILED);
	assert_int_equal(proc_maps_read(getpid(), PROC_MAPS_EXECUTABLE, &m->maps), 0);
	m->map = (struct proc_map *)proc_maps_find(&m->maps, (uint64_t)m->at);
	assert_non_null(m->map);
	assert_string_equal(m->map->path, path);
}

static void unmap_file(struct mapped *m)
{
	proc_maps_release(&m->maps);
	munmap(m->at, FILE_BYTES);
	unlink(m->path);
}

/* What such a file is seen to be. */
static const struct runtime_file *look_at(const char *name, const struct elf_build_spec *spec,
					  const char *section)
{
	static struct runtime_file file;
	struct mapped m;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	put_file(path, spec, section);
	map_file(&m, path);
	assert_int_equal(runtime_files_look(files, getpid(), m.map, &file), 0);
	unmap_file(&m);
	return &file;
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/mw-test-runtime-XXXXXX");
	files = runtime_files_new();
	return files && mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	runtime_files_free(files);
	return rmdir(dir);
}

/* ---- what is in it ---- */

static const struct elf_build_spec nothing = {0};

static void test_none(void **state)
{
	const struct runtime_file *file = look_at("libc.so.6", &nothing, NULL);

	(void)state;
	assert_false(file->has_v8);
	assert_null(file->usdt);
	assert_null(file->runtime);
	assert_int_equal(file->v8_version, 0);
}

static void test_go(void **state)
{
	(void)state;
	assert_string_equal(look_at("server", &nothing, ".gopclntab")->runtime, "Go");
	assert_string_equal(look_at("server1", &nothing, ".go.buildinfo")->runtime, "Go");
	assert_null(look_at("server2", &nothing, ".gopclntabs")->runtime);
}

static void test_v8(void **state)
{
	static const int32_t version[] = {12, 4, 254};
	static const struct elf_build_sym syms[] = {
		{"_ZN2v88internal7Version6major_E", ELF_BUILD_DATA, STT_OBJECT, false},
		{"_ZN2v88internal7Version6minor_E", ELF_BUILD_DATA + 4, STT_OBJECT, false},
		{"_ZN2v88internal7Version6build_E", ELF_BUILD_DATA + 8, STT_OBJECT, false},
		{"_ZN2v88internal4Heap8ScavengeEv", ELF_BUILD_DATA + 4, STT_FUNC, false},
		{"_ZN2v88internal4Heap11MarkCompactEv", ELF_BUILD_DATA + 8, STT_FUNC, false},
		{NULL, 0, 0, false},
	};
	const struct elf_build_spec spec = {.syms = syms, .data = version, .data_count = 3};
	const struct runtime_file *file = look_at("node", &spec, NULL);

	(void)state;
	assert_true(file->has_v8);
	assert_int_equal(file->v8_version, V8_VERSION(12, 4, 254));
	assert_string_equal(file->runtime, "V8");
	assert_null(file->usdt);
	assert_non_null(file->hooks.rows[V8_HOOK_SCAVENGE]);
	assert_non_null(file->hooks.rows[V8_HOOK_MARK_COMPACT]);
	assert_null(file->hooks.rows[V8_HOOK_LIVE]);
}

/* Stripped, but for what a program exports: V8 is there, and nothing of it can be probed. */
static void test_stripped_v8(void **state)
{
	static const struct elf_build_sym syms[] = {
		{"_ZN2v82V810GetVersionEv", ELF_BUILD_DATA, STT_FUNC, false},
		{NULL, 0, 0, false},
	};
	const struct elf_build_spec spec = {.syms = syms,
					    .stripped = true,
					    .dynsym = true,
					    .data = (int32_t[]){0, 0},
					    .data_count = 2};
	const struct runtime_file *file = look_at("node", &spec, NULL);

	(void)state;
	assert_true(file->has_v8);
	assert_int_equal(file->v8_version, 0);
	assert_string_equal(file->runtime, "V8");
	assert_null(file->hooks.rows[V8_HOOK_SCAVENGE]);
	assert_null(file->hooks.rows[V8_HOOK_MARK_COMPACT]);
}

static const struct runtime_file *with_probes(const char *name, const char *provider,
					      const char *begin, const char *end)
{
	const struct elf_build_usdt probes[] = {
		{provider, begin, ELF_BUILD_DATA, ELF_BUILD_BASE, 0, NULL},
		{provider, end, ELF_BUILD_DATA + 4, ELF_BUILD_BASE, 0, NULL},
		{NULL, NULL, 0, 0, 0, NULL},
	};

	return look_at(name, &(struct elf_build_spec){.probes = probes}, NULL);
}

static void test_usdt(void **state)
{
	const struct runtime_file *file;

	(void)state;
	file = with_probes("libjvm.so", "hotspot", "gc__begin", "gc__end");
	assert_non_null(file->usdt);
	assert_string_equal(file->runtime, "HotSpot"); /* by the file's name */
	file = with_probes("libown.so", "ruby", "gc__mark__begin", "gc__mark__end");
	assert_string_equal(file->runtime, "ruby"); /* else by the provider */
	file = with_probes("libpython3.11.so.1.0", "python", "gc__start", "gc__done");
	assert_non_null(file->usdt);
	assert_null(file->runtime); /* it counts references */
}

static void test_by_name(void **state)
{
	static const struct {
		const char *name, *runtime;
	} names[] = {
		{"libjvm.so", "HotSpot"}, {"libcoreclr.so", ".NET"}, {"libruby-3.1.so.3.1", "Ruby"},
		{"beam.smp", "BEAM"},	  {"mylibjvm.so", NULL},     {"libjv.so", NULL},
		{"bun", "JSC"},		  {"bunzip2", NULL},	     {"beam.smp2", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *runtime = look_at(names[i].name, &nothing, NULL)->runtime;

		if (names[i].runtime)
			assert_string_equal(runtime, names[i].runtime);
		else
			assert_null(runtime);
	}
}

/* ---- another one under the same name ---- */

/* As by an update. */
static void test_replaced(void **state)
{
	struct runtime_file first, second;
	struct mapped m, other;
	char path[128], new[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/server", dir);
	snprintf(new, sizeof(new), "%s/server.new", dir);
	put_file(path, &nothing, NULL);
	map_file(&m, path);
	assert_int_equal(runtime_files_look(files, getpid(), m.map, &first), 0);
	put_file(new, &nothing, ".gopclntab");
	assert_int_equal(rename(new, path), 0);
	map_file(&other, path);
	assert_int_equal(runtime_files_look(files, getpid(), other.map, &second), 0);
	assert_null(first.runtime);
	assert_string_equal(second.runtime, "Go");
	proc_maps_release(&m.maps);
	munmap(m.at, FILE_BYTES);
	unmap_file(&other);
}

/* As by cp(1) over a program that was stopped: the same inode. */
static void test_overwritten(void **state)
{
	struct runtime_file first, again, second;
	struct mapped m;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/server", dir);
	put_file(path, &nothing, NULL);
	map_file(&m, path);
	assert_int_equal(runtime_files_look(files, getpid(), m.map, &first), 0);
	assert_int_equal(runtime_files_look(files, getpid(), m.map, &again), 0);
	assert_memory_equal(&first, &again, sizeof(first));
	put_file(path, &nothing, ".gopclntab");
	assert_int_equal(runtime_files_look(files, getpid(), m.map, &second), 0);
	assert_null(first.runtime);
	assert_string_equal(second.runtime, "Go");
	unmap_file(&m);
}

static void test_cannot_be_opened(void **state)
{
	struct proc_map map = {.start = 0x1000,
			       .end = 0x2000,
			       .dev = 1,
			       .inode = 4711,
			       .perms = "r-xp",
			       .path = (char[]){"/nonexistent/libjvm.so"}};
	struct runtime_file file;
	struct mapped text;
	char path[128];
	FILE *out;

	(void)state;
	assert_int_equal(runtime_files_look(files, getpid(), &map, &file), -ENOENT);
	snprintf(path, sizeof(path), "%s/text", dir);
	out = fopen(path, "we");
	assert_non_null(out);
	fputs("no ELF file\n", out);
	fclose(out);
	map_file(&text, path);
	assert_int_equal(runtime_files_look(files, getpid(), text.map, &file), -ENOEXEC);
	unmap_file(&text);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(test_none),	  IN_DIR(test_go),	    IN_DIR(test_v8),
		IN_DIR(test_stripped_v8), IN_DIR(test_usdt),	    IN_DIR(test_by_name),
		IN_DIR(test_replaced),	  IN_DIR(test_overwritten), IN_DIR(test_cannot_be_opened),
	};

	return cmocka_run_group_tests_name("collect/runtime_files", tests, NULL, NULL);
}

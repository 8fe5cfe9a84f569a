/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * proc_maps: lines good and bad, this process's own mappings against what it knows of
 * itself, and files that were deleted or replaced, with and without the capability.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elf_build.h"
#include "sym/proc_maps.h"

#define PAGE 4096u

int maps_truth_function(int x);
__attribute__((noinline)) int maps_truth_function(int x)
{
	__asm__ volatile("" ::: "memory");
	return x * 3;
}

/* ---- lines ---- */

static bool parse(const char *text, struct proc_map *m)
{
	static char line[8192];

	snprintf(line, sizeof(line), "%s", text);
	return proc_map_parse(line, m);
}

static void test_good_lines(void **state)
{
	struct proc_map m;

	(void)state;
	assert_true(parse("55d0c0a00000-55d0c0a01000 r-xp 00002000 fd:01 1311 /usr/bin/a b\n", &m));
	assert_int_equal(m.start, 0x55d0c0a00000);
	assert_int_equal(m.end, 0x55d0c0a01000);
	assert_int_equal(m.offset, 0x2000);
	assert_int_equal(m.dev, 0xfdULL << 32 | 1);
	assert_int_equal(m.inode, 1311);
	assert_string_equal(m.perms, "r-xp");
	assert_string_equal(m.path, "/usr/bin/a b");
	assert_true(proc_map_is_file(&m));
	assert_false(proc_map_is_deleted(&m));

	assert_true(parse("7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \n", &m));
	assert_string_equal(m.path, "");
	assert_false(proc_map_is_file(&m));
	assert_true(parse("7f00-7f01 rw-p 00000000 00:00 0                [heap]\n", &m));
	assert_string_equal(m.path, "[heap]");
	assert_false(proc_map_is_file(&m));
	assert_true(
		parse("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]", &m));
	assert_int_equal(m.end, 0xffffffffff601000);
	assert_true(
		parse("1-2 rwxs ffffffffffffffff ff:ff 18446744073709551615 /x (deleted)\n", &m));
	assert_int_equal(m.inode, UINT64_MAX);
	assert_true(proc_map_is_deleted(&m));
}

static void test_bad_lines(void **state)
{
	static const char *const lines[] = {
		"",
		"\n",
		"-",
		"1",
		"1-",
		"1-2",
		"1-2 ",
		"1-2 r-xp",
		"1-2 r-xp 0",
		"1-2 r-xp 0 0:0",
		"1-2 r-xp 0 0:0 ",
		"1-2 r-xp 0 0:0 x /a",
		"1-2 r-xp 0 0-0 0 /a",
		"1-2 r-x 0 0:0 0 /a",
		"1-2 r-xpp 0 0:0 0 /a",
		"2-1 r-xp 0 0:0 0 /a",
		"1-1 r-xp 0 0:0 0 /a",
		" 1-2 r-xp 0 0:0 0 /a",
		"+1-2 r-xp 0 0:0 0 /a",
		"0x1-2 r-xp 0 0:0 0 /a",
		"1-10000000000000000 r-xp 0 0:0 0 /a",
		"1-2 r-xp 0 0:0 18446744073709551616 /a",
	};
	struct proc_map m;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (parse(lines[i], &m))
			fail_msg("taken: '%s'", lines[i]);
	}
}

/* ---- this process ---- */

struct segments {
	const struct proc_maps *maps;
	unsigned checked;
};

/* Each executable segment that the dynamic linker knows is in a mapping of that file. */
static int segment_check(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct segments *s = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uint64_t at = info->dlpi_addr + ph->p_vaddr;
		const struct proc_map *m;
		uint64_t bias = 1;
		struct elf_file *f;

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
			continue;
		m = proc_maps_find(s->maps, at);
		assert_non_null(m);
		assert_int_equal(m->perms[2], 'x');
		if (!proc_map_is_file(m))
			continue; /* the vdso */
		f = proc_map_open(getpid(), m);
		assert_non_null(f);
		assert_int_equal(elf_file_bias(f, m->start, m->offset, true, &bias), 0);
		assert_int_equal(bias, info->dlpi_addr);
		elf_file_free(f);
		s->checked++;
	}
	return 0;
}

static void test_own_mappings(void **state)
{
	struct proc_maps all = {0}, text = {0};
	struct segments s = {.maps = &text};
	int on_stack;

	(void)state;
	assert_int_equal(proc_maps_read(getpid(), 0, &all), 0);
	assert_int_equal(proc_maps_read(getpid(), PROC_MAPS_EXECUTABLE, &text), 0);
	assert_true(text.count && all.count > text.count);
	for (unsigned i = 0; i < all.count; i++) {
		const struct proc_map *m = &all.maps[i];

		assert_true(!i || m->start >= m[-1].end);
		assert_ptr_equal(proc_maps_find(&all, m->start), m);
		assert_ptr_equal(proc_maps_find(&all, m->end - 1), m);
		assert_ptr_not_equal(proc_maps_find(&all, m->end), m);
		assert_ptr_not_equal(proc_maps_find(&all, m->start - 1), m);
	}
	for (unsigned i = 0; i < text.count; i++)
		assert_int_equal(text.maps[i].perms[2], 'x');
	dl_iterate_phdr(segment_check, &s);
	assert_true(s.checked >= 3); /* this program, libc, ld.so */
	assert_string_equal(proc_maps_find(&all, (uintptr_t)&on_stack)->path, "[stack]");
	assert_null(proc_maps_find(&text, (uintptr_t)&on_stack));
	assert_int_equal(proc_maps_read(getpid(), 0, &text), 0); /* again into the same */
	assert_int_equal(text.count > 0, 1);
	proc_maps_release(&all);
	proc_maps_release(&all);
	assert_null(proc_maps_find(&all, 1));
	proc_maps_release(&text);
}

/* The bytes at an address are those of the file at its offset. */
static void test_offset_of_function(void **state)
{
	uint64_t at = (uintptr_t)maps_truth_function;
	struct proc_maps maps = {0};
	uint64_t bias, offset, address;
	const struct proc_map *m;
	unsigned char bytes[8];
	struct elf_file *f;
	int fd;

	(void)state;
	assert_int_equal(proc_maps_read(getpid(), PROC_MAPS_EXECUTABLE, &maps), 0);
	m = proc_maps_find(&maps, at);
	assert_non_null(m);
	f = proc_map_open(getpid(), m);
	assert_non_null(f);
	assert_int_equal(elf_file_bias(f, m->start, m->offset, true, &bias), 0);
	assert_int_equal(elf_file_offset(f, at - bias, &offset), 0);
	assert_int_equal(offset, at - m->start + m->offset);
	assert_int_equal(elf_file_address(f, offset, true, &address), 0);
	assert_int_equal(address, at - bias);
	assert_int_equal(elf_file_offset(f, UINT64_MAX, &offset), -EFAULT);
	assert_int_equal(elf_file_address(f, UINT64_MAX, true, &address), -EFAULT);
	assert_int_equal(elf_file_address(f, 1ULL << 40, false, &address), -EFAULT);
	elf_file_free(f);

	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, bytes, sizeof(bytes), (off_t)offset), sizeof(bytes));
	close(fd);
	assert_memory_equal(bytes, (const void *)(uintptr_t)at, sizeof(bytes));
	proc_maps_release(&maps);
}

/* ---- files that come and go ---- */

#define DATA(i) (ELF_BUILD_DATA + 4 * (i))

struct mapped {
	char path[64];
	void *at;
};

static void file_write(const char *path, int32_t word)
{
	const struct elf_build_spec spec = {.data = &word, .data_count = 1};
	size_t len;
	unsigned char *bytes = elf_build(&spec, &len);
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
	free(bytes);
}

static struct mapped file_map(int32_t word)
{
	struct mapped m;
	int fd;

	snprintf(m.path, sizeof(m.path), "/tmp/mw-test-maps-%d.so", getpid());
	file_write(m.path, word);
	fd = open(m.path, O_RDONLY | O_CLOEXEC);
	m.at = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_true(m.at != MAP_FAILED);
	close(fd);
	return m;
}

/* The word in the file that is mapped at @at of process @pid; or -errno. */
static int word_at(pid_t pid, const void *at)
{
	struct proc_maps maps = {0};
	const struct proc_map *m;
	struct elf_file *f;
	int32_t word;
	int err = proc_maps_read(pid, PROC_MAPS_EXECUTABLE, &maps);

	if (err)
		return err;
	m = proc_maps_find(&maps, (uintptr_t)at);
	f = m ? proc_map_open(pid, m) : NULL;
	err = f ? elf_file_read(f, DATA(0), &word, sizeof(word)) : -errno;
	elf_file_free(f);
	proc_maps_release(&maps);
	return err ? err : word;
}

/* word_at() by a child without capabilities, that reads its own mappings. */
static int word_at_unprivileged(const void *at)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		int word;

		if (!geteuid() && (setgid(65534) || setuid(65534)))
			_exit(255);
		/* dumpable was cleared: /proc/self belongs to root until an exec */
		word = word_at(getpid(), at);
		_exit(word < 0 ? 128 - word : word);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	status = WEXITSTATUS(status);
	return status > 128 ? 128 - status : status;
}

static bool map_files_work(void)
{
	struct mapped m = file_map(1);
	int word;

	unlink(m.path);
	word = word_at(getpid(), m.at);
	munmap(m.at, PAGE);
	return word == 1;
}

static void test_deleted_and_replaced(void **state)
{
	struct mapped m;

	(void)state;
	if (!map_files_work()) {
		print_message("skipped: a deleted file takes CAP_SYS_ADMIN\n");
		skip();
	}
	m = file_map(42);
	assert_int_equal(word_at(getpid(), m.at), 42);
	unlink(m.path);
	assert_int_equal(word_at(getpid(), m.at), 42);
	file_write(m.path, 43); /* another file of that name */
	assert_int_equal(word_at(getpid(), m.at), 42);
	unlink(m.path);
	munmap(m.at, PAGE);
}

static void test_without_capability(void **state)
{
	struct mapped m = file_map(42);
	int word;

	(void)state;
	chmod(m.path, 0644);
	assert_int_equal(word_at_unprivileged(m.at), 42);
	unlink(m.path);
	word = word_at_unprivileged(m.at);
	assert_true(word < 0); /* and not another file */
	munmap(m.at, PAGE);
}

/* Seen from a process whose mapping was taken from under its name by rename(2). */
static void test_renamed_over(void **state)
{
	struct mapped m = file_map(42);
	char other[80];

	(void)state;
	snprintf(other, sizeof(other), "%s.new", m.path);
	file_write(other, 43);
	chmod(other, 0644);
	assert_int_equal(rename(other, m.path), 0);
	assert_true(word_at_unprivileged(m.at) < 0);
	if (map_files_work())
		assert_int_equal(word_at(getpid(), m.at), 42);
	unlink(m.path);
	munmap(m.at, PAGE);
}

/* A mapping of only the executable's path. */
static void test_exe(void **state)
{
	struct proc_map m = {0};
	char exe[512], path[128];
	struct elf_file *f;

	(void)state;
	proc_exe_path(getpid(), exe, sizeof(exe));
	assert_non_null(strstr(exe, "test_sym_proc_maps"));
	m.path = exe;
	f = proc_map_open(getpid(), &m);
	assert_non_null(f);
	assert_true(elf_file_has_symtab(f));
	elf_file_free(f);
	assert_int_equal(proc_map_path(getpid(), &m, path, sizeof(path)), 0);
	assert_non_null(strstr(path, "/exe"));
	assert_int_equal(proc_map_path(getpid(), &m, path, 8), -ENAMETOOLONG);
	m.path = (char[]){"[heap]"};
	assert_null(proc_map_open(getpid(), &m));
	assert_int_equal(errno, ENOENT);
	proc_exe_path(2, exe, sizeof(exe)); /* kthreadd, or nobody */
	assert_string_equal(exe, "");
}

static void test_no_such_process(void **state)
{
	struct proc_maps maps = {0};
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (!pid)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	assert_int_equal(proc_maps_read(pid, 0, &maps), 0); /* a zombie maps nothing */
	assert_int_equal(maps.count, 0);
	waitpid(pid, NULL, 0);
	assert_int_equal(proc_maps_read(pid, 0, &maps), -ESRCH);
	assert_int_equal(proc_maps_read(0, 0, &maps), -ESRCH);
	assert_int_equal(proc_maps_read(-1, 0, &maps), -ESRCH);
	assert_int_equal(maps.count, 0);
}

static void test_many_mappings(void **state)
{
	enum { MANY = 5000 };
	struct proc_maps maps = {0};
	char *at = mmap(NULL, MANY * 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(at != MAP_FAILED);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(mprotect(at + 2 * i * PAGE, PAGE, PROT_READ), 0);
	assert_int_equal(proc_maps_read(getpid(), 0, &maps), 0);
	assert_true(maps.count >= 2 * MANY);
	for (unsigned i = 0; i < MANY; i++) {
		const struct proc_map *m = proc_maps_find(&maps, (uintptr_t)at + 2 * i * PAGE);

		assert_non_null(m);
		assert_string_equal(m->perms, "r--p");
	}
	proc_maps_release(&maps);
	munmap(at, MANY * 2 * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_lines),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_own_mappings),
		cmocka_unit_test(test_offset_of_function),
		cmocka_unit_test(test_deleted_and_replaced),
		cmocka_unit_test(test_without_capability),
		cmocka_unit_test(test_renamed_over),
		cmocka_unit_test(test_exe),
		cmocka_unit_test(test_no_such_process),
		cmocka_unit_test(test_many_mappings),
	};

	return cmocka_run_group_tests_name("sym/proc_maps", tests, NULL, NULL);
}

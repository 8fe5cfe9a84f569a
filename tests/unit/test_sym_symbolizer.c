/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * symbolizer: files that were deleted, replaced, stripped, or are in other mount namespaces;
 * separate debug files where distributions put them and from a server; libraries loaded later;
 * processes that end; whose code it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "program.h"
#include "symbol_fixture.h"

#define SKIP_UNLESS_ROOT()                                                                         \
	do {                                                                                       \
		if (geteuid()) {                                                                   \
			print_message("skipped: needs root\n");                                    \
			skip();                                                                    \
		}                                                                                  \
	} while (0)

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The frame inside of function @name of @built, in the process that maps it as @mapped. */
static struct frame frame_of(struct watched *w, const char *built, const char *mapped,
			     const char *name)
{
	uint64_t addr = symbol_address(built, name, NULL);

	assert_true(addr != 0);
	return frame_at(w, watched_bias(w, built, mapped) + addr + 2);
}

static void assert_outer(const struct frame *f, bool has_lines)
{
	assert_non_null(f->fn);
	assert_string_equal(f->fn, "outer");
	assert_int_equal(f->kind, FRAME_NATIVE);
	assert_string_equal(base_of(f->file), has_lines ? "grow.c" : "");
	assert_int_equal(f->fn_line, has_lines ? 19 : 0);
}

/* ---- files that are gone ---- */

static void test_deleted_and_replaced(void **state)
{
	const char *built = program_build("gcc -O1 -g", "grow.c", "built");
	const char *other = program_build("gcc -O0", "stackcopy.c", "other");
	const char *run = program_path("run");
	struct watched w;
	struct frame f;

	(void)state;
	SKIP_UNLESS_ROOT(); /* CAP_SYS_ADMIN, for map_files */
	for (int replace = 0; replace < 2; replace++) {
		assert_int_equal(program_shell("cp '%s' '%s'", built, run), 0);
		w = watched_run(run);
		assert_int_equal(program_shell("rm '%s'", run), 0);
		if (replace)
			assert_int_equal(program_shell("cp '%s' '%s'", other, run), 0);
		symbol_process_refresh(w.process);
		f = frame_of(&w, built, run, "outer");
		assert_outer(&f, true);
		assert_non_null(strstr(f.module, " (deleted)"));
		assert_int_equal(f.origin, FRAME_USER);
		watched_stop(&w);
	}
}

/* The executable needs no capability: /proc/PID/exe is as good. */
static void test_deleted_without_capability(void **state)
{
	const char *built = program_build("gcc -O1 -g", "grow.c", "built");
	const char *run = program_path("run");
	uint64_t addr = symbol_address(built, "outer", NULL);
	char command[512];
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(program_shell("chmod 755 '%s'; cp '%s' '%s'", program_dir, built, run), 0);
	snprintf(command, sizeof(command), "rm '%s'", run);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct watched w;
		struct frame f;

		if (!geteuid() && (setgid(65534) || setuid(65534)))
			_exit(2);
		w = watched_run(run);
		/* only root can remove it from there */
		kill(getpid(), SIGSTOP);
		symbol_process_refresh(w.process);
		f = frame_at(&w, watched_bias(&w, built, run) + addr + 6);
		status = f.fn && !strcmp(f.fn, "outer") && strstr(f.module, "(deleted)") ? 0 : 3;
		watched_stop(&w);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(system(command), 0);
	kill(pid, SIGCONT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- other roots ---- */

static void test_mount_namespace(void **state)
{
	const char *built = program_build("gcc -O1 -g", "grow.c", "built");
	char command[1024];
	const char *argv[] = {"unshare", "-m", "sh", "-c", command, NULL};
	struct watched w;
	struct frame f;

	(void)state;
	SKIP_UNLESS_ROOT();
	SKIP_WITHOUT("unshare");
	/* /mnt/hidden is there for the program alone */
	snprintf(command, sizeof(command),
		 "mount -t tmpfs none /mnt && cp '%s' /mnt/hidden && exec /mnt/hidden", built);
	w = watched_start(argv);
	assert_int_not_equal(access("/mnt/hidden", F_OK), 0);
	f = frame_of(&w, built, "/mnt/hidden", "outer");
	assert_outer(&f, true);
	assert_string_equal(f.module, "/mnt/hidden");
	assert_int_equal(f.origin, FRAME_USER);
	watched_stop(&w);
}

/* In a chroot, stripped, its debug file found by its build id in that root. */
static void test_chroot(void **state)
{
	const char *built = program_build("gcc -O1 -g -static -Wl,--build-id", "grow.c", "built");
	const char *root = program_path("root");
	const char *argv[] = {"chroot", root, "/bin/grow", NULL};
	struct elf_file *f = elf_file_open(built);
	char id[160];
	struct watched w;
	struct frame frame;

	(void)state;
	SKIP_UNLESS_ROOT();
	assert_non_null(f);
	snprintf(id, sizeof(id), "%s", elf_file_build_id(f));
	elf_file_free(f);
	assert_true(strlen(id) > 10);
	assert_int_equal(program_shell("mkdir -p '%s'/bin '%s'/usr/lib/debug/.build-id/%.2s && "
				       "strip -o '%s'/bin/grow '%s' && "
				       "objcopy --only-keep-debug '%s' "
				       "'%s'/usr/lib/debug/.build-id/%.2s/%s.debug",
				       root, root, id, root, built, built, root, id, id + 2),
			 0);
	w = watched_start(argv);
	/* as maps has it: from our root */
	frame = frame_at(&w, watched_bias(&w, built, program_dir) +
				     symbol_address(built, "outer", NULL) + 6);
	assert_outer(&frame, true);
	watched_stop(&w);
}

/* ---- separate debug files ---- */

/* What is known of a stripped program whose debug file is made by @shell, with $DIR and $BUILT. */
static struct frame stripped_frame(const char *compiler, const char *shell, struct watched *w)
{
	const char *built = program_build(compiler, "grow.c", "built");
	const char *run = program_path("stripped");

	assert_int_equal(program_shell("cd '%s' && rm -rf stripped* .debug d && BUILT='%s' && "
				       "strip -o stripped \"$BUILT\" && { %s; }",
				       program_dir, built, shell),
			 0);
	*w = watched_run(run);
	return frame_of(w, built, run, "outer");
}

/* What was not named in time: by what is kept of it, when the symbols are there. */
static void test_later(void **state)
{
	struct symbol_file *file;
	struct frame f, named[4];
	struct watched w;
	unsigned count;

	(void)state;
	f = stripped_frame("gcc -O1 -g", "true", &w);
	assert_null(f.fn);
	assert_non_null(f.build_id);
	assert_true(strlen(f.build_id) >= 16 && f.module_address);
	program_stop(&w.program);
	w.program.pid = 0;
	file = symbolizer_find(w.symbolizer, f.module, f.build_id);
	assert_non_null(file); /* but nothing is in it */
	assert_int_equal(symbolizer_name(w.symbolizer, file, &f, named, 4), 1);
	assert_null(named[0].fn);
	symbolizer_put(w.symbolizer, file);

	assert_null(symbolizer_find(w.symbolizer, f.module, "0123456789abcdef0123456789abcdef"));
	assert_null(symbolizer_find(w.symbolizer, f.module, "../../../../etc/passwd"));
	assert_null(symbolizer_find(w.symbolizer, f.module, ""));
	assert_null(symbolizer_find(w.symbolizer, "/dev/zero", f.build_id));

	assert_int_equal(program_shell("cp '%s' '%s'", program_path("built"), f.module), 0);
	file = symbolizer_find(w.symbolizer, f.module, f.build_id);
	assert_non_null(file);
	count = symbolizer_name(w.symbolizer, file, &f, named, 4);
	assert_int_equal(count, 2); /* one is inlined there */
	assert_true(named[0].is_inlined);
	assert_outer(&named[1], true);
	assert_int_equal(named[1].ip, f.ip);
	assert_int_equal(named[1].origin, FRAME_USER);
	symbolizer_put(w.symbolizer, file);
	watched_stop(&w);
}

#define KEEP "objcopy --only-keep-debug \"$BUILT\" "
#define LINK "objcopy --add-gnu-debuglink="

static void test_debug_links(void **state)
{
	static const struct {
		const char *compiler, *shell;
		bool is_found;
	} cases[] = {
		{"gcc -O1 -g", "true", false},
		{"gcc -O1 -g", KEEP "stripped.debug; " LINK "stripped.debug stripped", true},
		{"gcc -O1 -g", KEEP "d; " LINK "d stripped; mkdir .debug; mv d .debug/", true},
		/* without a build id: by CRC */
		{"gcc -O1 -g -Wl,--build-id=none",
		 KEEP "stripped.debug; " LINK "stripped.debug stripped", true},
		/* of another program: the build id, or the CRC, is not the same */
		{"gcc -O1 -g",
		 KEEP "d; " LINK
		      "d stripped; echo 'int main() {return 0;}' | gcc -g -w -x c -o d -",
		 false},
		{"gcc -O1 -g -Wl,--build-id=none", KEEP "d; " LINK "d stripped; printf x >>d",
		 false},
		/* out of the directory, and no file */
		{"gcc -O1 -g -Wl,--build-id=none", KEEP "d; " LINK "d stripped; rm d; mkfifo d",
		 false},
		{"gcc -O1 -g -Wl,--build-id=none",
		 KEEP "d; " LINK "d stripped; rm d; ln -s /dev/zero d", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char shell[512];
		struct watched w;
		struct frame f;

		snprintf(shell, sizeof(shell), "%s", cases[i].shell);
		f = stripped_frame(cases[i].compiler, shell, &w);
		if (cases[i].is_found) {
			assert_outer(&f, true);
		} else {
			if (f.fn)
				fail_msg("case %zu: %s", i, f.fn);
			assert_int_equal(f.kind, FRAME_UNKNOWN);
			assert_non_null(f.module);
		}
		watched_stop(&w);
	}
}

/* ---- servers ---- */

/* A free port: nobody else has it in the next moments. */
static int port_take(int *fd)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t len = sizeof(addr);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&addr, &len), 0);
	return ntohs(addr.sin_port);
}

static void server_set(int port)
{
	char url[64], cache[PATH_MAX];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
	snprintf(cache, sizeof(cache), "%s/cache-%d", program_dir, port);
	setenv("DEBUGINFOD_URLS", url, 1);
	setenv("DEBUGINFOD_CACHE_PATH", cache, 1);
}

/* Waits until it listens; false after 30 seconds. */
static bool server_listens(int port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (uint64_t end = now_ms() + 30000; now_ms() < end; poll(NULL, 0, 50)) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int err = connect(fd, (struct sockaddr *)&addr, sizeof(addr));

		close(fd);
		if (!err)
			return true;
	}
	return false;
}

static void test_debuginfod(void **state)
{
	char port_text[16], dir[PATH_MAX], log[PATH_MAX];
	struct watched w;
	struct frame f;
	pid_t server;
	int fd, port;

	(void)state;
	SKIP_WITHOUT("debuginfod");
	/* the server's files: one with the build id of what will run stripped */
	snprintf(dir, sizeof(dir), "%s/served", program_dir);
	assert_int_equal(program_shell("mkdir '%s'", dir), 0);
	assert_int_equal(
		program_shell("cp '%s' '%s'/", program_build("gcc -O1 -g", "grow.c", "x"), dir), 0);
	port = port_take(&fd);
	close(fd);
	snprintf(port_text, sizeof(port_text), "%d", port);
	snprintf(log, sizeof(log), "%s/log", program_dir);
	server = fork();
	assert_true(server >= 0);
	if (!server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open(log, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		unsetenv("DEBUGINFOD_URLS");
		execlp("debuginfod", "debuginfod", "-F", "-p", port_text, "-d", ":memory:", dir,
		       (char *)NULL);
		_exit(127);
	}
	if (!server_listens(port)) {
		program_shell("tail '%s'", log);
		fail_msg("debuginfod does not answer");
	}
	server_set(port);
	setenv("DEBUGINFOD_TIMEOUT", "10", 1);
	for (uint64_t end = now_ms() + 20000;;) { /* it may still be indexing */
		f = stripped_frame("gcc -O1 -g", "true", &w);
		if (f.fn || now_ms() > end)
			break;
		watched_stop(&w);
		program_shell("rm -rf \"$DEBUGINFOD_CACHE_PATH\"");
		poll(NULL, 0, 100);
	}
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	unsetenv("DEBUGINFOD_URLS");
	assert_outer(&f, true);
	watched_stop(&w);

	/* and without it being configured, no */
	f = stripped_frame("gcc -O1 -g", "true", &w);
	assert_null(f.fn);
	watched_stop(&w);
}

/* One that accepts and never answers; and one that is not there. */
static void test_silent_server(void **state)
{
	struct watched w;
	uint64_t begin;
	struct frame f;
	int fd, port;

	(void)state;
	port = port_take(&fd);
	assert_int_equal(listen(fd, 8), 0);
	server_set(port);
	setenv("DEBUGINFOD_TIMEOUT", "1", 1);
	begin = now_ms();
	f = stripped_frame("gcc -O1 -g", "true", &w);
	assert_null(f.fn);
	assert_true(now_ms() - begin < 20000); /* with compiling it, and a busy machine */
	begin = now_ms();
	frame_at(&w, f.ip + 1); /* it is not asked for again */
	assert_true(now_ms() - begin < 900);
	watched_stop(&w);
	close(fd);

	begin = now_ms();
	f = stripped_frame("gcc -O1 -g", "true", &w);
	assert_null(f.fn);
	assert_true(now_ms() - begin < 20000);
	watched_stop(&w);
	unsetenv("DEBUGINFOD_URLS");
}

/* ---- processes that change ---- */

static void test_library_loaded_later(void **state)
{
	const char *library =
		program_build("gcc -O1 -g -shared -fPIC -DVERSION=1", "library.c", "lib.so");
	const char *built = program_build("gcc -O1 -g", "grow.c", "built");
	const char *argv[] = {built, library, NULL};
	struct watched w = watched_start(argv);
	unsigned before = symbol_process_maps(w.process)->count;
	struct proc_maps maps = {0};
	uint64_t addr = 0;
	struct frame f;
	char line[64];

	(void)state;
	f = frame_of(&w, built, built, "outer");
	assert_outer(&f, true);
	assert_int_equal(write(w.program.in, "x", 1), 1);
	program_line(&w.program, line, sizeof(line));
	assert_string_equal(line, "loaded");
	assert_int_equal(symbol_process_maps(w.process)->count, before);
	assert_int_equal(proc_maps_read(w.program.pid, PROC_MAPS_EXECUTABLE, &maps), 0);
	for (unsigned i = 0; i < maps.count; i++) {
		if (!strcmp(maps.maps[i].path, library))
			addr = maps.maps[i].start;
	}
	proc_maps_release(&maps);
	assert_true(addr != 0);
	for (uint64_t end = now_ms() + 2000; now_ms() < end; poll(NULL, 0, 20)) {
		frame_at(&w, addr); /* of no mapping that is known: they are read again */
		if (symbol_process_maps(w.process)->count != before)
			break;
	}
	f = frame_of(&w, library, library, "library_function");
	assert_string_equal(f.fn, "library_function");
	assert_string_equal(base_of(f.file), "library.c");
	assert_string_equal(f.module, library);
	assert_int_equal(f.origin, FRAME_DEPENDENCY);
	f = frame_of(&w, built, built, "outer"); /* what was known still is */
	assert_outer(&f, true);
	watched_stop(&w);
}

static void test_process_ends(void **state)
{
	const char *built = program_build("gcc -O1 -g", "grow.c", "built");
	struct watched w = watched_run(built);
	uint64_t bias = watched_bias(&w, built, built);
	uint64_t addr = bias + symbol_address(built, "outer", NULL);
	struct frame f = frame_at(&w, addr), unknown;

	(void)state;
	assert_outer(&f, true);
	program_stop(&w.program);
	assert_int_equal(symbol_process_refresh(w.process), -ESRCH);
	f = frame_at(&w, addr + 1); /* its file is open */
	assert_outer(&f, true);
	for (unsigned i = 0; i < symbol_process_maps(w.process)->count; i++) {
		const struct proc_map *m = &symbol_process_maps(w.process)->maps[i];

		frame_at(&w, m->start + 16); /* those of files that are not may be unknown */
	}
	unknown = frame_at(&w, 1);
	assert_int_equal(unknown.kind, FRAME_UNKNOWN);
	assert_null(unknown.fn);
	assert_null(unknown.module);
	assert_null(symbol_process_new(w.symbolizer, w.program.pid));
	assert_int_equal(errno, ESRCH);
	w.program.pid = 0;
	watched_stop(&w);
}

/* ---- this process ---- */

static int open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(d))
		count++;
	closedir(d);
	return count;
}

/* More files than are held open at once. */
static void test_many_files(void **state)
{
	enum { MANY = 160, BYTES = 1 << 14 };
	const char *library =
		program_build("gcc -O1 -g -shared -fPIC -DVERSION=1", "library.c", "lib.so");
	uint64_t addr = symbol_address(library, "library_function", NULL), offset;
	struct elf_file *f = elf_file_open(library);
	int before = open_files(), most = 0;
	static void *maps[MANY];
	struct watched w;

	(void)state;
	assert_int_equal(elf_file_offset(f, addr, &offset), 0);
	assert_true(offset < BYTES);
	elf_file_free(f);
	for (int i = 0; i < MANY; i++) {
		char path[PATH_MAX];
		int fd;

		snprintf(path, sizeof(path), "%s/lib%d.so", program_dir, i);
		assert_int_equal(program_shell("cp '%s' '%s'", library, path), 0);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		maps[i] = mmap(NULL, BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
		assert_true(maps[i] != MAP_FAILED);
		close(fd);
	}
	w = watched_start(NULL);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MANY; i++) {
			/* each time another address: what was resolved is kept */
			struct frame frame =
				frame_at(&w, (uintptr_t)maps[i] + offset + (unsigned)round);
			int files = open_files();

			assert_non_null(frame.fn);
			assert_string_equal(frame.fn, "library_function");
			assert_string_equal(base_of(frame.file), "library.c");
			most = files > most ? files : most;
		}
	}
	assert_true(most - before < 128 * 5);
	assert_int_equal(symbolizer_files(w.symbolizer), MANY); /* once each, however often read */
	watched_stop(&w);
	assert_int_equal(open_files(), before - 1); /* @f was open before */
	for (int i = 0; i < MANY; i++)
		munmap(maps[i], BYTES);
}

int symbolizer_truth_function(int x);
__attribute__((noinline)) int symbolizer_truth_function(int x)
{
	__asm__ volatile("" ::: "memory");
	return x + 1;
}

static void test_origins(void **state)
{
	struct watched w = watched_start(NULL);
	struct frame f;

	(void)state;
	f = frame_at(&w, (uintptr_t)symbolizer_truth_function);
	assert_string_equal(f.fn, "symbolizer_truth_function");
	assert_int_equal(f.origin, FRAME_USER);
	assert_string_equal(base_of(f.module), "test_sym_symbolizer");
	f = frame_at(&w, (uintptr_t)getpid + 4);
	assert_non_null(f.fn);
	assert_int_equal(f.origin, FRAME_RUNTIME);
	assert_non_null(strstr(f.module, "/libc.so"));
	watched_stop(&w);
}

static void test_vdso(void **state)
{
	struct watched w = watched_start(NULL);
	const struct proc_maps *maps = symbol_process_maps(w.process);
	unsigned named = 0;

	(void)state;
	for (unsigned i = 0; i < maps->count; i++) {
		if (strcmp(maps->maps[i].path, "[vdso]") != 0)
			continue;
		for (uint64_t at = maps->maps[i].start; at < maps->maps[i].end; at += 16) {
			struct frame f = frame_at(&w, at);

			named += f.fn && strstr(f.fn, "gettime");
			assert_int_equal(f.origin, FRAME_RUNTIME);
		}
		assert_true(named > 0);
	}
	if (!named)
		print_message("this kernel gives no vdso\n");
	watched_stop(&w);
}

/* Text that was moved to anonymous memory, in place, is still of its file. */
static void test_remapped_text(void **state)
{
	const char *library = program_build("gcc -O1 -g -shared -fPIC -DVERSION=1 "
					    "-Wl,-z,noseparate-code",
					    "library.c", "lib.so");
	uint64_t addr = symbol_address(library, "library_function", NULL), offset;
	struct elf_file *f = elf_file_open(library);
	unsigned char *base, *page;
	struct watched w;
	struct frame frame;
	int fd;

	(void)state;
	assert_int_equal(elf_file_offset(f, addr, &offset), 0);
	assert_true(offset < 4096); /* page 0 has it; page 1 is after the end of the segment */
	elf_file_free(f);
	fd = open(library, O_RDONLY | O_CLOEXEC);
	base = mmap(NULL, 3 * 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_true(base != MAP_FAILED);
	close(fd);
	page = mmap(base + 4096, 4096, PROT_READ | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	assert_true(page != MAP_FAILED);
	w = watched_start(NULL);
	frame = frame_at(&w, (uintptr_t)base + offset);
	assert_string_equal(frame.fn, "library_function");
	/* beside a file, but not of its segment: a JIT's */
	frame = frame_at(&w, (uintptr_t)page + 8);
	assert_null(frame.fn);
	assert_null(frame.module);
	watched_stop(&w);

	page = mmap(base, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		    0);
	assert_true(page != MAP_FAILED);
	fd = open(library, O_RDONLY | O_CLOEXEC);
	assert_true(mmap(base + 4096, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd,
			 0x1000) != MAP_FAILED);
	close(fd);
	munmap(base, 3 * 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deleted_and_replaced),
		cmocka_unit_test(test_deleted_without_capability),
		cmocka_unit_test(test_mount_namespace),
		cmocka_unit_test(test_chroot),
		cmocka_unit_test(test_later),
		cmocka_unit_test(test_debug_links),
		cmocka_unit_test(test_debuginfod),
		cmocka_unit_test(test_silent_server),
		cmocka_unit_test(test_library_loaded_later),
		cmocka_unit_test(test_process_ends),
		cmocka_unit_test(test_many_files),
		cmocka_unit_test(test_origins),
		cmocka_unit_test(test_vdso),
		cmocka_unit_test(test_remapped_text),
	};

	return cmocka_run_group_tests_name("sym/symbolizer", tests, program_setup,
					   program_teardown);
}

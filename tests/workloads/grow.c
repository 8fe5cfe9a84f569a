// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * grow.c - grows by a known amount of a known kind of memory, then says by how much.
 *
 *	grow KIND [--bytes SIZE] [--step SIZE] [--count N] [--interval-ms N] [--wait-go] [--hold]
 *	grow --help lists the kinds
 *
 * A kind is a step that is taken --count times. Between ready and done the program makes exactly
 *the system calls that it reports: they are raw, libc adds none, and what libc needs is allocated
 * before. The exception is "malloc", which is there for what libc does: it reports no call counts.
 * Every step is a function of its own name, so that a profiler's stacks can be checked too.
 *
 * Transparent huge pages are off, unless --thp: each anonymous page is one fault.
 *
 * LIMITATIONS: "malloc" and "threads" know glibc's chunks and what it allocates for a thread. A
 * file's pages are mapped several at a fault. Page tables and kernel stacks are not in "bytes".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "protocol.h"

#define MIB		  (1024UL * 1024UL)
#define HUGE_PAGE	  (2 * MIB)
#define THREAD_STACK	  (8 * MIB)
#define THREAD_STEP_MIN	  (16UL * 1024UL) /* TLS, struct pthread and first frames fit */
#define THREAD_HEAP_BYTES 1024UL	  /* what glibc allocates for a thread, generously */

/* What happened between ready and done. */
struct tally {
	unsigned long bytes;	     /* net, touched and still there */
	unsigned long touched_bytes; /* in all */
	unsigned long requested_bytes;
	unsigned long mmap_count, mmap_bytes;
	unsigned long munmap_count, munmap_bytes;
	unsigned long brk_count, brk_bytes;
	unsigned long mremap_count, mremap_bytes; /* bytes: added */
	unsigned long madvise_count;
	unsigned long threads, forks, execs, exits;
};

struct grow {
	struct protocol protocol;
	struct tally tally;
	unsigned long bytes, step, count;
	unsigned long interval_ms, lifetime_ms, parallel;
	const char *dir;

	size_t page;
	unsigned long taken; /* steps so far */
	char *base;	     /* brk, mremap, fault-loop: the region */
	int fd;		     /* file, memfd */
	sem_t touched;	     /* threads */
	char exe[4096];	     /* children: this program */
	char step_text[24], lifetime_text[24];
};

struct kind {
	const char *name;
	const char *memory; /* which part of RSS grows: anon, file, shmem or none */
	void (*prepare)(struct grow *g);
	void (*step)(struct grow *g);
	void (*finish)(struct grow *g);
	bool counts_unknown; /* libc makes the calls */
	bool any_step;	     /* not only whole pages */
	bool huge;	     /* needs THP, steps are whole huge pages */
	const char *help;
};

/* Give up between ready and done; nothing that was reported then would be true. */
__attribute__((noreturn, cold)) static void fail(const char *what)
{
	die(1, "%s: %s", what, strerror(errno));
}

__attribute__((always_inline)) static inline void touch(struct grow *g, char *start, size_t len)
{
	volatile char *p;

	for (p = start; p < start + len; p += g->page)
		*p = 1;
	g->tally.touched_bytes += len;
}

__attribute__((always_inline)) static inline char *map(struct grow *g, size_t len, int prot,
						       int flags, int fd, off_t offset)
{
	long ret = syscall(SYS_mmap, NULL, len, prot, flags, fd, offset);

	if (ret == -1)
		fail("mmap");
	g->tally.mmap_count++;
	g->tally.mmap_bytes += len;
	return (char *)ret;
}

__attribute__((always_inline)) static inline char *map_anon(struct grow *g, size_t len)
{
	return map(g, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void unmap(struct grow *g, char *start, size_t len)
{
	if (syscall(SYS_munmap, start, len))
		fail("munmap");
	g->tally.munmap_count++;
	g->tally.munmap_bytes += len;
}

/* malloc: leaked; its bytes are whole chunks, which is what stays resident. */

static void grow_malloc(struct grow *g)
{
	char *p = malloc(g->step);
	volatile char *last;
	size_t usable;

	if (!p)
		fail("malloc");
	usable = malloc_usable_size(p);
	touch(g, p, usable);
	last = p + usable - 1;
	*last = 1;
	g->tally.touched_bytes += sizeof(size_t); /* the chunk's header */
	g->tally.bytes += usable + sizeof(size_t);
	g->tally.requested_bytes += g->step;
}

/* mmap, munmap */

static void grow_mmap(struct grow *g)
{
	touch(g, map_anon(g, g->step), g->step);
	g->tally.bytes += g->step;
}

/* The kernel makes huge pages where they are aligned, and only inside what MADV_HUGEPAGE named. */
static void grow_huge(struct grow *g)
{
	uintptr_t p = (uintptr_t)map_anon(g, g->step + HUGE_PAGE);
	char *aligned = (char *)((p + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));

	if (syscall(SYS_madvise, aligned, g->step, MADV_HUGEPAGE))
		fail("MADV_HUGEPAGE");
	g->tally.madvise_count++;
	touch(g, aligned, g->step);
	g->tally.bytes += g->step;
}

static void churn_mmap(struct grow *g)
{
	char *p = map_anon(g, g->step);

	touch(g, p, g->step);
	unmap(g, p, g->step);
}

static void grow_mremap(struct grow *g)
{
	size_t old = g->taken * g->step;
	long ret;

	if (!g->taken) {
		g->base = map_anon(g, g->step);
	} else {
		ret = syscall(SYS_mremap, g->base, old, old + g->step, MREMAP_MAYMOVE, NULL);
		if (ret == -1)
			fail("mremap");
		g->base = (char *)ret;
		g->tally.mremap_count++;
		g->tally.mremap_bytes += g->step;
	}
	touch(g, g->base + old, g->step);
	g->tally.bytes += g->step;
}

static void loop_faults(struct grow *g)
{
	if (!g->taken)
		g->base = map_anon(g, g->step);
	touch(g, g->base, g->step);
	if (syscall(SYS_madvise, g->base, g->step, MADV_DONTNEED))
		fail("madvise");
	g->tally.madvise_count++;
}

/* brk: libc's malloc must not extend the heap any more, as it does not see these calls. */

static void prepare_brk(struct grow *g)
{
	uintptr_t end = (uintptr_t)syscall(SYS_brk, 0);
	uintptr_t aligned = (end + g->page - 1) & ~(g->page - 1);

	if (aligned != end && (uintptr_t)syscall(SYS_brk, aligned) != aligned)
		fail("brk");
	g->base = (char *)aligned;
}

static void grow_brk(struct grow *g)
{
	char *end = g->base + g->step;

	if ((char *)syscall(SYS_brk, end) != end)
		fail("brk");
	g->tally.brk_count++;
	g->tally.brk_bytes += g->step;
	touch(g, g->base, g->step);
	g->tally.bytes += g->step;
	g->base = end;
}

/* file, shmem, memfd */

static int open_scratch(const char *dir)
{
	char path[4096];
	struct statfs fs;
	int fd;

	if (!dir || (size_t)snprintf(path, sizeof(path), "%s/grow-XXXXXX", dir) >= sizeof(path))
		return -1;
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	unlink(path);
	if (!fstatfs(fd, &fs) && fs.f_type != TMPFS_MAGIC)
		return fd;
	close(fd); /* tmpfs would be counted as shmem */
	return -1;
}

static void prepare_file(struct grow *g)
{
	const char *const dirs[] = {g->dir, getenv("TMPDIR"), "/var/tmp", "/tmp", "."};
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && g->fd < 0; i++)
		g->fd = open_scratch(dirs[i]);
	if (g->fd < 0)
		die(1, "no directory for a file that is not on tmpfs; name one with --dir");
	if (ftruncate(g->fd, (off_t)g->bytes))
		fail("ftruncate");
}

static void prepare_memfd(struct grow *g)
{
	g->fd = memfd_create("grow", MFD_CLOEXEC);
	if (g->fd < 0 || ftruncate(g->fd, (off_t)g->bytes))
		fail("memfd");
}

static void grow_file(struct grow *g)
{
	volatile char *p = map(g, g->step, PROT_READ, MAP_SHARED, g->fd, (off_t)g->tally.bytes);
	size_t i;

	for (i = 0; i < g->step; i += g->page)
		(void)p[i];
	g->tally.touched_bytes += g->step;
	g->tally.bytes += g->step;
}

static void grow_shmem(struct grow *g)
{
	int flags = MAP_SHARED | (g->fd < 0 ? MAP_ANONYMOUS : 0);
	off_t offset = g->fd < 0 ? 0 : (off_t)g->tally.bytes;

	touch(g, map(g, g->step, PROT_READ | PROT_WRITE, flags, g->fd, offset), g->step);
	g->tally.bytes += g->step;
}

/*
 * threads: on stacks like glibc's (MAP_STACK, a guard page), but mapped here, so that every byte
 * and every call is known. What is touched is the top of the stack with all that glibc puts there.
 */

static void prepare_threads(struct grow *g)
{
	size_t len = g->count * THREAD_HEAP_BYTES;
	char *p;

	if (g->step < THREAD_STEP_MIN || g->step > THREAD_STACK / 2)
		die(2, "threads: --step is what a thread touches: 16K to 4M");
	/* The heap that pthread_create() will need, touched, and kept by malloc when freed. */
	mallopt(M_TRIM_THRESHOLD, INT32_MAX);
	mallopt(M_MMAP_THRESHOLD, 32 * (int)MIB);
	p = malloc(len);
	if (!p)
		fail("malloc");
	touch(g, p, len);
	free(p);
	g->tally.touched_bytes = 0;
	sem_init(&g->touched, 0, 0);
}

static void *thread_touch_stack(void *arg)
{
	struct grow *g = arg;
	char *top = g->base + THREAD_STACK;
	char *p;

	/* These pages are in use: change nothing. One write, so that it is one fault, not two. */
	for (p = top - g->page; p >= top - g->step; p -= g->page)
		__atomic_fetch_add(p, 0, __ATOMIC_RELAXED);
	sem_post(&g->touched);
	for (;;)
		pause();
	return NULL;
}

static void grow_threads(struct grow *g)
{
	pthread_attr_t attr;
	pthread_t thread;

	g->base = map(g, THREAD_STACK, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (syscall(SYS_mprotect, g->base + g->page, THREAD_STACK - g->page,
		    PROT_READ | PROT_WRITE))
		fail("mprotect");
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, g->base + g->page, THREAD_STACK - g->page);
	errno = pthread_create(&thread, &attr, thread_touch_stack, g);
	if (errno)
		fail("pthread_create");
	while (sem_wait(&g->touched))
		;
	g->tally.threads++;
	g->tally.touched_bytes += g->step;
	g->tally.bytes += g->step;
}

/* children, forks: short-lived processes, with or without exec. */

__attribute__((noreturn)) static void child_live(struct grow *g)
{
	touch(g, map_anon(g, g->step), g->step);
	protocol_rest_until(&(struct protocol){0}, now_ns() + g->lifetime_ms * NS_PER_MS);
	_exit(0);
}

static void prepare_children(struct grow *g)
{
	ssize_t len = readlink("/proc/self/exe", g->exe, sizeof(g->exe) - 1);

	if (len < 0)
		fail("/proc/self/exe");
	snprintf(g->step_text, sizeof(g->step_text), "%lu", g->step);
	snprintf(g->lifetime_text, sizeof(g->lifetime_text), "%lu", g->lifetime_ms);
}

static void reap_child(struct grow *g)
{
	int status;

	while (wait(&status) < 0)
		if (errno != EINTR)
			fail("wait");
	if (status)
		die(1, "a child failed (wait status %#x)", (unsigned int)status);
	g->tally.exits++;
}

static void spawn_child(struct grow *g, bool exec)
{
	char *const argv[] = {program_invocation_short_name,
			      (char[]){"child"},
			      (char[]){"--step"},
			      g->step_text,
			      (char[]){"--lifetime-ms"},
			      g->lifetime_text,
			      NULL};
	pid_t parent = getpid(), pid;

	if (g->tally.forks - g->tally.exits == g->parallel)
		reap_child(g);
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid) {
		die_with_parent(parent, SIGKILL); /* exec keeps it */
		if (exec)
			execv(g->exe, argv);
		else
			child_live(g);
		_exit(127);
	}
	g->tally.forks++;
	g->tally.execs += exec;
}

static void grow_children(struct grow *g)
{
	spawn_child(g, true);
}

static void grow_forks(struct grow *g)
{
	spawn_child(g, false);
}

static void finish_children(struct grow *g)
{
	while (g->tally.exits < g->tally.forks)
		reap_child(g);
}

static void steady(struct grow *g)
{
	(void)g;
}

static const struct kind kinds[] = {
	{.name = "malloc",
	 .memory = "anon",
	 .step = grow_malloc,
	 .counts_unknown = true,
	 .any_step = true,
	 .help = "malloc() of --step each, touched and leaked"},
	{.name = "mmap-grow",
	 .memory = "anon",
	 .step = grow_mmap,
	 .help = "mmap of --step each, touched"},
	{.name = "huge",
	 .memory = "anon",
	 .step = grow_huge,
	 .huge = true,
	 .help = "mmap-grow on transparent huge pages, asked for by madvise"},
	{.name = "mmap-churn",
	 .memory = "none",
	 .step = churn_mmap,
	 .help = "mmap, touch, munmap: net zero"},
	{.name = "mremap",
	 .memory = "anon",
	 .step = grow_mremap,
	 .help = "one mapping, grown by mremap"},
	{.name = "brk",
	 .memory = "anon",
	 .prepare = prepare_brk,
	 .step = grow_brk,
	 .help = "the heap, grown by brk"},
	{.name = "file",
	 .memory = "file",
	 .prepare = prepare_file,
	 .step = grow_file,
	 .help = "maps a scratch file piece by piece and reads it"},
	{.name = "shmem",
	 .memory = "shmem",
	 .step = grow_shmem,
	 .help = "shared anonymous mappings"},
	{.name = "memfd",
	 .memory = "shmem",
	 .prepare = prepare_memfd,
	 .step = grow_shmem,
	 .help = "mappings of a memfd"},
	{.name = "threads",
	 .memory = "anon",
	 .prepare = prepare_threads,
	 .step = grow_threads,
	 .help = "threads that each touch --step of their stack, and stay"},
	{.name = "children",
	 .memory = "none",
	 .prepare = prepare_children,
	 .step = grow_children,
	 .finish = finish_children,
	 .help = "fork and exec; each child touches --step and lives --lifetime-ms"},
	{.name = "forks",
	 .memory = "none",
	 .prepare = prepare_children,
	 .step = grow_forks,
	 .finish = finish_children,
	 .help = "the same, without exec"},
	{.name = "fault-loop",
	 .memory = "none",
	 .step = loop_faults,
	 .help = "one mapping of --step: touch it, MADV_DONTNEED, again: net zero"},
	{.name = "steady", .memory = "none", .step = steady, .help = "does nothing"},
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct kind *kind_find(const char *name)
{
	size_t i;

	for (i = 0; i < N_KINDS; i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	die(2, "unknown kind '%s'; see --help", name);
}

static void kinds_help(void)
{
	size_t i;

	printf("usage: %s KIND [options]; %s KIND --help lists the options\n",
	       program_invocation_short_name, program_invocation_short_name);
	for (i = 0; i < N_KINDS; i++)
		printf("  %-11s %s\n", kinds[i].name, kinds[i].help);
	exit(0);
}

/* Two of bytes, step and count make the third; 64 MiB in steps of 1 MiB if nothing is said. */
static void size_up(struct grow *g, const struct kind *kind)
{
	size_t unit = kind->any_step ? 1 : kind->huge ? HUGE_PAGE : g->page;
	size_t step = kind->huge ? HUGE_PAGE : MIB;

	if (g->count) {
		if (!g->step)
			g->step = g->bytes ? g->bytes / g->count : step;
		if (g->bytes && g->bytes != g->step * g->count)
			die(2, "--bytes is not --count times --step");
		g->bytes = g->step * g->count;
	} else {
		if (!g->bytes)
			g->bytes = 64 * MIB;
		if (!g->step)
			g->step = g->bytes < step ? g->bytes : step;
		if (!g->step || g->bytes % g->step)
			die(2, "--bytes is not a multiple of --step");
		g->count = g->bytes / g->step;
	}
	if (!g->step || g->step % unit)
		die(2, "%s: --step must be a multiple of %zu", kind->name, unit);
}

static void say_done(const struct grow *g, const struct kind *kind, uint64_t start_ns)
{
	const struct tally *t = &g->tally;
	double seconds = (double)(now_ns() - start_ns) / 1e9;

	if (kind->counts_unknown) {
		say("{\"event\":\"done\",\"kind\":\"%s\",\"memory\":\"%s\",\"bytes\":%lu,"
		    "\"touched_bytes\":%lu,\"requested_bytes\":%lu,\"seconds\":%.3f}",
		    kind->name, kind->memory, t->bytes, t->touched_bytes, t->requested_bytes,
		    seconds);
		return;
	}
	say("{\"event\":\"done\",\"kind\":\"%s\",\"memory\":\"%s\",\"bytes\":%lu,"
	    "\"touched_bytes\":%lu,\"mmap_count\":%lu,\"mmap_bytes\":%lu,\"munmap_count\":%lu,"
	    "\"munmap_bytes\":%lu,\"brk_count\":%lu,\"brk_bytes\":%lu,\"mremap_count\":%lu,"
	    "\"mremap_bytes\":%lu,\"madvise_count\":%lu,\"threads\":%lu,\"forks\":%lu,"
	    "\"execs\":%lu,\"exits\":%lu,\"child_bytes\":%lu,\"seconds\":%.3f}",
	    kind->name, kind->memory, t->bytes, t->touched_bytes, t->mmap_count, t->mmap_bytes,
	    t->munmap_count, t->munmap_bytes, t->brk_count, t->brk_bytes, t->mremap_count,
	    t->mremap_bytes, t->madvise_count, t->threads, t->forks, t->execs, t->exits,
	    t->forks ? g->step : 0, seconds);
}

static void take_steps(struct grow *g, const struct kind *kind)
{
	uint64_t start_ns = now_ns();

	for (g->taken = 0; g->taken < g->count;) {
		kind->step(g);
		g->taken++;
		protocol_rest_until(&g->protocol, start_ns + g->taken * g->interval_ms * NS_PER_MS);
	}
	if (kind->finish)
		kind->finish(g);
	say_done(g, kind, start_ns);
}

int main(int argc, char **argv)
{
	struct grow g = {
		.page = (size_t)sysconf(_SC_PAGESIZE),
		.lifetime_ms = 50,
		.parallel = 4,
		.fd = -1,
	};
	const struct option options[] = {
		{"--bytes", OPTION_SIZE, &g.bytes, "in all; 64M"},
		{"--step", OPTION_SIZE, &g.step, "a step; 1M"},
		{"--count", OPTION_NUMBER, &g.count, "steps; bytes / step"},
		{"--interval-ms", OPTION_NUMBER, &g.interval_ms, "from step to step; 0"},
		{"--lifetime-ms", OPTION_NUMBER, &g.lifetime_ms, "of a child; 50"},
		{"--parallel", OPTION_NUMBER, &g.parallel, "children at a time; 4"},
		{"--dir", OPTION_TEXT, &g.dir, "file: where the scratch file goes"},
		PROTOCOL_OPTIONS(&g.protocol),
	};
	const struct kind *kind;

	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		kinds_help();
	options_parse(argv + 2, "KIND [options]", options, sizeof(options) / sizeof(options[0]));
	if (!strcmp(argv[1], "child")) /* what "children" execs */
		child_live(&g);

	kind = kind_find(argv[1]);
	size_up(&g, kind);
	g.protocol.thp |= kind->huge;
	if (!g.parallel)
		die(2, "--parallel: at least 1");
	protocol_init(&g.protocol);
	if (kind->prepare)
		kind->prepare(&g);
	protocol_start(&g.protocol);
	take_steps(&g, kind);
	protocol_finish(&g.protocol);
}

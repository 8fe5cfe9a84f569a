// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * loops.c - does one cheap thing over and over and says what each costs: the victim of overhead
 * benchmarks.
 *
 *	loops fault|getppid|mmap [--seconds S] [--wait-go]
 *
 * Prints {"kind","iterations","ns_per_iteration","min_ns_per_iteration"} and ends. The minimum is
 * that of the fastest batch (a few ms each): what the loop costs when nothing else disturbs it.
 * With --wait-go the usual ready line and "go" come first. THP is off, unless --thp.
 */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "protocol.h"

#define FAULT_BYTES   (64UL * 1024 * 1024)
#define GETPPID_BATCH 20000UL
#define MMAP_BATCH    1000UL

struct loop {
	const char *name;
	/* Does a batch of iterations and returns how many. */
	unsigned long (*batch)(char *region, size_t page);
};

static char *map(size_t len)
{
	long ret = syscall(SYS_mmap, NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	if (ret == -1)
		die(1, "mmap: %s", strerror(errno));
	return (char *)ret;
}

/* An iteration is one page: its fault, and its share of giving it back. */
static unsigned long loop_fault(char *region, size_t page)
{
	volatile char *p;

	for (p = region; p < region + FAULT_BYTES; p += page)
		*p = 1;
	if (syscall(SYS_madvise, region, FAULT_BYTES, MADV_DONTNEED))
		die(1, "madvise: %s", strerror(errno));
	return FAULT_BYTES / page;
}

static unsigned long loop_getppid(char *region, size_t page)
{
	unsigned long i;

	(void)region;
	(void)page;
	for (i = 0; i < GETPPID_BATCH; i++)
		syscall(SYS_getppid);
	return GETPPID_BATCH;
}

/* An iteration is a mmap and a munmap of one page that nobody touches. */
static unsigned long loop_mmap(char *region, size_t page)
{
	unsigned long i;

	(void)region;
	for (i = 0; i < MMAP_BATCH; i++)
		if (syscall(SYS_munmap, map(page), page))
			die(1, "munmap: %s", strerror(errno));
	return MMAP_BATCH;
}

static const struct loop loops[] = {
	{"fault", loop_fault},
	{"getppid", loop_getppid},
	{"mmap", loop_mmap},
};

static const struct loop *loop_find(const char *name)
{
	size_t i;

	for (i = 0; name && i < sizeof(loops) / sizeof(loops[0]); i++)
		if (!strcmp(loops[i].name, name))
			return &loops[i];
	die(2, "name a loop: fault, getppid or mmap");
}

int main(int argc, char **argv)
{
	struct protocol protocol = {0};
	double seconds = 5, ns, min_ns = 0;
	const struct option options[] = {
		{"--seconds", OPTION_REAL, &seconds, "how long; 5"},
		PROTOCOL_OPTIONS(&protocol),
	};
	const struct loop *loop = loop_find(argv[1]);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned long iterations = 0, n;
	uint64_t start_ns, then_ns, ns_now;
	char *region;

	options_parse(argv + (argc > 1 ? 2 : 1), "fault|getppid|mmap [options]", options,
		      sizeof(options) / sizeof(options[0]));
	protocol_init(&protocol);
	region = map(FAULT_BYTES);
	loop->batch(region, page); /* warm, and not counted */
	if (protocol.wait_go)
		protocol_start(&protocol);

	start_ns = ns_now = now_ns();
	do {
		then_ns = ns_now;
		n = loop->batch(region, page);
		ns_now = now_ns();
		iterations += n;
		ns = (double)(ns_now - then_ns) / (double)n;
		if (min_ns == 0 || ns < min_ns)
			min_ns = ns;
	} while ((double)(ns_now - start_ns) < seconds * 1e9);

	say("{\"kind\":\"%s\",\"iterations\":%lu,\"ns_per_iteration\":%.2f,"
	    "\"min_ns_per_iteration\":%.2f}",
	    loop->name, iterations, (double)(ns_now - start_ns) / (double)iterations, min_ns);
	return 0;
}

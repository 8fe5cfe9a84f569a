// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * mmaps.c - makes exactly --count pairs of mmap and munmap, spread over --seconds, to check that an
 * observer counts every one of them.
 *
 *	mmaps [--count 1000000] [--seconds 10] [--bytes SIZE] [--wait-go] [--hold]
 *
 * --seconds 0 goes as fast as it can. Protocol: protocol.h. Nothing is touched, net growth is zero.
 */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "protocol.h"

#define PACE_EVERY 100 /* pairs; a look at the clock costs less than 1 % then */

int main(int argc, char **argv)
{
	struct protocol protocol = {0};
	unsigned long count = 1000000, bytes = (unsigned long)sysconf(_SC_PAGESIZE), i;
	double seconds = 10;
	const struct option options[] = {
		{"--count", OPTION_NUMBER, &count, "pairs of mmap and munmap; 1000000"},
		{"--seconds", OPTION_REAL, &seconds, "spread over; 10"},
		{"--bytes", OPTION_SIZE, &bytes, "size of each; a page"},
		PROTOCOL_OPTIONS(&protocol),
	};
	uint64_t start_ns;
	long p;

	(void)argc;
	options_parse(argv + 1, "[options]", options, sizeof(options) / sizeof(options[0]));
	protocol_init(&protocol);
	protocol_start(&protocol);

	start_ns = now_ns();
	for (i = 1; i <= count; i++) {
		p = syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == -1 || syscall(SYS_munmap, p, bytes))
			die(1, "pair %lu: %s", i, strerror(errno));
		if (i % PACE_EVERY == 0 || i == count)
			protocol_pace(&protocol, start_ns, seconds, i, count);
	}

	say("{\"event\":\"done\",\"kind\":\"mmaps\",\"bytes\":0,\"mmap_count\":%lu,"
	    "\"mmap_bytes\":%lu,\"munmap_count\":%lu,\"munmap_bytes\":%lu,\"seconds\":%.3f}",
	    count, count * bytes, count, count * bytes, (double)(now_ns() - start_ns) / 1e9);
	protocol_finish(&protocol);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * protocol.h - how a test and a workload talk to each other.
 *
 *	test					workload
 *	starts it, stdin is a pipe
 *						{"event":"ready","pid":P}
 *	attaches, writes "go"			(waits for it with --wait-go only)
 *						does what it is for
 *						{"event":"done", known counts and bytes}
 *	compares, closes stdin			ends with status 0
 *
 * stdout carries one JSON object a line, and nothing else. With --wait-go end-of-file on stdin ends
 *the program at any time; without, once it is done. --hold takes no notice of stdin once done: it
 * stays until SIGTERM, or until its parent ends.
 *
 * Nothing here allocates, and no line is longer than the buffer on the stack that "ready" already
 * touched: between go and done a process grows by what it means to grow by.
 */
#ifndef WORKLOADS_PROTOCOL_H
#define WORKLOADS_PROTOCOL_H

#include <errno.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "options.h"

#define NS_PER_S  1000000000ULL
#define NS_PER_MS 1000000ULL

struct protocol {
	bool wait_go;
	bool hold;
	bool thp;
};

/* clang-format off */
#define PROTOCOL_OPTIONS(p)                                                                        \
	{"--wait-go", OPTION_FLAG, &(p)->wait_go, "start when stdin says \"go\""},                 \
	{"--hold", OPTION_FLAG, &(p)->hold, "then stay until SIGTERM, whatever stdin does"},       \
	{"--thp", OPTION_FLAG, &(p)->thp, "leave transparent huge pages as they are"}
/* clang-format on */

/* One line, one write: readers never see half of it. */
__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...)
{
	char line[1024];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(line) - 1)
		_exit(1);
	line[len] = '\n';
	if (write(STDOUT_FILENO, line, (size_t)len + 1) != len + 1)
		_exit(1);
}

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Next byte of stdin, or -1 at its end. */
static inline int stdin_byte(void)
{
	unsigned char byte;
	ssize_t n;

	do
		n = read(STDIN_FILENO, &byte, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? byte : -1;
}

/* Children must never outlive who started them; @parent closes the race with its end. */
static inline void die_with_parent(pid_t parent, int sig)
{
	if (prctl(PR_SET_PDEATHSIG, sig) || getppid() != parent)
		_exit(1);
}

/* Before ready: what holds for the program's whole life. Huge pages would blur every number. */
static inline void protocol_init(const struct protocol *p)
{
	if (!p->thp && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0))
		die(1, "cannot disable transparent huge pages: %s", strerror(errno));
	if (p->hold)
		die_with_parent(getppid(), SIGTERM);
}

/* After ready: return when the test says so; other lines are skipped. */
static inline void protocol_wait_go(const struct protocol *p)
{
	char line[8];
	size_t len = 0;
	int c;

	if (!p->wait_go)
		return;
	for (;;) {
		c = stdin_byte();
		if (c < 0)
			_exit(0);
		if (c != '\n') {
			if (len < sizeof(line))
				line[len++] = (char)c;
			continue;
		}
		if (len == 2 && !memcmp(line, "go", 2))
			return;
		len = 0;
	}
}

/* Have the read-only parts of one module mapped, the code that is yet to run above all. */
static inline int warm_module(struct dl_phdr_info *module, size_t size, void *page)
{
	const volatile char *p, *start;
	size_t i;

	(void)size;
	for (i = 0; i < module->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &module->dlpi_phdr[i];

		if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
			continue;
		start = (const volatile char *)(module->dlpi_addr + segment->p_vaddr);
		for (p = start; p < start + segment->p_memsz; p += *(size_t *)page)
			(void)*p;
	}
	return 0;
}

/* Ready, go: the usual start. From here on file RSS does not grow by our own code. */
static inline void protocol_start(const struct protocol *p)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	dl_iterate_phdr(warm_module, &page);
	say("{\"event\":\"ready\",\"pid\":%d}", (int)getpid());
	protocol_wait_go(p);
}

/* Rest until a time of CLOCK_MONOTONIC, or end with stdin if a test drives it. */
static inline void protocol_rest_until(const struct protocol *p, uint64_t deadline_ns)
{
	struct pollfd in = {.fd = p->wait_go ? STDIN_FILENO : -1, .events = POLLIN};
	struct timespec left;
	uint64_t now;

	while ((now = now_ns()) < deadline_ns) {
		left.tv_sec = (time_t)((deadline_ns - now) / NS_PER_S);
		left.tv_nsec = (long)((deadline_ns - now) % NS_PER_S);
		if (ppoll(&in, 1, &left, NULL) > 0 && stdin_byte() < 0)
			_exit(0);
	}
}

/* Keep @total steps spread evenly over @seconds: call it when @done of them are. */
static inline void protocol_pace(const struct protocol *p, uint64_t start_ns, double seconds,
				 unsigned long done, unsigned long total)
{
	double share = (double)done / (double)total;

	protocol_rest_until(p, start_ns + (uint64_t)(seconds * 1e9 * share));
}

/* After done: stay, so that the test can look. Returns when stdin ends. */
static inline void protocol_wait_end(const struct protocol *p)
{
	while (p->hold)
		pause();
	while (stdin_byte() >= 0)
		;
}

__attribute__((noreturn)) static inline void protocol_finish(const struct protocol *p)
{
	protocol_wait_end(p);
	_exit(0);
}

#endif

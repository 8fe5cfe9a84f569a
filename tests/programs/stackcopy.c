/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * stackcopy DEPTH - copies its own registers and stack at a known depth, as the kernel side would,
 * and says what the unwinder of its own runtime (libgcc, by backtrace()) finds from there.
 *
 * Writes a struct mw_stack_copy, a count (uint64_t) and so many return addresses, leaf first, to
 * stdout; then waits until its stdin ends. Compiled by tests, with and without frame pointers.
 */
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "memwatch/sites.h"

#define MAX_FRAMES 512

static struct mw_stack_copy copy;
static void *addresses[MAX_FRAMES];
static uint64_t count;
static volatile int sink;

static void put(const void *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, bytes, len);

		if (n <= 0)
			exit(1);
		bytes = (const char *)bytes + n;
		len -= (size_t)n;
	}
}

/* Registers first, so that they are those of this very place. The end of the stack is in maps. */
static uint64_t stack_end(uint64_t sp)
{
	unsigned long start, end;
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 && sp >= start && sp < end) {
			fclose(maps);
			return end;
		}
	}
	exit(1);
}

static void stack_take(void)
{
	uint64_t sp = copy.regs[7], size = stack_end(sp) - sp;

	copy.size = size < MW_STACK_COPY_BYTES ? (uint32_t)size : MW_STACK_COPY_BYTES;
	memcpy(copy.stack, (const void *)sp, copy.size);
}

__attribute__((noinline)) int capture(int x)
{
	__asm__ volatile("movq %%rax, 0(%0)\n\tmovq %%rdx, 8(%0)\n\tmovq %%rcx, 16(%0)\n\t"
			 "movq %%rbx, 24(%0)\n\tmovq %%rsi, 32(%0)\n\tmovq %%rdi, 40(%0)\n\t"
			 "movq %%rbp, 48(%0)\n\tmovq %%rsp, 56(%0)\n\tmovq %%r8, 64(%0)\n\t"
			 "movq %%r9, 72(%0)\n\tmovq %%r10, 80(%0)\n\tmovq %%r11, 88(%0)\n\t"
			 "movq %%r12, 96(%0)\n\tmovq %%r13, 104(%0)\n\tmovq %%r14, 112(%0)\n\t"
			 "movq %%r15, 120(%0)\n\tleaq 1f(%%rip), %%rax\n\tmovq %%rax, 128(%0)\n1:"
			 :
			 : "D"(copy.regs)
			 : "rax", "memory");
	stack_take();
	count = (uint64_t)backtrace(addresses, MAX_FRAMES);
	return x + 1;
}

/* Frames of different shapes: big, with a variable-length array, realigned, many registers. */
__attribute__((noinline)) int step_plain(int n);

__attribute__((noinline)) int step_array(int n)
{
	volatile char bytes[16 + n % 64];

	bytes[n % 16] = (char)n;
	return step_plain(n - 1) + bytes[n % 16];
}

__attribute__((noinline)) int step_aligned(int n)
{
	volatile int block[16] __attribute__((aligned(64)));

	block[n % 16] = n;
	return step_plain(n - 1) + block[n % 16];
}

__attribute__((noinline)) int step_registers(int n)
{
	int a = sink, b = sink, c = sink, d = sink, e = sink, f = sink;
	int r = step_plain(n - 1);

	return r + a * b + c * d + e * f;
}

int step_plain(int n)
{
	static int (*const steps[])(int) = {step_array, step_aligned, step_registers, step_plain};

	if (n <= 0)
		return capture(n) + sink;
	return (n % 4 == 3 ? step_plain(n - 1) : steps[n % 4](n)) + sink;
}

static int depth;

static void on_signal(int sig)
{
	sink += step_plain(depth) + sig;
}

static void *thread(void *arg)
{
	sink += step_plain(depth);
	return arg;
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[2] : "main";
	char byte;

	depth = argc > 1 ? atoi(argv[1]) : 4;
	backtrace(addresses, 2); /* loads libgcc */
	if (!strcmp(how, "signal")) {
		signal(SIGUSR1, on_signal);
		raise(SIGUSR1);
	} else if (!strcmp(how, "thread")) {
		pthread_t t;

		pthread_create(&t, NULL, thread, NULL);
		pthread_join(t, NULL);
	} else {
		sink += step_plain(depth);
	}
	put(&copy, sizeof(copy));
	put(&count, sizeof(count));
	put(addresses, count * sizeof(addresses[0]));
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

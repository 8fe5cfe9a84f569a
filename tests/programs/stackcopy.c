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

#if defined(__aarch64__)
#define REG_SP 31
#define COPY_REGISTERS                                                                             \
	"stp x0, x1, [%0]\n\tstp x2, x3, [%0, #16]\n\tstp x4, x5, [%0, #32]\n\t"                   \
	"stp x6, x7, [%0, #48]\n\tstp x8, x9, [%0, #64]\n\tstp x10, x11, [%0, #80]\n\t"            \
	"stp x12, x13, [%0, #96]\n\tstp x14, x15, [%0, #112]\n\tstp x16, x17, [%0, #128]\n\t"      \
	"stp x18, x19, [%0, #144]\n\tstp x20, x21, [%0, #160]\n\tstp x22, x23, [%0, #176]\n\t"     \
	"stp x24, x25, [%0, #192]\n\tstp x26, x27, [%0, #208]\n\tstp x28, x29, [%0, #224]\n\t"     \
	"mov x1, sp\n\tstp x30, x1, [%0, #240]\n\tadr x1, 1f\n\tstr x1, [%0, #256]\n1:"
#define BASE	"r"
#define CLOBBER "x1"
#else
#define REG_SP 7
#define COPY_REGISTERS                                                                             \
	"movq %%rax, 0(%0)\n\tmovq %%rdx, 8(%0)\n\tmovq %%rcx, 16(%0)\n\t"                         \
	"movq %%rbx, 24(%0)\n\tmovq %%rsi, 32(%0)\n\tmovq %%rdi, 40(%0)\n\t"                       \
	"movq %%rbp, 48(%0)\n\tmovq %%rsp, 56(%0)\n\tmovq %%r8, 64(%0)\n\t"                        \
	"movq %%r9, 72(%0)\n\tmovq %%r10, 80(%0)\n\tmovq %%r11, 88(%0)\n\t"                        \
	"movq %%r12, 96(%0)\n\tmovq %%r13, 104(%0)\n\tmovq %%r14, 112(%0)\n\t"                     \
	"movq %%r15, 120(%0)\n\tleaq 1f(%%rip), %%rax\n\tmovq %%rax, 128(%0)\n1:"
#define BASE	"D"
#define CLOBBER "rax"
#endif

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
	uint64_t sp = copy.regs[REG_SP], size = stack_end(sp) - sp;

	copy.size = size < MW_STACK_COPY_BYTES ? (uint32_t)size : MW_STACK_COPY_BYTES;
	memcpy(copy.stack, (const void *)sp, copy.size);
}

__attribute__((noinline)) int capture(int x)
{
	__asm__ volatile(COPY_REGISTERS : : BASE(copy.regs) : CLOBBER, "memory");
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

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * grow [LIBRARY] - functions with known lines, one of them inlined; loads LIBRARY when a byte comes
 * on stdin. Prints "ready", then "loaded".
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile int sink;

static inline __attribute__((always_inline)) int inlined(int x)
{
	sink += x; /* line 15 */
	return sink * 2;
}

__attribute__((noinline)) int outer(int x)
{
	int y = inlined(x + 1); /* line 21 */

	return y + sink;
}

__attribute__((noinline)) void *grow_it(size_t n)
{
	void *p = malloc(n);

	sink = outer((int)n);
	return p;
}

/* Code with gaps, labels without a size, and a function within a function. */
__asm__(".text\n"
	".p2align 6\n"
	".globl asm_whole\n.type asm_whole, @function\n"
	"asm_whole: .skip 16, 0x90\n"
	".globl asm_inner\n.type asm_inner, @function\n"
	"asm_inner: .skip 16, 0x90\n.size asm_inner, 16\n"
	".skip 16, 0x90\n"
	".size asm_whole, 48\n"
	".skip 80, 0xcc\n" /* nobody's */
	".globl asm_label\n"
	"asm_label: .skip 32, 0x90\n"
	".globl asm_after\n.type asm_after, @function\n"
	"asm_after: ret\n.size asm_after, 1\n"
	".globl __asm_alias\n.type __asm_alias, @function\n.set __asm_alias, asm_after\n"
	".weak asm_weak\n.type asm_weak, @function\n.set asm_weak, asm_after\n");

int main(int argc, char **argv)
{
	char byte;

	free(grow_it(100));
	puts("ready");
	fflush(stdout);
	if (read(STDIN_FILENO, &byte, 1) == 1 && argc > 1) {
		puts(dlopen(argv[1], RTLD_NOW) ? "loaded" : dlerror());
		fflush(stdout);
	}
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

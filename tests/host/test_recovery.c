/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf/stack.bpf.h as plain functions: where the leaf is in code without frame
 * pointers, the first one is searched on the stack, and what arm64's link register is good
 * for. Code is of bytes here: what precedes a return address decides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wattributes" /* preserve_access_index is clang's */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "../../bpf/sites.bpf.h"
#pragma GCC diagnostic pop

#include "host/user.h"

#define LEAF	   (USER_FRAMELESS + 4)
#define CODE_BYTES 256
#define NEAR	   (1 << 16) /* how far from its saved copy a frame may be */

static struct mw_scratch *scratch;
static __u8 code[CODE_BYTES] __attribute__((aligned(8)));
/* The leaf's part of the stack; what it calls from follows somewhere above. */
static __u64 stack[1200];

/* Puts a call before code[@at], and returns that address. */
static __u64 call_before(unsigned at)
{
#if defined(__TARGET_ARCH_x86)
	code[at - 5] = 0xe8;
#else
	memcpy(&code[at - 4], &(__u32){0x94000010}, 4);
#endif
	return (__u64)&code[at];
}

/*
 * The leaf has saved the caller's frame pointer in stack[4], and the caller's address is in
 * stack[9]. The caller's frame is at stack[40], with two above it.
 */
static int setup(void **state)
{
	(void)state;
	host_reset();
	user_init();
	memset(code, 0, sizeof(code));
	memset(stack, 0, sizeof(stack));
	scratch = mw_scratch_of(MW_SCRATCH_CALL);
	assert_non_null(scratch);
	scratch->proc = user_proc();
	scratch->proc.text[0] = (struct mw_range){(__u64)code, (__u64)code + CODE_BYTES};
	stack[4] = (__u64)&stack[40];
	stack[9] = call_before(64);
	stack[40] = (__u64)&stack[80];
	stack[41] = call_before(128);
	stack[80] = 0;
	stack[81] = call_before(192);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_reset();
	return 0;
}

static void walk(const void *fp)
{
	struct mw_regs regs = {.ip = LEAF, .sp = (__u64)stack, .fp = (__u64)fp};

	mw_walk(scratch, MW_SCRATCH_CALL, &regs);
}

static void assert_chain(const __u64 *ips, unsigned count, unsigned flags)
{
	assert_int_equal(scratch->stack.count, count);
	assert_int_equal(scratch->stack.flags, flags);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(scratch->stack.frames[i].ip, ips[i]);
}

static void assert_recovered(void)
{
	const __u64 ips[] = {LEAF, (__u64)&code[64], (__u64)&code[128], (__u64)&code[192]};

	assert_chain(ips, 4, MW_STACK_RECOVERED);
}

/* The chain is found, its first function is not. */
static void assert_no_caller(void)
{
	const __u64 ips[] = {LEAF, (__u64)&code[128], (__u64)&code[192]};

	assert_chain(ips, 3, MW_STACK_RECOVERED);
}

static void assert_not_recovered(void)
{
	const __u64 ips[] = {LEAF};

	assert_chain(ips, 1, 0);
}

static void test_saved_frame_pointer(void **state)
{
	(void)state;
	walk(NULL); /* rbp is whatever the leaf computes with */
	assert_recovered();
	walk((void *)0x123);
	assert_recovered();
	walk(code); /* readable, but not a place on the stack */
	assert_recovered();
}

static void test_untouched_frame_pointer(void **state)
{
	(void)state;
	stack[4] = 0;
	walk(&stack[40]);
	assert_recovered();
	stack[9] = 0;
	walk(&stack[40]);
	assert_no_caller();
}

/* Only code without frame pointers is treated so. */
static void test_leaf_with_frame_pointer(void **state)
{
	struct mw_regs regs = {.ip = (__u64)&code[32], .sp = (__u64)stack, .fp = 0};

	(void)state;
	mw_walk(scratch, MW_SCRATCH_CALL, &regs);
	assert_int_equal(scratch->stack.count, 1);
	assert_int_equal(scratch->stack.flags, 0);
}

/* Addresses of code that nothing was called from: pointers to functions. */
static void test_a_call_precedes_the_return_address(void **state)
{
	(void)state;
	stack[2] = (__u64)&code[100];
	stack[6] = (__u64)code;
	walk(NULL);
	assert_recovered();
	stack[9] = (__u64)&code[100];
	walk(NULL);
	assert_no_caller();
	stack[9] = (__u64)&code[CODE_BYTES]; /* not in the code */
	code[CODE_BYTES - 5] = 0xe8;
	walk(NULL);
	assert_no_caller();
}

static void test_encodings_of_calls(void **state)
{
#if defined(__TARGET_ARCH_x86)
	static const struct {
		__u8 bytes[7];
		__u8 size;
		bool is_call;
	} all[] = {
		{{0xe8, 1, 2, 3, 4}, 5, true},		   /* call rel32 */
		{{0xe9, 1, 2, 3, 4}, 5, false},		   /* jmp */
		{{0xff, 0xd0}, 2, true},		   /* call *%rax */
		{{0x41, 0xff, 0xd7}, 3, true},		   /* call *%r15 */
		{{0xff, 0x10}, 2, true},		   /* call *(%rax) */
		{{0xff, 0x50, 0x18}, 3, true},		   /* call *0x18(%rax) */
		{{0xff, 0x54, 0x24, 0x08}, 4, true},	   /* call *8(%rsp) */
		{{0xff, 0x90, 1, 2, 0, 0}, 6, true},	   /* call *0x201(%rax) */
		{{0xff, 0x15, 1, 2, 3, 0}, 6, true},	   /* call *x(%rip) */
		{{0xff, 0x94, 0x24, 1, 2, 0, 0}, 7, true}, /* call *0x201(%rsp) */
		{{0xff, 0xe0}, 2, false},		   /* jmp *%rax */
		{{0xff, 0x25, 1, 2, 3, 0}, 6, false},	   /* jmp *x(%rip) */
		{{0xff, 0xc0}, 2, false},		   /* inc %eax */
		{{0xc3}, 1, false},			   /* ret */
		{{0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90}, 7, false},
	};
#else
	static const struct {
		__u8 bytes[4];
		__u8 size;
		bool is_call;
	} all[] = {
		{{0x10, 0, 0, 0x94}, 4, true},	   /* bl */
		{{0, 1, 0x3f, 0xd6}, 4, true},	   /* blr x8 */
		{{0x10, 0, 0, 0x14}, 4, false},	   /* b */
		{{0, 1, 0x1f, 0xd6}, 4, false},	   /* br x8 */
		{{0xc0, 3, 0x5f, 0xd6}, 4, false}, /* ret */
	};
#endif

	(void)state;
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		memset(&code[40], 0, 24);
		memcpy(&code[64 - all[i].size], all[i].bytes, all[i].size);
		walk(NULL);
		if (all[i].is_call)
			assert_recovered();
		else
			assert_no_caller();
	}
}

/* Code that cannot be read calls nothing. */
static void test_unreadable_code(void **state)
{
	(void)state;
	scratch->proc.text[1] = (struct mw_range){0x10000, 0x20000};
	stack[9] = 0x10008;
	walk(NULL);
	assert_no_caller();
}

/* A saved frame pointer points up the stack, near, to one that does, and to a return address. */
static void test_what_is_no_saved_frame_pointer(void **state)
{
	static __u64 far_away[NEAR / 8 + 1200];

	(void)state;
	stack[4] = (__u64)&stack[40] + 1; /* not aligned */
	walk(NULL);
	assert_not_recovered();
	stack[4] = (__u64)&stack[4]; /* to itself */
	walk(NULL);
	assert_not_recovered();
	stack[4] = (__u64)&stack[3]; /* down */
	walk(NULL);
	assert_not_recovered();
	stack[4] = (__u64)&stack[40];
	stack[40] = (__u64)&stack[40]; /* the next one to itself */
	walk(NULL);
	assert_not_recovered();
	stack[40] = (__u64)&stack[39];
	walk(NULL);
	assert_not_recovered();
	stack[40] = (__u64)&stack[40] + MW_FRAME_SPAN_MAX;
	walk(NULL);
	assert_not_recovered();
	stack[40] = (__u64)&stack[80];
	stack[41] = USER_JIT; /* no code with frame pointers */
	walk(NULL);
	assert_not_recovered();
	stack[41] = (__u64)&code[128];
	stack[4] = 0x10000; /* not readable */
	walk(NULL);
	assert_not_recovered();
	memcpy(far_away, stack, sizeof(stack));
	far_away[NEAR / 8 + 4] = (__u64)&far_away[NEAR / 8 + 80];
	far_away[NEAR / 8 + 5] = (__u64)&code[128];
	far_away[4] = (__u64)&far_away[NEAR / 8 + 4];
	mw_walk(scratch, MW_SCRATCH_CALL, &(struct mw_regs){.ip = LEAF, .sp = (__u64)far_away});
	assert_not_recovered();
}

/* The first that fits; what lies behind the frame is another function's. */
static void test_nearest(void **state)
{
	const __u64 ips[] = {LEAF, (__u64)&code[64], (__u64)&code[192]};

	(void)state;
	stack[2] = (__u64)&stack[80];
	stack[80] = (__u64)&stack[100];
	stack[81] = (__u64)&code[192];
	walk(NULL);
	assert_chain(ips, 3, MW_STACK_RECOVERED);
	assert_int_equal(setup(state), 0);
	stack[9] = 0;
	stack[41 + 5] = (__u64)&code[64];
	walk(NULL);
	assert_no_caller();
}

static void test_search_is_bounded(void **state)
{
	(void)state;
	memmove(&stack[MW_SCAN_WORDS], stack, 100 * sizeof(stack[0]));
	memset(stack, 0, MW_SCAN_WORDS * sizeof(stack[0]));
	for (unsigned i = 0; i < 90; i++) {
		__u64 *word = &stack[MW_SCAN_WORDS + i];

		if (*word >= (__u64)stack && *word < (__u64)(stack + 1200))
			*word += MW_SCAN_WORDS * sizeof(stack[0]);
	}
	walk(NULL);
	assert_not_recovered();
	stack[MW_SCAN_WORDS - 1] = stack[MW_SCAN_WORDS + 4]; /* the last that is looked at */
	walk(NULL);
	assert_no_caller();
}

/* The outermost frames of a thread: less than the words that are searched. */
static void test_near_the_end_of_the_stack(void **state)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	__u64 *sp = (__u64 *)(pages + 4096) - 24;
	const __u64 ips[] = {LEAF, (__u64)&code[64], (__u64)&code[128]};

	(void)state;
	assert_int_equal(mprotect(pages + 4096, 4096, PROT_NONE), 0);
	sp[4] = (__u64)&sp[20];
	sp[9] = (__u64)&code[64];
	sp[20] = (__u64)&sp[22];
	sp[21] = (__u64)&code[128];
	memset(scratch->words, 0xA5, sizeof(scratch->words));
	mw_walk(scratch, MW_SCRATCH_CALL, &(struct mw_regs){.ip = LEAF, .sp = (__u64)sp});
	assert_int_equal(scratch->stack.flags & ~MW_STACK_UNREADABLE, MW_STACK_RECOVERED);
	assert_true(scratch->stack.count >= 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(scratch->stack.frames[i].ip, ips[i]);
	mw_walk(scratch, MW_SCRATCH_CALL,
		&(struct mw_regs){.ip = LEAF, .sp = (__u64)(pages + 4096)});
	assert_not_recovered();
	munmap(pages, 8192);
}

/* ---- the link register ---- */

static void walk_leaf(__u64 ip, __u64 link)
{
	struct mw_regs regs = {.ip = ip, .sp = (__u64)stack, .fp = (__u64)&stack[40], .link = link};

	mw_walk(scratch, MW_SCRATCH_CALL, &regs);
}

/* The leaf is in code with frame pointers, and has no frame: fp is its caller's. */
static void test_link_of_a_frameless_leaf(void **state)
{
	const __u64 ips[] = {(__u64)&code[32], (__u64)&code[64], (__u64)&code[128],
			     (__u64)&code[192]};

	(void)state;
	walk_leaf((__u64)&code[32], (__u64)&code[64]);
	assert_chain(ips, 4, MW_STACK_LINK);
	/* Called by a library without frame pointers */
	scratch->proc.text[0].end = (__u64)&code[48];
	scratch->proc.frameless[0] = (struct mw_range){(__u64)&code[48], (__u64)&code[CODE_BYTES]};
	walk_leaf((__u64)&code[32], (__u64)&code[64]);
	assert_chain(ips, 4, MW_STACK_LINK);
}

/* What the frame says too, and what is no return address into code. */
static void test_link_that_is_none(void **state)
{
	const __u64 ips[] = {(__u64)&code[32], (__u64)&code[128], (__u64)&code[192]};
	const __u64 links[] = {0,	 (__u64)&code[128], (__u64)&code[100],
			       USER_JIT, (__u64)stack,	    ~0ULL};

	(void)state;
	for (unsigned i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		walk_leaf((__u64)&code[32], links[i]);
		assert_chain(ips, 3, 0);
	}
	/* JIT code and builtins have frames, and use the register for other things */
	walk_leaf(USER_JIT, (__u64)&code[64]);
	assert_int_equal(scratch->stack.count, 3);
	scratch->proc.v8.builtins[0] = (struct mw_range){(__u64)&code[32], (__u64)&code[40]};
	walk_leaf((__u64)&code[32], (__u64)&code[64]);
	assert_int_equal(scratch->stack.count, 3);
}

/* From code with frame pointers into code without: it is the caller that is searched. */
static void test_link_of_a_leaf_without_frame_pointers(void **state)
{
	const __u64 ips[] = {LEAF, (__u64)&code[96], (__u64)&code[128], (__u64)&code[192]};

	(void)state;
	walk_leaf(LEAF, call_before(96));
	assert_chain(ips, 4, MW_STACK_RECOVERED);
	walk_leaf(LEAF, (__u64)&code[100]); /* not called from there */
	assert_recovered();
}

#if defined(__TARGET_ARCH_arm64)
/* Signed by pointer authentication, in the bits above those of an address. */
static void test_signed_addresses(void **state)
{
	const __u64 ips[] = {(__u64)&code[32], (__u64)&code[64], (__u64)&code[128],
			     (__u64)&code[192]};
	const __u64 signature = 0x2dULL << 48;

	(void)state;
	stack[41] |= signature;
	stack[81] |= signature << 1;
	walk_leaf((__u64)&code[32], (__u64)&code[64] | signature);
	assert_chain(ips, 4, MW_STACK_LINK);
	stack[9] |= signature;
	walk(NULL);
	assert_recovered();
}
#endif

#define IN_KERNEL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_KERNEL(test_saved_frame_pointer),
		IN_KERNEL(test_untouched_frame_pointer),
		IN_KERNEL(test_leaf_with_frame_pointer),
		IN_KERNEL(test_a_call_precedes_the_return_address),
		IN_KERNEL(test_encodings_of_calls),
		IN_KERNEL(test_unreadable_code),
		IN_KERNEL(test_what_is_no_saved_frame_pointer),
		IN_KERNEL(test_nearest),
		IN_KERNEL(test_search_is_bounded),
		IN_KERNEL(test_near_the_end_of_the_stack),
		IN_KERNEL(test_link_of_a_frameless_leaf),
		IN_KERNEL(test_link_that_is_none),
		IN_KERNEL(test_link_of_a_leaf_without_frame_pointers),
#if defined(__TARGET_ARCH_arm64)
		IN_KERNEL(test_signed_addresses),
#endif
	};

	return cmocka_run_group_tests_name("bpf/stack, recovery", tests, NULL, NULL);
}

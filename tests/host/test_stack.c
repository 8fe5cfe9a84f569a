/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf/stack.bpf.h as plain functions: walks over stacks that are made by hand,
 * what is taken for a frame of JavaScript, and hostile stacks.
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

#define LEAF (USER_TEXT + 4)

static struct mw_scratch *scratch;

static int setup(void **state)
{
	(void)state;
	host_reset();
	user_init();
	scratch = mw_scratch_of(MW_SCRATCH_CALL);
	assert_non_null(scratch);
	memset(&scratch->stack, 0xA5, sizeof(scratch->stack)); /* of the walk before */
	scratch->proc = user_proc();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_reset();
	return 0;
}

static __u32 walk_from(__u64 ip, const void *fp)
{
	struct mw_regs regs = {.ip = ip, .sp = (__u64)(user_fp(0) - 4), .fp = (__u64)fp};

	return mw_walk(scratch, MW_SCRATCH_CALL, &regs);
}

static __u64 hash_from(__u64 ip, const void *fp)
{
	walk_from(ip, fp);
	return scratch->stack.hash;
}

static const struct mw_frame *frame(unsigned i)
{
	assert_true(i < scratch->stack.count);
	return &scratch->stack.frames[i];
}

static void assert_native(const struct mw_frame *f, __u64 ip)
{
	const struct mw_frame expected = {.ip = ip, .kind = MW_FRAME_NATIVE};

	assert_memory_equal(f, &expected, sizeof(expected));
}

/* ---- the chain ---- */

static void test_native_chain(void **state)
{
	(void)state;
	user_chain(4);
	assert_int_equal(walk_from(LEAF, user_fp(0)), 0);
	assert_int_equal(scratch->stack.count, 4);
	assert_int_equal(scratch->stack.flags, 0);
	assert_native(frame(0), LEAF);
	for (unsigned i = 1; i < 4; i++)
		assert_native(frame(i), user_text(i));
}

/* The same code at other places of the stack is the same; in another order or number not. */
static void test_hash(void **state)
{
	__u64 hash, other;

	(void)state;
	user_chain(3);
	hash = hash_from(LEAF, user_fp(0));
	user_fp(0)[0] = (__u64)user_fp(7);
	user_fp(7)[0] = (__u64)user_fp(9);
	user_fp(7)[1] = user_text(2);
	assert_int_equal(hash_from(LEAF, user_fp(0)), hash);
	user_fp(0)[1] = user_text(2);
	user_fp(7)[1] = user_text(1);
	other = hash_from(LEAF, user_fp(0));
	assert_int_equal(scratch->stack.count, 3);
	assert_int_not_equal(other, hash);
	user_chain(2);
	other = hash_from(LEAF, user_fp(0));
	assert_int_not_equal(other, hash);
	assert_int_not_equal(hash_from(LEAF + 1, user_fp(0)), other);
}

static void test_cut_at_the_limit(void **state)
{
	__u64 hash;

	(void)state;
	user_chain(MW_FRAMES);
	hash = hash_from(LEAF, user_fp(0));
	assert_int_equal(scratch->stack.count, MW_FRAMES);
	assert_int_equal(scratch->stack.flags, 0);
	assert_native(frame(MW_FRAMES - 1), user_text(MW_FRAMES - 1));
	user_chain(MW_FRAMES + 1);
	assert_int_equal(hash_from(LEAF, user_fp(0)), hash);
	assert_int_equal(scratch->stack.count, MW_FRAMES);
	assert_int_equal(scratch->stack.flags, MW_STACK_CUT);
	user_chain(USER_FRAMES);
	assert_int_equal(hash_from(LEAF, user_fp(0)), hash);
	assert_int_equal(scratch->stack.count, MW_FRAMES);
	assert_int_equal(scratch->stack.flags, MW_STACK_CUT);
}

/* The outermost frame has no frame pointer. */
static void test_ends_without_a_frame_pointer(void **state)
{
	static const __u64 none[] = {0, 1, 8, 4088};

	(void)state;
	user_chain(3);
	for (unsigned i = 0; i < 4; i++) {
		walk_from(LEAF, (void *)none[i]);
		assert_int_equal(scratch->stack.count, 1);
		assert_int_equal(scratch->stack.flags, 0);
		assert_native(frame(0), LEAF);
	}
	for (unsigned off = 1; off < 8; off++) {
		walk_from(LEAF, (char *)user_fp(0) + off);
		assert_int_equal(scratch->stack.count, 1);
		assert_int_equal(scratch->stack.flags, 0);
	}
	user_fp(1)[1] = 0; /* nor has it a return address */
	walk_from(LEAF, user_fp(0));
	assert_int_equal(scratch->stack.count, 2);
	assert_int_equal(scratch->stack.flags, 0);
}

/* ---- hostile stacks ---- */

static void test_unreadable(void **state)
{
	char *pages =
		mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const void *bad[] = {
		pages + 4096, /* all of it */
		pages + 8192, /* the words below */
		pages + 4088, /* the return address */
		(void *)0xffffffff81000000UL,
		(void *)0x00f0000000000000UL,
		(void *)UINT64_MAX,
		(void *)(UINT64_MAX - 7),
	};

	(void)state;
	assert_int_equal(mprotect(pages + 4096, 4096, PROT_NONE), 0);
	user_chain(2);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		walk_from(LEAF, bad[i]);
		assert_int_equal(scratch->stack.count, 1);
		assert_int_equal(scratch->stack.flags, (__u64)bad[i] & 7 ? 0 : MW_STACK_UNREADABLE);
		assert_native(frame(0), LEAF);
	}
	*(__u64 *)(pages + 2048) = (__u64)(pages + 4096); /* its caller's */
	*(__u64 *)(pages + 2056) = user_text(1);
	walk_from(LEAF, pages + 2048);
	assert_int_equal(scratch->stack.count, 2);
	assert_int_equal(scratch->stack.flags, MW_STACK_UNREADABLE);
	assert_native(frame(1), user_text(1));
	munmap(pages, 3 * 4096);
}

/* Frame pointers go up, and not too far: then the caller is still named, and that is all. */
static void test_hostile_frame_pointers(void **state)
{
	const __u64 hostile[] = {
		(__u64)user_fp(1), /* to itself */
		(__u64)user_fp(0), /* down: a cycle */
		(__u64)user_fp(1) - 8, (__u64)user_fp(1) + MW_STACK_SPAN_MAX + 8,
		UINT64_MAX & ~7ULL,
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		user_chain(4);
		user_fp(1)[0] = hostile[i];
		walk_from(LEAF, user_fp(0));
		assert_int_equal(scratch->stack.count, 3);
		assert_int_equal(scratch->stack.flags, 0);
		assert_native(frame(2), user_text(2));
	}
}

static void test_longest_span(void **state)
{
	size_t size = MW_STACK_SPAN_MAX + 8192;
	__u64 *low = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	__u64 *fp = low + 256, *far = fp + MW_STACK_SPAN_MAX / 8;

	(void)state;
	fp[0] = (__u64)far;
	fp[1] = user_text(1);
	far[1] = user_text(2);
	walk_from(LEAF, fp);
	assert_int_equal(scratch->stack.count, 3);
	assert_native(frame(2), user_text(2));
	munmap(low, size);
}

/* ---- JavaScript ---- */

static void assert_js(const struct mw_frame *f, __u64 ip, unsigned function, __s32 offset)
{
	const struct mw_frame expected = {
		.ip = ip,
		.kind = MW_FRAME_JS,
		.function = tagged(&user.shared[function]),
		.bytecode_offset = offset,
		.script_id = 30 + (int)function,
		.literal_id = 50 + (int)function,
	};

	assert_memory_equal(f, &expected, sizeof(expected));
}

static void test_js_frames(void **state)
{
	(void)state;
	user_chain(5);
	user_js_frame(1, 0, USER_JIT);
	user_js_frame(3, 2, USER_BUILTINS);
	user_fp(1)[-4] = user_fp(1)[-5] = smi(1234); /* JIT code keeps something else there */
	user_fp(3)[-4] = smi(77);
	user_fp(3)[-5] = smi(88);
	assert_int_equal(walk_from(LEAF, user_fp(0)), 2);
	assert_int_equal(scratch->stack.count, 5);
	assert_native(frame(0), LEAF);
	assert_js(frame(1), USER_JIT, 0, 0);
	assert_native(frame(2), user_text(2));
	assert_js(frame(3), USER_BUILTINS, 2, 77);
	assert_native(frame(4), user_text(4));
	scratch->proc.v8.bytecode_offset_fp = -40;
	walk_from(LEAF, user_fp(0));
	assert_js(frame(3), USER_BUILTINS, 2, 88);
	user_fp(3)[-5] = smi(-1);
	walk_from(LEAF, user_fp(0));
	assert_js(frame(3), USER_BUILTINS, 2, -1);
}

/* The bounds of the builtins, which may lie twice in memory. */
static void test_builtins(void **state)
{
	const struct {
		__u64 ip;
		bool is_builtin;
	} code[] = {
		{USER_BUILTINS - 1, false},	{USER_BUILTINS, true},
		{USER_BUILTINS + 0xffff, true}, {USER_BUILTINS + USER_CODE_BYTES, false},
		{USER_JIT + 0x1000, true},	{USER_JIT + 0xfff, false},
	};

	(void)state;
	scratch->proc.v8.builtins[1] = (struct mw_range){USER_JIT + 0x1000, USER_JIT + 0x2000};
	for (unsigned i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
		user_chain(2);
		user_js_frame(1, 1, code[i].ip);
		user_fp(1)[-4] = smi(5);
		walk_from(LEAF, user_fp(0));
		assert_js(frame(1), code[i].ip, 1, code[i].is_builtin ? 5 : 0);
	}
}

/* A frame of C++ may hold the same words by chance; the builtins in its file are V8's. */
static void test_native_code_is_not_js(void **state)
{
	(void)state;
	scratch->proc.text[1] = (struct mw_range){USER_BUILTINS, USER_BUILTINS + USER_CODE_BYTES};
	user_chain(2);
	user_js_frame(1, 0, user_text(9));
	assert_int_equal(walk_from(LEAF, user_fp(0)), 0);
	assert_native(frame(1), user_text(9));
	user_js_frame(1, 0, USER_FRAMELESS + 5);
	assert_int_equal(walk_from(LEAF, user_fp(0)), 0);
	assert_native(frame(1), USER_FRAMELESS + 5);
	user_fp(1)[-1] = 2 * 9; /* nor a stub frame */
	walk_from(LEAF, user_fp(0));
	assert_native(frame(1), USER_FRAMELESS + 5);
	user_js_frame(1, 0, USER_BUILTINS + 5);
	assert_int_equal(walk_from(LEAF, user_fp(0)), 1);
	assert_js(frame(1), USER_BUILTINS + 5, 0, 0);
	scratch->proc.v8.enabled = 0;
	assert_int_equal(walk_from(LEAF, user_fp(0)), 0);
	assert_native(frame(1), USER_BUILTINS + 5);
}

static void test_stub_frames(void **state)
{
	(void)state;
	user_chain(2);
	user_js_frame(1, 0, USER_JIT);
	for (int type = 1; type < 64; type++) {
		const struct mw_frame expected = {
			.ip = USER_JIT, .kind = MW_FRAME_STUB, .bytecode_offset = type};

		user_fp(1)[-1] = 2 * (unsigned)type;
		assert_int_equal(walk_from(LEAF, user_fp(0)), 0);
		assert_memory_equal(frame(1), &expected, sizeof(expected));
	}
	for (__u64 odd = 3; odd < 128; odd += 4) {
		user_fp(1)[-1] = odd;
		walk_from(LEAF, user_fp(0));
		assert_native(frame(1), USER_JIT);
	}
	user_fp(1)[-1] = 0; /* NO_FRAME_TYPE */
	walk_from(LEAF, user_fp(0));
	assert_native(frame(1), USER_JIT);
	user_fp(1)[-1] = 128;
	walk_from(LEAF, user_fp(0));
	assert_native(frame(1), USER_JIT);
	user_fp(1)[-1] = smi(4);
	walk_from(LEAF, user_fp(0));
	assert_native(frame(1), USER_JIT);
}

static void assert_no_function(void)
{
	assert_int_equal(walk_from(LEAF, user_fp(0)), 0);
	assert_int_equal(scratch->stack.count, 2);
	assert_int_equal(scratch->stack.flags, 0);
	assert_native(frame(1), USER_BUILTINS);
	user_init();
	user_chain(2);
	user_js_frame(1, 0, USER_BUILTINS);
	user_fp(1)[-4] = smi(5);
}

/* What is no JSFunction with a SharedFunctionInfo is native. */
static void test_wrong_types(void **state)
{
	static const __u64 not_tagged[] = {0, 2, 3, 0x10000, 0x10003};

	(void)state;
	user_chain(2);
	user_js_frame(1, 0, USER_BUILTINS);
	for (unsigned i = 0; i < 5; i++) {
		if (not_tagged[i] > 128) {
			user_fp(1)[-1] = not_tagged[i];
			assert_no_function();
		}
		user_fp(1)[-2] = not_tagged[i];
		assert_no_function();
		user.function[0].map = not_tagged[i];
		assert_no_function();
		user.function[0].shared = not_tagged[i];
		assert_no_function();
		user.shared[0].map = not_tagged[i];
		assert_no_function();
	}
	user.function[0].map = tagged(&user.other_map);
	assert_no_function();
	user.shared[0].map = tagged(&user.other_map);
	assert_no_function();
	user.function[0].shared = tagged(&user.function[1]);
	assert_no_function();
	user.function_map.type = TYPE_FUNCTION_FIRST - 1;
	assert_no_function();
	user.function_map.type = TYPE_FUNCTION_LAST + 1;
	assert_no_function();
	user.function_map.type = 0;
	assert_no_function();
	user.function_map.type = TYPE_FUNCTION_LAST;
	assert_int_equal(walk_from(LEAF, user_fp(0)), 1);
	assert_js(frame(1), USER_BUILTINS, 0, 5);
}

static void test_unreadable_objects(void **state)
{
	static const __u64 nowhere = 0x10001; /* tagged */

	(void)state;
	user_chain(2);
	user_js_frame(1, 0, USER_BUILTINS);
	user_fp(1)[-2] = nowhere;
	assert_no_function();
	user.function[0].map = nowhere;
	assert_no_function();
	user.function[0].shared = nowhere;
	assert_no_function();
	user.shared[0].map = nowhere;
	assert_no_function();
	user_fp(1)[-2] = UINT64_MAX - 2;
	assert_no_function();
}

/* A function is one also if its script cannot be read. */
static void test_no_script(void **state)
{
	static const __u64 none[] = {0, 0x10001, 0x10000};

	(void)state;
	user_chain(2);
	user_js_frame(1, 0, USER_JIT);
	for (unsigned i = 0; i < 3; i++) {
		user.shared[0].script = none[i];
		assert_int_equal(walk_from(LEAF, user_fp(0)), 1);
		assert_int_equal(frame(1)->kind, MW_FRAME_JS);
		assert_int_equal(frame(1)->script_id, 0);
		assert_int_equal(frame(1)->literal_id, 50);
	}
}

/* V8 moves functions: their identity is in the hash, not where they lie. */
static void test_hash_of_moved_functions(void **state)
{
	__u64 hash;

	(void)state;
	user_chain(2);
	user_js_frame(1, 0, USER_BUILTINS);
	user_fp(1)[-4] = smi(5);
	hash = hash_from(LEAF, user_fp(0));
	user.function[1] = user.function[0];
	user_fp(1)[-2] = tagged(&user.function[1]);
	assert_int_equal(hash_from(LEAF, user_fp(0)), hash);
	user.shared[1] = user.shared[0];
	user.script[1] = user.script[0];
	user.shared[1].script = tagged(&user.script[1]);
	user.function[1].shared = tagged(&user.shared[1]);
	assert_int_equal(hash_from(LEAF, user_fp(0)), hash);
	user.shared[1].literal_id++;
	assert_int_not_equal(hash_from(LEAF, user_fp(0)), hash);
	user.shared[1].literal_id--;
	user.script[1].id = smi(31);
	assert_int_not_equal(hash_from(LEAF, user_fp(0)), hash);
	user.script[1].id = smi(30);
	user_fp(1)[-4] = smi(6); /* another place in it */
	assert_int_not_equal(hash_from(LEAF, user_fp(0)), hash);
	user_fp(1)[-4] = smi(5);
	assert_int_equal(hash_from(LEAF, user_fp(0)), hash);
}

#define IN_KERNEL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_KERNEL(test_native_chain),
		IN_KERNEL(test_hash),
		IN_KERNEL(test_cut_at_the_limit),
		IN_KERNEL(test_ends_without_a_frame_pointer),
		IN_KERNEL(test_unreadable),
		IN_KERNEL(test_hostile_frame_pointers),
		IN_KERNEL(test_longest_span),
		IN_KERNEL(test_js_frames),
		IN_KERNEL(test_builtins),
		IN_KERNEL(test_native_code_is_not_js),
		IN_KERNEL(test_stub_frames),
		IN_KERNEL(test_wrong_types),
		IN_KERNEL(test_unreadable_objects),
		IN_KERNEL(test_no_script),
		IN_KERNEL(test_hash_of_moved_functions),
	};

	return cmocka_run_group_tests_name("bpf/stack", tests, NULL, NULL);
}

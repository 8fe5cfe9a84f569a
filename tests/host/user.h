/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A program in user space, made by hand in the test's own memory: a stack of
 * frames, functions as V8 has them, registers. Code is but numbers, unless a test
 * puts bytes there.
 *
 * Include behind the BPF source. Frame 0 is the leaf, and lies lowest.
 */
#ifndef MEMWATCH_TESTS_HOST_USER_H
#define MEMWATCH_TESTS_HOST_USER_H

#define TGID		 100U
#define TID		 101U

#define USER_FRAMES	 80
#define USER_FRAME_WORDS 16
#define USER_FUNCTIONS	 4

/* Where code lies: with frame pointers, without them, V8's builtins, JIT code. */
#define USER_TEXT	0x400000UL
#define USER_FRAMELESS	0x500000UL
#define USER_BUILTINS	0x600000UL
#define USER_JIT	0x700000UL
#define USER_CODE_BYTES 0x10000UL

/* Instance types */
enum { TYPE_FUNCTION_FIRST = 2065, TYPE_FUNCTION_LAST = 2080, TYPE_SHARED = 181, TYPE_OTHER = 7 };

/* V8's objects; as wide apart as in any version, but not as in a certain one. */
struct user_map {
	__u64 map, sizes;
	__u16 type;
};

struct user_script {
	__u64 map, source, id; /* a Smi */
};

struct user_shared {
	__u64 map, data, script;
	__s32 length, literal_id;
};

struct user_function {
	__u64 map, properties, elements, shared;
};

static struct user {
	__u64 stack[USER_FRAMES * USER_FRAME_WORDS];
	struct user_map function_map, shared_map, other_map;
	struct user_script script[USER_FUNCTIONS];
	struct user_shared shared[USER_FUNCTIONS];
	struct user_function function[USER_FUNCTIONS];
} user;

static inline __u64 tagged(const void *object)
{
	return (__u64)object | 1;
}

static inline __u64 smi(__s32 value)
{
	return (__u64)(__u32)value << 32;
}

/* The frame pointer of a frame; with negative indices what lies below it. */
static inline __u64 *user_fp(unsigned frame)
{
	return &user.stack[frame * USER_FRAME_WORDS + USER_FRAME_WORDS / 2];
}

static inline __u64 user_text(unsigned frame)
{
	return USER_TEXT + 0x100 + 16 * frame;
}

/* A stack of @count native frames; the return addresses are user_text(1), (2) ... */
static inline void user_chain(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		user_fp(i)[0] = i + 1 < count ? (__u64)user_fp(i + 1) : 0;
		user_fp(i)[1] = i + 1 < count ? user_text(i + 1) : 0;
	}
}

/* Makes @frame one of function @f, in code at @ip; not for the leaf's ip, which is a register. */
static inline void user_js_frame(unsigned frame, unsigned f, __u64 ip)
{
	if (frame)
		user_fp(frame - 1)[1] = ip;
	user_fp(frame)[-1] = tagged(&user.other_map); /* a context */
	user_fp(frame)[-2] = tagged(&user.function[f]);
}

static inline void user_init(void)
{
	memset(&user, 0, sizeof(user));
	user.function_map.type = TYPE_FUNCTION_FIRST;
	user.shared_map.type = TYPE_SHARED;
	user.other_map.type = TYPE_OTHER;
	for (unsigned i = 0; i < USER_FUNCTIONS; i++) {
		user.script[i] = (struct user_script){.map = tagged(&user.other_map),
						      .id = smi(30 + (int)i)};
		user.shared[i] = (struct user_shared){.map = tagged(&user.shared_map),
						      .script = tagged(&user.script[i]),
						      .length = 99,
						      .literal_id = 50 + (int)i};
		user.function[i] = (struct user_function){.map = tagged(&user.function_map),
							  .shared = tagged(&user.shared[i])};
	}
}

static inline struct mw_site_proc user_proc(void)
{
	return (struct mw_site_proc){
		.v8 = {.enabled = 1,
		       .shared_offset = offsetof(struct user_function, shared),
		       .map_type_offset = offsetof(struct user_map, type),
		       .function_type_first = TYPE_FUNCTION_FIRST,
		       .function_type_last = TYPE_FUNCTION_LAST,
		       .shared_type = TYPE_SHARED,
		       .bytecode_offset_fp = -32,
		       .shared_script_offset = offsetof(struct user_shared, script),
		       .shared_literal_id_offset = offsetof(struct user_shared, literal_id),
		       .script_id_offset = offsetof(struct user_script, id),
		       .builtins = {{USER_BUILTINS, USER_BUILTINS + USER_CODE_BYTES}}},
		.text = {{USER_TEXT, USER_TEXT + USER_CODE_BYTES}},
		.frameless = {{USER_FRAMELESS, USER_FRAMELESS + USER_CODE_BYTES}},
	};
}

static inline struct pt_regs user_regs(__u64 ip, const void *sp, const void *fp)
{
	struct pt_regs regs = {0};

#if defined(__TARGET_ARCH_x86)
	regs.ip = ip;
	regs.sp = (__u64)sp;
	regs.bp = (__u64)fp;
#else
	regs.user_regs.pc = ip;
	regs.user_regs.sp = (__u64)sp;
	regs.user_regs.regs[29] = (__u64)fp;
#endif
	return regs;
}

/* At the leaf of the stack. */
static inline struct pt_regs user_leaf_regs(__u64 ip)
{
	return user_regs(ip, user_fp(0) - 4, user_fp(0));
}

/* At the entry of a function. */
static inline struct pt_regs user_call_regs(__u64 arg1, __u64 arg2, __u64 arg3, __u64 arg4)
{
#if defined(__TARGET_ARCH_x86)
	return (struct pt_regs){.di = arg1, .si = arg2, .dx = arg3, .cx = arg4};
#else
	return (struct pt_regs){.regs = {arg1, arg2, arg3, arg4}};
#endif
}

/* Where a function has returned to, whose frame is the leaf. */
static inline struct pt_regs user_return_regs(__u64 ip, __u64 value)
{
	struct pt_regs regs = user_leaf_regs(ip);

#if defined(__TARGET_ARCH_x86)
	regs.ax = value;
#else
	regs.regs[0] = value;
#endif
	return regs;
}

/* The current task is a thread of the process TGID, whose sites are taken as @proc says. */
static inline void user_watch(struct task_struct *task, const struct mw_site_proc *proc)
{
	__u32 pid = TGID;

	*task = (struct task_struct){.pid = TID, .tgid = TGID, .group_leader = task};
	host.current = task;
	host.pid_tgid = (__u64)TGID << 32 | TID;
	mw_ctl = (struct mw_control){.nr_site_procs = 1};
	bpf_map_update_elem(&mw_site_procs, &pid, proc, BPF_ANY);
}

/* The entry of a site; NULL if there is none. */
static inline struct mw_site *user_site(__u32 kind, __u64 hash)
{
	struct mw_site_key key = {.pid = TGID, .kind = kind, .hash = hash};

	return bpf_map_lookup_elem(&mw_sites, &key);
}

/* The stack that was sent as record @i. */
static inline const struct mw_stack *user_sent(unsigned i)
{
	const struct mw_stack *stack = i < host.submitted_count ? host.submitted[i].data : NULL;

	assert_non_null(stack);
	assert_ptr_equal(host.submitted[i].ring, &mw_stacks);
	assert_int_equal(stack->h.record, MW_STACK_FRAMES);
	assert_int_equal(host.submitted[i].size, offsetof(struct mw_stack, frames) +
							 stack->count * sizeof(struct mw_frame));
	return stack;
}

#endif

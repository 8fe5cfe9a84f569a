/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf/gc.bpf.c as plain functions: collections by uprobes on V8 and by USDT probes, one record of
 * each.
 */
#include <limits.h>
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
#include "../../bpf/gc.bpf.c"
#pragma GCC diagnostic pop

#include "host/process.h"

#define TGID   100U
#define HEAP   0x5000
#define HEAP_2 0x6000
#define START  5000000
#define PAUSE  1700

/* How many collections wait for what lives, or are in progress. */
#define THREADS_KNOWN host_count(&mw_gc_threads)

static struct process process;

static void be_thread(unsigned i)
{
	host.current = &process.thread[i];
	host.pid_tgid = (__u64)TGID << 32 | (__u32)process.thread[i].pid;
}

static int setup(void **state)
{
	(void)state;
	host_reset();
	process_init(&process, TGID);
	mw_pidns = (struct mw_pidns){0};
	host.now_ns = START;
	be_thread(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_reset();
	return 0;
}

typedef int program(struct pt_regs *ctx);

/* At the entry of a function, and where it has returned. */
static struct pt_regs call_regs(__u64 arg)
{
#if defined(__TARGET_ARCH_x86)
	return (struct pt_regs){.di = arg, .si = 77, .dx = 77, .ax = 77};
#else
	return (struct pt_regs){.regs = {arg, 77, 77, 77}};
#endif
}

static struct pt_regs return_regs(__u64 value)
{
#if defined(__TARGET_ARCH_x86)
	return (struct pt_regs){.di = 77, .si = 77, .dx = 77, .ax = value};
#else
	return (struct pt_regs){.regs = {value, 77, 77, 77}};
#endif
}

static void enter(program *in, __u64 heap)
{
	struct pt_regs regs = call_regs(heap);

	assert_int_equal(in(&regs), 0);
}

static void leave(void)
{
	struct pt_regs regs = return_regs(99);

	assert_int_equal(mw_gc_out(&regs), 0);
}

static void say_live(__u64 bytes)
{
	struct pt_regs regs = return_regs(bytes);

	assert_int_equal(mw_gc_live(&regs), 0);
}

static void collect(program *in, __u64 heap)
{
	enter(in, heap);
	host.now_ns += PAUSE;
	leave();
}

/* The place of a probe in the process, with what is known of it. */
#define SITE 0x401000
#if defined(__TARGET_ARCH_x86)
#define STACK MW_USDT_SP
#else
#define STACK MW_USDT_ARM_SP
#endif

static void put_site(__u32 pid, const struct mw_gc_usdt_site *site)
{
	struct mw_gc_usdt_key key = {.ip = SITE, .pid = pid};

	assert_int_equal(host_map_update(&mw_gc_usdt, &key, sizeof(key), site, sizeof(*site),
					 BPF_ANY, MW_GC_USDT_SITES, BPF_MAP_TYPE_HASH),
			 0);
}

/* At that place. */
static struct pt_regs probe_regs(void)
{
#if defined(__TARGET_ARCH_x86)
	return (struct pt_regs){.ip = SITE};
#else
	return (struct pt_regs){.user_regs.pc = SITE};
#endif
}

static void run(program *probe, struct pt_regs regs)
{
	assert_int_equal(probe(&regs), 0);
}

/* @args: that the program wants, @count of which the probe has; in memory, as of a stack. */
static void fire(program *probe, __u32 cookie, unsigned count, const long *args)
{
	struct mw_gc_usdt_site site = {.cookie = cookie};
	struct pt_regs regs = probe_regs();

	for (unsigned i = 0; i < count; i++)
		site.args[i] = (struct mw_usdt_arg){.kind = MW_USDT_MEMORY,
						    .size = 8,
						    .offset = (int)(i * sizeof(*args)),
						    .base = STACK,
						    .index = MW_USDT_NO_REG};
#if defined(__TARGET_ARCH_x86)
	regs.sp = (unsigned long)args;
#else
	regs.user_regs.sp = (unsigned long)args;
#endif
	put_site(TGID, &site);
	run(probe, regs);
}

static const struct mw_event_gc *sent(unsigned i)
{
	assert_true(i < host.submitted_count);
	assert_ptr_equal(host.submitted[i].ring, &mw_events);
	assert_int_equal(host.submitted[i].size, sizeof(struct mw_event_gc));
	return host.submitted[i].data;
}

/* Record @i, which is of that process: all of it, so that nothing of the ring's past is in it. */
#define assert_gc(i, at_ns, ...)                                                                   \
	do {                                                                                       \
		struct mw_event_gc expected = {__VA_ARGS__};                                       \
		expected.h = (struct mw_event_header){.type = MW_EVENT_GC,                         \
						      .pid = TGID,                                 \
						      .ts_ns = (at_ns),                            \
						      .start_ns = 1000 + TGID};                    \
		memcpy(expected.h.comm, "0123456789abcde", MW_COMM_LEN);                           \
		assert_memory_equal(sent(i), &expected, sizeof(expected));                         \
	} while (0)

/* ---- V8, by uprobes ---- */

static void test_begin_end_live(void **state)
{
	(void)state;
	collect(mw_gc_full_in, HEAP);
	assert_int_equal(host.submitted_count, 0); /* it waits for what lives */
	host.now_ns += 500;
	say_live(123456);
	assert_gc(0, START + PAUSE, .isolate = HEAP, .pause_ns = PAUSE, .live_bytes = 123456,
		  .tid = TGID, .kind = MW_GC_MARK_COMPACT, .via = MW_GC_VIA_UPROBE);
	say_live(99); /* V8 counts at other times too */
	leave();
	assert_int_equal(host.submitted_count, 1);
}

static void test_kinds(void **state)
{
	static const struct {
		program *in;
		enum mw_gc_kind kind;
	} kinds[] = {
		{mw_gc_scav_in, MW_GC_SCAVENGE},
		{mw_gc_minor_in, MW_GC_MINOR_MARK_SWEEP},
		{mw_gc_full_in, MW_GC_MARK_COMPACT},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		host.now_ns = START;
		collect(kinds[i].in, HEAP + i);
		say_live(1000 + i);
		assert_gc(i, START + PAUSE, .isolate = HEAP + i, .pause_ns = PAUSE,
			  .live_bytes = 1000 + i, .tid = TGID, .kind = kinds[i].kind);
	}
}

static void test_threads_at_once(void **state)
{
	(void)state;
	enter(mw_gc_scav_in, HEAP);
	be_thread(1);
	host.now_ns += 100;
	enter(mw_gc_full_in, HEAP_2);
	say_live(9); /* in a collection, or of another thread's: not what lives after it */
	be_thread(0);
	host.now_ns += 100;
	leave();
	be_thread(1);
	say_live(9);
	assert_int_equal(host.submitted_count, 0);
	host.now_ns += 100;
	leave();
	say_live(222);
	be_thread(0);
	say_live(111);
	assert_int_equal(host.submitted_count, 2);
	assert_gc(0, START + 300, .isolate = HEAP_2, .pause_ns = 200, .live_bytes = 222,
		  .tid = TGID + 1, .kind = MW_GC_MARK_COMPACT);
	assert_gc(1, START + 200, .isolate = HEAP, .pause_ns = 200, .live_bytes = 111, .tid = TGID,
		  .kind = MW_GC_SCAVENGE);
}

/* The probes came in between. */
static void test_end_without_a_begin(void **state)
{
	(void)state;
	leave();
	say_live(111);
	assert_int_equal(host.submitted_count, 0);
	assert_int_equal(THREADS_KNOWN, 0);
}

/* What began and was not seen to end is forgotten, not made longer. */
static void test_begin_without_an_end(void **state)
{
	(void)state;
	enter(mw_gc_full_in, HEAP);
	host.now_ns += 1000000;
	collect(mw_gc_scav_in, HEAP);
	say_live(111);
	assert_int_equal(host.submitted_count, 1);
	assert_gc(0, START + 1000000 + PAUSE, .isolate = HEAP, .pause_ns = PAUSE, .live_bytes = 111,
		  .tid = TGID, .kind = MW_GC_SCAVENGE);
}

static void test_live_never_comes(void **state)
{
	(void)state;
	collect(mw_gc_full_in, HEAP);
	host.now_ns += 1000000;
	enter(mw_gc_scav_in, HEAP_2);
	assert_int_equal(host.submitted_count, 1); /* sent by the next, as of its own end */
	assert_gc(0, START + PAUSE, .isolate = HEAP, .pause_ns = PAUSE, .tid = TGID,
		  .kind = MW_GC_MARK_COMPACT);
	say_live(9);
	assert_int_equal(host.submitted_count, 1);
	leave();
	say_live(111);
	assert_int_equal(host.submitted_count, 2);
	assert_int_equal(sent(1)->live_bytes, 111);
}

static void test_heap_out(void **state)
{
	(void)state;
	enter(mw_gc_heap_out, HEAP);
	assert_int_equal(host.submitted_count, 1);
	assert_int_equal(sent(0)->h.type, MW_EVENT_HEAP_OUT);
	assert_int_equal(sent(0)->h.pid, TGID);
	assert_int_equal(sent(0)->h.ts_ns, START);
	assert_int_equal(sent(0)->isolate, HEAP);
	assert_int_equal(sent(0)->pause_ns, 0);
	assert_int_equal(sent(0)->live_bytes, 0);
}

/* A heap that goes while its last collection waits takes nothing with it. */
static void test_heap_out_leaves_what_waits(void **state)
{
	(void)state;
	collect(mw_gc_full_in, HEAP);
	enter(mw_gc_heap_out, HEAP_2);
	say_live(111);
	assert_int_equal(host.submitted_count, 2);
	assert_int_equal(sent(0)->h.type, MW_EVENT_HEAP_OUT);
	assert_int_equal(sent(1)->h.type, MW_EVENT_GC);
	assert_int_equal(sent(1)->isolate, HEAP);
}

static void test_more_threads_than_room(void **state)
{
	(void)state;
	host.max_entries = 1;
	enter(mw_gc_full_in, HEAP);
	be_thread(1);
	collect(mw_gc_full_in, HEAP_2);
	say_live(222);
	be_thread(0); /* whose begin had to go */
	leave();
	say_live(111);
	assert_int_equal(host.submitted_count, 1);
	assert_int_equal(sent(0)->isolate, HEAP_2);
}

static void test_ring_full(void **state)
{
	(void)state;
	host.ring_is_full = true;
	collect(mw_gc_full_in, HEAP);
	say_live(111);
	assert_int_equal(host.lost[MW_LOST_RING], 1);
	enter(mw_gc_heap_out, HEAP);
	assert_int_equal(host.lost[MW_LOST_RING], 2);
	host.ring_is_full = false;
	say_live(111); /* nor is it sent later, with another's figure */
	enter(mw_gc_scav_in, HEAP);
	assert_int_equal(host.submitted_count, 0);
}

/* ---- whose it is ---- */

/* The TID is another process's now: what waited is nobody's, and is not told as the other's. */
static void test_tid_of_another_process(void **state)
{
	(void)state;
	collect(mw_gc_full_in, HEAP);
	process.thread[0].start_boottime++;
	say_live(111);
	enter(mw_gc_scav_in, HEAP_2);
	assert_int_equal(host.submitted_count, 0);
	leave();
	say_live(222);
	assert_int_equal(host.submitted_count, 1);
	assert_int_equal(sent(0)->isolate, HEAP_2);
	enter(mw_gc_scav_in, HEAP_2);
	process.thread[0].start_boottime++;
	leave(); /* of what the other began */
	say_live(333);
	assert_int_equal(host.submitted_count, 1);
}

/* exec(2) keeps the TID and the time of start. */
static void test_tid_of_another_program(void **state)
{
	struct mm_struct other;

	(void)state;
	collect(mw_gc_full_in, HEAP);
	process.thread[0].mm = &other;
	say_live(111);
	enter(mw_gc_scav_in, HEAP_2);
	assert_int_equal(host.submitted_count, 0);
	leave();
	say_live(222);
	assert_int_equal(host.submitted_count, 1);
	assert_int_equal(sent(0)->isolate, HEAP_2);
}

/* ---- PID namespaces ---- */

static void test_other_pid_namespace(void **state)
{
	struct pid_namespace ours = {.ns.inum = 7}, other = {.ns.inum = 8};

	(void)state;
	mw_pidns = (struct mw_pidns){.inum = 7, .level = 1};
	process.pid.level = 1;
	process.pid.numbers[1] = (struct upid){.nr = 5, .ns = &other};
	collect(mw_gc_full_in, HEAP);
	say_live(111);
	enter(mw_gc_heap_out, HEAP);
	assert_int_equal(host.submitted_count, 0);
	assert_int_equal(host.lost[MW_LOST_RING], 0);
	process.pid.numbers[1].ns = &ours;
	collect(mw_gc_full_in, HEAP);
	say_live(111);
	assert_int_equal(host.submitted_count, 1);
	assert_int_equal(sent(0)->h.pid, 5);
	assert_int_equal(sent(0)->tid, TGID);
}

/* ---- USDT ---- */

static void usdt_collect(__u32 cookie, unsigned count, const long *args)
{
	fire(mw_gc_usdt_in, cookie, count, args);
	host.now_ns += PAUSE;
	fire(mw_gc_usdt_out, cookie, count, args);
}

static void test_usdt_kinds(void **state)
{
	static const struct {
		enum mw_gc_rule rule;
		long arg;
		enum mw_gc_kind kind;
	} kinds[] = {
		{MW_GC_RULE_V8_OLD, 1, MW_GC_SCAVENGE},
		{MW_GC_RULE_V8_OLD, 2, MW_GC_MARK_COMPACT},
		{MW_GC_RULE_V8_OLD, 4, MW_GC_OTHER}, /* incremental marking */
		{MW_GC_RULE_V8_OLD, 8, MW_GC_OTHER}, /* weak callbacks */
		{MW_GC_RULE_V8, 1, MW_GC_SCAVENGE},
		{MW_GC_RULE_V8, 2, MW_GC_MINOR_MARK_SWEEP},
		{MW_GC_RULE_V8, 4, MW_GC_MARK_COMPACT},
		{MW_GC_RULE_V8, 8, MW_GC_OTHER},
		{MW_GC_RULE_V8, 16, MW_GC_OTHER},
		{MW_GC_RULE_FULL_IF, 0, MW_GC_YOUNG},
		{MW_GC_RULE_FULL_IF, 1, MW_GC_FULL},
		{MW_GC_RULE_FULL_IF, 0x7fff00, MW_GC_YOUNG}, /* a bool: the rest of the register
								is any */
		{MW_GC_RULE_OLDEST_2, 0, MW_GC_YOUNG},
		{MW_GC_RULE_OLDEST_2, 1, MW_GC_YOUNG},
		{MW_GC_RULE_OLDEST_2, 2, MW_GC_FULL},
		{MW_GC_RULE_OLDEST_2, 0xffffffffL, MW_GC_YOUNG}, /* -1, as an int */
		{MW_GC_RULE_FULL, 0, MW_GC_FULL},
		{MW_GC_RULE_OTHER, 1, MW_GC_OTHER},
		{0xff, 1, MW_GC_OTHER},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const long args[2] = {kinds[i].arg, HEAP};

		setup(NULL);
		usdt_collect(kinds[i].rule, 2, args);
		assert_gc(0, START + PAUSE, .pause_ns = PAUSE, .tid = TGID, .kind = kinds[i].kind,
			  .via = MW_GC_VIA_USDT);
		usdt_collect(kinds[i].rule | MW_GC_COOKIE_ISOLATE, 2, args);
		assert_int_equal(sent(1)->kind, kinds[i].kind);
		assert_int_equal(sent(1)->isolate, HEAP);
		teardown(NULL);
	}
}

/* Ruby's probes have no arguments. */
static void test_usdt_without_arguments(void **state)
{
	(void)state;
	usdt_collect(MW_GC_RULE_FULL, 0, NULL);
	usdt_collect(MW_GC_RULE_V8 | MW_GC_COOKIE_ISOLATE, 0, NULL);
	assert_int_equal(host.submitted_count, 2);
	assert_int_equal(sent(0)->kind, MW_GC_FULL);
	assert_int_equal(sent(1)->kind, MW_GC_OTHER);
	assert_int_equal(sent(1)->isolate, 0);
}

/* Node's probes tell the collection, V8's function what lives. */
static void test_usdt_and_live(void **state)
{
	static const long args[2] = {4, HEAP};
	__u32 cookie = MW_GC_RULE_V8 | MW_GC_COOKIE_ISOLATE | MW_GC_COOKIE_LIVE;

	(void)state;
	usdt_collect(cookie, 2, args);
	assert_int_equal(host.submitted_count, 0);
	host.now_ns += 77;
	say_live(111);
	assert_gc(0, START + PAUSE, .isolate = HEAP, .pause_ns = PAUSE, .live_bytes = 111,
		  .tid = TGID, .kind = MW_GC_MARK_COMPACT, .via = MW_GC_VIA_USDT);
	usdt_collect(cookie, 2, args);
	fire(mw_gc_usdt_in, cookie, 2, args);
	assert_int_equal(host.submitted_count, 2);
	assert_int_equal(sent(1)->live_bytes, 0);
}

static void test_usdt_end_without_a_begin(void **state)
{
	static const long args[2] = {4, HEAP};

	(void)state;
	fire(mw_gc_usdt_out, MW_GC_RULE_V8, 2, args);
	assert_int_equal(host.submitted_count, 0);
	usdt_collect(MW_GC_RULE_V8, 2, args);
	fire(mw_gc_usdt_out, MW_GC_RULE_V8, 2, args);
	assert_int_equal(host.submitted_count, 1);
}

/* Where no probe of ours is: another process's, or one that was taken away. */
static void test_usdt_at_another_place(void **state)
{
	static const struct mw_gc_usdt_site site = {.cookie = MW_GC_RULE_FULL};

	(void)state;
	put_site(TGID + 1, &site);
	run(mw_gc_usdt_in, probe_regs());
	run(mw_gc_usdt_pool, probe_regs());
	run(mw_gc_usdt_out, probe_regs());
	assert_int_equal(THREADS_KNOWN, 0);
	put_site(TGID, &site);
	run(mw_gc_usdt_in, call_regs(0));
	assert_int_equal(THREADS_KNOWN, 0);
	run(mw_gc_usdt_in, probe_regs());
	run(mw_gc_usdt_out, probe_regs());
	assert_int_equal(host.submitted_count, 1);
}

/* What the first argument is, by the heap of a record of its own. */
static __u64 value_of(struct mw_usdt_arg arg, struct pt_regs regs)
{
	const struct mw_gc_usdt_site site = {.cookie = MW_GC_RULE_FULL | MW_GC_COOKIE_ISOLATE,
					     .args[1] = arg};
	__u64 value;

	setup(NULL);
	put_site(TGID, &site);
	run(mw_gc_usdt_in, regs);
	run(mw_gc_usdt_out, regs);
	value = sent(0)->isolate;
	teardown(NULL);
	return value;
}

#define ARG(kind_, size_, ...) ((struct mw_usdt_arg){.kind = (kind_), .size = (size_), __VA_ARGS__})

static void test_usdt_constants(void **state)
{
	const struct pt_regs regs = probe_regs();

	(void)state;
	assert_int_equal(value_of(ARG(MW_USDT_CONST, 4, .offset = 7), regs), 7);
	assert_int_equal(value_of(ARG(MW_USDT_CONST, 4, .offset = -1), regs), 0xffffffff);
	assert_int_equal(value_of(ARG(MW_USDT_CONST, 4, .offset = -1, .is_signed = 1), regs), -1);
	assert_int_equal(value_of(ARG(MW_USDT_CONST, 8, .offset = -1), regs), -1);
	assert_int_equal(value_of(ARG(MW_USDT_NONE, 8, .offset = 7), regs), 0);
	assert_int_equal(value_of(ARG(77, 8, .offset = 7), regs), 7); /* any: nothing is read */
}

/* Each by its number, with another value in each. */
static void test_usdt_registers(void **state)
{
#if defined(__TARGET_ARCH_x86)
	const struct pt_regs regs = {.ax = 0x8182838485868788,
				     .bx = 101,
				     .cx = 102,
				     .dx = 103,
				     .si = 104,
				     .di = 105,
				     .bp = 106,
				     .sp = 107,
				     .r8 = 108,
				     .r9 = 109,
				     .r10 = 110,
				     .r11 = 111,
				     .r12 = 112,
				     .r13 = 113,
				     .r14 = 114,
				     .r15 = 115,
				     .ip = SITE};
	const unsigned last = MW_USDT_R15;

	assert_int_equal(value_of(ARG(MW_USDT_REGISTER, 1, .shift = 8), regs), 0x87);
	assert_int_equal(value_of(ARG(MW_USDT_REGISTER, 8, .base = MW_USDT_IP), regs), SITE);
	assert_int_equal(value_of(ARG(MW_USDT_REGISTER, 8, .base = MW_USDT_IP + 1), regs), 0);
#else
	struct pt_regs regs = probe_regs();
	const unsigned last = 30;

	regs.regs[0] = 0x8182838485868788;
	for (unsigned i = 1; i <= last; i++)
		regs.regs[i] = 100 + i;
	assert_int_equal(value_of(ARG(MW_USDT_REGISTER, 8, .base = MW_USDT_ARM_SP), regs), 0);
	assert_int_equal(value_of(ARG(MW_USDT_REGISTER, 8, .base = 32), regs), 0);
#endif
	(void)state;
	for (unsigned i = 1; i <= last; i++)
		assert_int_equal(value_of(ARG(MW_USDT_REGISTER, 8, .base = (__u8)i), regs),
				 100 + i);
	assert_int_equal(value_of(ARG(MW_USDT_REGISTER, 8, 0), regs), 0x8182838485868788);
	assert_int_equal(value_of(ARG(MW_USDT_REGISTER, 4, 0), regs), 0x85868788);
	assert_int_equal(value_of(ARG(MW_USDT_REGISTER, 2, 0), regs), 0x8788);
	assert_int_equal(value_of(ARG(MW_USDT_REGISTER, 1, 0), regs), 0x88);
	assert_int_equal(value_of(ARG(MW_USDT_REGISTER, 4, .is_signed = 1), regs),
			 (long)0xffffffff85868788);
	assert_int_equal(value_of(ARG(MW_USDT_REGISTER, 1, .is_signed = 1), regs), (long)-120);
	assert_int_equal(value_of(ARG(MW_USDT_REGISTER, 8, .base = MW_USDT_NO_REG), regs), 0);
}

/* Memory, up to the last byte before what is not mapped. */
static void test_usdt_memory(void **state)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct pt_regs regs = probe_regs();
	const struct mw_usdt_arg at = {.kind = MW_USDT_MEMORY, .size = 8, .base = 1, .index = 2};
	struct mw_usdt_arg arg = at;

	(void)state;
	assert_ptr_not_equal(pages, MAP_FAILED);
	munmap(pages + 4096, 4096);
	memset(pages, 0x11, 4096);
	pages[4095] = (char)0x80;
#if defined(__TARGET_ARCH_x86)
	regs.bx = (unsigned long)pages;
	regs.cx = 511;
#else
	regs.regs[1] = (unsigned long)pages;
	regs.regs[2] = 511;
#endif
	arg.scale = 3;
	assert_int_equal(value_of(arg, regs), (long)0x8011111111111111);
	arg.offset = 7;
	assert_int_equal(value_of(arg, regs), 0); /* there is no more */
	arg.size = 1;
	assert_int_equal(value_of(arg, regs), 0x80);
	arg.is_signed = 1;
	assert_int_equal(value_of(arg, regs), (long)-128);
	arg.size = 3;
	assert_int_equal(value_of(arg, regs), 0);
	arg = at;
	arg.index = MW_USDT_NO_REG;
	arg.offset = 4094;
	arg.size = 2;
	assert_int_equal(value_of(arg, regs), 0x8011);
	arg.size = 4;
	assert_int_equal(value_of(arg, regs), 0);
	arg.offset = -1;
	assert_int_equal(value_of((struct mw_usdt_arg){.kind = MW_USDT_MEMORY,
						       .size = 8,
						       .base = MW_USDT_NO_REG,
						       .index = MW_USDT_NO_REG},
				  regs),
			 0);
	munmap(pages, 4096);
}

/* ---- HotSpot's pools ---- */

static const char manager[] = "G1 Young Generation";

/* mem__pool__gc__end: manager, pool, used. */
static void pool_of(const char *by, const char *name, long used)
{
	const long args[3] = {(long)by, (long)name, used};

	fire(mw_gc_usdt_pool, MW_GC_RULE_FULL_IF, 3, args);
}

static void pool(const char *name, long used)
{
	pool_of(manager, name, used);
}

static void java_begin(long full)
{
	fire(mw_gc_usdt_in, MW_GC_RULE_FULL_IF, 1, &full);
}

static void java_end(void)
{
	fire(mw_gc_usdt_out, MW_GC_RULE_FULL_IF, 0, NULL);
}

static void test_pools(void **state)
{
	(void)state;
	java_begin(1);
	pool("G1 Eden Space", 100);
	pool("G1 Survivor Space", 20);
	pool("G1 Old Gen", 3000);
	pool("Metaspace", 1 << 20);
	pool("Compressed Class Space", 1 << 21);
	pool("CodeHeap 'non-nmethods'", 1 << 22);
	pool("CodeHeap 'profiled nmethods'", 1 << 22);
	pool("CodeCache", 1 << 23);
	pool("", 1 << 24); /* no name that is known */
	host.now_ns += PAUSE;
	java_end();
	assert_gc(0, START + PAUSE, .pause_ns = PAUSE, .live_bytes = 3120 + (1 << 24), .tid = TGID,
		  .kind = MW_GC_FULL, .via = MW_GC_VIA_USDT);
}

static void test_pools_of_each_collector(void **state)
{
	static const char *const heaps[] = {
		"Eden Space", "Survivor Space",	    "Tenured Gen", "PS Eden Space",
		"PS Old Gen", "Par Eden Space",	    "CMS Old Gen", "G1 Old Gen",
		"ZHeap",      "ZGC Old Generation", "Shenandoah",  "Epsilon Heap",
	};
	unsigned n = sizeof(heaps) / sizeof(heaps[0]);

	(void)state;
	java_begin(0);
	for (unsigned i = 0; i < n; i++)
		pool(heaps[i], 1 << i);
	java_end();
	assert_int_equal(sent(0)->live_bytes, (1 << n) - 1);
	assert_int_equal(sent(0)->kind, MW_GC_YOUNG);
}

/* Parallel GC, when asked for a full collection, makes a young one before it, in the same
 * operation. */
static void test_pools_of_two_collections_in_one(void **state)
{
	static const char eden[] = "PS Eden Space", survivor[] = "PS Survivor Space",
			  old[] = "PS Old Gen", young[] = "PS Scavenge", full[] = "PS MarkSweep";

	(void)state;
	java_begin(1);
	pool_of(young, eden, 0);
	pool_of(young, survivor, 500);
	pool_of(young, old, 3000);
	pool_of(full, eden, 1);
	pool_of(full, survivor, 0);
	pool_of(full, old, 1200);
	pool_of(full, "Metaspace", 9999);
	java_end();
	assert_int_equal(sent(0)->live_bytes, 1201);
	java_begin(1); /* the same one twice, as when soft references are to go, too */
	pool_of(full, eden, 700);
	pool_of(full, old, 3000);
	pool_of(full, eden, 2);
	pool_of(full, old, 1000);
	java_end();
	assert_int_equal(sent(1)->live_bytes, 1002);
}

static void test_pools_that_cannot_be_read(void **state)
{
	static const long few[2] = {0};

	(void)state;
	java_begin(1);
	pool("G1 Old Gen", -1);
	fire(mw_gc_usdt_pool, MW_GC_RULE_FULL_IF, 2, few); /* has no such argument */
	java_end();
	assert_int_equal(sent(0)->live_bytes, 0);
	pool("G1 Old Gen", 3000); /* outside a collection: of a pool alone */
	java_begin(1);
	pool("G1 Old Gen", 50);
	java_end();
	assert_int_equal(sent(1)->live_bytes, 50); /* each begins anew */
	assert_int_equal(host.submitted_count, 2);
}

#define IN_KERNEL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_KERNEL(test_begin_end_live),
		IN_KERNEL(test_kinds),
		IN_KERNEL(test_threads_at_once),
		IN_KERNEL(test_end_without_a_begin),
		IN_KERNEL(test_begin_without_an_end),
		IN_KERNEL(test_live_never_comes),
		IN_KERNEL(test_heap_out),
		IN_KERNEL(test_heap_out_leaves_what_waits),
		IN_KERNEL(test_more_threads_than_room),
		IN_KERNEL(test_ring_full),
		IN_KERNEL(test_tid_of_another_process),
		IN_KERNEL(test_tid_of_another_program),
		IN_KERNEL(test_other_pid_namespace),
		IN_KERNEL(test_usdt_kinds),
		IN_KERNEL(test_usdt_without_arguments),
		IN_KERNEL(test_usdt_and_live),
		IN_KERNEL(test_usdt_end_without_a_begin),
		IN_KERNEL(test_usdt_at_another_place),
		cmocka_unit_test(test_usdt_constants),
		cmocka_unit_test(test_usdt_registers),
		cmocka_unit_test(test_usdt_memory),
		IN_KERNEL(test_pools),
		IN_KERNEL(test_pools_of_each_collector),
		IN_KERNEL(test_pools_of_two_collections_in_one),
		IN_KERNEL(test_pools_that_cannot_be_read),
	};

	return cmocka_run_group_tests_name("bpf/gc", tests, NULL, NULL);
}

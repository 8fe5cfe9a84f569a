// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * gc_node.c - the USDT probes that Node has --with-dtrace, without Node: two threads with an
 * isolate each, whose collections are known. See gc_probes.h.
 */
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#include "gc_probes.h"

#define SEMAPHORE __attribute__((section(".probes"), used))

SEMAPHORE volatile unsigned short node_gc__start_semaphore;
SEMAPHORE volatile unsigned short node_gc__done_semaphore;

/* Node's arguments are int, int, and v8::Isolate *. */
__attribute__((noinline)) static void fire_start(const struct collection *gc, const void *isolate)
{
	STAP_PROBE3(node, gc__start, (int)gc->type, 0, isolate);
}

__attribute__((noinline)) static void fire_done(const struct collection *gc, const void *isolate)
{
	STAP_PROBE3(node, gc__done, (int)gc->type, 0, isolate);
}

/* v8::GCType since V8 10: scavenge, minor mark-sweep, mark-compact, incremental marking. */
static const struct collection collections[] = {
	{.type = 1, .pause_ms = 5},  {.type = 1, .pause_ms = 2},
	{.type = 4, .pause_ms = 40}, {.type = 2, .pause_ms = 10},
	{.type = 8, .pause_ms = 1},  {.type = 4, .pause_ms = 20},
	{.type = 1, .pause_ms = 3},  {.pause_ms = 0},
};

int main(int argc, char **argv)
{
	static const struct runtime node = {
		.begin_semaphore = &node_gc__start_semaphore,
		.end_semaphore = &node_gc__done_semaphore,
		.begin = fire_start,
		.end = fire_done,
		.collections = collections,
		.threads = 2,
		.has_isolates = true,
	};

	(void)argc;
	gc_main(&node, argv);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * gc_hotspot.c - the USDT probes of a Java VM, without one: collections on one thread, and what is
 * in each pool after them. See gc_probes.h.
 */
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#include "gc_probes.h"

#define SEMAPHORE __attribute__((section(".probes"), used))
#define KIB	  1024L

SEMAPHORE volatile unsigned short hotspot_gc__begin_semaphore;
SEMAPHORE volatile unsigned short hotspot_gc__end_semaphore;
SEMAPHORE volatile unsigned short hotspot_mem__pool__gc__end_semaphore;

__attribute__((noinline)) static void fire_begin(const struct collection *gc, const void *isolate)
{
	(void)isolate;
	STAP_PROBE1(hotspot, gc__begin, (bool)gc->type);
}

__attribute__((noinline)) static void fire_pool(const char *name, long used)
{
	static const char manager[] = "G1 Young Generation";

	if (hotspot_mem__pool__gc__end_semaphore)
		STAP_PROBE8(hotspot, mem__pool__gc__end, manager, sizeof(manager) - 1, name,
			    strlen(name), 16 * KIB, used, 64 * KIB, 512 * KIB);
}

__attribute__((noinline)) static void fire_end(const struct collection *gc, const void *isolate)
{
	long old = (long)gc->live_bytes / 4 * 3;

	(void)isolate;
	fire_pool("G1 Eden Space", 0);
	fire_pool("G1 Survivor Space", (long)gc->live_bytes - old);
	fire_pool("G1 Old Gen", old);
	fire_pool("Metaspace", 777 * KIB); /* of no heap */
	fire_pool("CodeHeap 'profiled nmethods'", 333 * KIB);
	STAP_PROBE(hotspot, gc__end);
}

static const struct collection collections[] = {
	{.type = 0, .pause_ms = 5, .live_bytes = 4000000},
	{.type = 1, .pause_ms = 30, .live_bytes = 1000000},
	{.type = 0, .pause_ms = 2, .live_bytes = 2500000},
	{.type = 1, .pause_ms = 20, .live_bytes = 1200000},
	{.pause_ms = 0},
};

int main(int argc, char **argv)
{
	static const struct runtime hotspot = {
		.begin_semaphore = &hotspot_gc__begin_semaphore,
		.end_semaphore = &hotspot_gc__end_semaphore,
		.begin = fire_begin,
		.end = fire_end,
		.collections = collections,
		.threads = 1,
	};

	(void)argc;
	gc_main(&hotspot, argv);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * gc_probes.h - what the programs share that have a runtime's USDT probes and no runtime: each "go"
 *is a round of known collections, each of them a begin, a sleep, an end.
 *
 *	{"event":"ready","pid":P}
 *	{"event":"gc","thread":T,"tid":K,"isolate":"0x...","type":N,"live_bytes":B,"pause_ns":NS}
 *	{"event":"done","round":R,"semaphores":[begin,end],"fired":N}
 *
 * The probes are fired if somebody has raised their semaphores, as the runtimes do; "fired" is how
 * often that was so, and only these collections are said. "pause_ns" is measured between the
 *probes. The semaphores are as they were when the round began. The program ends when stdin does.
 */
#ifndef WORKLOADS_GC_PROBES_H
#define WORKLOADS_GC_PROBES_H

#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "protocol.h"

#define GC_THREADS_MAX 2

struct collection {
	unsigned int type; /* first argument of the probe */
	unsigned int pause_ms;
	unsigned long live_bytes; /* what is said of its pools, where there are such probes */
};

struct runtime {
	const volatile unsigned short *begin_semaphore, *end_semaphore;
	void (*begin)(const struct collection *gc, const void *isolate);
	void (*end)(const struct collection *gc, const void *isolate);
	const struct collection *collections; /* of each thread, up to a pause of 0 */
	unsigned int threads;
	bool has_isolates;
};

struct gc_thread {
	const struct runtime *runtime;
	pthread_t thread;
	unsigned int number;
	unsigned int fired;
	char heap[64]; /* its address is the isolate's */
};

static inline void gc_say(const struct gc_thread *t, const struct collection *gc, uint64_t ns)
{
	say("{\"event\":\"gc\",\"thread\":%u,\"tid\":%ld,\"isolate\":\"%#lx\",\"type\":%u,"
	    "\"live_bytes\":%lu,\"pause_ns\":%lu}",
	    t->number, syscall(SYS_gettid), t->runtime->has_isolates ? (unsigned long)t->heap : 0UL,
	    gc->type, gc->live_bytes, (unsigned long)ns);
}

static inline void gc_collect(struct gc_thread *t, const struct collection *gc)
{
	const struct runtime *runtime = t->runtime;
	bool is_watched = *runtime->begin_semaphore && *runtime->end_semaphore;
	uint64_t start_ns;

	if (is_watched)
		runtime->begin(gc, t->heap);
	start_ns = now_ns();
	protocol_rest_until(&(struct protocol){0}, start_ns + gc->pause_ms * NS_PER_MS);
	start_ns = now_ns() - start_ns;
	if (!is_watched)
		return;
	runtime->end(gc, t->heap);
	t->fired++;
	gc_say(t, gc, start_ns);
}

static inline void *gc_round(void *arg)
{
	struct gc_thread *t = arg;

	for (const struct collection *gc = t->runtime->collections; gc->pause_ms; gc++) {
		gc_collect(t, gc);
		usleep(2000);
	}
	return NULL;
}

/* All threads' collections, at once. */
static inline void gc_do_round(const struct runtime *runtime, unsigned int round)
{
	static struct gc_thread threads[GC_THREADS_MAX];
	unsigned int begin = *runtime->begin_semaphore, end = *runtime->end_semaphore, fired = 0;

	for (unsigned int i = 0; i < runtime->threads; i++) {
		threads[i].runtime = runtime;
		threads[i].number = i;
		threads[i].fired = 0;
		errno = pthread_create(&threads[i].thread, NULL, gc_round, &threads[i]);
		if (errno)
			die(1, "pthread_create: %s", strerror(errno));
	}
	for (unsigned int i = 0; i < runtime->threads; i++) {
		pthread_join(threads[i].thread, NULL);
		fired += threads[i].fired;
	}
	say("{\"event\":\"done\",\"round\":%u,\"semaphores\":[%u,%u],\"fired\":%u}", round, begin,
	    end, fired);
}

__attribute__((noreturn)) static inline void gc_main(const struct runtime *runtime, char **argv)
{
	struct protocol protocol = {.wait_go = true};

	options_parse(argv + 1, "", NULL, 0);
	protocol_init(&protocol);
	protocol_start(&protocol);
	for (unsigned int round = 1;; round++) {
		gc_do_round(runtime, round);
		protocol_wait_go(&protocol); /* ends with stdin */
	}
}

#endif

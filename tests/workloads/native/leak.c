// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * leak.c - a small server in C whose leaking function is known, a few calls below main, beside one
 * that allocates four times as much and gives it back.
 *
 *	leak malloc|mmap|brk|mmap-scratch [--rate MB_PER_S] [--max MB]
 *
 * store_KIND() leaks, build_reply() does not. Runs until SIGTERM, or the end of stdin with
 * --wait-go; grows no more after --max. The lines that allocate or first touch what is
 * kept bear the word LEAK.
 *
 * mmap-scratch is mmap beside borrow_mmap(), which maps, touches and unmaps as much each time.
 *
 * What build_reply() gives back is reused by itself (small chunks, a few at a time: glibc's
 *tcache). With more or larger ones kept blocks would go into the holes, and the next reply would
 *take fresh pages: page faults and brk name who touched first, here and in life.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "../protocol.h"

#define RECORD_BYTES  3000UL
#define SEGMENT_BYTES (256UL * 1024)
#define REPLY_PIECES  6 /* below what glibc keeps of one size: 7 */
#define REPLY_BYTES   500UL
#define TICK_NS	      (10 * NS_PER_MS)

#define APART	      __attribute__((noinline, noipa))

struct record {
	struct record *next;
	unsigned long id;
	char text[RECORD_BYTES];
};

/* Keeps a call from being the last thing a function does, which would drop its frame. */
static inline void stay(void)
{
	__asm__ volatile("" ::: "memory");
}

static struct record *records;

APART void store_malloc(unsigned long id)
{
	struct record *record = malloc(sizeof(*record)); /* LEAK */

	if (!record)
		die(1, "out of memory");
	memset(record->text, (int)id, sizeof(record->text)); /* LEAK */
	record->id = id;				     /* LEAK */
	record->next = records;				     /* LEAK */
	records = record;
}

static void *segments;

APART void store_mmap(unsigned long id)
{
	void *segment = mmap(NULL, SEGMENT_BYTES, PROT_READ | PROT_WRITE, /* LEAK */
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (segment == MAP_FAILED)
		die(1, "mmap: %s", strerror(errno));
	memset(segment, (int)id, SEGMENT_BYTES); /* LEAK */
	*(void **)segment = segments;
	segments = segment;
}

APART void store_brk(unsigned long id)
{
	void *segment = sbrk((intptr_t)SEGMENT_BYTES); /* LEAK */

	if (segment == (void *)-1)
		die(1, "sbrk: %s", strerror(errno));
	memset(segment, (int)id, SEGMENT_BYTES); /* LEAK */
	stay();
}

APART void borrow_mmap(unsigned long id)
{
	void *segment = mmap(NULL, SEGMENT_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (segment == MAP_FAILED)
		die(1, "mmap: %s", strerror(errno));
	memset(segment, (int)id, SEGMENT_BYTES);
	munmap(segment, SEGMENT_BYTES);
	stay();
}

static const struct kind {
	const char *name;
	void (*store)(unsigned long id);
	size_t bytes;
	void (*borrow)(unsigned long id);
} kinds[] = {
	{"malloc", store_malloc, sizeof(struct record), NULL},
	{"mmap", store_mmap, SEGMENT_BYTES, NULL},
	{"brk", store_brk, SEGMENT_BYTES, NULL},
	{"mmap-scratch", store_mmap, SEGMENT_BYTES, borrow_mmap},
};

APART size_t build_reply(unsigned long id)
{
	char *pieces[REPLY_PIECES];
	size_t length = 0;

	for (unsigned i = 0; i < REPLY_PIECES; i++) {
		pieces[i] = malloc(REPLY_BYTES);
		if (!pieces[i])
			die(1, "out of memory");
		memset(pieces[i], (int)(id + i), REPLY_BYTES);
		length += (unsigned char)pieces[i][id % REPLY_BYTES];
	}
	for (unsigned i = 0; i < REPLY_PIECES; i++)
		free(pieces[i]);
	return length;
}

APART void store(const struct kind *kind, unsigned long id)
{
	kind->store(id);
	stay();
}

APART size_t handle_request(const struct kind *kind, unsigned long id, bool keep)
{
	size_t length = 0;

	/* As many replies as make four times the bytes of a record. */
	for (size_t bytes = 0; bytes < 4 * kind->bytes; bytes += REPLY_PIECES * REPLY_BYTES)
		length += build_reply(id);
	if (kind->borrow)
		kind->borrow(id);
	if (keep)
		store(kind, id);
	stay();
	return length;
}

int main(int argc, char **argv)
{
	struct protocol protocol = {0};
	double rate = 4, max = 400, kept = 0, due = 0;
	const struct option options[] = {
		{"--rate", OPTION_REAL, &rate, "MB to leak a second; 4"},
		{"--max", OPTION_REAL, &max, "MB after which it leaks no more; 400"},
		PROTOCOL_OPTIONS(&protocol),
	};
	const struct kind *kind = NULL;
	volatile size_t sink = 0;
	unsigned long id = 0;
	uint64_t tick_ns;

	for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, argv[1]))
			kind = &kinds[i];
	if (!kind)
		die(2, "name a kind: malloc, mmap, brk or mmap-scratch");
	options_parse(argv + 2, "malloc|mmap|brk|mmap-scratch [options]", options,
		      sizeof(options) / sizeof(options[0]));
	protocol_init(&protocol);
	protocol_start(&protocol);
	for (tick_ns = now_ns();; tick_ns += TICK_NS) {
		due += rate * 1e6 * TICK_NS / NS_PER_S;
		for (; due >= (double)kind->bytes; due -= (double)kind->bytes) {
			bool keep = kept + (double)kind->bytes <= max * 1e6;

			sink += handle_request(kind, id++, keep);
			kept += keep ? (double)kind->bytes : 0;
		}
		protocol_rest_until(&protocol, tick_ns + TICK_NS);
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * pattern.c - memory over time, as programs that leak have it and as programs that do not.
 *
 *	pattern KIND [--rate SIZE] [--bytes SIZE] [--seconds S] [--at S] [--churn SIZE] [--thread]
 *	pattern --help lists the kinds
 *
 * Runs until it is killed, or its parent ends. Beside its pattern it makes garbage: blocks of
 * malloc() that live for a while. All is paced by the clock, so that a busy machine does not make
 * a pattern of its own.
 *
 * LIMITATIONS: sizes are of what is asked for; glibc adds some percent, and keeps what it wants.
 */
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "protocol.h"

#define MIB	    (1024UL * 1024UL)
#define TICK_NS	    (20 * NS_PER_MS)
#define GARBAGE_MAX 4096  /* blocks of garbage at a time */
#define BLOCK_MAX   8192  /* bytes of a small block */
#define ENTRY	    16384 /* of a cache */
#define LARGE	    (512 * 1024UL)
#define ENTRIES_MAX 65536

struct pattern {
	struct protocol protocol;
	unsigned long rate, bytes, churn;
	double seconds, at;
	bool in_thread;

	double now_s, last_s; /* since the start */
	double due;	      /* bytes that are still to be kept */
	double garbage_due;
	void *garbage[GARBAGE_MAX];
	void *entries[ENTRIES_MAX];
	unsigned long used; /* of entries */
	unsigned long
		keys[ENTRIES_MAX]; /* cache-zipf: 1 + the entry that holds this key; 0: none */
	unsigned long key_of[ENTRIES_MAX];
	double *weights; /* cache-zipf: cumulative */
	unsigned long random;
	char *burst; /* its large part */
	bool is_done;
};

struct kind {
	const char *name;
	void (*step)(struct pattern *p);
	const char *help;
};

/* Any numbers, but in each run the same. */
static unsigned long draw(struct pattern *p)
{
	p->random = p->random * 6364136223846793005UL + 1442695040888963407UL;
	return p->random >> 33;
}

static void *block(size_t size)
{
	char *memory = malloc(size);

	if (!memory)
		die(1, "out of memory");
	memset(memory, 1, size);
	return memory;
}

static size_t small_size(struct pattern *p)
{
	return 32 + draw(p) % (BLOCK_MAX - 32);
}

static void make_garbage(struct pattern *p)
{
	p->garbage_due += (double)p->churn * (p->now_s - p->last_s);
	while (p->garbage_due > 0) {
		void **slot = &p->garbage[draw(p) % GARBAGE_MAX];
		size_t size = small_size(p);

		free(*slot);
		*slot = block(size);
		p->garbage_due -= (double)size;
	}
}

/* Keeps small blocks, linked so that nobody can say that they are not in use. */
static void keep_small(struct pattern *p, double bytes)
{
	p->due += bytes;
	while (p->due > 0) {
		size_t size = small_size(p);
		void **memory = block(size);

		memory[0] = p->entries[0];
		p->entries[0] = memory;
		p->due -= (double)size;
	}
}

static void leak(struct pattern *p)
{
	keep_small(p, (double)p->rate * (p->now_s - p->last_s));
}

/* All of it after --at, within a second. */
static void step_up(struct pattern *p)
{
	double until = fmin(p->now_s, p->at + 1), from = fmax(p->last_s, p->at);

	if (until > from)
		keep_small(p, (double)p->bytes * (until - from));
}

static void replace_entry(struct pattern *p, unsigned long i)
{
	free(p->entries[i]);
	p->entries[i] = block(ENTRY);
}

/* Each key is new, until there is no more room; then an old one makes way. */
static void fill_evenly(struct pattern *p)
{
	unsigned long room = p->bytes / ENTRY;

	p->due += (double)p->bytes / p->seconds * (p->now_s - p->last_s);
	for (; p->due > 0; p->due -= ENTRY)
		replace_entry(p, p->used < room ? p->used++ : draw(p) % room);
}

static void weigh_keys(struct pattern *p, unsigned long keys)
{
	double sum = 0;

	p->weights = calloc(keys, sizeof(*p->weights));
	if (!p->weights)
		die(1, "out of memory");
	for (unsigned long i = 0; i < keys; i++)
		p->weights[i] = sum += pow((double)i + 1, -0.8);
}

static unsigned long draw_key(struct pattern *p, unsigned long keys)
{
	double at = p->weights[keys - 1] * (double)(draw(p) % 1000000007) / 1000000007;
	unsigned long begin = 0, end = keys - 1;

	while (begin < end) {
		unsigned long middle = (begin + end) / 2;

		if (p->weights[middle] < at)
			begin = middle + 1;
		else
			end = middle;
	}
	return begin;
}

/* Few keys are asked for often, most of them seldom: it fills more and more slowly. */
static void fill_by_use(struct pattern *p)
{
	unsigned long room = p->bytes / ENTRY, keys = room * 4 / 3, i, key;

	if (!p->weights)
		weigh_keys(p, keys);
	/* So many lookups that it is about full after that time. */
	p->due += (double)keys * 3 / p->seconds * (p->now_s - p->last_s);
	for (; p->due > 0; p->due -= 1) {
		key = draw_key(p, keys);
		if (p->keys[key])
			continue;
		i = p->used < room ? p->used++ : draw(p) % room;
		if (p->entries[i])
			p->keys[p->key_of[i]] = 0;
		replace_entry(p, i);
		p->keys[key] = i + 1;
		p->key_of[i] = key;
	}
}

static char *map_large(size_t size)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die(1, "mmap: %s", strerror(errno));
	memset(memory, 1, size);
	return memory;
}

/* As many large buffers as make that size. */
static void hold_large(struct pattern *p, double bytes)
{
	unsigned long wanted = (unsigned long)(bytes / LARGE);

	while (p->used < wanted)
		p->entries[p->used++] = map_large(LARGE);
	while (p->used > wanted)
		munmap(p->entries[--p->used], LARGE);
}

/* --bytes for a fifth of each --seconds, and nothing else. */
static void burst_and_release(struct pattern *p)
{
	hold_large(p, fmod(p->now_s, p->seconds) >= p->seconds * 0.8 ? (double)p->bytes : 0);
}

static void wave(struct pattern *p)
{
	hold_large(p, (double)p->bytes * (0.6 - 0.4 * cos(2 * M_PI * p->now_s / p->seconds)));
}

/*
 * Of a burst at --at all large buffers go, and of the small blocks all but one in 40: glibc can
 * give none of their pages back.
 */
static void burst_and_keep(struct pattern *p)
{
	unsigned long small = p->bytes / 1024 < ENTRIES_MAX ? p->bytes / 1024 : ENTRIES_MAX, i;

	if (p->is_done || p->now_s < p->at)
		return;
	if (!p->burst) {
		for (i = 0; i < small; i++)
			p->entries[i] = block(1000);
		p->burst = map_large(p->bytes);
	}
	if (p->now_s < p->at + 5)
		return;
	munmap(p->burst, p->bytes);
	for (i = 0; i < small; i++)
		if (i % 40)
			free(p->entries[i]);
	p->is_done = true;
}

static void idle(struct pattern *p)
{
	(void)p;
}

static const struct kind kinds[] = {
	{"leak", leak, "keeps --rate a second of small blocks"},
	{"step", step_up, "keeps --bytes more at --at, within a second"},
	{"cache-even", fill_evenly, "a cache that fills to --bytes in --seconds, then replaces"},
	{"cache-zipf", fill_by_use, "the same, by keys of which few are asked for often"},
	{"burst-kept", burst_and_keep, "2 --bytes for 5 s at --at; half of it cannot be returned"},
	{"bursts", burst_and_release, "--bytes for a fifth of each --seconds"},
	{"waves", wave, "up to --bytes and down to a fifth of it, in --seconds"},
	{"idle", idle, "nothing but garbage"},
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct kind *kind_find(const char *name)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	die(2, "unknown kind '%s'; see --help", name);
}

static void kinds_help(void)
{
	printf("usage: %s KIND [options]; %s KIND --help lists the options\n",
	       program_invocation_short_name, program_invocation_short_name);
	for (size_t i = 0; i < N_KINDS; i++)
		printf("  %-11s %s\n", kinds[i].name, kinds[i].help);
	exit(0);
}

struct run {
	struct pattern *pattern;
	const struct kind *kind;
};

static void *run_forever(void *arg)
{
	struct run *run = arg;
	struct pattern *p = run->pattern;
	uint64_t start_ns = now_ns();

	for (uint64_t tick = 1;; tick++) {
		protocol_rest_until(&p->protocol, start_ns + tick * TICK_NS);
		p->last_s = p->now_s;
		p->now_s = (double)(now_ns() - start_ns) / 1e9;
		make_garbage(p);
		run->kind->step(p);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static struct pattern p = {
		.protocol.hold = true,
		.rate = 2 * MIB,
		.bytes = 60 * MIB,
		.seconds = 40,
		.at = 20,
		.random = 1,
	};
	const struct option options[] = {
		{"--rate", OPTION_SIZE, &p.rate, "bytes a second; 2M"},
		{"--bytes", OPTION_SIZE, &p.bytes, "60M; of a cache 1G at most"},
		{"--seconds", OPTION_REAL, &p.seconds, "40"},
		{"--at", OPTION_REAL, &p.at, "seconds after the start; 20"},
		{"--churn", OPTION_SIZE, &p.churn, "garbage, bytes a second; 0"},
		{"--thread", OPTION_FLAG, &p.in_thread, "in a thread, and so in its arena"},
		PROTOCOL_OPTIONS(&p.protocol),
	};
	struct run run = {.pattern = &p};
	pthread_t thread;

	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		kinds_help();
	options_parse(argv + 2, "KIND [options]", options, sizeof(options) / sizeof(options[0]));
	if (!(p.seconds > 0) || p.bytes / ENTRY > ENTRIES_MAX * 3UL / 4)
		die(2, "--seconds must be more than 0, --bytes at most 768M");
	run.kind = kind_find(argv[1]);
	protocol_init(&p.protocol);
	protocol_start(&p.protocol);
	if (!p.in_thread)
		run_forever(&run);
	if (pthread_create(&thread, NULL, run_forever, &run))
		die(1, "no thread");
	pthread_join(thread, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A kernel for the BPF programs that run as plain functions: maps, a ring
 * buffer, reads that fail at bad addresses, and whom the programs run as.
 * The user space that they read is the test's own memory.
 *
 * One BPF source file is included into one test, so that all may be static.
 */
#ifndef MEMWATCH_TESTS_HOST_KERNEL_H
#define MEMWATCH_TESTS_HOST_KERNEL_H

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "memwatch/abi.h"

#define HOST_ENTRIES 256
#define HOST_RECORDS 16
#define HOST_ARRAYS  4

struct task_struct;
struct pt_regs;

struct host_key {
	__u64 words[2];
};

struct host_entry {
	const void *map;
	struct host_key key;
	void *value;
};

/* An array map: all of its elements are there, zeroed, once one was asked for. */
struct host_array {
	const void *map;
	char *elements;
};

static struct {
	/* For the test to set. */
	__u64 pid_tgid;
	struct task_struct *current;
	struct pt_regs *user_regs;
	__u64 now_ns, ring_waiting;
	unsigned max_entries; /* of each map, if that is less than its own */
	bool is_raced;	      /* another CPU makes the entry first */
	bool has_old_rss, has_memcg, has_loop, ring_is_full;
	void *percpu[4]; /* elements of mw_lost */
	bool is_drawn;	 /* the random number is @draw, else any */
	__u32 draw;
	__u64 seed;
	/* What came of it. */
	struct host_entry entries[HOST_ENTRIES];
	struct host_array arrays[HOST_ARRAYS];
	struct {
		const void *ring;
		void *data;
		__u64 size, flags;
	} submitted[HOST_RECORDS];
	unsigned submitted_count, reserved_count, seq_count;
	struct mw_task seq[HOST_RECORDS];
	__u64 lost[MW_LOST_MAX];
} host;

/* A new kernel. */
static inline void host_reset(void)
{
	for (unsigned i = 0; i < HOST_ENTRIES; i++)
		free(host.entries[i].value);
	for (unsigned i = 0; i < host.submitted_count; i++)
		free(host.submitted[i].data);
	for (unsigned i = 0; i < HOST_ARRAYS; i++)
		free(host.arrays[i].elements);
	memset(&host, 0, sizeof(host));
	host.max_entries = HOST_ENTRIES;
	host.has_memcg = host.has_loop = true;
	host.seed = 88172645463325252ULL;
}

/* The page at NULL and the upper half are not mapped: the read fails and gives zeros. */
static inline long host_read(void *dst, __u32 size, const void *src)
{
	if ((__u64)src < 4096 || (__u64)src >> 63) {
		memset(dst, 0, size);
		return -EFAULT;
	}
	memcpy(dst, src, size);
	return 0;
}

static inline long host_read_str(void *dst, __u32 size, const void *src)
{
	if ((__u64)src < 4096 || (__u64)src >> 63)
		return -EFAULT;
	strncpy(dst, src, size - 1);
	((char *)dst)[size - 1] = '\0';
	return (long)strlen(dst) + 1;
}

/*
 * All or nothing, as the kernel does it; never a fault: by a pipe, since qemu-user has no
 * process_vm_readv(2).
 */
static inline long host_read_user(void *dst, __u32 size, const void *src)
{
	static int ends[2];

	if (!ends[1] && pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		abort();
	/* Not write(): the sanitizer would look at what is read. */
	if (syscall(SYS_write, ends[1], src, size) == (long)size &&
	    read(ends[0], dst, size) == (ssize_t)size)
		return 0;
	while (read(ends[0], dst, size) > 0) /* what could be read before the fault */
		;
	memset(dst, 0, size);
	return -EFAULT;
}

/* xorshift64*: the same numbers in every run. */
static inline __u32 host_random(void)
{
	if (host.is_drawn)
		return host.draw;
	host.seed ^= host.seed >> 12;
	host.seed ^= host.seed << 25;
	host.seed ^= host.seed >> 27;
	return (__u32)((host.seed * 0x2545F4914F6CDD1DULL) >> 32);
}

static inline struct host_key host_key(const void *key, size_t size)
{
	struct host_key words = {{0}};

	if (size > sizeof(words))
		abort();
	memcpy(&words, key, size);
	return words;
}

static inline struct host_entry *host_find_key(const void *map, struct host_key key)
{
	for (unsigned i = 0; i < HOST_ENTRIES; i++) {
		if (host.entries[i].value && host.entries[i].map == map &&
		    !memcmp(&host.entries[i].key, &key, sizeof(key)))
			return &host.entries[i];
	}
	return NULL;
}

static inline struct host_entry *host_find(const void *map, __u64 key)
{
	return host_find_key(map, (struct host_key){{key, 0}});
}

static inline unsigned host_count(const void *map)
{
	unsigned n = 0;

	for (unsigned i = 0; i < HOST_ENTRIES; i++)
		n += host.entries[i].value && host.entries[i].map == map;
	return n;
}

static inline void host_remove(struct host_entry *entry)
{
	free(entry->value);
	*entry = (struct host_entry){0};
}

/* The first in the table: the oldest, unless a younger one has taken a place that became free. */
static inline void host_evict(const void *map)
{
	for (unsigned i = 0; i < HOST_ENTRIES; i++) {
		if (host.entries[i].value && host.entries[i].map == map) {
			host_remove(&host.entries[i]);
			return;
		}
	}
}

static inline long host_map_update(const void *map, const void *key, size_t key_size,
				   const void *value, size_t size, __u64 flags, unsigned max,
				   unsigned type)
{
	struct host_entry *entry = host_find_key(map, host_key(key, key_size));
	unsigned i = 0;

	if (type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY)
		abort(); /* not done */
	if (entry && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!entry) {
		if (host_count(map) >= (max < host.max_entries ? max : host.max_entries)) {
			if (type != BPF_MAP_TYPE_LRU_HASH)
				return -E2BIG;
			host_evict(map);
		}
		while (i < HOST_ENTRIES && host.entries[i].value)
			i++;
		if (i == HOST_ENTRIES)
			abort();
		entry = &host.entries[i];
		*entry = (struct host_entry){map, host_key(key, key_size), malloc(size)};
	}
	memcpy(entry->value, value, size);
	return host.is_raced ? -EEXIST : 0;
}

/* The counters mw_lost are the one array of numbers, and in @host for the tests to read. */
static inline void *host_array_lookup(const void *map, __u32 index, size_t size, unsigned max)
{
	unsigned i = 0;

	if (index >= max)
		return NULL;
	if (size == sizeof(*host.lost))
		return &host.lost[index];
	while (i < HOST_ARRAYS && host.arrays[i].map && host.arrays[i].map != map)
		i++;
	if (i == HOST_ARRAYS)
		abort();
	if (!host.arrays[i].map)
		host.arrays[i] = (struct host_array){map, calloc(max, size)};
	return host.arrays[i].elements + index * size;
}

static inline void *host_map_lookup(const void *map, const void *key, size_t key_size,
				    unsigned type, size_t size, unsigned max)
{
	struct host_entry *entry;

	if (type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY)
		return host_array_lookup(map, *(const __u32 *)key, size, max);
	entry = host_find_key(map, host_key(key, key_size));
	return entry ? entry->value : NULL;
}

static inline long host_map_delete(const void *map, const void *key, size_t key_size)
{
	struct host_entry *entry = host_find_key(map, host_key(key, key_size));

	if (!entry)
		return -ENOENT;
	host_remove(entry);
	return 0;
}

static inline void *host_percpu_element(unsigned cpu)
{
	return cpu < 4 ? host.percpu[cpu] : NULL;
}

static inline long host_loop(__u32 n, long (*fn)(__u32 i, void *ctx), void *ctx)
{
	for (__u32 i = 0; i < n; i++) {
		if (fn(i, ctx))
			return i + 1;
	}
	return n;
}

static inline void *host_ring_reserve(const void *ring, __u64 size)
{
	void *record;

	if (host.ring_is_full || host.submitted_count == HOST_RECORDS)
		return NULL;
	record = malloc(size);
	memset(record, 0xA5, size); /* what was there before */
	host.submitted[host.submitted_count].ring = ring;
	host.submitted[host.submitted_count].data = record;
	host.submitted[host.submitted_count].size = size;
	host.reserved_count++;
	return record;
}

static inline void host_ring_submit(void *record, __u64 flags)
{
	if (record != host.submitted[host.submitted_count].data)
		abort();
	host.submitted[host.submitted_count++].flags = flags;
}

static inline long host_ring_output(const void *ring, const void *data, __u64 size, __u64 flags)
{
	void *record = host_ring_reserve(ring, size);

	if (!record)
		return -EAGAIN;
	memcpy(record, data, size);
	host_ring_submit(record, flags);
	return 0;
}

static inline void host_ring_discard(void *record)
{
	if (record != host.submitted[host.submitted_count].data)
		abort();
	free(record);
	host.submitted[host.submitted_count].data = NULL;
	host.reserved_count--;
}

static inline long host_seq_write(const void *data, __u32 size)
{
	if (size != sizeof(struct mw_task) || host.seq_count == HOST_RECORDS)
		abort();
	memcpy(&host.seq[host.seq_count++], data, size);
	return 0;
}

/* Constants of the program (.rodata) that the loader sets; so does the test. */
static inline void *host_writable(const volatile void *constant, size_t size)
{
	__u64 page = (__u64)sysconf(_SC_PAGESIZE), from = (__u64)constant & ~(page - 1);
	__u64 to = ((__u64)constant + size + page - 1) & ~(page - 1);

	if (mprotect((void *)from, to - from, PROT_READ | PROT_WRITE))
		abort();
	__asm__ volatile("" : "+r"(constant)); /* what it points to is not known to be constant */
	return (void *)constant;
}

#endif

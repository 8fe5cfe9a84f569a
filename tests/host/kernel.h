/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A kernel for the BPF programs that run as plain functions: maps, a ring
 * buffer, reads that fail at bad addresses, and whom the programs run as.
 *
 * One BPF source file is included into one test, so that all may be static.
 */
#ifndef MEMWATCH_TESTS_HOST_KERNEL_H
#define MEMWATCH_TESTS_HOST_KERNEL_H

#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memwatch/abi.h"

#define HOST_ENTRIES 256
#define HOST_RECORDS 16

struct task_struct;
struct pt_regs;

struct host_entry {
	const void *map;
	__u64 key;
	void *value;
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
	/* What came of it. */
	struct host_entry entries[HOST_ENTRIES];
	struct {
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
	memset(&host, 0, sizeof(host));
	host.max_entries = HOST_ENTRIES;
	host.has_memcg = host.has_loop = true;
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

static inline __u64 host_key(const void *key, size_t size)
{
	__u64 number = 0;

	memcpy(&number, key, size);
	return number;
}

static inline struct host_entry *host_find(const void *map, __u64 key)
{
	for (unsigned i = 0; i < HOST_ENTRIES; i++) {
		if (host.entries[i].value && host.entries[i].map == map &&
		    host.entries[i].key == key)
			return &host.entries[i];
	}
	return NULL;
}

static inline unsigned host_count(const void *map)
{
	unsigned n = 0;

	for (unsigned i = 0; i < HOST_ENTRIES; i++)
		n += host.entries[i].value && host.entries[i].map == map;
	return n;
}

static inline long host_map_update(const void *map, const void *key, size_t key_size,
				   const void *value, size_t size, __u64 flags, unsigned max)
{
	struct host_entry *entry = host_find(map, host_key(key, key_size));
	unsigned i = 0;

	if (entry && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!entry) {
		if (host_count(map) >= (max < host.max_entries ? max : host.max_entries))
			return -E2BIG;
		while (host.entries[i].value)
			i++;
		entry = &host.entries[i];
		*entry = (struct host_entry){map, host_key(key, key_size), malloc(size)};
	}
	memcpy(entry->value, value, size);
	return host.is_raced ? -EEXIST : 0;
}

/* A hash, but for the one array of counters that there is. */
static inline void *host_map_lookup(const void *map, const void *key, size_t key_size,
				    unsigned type)
{
	struct host_entry *entry = host_find(map, host_key(key, key_size));

	if (type == BPF_MAP_TYPE_PERCPU_ARRAY)
		return host_key(key, key_size) < MW_LOST_MAX ? &host.lost[host_key(key, key_size)]
							     : NULL;
	return entry ? entry->value : NULL;
}

static inline long host_map_delete(const void *map, const void *key, size_t key_size)
{
	struct host_entry *entry = host_find(map, host_key(key, key_size));

	if (!entry)
		return -ENOENT;
	free(entry->value);
	*entry = (struct host_entry){0};
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

static inline void *host_ring_reserve(__u64 size)
{
	void *record;

	if (host.ring_is_full || host.submitted_count == HOST_RECORDS)
		return NULL;
	record = malloc(size);
	memset(record, 0xA5, size); /* what was there before */
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

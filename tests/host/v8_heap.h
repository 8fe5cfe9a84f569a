/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A heap as V8 has it, in the test's own memory: pages of 256 KiB, aligned, whose
 * header tells whether they are young; objects that begin with a map.
 *
 * Include behind host/user.h. Pages 0-3 are young, 4-7 old at first.
 */
#ifndef MEMWATCH_TESTS_HOST_V8_HEAP_H
#define MEMWATCH_TESTS_HOST_V8_HEAP_H

#define HEAP_PAGE	0x40000UL
#define HEAP_PAGES	8
#define HEAP_OLD	4		     /* page */
#define HEAP_YOUNG	0x18		     /* flags ... */
#define HEAP_FLAGS	0x0102030405060700UL /* ... among others */
#define HEAP_CALLER	(USER_TEXT + 4)
#define HEAP_TOP_OFFSET 24
#define HEAP_MARKS	0x140 /* in a page: a bit for each word of it */

static char *heap_region, *heap;
static struct task_struct heap_task;

/* What a hook's "this" points to. */
static struct heap_space {
	__u64 other[3];
	__u64 top, limit;  /* or, by the newer layout, */
	__u64 area_before; /* what @top points to: the area is 8 bytes behind it */
	__u64 area[2];
} heap_space;

/* @page as an address. */
static inline char *heap_page(unsigned page)
{
	return heap + page * HEAP_PAGE;
}

static inline void heap_set_young(unsigned page, bool is_young)
{
	((__u64 *)heap_page(page))[1] = HEAP_FLAGS | (is_young ? HEAP_YOUNG & 0x10 : 0);
}

/* Makes an object; tagged. */
static inline __u64 heap_object(unsigned page, unsigned offset)
{
	__u64 *object = (__u64 *)(heap_page(page) + offset);

	*object = tagged(&user.other_map);
	return tagged(object);
}

static inline void heap_mark(__u64 object)
{
	__u64 page = object & ~(HEAP_PAGE - 1), word = (object - page) / 8;

	((unsigned char *)(page + HEAP_MARKS))[word / 8] |= 1 << word % 8;
}

static inline void heap_unmark(unsigned page)
{
	memset(heap_page(page) + HEAP_MARKS, 0, HEAP_PAGE / 64);
}

static inline __u64 *heap_words(__u64 object)
{
	return (__u64 *)(object - 1);
}

/* The collector copies an object, and leaves its new address in the old place. */
static inline __u64 heap_move(__u64 object, unsigned page, unsigned offset)
{
	__u64 to = heap_object(page, offset);

	*heap_words(object) = to - 1;
	return to;
}

static inline void heap_be_thread(__u32 tid)
{
	host.pid_tgid = (__u64)TGID << 32 | tid;
}

static inline struct mw_site_proc *heap_proc(void)
{
	return mw_site_proc_of(TGID);
}

static inline int heap_setup(void **state)
{
	struct mw_site_proc proc;

	(void)state;
	host_reset();
	user_init();
	user_chain(3);
	user_js_frame(1, 0, USER_JIT);
	proc = user_proc();
	proc.heap = (struct mw_v8_heap){.alloc = MW_V8_ALLOC_RETURNED,
					.young_flags_word = 1,
					.young_flags = HEAP_YOUNG,
					.top_offset = HEAP_TOP_OFFSET};
	proc.alloc_weight = 1;
	proc.is_sampling = 1;
	user_watch(&heap_task, &proc);
	memset(&heap_space, 0, sizeof(heap_space));
	heap_region = mmap(NULL, (HEAP_PAGES + 1) * HEAP_PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (heap_region == MAP_FAILED)
		return -1;
	heap = (char *)(((__u64)heap_region + HEAP_PAGE - 1) & ~(HEAP_PAGE - 1));
	for (unsigned i = 0; i < HEAP_PAGES; i++)
		heap_set_young(i, i < HEAP_OLD);
	return 0;
}

static inline int heap_teardown(void **state)
{
	(void)state;
	munmap(heap_region, (HEAP_PAGES + 1) * HEAP_PAGE);
	host_reset();
	return 0;
}

/* A call of the hook; what it returns depends on the kind of the hook. */
static inline void heap_alloc_returns(__u64 size, __u64 value)
{
	struct pt_regs in = user_call_regs((__u64)&heap_space, size, 0, 0);
	struct pt_regs out = user_return_regs(HEAP_CALLER, value);

	assert_int_equal(mw_v8_alloc_in(&in), 0);
	assert_int_equal(mw_v8_alloc_out(&out), 0);
}

static inline __u64 heap_alloc(unsigned page, unsigned offset, __u64 size)
{
	__u64 object = heap_object(page, offset);

	heap_alloc_returns(size, object);
	return object;
}

/* The isolate of thread @tid; NULL if there is none. */
static inline const struct mw_v8_isolate *heap_isolate(__u32 tid)
{
	for (__u32 i = 0; i < MW_V8_ISOLATES; i++) {
		const struct mw_v8_isolate *it = bpf_map_lookup_elem(&mw_v8_isolates, &i);

		if (it->owner == ((__u64)TGID << 32 | tid))
			return it;
	}
	return NULL;
}

/* The only stack so far; of @kind, bytes and samples. */
static inline void heap_assert_site(__u32 kind, __u64 bytes, __u64 samples)
{
	struct mw_site *site = user_site(kind, user_sent(0)->hash);

	if (!samples && !site)
		return;
	assert_non_null(site);
	assert_int_equal(site->bytes, bytes);
	assert_int_equal(site->samples, samples);
	assert_int_equal(site->freed_bytes, 0);
	assert_int_equal(site->freed_samples, 0);
}

#endif

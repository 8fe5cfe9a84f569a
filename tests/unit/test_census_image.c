/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Images: of a child with known memory, of bytes. */
#include "child.h"

#include "census/image_build.h"

#define PAGE	 4096u
#define V8_PAGE	 (256u << 10)
#define PAGES	 64u /* of a V8 page */
#define AREA	 (4 * V8_PAGE)
#define CHUNKS	 (2 * V8_PAGE)
#define NEW_PAGE 3u /* one that is touched later */

/* Addresses that the child tells. */
enum { PLAIN, SPLIT, MALLOC, GONE };

static const struct image_job no_job = {.step = "testing"};

static uint64_t word_of(uint64_t addr)
{
	return addr * 0x9e3779b97f4a7c15ull | 1;
}

static void fill(uint64_t addr, size_t len)
{
	for (size_t i = 0; i < len; i += 8)
		*(volatile uint64_t *)(addr + i) = word_of(addr + i);
}

static void map_at(uint64_t at, size_t len)
{
	if (mmap((void *)at, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) == MAP_FAILED)
		_exit(1);
}

/* @len bytes at a multiple of 256 KiB, with nothing mapped around them. */
static uint64_t map_aligned(size_t len)
{
	char *m = mmap(NULL, len + 4 * V8_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t at = ((uintptr_t)m + 2 * V8_PAGE - 1) & ~(uint64_t)(V8_PAGE - 1);

	munmap(m, len + 4 * V8_PAGE);
	map_at(at, len);
	madvise((void *)at, len, MADV_NOHUGEPAGE);
	return at;
}

/* What malloc() of glibc maps for two blocks, and for one that ends too soon. */
static uint64_t map_chunks(uint64_t second)
{
	uint64_t at = map_aligned(CHUNKS), *words = (uint64_t *)at;

	fill(at, CHUNKS);
	words[0] = 0;
	words[1] = V8_PAGE | 2;
	words[V8_PAGE / 8] = 0;
	words[V8_PAGE / 8 + 1] = second | 2;
	return at;
}

static void target(struct shared *m)
{
	uint64_t plain = map_aligned(AREA), split = map_aligned(V8_PAGE), gone;

	/* pages 0, 2, 4 ... of the first half */
	for (size_t at = 0; at < AREA / 2; at += (size_t)2 * PAGE)
		fill(plain + at, PAGE);
	/* as Node 26 has it: r--p, ---p, r--p */
	fill(split, V8_PAGE);
	mprotect((void *)split, V8_PAGE, PROT_READ);
	mprotect((void *)(split + (size_t)16 * PAGE), (size_t)16 * PAGE, PROT_NONE);
	m->address[PLAIN] = plain;
	m->address[SPLIT] = split;
	m->address[MALLOC] = map_chunks(V8_PAGE);
	m->address[GONE] = gone = map_aligned(V8_PAGE);
	fill(gone, V8_PAGE);
	m->ready = 1;
	while (m->ready == 1)
		sleep_ms(1);
	fill(plain + (size_t)NEW_PAGE * PAGE, PAGE);
	map_at(plain + AREA, V8_PAGE);
	fill(plain + AREA, PAGE);
	munmap((void *)gone, V8_PAGE);
	m->ready = 3;
	for (;;)
		pause();
}

static struct shared *m;
static pid_t pid;

static int setup(void **state)
{
	(void)state;
	m = shared_new();
	pid = child_start(target, m);
	await(m->ready == 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	child_end(pid);
	shared_free(m);
	return 0;
}

static void let_it_change(void)
{
	m->ready = 2;
	await(m->ready == 3);
}

static void plan_well(struct image *im, unsigned flags)
{
	assert_int_equal(image_plan(im, pid, flags), 0);
	assert_int_equal(image_reserve(im), 0);
	assert_int_equal(image_prefault(im, &no_job), 0);
}

/* Whether each word of it is what the child wrote. */
static void assert_filled(const struct image *im, uint64_t addr, size_t len)
{
	const unsigned char *at = image_at(im, addr, len);

	assert_non_null(at);
	for (size_t i = 0; i < len; i += 8) {
		uint64_t word;

		memcpy(&word, at + i, sizeof(word));
		if (word != word_of(addr + i))
			fail_msg("at %#zx of %zu: %#llx", i, len, (unsigned long long)word);
	}
}

static void assert_zero(const struct image *im, uint64_t addr, size_t len)
{
	const unsigned char *at = image_at(im, addr, len);

	assert_non_null(at);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(at[i], 0);
}

static bool is_range(const struct image *im, uint64_t start, uint64_t end)
{
	for (unsigned i = 0; i < im->range_count; i++) {
		if (im->ranges[i].start == start && im->ranges[i].end == end)
			return true;
	}
	return false;
}

static void assert_sorted(const struct image *im)
{
	for (unsigned i = 1; i < im->region_count; i++)
		assert_true(im->regions[i - 1].end <= im->regions[i].start);
	for (unsigned i = 0; i < im->range_count; i++) {
		const struct image_range *p = &im->ranges[i];
		const struct image_region *r = &im->regions[p->region];

		assert_true(p->start < p->end && p->start >= r->start && p->end <= r->end);
		assert_true(!i || p[-1].end <= p->start);
		assert_ptr_equal(p->bytes, image_at(im, p->start, p->end - p->start));
	}
}

static void check_plain(const struct image *im)
{
	uint64_t plain = m->address[PLAIN];

	for (size_t at = 0; at < AREA / 2; at += (size_t)2 * PAGE) {
		assert_filled(im, plain + at, PAGE);
		assert_zero(im, plain + at + PAGE, PAGE);
		assert_true(is_range(im, plain + at, plain + at + PAGE));
	}
	assert_zero(im, plain + AREA / 2, AREA / 2);
	assert_true(image_region_of(im, plain)->is_writable);
}

/* The pieces are one piece of memory; what cannot be accessed reads as 0. */
static void check_split(const struct image *im)
{
	uint64_t split = m->address[SPLIT], middle = split + (uint64_t)16 * PAGE;
	const unsigned char *all = image_at(im, split, V8_PAGE);

	assert_non_null(all);
	assert_ptr_equal(image_at(im, middle, PAGE), all + (size_t)16 * PAGE);
	assert_filled(im, split, (size_t)16 * PAGE);
	assert_zero(im, middle, (size_t)16 * PAGE);
	assert_filled(im, middle + (uint64_t)16 * PAGE, (size_t)32 * PAGE);
	assert_true(image_region_of(im, middle)->is_inaccessible);
	assert_false(image_region_of(im, split)->is_writable);
}

static void check_all(unsigned flags)
{
	struct image im = {0};

	plan_well(&im, flags);
	assert_int_equal(image_copy(&im, pid, &no_job), 0);
	assert_sorted(&im);
	check_plain(&im);
	check_split(&im);
	assert_true(image_region_of(&im, m->address[MALLOC])->is_malloc);
	assert_null(image_at(&im, m->address[MALLOC], 8));
	assert_filled(&im, m->address[GONE], V8_PAGE);
	assert_int_equal(im.unreadable_bytes, 0);
	assert_int_equal(im.copied_bytes, image_present_bytes(&im));
	image_release(&im);
}

static void test_known_memory(void **state)
{
	(void)state;
	check_all(0);
}

static void test_without_pagemap_scan(void **state)
{
	(void)state;
	check_all(IMAGE_NO_SCAN);
}

/* Pagemap does not tell the kernel's page of zeros from others. */
static void test_plans_agree(void **state)
{
	struct image a = {0}, b = {0};

	(void)state;
	kill(pid, SIGSTOP);
	await(child_state(pid) == 'T');
	plan_well(&a, 0);
	plan_well(&b, IMAGE_NO_SCAN);
	assert_int_equal(image_copy(&a, pid, &no_job), 0);
	assert_int_equal(image_copy(&b, pid, &no_job), 0);
	assert_int_equal(a.region_count, b.region_count);
	assert_true(b.copied_bytes >= a.copied_bytes);
	for (unsigned i = 0; i < b.range_count; i++) {
		const struct image_range *p = &b.ranges[i];
		const void *other = image_at(&a, p->start, p->end - p->start);

		assert_non_null(other);
		assert_memory_equal(p->bytes, other, p->end - p->start);
	}
	image_release(&a);
	image_release(&b);
}

static void test_changes_before_it_stands_still(void **state)
{
	uint64_t plain = m->address[PLAIN];
	struct image im = {0};
	const void *place;

	(void)state;
	plan_well(&im, 0);
	place = image_at(&im, plain, 8);
	let_it_change();
	assert_int_equal(image_replan(&im, pid, 0), 0);
	assert_int_equal(image_copy(&im, pid, &no_job), 0);
	assert_sorted(&im);
	assert_int_equal(im.unreadable_bytes, 0);
	assert_filled(&im, plain + (uint64_t)NEW_PAGE * PAGE, PAGE);
	assert_filled(&im, plain + AREA, PAGE);
	assert_zero(&im, plain + AREA + PAGE, V8_PAGE - PAGE);
	assert_non_null(image_at(&im, plain, AREA + V8_PAGE));
	assert_null(image_region_of(&im, m->address[GONE]));
	/* what was planned keeps its place, where memory is ready: but for what has grown */
	assert_non_null(place);
	check_split(&im);
	image_release(&im);
}

static void test_places_are_kept(void **state)
{
	struct image im = {0};
	unsigned char **places;

	(void)state;
	plan_well(&im, 0);
	places = calloc(im.region_count, sizeof(*places));
	for (unsigned i = 0; i < im.region_count; i++)
		places[i] = im.regions[i].bytes;
	assert_int_equal(image_replan(&im, pid, 0), 0);
	for (unsigned i = 0; i < im.region_count; i++)
		assert_ptr_equal(im.regions[i].bytes, places[i]);
	free(places);
	image_release(&im);
}

static void test_what_is_gone_is_counted(void **state)
{
	struct image im = {0};
	uint64_t present;

	(void)state;
	plan_well(&im, 0);
	present = image_present_bytes(&im);
	let_it_change();
	assert_int_equal(image_copy(&im, pid, &no_job), 0);
	assert_int_equal(im.unreadable_bytes, V8_PAGE);
	assert_int_equal(im.copied_bytes, present - V8_PAGE);
	assert_zero(&im, m->address[GONE], V8_PAGE);
	check_split(&im);
	image_release(&im);
}

static void test_ended(void **state)
{
	struct image im = {0}, other = {0};

	(void)state;
	plan_well(&im, 0);
	kill(pid, SIGKILL);
	await(child_state(pid) == 'Z');
	assert_int_equal(image_copy(&im, pid, &no_job), -ESRCH);
	assert_int_equal(image_replan(&im, pid, 0), -ESRCH);
	assert_true(im.region_count > 0);
	assert_int_equal(image_plan(&other, pid, 0), -ESRCH);
	assert_null(other.regions);
	image_release(&im);
}

static bool yes(void *arg)
{
	++*(int *)arg;
	return true;
}

static void test_cancelled(void **state)
{
	int asked = 0;
	struct image_job job = {.cancelled = yes, .arg = &asked, .step = "testing"};
	struct image im = {0};

	(void)state;
	plan_well(&im, 0);
	assert_int_equal(image_prefault(&im, &job), -ECANCELED);
	assert_int_equal(image_copy(&im, pid, &job), -ECANCELED);
	assert_int_equal(asked, 2);
	image_release(&im);
}

/* --- of bytes --- */

static void test_of_bytes(void **state)
{
	unsigned char bytes[3 * 64];
	struct image_region regions[] = {
		{.start = 0x1000, .end = 0x1040, .bytes = bytes},
		{.start = 0x1040, .end = 0x1080, .bytes = bytes + 64, .is_heap = true},
		{.start = 0x2000, .end = 0x2040, .bytes = bytes + 128},
	};
	const struct image im = {.regions = regions, .region_count = 3};
	struct memreader mem;
	unsigned char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	assert_memory_equal(image_at(&im, 0x1000, 128), bytes, 128); /* neighbours */
	assert_memory_equal(image_at(&im, 0x2000, 64), bytes + 128, 64);
	assert_null(image_at(&im, 0x1000, 129));
	assert_null(image_at(&im, 0xfff, 2));
	assert_null(image_at(&im, 0x2001, 64));
	assert_null(image_at(&im, 0x2000, SIZE_MAX));
	assert_true(image_region_of(&im, 0x1040)->is_heap);
	assert_null(image_region_of(&im, 0x1080));
	image_memreader(&mem, &im);
	assert_int_equal(memreader_read(&mem, 0x1020, out, 64), 0);
	assert_memory_equal(out, bytes + 32, 64);
	assert_int_equal(memreader_read(&mem, 0x2020, out, 64), -EFAULT);
	assert_null(image_at(&(struct image){0}, 0x1000, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_known_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_pagemap_scan, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plans_agree, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changes_before_it_stands_still, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_places_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_gone_is_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancelled, setup, teardown),
		cmocka_unit_test(test_of_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which memory of a process an image is made of, and what of it is present.
 *
 *   rw-p  anonymous: V8's pages, malloc()'s heaps, stacks; .bss
 *   rw-p  of files: .data
 *   r--p  anonymous from a multiple of 256 KiB on, and its neighbours: V8's read-only space, which
 *         Node 26 splits into pieces, some of them ---p
 *   ..xp  anonymous: code that V8 made
 *
 * Not: what is shared, files' texts, the kernel's [vdso] and the like; and what glibc
 * mapped for large malloc()s (Buffers), of which a mapping is full from its start to its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "census/image_build.h"
#include "sym/proc_maps.h"

#define V8_PAGE_BYTES (256u << 10)
/* Larger mappings are address space that was reserved (WebAssembly, sanitizers), no heap. */
#define REGION_MAX_BYTES (64ull << 30)
#define ENTRIES		 8192 /* of pagemap at a time */
#define FOUND_MAX	 1024 /* ranges, by one PAGEMAP_SCAN */

/* include/uapi/linux/fs.h of Linux 6.7 (52526ca7fdb9) */
struct scan_found {
	uint64_t start, end, categories;
};

struct scan_arg {
	uint64_t size, flags, start, end, walk_end, found, found_max, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define PAGEMAP_SCAN_IOCTL _IOWR('f', 16, struct scan_arg)
#define SCAN_PRESENT	   (1u << 3)
#define SCAN_SWAPPED	   (1u << 4)
#define SCAN_ZERO	   (1u << 5) /* the kernel's page of zeros */

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_SWAPPED (1ull << 62)
#define PAGEMAP_PRESENT (1ull << 63)

struct planning {
	struct image im;
	unsigned region_cap, range_cap;
	const struct image *before; /* or NULL */
	struct memreader mem;
	int pagemap;
	bool has_no_scan;
	uint64_t page_bytes;
};

/* Room for more items, or NULL. */
static void *more(void *items, unsigned *cap, size_t size)
{
	unsigned wanted = *cap + *cap / 2 + 256;

	if (wanted < *cap)
		return NULL;
	items = reallocarray(items, wanted, size);
	if (items)
		*cap = wanted;
	return items;
}

/* --- which mappings --- */

/* The file's mapping that .bss follows. */
static bool follows_file(const struct image_region *last, const struct proc_map *m)
{
	return last && last->end == m->start && last->is_file && !m->path[0];
}

/* A neighbour of what is wanted, in the middle of a page of V8. */
static bool follows_in_page(const struct image_region *last, const struct proc_map *m)
{
	return last && last->end == m->start && m->start % V8_PAGE_BYTES && !last->is_file;
}

static bool is_wanted(const struct image_region *last, const struct proc_map *m)
{
	bool is_file = m->inode != 0;

	if (m->perms[3] == 's' || !strncmp(m->path, "[v", 2) ||
	    m->end - m->start > REGION_MAX_BYTES)
		return false;
	if (is_file)
		return m->perms[0] == 'r' && m->perms[1] == 'w';
	if (m->perms[0] != 'r')
		return follows_in_page(last, m) && m->end - m->start < V8_PAGE_BYTES;
	return m->perms[1] == 'w' || m->perms[2] == 'x' || m->start % V8_PAGE_BYTES == 0 ||
	       follows_in_page(last, m);
}

/* --- glibc's mapped chunks: malloc/malloc.c, struct malloc_chunk --- */

#define CHUNK_FLAGS	7u
#define CHUNK_IS_MAPPED 2u

static bool is_mapped_chunk(const struct planning *p, const uint64_t chunk[2], uint64_t room)
{
	uint64_t size = chunk[1] & ~(uint64_t)CHUNK_FLAGS;

	/* Its first word is what alignment left out before it: less than a page. */
	return (chunk[1] & CHUNK_FLAGS) == CHUNK_IS_MAPPED && chunk[0] <= p->page_bytes && size &&
	       size % p->page_bytes == 0 && size <= room;
}

static bool was_malloc(const struct planning *p, const struct image_region *r)
{
	const struct image_region *b = p->before ? image_region_of(p->before, r->start) : NULL;

	return b && b->is_malloc && b->start == r->start && b->end == r->end;
}

static bool is_malloc(struct planning *p, const struct image_region *r, const struct proc_map *m)
{
	uint64_t chunk[2], at = r->start;

	if (!r->is_writable || r->is_file || m->path[0] || r->end - r->start < 32 * p->page_bytes)
		return false;
	if (was_malloc(p, r)) /* a small read for each chunk would add to the pause */
		return true;
	while (at < r->end) {
		if (memreader_read(&p->mem, at, chunk, sizeof(chunk)) ||
		    !is_mapped_chunk(p, chunk, r->end - at))
			return false;
		at += chunk[1] & ~(uint64_t)CHUNK_FLAGS;
	}
	return true;
}

static int region_add(struct planning *p, const struct proc_map *m)
{
	struct image *im = &p->im;
	struct image_region *last = im->region_count ? &im->regions[im->region_count - 1] : NULL;
	struct image_region r = {
		.start = m->start,
		.end = m->end,
		.is_writable = m->perms[1] == 'w',
		.is_file = m->inode != 0 || follows_file(last, m),
		.is_heap = !strcmp(m->path, "[heap]"),
		.is_stack = !strcmp(m->path, "[stack]"),
		.is_inaccessible = m->perms[0] != 'r',
	};

	if (!is_wanted(last, m))
		return 0;
	if (im->region_count == p->region_cap) {
		struct image_region *regions = more(im->regions, &p->region_cap, sizeof(*regions));

		if (!regions)
			return -ENOMEM;
		im->regions = regions;
	}
	r.is_malloc = is_malloc(p, &r, m);
	im->regions[im->region_count++] = r;
	return 0;
}

static int find_regions(struct planning *p, pid_t pid)
{
	struct proc_maps maps = {0};
	int err = proc_maps_read(pid, 0, &maps);

	for (unsigned i = 0; !err && i < maps.count; i++)
		err = region_add(p, &maps.maps[i]);
	proc_maps_release(&maps);
	if (!err && !p->im.region_count)
		err = -ESRCH; /* a zombie, a kernel's thread */
	return err;
}

/* --- what is present --- */

static int range_add(struct planning *p, uint64_t start, uint64_t end, unsigned region)
{
	struct image *im = &p->im;
	struct image_range *last = im->range_count ? &im->ranges[im->range_count - 1] : NULL;

	if (last && last->end == start && last->region == region) {
		last->end = end;
		return 0;
	}
	if (!im->ranges || im->range_count == p->range_cap) {
		struct image_range *ranges = more(im->ranges, &p->range_cap, sizeof(*ranges));

		if (!ranges)
			return -ENOMEM;
		im->ranges = ranges;
	}
	im->ranges[im->range_count++] =
		(struct image_range){.start = start, .end = end, .region = region};
	return 0;
}

/* 0, -ENOTTY (an older kernel) ... */
static int scan_region(struct planning *p, unsigned region)
{
	const struct image_region *r = &p->im.regions[region];
	struct scan_found found[FOUND_MAX];
	struct scan_arg arg = {
		.size = sizeof(arg),
		.start = r->start,
		.end = r->end,
		.found = (uintptr_t)found,
		.found_max = FOUND_MAX,
		.category_inverted = SCAN_ZERO,
		.category_mask = SCAN_ZERO,
		.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
		.return_mask = SCAN_PRESENT,
	};

	while (arg.start < r->end) {
		int n = ioctl(p->pagemap, PAGEMAP_SCAN_IOCTL, &arg);

		if (n < 0)
			return -errno;
		for (int i = 0; i < n; i++) {
			int err = range_add(p, found[i].start, found[i].end, region);

			if (err)
				return err;
		}
		if (arg.walk_end <= arg.start)
			break;
		arg.start = arg.walk_end;
	}
	return 0;
}

static int read_region(struct planning *p, unsigned region)
{
	const struct image_region *r = &p->im.regions[region];
	uint64_t entries[ENTRIES], at = r->start;

	while (at < r->end) {
		uint64_t pages = (r->end - at) / p->page_bytes;
		ssize_t n = pread(p->pagemap, entries,
				  (pages < ENTRIES ? pages : ENTRIES) * sizeof(entries[0]),
				  (off_t)(at / p->page_bytes * sizeof(entries[0])));

		if (n < 0)
			return -errno;
		if (n < (ssize_t)sizeof(entries[0]))
			return 0; /* it has ended */
		for (size_t i = 0; i < (size_t)n / sizeof(entries[0]); i++, at += p->page_bytes) {
			int err = 0;

			if (entries[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED))
				err = range_add(p, at, at + p->page_bytes, region);
			if (err)
				return err;
		}
	}
	return 0;
}

static int find_ranges(struct planning *p)
{
	int err = 0;

	for (unsigned i = 0; !err && i < p->im.region_count; i++) {
		if (p->im.regions[i].is_malloc || p->im.regions[i].is_inaccessible)
			continue;
		err = p->has_no_scan ? -ENOTTY : scan_region(p, i);
		if (err != -ENOTTY && err != -EINVAL)
			continue;
		p->has_no_scan = true;
		err = read_region(p, i);
	}
	return err;
}

/* --- for others --- */

static int plan(struct planning *p, pid_t pid)
{
	char name[64];
	int err;

	memreader_init_process(&p->mem, pid);
	p->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	snprintf(name, sizeof(name), "/proc/%d/pagemap", pid);
	p->pagemap = open(name, O_RDONLY | O_CLOEXEC);
	if (p->pagemap < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	err = find_regions(p, pid);
	if (!err)
		err = find_ranges(p);
	close(p->pagemap);
	if (err)
		image_release(&p->im);
	return err;
}

int image_plan(struct image *im, pid_t pid, unsigned flags)
{
	struct planning p = {.has_no_scan = flags & IMAGE_NO_SCAN};
	int err = plan(&p, pid);

	if (!err)
		*im = p.im;
	return err;
}

int image_replan(struct image *im, pid_t pid, unsigned flags)
{
	struct planning p = {.before = im, .has_no_scan = flags & IMAGE_NO_SCAN};
	int err = plan(&p, pid);

	if (err)
		return err;
	p.im.arena = im->arena;
	im->arena = NULL;
	image_release(im);
	*im = p.im;
	image_place(im);
	return 0;
}

uint64_t image_present_bytes(const struct image *im)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < im->range_count; i++)
		sum += im->ranges[i].end - im->ranges[i].start;
	return sum;
}

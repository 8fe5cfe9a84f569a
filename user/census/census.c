/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A taker of censuses: what is known of the process' V8 is found once, the rest is done each time.
 */
#include "census/census.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc_stat.h"
#include "census/gc_code.h"
#include "base/units.h"
#include "census/heap.h"
#include "census/retain.h"
#include "census/room.h"
#include "v8/v8_process.h"

#define RETAIN_OBJECT_BYTES 12
#define RETAIN_BYTES	    (16u << 20)

struct census_taker {
	pid_t pid;
	uint64_t start_ticks; /* the PID may be another process' later */
	struct census_options options;
	struct v8_layout v8;
	struct census_layout layout;
	struct mw_range gc_code[GC_CODE_MAX];
	unsigned gc_code_count;

	/* The last census, until the next */
	struct capture capture;
	struct heap heap;
	bool has_heap;
	struct retain *retain;
	struct intern *names; /* of @heap: those of the census */
	char why[200];
};

/* ---- what stays ---- */

static int read_file(struct census_taker *t, const struct v8_process *v, const char **why)
{
	const struct proc_map *map = v8_process_map(v);
	struct elf_file *f = proc_map_open(t->pid, map);
	uint64_t bias;
	int err;

	if (!f) {
		err = -errno;
		*why = "its V8's file cannot be opened";
		return err;
	}
	err = census_layout_read(f, &t->v8, &t->layout);
	if (err)
		*why = "V8's metadata (v8dbg_* symbols) is too thin for a census";
	else if (!elf_file_bias(f, map->start, map->offset, true, &bias))
		t->gc_code_count = gc_code_read(f, bias, t->gc_code);
	elf_file_free(f);
	return err;
}

static int learn(struct census_taker *t, const char **why)
{
	struct intern *names = intern_new(1u << 20);
	struct memreader mem;
	struct v8_process *v;
	int err;

	if (!names)
		return -ENOMEM;
	memreader_init_process(&mem, t->pid);
	v = v8_process_open(t->pid, &mem, names, why);
	if (!v) {
		err = -errno;
	} else {
		t->v8 = *v8_process_layout(v);
		err = read_file(t, v, why);
	}
	v8_process_free(v);
	intern_free(names);
	return err;
}

struct census_taker *census_taker_new(pid_t pid, const struct census_options *options,
				      const char **why)
{
	struct census_taker *t = calloc(1, sizeof(*t));
	struct proc_stat stat;
	int err;

	*why = "out of memory";
	if (!t)
		return NULL;
	t->pid = pid;
	t->options = *options;
	err = proc_stat_read((uint32_t)pid, &stat);
	if (err) {
		*why = "there is no such process";
		err = -ESRCH;
	} else {
		t->start_ticks = stat.start_ticks;
		err = learn(t, why);
	}
	if (err) {
		free(t);
		errno = -err;
		return NULL;
	}
	return t;
}

static void drop_heap(struct census_taker *t)
{
	retain_free(t->retain);
	t->retain = NULL;
	if (t->has_heap)
		heap_release(&t->heap);
	t->has_heap = false;
	capture_release(&t->capture);
}

void census_taker_free(struct census_taker *t)
{
	if (!t)
		return;
	drop_heap(t);
	free(t);
}

/* ---- one census ---- */

static int describe_process(struct census_taker *t, struct census *c, const char **why)
{
	struct proc_stat stat;

	if (proc_stat_read((uint32_t)t->pid, &stat) || stat.start_ticks != t->start_ticks) {
		*why = "the process has ended";
		return -ESRCH;
	}
	c->pid = (uint32_t)t->pid;
	c->start_ns = stat.start_ticks * proc_stat_tick_ns();
	memcpy(c->comm, stat.comm, strnlen(stat.comm, MW_COMM_LEN));
	c->rss_bytes = stat.rss_pages * (uint64_t)sysconf(_SC_PAGESIZE);
	snprintf(c->node, sizeof(c->node), "V8 %d.%d.%d", t->v8.major, t->v8.minor, t->v8.build);
	return 0;
}

static int take_capture(struct census_taker *t, const char **why)
{
	const struct capture_options options = {
		.pid = t->pid,
		.live = t->options.live,
		.max_bytes = t->options.max_bytes,
		.cancelled = t->options.cancelled,
		.progress = t->options.progress,
		.arg = t->options.arg,
		.gc_code = t->gc_code,
		.gc_code_count = t->gc_code_count,
	};

	memset(&t->capture, 0, sizeof(t->capture));
	return capture_take(&options, &t->capture, why);
}

static int look_at_heap(struct census_taker *t, struct intern *names, const char **why)
{
	int err;

	memset(&t->heap, 0, sizeof(t->heap));
	t->heap.layout = &t->layout;
	t->heap.names = names;
	t->heap.shapes = t->options.shapes;
	t->heap.show_values = t->options.show_values;
	t->heap.cancelled = t->options.cancelled;
	t->heap.progress = t->options.progress;
	t->heap.arg = t->options.arg;
	err = heap_init(&t->heap, &t->capture);
	if (err) {
		*why = err == -ENODATA ? "no page of V8's heap was found in it" : "out of memory";
		return err;
	}
	t->has_heap = true;
	err = heap_mark(&t->heap);
	if (!err)
		err = heap_tally(&t->heap);
	if (err == -EBADMSG)
		*why = "what looks like V8's heap in it is none";
	else if (err)
		*why = err == -ECANCELED ? "stopped" : "out of memory";
	return err;
}

static void add_isolates(const struct heap *h, struct census *c)
{
	c->isolate_count = h->isolate_count;
	for (unsigned i = 0; i < h->isolate_count; i++)
		c->isolates[i].id = h->isolates[i];
	for (unsigned i = 0; i < h->page_count; i++)
		c->isolates[h->pages[i].isolate].page_bytes += h->pages[i].end - h->pages[i].start;
}

static int add_constructors(struct heap *h, struct census *c)
{
	for (uint32_t g = 0; g < heap_group_count(h); g++) {
		for (unsigned i = 0; i < h->isolate_count; i++) {
			const struct heap_tally *tally = heap_group_tally(h, g, i);
			struct constructor what = *heap_group(h, g);
			int err;

			if (!tally->count)
				continue;
			what.isolate = (uint8_t)i;
			what.count = tally->count;
			what.bytes = tally->bytes;
			what.external_bytes = tally->external_bytes;
			err = census_add_constructor(c, &what);
			if (err)
				return err;
			c->isolates[i].count += tally->count;
			c->isolates[i].bytes += tally->bytes;
			c->isolates[i].external_bytes += tally->external_bytes;
		}
	}
	return 0;
}

/* Those at the end that nothing is alive in: words that looked like a page of theirs. */
static void drop_empty_isolates(struct census *c)
{
	while (c->isolate_count > 1 && !c->isolates[c->isolate_count - 1].count)
		c->isolate_count--;
}

static int fill(struct census_taker *t, struct census *c)
{
	const struct capture *capture = &t->capture;
	int err;

	c->taken_ns = capture->taken_ns;
	c->wall_ns = clock_wall_ns() - (clock_boot_ns() - capture->taken_ns);
	c->is_live = capture->is_live;
	c->in_gc = capture->in_gc;
	c->gc_waits = capture->gc_waits;
	c->pause_ns = capture->pause_ns;
	c->copied_bytes = capture->image.copied_bytes;
	c->lost = t->heap.lost;
	c->lost.unreadable_bytes = capture->image.unreadable_bytes;
	add_isolates(&t->heap, c);
	err = add_constructors(&t->heap, c);
	if (err)
		return err;
	drop_empty_isolates(c);
	census_sort(c);
	c->analysis_ns = clock_boot_ns() - capture->taken_ns - capture->pause_ns;
	return 0;
}

int census_take(struct census_taker *t, struct census **out, const char **why)
{
	struct census *c;
	int err;

	*out = NULL;
	*why = "out of memory";
	drop_heap(t);
	c = census_new();
	if (!c)
		return -ENOMEM;
	err = describe_process(t, c, why);
	if (!err)
		err = take_capture(t, why);
	if (!err)
		err = look_at_heap(t, c->names, why);
	if (!err)
		err = fill(t, c);
	if (err) {
		drop_heap(t);
		census_free(c);
		return err;
	}
	*out = c;
	return 0;
}

/* ---- retainers ---- */

static bool is_wanted(const struct constructor *group, const struct constructor *wanted)
{
	return group->kind == wanted->kind && !strcmp(group->name, wanted->name) &&
	       !group->file == !wanted->file &&
	       (!group->file || !strcmp(group->file, wanted->file)) && group->line == wanted->line;
}

const char *census_live_why(const struct census_taker *t)
{
	return t->capture.live_why;
}

/* The tree of all objects, as large as it is going to be, must fit beside the image. */
static int check_room(struct census_taker *t, const char **why)
{
	uint64_t needed = t->heap.live_count * RETAIN_OBJECT_BYTES + RETAIN_BYTES;
	uint64_t free_bytes = room_free(""), image = t->capture.image.copied_bytes;
	char n[UNITS_SIZE], m[UNITS_SIZE];

	if (t->options.max_bytes)
		free_bytes = t->options.max_bytes > image ? t->options.max_bytes - image : 0;
	if (needed <= free_bytes)
		return 0;
	snprintf(t->why, sizeof(t->why), "a tree of all objects takes %s, but only %s %s",
		 units_format_bytes(n, sizeof(n), needed),
		 units_format_bytes(m, sizeof(m), free_bytes),
		 t->options.max_bytes ? "may be used" : "are free here");
	*why = t->why;
	return -ENOMEM;
}

int census_retain(struct census_taker *t, struct census *census, const struct constructor *wanted,
		  const char **why)
{
	struct retainer found = {0};
	uint32_t group = 0;
	int err;

	*why = "there are no such objects";
	if (!t->has_heap)
		return -ENOENT;
	while (group < heap_group_count(&t->heap) &&
	       !is_wanted(heap_group(&t->heap, group), wanted))
		group++;
	if (group == heap_group_count(&t->heap))
		return -ENOENT;
	if (!t->retain) {
		err = check_room(t, why);
		if (err)
			return err;
		t->retain = retain_new(&t->heap);
	}
	*why = "out of memory";
	if (!t->retain)
		return -errno;
	err = retain_find(t->retain, group, wanted->isolate, &found);
	return err ? err : census_add_retainer(census, &found);
}

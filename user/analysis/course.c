/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The series of one process, fed from ticks and collections. */
#include "analysis/course.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

void course_init(struct course *c, uint64_t start_ns)
{
	memset(c, 0, sizeof(*c));
	c->start_ns = start_ns;
}

void course_release(struct course *c)
{
	struct series *const all[] = {&c->private_bytes, &c->file, &c->shmem, &c->brk, &c->vm,
				      &c->threads,	 &c->full};

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		series_release(all[i]);
	if (c->heaps)
		live_heap_release(c->heaps);
	free(c->heaps);
	course_init(c, 0);
}

void course_restart(struct course *c, uint64_t ns)
{
	course_release(c);
	c->start_ns = ns;
}

int course_add(struct course *c, const struct process *p)
{
	const struct totals *t = &p->now;
	struct {
		struct series *series;
		uint64_t value;
	} const all[] = {
		{&c->private_bytes, t->anon_bytes + t->swap_bytes},
		{&c->file, t->file_bytes},
		{&c->shmem, t->shmem_bytes},
		{&c->brk, t->heap_bytes},
		{&c->vm, t->vm_bytes},
		{&c->threads, t->threads},
	};
	int err = 0;

	for (unsigned i = 0; !err && i < sizeof(all) / sizeof(all[0]); i++)
		err = series_add(all[i].series, p->now_ns, all[i].value);
	return err;
}

/* ---- collections ---- */

int course_gc(struct course *c, const struct gc *gc)
{
	if (gc_is_full(gc->kind))
		series_add(&c->full, gc->ns, c->private_bytes.last);
	if (!gc->external_bytes && !gc->live_bytes)
		return 0;
	if (!c->heaps) { /* few processes have collected heaps: the rest do without the room */
		c->heaps = calloc(1, sizeof(*c->heaps));
		if (!c->heaps)
			return -ENOMEM;
		live_heap_init(c->heaps);
	}
	return live_heap_collect(c->heaps, gc);
}

void course_heap_out(struct course *c, uint64_t isolate, uint64_t ns)
{
	if (c->heaps)
		live_heap_remove(c->heaps, isolate, ns);
}

/* ---- what happened ---- */

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

void course_mark(struct course *c, enum verdict_mark_kind kind, uint64_t ns, const char *where)
{
	struct verdict_mark *last = c->mark_count ? &c->marks[c->mark_count - 1] : NULL;

	if (last && last->kind == kind && is_same(last->where, where) &&
	    ns < last->ns + NSEC_PER_SEC)
		return;
	if (c->mark_count == COURSE_MARKS)
		memmove(&c->marks[0], &c->marks[1], --c->mark_count * sizeof(c->marks[0]));
	c->marks[c->mark_count++] = (struct verdict_mark){.kind = kind, .ns = ns, .where = where};
}

bool course_is_quiet(const struct course *c)
{
	return c->private_bytes.is_constant && c->file.is_constant && c->shmem.is_constant &&
	       c->brk.is_constant && c->vm.is_constant && c->threads.is_constant &&
	       !c->mark_count && !c->heaps && !c->full.count;
}

void course_judge(const struct course *c, const struct course_view *view, struct verdict *out)
{
	static const struct live_heap nothing_seen;
	const struct live_heap *live = c->heaps ? c->heaps : &nothing_seen;
	const struct verdict_input in = {
		.now_ns = view->now_ns,
		.start_ns = c->start_ns,
		.private_bytes = &c->private_bytes,
		.file = &c->file,
		.shmem = &c->shmem,
		.brk = &c->brk,
		.vm = &c->vm,
		.threads = &c->threads,
		.external = live->external_held.count ? &live->external_held : NULL,
		.full = &c->full,
		.v8 = view->collector == COLLECTOR_LIVE ? live : NULL,
		.is_collected = view->collector != COLLECTOR_NONE,
		.is_unknown = view->collector == COLLECTOR_UNKNOWN,
		.called = view->called,
		.limits = view->limits,
		.limit_count = view->limit_count,
		.marks = c->marks,
		.mark_count = c->mark_count,
	};

	verdict_give(&in, out);
}

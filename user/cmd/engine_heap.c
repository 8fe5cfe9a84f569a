/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a run looks into heaps for (--heap): leaks that are called, and censuses to keep. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/engine_internal.h"

static void told(struct engine *e, int err)
{
	if (!err)
		err = e->sink->ops->flush(e->sink);
	if (err)
		engine_stop(e, err);
}

static void on_kept(void *arg, struct process *p)
{
	struct engine *e = arg;

	told(e, watch_verdict_tell(e->verdicts, p, clock_boot_ns()));
}

static void on_done(void *arg)
{
	engine_stop(arg, 0);
}

static void on_census(void *arg, const struct census *c, enum recorded_census_when when)
{
	struct engine *e = arg;

	told(e, e->sink->ops->census(e->sink, c, when));
}

static void on_leak_census(void *arg, const struct census *c)
{
	on_census(arg, c, RECORDED_CENSUS_LEAK);
}

static void on_ends_kept(void *arg, uint32_t pid, uint64_t start_ns, const struct kept *kept)
{
	heap_watch_tell(((struct engine *)arg)->heap, pid, start_ns, kept);
}

static bool is_v8(void *arg, const struct process *p)
{
	return closely_is_v8(&((struct engine *)arg)->closely, p->pid, p->start_ns);
}

/* --- setting up --- */

static int prepare_ends(struct engine *e)
{
	const struct heap_ends_options options = {
		.job = &e->heap_job,
		.table = &e->table,
		.duration_ns = e->options->duration_ns,
		.is_v8 = is_v8,
		.census = on_census,
		.kept = on_ends_kept,
		.done = on_done,
		.arg = e,
	};

	if (!e->sink->ops->census || !targets_are_named(&e->options->targets))
		return 0;
	e->ends = heap_ends_new(&options);
	return e->ends ? 0 : -errno;
}

static int prepare_watch(struct engine *e)
{
	const struct heap_watch_options options = {
		.job = &e->heap_job,
		.table = &e->table,
		.is_brief = e->front->is_told_last,
		.census = e->sink->ops->census ? on_leak_census : NULL,
		.told = on_kept,
		.done = on_done,
		.arg = e,
	};

	e->heap = heap_watch_new(&options);
	return e->heap ? 0 : -errno;
}

int engine_heap_prepare(struct engine *e)
{
	int err;

	if (!e->options->heap)
		return 0;
	if (!session_hook_name(e->session, CAPABILITY_V8))
		log_warn("--heap: V8's collections cannot be seen here ('memwatch doctor'): no "
			 "leak of its heap is called%s",
			 e->sink->ops->census ? "" : ", and no census is taken");
	err = heap_job_init(&e->heap_job, e->loop, "/proc/self/exe");
	if (!err)
		err = prepare_watch(e);
	if (!err)
		err = prepare_ends(e);
	return err ? log_error_code(err, "cannot look into heaps: %s", strerror(-err)) : 0;
}

void engine_heap_release(struct engine *e)
{
	heap_ends_free(e->ends);
	heap_watch_free(e->heap);
	heap_job_release(&e->heap_job);
}

/* --- a run --- */

void engine_heap_gc(struct engine *e, const struct gc *gc)
{
	if (e->heap)
		heap_watch_gc(e->heap, gc);
	if (e->ends)
		heap_ends_gc(e->ends, gc);
}

/* The begin first: what leaks is looked into again, what has begun does not come back. */
void engine_heap_tick(struct engine *e, struct process **rows, size_t count, uint64_t now_ns)
{
	if (e->ends) {
		column_sort(column_find("rss"), rows, count);
		heap_ends_tick(e->ends, rows, count, now_ns);
	}
	if (e->heap)
		heap_watch_tick(e->heap, rows, count, now_ns);
}

void engine_heap_forget(struct engine *e, uint32_t pid, uint64_t start_ns)
{
	if (e->heap)
		heap_watch_forget(e->heap, pid, start_ns);
	if (e->ends)
		heap_ends_forget(e->ends, pid, start_ns);
}

/* --- its end --- */

/* That of the end shows what leaks as well: no two more are taken for it. */
static int last_ends(struct engine *e, struct process **rows, size_t count)
{
	int err = 0;

	column_sort(column_find("rss"), rows, count);
	heap_watch_stop(e->heap);
	if (heap_ends_last(e->ends, rows, count, clock_boot_ns())) {
		log_info("taking censuses of the heaps at the end (^C: do not wait)");
		err = loop_run(e->loop);
	}
	heap_ends_stop(e->ends);
	return err;
}

static int last_leak(struct engine *e, struct process **rows, size_t count)
{
	int err = 0;

	if (heap_watch_last(e->heap, rows, count, clock_boot_ns())) {
		log_info("waiting for a census of a heap that leaks (^C: do not wait)");
		err = loop_run(e->loop);
	}
	heap_watch_stop(e->heap);
	return err;
}

/* A second signal ends it, or that the program has ended which was run. */
int engine_heap_last(struct engine *e)
{
	size_t count;
	struct process **rows;
	int err;

	if (!e->heap || !e->front->is_told_last)
		return 0;
	rows = engine_rows(e, &count);
	if (!rows)
		return -ENOMEM;
	err = e->ends ? last_ends(e, rows, count) : last_leak(e, rows, count);
	free(rows);
	return err;
}

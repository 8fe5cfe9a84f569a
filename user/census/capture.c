/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Capturing: all that takes long and can be done while the process runs is done before it is
 * stopped, so that its pause is a look at its mappings (2 ms for 100 MB) and the copying.
 *
 * Whether V8 collects garbage is told by the stacks: return addresses in code that is
 * there then only. Objects move in a collection, so what is copied in one would be seen twice
 * or not at all.
 *
 * LIMITATIONS: a collection whose code is not known is not noticed. A stale return address, of a
 * collection before, may be taken for one that runs: what it costs is the tries, and in_gc.
 */
#include "census/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memreader.h"
#include "base/units.h"
#include "census/image_build.h"
#include "census/live_stacks.h"
#include "census/room.h"

#define STACK_BYTES	(128u << 10) /* that are looked at: a collection is called from deep in */
#define GC_TRIES	200
#define GC_WAIT_NS	3000000
#define GC_DEADLINE_NS	2000000000ull
#define BOOKKEEPING_PCT 3
#define BOOKKEEPING	(64u << 20)

struct taking {
	const struct capture_options *options;
	struct capture *out;
	struct stop stop;
	struct urgent urgent; /* from the beginning of a stop to its end */
	struct memreader mem;
	uint64_t *stack; /* STACK_BYTES */
};

static int refuse(struct taking *t, int err, const char *why)
{
	snprintf(t->out->why, sizeof(t->out->why), "%s", why);
	return err;
}

static int refuse_errno(struct taking *t, int err)
{
	switch (err) {
	case -ESRCH:
		return refuse(t, err, "the process has ended");
	case -EACCES:
	case -EPERM:
		return refuse(t, -EPERM,
			      "its memory may not be read: run memwatch as root, or with "
			      "CAP_SYS_PTRACE");
	case -ECANCELED:
		return refuse(t, err, "stopped");
	case -ENOMEM:
		return refuse(t, err, "out of memory");
	default:
		return refuse(t, err, strerror(-err));
	}
}

static bool is_cancelled(const struct taking *t)
{
	return t->options->cancelled && t->options->cancelled(t->options->arg);
}

static struct image_job job_of(const struct taking *t, const char *step, bool is_stopped)
{
	return (struct image_job){
		.cancelled = t->options->cancelled,
		/* A terminal may be slow. */
		.progress = is_stopped ? NULL : t->options->progress,
		.arg = t->options->arg,
		.step = step,
		.urgent = is_stopped ? &t->urgent : NULL,
	};
}

/* --- while it runs --- */

static int check_room(struct taking *t)
{
	uint64_t present = image_present_bytes(&t->out->image);
	uint64_t needed = present + present * BOOKKEEPING_PCT / 100 + BOOKKEEPING;
	uint64_t most = t->options->max_bytes ? t->options->max_bytes : room_free("");
	char n[UNITS_SIZE], m[UNITS_SIZE];

	if (needed <= most)
		return 0;
	units_format_bytes(n, sizeof(n), needed);
	units_format_bytes(m, sizeof(m), most);
	snprintf(t->out->why, sizeof(t->out->why), "a copy of its memory takes %s, but only %s %s",
		 n, m, t->options->max_bytes ? "may be used" : "are free here");
	return -ENOMEM;
}

static int prepare(struct taking *t)
{
	struct image_job job = job_of(t, "preparing", false);
	struct image *im = &t->out->image;
	int err = image_plan(im, t->options->pid, 0);

	if (err)
		return refuse_errno(t, err);
	err = check_room(t);
	if (err)
		return err;
	err = image_reserve(im);
	if (err)
		return refuse(t, err,
			      "no address space for a copy of its memory: is it limited "
			      "(ulimit -v, vm.overcommit_memory = 2)?");
	err = image_prefault(im, &job);
	return err ? refuse_errno(t, err) : 0;
}

static int copy_live(struct taking *t)
{
	struct image_job job = job_of(t, "copying", false);
	int err;

	t->out->is_live = true;
	t->out->thread_count = live_stacks_read(t->options->pid, &t->out->threads);
	t->out->taken_ns = clock_boot_ns();
	err = image_copy(&t->out->image, t->options->pid, &job);
	return err ? refuse_errno(t, err) : 0;
}

/* --- a collection --- */

static bool is_gc_code(const struct capture_options *o, uint64_t addr)
{
	unsigned low = 0, high = o->gc_code_count; /* the first that ends behind @addr */

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (o->gc_code[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low < o->gc_code_count && o->gc_code[low].start <= addr;
}

/* Words of a stack, from its pointer on: as far as it goes, or we look. */
static size_t read_stack(struct taking *t, uint64_t sp)
{
	const struct image_region *r = image_region_of(&t->out->image, sp);
	size_t len = STACK_BYTES;

	if (r && r->end - sp < len)
		len = r->end - sp;
	for (; len >= sizeof(uint64_t); len /= 2) {
		if (!memreader_read(&t->mem, sp, t->stack, len))
			break;
	}
	return len / sizeof(uint64_t);
}

static bool is_in_gc(struct taking *t)
{
	const struct capture_options *o = t->options;

	for (unsigned i = 0; o->gc_code_count && i < t->stop.count; i++) {
		size_t words;

		if (is_gc_code(o, t->stop.threads[i].pc))
			return true;
		if (!t->stop.threads[i].sp)
			continue;
		words = read_stack(t, t->stop.threads[i].sp & ~7ull);
		for (size_t w = 0; w < words; w++) {
			if (is_gc_code(o, t->stack[w]))
				return true;
		}
	}
	return false;
}

/* --- while it stands still --- */

static void run_on(struct taking *t)
{
	stop_end(&t->stop);
	urgent_end(&t->urgent);
}

/* Stopped, and not within a collection unless that does not end. *@begin_ns: of the pause. */
static int stop_outside_of_gc(struct taking *t, uint64_t *begin_ns, const char **why)
{
	const struct timespec wait = {.tv_nsec = GC_WAIT_NS};
	uint64_t first_ns = clock_boot_ns();

	for (;;) {
		int err;

		urgent_begin(&t->urgent);
		*begin_ns = clock_boot_ns();
		err = stop_begin(&t->stop, t->options->pid, why);
		if (err)
			return err;
		t->out->in_gc = is_in_gc(t);
		if (!t->out->in_gc || t->out->gc_waits == GC_TRIES ||
		    clock_boot_ns() - first_ns > GC_DEADLINE_NS)
			return 0;
		run_on(t);
		t->out->gc_waits++;
		*why = "stopped";
		if (is_cancelled(t))
			return -ECANCELED;
		nanosleep(&wait, NULL);
	}
}

static int copy_stopped(struct taking *t, uint64_t begin_ns)
{
	struct image_job job = job_of(t, "copying", true);
	struct capture *out = t->out;
	int err;

	out->taken_ns = clock_boot_ns();
	err = image_replan(&out->image, t->options->pid, 0);
	if (!err)
		err = image_copy(&out->image, t->options->pid, &job);
	if (!err && !stop_holds(&t->stop)) /* killed: some of it was gone already */
		err = -ESRCH;
	run_on(t);
	out->pause_ns = clock_boot_ns() - begin_ns;
	if (err)
		return refuse_errno(t, err);
	out->threads = t->stop.threads;
	out->thread_count = t->stop.count;
	t->stop.threads = NULL;
	return 0;
}

static int copy(struct taking *t)
{
	uint64_t begin_ns;
	const char *why;
	int err;

	if (t->options->live)
		return copy_live(t);
	err = stop_outside_of_gc(t, &begin_ns, &why);
	if (!err)
		return copy_stopped(t, begin_ns);
	urgent_end(&t->urgent);
	if (err != -EBUSY && err != -ETIMEDOUT)
		return refuse(t, err, why);
	snprintf(t->out->live_why, sizeof(t->out->live_why), "%s", why);
	t->out->in_gc = false;
	return copy_live(t);
}

int capture_take(const struct capture_options *options, struct capture *out, const char **why)
{
	struct taking t = {.options = options, .out = out, .stack = malloc(STACK_BYTES)};
	int err;

	*why = out->why;
	memreader_init_process(&t.mem, options->pid);
	err = t.stack ? prepare(&t) : refuse_errno(&t, -ENOMEM);
	if (!err)
		err = copy(&t);
	stop_release(&t.stop);
	free(t.stack);
	if (err)
		capture_release(out);
	return err;
}

void capture_release(struct capture *c)
{
	char why[sizeof(c->why)];

	memcpy(why, c->why, sizeof(why));
	image_release(&c->image);
	free(c->threads);
	*c = (struct capture){0};
	memcpy(c->why, why, sizeof(why));
}

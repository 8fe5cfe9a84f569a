/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 *   tick ─► due? ─► heap ─► census, kept as text for ─┐
 *   end  ─► heap --base ◄───────────────────────────┘ ─► census, with who keeps what grew
 */
#include "cmd/heap_ends.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analysis/census_kept.h"
#include "analysis/verdict.h"
#include "base/clock.h"
#include "base/hmap.h"
#include "base/log.h"
#include "store/census_file.h"

#define YOUNG_NS (10 * NSEC_PER_SEC) /* until then a process has not come up */
#define TAKES_NS (120 * NSEC_PER_SEC)
#define LAST_NS	 (30 * NSEC_PER_SEC) /* for all of them: somebody waits */

/* A process of V8. */
struct ended {
	struct hmap_node node; /* by PID */
	uint64_t start_ns;
	uint64_t rss_bytes;
	bool has_marked; /* a full collection was seen */
	bool is_begun;	 /* its first census was asked for */
	int base_fd;	 /* that one as text; < 0: there is none */
	bool wants_last; /* is to have one at the end */
};

struct heap_ends {
	struct heap_ends_options options;
	struct hmap by_pid;
	uint32_t pid; /* whom the one looks at that was asked for last */
	uint64_t start_ns;
	uint64_t last_ns; /* heap_ends_last(): all is over at that time; 0: the run goes on */
	bool is_full_said, is_end_said;
	bool has_seen;	/* a process of V8 */
	bool has_taken; /* a census, at either end */
};

/* --- processes --- */

static struct ended *find(const struct heap_ends *e, uint32_t pid, uint64_t start_ns)
{
	struct hmap_node *node = hmap_find(&e->by_pid, pid);
	struct ended *d = node ? hmap_entry(node, struct ended, node) : NULL;

	return d && d->start_ns == start_ns ? d : NULL;
}

static void drop(struct heap_ends *e, struct ended *d)
{
	hmap_remove(&e->by_pid, &d->node);
	if (d->base_fd >= 0)
		close(d->base_fd);
	free(d);
}

/* NULL: there are as many as there may be, or memory is short. */
static struct ended *find_or_add(struct heap_ends *e, uint32_t pid, uint64_t start_ns)
{
	struct hmap_node *other = hmap_find(&e->by_pid, pid);
	struct ended *d = find(e, pid, start_ns);

	if (d)
		return d;
	if (other) /* that had the PID before */
		drop(e, hmap_entry(other, struct ended, node));
	if (e->by_pid.count >= HEAP_ENDS_MAX) {
		if (!e->is_full_said)
			log_info("more than %d processes of V8: no census of the smaller ones",
				 HEAP_ENDS_MAX);
		e->is_full_said = true;
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->start_ns = start_ns;
	d->base_fd = -1;
	hmap_add(&e->by_pid, &d->node, pid);
	e->has_seen = true;
	return d;
}

void heap_ends_gc(struct heap_ends *e, const struct gc *gc)
{
	struct ended *d = find(e, gc->pid, gc->start_ns);

	if (d && gc->kind == MW_GC_MARK_COMPACT)
		d->has_marked = true;
}

/* --- a census --- */

/* 0 or a negative errno. */
static int take(struct heap_ends *e, const struct strbuf *out, enum recorded_census_when when,
		struct census_file *file)
{
	static const char *const places[] = {
		[RECORDED_CENSUS_BEGIN] = "begin", [RECORDED_CENSUS_END] = "end"};
	const struct process *p = process_table_find(e->options.table, e->pid, e->start_ns);
	int err = census_text_parse(out->s, out->len, file);

	if (!err && (file->is_cut || file->census->pid != e->pid))
		err = -ENODATA;
	if (err)
		return err;
	file->census->start_ns = e->start_ns; /* exactly: /proc tells hundredths of a second */
	log_info("process %u (%s) stood still for %.0f ms: census of its heap at the %s", e->pid,
		 p ? p->comm : "?", (double)file->census->pause_ns / NSEC_PER_MSEC, places[when]);
	e->has_taken = true;
	e->options.census(e->options.arg, file->census, when);
	return 0;
}

static void say_failure(const struct heap_ends *e, const char *why, int err)
{
	log_warn("no census of the heap of process %u: %s", e->pid, why ? why : strerror(-err));
}

static int ask(struct heap_ends *e, const struct ended *d, uint64_t within_ns,
	       void (*done)(void *arg, const struct strbuf *out, const char *why))
{
	const struct heap_request request = {
		.pid = (uint32_t)d->node.key,
		.start_ns = d->start_ns,
		.base_fd = d->base_fd,
		.within_ns = within_ns,
		.done = done,
		.arg = e,
	};
	int err;

	e->pid = request.pid;
	e->start_ns = d->start_ns;
	err = heap_job_start(e->options.job, &request);
	if (err)
		say_failure(e, NULL, err);
	return err;
}

/* --- the begin --- */

static int keep_text(const struct strbuf *text)
{
	int fd = memfd_create("memwatch-census", MFD_CLOEXEC);
	size_t done = 0;

	while (fd >= 0 && done < text->len) {
		ssize_t n = write(fd, text->s + done, text->len - done);

		if (n < 0 && errno != EINTR) {
			close(fd);
			return -1;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	return fd;
}

static void on_begin(void *arg, const struct strbuf *out, const char *why)
{
	struct heap_ends *e = arg;
	struct ended *d = find(e, e->pid, e->start_ns);
	struct census_file file = {0};
	int err;

	if (!d)
		return;
	err = take(e, out, RECORDED_CENSUS_BEGIN, &file);
	if (err)
		say_failure(e, why, err);
	else
		d->base_fd = keep_text(out);
	census_free(file.census);
}

static bool is_due(const struct heap_ends *e, const struct ended *d, uint64_t now_ns)
{
	uint64_t young_ns = YOUNG_NS, duration_ns = e->options.duration_ns;

	if (duration_ns && duration_ns / 4 < young_ns)
		young_ns = duration_ns / 4;
	return !d->is_begun && (d->has_marked || now_ns - d->start_ns >= young_ns);
}

void heap_ends_tick(struct heap_ends *e, struct process **rows, size_t count, uint64_t now_ns)
{
	struct ended *due = NULL;

	for (size_t i = 0; i < count; i++) {
		struct ended *d;

		if (!e->options.is_v8(e->options.arg, rows[i]))
			continue;
		d = find_or_add(e, rows[i]->pid, rows[i]->start_ns);
		if (!d)
			continue;
		d->rss_bytes = rows[i]->now.rss_bytes;
		if (is_due(e, d, now_ns) && (!due || d->rss_bytes > due->rss_bytes))
			due = d;
	}
	if (!due || heap_job_runs(e->options.job))
		return;
	due->is_begun = true;
	ask(e, due, TAKES_NS, on_begin);
}

/* --- the end --- */

static void next_last(struct heap_ends *e);

static int read_base(int base_fd, struct census_file *out)
{
	int fd = fcntl(base_fd, F_DUPFD_CLOEXEC, 3);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	int err = f && !fseek(f, 0, SEEK_SET) ? census_file_parse(f, out) : -EIO;

	if (f)
		fclose(f);
	else if (fd >= 0)
		close(fd);
	return err;
}

/* Of a leak that nobody looked into, so that the verdict can tell. */
static void tell_kept(const struct heap_ends *e, const struct ended *d, const struct census *last)
{
	const struct process *p = process_table_find(e->options.table, e->pid, e->start_ns);
	struct census_file first = {0};
	struct census_diff *diff = NULL;
	struct kept kept = {0};

	if (d->base_fd < 0 || !p || p->kept || !p->verdict || !p->verdict->is_leak)
		return;
	if (!read_base(d->base_fd, &first))
		diff = census_diff_new(first.census, NULL, last);
	if (diff) {
		census_kept(diff, &kept);
		e->options.kept(e->options.arg, e->pid, e->start_ns, &kept);
	}
	census_diff_free(diff);
	census_free(first.census);
}

static void on_end(void *arg, const struct strbuf *out, const char *why)
{
	struct heap_ends *e = arg;
	struct ended *d = find(e, e->pid, e->start_ns);
	struct census_file file = {0};
	int err;

	if (d) {
		err = take(e, out, RECORDED_CENSUS_END, &file);
		if (err)
			say_failure(e, why, err);
		else
			tell_kept(e, d, file.census);
		census_free(file.census);
	}
	next_last(e);
}

/* The largest that is left. Returns whether one has been asked for. */
static bool start_next(struct heap_ends *e)
{
	uint64_t now_ns = clock_boot_ns();
	struct ended *largest = NULL;
	struct hmap_node *node;

	hmap_for_each (&e->by_pid, node) {
		struct ended *d = hmap_entry(node, struct ended, node);

		if (d->wants_last && (!largest || d->rss_bytes > largest->rss_bytes))
			largest = d;
	}
	if (!largest)
		return false;
	if (now_ns >= e->last_ns) {
		log_warn("it took too long: not all censuses at the end could be taken");
		return false;
	}
	largest->wants_last = false;
	return !ask(e, largest, e->last_ns - now_ns, on_end);
}

static void next_last(struct heap_ends *e)
{
	if (e->last_ns && !start_next(e))
		e->options.done(e->options.arg);
}

/* Of one that failed, why was said then. */
static void say_late(const struct heap_ends *e, const struct ended *d)
{
	uint32_t pid = (uint32_t)d->node.key;
	bool is_under_way = heap_job_is_for(e->options.job, e) &&
			    heap_job_is_of(e->options.job, pid, d->start_ns);

	if (!d->is_begun || is_under_way)
		log_warn("no census of the heap of process %u at the begin: the recording ended "
			 "before %s. Record for longer to see what has grown",
			 pid, is_under_way ? "it was taken" : "its turn came");
}

bool heap_ends_last(struct heap_ends *e, struct process **rows, size_t count, uint64_t now_ns)
{
	e->last_ns = now_ns + LAST_NS;
	for (size_t i = 0; i < count; i++) {
		struct ended *d = NULL;

		if (e->options.is_v8(e->options.arg, rows[i]))
			d = find_or_add(e, rows[i]->pid, rows[i]->start_ns);
		if (!d)
			continue;
		d->wants_last = true;
		say_late(e, d);
	}
	heap_ends_stop(e);
	if (start_next(e))
		return true;
	if (!e->has_taken)
		log_warn(
			"no census of a heap: %s",
			!e->has_seen
				? "no process of V8 was seen"
				: "who had one ended before it was due, which is at the first full "
				  "collection, or after ten seconds");
	return false;
}

void heap_ends_forget(struct heap_ends *e, uint32_t pid, uint64_t start_ns)
{
	struct ended *d = find(e, pid, start_ns);
	bool is_looked_at =
		heap_job_is_for(e->options.job, e) && heap_job_is_of(e->options.job, pid, start_ns);

	if (d && d->base_fd >= 0 && !e->is_end_said && (!e->last_ns || d->wants_last)) {
		log_info("process %u has ended: there is no census of its heap at the end. "
			 "A recording that ends before it does (-d, or ^C) has one",
			 pid);
		e->is_end_said = true;
	}
	if (d)
		drop(e, d);
	if (!is_looked_at)
		return;
	heap_ends_stop(e);
	next_last(e);
}

void heap_ends_stop(struct heap_ends *e)
{
	if (heap_job_is_for(e->options.job, e))
		heap_job_stop(e->options.job);
}

/* --- the whole --- */

struct heap_ends *heap_ends_new(const struct heap_ends_options *options)
{
	struct heap_ends *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->options = *options;
	if (!hmap_init(&e->by_pid))
		return e;
	free(e);
	errno = ENOMEM;
	return NULL;
}

void heap_ends_free(struct heap_ends *e)
{
	struct hmap_node *node, *next;

	if (!e)
		return;
	heap_ends_stop(e);
	for (node = hmap_next(&e->by_pid, NULL); node; node = next) {
		next = hmap_next(&e->by_pid, node);
		drop(e, hmap_entry(node, struct ended, node));
	}
	hmap_release(&e->by_pid);
	free(e);
}

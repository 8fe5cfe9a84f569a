/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cmd/heap_watch.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/census_kept.h"
#include "analysis/verdict.h"
#include "base/clock.h"
#include "base/hmap.h"
#include "base/log.h"
#include "store/census_file.h"

#define AGAIN_NS     (600 * NSEC_PER_SEC) /* of the same leak */
#define ANEW_NS	     (60 * NSEC_PER_SEC)  /* of one that was not called for a while */
#define APART_MIN_S  5			  /* between the two censuses */
#define APART_LAST_S 3			  /* when somebody waits for it */
#define APART_MAX_S  60
#define APART_BYTES  1048576.0		  /* that are to come in between */
#define TAKES_NS     (120 * NSEC_PER_SEC) /* that a large heap may take, beside that */
#define LAST_NS	     (15 * NSEC_PER_SEC)
#define CENSUS_BEGIN "\n{\"type\":\"census\""

/* A process of V8. */
struct looked {
	struct hmap_node node; /* by PID */
	uint64_t start_ns;
	uint64_t asked_ns; /* 0: never */
	bool was_called;   /* a leak, when last seen */
	bool is_anew;	   /* it was not called for a while since @asked_ns */
	struct kept *kept; /* NULL: not known */
};

struct heap_watch {
	struct heap_watch_options options;
	struct hmap by_pid;
	struct hmap_node *ended; /* until the next tick: p->kept may still be looked at */
	struct heap_job *job;
	uint32_t pid; /* whom it looked at last */
	uint64_t start_ns;
	uint64_t last_ns; /* heap_watch_last(): it ends at that time; 0: it does not end yet */
};

/* --- processes --- */

static struct looked *find(const struct heap_watch *h, uint32_t pid, uint64_t start_ns)
{
	struct hmap_node *node = hmap_find(&h->by_pid, pid);
	struct looked *l = node ? hmap_entry(node, struct looked, node) : NULL;

	return l && l->start_ns == start_ns ? l : NULL;
}

static void looked_free(struct looked *l)
{
	free(l->kept);
	free(l);
}

static void free_ended(struct heap_watch *h)
{
	struct hmap_node *node, *next;

	for (node = h->ended; node; node = next) {
		next = node->next;
		looked_free(hmap_entry(node, struct looked, node));
	}
	h->ended = NULL;
}

static struct process *process_of(const struct heap_watch *h, const struct looked *l)
{
	return process_table_find(h->options.table, (uint32_t)l->node.key, l->start_ns);
}

static void end_looked(struct heap_watch *h, struct looked *l)
{
	hmap_remove(&h->by_pid, &l->node);
	l->node.next = h->ended;
	h->ended = &l->node;
}

static bool is_of_v8(enum mw_gc_kind kind)
{
	return kind == MW_GC_SCAVENGE || kind == MW_GC_MARK_COMPACT ||
	       kind == MW_GC_MINOR_MARK_SWEEP;
}

void heap_watch_gc(struct heap_watch *h, const struct gc *gc)
{
	struct hmap_node *other = hmap_find(&h->by_pid, gc->pid);
	struct looked *l;

	if (!is_of_v8(gc->kind) || find(h, gc->pid, gc->start_ns))
		return;
	if (other) /* that had the PID before */
		end_looked(h, hmap_entry(other, struct looked, node));
	l = calloc(1, sizeof(*l));
	if (!l)
		return; /* the next collection is as good */
	l->start_ns = gc->start_ns;
	hmap_add(&h->by_pid, &l->node, gc->pid);
}

/* --- the result --- */

/* The stream up to its second census, or as far as it goes. */
static size_t first_part(const struct strbuf *out)
{
	const char *first = strstr(out->s, CENSUS_BEGIN);
	const char *second = first ? strstr(first + 1, CENSUS_BEGIN) : NULL;

	return second ? (size_t)(second + 1 - out->s) : out->len;
}

static int compare(const struct census *first, const struct census *now, struct kept *out)
{
	struct census_diff *d = census_diff_new(first, NULL, now);

	if (!d)
		return -errno;
	census_kept(d, out);
	census_diff_free(d);
	return 0;
}

/* What the two censuses tell. 0; -ENODATA: it ended before there were two. */
static int take_result(const struct heap_watch *h, const struct strbuf *text, struct kept *out)
{
	struct census_file first = {0}, last = {0};
	size_t part = first_part(text);
	int err = census_text_parse(text->s, part, &first);

	if (!err && part == text->len)
		err = -ENODATA;
	if (!err)
		err = census_text_parse(text->s, text->len, &last);
	if (!err && (!last.census || last.is_cut || last.census->pid != h->pid))
		err = -ENODATA;
	if (!err)
		err = compare(first.census, last.census, out);
	if (!err && h->options.census) {
		/* Exactly: /proc tells hundredths of a second. */
		first.census->start_ns = last.census->start_ns = h->start_ns;
		h->options.census(h->options.arg, first.census);
		h->options.census(h->options.arg, last.census);
	}
	census_free(first.census);
	census_free(last.census);
	return err;
}

void heap_watch_tell(struct heap_watch *h, uint32_t pid, uint64_t start_ns, const struct kept *kept)
{
	struct looked *l = find(h, pid, start_ns);
	struct process *p = l ? process_of(h, l) : NULL;
	struct kept *copy = malloc(sizeof(*copy));

	if (!copy || !p) {
		free(copy);
		return;
	}
	*copy = *kept;
	p->kept = copy;
	free(l->kept);
	l->kept = copy;
	h->options.told(h->options.arg, p);
}

static void say_pauses(const struct heap_watch *h, const struct kept *kept)
{
	const struct process *p = process_table_find(h->options.table, h->pid, h->start_ns);

	if (p)
		log_info("process %u (%s) stood still for %.0f and %.0f ms: censuses of its heap",
			 h->pid, p->comm, (double)kept->pauses_ns[0] / NSEC_PER_MSEC,
			 (double)kept->pauses_ns[1] / NSEC_PER_MSEC);
}

static bool start_due(struct heap_watch *h, struct process **rows, size_t count, uint64_t now_ns);

/* When the run ends, the next one that is due follows as long as there is time. */
static void go_on(struct heap_watch *h)
{
	uint64_t now_ns = clock_boot_ns();
	struct process **rows;
	size_t count;
	bool is_started;

	if (!h->last_ns)
		return;
	rows = now_ns < h->last_ns ? process_list(h->options.table, &count) : NULL;
	is_started = rows && start_due(h, rows, count, now_ns);
	free(rows);
	if (!is_started)
		h->options.done(h->options.arg);
}

static void on_done(void *arg, const struct strbuf *out, const char *why)
{
	struct heap_watch *h = arg;
	struct kept kept = {0};
	int err;

	if (find(h, h->pid, h->start_ns)) { /* else there is nobody to know it of */
		err = take_result(h, out, &kept);
		if (!err) {
			say_pauses(h, &kept);
			heap_watch_tell(h, h->pid, h->start_ns, &kept);
		} else {
			log_warn("no census of the heap of process %u: %s", h->pid,
				 why ? why : strerror(-err));
		}
	}
	go_on(h);
}

/* --- the beginning --- */

/* So long that a slow leak stands out from what comes and goes. */
static unsigned seconds_apart(const struct heap_watch *h, const struct verdict *v)
{
	double seconds = v->trend.slope > 0 ? ceil(APART_BYTES / v->trend.slope) : APART_MAX_S;

	if (h->last_ns)
		return APART_LAST_S;
	if (h->options.is_brief)
		return APART_MIN_S;
	return (unsigned)fmin(fmax(seconds, APART_MIN_S), APART_MAX_S);
}

static uint64_t deadline(const struct heap_watch *h, unsigned seconds)
{
	uint64_t now_ns = clock_boot_ns();

	if (!h->last_ns)
		return seconds * NSEC_PER_SEC + TAKES_NS;
	return h->last_ns > now_ns + NSEC_PER_MSEC ? h->last_ns - now_ns : NSEC_PER_MSEC;
}

static int start(struct heap_watch *h, struct looked *l, const struct process *p, uint64_t now_ns)
{
	const unsigned apart = seconds_apart(h, p->verdict);
	const struct heap_request request = {
		.pid = p->pid,
		.start_ns = p->start_ns,
		.apart_s = apart,
		.base_fd = -1,
		.within_ns = deadline(h, apart),
		.done = on_done,
		.arg = h,
	};
	int err;

	l->asked_ns = now_ns;
	l->is_anew = false;
	h->pid = p->pid;
	h->start_ns = p->start_ns;
	err = heap_job_start(h->job, &request);
	if (err)
		log_warn("no census of the heap of process %u: %s", p->pid, strerror(-err));
	else
		log_debug("process %u: two censuses of its heap, %u s apart", p->pid, apart);
	return err;
}

static bool is_called(const struct process *p)
{
	return p->verdict && p->verdict->is_leak && p->verdict->class == VERDICT_LEAK;
}

static bool is_due(const struct looked *l, uint64_t now_ns)
{
	if (!l->asked_ns)
		return true;
	return now_ns >= l->asked_ns + (l->is_anew ? ANEW_NS : AGAIN_NS);
}

/* The one that leaks fastest; whether there is one. */
static bool start_due(struct heap_watch *h, struct process **rows, size_t count, uint64_t now_ns)
{
	const struct process *worst = NULL;
	struct looked *due = NULL;

	for (size_t i = 0; i < count; i++) {
		struct looked *l = find(h, rows[i]->pid, rows[i]->start_ns);

		if (!l || !is_called(rows[i]) || !is_due(l, now_ns))
			continue;
		if (worst && worst->verdict->trend.slope >= rows[i]->verdict->trend.slope)
			continue;
		worst = rows[i];
		due = l;
	}
	return due && !start(h, due, worst, now_ns);
}

void heap_watch_tick(struct heap_watch *h, struct process **rows, size_t count, uint64_t now_ns)
{
	free_ended(h);
	for (size_t i = 0; i < count; i++) {
		struct looked *l = find(h, rows[i]->pid, rows[i]->start_ns);
		bool is_leak = is_called(rows[i]);

		rows[i]->kept = l && is_leak ? l->kept : NULL;
		if (!l)
			continue;
		l->is_anew |= l->was_called && !is_leak;
		l->was_called = is_leak;
	}
	if (!heap_job_runs(h->job))
		start_due(h, rows, count, now_ns);
}

void heap_watch_forget(struct heap_watch *h, uint32_t pid, uint64_t start_ns)
{
	struct looked *l = find(h, pid, start_ns);

	if (l)
		end_looked(h, l);
	if (!heap_job_is_for(h->job, h) || !heap_job_is_of(h->job, pid, start_ns))
		return;
	heap_watch_stop(h);
	go_on(h);
}

/* --- the end of the run --- */

bool heap_watch_last(struct heap_watch *h, struct process **rows, size_t count, uint64_t now_ns)
{
	h->last_ns = now_ns + LAST_NS;
	if (!heap_job_is_for(h->job, h))
		return start_due(h, rows, count, now_ns);
	heap_job_set_time(h->job, LAST_NS);
	return true;
}

void heap_watch_stop(struct heap_watch *h)
{
	if (heap_job_is_for(h->job, h))
		heap_job_stop(h->job);
}

/* --- the whole --- */

struct heap_watch *heap_watch_new(const struct heap_watch_options *options)
{
	struct heap_watch *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->options = *options;
	h->job = options->job;
	if (hmap_init(&h->by_pid)) {
		free(h);
		errno = ENOMEM;
		return NULL;
	}
	return h;
}

void heap_watch_free(struct heap_watch *h)
{
	struct hmap_node *node, *next;

	if (!h)
		return;
	heap_watch_stop(h);
	free_ended(h);
	for (node = hmap_next(&h->by_pid, NULL); node; node = next) {
		next = hmap_next(&h->by_pid, node);
		looked_free(hmap_entry(node, struct looked, node));
	}
	hmap_release(&h->by_pid);
	free(h);
}

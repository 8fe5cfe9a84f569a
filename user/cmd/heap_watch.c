/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cmd/heap_watch.h"

#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "analysis/census_kept.h"
#include "analysis/verdict.h"
#include "base/clock.h"
#include "base/hmap.h"
#include "base/log.h"
#include "cmd/heap_child.h"
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
	struct heap_child child;
	uint32_t pid; /* whom it looks at */
	uint64_t start_ns;
	int timer;
	uint64_t spent_ns; /* own CPU time, on results */
	uint64_t last_ns;  /* heap_watch_last(): it ends at that time; 0: it does not end yet */
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

static int parse(const struct strbuf *out, size_t len, struct census_file *file)
{
	FILE *f = len ? fmemopen(out->s, len, "r") : NULL;
	int err;

	if (!f)
		return len ? -errno : -ENODATA;
	err = census_file_parse(f, file);
	fclose(f);
	return err;
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
static int take_result(const struct heap_watch *h, struct kept *out)
{
	const struct strbuf *text = &h->child.out;
	struct census_file first = {0}, last = {0};
	size_t part = first_part(text);
	int err = parse(text, part, &first);

	if (!err && part == text->len)
		err = -ENODATA;
	if (!err)
		err = parse(text, text->len, &last);
	if (!err && (!last.census || last.is_cut || last.census->pid != h->pid))
		err = -ENODATA;
	if (!err)
		err = compare(first.census, last.census, out);
	census_free(first.census);
	census_free(last.census);
	return err;
}

static void tell(struct heap_watch *h, struct looked *l, const struct kept *kept)
{
	struct process *p = process_of(h, l);
	struct kept *copy = malloc(sizeof(*copy));

	if (!copy || !p) {
		free(copy);
		return;
	}
	*copy = *kept;
	p->kept = copy;
	free(l->kept);
	l->kept = copy;
	log_info("process %u (%s) stood still for %.0f and %.0f ms: censuses of its heap", h->pid,
		 p->comm, (double)kept->pauses_ns[0] / NSEC_PER_MSEC,
		 (double)kept->pauses_ns[1] / NSEC_PER_MSEC);
	h->options.told(h->options.arg, p);
}

static void end_child(struct heap_watch *h)
{
	if (!h->child.pid)
		return;
	loop_remove_fd(h->options.loop, h->child.out_fd);
	loop_set_timer(h->options.loop, h->timer, 0);
	heap_child_end(&h->child);
}

/* @why: it was ended for, or NULL: it ended by itself. */
static void finish(struct heap_watch *h, const char *why)
{
	struct looked *l = find(h, h->pid, h->start_ns);
	uint64_t begun_ns = clock_cpu_ns();
	struct kept kept = {0};
	int err;

	end_child(h);
	err = l ? take_result(h, &kept) : -ESRCH;
	h->spent_ns += clock_cpu_ns() - begun_ns;
	if (!err)
		tell(h, l, &kept);
	else if (l) /* else there is nobody to know it of */
		log_warn("no census of the heap of process %u: %s", h->pid,
			 why		   ? why
			 : h->child.why[0] ? h->child.why
					   : strerror(-err));
	strbuf_release(&h->child.out);
	strbuf_init(&h->child.out);
	malloc_trim(0); /* tens of megabytes, and there is nothing like it for minutes */
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

static int on_output(void *arg, uint32_t events)
{
	struct heap_watch *h = arg;
	int more = heap_child_read(&h->child);

	(void)events;
	if (more > 0)
		return 0;
	finish(h, more < 0 ? strerror(-more) : NULL);
	go_on(h);
	return 0;
}

static int on_deadline(void *arg, uint64_t expirations)
{
	struct heap_watch *h = arg;

	(void)expirations;
	if (!h->child.pid)
		return 0;
	finish(h, "it took too long");
	go_on(h);
	return 0;
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
	unsigned apart = seconds_apart(h, p->verdict);
	char pid[16], seconds[16];
	char *const argv[] = {"memwatch", "heap", "-q", "--json", "-p", pid, "-d", seconds, NULL};
	int err;

	snprintf(pid, sizeof(pid), "%u", p->pid);
	snprintf(seconds, sizeof(seconds), "%u", apart);
	l->asked_ns = now_ns;
	l->is_anew = false;
	h->pid = p->pid;
	h->start_ns = p->start_ns;
	err = heap_child_start(&h->child, h->options.program, argv);
	if (!err)
		err = loop_add_fd(h->options.loop, h->child.out_fd, EPOLLIN, on_output, h);
	if (!err)
		err = loop_set_timer(h->options.loop, h->timer, deadline(h, apart));
	if (!err) {
		log_debug("process %u: two censuses of its heap, %u s apart", p->pid, apart);
		return 0;
	}
	end_child(h);
	log_warn("no census of the heap of process %u: %s", p->pid, strerror(-err));
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
	if (!h->child.pid)
		start_due(h, rows, count, now_ns);
}

void heap_watch_forget(struct heap_watch *h, uint32_t pid, uint64_t start_ns)
{
	struct looked *l = find(h, pid, start_ns);

	if (l)
		end_looked(h, l);
	if (!h->child.pid || h->pid != pid || h->start_ns != start_ns)
		return;
	heap_watch_stop(h);
	go_on(h);
}

/* --- the end of the run --- */

bool heap_watch_last(struct heap_watch *h, struct process **rows, size_t count, uint64_t now_ns)
{
	h->last_ns = now_ns + LAST_NS;
	if (!h->child.pid)
		return start_due(h, rows, count, now_ns);
	loop_set_timer(h->options.loop, h->timer, LAST_NS);
	return true;
}

uint64_t heap_watch_spent_ns(const struct heap_watch *h)
{
	return h ? h->spent_ns : 0;
}

void heap_watch_stop(struct heap_watch *h)
{
	end_child(h);
	strbuf_clear(&h->child.out);
}

/* --- the whole --- */

struct heap_watch *heap_watch_new(const struct heap_watch_options *options)
{
	struct heap_watch *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->options = *options;
	heap_child_init(&h->child);
	h->timer = loop_add_timer(options->loop, 0, on_deadline, h);
	if (h->timer < 0 || hmap_init(&h->by_pid)) {
		int err = h->timer < 0 ? -h->timer : ENOMEM;

		free(h);
		errno = err;
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
	heap_child_release(&h->child);
	free_ended(h);
	for (node = hmap_next(&h->by_pid, NULL); node; node = next) {
		next = hmap_next(&h->by_pid, node);
		looked_free(hmap_entry(node, struct looked, node));
	}
	hmap_release(&h->by_pid);
	free(h);
}

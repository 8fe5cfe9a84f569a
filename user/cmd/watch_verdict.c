// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cmd/watch_verdict.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/course.h"
#include "analysis/growth.h"
#include "analysis/promote.h"
#include "base/clock.h"
#include "base/intern.h"
#include "base/log.h"
#include "collect/cgroup.h"
#include "collect/limits.h"

#define WHERES_BYTES  (256 * 1024) /* names of cgroups that limit a leak, or ran out of memory */
#define URGENT_SHARE  0.004	   /* of a CPU, to judge those that matter */
#define REST_SHARE    0.002	   /* and all others */
#define CREDIT_NS     1000000000.0 /* so long a time's share can be saved up */
#define QUIET_NS      (10 * NSEC_PER_SEC) /* what never changed is judged again so seldom */
#define TENTH	      0.1
#define TOLD_DISTANCE 0.05 /* of confidence, so that it is not told to and fro at a boundary */

enum { URGENT, REST, QUEUES };

static const double shares[QUEUES] = {[URGENT] = URGENT_SHARE, [REST] = REST_SHARE};

/* One process. */
struct watched {
	struct hmap_node node; /* by pid */
	uint64_t start_ns;
	struct course course;
	bool is_judged;
	uint64_t judged_ns;
	struct verdict verdict; /* valid with is_judged; its limit's @where is in wheres */
	struct {		/* what the sink knows */
		enum verdict_class class;
		bool is_leak;
		double confidence;
		enum limit_kind limit;
	} told;
};

struct watch_verdict {
	const struct process_table *table;
	struct sink *sink;
	bool is_named;
	struct hmap by_pid;
	struct hmap_node *ended; /* until the next tick: p->verdict may still be looked at */
	struct limits *limits;
	struct intern *wheres;
	uint64_t now_ns;	  /* of what is judged */
	uint64_t tick_ns;	  /* of the last tick */
	double credit_ns[QUEUES]; /* CPU time; < 0: overdrawn */
	size_t cursor[QUEUES];	  /* the row to begin with */
};

/* --- processes --- */

static void watched_free(struct watched *w)
{
	course_release(&w->course);
	free(w);
}

static struct watched *find(const struct watch_verdict *v, uint32_t pid, uint64_t start_ns)
{
	struct hmap_node *node = hmap_find(&v->by_pid, pid);
	struct watched *w = node ? hmap_entry(node, struct watched, node) : NULL;

	return w && w->start_ns == start_ns ? w : NULL;
}

static void end_watched(struct watch_verdict *v, struct watched *w)
{
	hmap_remove(&v->by_pid, &w->node);
	w->node.next = v->ended;
	v->ended = &w->node;
}

static void free_ended(struct watch_verdict *v)
{
	struct hmap_node *node, *next;

	for (node = v->ended; node; node = next) {
		next = node->next;
		watched_free(hmap_entry(node, struct watched, node));
	}
	v->ended = NULL;
}

static struct watched *find_or_add(struct watch_verdict *v, const struct process *p)
{
	struct hmap_node *other = hmap_find(&v->by_pid, p->pid);
	struct watched *w = find(v, p->pid, p->start_ns);

	if (w)
		return w;
	w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	if (other) /* that had the PID before */
		end_watched(v, hmap_entry(other, struct watched, node));
	w->start_ns = p->start_ns;
	course_init(&w->course, p->start_ns);
	hmap_add(&v->by_pid, &w->node, p->pid);
	return w;
}

/* --- telling --- */

static bool has_changed(const struct watched *w)
{
	const struct verdict *now = &w->verdict;

	if (now->class != w->told.class || now->is_leak != w->told.is_leak ||
	    now->limit.kind != w->told.limit)
		return true;
	return lround(now->confidence / TENTH) != lround(w->told.confidence / TENTH) &&
	       fabs(now->confidence - w->told.confidence) >= TOLD_DISTANCE;
}

static int tell(struct watch_verdict *v, struct watched *w, const struct process *p, bool is_last)
{
	w->told.class = w->verdict.class;
	w->told.is_leak = w->verdict.is_leak;
	w->told.confidence = w->verdict.confidence;
	w->told.limit = w->verdict.limit.kind;
	log_debug("process %u: %s%s at %.2f: %s", p->pid, verdict_class_name(w->verdict.class),
		  w->verdict.is_leak ? ", a leak" : "", w->verdict.confidence,
		  w->verdict.evidence_count ? w->verdict.evidence[0] : "");
	if (!v->sink->ops->verdict)
		return 0;
	return v->sink->ops->verdict(v->sink, p, v->now_ns, is_last);
}

/* Of one that nobody named and that came and went, "too early" is no news. */
static int tell_last(struct watch_verdict *v, struct watched *w, const struct process *p)
{
	bool is_news =
		v->is_named || w->verdict.class != VERDICT_EARLY || w->told.class != VERDICT_EARLY;

	return w->is_judged && p->verdict && is_news ? tell(v, w, p, true) : 0;
}

/* --- judging --- */

static void judge(struct watch_verdict *v, struct watched *w, const struct process *p)
{
	struct limit limits[LIMITS_MAX];
	struct course_view view = {
		.now_ns = v->now_ns,
		.collector = p->collector,
		.called = w->verdict.is_leak ? w->verdict.class : VERDICT_EARLY,
	};
	const char *path = p->cgroup ? p->cgroup->path : NULL;

	/* Limits are read for leaks only: of most processes nobody asks. */
	if (w->is_judged && w->verdict.is_leak) {
		view.limits = limits;
		view.limit_count = limits_of(v->limits, path, limits);
	}
	course_judge(&w->course, &view, &w->verdict);
	if (w->verdict.is_leak && !view.limits) {
		view.limits = limits;
		view.limit_count = limits_of(v->limits, path, limits);
		course_judge(&w->course, &view, &w->verdict);
	}
	w->verdict.limit.where = intern_str(v->wheres, w->verdict.limit.where);
	w->is_judged = true;
	w->judged_ns = v->now_ns;
}

/* Of what never changed, only confidence does, and slowly. */
static bool is_due(const struct watch_verdict *v, const struct watched *w)
{
	return !w->is_judged || w->verdict.class == VERDICT_EARLY || !course_is_quiet(&w->course) ||
	       v->now_ns >= w->judged_ns + QUIET_NS;
}

static bool is_urgent(const struct watch_verdict *v, const struct watched *w,
		      const struct process *p)
{
	return v->is_named || p->sites || p->collector != COLLECTOR_UNKNOWN || w->verdict.is_leak ||
	       growth_rate(p) >= PROMOTE_KEEP_PER_S;
}

/* Those of one queue, from where it stopped the last time, as long as their share of time lasts. */
static int judge_queue(struct watch_verdict *v, int queue, struct process **rows, size_t count)
{
	uint64_t before = clock_cpu_ns();
	size_t i;
	int err = 0;

	for (i = 0; i < count && v->credit_ns[queue] > 0 && !err; i++) {
		struct process *p = rows[(v->cursor[queue] + i) % count];
		struct watched *w = find(v, p->pid, p->start_ns);
		uint64_t now;

		if (!w || !is_due(v, w) || is_urgent(v, w, p) != (queue == URGENT))
			continue;
		judge(v, w, p);
		p->verdict = &w->verdict;
		if (has_changed(w))
			err = tell(v, w, p, false);
		now = clock_cpu_ns();
		v->credit_ns[queue] -= (double)(now - before);
		before = now;
	}
	v->cursor[queue] = count ? (v->cursor[queue] + i) % count : 0;
	return err;
}

static void give_credit(struct watch_verdict *v, uint64_t now_ns)
{
	double elapsed_ns = v->tick_ns ? (double)(now_ns - v->tick_ns) : CREDIT_NS;

	for (int i = 0; i < QUEUES; i++)
		v->credit_ns[i] = fmin(v->credit_ns[i] + shares[i] * elapsed_ns,
				       shares[i] * fmax(elapsed_ns, CREDIT_NS));
}

int watch_verdict_tick(struct watch_verdict *v, struct process **rows, size_t count,
		       uint64_t now_ns)
{
	int err;

	free_ended(v);
	limits_begin(v->limits);
	give_credit(v, now_ns);
	v->tick_ns = v->now_ns = now_ns;
	for (size_t i = 0; i < count; i++) {
		struct watched *w = find_or_add(v, rows[i]);

		if (w) /* out of memory: that tick is not in it */
			course_add(&w->course, rows[i]);
		rows[i]->verdict = w && w->is_judged ? &w->verdict : NULL;
	}
	err = judge_queue(v, URGENT, rows, count);
	return err ? err : judge_queue(v, REST, rows, count);
}

/* --- what happens in between --- */

void watch_verdict_gc(struct watch_verdict *v, const struct gc *gc)
{
	struct watched *w = find(v, gc->pid, gc->start_ns);
	int err = w ? course_gc(&w->course, gc) : 0;

	if (err)
		log_debug("process %u: a collection is not counted: %s", gc->pid, strerror(-err));
}

static bool is_below(const char *path, const char *top)
{
	size_t len = strcmp(top, "/") ? strlen(top) : 0;

	return path && !strncmp(path, top, len) && (!path[len] || path[len] == '/');
}

/* @where: NULL: the machine. */
static void mark_all(struct watch_verdict *v, const char *where, uint64_t ns)
{
	struct hmap_node *node;

	hmap_for_each (&v->by_pid, node) {
		struct watched *w = hmap_entry(node, struct watched, node);
		const struct process *p =
			process_table_find(v->table, (uint32_t)node->key, w->start_ns);

		if (!where || (p && p->cgroup && is_below(p->cgroup->path, where)))
			course_mark(&w->course, VERDICT_MARK_OOM, ns, where);
	}
}

/* Who ran out: a cgroup, whose name is asked for while it is there; the machine; or not known. */
static void mark_oom(struct watch_verdict *v, const struct mw_event_oom *oom,
		     const struct process *victim)
{
	struct watched *w = find(v, oom->h.pid, oom->h.start_ns);
	struct cgroup limited = {0};
	char path[4096];

	if (oom->limit_cgroup_id)
		cgroup_read_by_id(&limited, oom->limit_cgroup_id);
	else if (oom->memcg_known)
		mark_all(v, NULL, oom->h.ts_ns);
	if (limited.path)
		mark_all(v, intern_str(v->wheres, limited.path), oom->h.ts_ns);
	else if (oom->limit_cgroup_id &&
		 !oom_limit_path(victim, oom->limit_level, path, sizeof(path)))
		mark_all(v, intern_str(v->wheres, path), oom->h.ts_ns);
	else if (w && !oom->memcg_known)
		course_mark(&w->course, VERDICT_MARK_OOM, oom->h.ts_ns, NULL);
	free(limited.path);
}

/* Judged once more if there is time for it: many may end at once. */
static int on_exit_of(struct watch_verdict *v, struct watched *w, struct process *p, uint64_t ns)
{
	int err = 0;

	v->now_ns = ns > v->now_ns ? ns : v->now_ns;
	if (p && w->is_judged) {
		uint64_t before = clock_cpu_ns();

		course_mark(&w->course, VERDICT_MARK_EXIT, ns, NULL);
		if (v->credit_ns[URGENT] > 0)
			judge(v, w, p);
		v->credit_ns[URGENT] -= (double)(clock_cpu_ns() - before);
		p->verdict = &w->verdict;
		err = tell_last(v, w, p);
	}
	end_watched(v, w);
	return err;
}

int watch_verdict_event(struct watch_verdict *v, const struct mw_event_header *h, struct process *p)
{
	struct watched *w = find(v, h->pid, h->start_ns);

	if (h->type == MW_EVENT_OOM)
		mark_oom(v, (const struct mw_event_oom *)h, p);
	if (!w)
		return 0;
	if (h->type == MW_EVENT_HEAP_OUT)
		course_heap_out(&w->course, ((const struct mw_event_gc *)h)->isolate, h->ts_ns);
	if (h->type == MW_EVENT_EXIT)
		return on_exit_of(v, w, p, h->ts_ns);
	if (h->type == MW_EVENT_EXEC) {
		course_restart(&w->course, h->ts_ns);
		w->is_judged = false;
		if (p)
			p->verdict = NULL;
	}
	return 0;
}

int watch_verdict_vanished(struct watch_verdict *v, const struct process *p, uint64_t now_ns)
{
	struct watched *w = find(v, p->pid, p->start_ns);
	int err;

	if (!w)
		return 0;
	v->now_ns = now_ns > v->now_ns ? now_ns : v->now_ns;
	err = tell_last(v, w, p);
	end_watched(v, w);
	return err;
}

int watch_verdict_end(struct watch_verdict *v, struct process **rows, size_t count, uint64_t now_ns)
{
	int err = 0;

	v->now_ns = now_ns;
	for (size_t i = 0; i < count && !err; i++) {
		struct watched *w = find(v, rows[i]->pid, rows[i]->start_ns);

		if (w)
			err = tell_last(v, w, rows[i]);
	}
	return err;
}

int watch_verdict_tell(struct watch_verdict *v, const struct process *p, uint64_t now_ns)
{
	struct watched *w = find(v, p->pid, p->start_ns);

	v->now_ns = now_ns > v->now_ns ? now_ns : v->now_ns;
	return w && w->is_judged && p->verdict ? tell(v, w, p, false) : 0;
}

/* --- the whole --- */

struct watch_verdict *watch_verdict_new(const struct process_table *table, struct sink *sink,
					bool is_named)
{
	struct watch_verdict *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->table = table;
	v->sink = sink;
	v->is_named = is_named;
	v->limits = limits_new("");
	v->wheres = intern_new(WHERES_BYTES);
	if (!v->limits || !v->wheres || hmap_init(&v->by_pid)) {
		watch_verdict_free(v);
		errno = ENOMEM;
		return NULL;
	}
	return v;
}

void watch_verdict_free(struct watch_verdict *v)
{
	struct hmap_node *node, *next;

	if (!v)
		return;
	free_ended(v);
	for (node = v->by_pid.buckets ? hmap_next(&v->by_pid, NULL) : NULL; node; node = next) {
		next = hmap_next(&v->by_pid, node);
		watched_free(hmap_entry(node, struct watched, node));
	}
	hmap_release(&v->by_pid);
	limits_free(v->limits);
	intern_free(v->wheres);
	free(v);
}

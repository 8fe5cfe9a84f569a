/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * First how each quantity goes, then which of them explains the process: what grows in private
 * memory comes before all else, since it is what fills machines.
 */
#include "analysis/verdict.h"

#include <math.h>
#include <string.h>

#include "analysis/evidence.h"
#include "analysis/shape.h"
#include "analysis/valley.h"

#define MIB		     1048576.0
#define PRIVATE		     "private memory (anon + swap)"
#define LIVE		     "V8's heap after full collections"
#define HEAP		     "V8's heap after collections of any kind"
#define BUFFERS		     "memory of Buffers and ArrayBuffers"
#define SHARE_MAIN	     0.5 /* of a growth: it is that */
#define SHARE_SMALL	     0.3 /* and below this it is not */
#define EVEN_LEAST	     0.8 /* of the rate is the least that it may be */
#define SHARE_NOTHING	     0.1
#define LIVE_MARKS_JOINT     3	  /* full collections that do, if private memory grows as well */
#define LIVE_ALPHA_JOINT     0.17 /* 1 in 6: all three rise */
#define JOINT_FACTOR	     0.95 /* of the confidence, where the evidence is indirect */
#define COLLECTED_CYCLES     3	  /* ups and downs, or full collections, to see what is left */
#define SURVIVAL_S	     8	  /* of a growth, at least, came before a full collection */
#define SURVIVAL_LEAST	     MIB
#define V8_ROOM		     (128 * MIB)
#define V8_ROOM_FACTOR	     2 /* times what its heap ever held */
#define RISE_LEAST	     (2 * MIB)
#define RISE_SHARE	     0.05
#define STARTUP_S	     30
#define STEP_TOLD_S	     600       /* that long after it, it is the level */
#define STACK_MOST	     (8 * MIB) /* as the usual limit is */
#define CHURN_LEAST	     (4 * MIB)
#define CHURN_SHARE	     0.1
#define CHURN_CYCLES	     3
#define COLLECTED_PATIENCE_S 45
#define CALLED_ALPHA                                                                               \
	0.05 /* of what was called a leak before: one minimum off the row is no news               \
	      */
#define MAY_GROW_ALPHA 0.05

static const struct {
	const char *name, *help;
} classes[VERDICT_CLASSES] = {
	[VERDICT_EARLY] = {"too-early", "too early to say"},
	[VERDICT_STEADY] = {"steady", "comes back to the same floor"},
	[VERDICT_CHURN] = {"churn", "takes and gives back much, and comes back to the same floor"},
	[VERDICT_WARMING] = {"warming", "levels off: a cache or a heap that warms up"},
	[VERDICT_STEP] = {"step", "came to a higher level at once, and stays there"},
	[VERDICT_NOT_RETURNED] = {"not-returned", "memory of a burst that is not given back"},
	[VERDICT_PAGE_CACHE] = {"page-cache", "mapped files grow, which the kernel takes back"},
	[VERDICT_SHMEM] = {"shmem", "shared memory or tmpfs grows"},
	[VERDICT_LEAK] = {"leak", "what is kept grows"},
	[VERDICT_EXTERNAL] = {"external", "grows beside V8's heap: Buffers or native code"},
	[VERDICT_STACKS] = {"stacks", "threads become more and more, each with its stack"},
	[VERDICT_MAPPINGS] = {"mappings", "grows in mappings, not in malloc's heap"},
};

const char *verdict_class_name(enum verdict_class class)
{
	return classes[class].name;
}

int verdict_class_parse(const char *name)
{
	for (int class = 0; class < VERDICT_CLASSES; class ++) {
		if (!strcmp(name, classes[class].name))
			return class;
	}
	return -1;
}

const char *verdict_class_help(enum verdict_class class)
{
	return classes[class].help;
}

/* What objects hold, and full collections leave. */
struct kept {
	const struct live_size *size; /* NULL: not known of any isolate */
	struct shape shape;
};

/* How all goes; what is not known is SHAPE_EARLY. */
struct looks {
	struct shape private_bytes, file, shmem, threads, live;
	struct kept heap, external;
};

static void look_at(const struct series *s, const struct shape_rule *rule, struct shape *out)
{
	if (s)
		shape_of(s, rule, out);
	else
		memset(out, 0, sizeof(*out));
}

/* Of the isolate in which it grows the fastest: each has its own collections. */
static void look_at_kept(const struct live_isolate *isolate, const struct live_size *size,
			 const struct shape_rule *rule, struct kept *fastest)
{
	struct series_point points[SERIES_CAP];
	struct series kept;
	struct shape shape;

	if (live_kept(size, &isolate->live, points, &kept))
		return;
	shape_of(&kept, rule, &shape);
	if (fastest->size && shape.trend.slope <= fastest->shape.trend.slope)
		return;
	fastest->size = size;
	fastest->shape = shape;
}

static void look(const struct verdict_input *in, struct looks *looks)
{
	struct shape_rule memory = shape_rule_memory;

	memset(looks, 0, sizeof(*looks));
	if (in->called != VERDICT_EARLY)
		memory.alpha = CALLED_ALPHA;
	look_at(in->private_bytes, &memory, &looks->private_bytes);
	look_at(in->file, &memory, &looks->file);
	look_at(in->shmem, &memory, &looks->shmem);
	look_at(in->threads, &shape_rule_count, &looks->threads);
	if (!in->v8)
		return;
	look_at(&in->v8->sum, &shape_rule_live, &looks->live);
	for (unsigned i = 0; i < in->v8->isolate_count; i++) {
		const struct live_isolate *isolate = &in->v8->isolates[i];

		look_at_kept(isolate, &isolate->heap, &memory, &looks->heap);
		look_at_kept(isolate, &isolate->external, &memory, &looks->external);
	}
}

static void decide(struct verdict *v, enum verdict_class class, double confidence,
		   const struct shape *shape)
{
	v->class = class;
	v->confidence = confidence;
	v->trend = shape->trend;
	v->since_ns = shape->since_ns;
}

static void decide_early(struct verdict *v, const struct shape *shape, const char *why)
{
	decide(v, VERDICT_EARLY, 0, shape);
	evidence_say(v, "%s", why);
}

/* A class of what grows for good; or that it has not done so for long enough. */
static void decide_leak(const struct verdict_input *in, struct verdict *v, enum verdict_class class,
			double confidence, const struct shape *shape)
{
	decide(v, class, confidence, shape);
	v->is_leak =
		confidence >= (class == in->called ? VERDICT_LEAK_KEPT : VERDICT_LEAK_CONFIDENCE);
	if (!v->is_leak)
		decide_early(v, shape, "that may still be a cache that fills, or a warm-up");
}

/* What part of the growth of private memory @s makes, 0..1; 0 if it is not known. */
static double share_of(const struct series *s, const struct shape *growth)
{
	if (!s || !(growth->trend.slope > 0))
		return 0;
	return fmin(fmax(shape_slope_since(s, growth->since_ns) / growth->trend.slope, 0), 1);
}

/* ---- V8: what survives full collections ---- */

/* Full collections since the growth began. */
static unsigned collections_in(const struct verdict_input *in, const struct shape *growth)
{
	const struct series *full = in->full ? in->full : in->v8 ? &in->v8->sum : NULL;

	return full ? full->count - series_from(full, growth->since_ns) : 0;
}

/* Whether half of the growth was there before a full collection, and after it still. */
static bool has_outlived(const struct verdict_input *in, const struct shape *growth)
{
	const struct series *full = in->full ? in->full : in->v8 ? &in->v8->sum : NULL;
	uint64_t half_ns = (uint64_t)(growth->span_s * SHARE_MAIN * 1e9);

	return full && full->count && full->last_ns >= growth->since_ns + half_ns;
}

/* What waits to be collected grows as well, but by what was free in between: not evenly. */
static bool is_even(const struct shape *growth)
{
	return growth->trend.low >= growth->trend.slope * EVEN_LEAST;
}

/*
 * Whether full collections leave most of what grows. There are few, so some seconds' worth of it
 * are enough, if what came later goes on as evenly; unless the last one left nothing.
 */
static bool survives(const struct kept *kept, const struct shape *growth)
{
	struct live_survival s;

	if (!kept->size)
		return false;
	live_survival_since(kept->size, growth->since_ns, &s);
	return growth->kind == SHAPE_GROWING && s.share >= SHARE_SMALL &&
	       s.last_share >= SHARE_NOTHING &&
	       s.risen >= fmax(growth->trend.slope * SURVIVAL_S, SURVIVAL_LEAST) &&
	       s.rate >= growth->trend.slope * SHARE_SMALL;
}

/* What V8 takes for itself, whatever is alive: three semi-spaces, and room to grow into. */
static double v8_room(const struct live_heap *h)
{
	struct valley_cycles held;

	valley_cycles(&h->heap_held, 0, UINT64_MAX, &held);
	return V8_ROOM + V8_ROOM_FACTOR * held.high;
}

/* The last collection left more than the one before, and not next to nothing. */
static bool last_rises(const struct series *sum)
{
	const struct series_point *p = sum->points;
	unsigned n = sum->count;

	if (n < 2)
		return false;
	return (double)p[n - 1].low - (double)p[n - 2].low >=
	       SHARE_NOTHING * ((double)p[n - 1].low - (double)p[0].low) / (n - 1);
}

/* Few collections, but all rise, and private memory as well. */
static bool live_grows_jointly(const struct verdict_input *in, struct shape *live)
{
	struct shape_rule rule = shape_rule_live;

	rule.alpha = LIVE_ALPHA_JOINT;
	rule.min_points = LIVE_MARKS_JOINT;
	shape_of(&in->v8->sum, &rule, live);
	return live->kind == SHAPE_GROWING && last_rises(&in->v8->sum);
}

/* Private memory slows down while V8 takes the room that it works in; what is kept does not. */
static double joint_confidence(const struct verdict_input *in, const struct shape *growth)
{
	double patience = shape_patience(growth->span_s, shape_rule_memory.patience_s);
	struct shape live;

	if (!live_grows_jointly(in, &live))
		return growth->confidence;
	return fmax(growth->confidence, patience * live.steadiness * live.steadiness);
}

static void say_survival(const struct kept *kept, const struct shape *growth, struct verdict *v)
{
	struct live_survival s;
	char risen[EVIDENCE_BYTES];

	live_survival_since(kept->size, growth->since_ns, &s);
	evidence_say(v, "full collections: %u, which left %.0f %% of the %s that came before them",
		     s.collections, s.share * 100, evidence_bytes(risen, s.risen));
}

/* What objects hold, in the heap or outside, grows by itself and is kept. */
static bool judge_v8_kept(const struct verdict_input *in, const struct looks *looks,
			  struct verdict *v)
{
	const struct shape *heap = &looks->heap.shape, *external = &looks->external.shape;
	const struct shape *live = &looks->live;
	bool heap_survives = survives(&looks->heap, heap);
	double heap_rate = heap_survives ? heap->trend.slope : 0;

	if (live->kind == SHAPE_GROWING && live->trend.slope > heap_rate)
		heap_rate = live->trend.slope;
	if (survives(&looks->external, external) && external->trend.slope > heap_rate) {
		evidence_growth(v, BUFFERS, external);
		say_survival(&looks->external, external, v);
		decide_leak(in, v, VERDICT_EXTERNAL, external->confidence, external);
	} else if (heap_survives && heap->confidence >= live->confidence) {
		evidence_growth(v, HEAP, heap);
		say_survival(&looks->heap, heap, v);
		decide_leak(in, v, VERDICT_LEAK, heap->confidence, heap);
	} else if (live->kind == SHAPE_GROWING) {
		evidence_growth(v, LIVE, live);
		decide_leak(in, v, VERDICT_LEAK, live->confidence, live);
	}
	return v->is_leak;
}

static bool is_explained_by(const struct shape *part, const struct shape *growth)
{
	return part->trend.high >= growth->trend.slope * SHARE_SMALL;
}

/* Private memory grows, and objects are not seen to be kept. */
static void judge_v8_growth(const struct verdict_input *in, const struct looks *looks,
			    struct verdict *v)
{
	const struct shape *growth = &looks->private_bytes;
	double external = share_of(in->external, growth), brk = share_of(in->brk, growth);
	double confidence = growth->confidence * JOINT_FACTOR;
	struct shape live;
	bool is_known = in->external && in->external->count;
	bool is_ours = is_explained_by(&looks->heap.shape, growth);
	bool is_buffers = external >= SHARE_SMALL;

	evidence_growth(v, PRIVATE, growth);
	if (survives(&looks->external, growth)) {
		say_survival(&looks->external, growth, v);
		decide_leak(in, v, VERDICT_EXTERNAL, growth->confidence, growth);
	} else if (external >= SHARE_MAIN && has_outlived(in, growth)) {
		evidence_share(v, external, "held by Buffers and ArrayBuffers");
		decide_leak(in, v, VERDICT_EXTERNAL, growth->confidence, growth);
	} else if (survives(&looks->heap, growth)) {
		say_survival(&looks->heap, growth, v);
		decide_leak(in, v, VERDICT_LEAK, joint_confidence(in, growth), growth);
	} else if (brk >= SHARE_MAIN && !is_ours &&
		   (is_known ? !is_buffers || has_outlived(in, growth)
			     : has_outlived(in, growth) && is_even(growth))) {
		evidence_share(v, brk, "in the brk heap (malloc), where V8's objects are not");
		decide_leak(in, v, VERDICT_EXTERNAL, confidence, growth);
	} else if (!is_ours && has_outlived(in, growth) &&
		   collections_in(in, growth) >= COLLECTED_CYCLES && is_even(growth) &&
		   growth->growth >= v8_room(in->v8)) {
		evidence_flat(v, LIVE, &looks->live);
		decide_leak(in, v, VERDICT_EXTERNAL, confidence, growth);
	} else if (live_grows_jointly(in, &live)) {
		evidence_growth(v, LIVE, &live);
		decide_leak(in, v, VERDICT_LEAK, confidence, &live);
	} else {
		evidence_say(v, "%u full collections of V8 seen", collections_in(in, growth));
		decide_early(v, growth, "they do not say yet what survives");
	}
}

/* ---- the rest ---- */

/* Of one that collects: what it falls to, or what is left after collections, is what is kept. */
static bool floor_is_seen(const struct verdict_input *in, const struct shape *growth)
{
	return growth->cycles >= COLLECTED_CYCLES ||
	       (collections_in(in, growth) >= COLLECTED_CYCLES && has_outlived(in, growth));
}

/* There are more and more, and their stacks may be what grows. */
static bool stacks_explain(const struct looks *looks)
{
	const struct shape *threads = &looks->threads;

	return threads->kind == SHAPE_GROWING &&
	       looks->private_bytes.trend.slope <= STACK_MOST * threads->trend.slope;
}

/* Threads are no garbage, whoever collects. */
static void judge_stacks(const struct verdict_input *in, const struct looks *looks,
			 struct verdict *v)
{
	const struct shape *growth = &looks->private_bytes, *threads = &looks->threads;

	evidence_growth(v, PRIVATE, growth);
	evidence_say(v, "threads: %.0f, %.0f more in that time", threads->level, threads->growth);
	decide_leak(in, v, VERDICT_STACKS, fmax(growth->confidence, threads->confidence), growth);
}

static void judge_native_growth(const struct verdict_input *in, const struct looks *looks,
				struct verdict *v)
{
	const struct shape *growth = &looks->private_bytes;
	double brk = share_of(in->brk, growth), vm = share_of(in->vm, growth);

	evidence_growth(v, PRIVATE, growth);
	if (in->is_unknown) {
		decide_early(v, growth, "whether it collects garbage was not looked at");
	} else if (in->is_collected && !floor_is_seen(in, growth)) {
		decide_early(v, growth, "no collection was seen that shows what is garbage");
	} else if (in->brk && in->vm && brk < SHARE_SMALL && vm >= SHARE_MAIN) {
		evidence_share(v, vm, "in new mappings; the brk heap (malloc) does not explain it");
		decide_leak(in, v, VERDICT_MAPPINGS, growth->confidence, growth);
	} else {
		if (brk >= SHARE_MAIN)
			evidence_share(v, brk, "in the brk heap (malloc)");
		decide_leak(in, v, VERDICT_LEAK, growth->confidence, growth);
	}
}

static bool rose_before(const struct verdict_input *in, const struct shape *s)
{
	double after_s = (double)(s->since_ns - in->start_ns) / 1e9;

	if (in->start_ns && s->since_ns > in->start_ns && after_s < STARTUP_S)
		return false; /* a program that starts */
	return s->rise >= fmax(RISE_LEAST, RISE_SHARE * s->level);
}

/* Of a burst: what is held now is part of what was, and the rest was given back. */
static bool burst_is_kept(const struct looks *looks)
{
	const struct shape *s = &looks->private_bytes, *live = &looks->live;
	double live_fall = fmax(live->given_back, live->given_back_before);

	return (s->given_back_before >= s->rise * SHARE_MAIN &&
		s->given_back_before >= 2 * s->given_back) ||
	       live_fall >= s->rise * SHARE_MAIN;
}

static void judge_rise(const struct looks *looks, const struct series *series, struct verdict *v)
{
	const struct shape *s = &looks->private_bytes;
	double before_s = (double)(s->since_ns - series->begin_ns) / 1e9;
	char rise[EVIDENCE_BYTES], peak[EVIDENCE_BYTES];

	evidence_say(v, "before, it rose by %s; it was %s at its highest",
		     evidence_bytes(rise, s->rise), evidence_bytes(peak, s->peak));
	if (burst_is_kept(looks))
		decide(v, VERDICT_NOT_RETURNED, s->confidence, s);
	else if (s->rise_is_step && s->span_s < STEP_TOLD_S)
		decide(v, VERDICT_STEP, s->confidence, s);
	else
		decide(v, s->span_s < before_s ? VERDICT_WARMING : VERDICT_STEADY, s->confidence,
		       s);
}

/*
 * Where garbage is collected, what is kept may grow for a while in room that garbage had before. So
 * memory that is flat says the less, the shorter it is; unless what is kept is seen to be flat.
 */
static double flat_confidence(const struct verdict_input *in, const struct looks *looks)
{
	const struct shape *s = &looks->private_bytes;

	if (!in->v8 && !in->is_collected)
		return s->confidence;
	if (looks->live.kind == SHAPE_FLAT)
		return fmin(s->confidence, looks->live.confidence);
	return s->confidence * shape_patience(s->span_s, COLLECTED_PATIENCE_S);
}

static void judge_flat(const struct verdict_input *in, struct looks *looks, struct verdict *v)
{
	struct shape *s = &looks->private_bytes;

	evidence_flat(v, PRIVATE, s);
	s->confidence = flat_confidence(in, looks);
	if (looks->file.kind == SHAPE_GROWING) {
		evidence_growth(v, "memory of mapped files", &looks->file);
		decide(v, VERDICT_PAGE_CACHE, fmin(looks->file.confidence, s->confidence),
		       &looks->file);
	} else if (rose_before(in, s)) {
		judge_rise(looks, in->private_bytes, v);
	} else if (s->cycles >= CHURN_CYCLES &&
		   s->given_back >= fmax(CHURN_LEAST, CHURN_SHARE * s->level)) {
		decide(v, VERDICT_CHURN, s->confidence, s);
	} else {
		decide(v, VERDICT_STEADY, s->confidence, s);
	}
}

/* Growth that is too young to be called. */
static bool may_grow(const struct shape *s)
{
	return s->trend.low > 0 && s->p <= MAY_GROW_ALPHA;
}

/* What V8 keeps does not grow, whatever private memory does: teeth of garbage hide its floor. */
static void judge_live_flat(const struct looks *looks, struct verdict *v)
{
	const struct shape *live = &looks->live;
	double confidence = live->confidence * JOINT_FACTOR;

	if (live->kind == SHAPE_LEVELLING) {
		evidence_growth(v, LIVE, live);
		decide(v, VERDICT_WARMING, confidence, live);
		return;
	}
	evidence_flat(v, LIVE, live);
	if (live->rise >= fmax(RISE_LEAST, RISE_SHARE * live->level))
		decide(v, live->rise_is_step ? VERDICT_STEP : VERDICT_WARMING, confidence, live);
	else
		decide(v,
		       looks->private_bytes.given_back >= CHURN_LEAST ? VERDICT_CHURN
								      : VERDICT_STEADY,
		       confidence, live);
}

/* What V8 keeps has risen each time, if not yet often enough: garbage that comes and goes may hide
 * that from private memory. */
static bool keeps_may_grow(const struct looks *looks)
{
	const struct shape *live = &looks->live;

	return live->kind == SHAPE_GROWING ||
	       (live->kind == SHAPE_EARLY && live->points >= LIVE_MARKS_JOINT &&
		live->trend.low > 0 && live->growth >= RISE_LEAST);
}

static void judge(const struct verdict_input *in, struct looks *looks, struct verdict *v)
{
	const struct shape *s = &looks->private_bytes;

	if (in->v8 && judge_v8_kept(in, looks, v))
		return;
	memset(v, 0, sizeof(*v)); /* what was no leak yet by objects may be one by private memory */
	if (s->kind == SHAPE_GROWING && stacks_explain(looks)) {
		judge_stacks(in, looks, v);
	} else if (s->kind == SHAPE_GROWING && in->v8) {
		judge_v8_growth(in, looks, v);
	} else if (s->kind == SHAPE_GROWING) {
		judge_native_growth(in, looks, v);
	} else if (looks->shmem.kind == SHAPE_GROWING) {
		evidence_growth(v, "shared memory", &looks->shmem);
		decide_leak(in, v, VERDICT_SHMEM, looks->shmem.confidence, &looks->shmem);
	} else if (s->kind == SHAPE_LEVELLING) {
		evidence_growth(v, PRIVATE, s);
		decide(v, VERDICT_WARMING, s->confidence, s);
	} else if (s->kind == SHAPE_FLAT && in->v8 && keeps_may_grow(looks)) {
		evidence_growth(v, LIVE, &looks->live);
		decide_early(v, s, "private memory comes back to its floor, which says the less");
	} else if (s->kind == SHAPE_FLAT) {
		judge_flat(in, looks, v);
	} else if (looks->live.kind != SHAPE_EARLY && !may_grow(s)) {
		judge_live_flat(looks, v);
	} else {
		decide_early(v, s, "too few minima, or too uneven ones, to tell its floor");
	}
}

/* ---- limits and marks ---- */

static void take_limit(struct verdict *v, const struct limit *l, double seconds)
{
	if (v->limit.kind != LIMIT_NONE && seconds >= v->limit_seconds)
		return;
	v->limit = *l;
	v->limit_seconds = seconds;
}

/* Each isolate has its own limit, and its own way there. */
static void take_isolate_limits(const struct live_heap *h, struct verdict *v)
{
	for (unsigned i = 0; i < h->isolate_count; i++) {
		const struct live_isolate *isolate = &h->isolates[i];
		struct limit l = {
			.kind = LIMIT_V8_HEAP,
			.bytes = isolate->limit_bytes,
			.used_bytes = isolate->heap.held.last,
		};
		struct shape live;

		if (!isolate->limit_bytes)
			continue;
		shape_of(&isolate->live, &shape_rule_live, &live);
		if (live.kind == SHAPE_GROWING)
			take_limit(v, &l, limit_seconds(&l, live.trend.slope));
		else if (h->isolate_count == 1 && v->class == VERDICT_LEAK)
			take_limit(v, &l, limit_seconds(&l, v->trend.slope));
	}
}

static void take_limits(const struct verdict_input *in, struct verdict *v)
{
	double seconds;
	const struct limit *first =
		limit_first(in->limits, in->limit_count, v->trend.slope, &seconds);

	if (first)
		take_limit(v, first, seconds);
	if (in->v8)
		take_isolate_limits(in->v8, v);
	evidence_limit(v);
}

static bool say_marks(const struct verdict_input *in, struct verdict *v)
{
	bool has_ended = false;
	char span[EVIDENCE_BYTES];

	for (unsigned i = 0; i < in->mark_count; i++) {
		const struct verdict_mark *m = &in->marks[i];
		double ago_s = in->now_ns > m->ns ? (double)(in->now_ns - m->ns) / 1e9 : 0;

		evidence_span(span, ago_s);
		if (m->kind == VERDICT_MARK_EXIT && ago_s < 1)
			evidence_say(v, "it has ended");
		else if (m->kind == VERDICT_MARK_EXIT)
			evidence_say(v, "it ended %s ago", span);
		else
			evidence_say(v, "%s ran out of memory %s ago: the kernel killed for it",
				     m->where ? m->where : "the machine", span);
		has_ended |= m->kind == VERDICT_MARK_EXIT;
	}
	return has_ended;
}

/* What is no likelier than the rest is not named: it would come and go. */
static void doubt(struct verdict *v)
{
	if (v->class == VERDICT_EARLY || v->is_leak || v->confidence >= VERDICT_NAMED_CONFIDENCE)
		return;
	evidence_say(v, "perhaps %s, but too early to say", verdict_class_name(v->class));
	v->class = VERDICT_EARLY;
	v->confidence = 0;
}

void verdict_give(const struct verdict_input *in, struct verdict *out)
{
	struct looks looks;

	memset(out, 0, sizeof(*out));
	look(in, &looks);
	judge(in, &looks, out);
	doubt(out);
	if (!say_marks(in, out) && out->is_leak)
		take_limits(in, out);
}

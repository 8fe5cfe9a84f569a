// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A watched process.
 *
 * The kernel hands over each stack once, and from then on counts by its hash. Here
 * the stack is named at once, while V8 has not moved what it points to, and kept
 * with the site that each kind of growth has for it. Two stacks of the same names
 * are one site.
 *
 * V8's allocations are sampled in windows: the probe traps the process twice, some
 * 10 microseconds, and a service at full speed would pay for thousands of these a second.
 */
#include "collect/site_process.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "collect/uprobe.h"

#define MAX_STACKS		8192 /* of a process */
#define IDLE_TICKS		30   /* after which a stack makes room for others */
#define NAMED_FRAMES		128  /* of a stack, inlined ones included */
#define FRAMES_AT_ONCE		16   /* inlined into one physical frame, at the most */
#define SAMPLE_BYTES		(64 << 10)
#define SAMPLE_BYTES_MAX	(64 << 20)
#define EXTERNAL_BYTES		(64 << 10)
#define SAMPLES_PER_S		200 /* of faults and calls, aimed at */
#define COPIES_PER_S		60  /* the same of stacks that are copied and unwound here */
#define COPIES_PER_TICK		100
#define SELF_TEST_ALLOCS	50
#define SELF_TEST_NS		(2 * NSEC_PER_SEC) /* of windows */
#define SELF_TEST_SCAVENGES	10
#define SELF_TEST_MARK_COMPACTS 3
#define REFRESH_NS		(5 * NSEC_PER_SEC)
#define EXTERNAL_MAX		(MW_EXTERNAL_LIVE / 4) /* live samples of one process */
#define EXTERNAL_PATIENCE	3		       /* ticks */
#define WINDOW_SHARES		20 /* a window is so many of these of its period */
#define WINDOW_NS		(100 * NSEC_PER_MSEC) /* the shortest */
#define PERIOD_NS		(WINDOW_SHARES * WINDOW_NS)

struct known_stack {
	struct hmap_node node; /* by hash */
	struct stack *named;
	struct site *sites[MW_SITE_KINDS];
	struct mw_site last[MW_SITE_KINDS]; /* the kernel's counts that are in the site already */
	unsigned idle;			    /* ticks without a sample while room was short */
};

/* --- beginning and ending --- */

static void set_text(struct site_process *p)
{
	struct text_range text[2 * MW_TEXT_RANGES];
	unsigned n = symbol_process_text(p->symbols, text, 2 * MW_TEXT_RANGES);
	unsigned with = 0, without = 0;
	bool executable_has = true;

	for (unsigned i = 0; i < n; i++) {
		struct mw_range r = {text[i].start, text[i].end};

		if (text[i].is_executable)
			executable_has = text[i].has_frame_pointers;
		if (text[i].has_frame_pointers && with < MW_TEXT_RANGES)
			p->config.text[with++] = r;
		else if (!text[i].has_frame_pointers && without < MW_TEXT_RANGES)
			p->config.frameless[without++] = r;
	}
	p->config.walk =
		executable_has || p->config.v8.enabled ? MW_WALK_FRAME_POINTERS : MW_WALK_COPY;
}

static int find_hooks(struct site_process *p, struct runtime_files *files)
{
	struct runtime_file file;
	int err = runtime_files_look(files, (pid_t)p->pid, v8_process_map(p->v8), &file);

	if (err)
		return err;
	p->hooks = file.hooks;
	return file.has_v8 ? 0 : -ENOENT;
}

static const char refused[] =
	"the kernel refused a probe in this process: JavaScript by page faults "
	"only";

static void degrade(struct site_process *p, const char *why)
{
	log_debug("PID %u: %s", p->pid, why);
	v8_probes_detach(&p->probes);
	p->hooks.can_survive = p->hooks.can_external = false;
	p->table->quality.level = site_kind_name(MW_SITE_FAULT);
	p->table->quality.why = why;
}

/* Degrades in steps: survivors, then allocations alone cannot be, then page faults. */
static void open_v8(struct site_process *p, const struct site_shared *shared)
{
	struct site_quality *q = &p->table->quality;
	const char *why = NULL;
	char path[64];
	int err;

	q->level = site_kind_name(MW_SITE_FAULT);
	p->v8 = v8_process_open(p->pid, &p->memory, shared->names, &why);
	if (!p->v8) {
		if (errno != ENOENT) /* it has one */
			q->why = why;
		return;
	}
	v8_process_frames(p->v8, &p->config.v8);
	if (!session_hook_name(shared->session, CAPABILITY_V8)) {
		q->why = "V8 cannot be probed here (memwatch doctor says why): JavaScript by page "
			 "faults only";
		return;
	}
	err = find_hooks(p, shared->files);
	if (!err)
		err = proc_map_path(p->pid, v8_process_map(p->v8), path, sizeof(path));
	if (err) {
		q->why = "the file that holds V8 cannot be opened";
		return;
	}
	if (uprobe_is_deadly(p->pid)) {
		q->why = "it has a seccomp filter, by which return probes would kill it on Linux "
			 "6.11 to 6.13: JavaScript by page faults only";
		return;
	}
	p->config.heap = p->hooks.heap;
	q->why = p->hooks.missing;
	if (v8_probes_attach(&p->probes, shared->session, p->pid, path, &p->hooks))
		degrade(p, refused);
	else if (p->hooks.can_survive)
		q->level = site_kind_name(MW_SITE_V8_SURVIVED);
}

/* What BPF writes there is taken over first: what it adds meanwhile is lost, a sample's worth. */
static int put_config(struct site_process *p, const struct site_shared *shared)
{
	struct mw_site_proc now;

	if (!bpf_map_lookup_elem(shared->procs_fd, &p->pid, &now)) {
		p->config.rss_pages = now.rss_pages;
		p->config.external_calls = now.external_calls;
	}
	return bpf_map_update_elem(shared->procs_fd, &p->pid, &p->config, BPF_ANY) ? -errno : 0;
}

struct site_process *site_process_new(const struct site_shared *shared, uint32_t pid,
				      uint64_t start_ns)
{
	struct site_process *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return NULL;
	p->pid = pid;
	p->start_ns = start_ns;
	p->session = shared->session;
	p->config.sample_bytes = SAMPLE_BYTES;
	p->config.external_sample_bytes = EXTERNAL_BYTES;
	p->config.copies_left = COPIES_PER_TICK;
	p->config.alloc_weight = 1;
	p->external_aim = EXTERNAL_MAX;
	memreader_init_process(&p->memory, pid);
	err = hmap_init(&p->stacks);
	p->table = err ? NULL : site_table_new();
	p->symbols = p->table ? symbol_process_new(shared->symbolizer, pid) : NULL;
	if (!p->symbols) {
		err = err ? err : -errno;
		goto fail;
	}
	open_v8(p, shared);
	set_text(p);
	err = put_config(p, shared);
	if (!err)
		return p;
fail:
	site_process_free(p, shared);
	errno = -err;
	return NULL;
}

static void forget_stacks(struct site_process *p)
{
	struct hmap_node *node = hmap_next(&p->stacks, NULL), *next;

	for (; node; node = next) {
		struct known_stack *known = hmap_entry(node, struct known_stack, node);

		next = hmap_next(&p->stacks, node);
		hmap_remove(&p->stacks, node);
		free(known->named);
		free(known);
	}
}

void site_process_free(struct site_process *p, const struct site_shared *shared)
{
	if (!p)
		return;
	v8_probes_detach(&p->probes);
	bpf_map_delete_elem(shared->procs_fd, &p->pid);
	if (p->stacks.buckets)
		forget_stacks(p);
	hmap_release(&p->stacks);
	v8_process_free(p->v8);
	symbol_process_free(p->symbols);
	site_table_free(p->table);
	free(p);
}

/* --- naming --- */

/* Names one raw frame; how many it is (0: not worth showing). */
static unsigned name_frame(struct site_process *p, const struct mw_frame *raw, bool is_return,
			   struct frame *out, unsigned max)
{
	unsigned n = p->v8 ? v8_process_resolve(p->v8, raw, is_return, out, max) : 0;

	if (n || raw->kind != MW_FRAME_NATIVE)
		return n;
	return symbol_process_resolve(p->symbols, raw->ip, is_return, out, max);
}

static bool begins_at_return(uint32_t kind)
{
	return kind == MW_SITE_V8_ALLOC || kind == MW_SITE_EXTERNAL;
}

static struct known_stack *find_stack(const struct site_process *p, uint64_t hash)
{
	struct hmap_node *node = hmap_find(&p->stacks, hash);

	return node ? hmap_entry(node, struct known_stack, node) : NULL;
}

static void note_quality(struct site_process *p, const struct mw_stack *s,
			 const struct frame *frames, unsigned count)
{
	struct site_quality *q = &p->table->quality;

	q->stacks++;
	q->stacks_cut += (s->flags & MW_STACK_CUT) != 0;
	q->stacks_unreadable += (s->flags & MW_STACK_UNREADABLE) != 0;
	q->stacks_recovered += (s->flags & MW_STACK_RECOVERED) != 0;
	q->frames += count;
	for (unsigned i = 0; i < count; i++)
		q->frames_unnamed += frames[i].kind == FRAME_UNKNOWN;
}

/* arm64: whether the second frame is what a call has left in the link register, and no frame. */
static bool is_left_over(struct site_process *p, const struct mw_stack *s, unsigned i)
{
	return i == 1 && s->flags & MW_STACK_LINK && s->frames[i].kind == MW_FRAME_NATIVE &&
	       !symbol_process_link_is_live(p->symbols, s->frames[0].ip, s->frames[i].ip);
}

void site_process_stack(struct site_process *p, const struct mw_stack *s)
{
	struct frame frames[NAMED_FRAMES];
	struct known_stack *known = find_stack(p, s->hash);
	unsigned count = 0;

	if (known) /* by another kind */
		return;
	if (p->stacks.count >= MAX_STACKS)
		return;
	for (unsigned i = 0; i < s->count && i < MW_FRAMES; i++) {
		unsigned room = NAMED_FRAMES - count;

		if (!room)
			break;
		if (is_left_over(p, s, i))
			continue;
		count += name_frame(p, &s->frames[i], i || begins_at_return(s->h.kind),
				    frames + count, room < FRAMES_AT_ONCE ? room : FRAMES_AT_ONCE);
	}
	note_quality(p, s, frames, count);
	known = calloc(1, sizeof(*known));
	if (known)
		known->named = stack_new(frames, count, s->flags & (MW_STACK_CUT));
	if (!known || !known->named) {
		free(known);
		return;
	}
	hmap_add(&p->stacks, &known->node, s->hash);
}

void site_process_copy(struct site_process *p, const struct mw_stack_copy *copy)
{
	struct frame frames[NAMED_FRAMES];
	uint64_t ips[MW_FRAMES];
	bool is_cut = false;
	unsigned n = symbol_process_unwind(p->symbols, copy, ips, MW_FRAMES, &is_cut);
	unsigned count = 0;
	struct site *site;

	for (unsigned i = 0; i < n && count < NAMED_FRAMES; i++)
		count += symbol_process_resolve(p->symbols, ips[i], i > 0, frames + count,
						NAMED_FRAMES - count);
	p->table->quality.stacks++;
	p->table->quality.stacks_cut += is_cut;
	p->tick_samples++;
	site = site_table_get(p->table, copy->h.kind, frames, count, is_cut);
	if (!site) {
		p->table->dropped_bytes += copy->bytes;
		p->dropped_samples++;
		return;
	}
	site->sampled_bytes += copy->bytes;
	site->samples++;
}

/* --- counting --- */

static void add_to_site(struct site *site, const struct mw_site *now, const struct mw_site *last)
{
	uint64_t taken = now->bytes - last->bytes, freed = now->freed_bytes - last->freed_bytes;

	site->samples += now->samples - last->samples;
	site->freed_samples += now->freed_samples - last->freed_samples;
	site->kept_samples += now->kept_samples - last->kept_samples; /* may be fewer */
	site->kept_bytes += now->kept_bytes - last->kept_bytes;
	site->sampled_bytes += taken;
	site->sampled_bytes -= freed < site->sampled_bytes ? freed : site->sampled_bytes;
}

/*
 * Where a stack begins for its site. V8 comes to an allocation by many ways of its own, which are
 * one to who reads it: what is below the first JavaScript frame is left out.
 */
static unsigned first_shown(const struct stack *s, enum mw_site_kind kind)
{
	if (kind != MW_SITE_V8_ALLOC && kind != MW_SITE_V8_SURVIVED && kind != MW_SITE_EXTERNAL)
		return 0;
	for (unsigned i = 0; i < s->count; i++) {
		if (s->frames[i].kind == FRAME_JS || s->frames[i].kind == FRAME_BUILTIN)
			return i;
	}
	return 0;
}

void site_process_count(struct site_process *p, const struct mw_site_key *key,
			const struct mw_site *now)
{
	static const struct mw_site nothing;
	struct known_stack *known = find_stack(p, key->hash);
	struct mw_site *last;

	if (key->kind >= MW_SITE_KINDS)
		return;
	if (!known) {
		p->table->unnamed_bytes += now->bytes;
		return;
	}
	last = &known->last[key->kind];
	if (now->samples < last->samples) /* the kernel's entry was made anew */
		*last = nothing;
	if (now->samples == last->samples && now->freed_samples == last->freed_samples &&
	    now->kept_samples == last->kept_samples)
		return;
	known->idle = 0;
	if (key->kind == MW_SITE_FAULT || key->kind == MW_SITE_MMAP || key->kind == MW_SITE_BRK)
		p->tick_samples += now->samples - last->samples;
	if (!known->sites[key->kind]) {
		unsigned leaf = first_shown(known->named, key->kind);

		known->sites[key->kind] =
			site_table_get(p->table, key->kind, known->named->frames + leaf,
				       known->named->count - leaf, known->named->is_cut);
	}
	if (known->sites[key->kind]) {
		add_to_site(known->sites[key->kind], now, last);
	} else {
		p->table->dropped_bytes += now->bytes - last->bytes;
		p->dropped_samples += now->samples - last->samples;
	}
	*last = *now;
}

/* Whether more may still become known of samples that were taken with it. */
static bool is_followed(const struct known_stack *known)
{
	return known->last[MW_SITE_V8_SURVIVED].samples || known->last[MW_SITE_EXTERNAL].samples;
}

void site_process_make_room(struct site_process *p, int sites_fd)
{
	struct hmap_node *node = hmap_next(&p->stacks, NULL), *next;

	for (; node; node = next) {
		struct known_stack *known = hmap_entry(node, struct known_stack, node);
		struct mw_site_key key = {.pid = p->pid, .hash = node->key};

		next = hmap_next(&p->stacks, node);
		if (known->idle++ < IDLE_TICKS || is_followed(known))
			continue;
		for (key.kind = MW_SITE_FAULT; key.kind < MW_SITE_KINDS; key.kind++)
			bpf_map_delete_elem(sites_fd, &key);
		hmap_remove(&p->stacks, node);
		free(known->named);
		free(known);
	}
}

/* What the isolates of a process were seen to do, in all. */
struct isolate_sums {
	uint64_t scavenges, mark_compacts, allocs, direct_old, looks;
};

static void sum_isolates(struct isolate_sums *sums, uint32_t pid, const struct mw_v8_isolate *all,
			 unsigned count)
{
	memset(sums, 0, sizeof(*sums));
	for (unsigned i = 0; i < count; i++) {
		const struct mw_v8_isolate *it = &all[i];

		if (!it->owner || it->pid != pid)
			continue;
		sums->scavenges += it->scavenges;
		sums->mark_compacts += it->mark_compacts;
		sums->allocs += it->allocs;
		sums->direct_old += it->direct_old;
		sums->looks += it->looks;
	}
}

/*
 * The self-test: whether the hook and the offsets that the table has for this V8 give what they
 * should. Returns why not, or NULL.
 */
static const char *self_test(const struct site_process *p, const struct isolate_sums *sums)
{
	bool has_collected = sums->scavenges >= p->window.scavenges_first + SELF_TEST_SCAVENGES;

	if (sums->allocs >= SELF_TEST_ALLOCS && sums->direct_old == sums->allocs && has_collected)
		return "self-test: what the allocation hook of this V8 gives is never in new space";
	if (p->hooks.can_keep && sums->mark_compacts >= SELF_TEST_MARK_COMPACTS &&
	    sums->looks + 2 < 2 * sums->mark_compacts) /* one may have been going on */
		return "self-test: V8's full collections do not come by where they should";
	if (!sums->allocs && p->window.sampled_ns >= SELF_TEST_NS && has_collected)
		return "self-test: V8 collects, but its allocations are not seen";
	return NULL;
}

void site_process_isolates(struct site_process *p, const struct mw_v8_isolate *all, unsigned count)
{
	struct isolate_sums sums;
	const char *why;

	if (!p->v8)
		return;
	sum_isolates(&sums, p->pid, all, count);
	if (sums.mark_compacts != p->mark_compacts)
		v8_process_moved(p->v8);
	p->mark_compacts = sums.mark_compacts;
	p->window.allocs = sums.allocs;
	if (!p->window.sampled_ns)
		p->window.scavenges_first = sums.scavenges;
	heap_growth_sum(&p->heaps, &p->table->v8_live_first, &p->table->v8_live_last,
			&p->table->v8_live_span_ns);
	why = p->hooks.can_survive ? self_test(p, &sums) : NULL;
	if (why)
		degrade(p, why);
}

/* --- how densely to sample --- */

/* Begins a period; its window is as long as the budget allows at the rate of those before. */
static void plan_window(struct site_process *p, const struct site_shared *shared, uint64_t now)
{
	static const unsigned shares[] = {20, 10, 5, 4, 2, 1}; /* so that weights are whole */
	struct v8_window *w = &p->window;
	uint64_t allocs = w->allocs > w->planned ? w->allocs - w->planned : 0;
	double rate = w->open_ns ? allocs * 1e9 / w->open_ns : 0, duty = 1;
	unsigned i = 0;

	w->rate = rate > w->rate / 2 ? rate : w->rate / 2; /* a pause is no lasting change */
	if (shared->v8_max_per_s && !w->share)
		duty = 5.0 / WINDOW_SHARES; /* a first look */
	else if (shared->v8_max_per_s && w->rate * shared->thrift > shared->v8_max_per_s)
		duty = shared->v8_max_per_s / shared->thrift / w->rate;
	while (shares[i] > 1 && shares[i] > duty * WINDOW_SHARES)
		i++;
	log_debug("PID %u: %.0f allocations a second, window %u/%u", p->pid, w->rate, shares[i],
		  WINDOW_SHARES);
	w->share = shares[i];
	w->planned = w->allocs;
	w->open_ns = 0;
	w->is_done = false;
	w->period_end_ns = now + PERIOD_NS;
	w->open_at_ns = now + random() % (WINDOW_SHARES - w->share + 1) * WINDOW_NS;
	p->config.alloc_weight = WINDOW_SHARES / w->share;
	put_config(p, shared);
}

/* BPF is told, too: taking probes away takes a while. */
static int open_window(struct site_process *p, const struct site_shared *shared, bool open)
{
	int err = open ? v8_probes_sample(&p->probes, true) : 0;

	if (err)
		return err;
	p->config.is_sampling = open;
	put_config(p, shared);
	return open ? 0 : v8_probes_sample(&p->probes, false);
}

void site_process_step(struct site_process *p, const struct site_shared *shared)
{
	struct v8_window *w = &p->window;
	uint64_t now = clock_boot_ns();
	bool want = p->probes.is_sampling;

	if (!p->v8 || !p->hooks.can_survive)
		return;
	if (want) {
		w->open_ns = now - w->since_ns;
		w->is_done = w->open_ns >= w->share * WINDOW_NS;
		want = !w->is_done || w->share == WINDOW_SHARES;
	}
	if (!w->share || (w->is_done && now >= w->period_end_ns)) {
		w->sampled_ns += w->open_ns;
		plan_window(p, shared, now);
		want = want && w->share == WINDOW_SHARES;
		w->since_ns = now;
	}
	if (!w->is_done && now >= w->open_at_ns)
		want = true;
	if (want == p->probes.is_sampling)
		return;
	w->since_ns = now;
	if (open_window(p, shared, want))
		degrade(p, refused);
}

/* Code that was loaded since, and V8's copies of its builtins for new workers. */
static void refresh(struct site_process *p, const struct site_shared *shared)
{
	struct mw_site_proc before = p->config;

	p->refresh_due_ns = 0;
	if (symbol_process_refresh(p->symbols)) /* it ends: that is seen elsewhere */
		return;
	if (p->v8 && !v8_process_refresh(p->v8))
		v8_process_frames(p->v8, &p->config.v8);
	set_text(p);
	if (memcmp(&before, &p->config, sizeof(before)))
		put_config(p, shared);
}

/* Rarer samples of Buffers before their table is full: each keeps its place while it lives. */
static void ration_external(struct site_process *p, const struct site_shared *shared)
{
	struct hmap_node *node;
	uint64_t live = 0;

	hmap_for_each (&p->table->by_hash, node) {
		const struct site *s = hmap_entry(node, struct site, node);

		if (s->kind == MW_SITE_EXTERNAL && s->samples > s->freed_samples)
			live += s->samples - s->freed_samples;
	}
	if (live < p->external_aim)
		return;
	p->external_aim += EXTERNAL_MAX / 8;
	if (p->config.external_sample_bytes < SAMPLE_BYTES_MAX) {
		p->config.external_sample_bytes *= 2;
		put_config(p, shared);
	}
}

/*
 * An allocation and its end are three traps, of all Buffers: a process that makes many more than
 * the budget allows is not to pay for them.
 */
static void watch_external_rate(struct site_process *p, const struct site_shared *shared,
				uint64_t interval_ns)
{
	struct hmap_node *node;
	struct mw_site_proc now;
	double per_s;

	if (!p->hooks.can_external || !shared->external_max_per_s ||
	    bpf_map_lookup_elem(shared->procs_fd, &p->pid, &now))
		return;
	per_s = (now.external_calls - p->external_calls) * 1e9 / interval_ns;
	p->external_calls = now.external_calls;
	p->external_excess = per_s > shared->external_max_per_s ? p->external_excess + 1 : 0;
	if (p->external_excess < EXTERNAL_PATIENCE)
		return;
	log_debug("PID %u: %.0f ArrayBuffers a second", p->pid, per_s);
	v8_probes_leave_external(&p->probes);
	hmap_for_each (&p->table->by_hash, node) { /* what is freed of it will not be known */
		struct site *site = hmap_entry(node, struct site, node);

		if (site->kind == MW_SITE_EXTERNAL)
			site->sampled_bytes = 0;
	}
	p->hooks.can_external = false;
	if (!p->table->quality.why)
		p->table->quality.why = "it makes more Buffers a second than the budget allows to "
					"follow: they show by their page faults";
}

void site_process_tick(struct site_process *p, const struct site_shared *shared,
		       uint64_t interval_ns)
{
	double aim = (p->config.walk == MW_WALK_COPY ? COPIES_PER_S : SAMPLES_PER_S) /
		     (double)shared->thrift;
	double per_s = p->tick_samples * 1e9 / interval_ns;
	uint32_t threshold = p->config.sample_bytes;

	if (per_s > 1.5 * aim && threshold < SAMPLE_BYTES_MAX)
		threshold *= 2;
	else if (per_s < 0.5 * aim && threshold > SAMPLE_BYTES)
		threshold /= 2;
	p->tick_samples = 0;
	if (threshold != p->config.sample_bytes || p->config.walk == MW_WALK_COPY) {
		p->config.sample_bytes = threshold;
		p->config.copies_left = COPIES_PER_TICK;
		put_config(p, shared);
	}
	site_table_finish_tick(p->table);
	ration_external(p, shared);
	if (interval_ns)
		watch_external_rate(p, shared, interval_ns);
	p->refresh_due_ns += interval_ns;
	if (p->refresh_due_ns >= REFRESH_NS)
		refresh(p, shared);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which processes' collectors are probed, and the probes of each. What may be probed of V8
 * at all is in user/v8/v8_hooks.c; what runtimes offer by themselves in gc_usdt.c.
 */
#include "collect/gcs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/background.h"
#include "base/clock.h"
#include "base/hmap.h"
#include "base/log.h"
#include "base/memreader.h"
#include "collect/gc_usdt_probes.h"
#include "collect/uprobe.h"

#define FILES_OF_PROCESS 512
#define LOOK_AGAIN_NS	 NSEC_PER_SEC /* after the first look, then twice as long each time */
#define LOOK_RARELY_NS	 (64 * NSEC_PER_SEC)
#define PATH_BYTES	 128

/* The end before the begin: what ends must have been seen to begin. */
static const struct {
	enum v8_hook hook;
	const char *program;
	bool is_return;
	bool is_needed; /* without it nothing is seen */
	bool is_kept;	/* where USDT probes tell the rest, and name heaps in the same way */
} probes[] = {
	{V8_HOOK_LIVE, "mw_gc_live", true, false, true},
	{V8_HOOK_SCAVENGE, "mw_gc_out", true, true, false},
	{V8_HOOK_SCAVENGE, "mw_gc_scav_in", false, true, false},
	{V8_HOOK_MINOR, "mw_gc_out", true, false, false},
	{V8_HOOK_MINOR, "mw_gc_minor_in", false, false, false},
	{V8_HOOK_MARK_COMPACT, "mw_gc_out", true, true, false},
	{V8_HOOK_MARK_COMPACT, "mw_gc_full_in", false, true, false},
	{V8_HOOK_HEAP_OUT, "mw_gc_heap_out", false, false, false},
};
#define PROBE_COUNT (sizeof(probes) / sizeof(probes[0]))

struct gc_process {
	struct hmap_node node; /* by pid */
	uint32_t pid;
	uint64_t start_ns;
	bool is_wanted;
	struct gc_source source;
	bool is_probed;		  /* wanted, and attached as far as can be; else only peeked at */
	bool has_file;		  /* a collector was found */
	struct runtime_file file; /* in it */
	char path[PATH_BYTES];	  /* of it, by a name of our own */
	uint64_t map_start, map_offset; /* of an executable mapping of it */
	struct memreader memory;
	int fds[PROBE_COUNT]; /* -1: not attached */
	struct gc_usdt_probes usdt;
	uint64_t isolate; /* that USDT probes told first */
	uint64_t look_at_ns, look_again_ns;
};

struct gcs {
	struct session *session;
	struct runtime_files *files;
	struct hmap processes; /* struct gc_process by pid */
	unsigned probed;
	bool can_probe;
	uint64_t learning_ns;
};

static struct gc_process *find(const struct gcs *g, uint32_t pid)
{
	struct hmap_node *node = hmap_find(&g->processes, pid);

	return node ? hmap_entry(node, struct gc_process, node) : NULL;
}

struct gcs *gcs_new(struct session *session, struct runtime_files *files)
{
	struct gcs *g;
	int err;

	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	g->session = session;
	g->files = files;
	g->can_probe = session_hook_name(session, CAPABILITY_GC) != NULL;
	err = hmap_init(&g->processes);
	if (!err)
		return g;
	gcs_free(g);
	errno = -err;
	return NULL;
}

/* --- attaching --- */

static void detach(struct gc_process *p)
{
	gc_usdt_probes_detach(&p->usdt);
	for (size_t i = PROBE_COUNT; i-- > 0;) { /* first no collection is seen to begin any more */
		background_close(p->fds[i]);
		p->fds[i] = -1;
	}
}

/* @usdt: only what USDT probes do not tell. Returns 0, or why one that is needed is missing. */
static int attach_v8(struct gcs *g, struct gc_process *p, bool usdt)
{
	const struct v8_hooks *hooks = &p->file.hooks;

	for (size_t i = 0; i < PROBE_COUNT; i++) {
		enum v8_hook hook = probes[i].hook;
		int fd = -ENOENT;

		if (usdt && !probes[i].is_kept)
			continue;
		if (hooks->rows[hook])
			fd = uprobe_open(session_program_fd(g->session, probes[i].program),
					 probes[i].is_return, p->pid, p->path,
					 hooks->offsets[hook]);
		p->fds[i] = fd < 0 ? -1 : fd;
		if (fd < 0 && hooks->rows[hook])
			log_debug("PID %u: no probe on %s: %s", p->pid, v8_hook_name(hook),
				  strerror(-fd));
		if (fd < 0 && probes[i].is_needed && !usdt)
			return fd;
	}
	return 0;
}

static bool has_live(const struct gc_process *p)
{
	return p->fds[0] >= 0;
}

static int attach_usdt(struct gcs *g, struct gc_process *p)
{
	const struct gc_usdt_row *row = p->file.usdt;
	const struct gc_usdt_place place = {p->pid, p->path, p->map_start, p->map_offset};

	return gc_usdt_probes_attach(&p->usdt, g->session, &place, row,
				     gc_usdt_cookie(row, p->file.v8_version, has_live(p)));
}

static const char deadly[] = "it has a seccomp filter, by which return probes would kill it on "
			     "Linux 6.11 to 6.13";
static const char refused[] = "the kernel refused a probe in this process (-v shows which)";
static const char too_many[] = "its USDT probes are at more places than memwatch takes";
static const char no_arguments[] = "its USDT probes cannot be used: their arguments are where they "
				   "cannot be read, or the kernel cannot enable them";
static const char nothing_to_probe[] =
	"it collects garbage, and has neither USDT probes at its collections nor symbols of them "
	"(stripped?)";
static const char no_live[] = "what lives after a collection is not told: V8's symbols are missing";
static const char no_usdt_live[] = "verdicts do not rest on them: what lives after a collection is "
				   "told by some of this runtime's collectors, or by none";
static const char many_heaps[] =
	"verdicts do not rest on them: it has several heaps, and the end of "
	"one is not told by USDT probes";

static void use_usdt(struct gcs *g, struct gc_process *p)
{
	struct gc_source *source = &p->source;
	int err;

	if (p->file.has_v8 && !uprobe_is_deadly(p->pid))
		attach_v8(g, p, true);
	err = attach_usdt(g, p);
	if (err) {
		log_debug("PID %u: no USDT probe: %s", p->pid, strerror(-err));
		detach(p);
		source->collector = COLLECTOR_HIDDEN;
		source->why = err == -E2BIG ? too_many : err == -ENOTSUP ? no_arguments : refused;
		return;
	}
	source->by = "USDT probes";
	source->collector = !p->file.usdt->owns_heap ? COLLECTOR_NONE
			    : has_live(p)	     ? COLLECTOR_LIVE
						     : COLLECTOR_SEEN;
	if (source->collector == COLLECTOR_SEEN)
		source->why = p->file.has_v8 ? no_live : no_usdt_live;
}

static void use_v8(struct gcs *g, struct gc_process *p)
{
	const struct v8_hooks *hooks = &p->file.hooks;
	struct gc_source *source = &p->source;

	source->collector = COLLECTOR_HIDDEN;
	if (!hooks->rows[V8_HOOK_SCAVENGE] || !hooks->rows[V8_HOOK_MARK_COMPACT]) {
		source->why = nothing_to_probe;
	} else if (uprobe_is_deadly(p->pid)) {
		source->why = deadly;
	} else if (attach_v8(g, p, false)) {
		detach(p);
		source->why = refused;
	} else {
		source->by = "uprobes on V8's functions";
		source->collector = has_live(p) ? COLLECTOR_LIVE : COLLECTOR_SEEN;
		source->why = has_live(p) ? NULL : no_live;
	}
}

/* --- looking --- */

/* What tells most: probes of its own, then V8, then just that there is a collector. */
static int worth(const struct runtime_file *f)
{
	if (f->usdt && f->usdt->owns_heap)
		return 4;
	if (f->has_v8)
		return 3;
	return f->runtime ? 2 : f->usdt ? 1 : 0;
}

/* The file of the process that has the collector, into @p. 1 if there is one, 0 if there is none,
 * or a negative errno where that cannot be known. */
static int find_file(struct gcs *g, struct gc_process *p)
{
	struct proc_maps maps = {0};
	const struct proc_map *best = NULL;
	const char *before = "";
	unsigned looked = 0;
	int err = proc_maps_read((pid_t)p->pid, PROC_MAPS_EXECUTABLE, &maps), worst = 0;

	p->has_file = false;
	for (unsigned i = 0; !err && i < maps.count && looked < FILES_OF_PROCESS; i++) {
		const struct proc_map *map = &maps.maps[i];
		struct runtime_file file;
		int failed;

		if (!proc_map_is_file(map) || !strcmp(map->path, before))
			continue;
		before = map->path;
		looked++;
		failed = runtime_files_look(g->files, (pid_t)p->pid, map, &file);
		if (failed && failed != -ENOEXEC) /* what is no ELF file has no collector */
			worst = failed;
		if (failed || worth(&file) <= (best ? worth(&p->file) : 0))
			continue;
		best = map;
		p->file = file;
	}
	if (best && !err)
		err = proc_map_path((pid_t)p->pid, best, p->path, sizeof(p->path));
	if (best) {
		p->map_start = best->start;
		p->map_offset = best->offset;
	}
	p->has_file = best && !err;
	proc_maps_release(&maps);
	return p->has_file ? 1 : err ? err : worst;
}

static void attach(struct gcs *g, struct gc_process *p)
{
	struct gc_source *source = &p->source;

	source->runtime = p->file.runtime;
	if (p->file.usdt) {
		use_usdt(g, p);
	} else if (p->file.has_v8) {
		use_v8(g, p);
	} else {
		source->collector = COLLECTOR_HIDDEN;
		source->why = nothing_to_probe;
	}
}

static const char blind[] = "its files cannot be read: whether it collects garbage is not known";
static const char not_here[] =
	"collections cannot be probed here (memwatch doctor says why): what it keeps is not seen";
static const char not_close[] = "its collections are not watched now";

/* @probe: and attaches, if that is possible. */
static void look(struct gcs *g, struct gc_process *p, bool probe)
{
	struct gc_source *source = &p->source;
	uint64_t begun = clock_cpu_ns();
	int found;

	memset(source, 0, sizeof(*source));
	found = find_file(g, p);
	if (found < 0) {
		source->why = blind;
	} else if (!found) {
		source->collector = COLLECTOR_NONE;
	} else if (probe && g->can_probe) {
		attach(g, p);
	} else {
		source->runtime = p->file.runtime;
		source->collector = source->runtime ? COLLECTOR_HIDDEN : COLLECTOR_NONE;
		if (source->runtime)
			source->why = probe ? not_here : not_close;
	}
	g->learning_ns += clock_cpu_ns() - begun;
	log_debug("PID %u: collections of %s by %s%s%s", p->pid,
		  source->runtime ? source->runtime : "none", source->by ? source->by : "nothing",
		  source->why ? ": " : "", source->why ? source->why : "");
}

uint64_t gcs_learning_ns(const struct gcs *g)
{
	return g->learning_ns;
}

static struct gc_process *process_new(struct gcs *g, uint32_t pid, uint64_t start_ns)
{
	struct gc_process *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->pid = pid;
	p->start_ns = start_ns;
	for (size_t i = 0; i < PROBE_COUNT; i++)
		p->fds[i] = -1;
	memreader_init_process(&p->memory, (pid_t)pid);
	hmap_add(&g->processes, &p->node, pid);
	return p;
}

static void look_first(struct gcs *g, struct gc_process *p, bool probe)
{
	look(g, p, probe);
	p->look_again_ns = LOOK_AGAIN_NS;
	p->look_at_ns = clock_boot_ns() + p->look_again_ns;
}

static void end_process(struct gcs *g, struct gc_process *p)
{
	hmap_remove(&g->processes, &p->node);
	g->probed -= p->is_probed;
	detach(p);
	free(p);
}

void gcs_free(struct gcs *g)
{
	struct hmap_node *node;

	if (!g)
		return;
	while (g->processes.buckets && (node = hmap_next(&g->processes, NULL)))
		end_process(g, hmap_entry(node, struct gc_process, node));
	hmap_release(&g->processes);
	free(g);
}

/* The one with this identity; NULL if there is none (any more). */
static struct gc_process *find_same(struct gcs *g, uint32_t pid, uint64_t start_ns)
{
	struct gc_process *p = find(g, pid);

	if (!p || p->start_ns == start_ns)
		return p;
	end_process(g, p); /* the PID is another's now */
	return NULL;
}

void gcs_want(struct gcs *g, uint32_t pid, uint64_t start_ns)
{
	struct gc_process *p = find_same(g, pid, start_ns);

	if (!p)
		p = process_new(g, pid, start_ns);
	if (!p)
		return;
	p->is_wanted = true;
	if (p->is_probed)
		return;
	p->is_probed = g->probed < GC_PROCS;
	g->probed += p->is_probed;
	if (p->is_probed || !p->look_at_ns)
		look_first(g, p, p->is_probed);
}

/* Libraries come late; what could not be read may be readable. */
static void look_again(struct gcs *g, struct gc_process *p, uint64_t now_ns)
{
	if (p->has_file || now_ns < p->look_at_ns)
		return;
	look(g, p, p->is_probed);
	if (p->look_again_ns < LOOK_RARELY_NS)
		p->look_again_ns *= 2;
	p->look_at_ns = now_ns + p->look_again_ns;
}

void gcs_peek(struct gcs *g, uint32_t pid, uint64_t start_ns)
{
	struct gc_process *p = find_same(g, pid, start_ns);

	if (p) {
		look_again(g, p, clock_boot_ns());
		return;
	}
	p = process_new(g, pid, start_ns);
	if (p)
		look_first(g, p, false);
}

bool gcs_is_watched(const struct gcs *g, uint32_t pid, uint64_t start_ns)
{
	const struct gc_process *p = find(g, pid);

	return p && p->start_ns == start_ns && p->is_probed;
}

/* What it has stays known, but nothing of it is seen any more. */
static void let_go(struct gcs *g, struct gc_process *p)
{
	detach(p);
	p->is_probed = false;
	g->probed--;
	if (!p->has_file || !p->source.runtime)
		return;
	p->source.collector = COLLECTOR_HIDDEN;
	p->source.by = NULL;
	p->source.why = not_close;
}

void gcs_settle(struct gcs *g, uint64_t now_ns)
{
	struct hmap_node *node;

	hmap_for_each (&g->processes, node) {
		struct gc_process *p = hmap_entry(node, struct gc_process, node);

		if (p->is_probed && !p->is_wanted)
			let_go(g, p);
		if (p->is_wanted)
			look_again(g, p, now_ns);
		p->is_wanted = false;
	}
}

void gcs_forget(struct gcs *g, uint32_t pid)
{
	struct gc_process *p = find(g, pid);

	if (p)
		end_process(g, p);
}

void gcs_source(const struct gcs *g, uint32_t pid, uint64_t start_ns, struct gc_source *out)
{
	const struct gc_process *p = find(g, pid);

	memset(out, 0, sizeof(*out));
	if (p && p->start_ns == start_ns)
		*out = p->source;
}

/* --- records --- */

/*
 * The probes tell the v8::Isolate, V8's function that takes a heap down the Heap in it: the two
 * cannot be matched, so the sum of what lives is known only as long as there is one.
 */
static void note_isolate(struct gc_process *p, const struct mw_event_gc *e)
{
	if (e->via != MW_GC_VIA_USDT || !e->isolate)
		return;
	if (!p->isolate)
		p->isolate = e->isolate;
	if (p->isolate == e->isolate || p->source.collector != COLLECTOR_LIVE)
		return;
	p->source.collector = COLLECTOR_SEEN;
	p->source.why = many_heaps;
}

bool gcs_take(struct gcs *g, const struct mw_event_gc *e, struct gc *out)
{
	struct gc_process *p = find(g, e->h.pid);

	if (!p || !p->is_probed || !p->has_file)
		return false;
	note_isolate(p, e);
	memset(out, 0, sizeof(*out));
	out->pid = e->h.pid;
	out->start_ns = e->h.start_ns;
	memcpy(out->comm, e->h.comm, MW_COMM_LEN);
	out->ns = e->h.ts_ns;
	out->isolate = e->isolate;
	out->tid = e->tid;
	out->kind = e->kind;
	out->via = e->via;
	out->pause_ns = e->pause_ns;
	out->live_bytes = e->live_bytes;
	if (e->h.type == MW_EVENT_GC && e->via == MW_GC_VIA_UPROBE)
		v8_heap_sizes_read(&p->file.hooks.sizes, &p->memory, e->isolate, &out->limit_bytes,
				   &out->external_bytes);
	log_debug("PID %u: %s of heap %#llx, %.2f ms, %llu bytes live", out->pid,
		  e->h.type == MW_EVENT_GC ? gc_kind_name(out->kind) : "end",
		  (unsigned long long)out->isolate, (double)out->pause_ns / 1e6,
		  (unsigned long long)out->live_bytes);
	return true;
}

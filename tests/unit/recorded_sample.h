/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A recording made up for tests: a service that leaks, and a worker that does not. */
#ifndef MEMWATCH_TESTS_RECORDED_SAMPLE_H
#define MEMWATCH_TESTS_RECORDED_SAMPLE_H

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/verdict.h"
#include "base/clock.h"
#include "census_sample.h"
#include "sample.h"
#include "verdict_sample.h"

#define RECORDED_BEGIN_NS (100 * NSEC_PER_SEC)
#define RECORDED_WALL_NS  (1700000000 * NSEC_PER_SEC) /* 2023-11-14 22:13:20 UTC */
#define RECORDED_SECONDS  300
#define RECORDED_MIB	  1048576ULL
/* As a function of the target's may be called */
#define RECORDED_HOSTILE                                                                           \
	"</script><script>document.title='owned'</script><img src=x onerror=alert(1)>"

static inline void *recorded_alloc(size_t count, size_t size)
{
	void *p = calloc(count, size);

	assert_non_null(p);
	return p;
}

/* A tick a second; anon grows by @rate bytes a second, file stays. */
static inline void recorded_sample_ticks(struct recorded_process *p, unsigned seconds,
					 uint64_t rate)
{
	p->ticks = recorded_alloc(seconds + 1, sizeof(*p->ticks));
	for (unsigned s = 0; s <= seconds; s++) {
		struct recorded_tick *t = &p->ticks[p->tick_count++];

		t->ns = RECORDED_BEGIN_NS + s * NSEC_PER_SEC;
		t->now.anon_bytes = 20 * RECORDED_MIB + s * rate + s % 7 * RECORDED_MIB / 8;
		t->now.file_bytes = 30 * RECORDED_MIB;
		t->now.shmem_bytes = RECORDED_MIB;
		t->now.swap_bytes = s > 200 ? 4 * RECORDED_MIB : 0;
		t->now.rss_bytes = t->now.anon_bytes + t->now.file_bytes + t->now.shmem_bytes;
		t->rss_high = t->now.rss_bytes;
		if (t->rss_high > p->peak_rss_bytes)
			p->peak_rss_bytes = t->rss_high;
	}
	p->first = p->ticks[0].now;
	p->last = p->ticks[seconds].now;
	p->first_ns = p->ticks[0].ns;
	p->last_ns = p->ticks[seconds].ns;
	p->is_loaded = true;
}

/* A scavenge every three seconds, a full collection every 30. */
static inline void recorded_sample_gcs(struct recorded_process *p, unsigned seconds)
{
	p->gcs = recorded_alloc(seconds, sizeof(*p->gcs));
	for (unsigned s = 3; s < seconds; s += 3) {
		struct recorded_gc *g = &p->gcs[p->gc_count++];
		bool is_full = s % 30 == 0;

		g->gc = (struct gc){
			.pid = p->pid,
			.start_ns = p->start_ns,
			.ns = RECORDED_BEGIN_NS + s * NSEC_PER_SEC,
			.isolate = 0x7f001000,
			.kind = is_full ? MW_GC_MARK_COMPACT : MW_GC_SCAVENGE,
			.pause_ns = is_full ? 9 * NSEC_PER_MSEC : NSEC_PER_MSEC,
			.live_bytes = (8 + s / 10) * RECORDED_MIB + (is_full ? 0 : s % 30 * 50000),
			.external_bytes = 2 * RECORDED_MIB,
			.limit_bytes = 128 * RECORDED_MIB,
		};
		g->count = 1;
		g->pause_max_ns = g->gc.pause_ns;
	}
}

static inline void recorded_sample_sites(struct recorded_process *p)
{
	const struct frame frames[] = {
		sample_js(FRAME_USER, "saveContext", "/app/handles.js", 12),
		sample_js(FRAME_USER, "handleStatus", "/app/status.js", 30),
		sample_js(FRAME_RUNTIME, "emit", "node:events", 514),
	};
	const struct frame hostile[] = {
		sample_js(FRAME_USER, RECORDED_HOSTILE, "/app/\"><script>.js", 1),
		sample_js(FRAME_RUNTIME, "emit", "node:events", 514),
	};

	p->sites = site_table_new();
	assert_non_null(p->sites);
	p->sites->begin_ns = RECORDED_BEGIN_NS;
	sample_site(p->sites, MW_SITE_FAULT, frames, 3, 60 * RECORDED_MIB);
	sample_site(p->sites, MW_SITE_FAULT, hostile, 2, 20 * RECORDED_MIB);
	for (unsigned i = 0; i < 20; i++) {
		struct frame f = sample_native(FRAME_RUNTIME, "v8::internal::Grow", "/usr/bin/node",
					       0x1000 + i);

		f.line = i + 1;
		sample_site(p->sites, MW_SITE_MMAP, &f, 1, (i + 1) * 65536);
	}
	site_table_finish_tick(p->sites);
	p->sites_ns = p->last_ns;
}

static inline void recorded_sample_censuses(struct recorded_process *p)
{
	p->censuses = recorded_alloc(2, sizeof(*p->censuses));
	p->censuses[0] = (struct recorded_census){RECORDED_CENSUS_BEGIN, sample_service(10, 100)};
	p->censuses[1] = (struct recorded_census){RECORDED_CENSUS_END, sample_service(290, 20000)};
	p->census_count = 2;
	sample_retainer(p->censuses[1].census);
}

static inline void recorded_sample_verdict(struct recorded_process *p)
{
	struct verdict *v = recorded_alloc(1, sizeof(*v));

	*v = sample_leak();
	v->since_ns = RECORDED_BEGIN_NS + 20 * NSEC_PER_SEC;
	p->verdict = v;
	p->verdict_ns = p->last_ns;
}

static inline void recorded_sample_events(struct recorded *r)
{
	const struct recorded_event events[] = {
		{.kind = RECORDED_EXEC,
		 .ns = RECORDED_BEGIN_NS + 5 * NSEC_PER_SEC,
		 .pid = 4712,
		 .start_ns = 7 * NSEC_PER_SEC,
		 .comm = "worker",
		 .path = "/usr/bin/worker"},
		{.kind = RECORDED_OOM,
		 .ns = RECORDED_BEGIN_NS + 250 * NSEC_PER_SEC,
		 .pid = 4711,
		 .start_ns = 5 * NSEC_PER_SEC,
		 .comm = "node",
		 .limit_kind = "cgroup",
		 .limit_cgroup = "/x/<b>",
		 .limit_bytes = 512 * RECORDED_MIB},
		{.kind = RECORDED_EXIT,
		 .ns = RECORDED_BEGIN_NS + 260 * NSEC_PER_SEC,
		 .pid = 4712,
		 .start_ns = 7 * NSEC_PER_SEC,
		 .comm = "worker",
		 .code = SIGTERM,
		 .peak_rss_bytes = 52 * RECORDED_MIB},
	};

	r->events = recorded_alloc(3, sizeof(events[0]));
	memcpy(r->events, events, sizeof(events));
	r->event_count = 3;
}

/* To be freed by recorded_free(). */
static inline struct recorded *recorded_sample(void)
{
	struct recorded *r = recorded_alloc(1, sizeof(*r));
	struct recorded_process *p = recorded_alloc(2, sizeof(*p));

	*r = (struct recorded){
		.path = "/tmp/a.mw",
		.schema = 1,
		.run = {.version = "0.6.0",
			.kernel = "6.18.0",
			.arch = "x86_64",
			.interval_ns = NSEC_PER_SEC},
		.begin_ns = RECORDED_BEGIN_NS,
		.end_ns = RECORDED_BEGIN_NS + RECORDED_SECONDS * NSEC_PER_SEC,
		.begin_wall_ns = RECORDED_WALL_NS,
		.end_wall_ns = RECORDED_WALL_NS + RECORDED_SECONDS * NSEC_PER_SEC,
		.is_whole = true,
		.command = "node server.js --name '<b>'",
		.requests = 20000,
		.ticks = RECORDED_SECONDS + 1,
		.born = 1,
		.gone = 1,
		.processes = p,
		.process_count = 2,
	};
	p[0] = (struct recorded_process){.id = 1,
					 .pid = 4711,
					 .start_ns = 5 * NSEC_PER_SEC,
					 .comm = "node",
					 .path = "/usr/bin/node",
					 .cgroup = "/system.slice/app.service",
					 .is_named = true,
					 .collector = COLLECTOR_LIVE};
	recorded_sample_ticks(&p[0], RECORDED_SECONDS, RECORDED_MIB / 4);
	recorded_sample_gcs(&p[0], RECORDED_SECONDS);
	recorded_sample_sites(&p[0]);
	recorded_sample_censuses(&p[0]);
	recorded_sample_verdict(&p[0]);
	p[1] = (struct recorded_process){.id = 2,
					 .pid = 4712,
					 .ppid = 4711,
					 .start_ns = 7 * NSEC_PER_SEC,
					 .comm = "worker",
					 .has_ended = true,
					 .is_code_known = true,
					 .end_ns = RECORDED_BEGIN_NS + 260 * NSEC_PER_SEC,
					 .code = SIGTERM};
	recorded_sample_ticks(&p[1], 259, 0);
	recorded_sample_events(r);
	return r;
}

#endif

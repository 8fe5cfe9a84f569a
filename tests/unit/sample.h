/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records as the kernel side writes them, and the tables and sinks they go to. */
#ifndef MEMWATCH_TESTS_SAMPLE_H
#define MEMWATCH_TESTS_SAMPLE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/frame.h"
#include "model/process.h"
#include "model/site.h"

#define SAMPLE_PAGE_SHIFT 12
#define SAMPLE_SECOND	  1000000000ULL
#define SAMPLE_MIB_PAGES  256ULL

/* Each size differs from the others, so that no two can be mixed up unnoticed. */
static inline struct mw_task sample_task(uint32_t pid, uint64_t start_ns, const char *comm)
{
	struct mw_task raw = {
		.pid = pid,
		.ppid = 1,
		.start_ns = start_ns,
		.threads = 11,
		.flags = MW_TASK_GROWTH,
		.cgroup_id = 77,
		.anon_pages = 1000,
		.file_pages = 200,
		.shmem_pages = 30,
		.swap_pages = 4,
		.pgtable_bytes = 40961,
		.vm_pages = 90000,
		.data_pages = 8000,
		.stack_pages = 33,
		.brk_bytes = 135168,
		.peak_rss_pages = 1500,
		.minflt = 5000,
		.majflt = 7,
	};

	strncpy(raw.comm, comm, MW_COMM_LEN - 1);
	return raw;
}

/* One record; aborts when the table does not take it. */
static inline struct process *sample_update(struct process_table *t, const struct mw_task *raw)
{
	struct process *p = NULL;

	if (process_table_update(t, raw, &p) || !p)
		abort();
	return p;
}

/* A tick of its own at @now_ns that sees this one process. */
static inline struct process *sample_tick(struct process_table *t, uint64_t now_ns,
					  const struct mw_task *raw)
{
	process_table_begin(t, now_ns);
	return sample_update(t, raw);
}

/* --- frames --- */

static inline struct frame sample_js(enum frame_origin origin, const char *fn, const char *file,
				     uint32_t line)
{
	return (struct frame){.fn = fn,
			      .file = file,
			      .line = line,
			      .fn_line = line ? line - 1 : 0,
			      .kind = FRAME_JS,
			      .origin = origin,
			      .tier = TIER_INTERPRETED};
}

static inline struct frame sample_native(enum frame_origin origin, const char *fn,
					 const char *module, uint64_t ip)
{
	return (struct frame){.fn = fn,
			      .module = module,
			      .ip = ip,
			      .kind = fn ? FRAME_NATIVE : FRAME_UNKNOWN,
			      .origin = origin};
}

/* So many more bytes at a site. */
static inline struct site *sample_site(struct site_table *t, enum mw_site_kind kind,
				       const struct frame *frames, unsigned count, uint64_t bytes)
{
	struct site *s = site_table_get(t, kind, frames, count, false);

	if (!s)
		abort();
	s->sampled_bytes += bytes;
	s->samples++;
	return s;
}

/* A file in memory for a sink to write to. */
static inline int sample_file(void)
{
	int fd = memfd_create("memwatch-test", MFD_CLOEXEC);

	if (fd < 0)
		abort();
	return fd;
}

/* What was written to @fd since its last reading, as a string; free() it. */
static inline char *sample_read(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = malloc((size_t)size + 1);

	if (!text || pread(fd, text, (size_t)size, 0) != size || ftruncate(fd, 0))
		abort();
	lseek(fd, 0, SEEK_SET);
	text[size] = '\0';
	return text;
}

#endif

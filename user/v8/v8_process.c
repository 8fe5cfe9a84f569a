/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The V8 of a process: finding it, and where its builtins are.
 *
 * How
 *   1. The executable is looked at first, which is Node mostly; else v8_info_read() says which file
 *      holds V8 (Debian: libnode.so).
 *   2. Builtins are at their symbols' addresses plus the load bias. Where they have no symbols, V8
 *      keeps their address and size in two variables, which are read from the process.
 *   3. Since Node 20, each isolate (also of a worker) has a copy of them beside the code that it
 *      makes, so that calls are short: the same pages of the file mapped once more, or, where V8
 *      could not do that, a copy in anonymous memory, which begins with the same bytes.
 *
 * LIMITATIONS
 *   - Copies that are made later (a worker's), and all if V8 has not started yet, are found
 *     by v8_process_refresh(), or when an address leads there.
 *   - A second copy of V8 in the process is not seen.
 */
#include "v8/v8_process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "v8/v8_info.h"

#define MAX_BUILTINS_BYTES (64u << 20)
#define COPY_ALIGN	   (256u << 10) /* of a copy in anonymous memory */
#define COPY_PROBES	   1024u	/* places where one is looked for */
#define COPY_BYTES	   64u		/* compared */
#define REFRESH_NS	   1000000000ull

struct v8_process {
	pid_t pid;
	struct memreader *mem;
	struct v8_layout layout;
	struct proc_maps maps; /* the executable ones */
	struct proc_map map;   /* of the file that holds V8; @path is ours */
	uint64_t bias;
	struct v8_builtins *builtins; /* NULL: no symbols */
	struct v8_resolver resolver;
	uint64_t refreshed_ns;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static bool is_executable(const struct proc_map *m)
{
	return m->perms[2] == 'x';
}

/* ---- finding V8 ---- */

/* Takes the layout and the builtins' names from the file of a mapping. 0, or -errno. */
static int take_file(struct v8_process *v, const struct proc_map *m, const char **why)
{
	struct elf_file *f = proc_map_open(v->pid, m);
	int err;

	if (!f) {
		*why = "the file that holds V8 cannot be opened";
		return -errno;
	}
	err = v8_layout_read(f, &v->layout, why);
	if (!err)
		err = elf_file_bias(f, m->start, m->offset, true, &v->bias);
	if (!err) {
		v->builtins = v8_builtins_read(f);
		if (!v->builtins && errno != ENOENT)
			err = -errno;
	}
	elf_file_free(f);
	if (err)
		return err;
	v->map = *m;
	v->map.path = strdup(m->path);
	return v->map.path ? 0 : -ENOMEM;
}

static const struct proc_map *map_of_file(const struct v8_process *v, const char *path)
{
	for (unsigned i = 0; i < v->maps.count; i++) {
		const struct proc_map *m = &v->maps.maps[i];

		if (is_executable(m) && proc_map_is_file(m) && !strcmp(m->path, path))
			return m;
	}
	return NULL;
}

static int find_v8(struct v8_process *v, const char **why)
{
	const struct proc_map *m;
	struct v8_info info;
	char exe[sizeof(info.path)];
	int err;

	proc_exe_path(v->pid, exe, sizeof(exe));
	m = map_of_file(v, exe);
	err = m ? take_file(v, m, why) : -ENOENT;
	if (err != -ENOENT)
		return err;
	*why = "no V8 was found in this process";
	err = v8_info_read(v->pid, &info);
	if (err)
		return err;
	m = info.present ? map_of_file(v, info.path) : NULL;
	return m && strcmp(m->path, exe) != 0 ? take_file(v, m, why) : -ENOENT;
}

/* ---- where the builtins are ---- */

/* By V8's own variables, if their symbols do not tell. */
static struct mw_range builtins_by_variables(struct v8_process *v)
{
	const struct v8_layout *l = &v->layout;
	struct mw_range none = {0};
	uint64_t start = 0;
	uint32_t size = 0;

	if (!l->builtins_pointer || !l->builtins_size ||
	    memreader_read(v->mem, l->builtins_pointer + v->bias, &start, sizeof(start)) ||
	    memreader_read(v->mem, l->builtins_size + v->bias, &size, sizeof(size)) || !start ||
	    !size || size > MAX_BUILTINS_BYTES || start + size < start)
		return none;
	return (struct mw_range){start, start + size};
}

static struct mw_range builtins_in_file(struct v8_process *v)
{
	const struct mw_range *link = &v->layout.frames.builtins[0];

	if (link->start)
		return (struct mw_range){link->start + v->bias, link->end + v->bias};
	return builtins_by_variables(v);
}

static bool is_same_file(const struct proc_map *a, const struct proc_map *b)
{
	return a->inode == b->inode && a->dev == b->dev && !strcmp(a->path, b->path);
}

static void add_copy(struct v8_process *v, const struct mw_range *primary, uint64_t shift)
{
	struct v8_resolver *r = &v->resolver;

	if (r->copy_count < V8_BUILTINS_COPIES)
		r->copies[r->copy_count++] = (struct v8_builtins_copy){
			primary->start + shift, primary->end + shift, -v->bias - shift};
}

/* Other mappings of the same pages of the file. */
static void find_mapped_copies(struct v8_process *v, const struct mw_range *primary)
{
	const struct proc_map *home = proc_maps_find(&v->maps, primary->start);
	uint64_t offset;

	if (!home || !proc_map_is_file(home))
		return;
	offset = primary->start - home->start + home->offset;
	for (unsigned i = 0; i < v->maps.count; i++) {
		const struct proc_map *m = &v->maps.maps[i];
		uint64_t shift = m->start + (offset - m->offset) - primary->start;

		if (is_executable(m) && is_same_file(m, home) && offset >= m->offset &&
		    offset - m->offset < m->end - m->start && shift)
			add_copy(v, primary, shift);
	}
}

/* Copies in anonymous memory, by their first bytes. */
static void find_anonymous_copies(struct v8_process *v, const struct mw_range *primary)
{
	unsigned char wanted[COPY_BYTES], got[COPY_BYTES];
	uint64_t size = primary->end - primary->start;
	unsigned probes = 0;

	if (memreader_read(v->mem, primary->start, wanted, sizeof(wanted)))
		return;
	for (unsigned i = 0; i < v->maps.count; i++) {
		const struct proc_map *m = &v->maps.maps[i];
		uint64_t at = (m->start + COPY_ALIGN - 1) & ~(uint64_t)(COPY_ALIGN - 1);

		if (!is_executable(m) || *m->path)
			continue;
		for (; at < m->end && m->end - at >= size; at += COPY_ALIGN) {
			if (++probes > COPY_PROBES)
				return;
			if (!memreader_read(v->mem, at, got, sizeof(got)) &&
			    !memcmp(got, wanted, sizeof(got)))
				add_copy(v, primary, at - primary->start);
		}
	}
}

static void find_builtins(struct v8_process *v)
{
	struct mw_range primary = builtins_in_file(v);

	v->resolver.copy_count = 0;
	if (!primary.start)
		return;
	add_copy(v, &primary, 0);
	find_mapped_copies(v, &primary);
	if (v->resolver.copy_count == 1)
		find_anonymous_copies(v, &primary);
}

/* ---- the whole ---- */

int v8_process_refresh(struct v8_process *v)
{
	int err = proc_maps_read(v->pid, PROC_MAPS_EXECUTABLE, &v->maps);

	v->refreshed_ns = now_ns();
	if (!err)
		find_builtins(v);
	return err;
}

static int process_open(struct v8_process *v, struct intern *names, const char **why)
{
	int err = proc_maps_read(v->pid, PROC_MAPS_EXECUTABLE, &v->maps);

	if (err) {
		*why = "the process's mappings cannot be read";
		return err;
	}
	err = find_v8(v, why);
	if (err)
		return err;
	err = v8_resolver_init(&v->resolver, &v->layout, v->mem, names);
	if (err)
		return err;
	v->resolver.builtins = v->builtins;
	find_builtins(v);
	return 0;
}

struct v8_process *v8_process_open(pid_t pid, struct memreader *mem, struct intern *names,
				   const char **why)
{
	struct v8_process *v = calloc(1, sizeof(*v));
	int err;

	*why = "out of memory";
	if (!v)
		return NULL;
	v->pid = pid;
	v->mem = mem;
	err = process_open(v, names, why);
	if (!err)
		return v;
	v8_process_free(v);
	errno = -err;
	return NULL;
}

void v8_process_free(struct v8_process *v)
{
	if (!v)
		return;
	v8_resolver_release(&v->resolver);
	v8_builtins_free(v->builtins);
	proc_maps_release(&v->maps);
	free(v->map.path);
	free(v);
}

const struct v8_layout *v8_process_layout(const struct v8_process *v)
{
	return &v->layout;
}

const struct proc_map *v8_process_map(const struct v8_process *v)
{
	return &v->map;
}

void v8_process_frames(const struct v8_process *v, struct mw_v8_frames *out)
{
	const struct v8_resolver *r = &v->resolver;

	*out = v->layout.frames;
	memset(out->builtins, 0, sizeof(out->builtins));
	for (unsigned i = 0; i < r->copy_count && i < MW_V8_BUILTINS_RANGES; i++)
		out->builtins[i] = (struct mw_range){r->copies[i].start, r->copies[i].end};
	out->enabled = r->copy_count > 0;
}

bool v8_process_is_copy(const struct v8_process *v, uint64_t addr)
{
	const struct v8_builtins_copy *copy = v8_resolver_copy(&v->resolver, addr);

	return copy && copy != &v->resolver.copies[0];
}

/* Whether there can be no code of V8's at @ip. */
static bool is_of_a_file(struct v8_process *v, uint64_t ip)
{
	const struct proc_map *m = proc_maps_find(&v->maps, ip);

	if (!m && now_ns() - v->refreshed_ns > REFRESH_NS) {
		v8_process_refresh(v);
		m = proc_maps_find(&v->maps, ip);
	}
	return m && proc_map_is_file(m) && !v8_resolver_copy(&v->resolver, ip);
}

unsigned v8_process_resolve(struct v8_process *v, const struct mw_frame *raw, bool is_return,
			    struct frame *out, unsigned max)
{
	bool is_of_file = is_of_a_file(v, raw->ip);

	if (!max || (raw->kind == MW_FRAME_NATIVE && is_of_file))
		return 0;
	return v8_resolver_frame(&v->resolver, raw, is_return, out, max);
}

void v8_process_moved(struct v8_process *v)
{
	v8_resolver_moved(&v->resolver);
}

const struct v8_resolve_stats *v8_process_stats(const struct v8_process *v)
{
	return &v->resolver.stats;
}

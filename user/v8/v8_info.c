/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finding V8 in a process by the symbols of its files.
 *
 * How
 *   1. The candidates: every file with an executable mapping in
 *      /proc/PID/maps, once each, and /proc/PID/exe, whose text may have been
 *      remapped to anonymous huge pages (node --use-largepages).
 *   2. Their order: the executable, then what has the name of a V8 embedder,
 *      then the rest. Names are a heuristic for speed: every candidate up to
 *      MAX_OPENED is looked at before the answer is "no V8".
 *   3. Each is opened as the very file that is mapped (sym/proc_maps.h).
 *   4. The first with V8's symbols is the answer.
 *
 * What proves V8, all defined and not imported, as of Node 12-26 (V8 7.8-14.6):
 *   v8dbg_*                              metadata constants for debuggers
 *   v8::internal::Version::major_ ...    its version; ints in .data
 *   v8::V8::GetVersion()                 public API: what embedders export that
 *                                        hide the rest
 *
 * LIMITATIONS
 *   - An embedder that was stripped and exports none of these is "no V8".
 *   - A process that maps two copies of V8 shows the first in that order.
 *   - What sym/proc_maps.c says of processes without the capability for map_files.
 *   - The tagged size is from v8dbg_TaggedSize (V8 7.8+), else from the size of
 *     a Smi, which only tells "no pointer compression".
 */
#include "v8/v8_info.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sym/elf_file.h"
#include "sym/proc_maps.h"

#define MAX_CANDIDATES 4096u
#define MAX_OPENED     256u
#define MAX_METADATA   (16u << 10) /* v8dbg_* names, twice each; node 26 has 515 */
#define MAX_VERSION    9999	   /* a part of the version above that is garbage */

enum rank { RANK_EXE, RANK_NAMED, RANK_OTHER };

static const char *const embedder_names[] = {
	"node", "libv8", "electron", "chrome", "deno", "bun", /* "node" is in "libnode" */
};

struct candidate {
	const struct proc_map *map;
	enum rank rank;
	unsigned order; /* keeps the sort stable */
};

struct candidates {
	struct proc_maps maps; /* the executable ones */
	char exe[PATH_MAX];
	struct proc_map exe_map; /* for an executable that is not in @maps: only a path */
	struct candidate *v;
	unsigned count;
};

/* What a walk over a file's symbols collects. */
struct evidence {
	const char **metadata; /* v8dbg_* names, at most MAX_METADATA */
	unsigned count;
	unsigned cap;
	int err;
	uint64_t major_addr, minor_addr, build_addr; /* 0 for none, as all below */
	uint64_t tagged_size_addr, smi_shift_addr;
	bool scavenge, mark_compact, get_version;
};

/* ---- candidates ---- */

static enum rank rank_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(embedder_names) / sizeof(embedder_names[0]); i++) {
		if (strstr(base, embedder_names[i]))
			return RANK_NAMED;
	}
	return RANK_OTHER;
}

static void candidates_add(struct candidates *all, const struct proc_map *m)
{
	struct candidate *c = &all->v[all->count];

	c->map = m;
	c->rank = strcmp(m->path, all->exe) ? rank_of(m->path) : RANK_EXE;
	c->order = all->count++;
}

/* The path counts as well: btrfs subvolumes and overlays repeat inode numbers on one device. */
static bool candidates_have(const struct candidates *all, const struct proc_map *m)
{
	for (unsigned i = all->count; i-- > 0;) { /* mappings of a file are neighbours */
		const struct proc_map *have = all->v[i].map;

		if (have->inode == m->inode && have->dev == m->dev && !strcmp(have->path, m->path))
			return true;
	}
	return false;
}

static int by_rank(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int candidates_read(pid_t pid, struct candidates *all)
{
	bool has_exe = false;
	int err = proc_maps_read(pid, PROC_MAPS_EXECUTABLE, &all->maps);

	if (err)
		return err;
	all->v = calloc(MAX_CANDIDATES + 1, sizeof(*all->v));
	if (!all->v)
		return -ENOMEM;
	proc_exe_path(pid, all->exe, sizeof(all->exe));
	for (unsigned i = 0; i < all->maps.count && all->count < MAX_CANDIDATES; i++) {
		const struct proc_map *m = &all->maps.maps[i];

		if (*m->path != '/' || candidates_have(all, m))
			continue;
		candidates_add(all, m);
		has_exe |= !strcmp(m->path, all->exe);
	}
	if (*all->exe && !has_exe) {
		all->exe_map.path = all->exe;
		candidates_add(all, &all->exe_map);
	}
	qsort(all->v, all->count, sizeof(*all->v), by_rank);
	return 0;
}

static void candidates_release(struct candidates *all)
{
	proc_maps_release(&all->maps);
	free(all->v);
}

/* ---- one file ---- */

static int metadata_add(struct evidence *ev, const char *name)
{
	if (ev->count >= MAX_METADATA)
		return 0;
	if (ev->count == ev->cap) {
		unsigned cap = ev->cap ? 2 * ev->cap : 2048;
		const char **v = realloc(ev->metadata, cap * sizeof(*v));

		if (!v)
			return -ENOMEM;
		ev->metadata = v;
		ev->cap = cap;
	}
	ev->metadata[ev->count++] = name;
	return 0;
}

static int on_symbol(void *arg, const struct elf_symbol *sym)
{
	struct evidence *ev = arg;
	const char *name = sym->name;
	bool function = sym->type == STT_FUNC && sym->value;

	if (!strncmp(name, "v8dbg_", 6)) {
		if (!strcmp(name, "v8dbg_TaggedSize"))
			ev->tagged_size_addr = sym->value;
		else if (!strcmp(name, "v8dbg_SmiShiftSize"))
			ev->smi_shift_addr = sym->value;
		ev->err = metadata_add(ev, name);
		return ev->err;
	}
	if (strncmp(name, "_ZN2v8", 6))
		return 0;
	if (!strcmp(name, "_ZN2v88internal7Version6major_E"))
		ev->major_addr = sym->value;
	else if (!strcmp(name, "_ZN2v88internal7Version6minor_E"))
		ev->minor_addr = sym->value;
	else if (!strcmp(name, "_ZN2v88internal7Version6build_E"))
		ev->build_addr = sym->value;
	else if (!strcmp(name, "_ZN2v82V810GetVersionEv"))
		ev->get_version |= function;
	else if (!strcmp(name, "_ZN2v88internal4Heap8ScavengeEv"))
		ev->scavenge |= function;
	else if (!strcmp(name, "_ZN2v88internal4Heap11MarkCompactEv"))
		ev->mark_compact |= function;
	return 0;
}

static int on_usdt(void *arg, const struct elf_usdt *usdt)
{
	struct v8_info *out = arg;

	out->usdt_probes += !strcmp(usdt->provider, "node") || !strcmp(usdt->provider, "v8");
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names are in .symtab and in .dynsym: count each once. */
static unsigned metadata_count(struct evidence *ev)
{
	unsigned distinct = 0;

	if (ev->count)
		qsort(ev->metadata, ev->count, sizeof(*ev->metadata), by_name);
	for (unsigned i = 0; i < ev->count; i++)
		distinct += !i || strcmp(ev->metadata[i - 1], ev->metadata[i]);
	return distinct;
}

/* Returns -1 if there is no such data. */
static int32_t int_at(struct elf_file *f, uint64_t addr)
{
	int32_t v;

	return addr && !elf_file_read(f, addr, &v, sizeof(v)) ? v : -1;
}

static void version_read(struct elf_file *f, const struct evidence *ev, struct v8_info *out)
{
	int32_t major = int_at(f, ev->major_addr);
	int32_t minor = int_at(f, ev->minor_addr);
	int32_t build = int_at(f, ev->build_addr);

	if (major <= 0 || minor < 0 || build < 0)
		return;
	if (major > MAX_VERSION || minor > MAX_VERSION || build > MAX_VERSION)
		return;
	out->major = major;
	out->minor = minor;
	out->build = build;
}

static int tagged_size_read(struct elf_file *f, const struct evidence *ev)
{
	int32_t size = int_at(f, ev->tagged_size_addr);

	if (ev->tagged_size_addr)
		return size == 4 || size == 8 ? size : 0;
	/* 32-bit Smis mean full words; 31-bit ones are a build option of their own */
	return int_at(f, ev->smi_shift_addr) == 31 ? 8 : 0;
}

/* Returns 1 if @f holds V8 (and fills @out, but for the path), 0 if not, or -ENOMEM. */
static int file_look(struct elf_file *f, struct v8_info *out)
{
	struct evidence ev = {0};
	int found;

	elf_file_for_each_symbol(f, on_symbol, &ev); /* a damaged table proves nothing */
	found = ev.count || ev.major_addr || ev.get_version;
	if (ev.err) {
		found = ev.err;
	} else if (found) {
		out->present = true;
		out->v8dbg_symbols = metadata_count(&ev);
		out->tagged_size = tagged_size_read(f, &ev);
		out->gc_symbols = ev.scavenge && ev.mark_compact;
		version_read(f, &ev, out);
		elf_file_for_each_usdt(f, on_usdt, out);
	}
	free(ev.metadata);
	return found;
}

int v8_info_read_file(struct elf_file *f, struct v8_info *out)
{
	int found;

	memset(out, 0, sizeof(*out));
	found = file_look(f, out);
	return found < 0 ? found : 0;
}

/* ---- the process ---- */

int v8_info_read(pid_t pid, struct v8_info *out)
{
	struct candidates *all;
	char name[32];
	int denied = 0;
	int ret;

	memset(out, 0, sizeof(*out));
	if (pid <= 0)
		return -ESRCH;
	all = calloc(1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	ret = candidates_read(pid, all);
	for (unsigned i = 0; !ret && i < all->count && i < MAX_OPENED; i++) {
		const struct candidate *c = &all->v[i];
		struct elf_file *f = proc_map_open(pid, c->map);

		if (!f) {
			if ((errno == EACCES || errno == EPERM) && c->rank != RANK_OTHER)
				denied = -EACCES;
			continue;
		}
		ret = file_look(f, out);
		elf_file_free(f);
		if (ret > 0)
			snprintf(out->path, sizeof(out->path), "%s", c->map->path);
	}
	candidates_release(all);
	free(all);
	if (ret)
		return ret < 0 ? ret : 0;
	snprintf(name, sizeof(name), "/proc/%d", pid);
	if (access(name, F_OK))
		return -ESRCH; /* it ended: what was not found means nothing */
	return denied;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Files by what tells them apart, and by when they were last written: a program that was
 * stopped, overwritten and started again has other functions at the same places. Probes that were
 * set where the old ones were would crash it.
 */
#include "collect/runtime_files.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/hmap.h"
#include "v8/v8_info.h"

#define FILES_MAX 1024 /* then all are forgotten, and looked at anew as they come */

struct known_file {
	struct hmap_node node; /* by inode and device, hashed */
	struct stat written;   /* of it, when it was looked at */
	char *path;	       /* overlays repeat inode numbers on one device */
	struct runtime_file file;
};

struct runtime_files {
	struct hmap by_key;
};

/* Runtimes that collect garbage, by what their files are called. */
static const struct {
	const char *name, *runtime;
	bool is_whole; /* the name, and not just its beginning */
} runtimes[] = {
	{"libjvm.so", "HotSpot", false},
	{"libj9vm", "OpenJ9", false},
	{"libcoreclr.so", ".NET", false},
	{"libclrgc.so", ".NET", false},
	{"libmonosgen", "Mono", false},
	{"libruby", "Ruby", false},
	{"libmozjs", "SpiderMonkey", false},
	{"libjavascriptcore", "JSC", false},
	{"libluajit", "LuaJIT", false},
	{"bun", "JSC", true},
	{"ruby", "Ruby", true},
	{"beam.smp", "BEAM", true},
};

static const char *runtime_by_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(runtimes) / sizeof(runtimes[0]); i++) {
		size_t len = strlen(runtimes[i].name);

		if (!strncmp(base, runtimes[i].name, len) && (!runtimes[i].is_whole || !base[len]))
			return runtimes[i].runtime;
	}
	return NULL;
}

static void look(struct elf_file *f, const char *path, struct runtime_file *out)
{
	struct elf_section section;
	struct v8_info v8;

	out->usdt = gc_usdt_find(f);
	out->runtime = runtime_by_name(path);
	if (out->usdt && out->usdt->owns_heap && !out->runtime)
		out->runtime = out->usdt->provider;
	if (!elf_file_section(f, ".go.buildinfo", &section) ||
	    !elf_file_section(f, ".gopclntab", &section) ||
	    !elf_file_section(f, ".data.rel.ro.gopclntab", &section)) /* position-independent */
		out->runtime = "Go";
	if (v8_info_read_file(f, &v8) || !v8.present)
		return;
	out->has_v8 = true;
	out->runtime = "V8";
	if (v8.major)
		out->v8_version = V8_VERSION(v8.major, v8.minor, v8.build);
	v8_hooks_find(f, out->v8_version, &out->hooks);
}

struct runtime_files *runtime_files_new(void)
{
	struct runtime_files *files = calloc(1, sizeof(*files));
	int err = files ? hmap_init(&files->by_key) : -ENOMEM;

	if (!err)
		return files;
	free(files);
	errno = -err;
	return NULL;
}

static void forget(struct runtime_files *files, struct known_file *known)
{
	hmap_remove(&files->by_key, &known->node);
	free(known->path);
	free(known);
}

static void forget_all(struct runtime_files *files)
{
	struct hmap_node *node;

	while ((node = hmap_next(&files->by_key, NULL)))
		forget(files, hmap_entry(node, struct known_file, node));
}

void runtime_files_free(struct runtime_files *files)
{
	if (!files)
		return;
	forget_all(files);
	hmap_release(&files->by_key);
	free(files);
}

/* What it confuses is compared as a whole. */
static uint64_t key_of(const struct stat *st)
{
	uint64_t hash = fnv1a_add(FNV1A_BEGIN, &st->st_dev, sizeof(st->st_dev));

	return fnv1a_add(hash, &st->st_ino, sizeof(st->st_ino));
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_known(const struct known_file *known, const struct stat *st, const char *path)
{
	const struct stat *was = &known->written;

	return was->st_dev == st->st_dev && was->st_ino == st->st_ino &&
	       was->st_size == st->st_size && is_same_time(&was->st_mtim, &st->st_mtim) &&
	       is_same_time(&was->st_ctim, &st->st_ctim) && !strcmp(known->path, path);
}

/* Takes the place of what was known under its key. */
static struct known_file *add(struct runtime_files *files, struct elf_file *f, const char *path)
{
	struct known_file *known = calloc(1, sizeof(*known));
	struct hmap_node *before;

	if (known)
		known->path = strdup(path);
	if (!known || !known->path || fstat(elf_file_fd(f), &known->written)) {
		if (known)
			free(known->path);
		free(known);
		return NULL;
	}
	look(f, path, &known->file);
	before = hmap_find(&files->by_key, key_of(&known->written));
	if (before)
		forget(files, hmap_entry(before, struct known_file, node));
	if (files->by_key.count >= FILES_MAX)
		forget_all(files);
	hmap_add(&files->by_key, &known->node, key_of(&known->written));
	return known;
}

int runtime_files_look(struct runtime_files *files, pid_t pid, const struct proc_map *map,
		       struct runtime_file *out)
{
	struct known_file *known = NULL;
	struct elf_file *f;
	char path[PATH_MAX];
	struct stat st;

	if (!proc_map_path(pid, map, path, sizeof(path)) && !stat(path, &st)) {
		struct hmap_node *node = hmap_find(&files->by_key, key_of(&st));

		known = node ? hmap_entry(node, struct known_file, node) : NULL;
		if (known && is_known(known, &st, map->path)) {
			*out = known->file;
			return 0;
		}
	}
	f = proc_map_open(pid, map);
	if (!f)
		return -errno;
	known = add(files, f, map->path);
	elf_file_free(f);
	if (!known)
		return -ENOMEM;
	*out = known->file;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Files by device and inode. A file that is replaced has another inode; one that is
 * overwritten while it runs cannot be (ETXTBSY).
 */
#include "collect/runtime_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hmap.h"
#include "v8/v8_info.h"

#define FILES_MAX 4096

struct known_file {
	struct hmap_node node; /* by key_of() */
	struct runtime_file file;
};

struct runtime_files {
	struct hmap by_key;
};

/* Runtimes that collect garbage, by what their files are called. */
static const struct {
	const char *name, *runtime;
} runtimes[] = {
	{"libjvm.so", "HotSpot"},     {"libj9vm", "OpenJ9"},	    {"libcoreclr.so", ".NET"},
	{"libclrgc.so", ".NET"},      {"libmonosgen", "Mono"},	    {"libruby", "Ruby"},
	{"libmozjs", "SpiderMonkey"}, {"libjavascriptcore", "JSC"}, {"bun", "JSC"},
	{"libluajit", "LuaJIT"},      {"beam.smp", "BEAM"},
};

static const char *runtime_by_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(runtimes) / sizeof(runtimes[0]); i++) {
		if (!strncmp(base, runtimes[i].name, strlen(runtimes[i].name)))
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
	if (!elf_file_section(f, ".gopclntab", &section))
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

void runtime_files_free(struct runtime_files *files)
{
	struct hmap_node *node;

	if (!files)
		return;
	while ((node = hmap_next(&files->by_key, NULL))) {
		struct known_file *known = hmap_entry(node, struct known_file, node);

		hmap_remove(&files->by_key, node);
		free(known);
	}
	hmap_release(&files->by_key);
	free(files);
}

/* FNV-1a over what tells files apart; overlays repeat inode numbers on one device. */
static uint64_t key_of(const struct proc_map *map)
{
	uint64_t hash = 0xcbf29ce484222325;

	hash = (hash ^ map->dev) * 0x100000001b3;
	hash = (hash ^ map->inode) * 0x100000001b3;
	for (const char *c = map->path; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
	return hash;
}

const struct runtime_file *runtime_files_look(struct runtime_files *files, pid_t pid,
					      const struct proc_map *map)
{
	struct hmap_node *node = hmap_find(&files->by_key, key_of(map));
	struct known_file *known;
	struct elf_file *f;

	if (node)
		return &hmap_entry(node, struct known_file, node)->file;
	if (files->by_key.count >= FILES_MAX) {
		errno = ENOSPC;
		return NULL;
	}
	f = proc_map_open(pid, map);
	if (!f)
		return NULL;
	known = calloc(1, sizeof(*known));
	if (known)
		look(f, map->path, &known->file);
	elf_file_free(f);
	if (!known)
		return NULL;
	hmap_add(&files->by_key, &known->node, key_of(map));
	return &known->file;
}

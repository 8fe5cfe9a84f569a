/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Processes of a symbolizer: their mappings, and which file is behind each.
 *
 *   symbolizer ── symbol_files ── symbol_file: elf_symbols, dwarf_lines, cfi  (once a file)
 *       │                            ▲
 *   symbol_process ── maps ── symbol_module                                   (once a mapping)
 *
 * symbol_resolve.c names addresses, symbol_unwind.c unwinds stacks and judges text.
 *
 * A module is looked up when the first address in it is asked for, and moves along when the
 * mappings are read anew, so that nothing is loaded twice for a dlopen().
 *
 * Text that was remapped to anonymous huge pages (node --use-largepages, hugify) lies between
 * what is left of its file: it belongs to that file if the file's segment says so.
 *
 * LIMITATIONS: see the parts.
 */
#include "sym/symbolizer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sym/frame_origin.h"
#include "sym/symbol_process.h"

#define REFRESH_NS 200000000ULL /* at most so often for unknown addresses */

struct symbolizer *symbolizer_new(struct intern *names)
{
	struct symbolizer *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->names = names;
	s->files = symbol_files_new();
	if (!s->files) {
		free(s);
		errno = ENOMEM;
		return NULL;
	}
	return s;
}

void symbolizer_free(struct symbolizer *s)
{
	if (!s)
		return;
	symbol_files_free(s->files);
	free(s);
}

uint64_t symbolizer_files(const struct symbolizer *s)
{
	return symbol_files_known(s->files);
}

struct symbol_file *symbolizer_find(struct symbolizer *s, const char *path, const char *build_id)
{
	return symbol_file_find(s->files, path, build_id);
}

void symbolizer_put(struct symbolizer *s, struct symbol_file *f)
{
	symbol_file_put(s->files, f);
}

/* ---- mappings ---- */

static bool maps_equal(const struct proc_map *a, const struct proc_map *b)
{
	return a->start == b->start && a->end == b->end && a->offset == b->offset &&
	       a->dev == b->dev && a->inode == b->inode && !strcmp(a->path, b->path);
}

static bool all_maps_equal(const struct proc_maps *a, const struct proc_maps *b)
{
	if (a->count != b->count)
		return false;
	for (unsigned i = 0; i < a->count; i++) {
		if (!maps_equal(&a->maps[i], &b->maps[i]))
			return false;
	}
	return true;
}

/* The files of mappings that are still there move from the old to the new modules. */
static void modules_move(struct symbol_process *p, const struct proc_maps *maps,
			 struct symbol_module *modules)
{
	for (unsigned i = 0; i < maps->count; i++) {
		const struct proc_map *old = proc_maps_find(&p->maps, maps->maps[i].start);
		struct symbol_module *from;

		if (!old || !p->modules || !maps_equal(old, &maps->maps[i]))
			continue;
		from = &p->modules[old - p->maps.maps];
		if (from->map != old) /* of a neighbour, which may be gone */
			continue;
		modules[i] = *from;
		modules[i].map = &maps->maps[i];
		from->file = NULL;
	}
}

static void modules_free(struct symbol_process *p)
{
	for (unsigned i = 0; p->modules && i < p->maps.count; i++)
		symbol_file_put(p->s->files, p->modules[i].file);
	free(p->modules);
	p->modules = NULL;
}

int symbol_process_refresh(struct symbol_process *p)
{
	struct proc_maps maps = {0};
	struct symbol_module *modules;
	int err = proc_maps_read(p->pid, PROC_MAPS_EXECUTABLE, &maps);

	p->refreshed_ns = clock_boot_ns();
	if (err)
		return err;
	perf_map_refresh(p->perf_map); /* mostly there is none */
	p->perf_map_ns = p->refreshed_ns;
	if (p->modules && all_maps_equal(&maps, &p->maps)) {
		proc_maps_release(&maps);
		return 0;
	}
	modules = calloc(maps.count + 1, sizeof(*modules));
	if (!modules) {
		proc_maps_release(&maps);
		return -ENOMEM;
	}
	modules_move(p, &maps, modules);
	modules_free(p);
	proc_maps_release(&p->maps);
	p->maps = maps;
	p->modules = modules;
	proc_exe_path(p->pid, p->exe, sizeof(p->exe));
	symbol_process_forget(p);
	return 0;
}

/* ---- modules ---- */

/* The mapping of a file that @at continues in memory, forwards or backwards; or NULL. */
static const struct proc_map *neighbour(const struct proc_maps *maps, const struct proc_map *at)
{
	unsigned i = (unsigned)(at - maps->maps);

	if (i && at[-1].end == at->start && proc_map_is_file(&at[-1]))
		return &at[-1];
	if (i + 1 < maps->count && at[1].start == at->end && proc_map_is_file(&at[1]))
		return &at[1];
	return NULL;
}

/* False if the file's segment does not reach into @map. */
static bool is_text_of(struct symbol_process *p, struct symbol_file *f, const struct proc_map *of,
		       const struct proc_map *map, uint64_t offset)
{
	uint64_t vaddr, of_vaddr;

	if (symbol_file_open(p->s->files, f, p->pid, of))
		return false;
	if (elf_file_address(symbol_file_elf(f), offset, true, &vaddr) ||
	    elf_file_address(symbol_file_elf(f), of->offset, true, &of_vaddr))
		return false;
	return vaddr - of_vaddr == map->start - of->start;
}

static void module_ask(struct symbol_process *p, struct symbol_module *module,
		       const struct proc_map *map)
{
	const struct proc_map *file_map = map;

	module->was_asked = true;
	if (!proc_map_is_file(map) && (!*map->path || *map->path == '/'))
		file_map = neighbour(&p->maps, map);
	if (!file_map)
		return;
	module->file = symbol_file_get(p->s->files, p->pid, file_map);
	if (!module->file)
		return;
	module->map = file_map;
	module->offset = file_map->offset + (map->start - file_map->start);
	if (file_map != map && !is_text_of(p, module->file, file_map, map, module->offset)) {
		symbol_file_put(p->s->files, module->file);
		*module = (struct symbol_module){.was_asked = true};
		return;
	}
	module->path = intern_str(p->s->names, file_map->path);
	module->is_exe = !strcmp(file_map->path, p->exe);
	module->origin = frame_origin_of_module(file_map->path, module->is_exe);
}

struct symbol_module *symbol_process_module(struct symbol_process *p, uint64_t addr,
					    const struct proc_map **map)
{
	struct symbol_module *module;

	*map = proc_maps_find(&p->maps, addr);
	if (!*map && clock_boot_ns() - p->refreshed_ns >= REFRESH_NS) {
		symbol_process_refresh(p);
		*map = proc_maps_find(&p->maps, addr);
	}
	if (!*map)
		return NULL;
	module = &p->modules[*map - p->maps.maps];
	if (!module->was_asked)
		module_ask(p, module, *map);
	return module;
}

struct symbol_file *symbol_module_open(struct symbol_process *p, struct symbol_module *module,
				       const struct proc_map *map, uint64_t addr, uint64_t *bias)
{
	struct symbol_file *f = module->file;

	if (!f || symbol_file_open(p->s->files, f, p->pid, module->map))
		return NULL;
	return elf_file_bias(symbol_file_elf(f), addr, module->offset + (addr - map->start), true,
			     bias)
		       ? NULL
		       : f;
}

/* ---- processes ---- */

struct symbol_process *symbol_process_new(struct symbolizer *s, pid_t pid)
{
	struct symbol_process *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return NULL;
	p->s = s;
	p->pid = pid;
	p->perf_map = perf_map_new(pid);
	err = p->perf_map ? hmap_init(&p->resolved) : -ENOMEM;
	if (!err)
		err = symbol_process_refresh(p);
	if (!err)
		return p;
	symbol_process_free(p);
	errno = -err;
	return NULL;
}

void symbol_process_free(struct symbol_process *p)
{
	if (!p)
		return;
	symbol_process_forget(p);
	hmap_release(&p->resolved);
	perf_map_free(p->perf_map);
	modules_free(p);
	proc_maps_release(&p->maps);
	free(p);
}

const struct proc_maps *symbol_process_maps(const struct symbol_process *p)
{
	return &p->maps;
}

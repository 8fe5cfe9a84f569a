/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names for addresses of a process.
 *
 * What was resolved is kept by address, up to MAX_RESOLVED, and forgotten when the mappings
 * change: an address that is asked for again costs a look-up in a hash map.
 *
 * LIMITATIONS
 *   - The cache is dropped as a whole when it is full.
 *   - The entries of a PLT have no names.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sym/demangle.h"
#include "sym/frame_origin.h"
#include "sym/perf_name.h"
#include "sym/symbol_process.h"

#define MAX_RESOLVED 16384
#define PERF_MAP_NS  1000000000ULL /* at most so often for code that it does not have yet */
#define MAX_INLINED  32		   /* frames of one address */

struct resolved {
	struct hmap_node node; /* by address */
	unsigned count;
	struct frame frames[];
};

void symbol_process_forget(struct symbol_process *p)
{
	struct hmap_node *node, *next;

	for (node = hmap_next(&p->resolved, NULL); node; node = next) {
		next = hmap_next(&p->resolved, node);
		hmap_remove(&p->resolved, node);
		free(hmap_entry(node, struct resolved, node));
	}
}

/* Harmless if it fails. */
static void resolved_keep(struct symbol_process *p, uint64_t addr, const struct frame *frames,
			  unsigned count)
{
	struct resolved *r;

	if (p->resolved.count >= MAX_RESOLVED)
		symbol_process_forget(p);
	r = malloc(sizeof(*r) + count * sizeof(*frames));
	if (!r)
		return;
	r->count = count;
	memcpy(r->frames, frames, count * sizeof(*frames));
	hmap_add(&p->resolved, &r->node, addr);
}

/* Without the innermost, if there is not space for all: the others are nearer to the user's own. */
static unsigned frames_give(const struct frame *frames, unsigned count, uint64_t ip,
			    struct frame *out, unsigned max)
{
	unsigned given = count < max ? count : max;

	memcpy(out, frames + (count - given), given * sizeof(*out));
	for (unsigned i = 0; i < given; i++)
		out[i].ip = ip;
	return given;
}

/* True if there is a symbol for it; @name: ELF_NAME_BYTES. */
static bool symbol_at(struct symbol_file *f, pid_t pid, uint64_t vaddr, char *name)
{
	const struct elf_symbols *symbols = symbol_file_symbols(f, pid);
	uint64_t start;

	return symbols && !elf_symbols_find(symbols, vaddr, name, &start);
}

static void frame_name(struct intern *names, struct frame *out, const char *name)
{
	char readable[DEMANGLED_BYTES];

	if (!name)
		return;
	demangle(name, readable);
	out->fn = intern_str(names, readable);
	out->kind = FRAME_NATIVE;
}

/* A Go program that was stripped. */
static void name_go(struct intern *names, struct symbol_file *f, uint64_t vaddr, struct frame *out)
{
	const struct go_table *go = symbol_file_go(f);
	struct go_function function;

	if (!go || go_table_find(go, vaddr, &function))
		return;
	frame_name(names, out, function.fn);
	if (*function.file)
		out->file = intern_str(names, function.file);
	out->line = function.line;
}

/*
 * The physical function, which is the last, is named by its symbol where there is one: it
 * is what other tools call it. @out[0] is filled as far as all frames have it in common.
 */
static unsigned name_frames(struct intern *names, pid_t pid, struct symbol_file *f,
			    struct frame *out, unsigned max)
{
	const struct frame common = *out;
	uint64_t vaddr = common.module_address;
	struct dwarf_lines *lines = symbol_file_lines(f, pid);
	struct dwarf_function functions[MAX_INLINED];
	unsigned count = lines ? dwarf_lines_find(lines, vaddr, functions, max) : 0;
	char name[ELF_NAME_BYTES];

	for (unsigned i = 0; i < count; i++) {
		out[i] = common;
		frame_name(names, &out[i], functions[i].fn);
		out[i].file = intern_str(names, functions[i].file);
		out[i].line = functions[i].line;
		out[i].fn_line = functions[i].fn_line;
		out[i].is_inlined = i + 1 < count;
	}
	if (symbol_at(f, pid, vaddr, name))
		frame_name(names, &out[count ? count - 1 : 0], name);
	else if (!count)
		name_go(names, f, vaddr, out);
	count = count ? count : 1;
	for (unsigned i = 0; i < count; i++)
		out[i].origin = frame_origin_of_native(common.origin, out[i].fn, out[i].file);
	return count;
}

unsigned symbolizer_name(struct symbolizer *s, struct symbol_file *f, const struct frame *of,
			 struct frame *out, unsigned max)
{
	*out = *of;
	return name_frames(s->names, 0, f, out, max < MAX_INLINED ? max : MAX_INLINED);
}

/* Code without a file: a JIT's, if there is a perf map. What that says may change any time. */
static void name_jit(struct symbol_process *p, uint64_t addr, struct frame *out)
{
	char name[PERF_NAME_BYTES];

	if (perf_map_find(p->perf_map, addr, name)) {
		if (clock_boot_ns() - p->perf_map_ns < PERF_MAP_NS)
			return;
		p->perf_map_ns = clock_boot_ns();
		if (perf_map_refresh(p->perf_map) || perf_map_find(p->perf_map, addr, name))
			return;
	}
	perf_name_frame(name, p->s->names, out);
}

static unsigned resolve(struct symbol_process *p, uint64_t addr, struct frame *out, bool *is_final)
{
	const struct proc_map *map;
	struct symbol_module *module = symbol_process_module(p, addr, &map);
	const char *build_id;
	struct symbol_file *f;
	uint64_t bias;

	*out = (struct frame){.kind = FRAME_UNKNOWN, .origin = FRAME_DEPENDENCY};
	*is_final = false;
	if (module && !module->file)
		name_jit(p, addr, out);
	if (!module || !module->file)
		return 1;
	out->module = module->path;
	out->origin = module->origin;
	f = symbol_module_open(p, module, map, addr, &bias);
	if (!f)
		return 1;
	*is_final = true;
	build_id = elf_file_build_id(symbol_file_elf(f));
	out->build_id = *build_id ? intern_str(p->s->names, build_id) : NULL;
	out->module_address = addr - bias;
	return name_frames(p->s->names, p->pid, f, out, MAX_INLINED);
}

unsigned symbol_process_resolve(struct symbol_process *p, uint64_t ip, bool is_return,
				struct frame *out, unsigned max)
{
	uint64_t addr = is_return && ip ? ip - 1 : ip;
	struct hmap_node *node = hmap_find(&p->resolved, addr);
	struct frame frames[MAX_INLINED];
	bool is_final;
	unsigned count;

	if (node) {
		const struct resolved *r = hmap_entry(node, struct resolved, node);

		return frames_give(r->frames, r->count, ip, out, max);
	}
	count = resolve(p, addr, frames, &is_final);
	/* A signal's frame returns to the first byte of a trampoline: nobody called it. */
	if (is_return && !frames[0].fn && addr != ip)
		count = resolve(p, ip, frames, &is_final);
	if (is_final)
		resolved_keep(p, addr, frames, count);
	return frames_give(frames, count, ip, out, max);
}

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

#include "sym/demangle.h"
#include "sym/frame_origin.h"
#include "sym/symbol_process.h"

#define MAX_RESOLVED 16384
#define MAX_INLINED  16 /* frames of one address */

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

/* The innermost ones, if there is not space for all: the last is the physical function then. */
static unsigned frames_give(const struct frame *frames, unsigned count, uint64_t ip,
			    struct frame *out, unsigned max)
{
	unsigned given = count < max ? count : max;

	memcpy(out, frames, given * sizeof(*out));
	if (given < count)
		out[given - 1] = frames[count - 1];
	for (unsigned i = 0; i < given; i++)
		out[i].ip = ip;
	return given;
}

static unsigned name_by_symbols(struct symbol_process *p, struct symbol_file *f, uint64_t vaddr,
				struct frame *out)
{
	char name[ELF_NAME_BYTES], readable[DEMANGLED_BYTES];
	const struct elf_symbols *symbols = symbol_file_symbols(f, p->pid);
	uint64_t start;

	if (!symbols || elf_symbols_find(symbols, vaddr, name, &start))
		return 1;
	demangle(name, readable);
	out->fn = intern_str(p->s->names, readable);
	out->kind = FRAME_NATIVE;
	return 1;
}

static unsigned resolve(struct symbol_process *p, uint64_t addr, struct frame *out, bool *is_final)
{
	const struct proc_map *map;
	struct symbol_module *module = symbol_process_module(p, addr, &map);
	struct symbol_file *f;
	unsigned count = 1;
	uint64_t bias;

	*out = (struct frame){.kind = FRAME_UNKNOWN, .origin = FRAME_DEPENDENCY};
	*is_final = false;
	if (!module || !module->file)
		return 1;
	out->module = module->path;
	out->origin = module->origin;
	f = symbol_module_open(p, module, map, &bias);
	if (!f)
		return 1;
	*is_final = true;
	count = name_by_symbols(p, f, addr - bias, out);
	for (unsigned i = 0; i < count; i++)
		out[i].origin = frame_origin_of_native(module->origin, out[i].fn, out[i].file);
	return count;
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
	if (is_final)
		resolved_keep(p, addr, frames, count);
	return frames_give(frames, count, ip, out, max);
}

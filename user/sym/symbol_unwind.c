/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Unwinding a copied stack, and telling which text keeps frame pointers.
 *
 * Each step is by the call frame information of the file that the address is in; where there is
 * none (JIT code, Go) by the frame pointer, if that makes sense. A walk ends well at a function
 * that says it has no caller (_start, clone3), or where the frame pointer is 0.
 *
 * Nothing but the copy is read: what lies above it is out of reach, and the stack is cut.
 *
 * LIMITATIONS
 *   - A step by the frame pointer is a guess for code that does not keep it: its result must lie in
 *     executable memory, but may still leave out a caller.
 *   - arm64's kernel does not describe what a signal's handler returns to: the function that the
 *     signal interrupted is left out.
 */
#include <errno.h>
#include <string.h>

#include "base/address.h"
#include "sym/cfi_internal.h"
#include "sym/symbol_process.h"

struct walk {
	struct symbol_process *p;
	const struct mw_stack_copy *copy;
	struct cfi_regs regs;
	bool is_exact; /* pc is where it was, and not a return address */
};

static int stack_read(void *arg, uint64_t addr, uint64_t *out)
{
	const struct mw_stack_copy *copy = arg;
	uint64_t begin = copy->regs[CFI_SP];
	uint64_t size = copy->size < MW_STACK_COPY_BYTES ? copy->size : MW_STACK_COPY_BYTES;

	if (addr < begin || size < sizeof(*out) || addr - begin > size - sizeof(*out))
		return -EFAULT;
	memcpy(out, copy->stack + (addr - begin), sizeof(*out));
	return 0;
}

static int step_by_frame_pointer(struct walk *w)
{
	uint64_t fp = w->regs.v[CFI_FP], caller_fp, pc;
	int err;

	if (!(w->regs.known & 1ULL << CFI_FP))
		return -EFAULT;
	if (!fp)
		return CFI_OUTERMOST;
	if (fp < w->regs.v[CFI_SP] || fp % 8)
		return -EFAULT;
	err = stack_read((void *)w->copy, fp, &caller_fp);
	if (!err)
		err = stack_read((void *)w->copy, fp + 8, &pc);
	if (err)
		return err;
	w->regs = (struct cfi_regs){.known = 1ULL << CFI_FP | 1ULL << CFI_SP | 1ULL << CFI_PC};
	w->regs.v[CFI_FP] = caller_fp;
	w->regs.v[CFI_SP] = fp + 16;
	w->regs.v[CFI_PC] = pc;
	return pc ? CFI_STEP : CFI_OUTERMOST;
}

/* The caller of the frame that @w is at. */
static int step(struct walk *w)
{
	uint64_t pc = w->regs.v[CFI_PC] - !w->is_exact;
	const struct proc_map *map;
	struct symbol_module *module = symbol_process_module(w->p, pc, &map);
	struct symbol_file *f;
	struct cfi *cfi;
	bool was_interrupted = false;
	uint64_t bias;
	int ret = -ENOENT;

	if (!module)
		return -EFAULT;
	f = symbol_module_open(w->p, module, map, pc, &bias);
	cfi = f ? symbol_file_cfi(f, w->p->pid) : NULL;
	if (cfi)
		ret = cfi_step(cfi, pc - bias, bias, &w->regs, stack_read, (void *)w->copy,
			       &was_interrupted);
	if (ret == -ENOENT)
		ret = step_by_frame_pointer(w);
	w->regs.v[CFI_PC] = address_of_code(w->regs.v[CFI_PC]);
	w->is_exact = was_interrupted;
	return ret;
}

unsigned symbol_process_unwind(struct symbol_process *p, const struct mw_stack_copy *copy,
			       uint64_t *ips, unsigned max, bool *is_cut)
{
	struct walk w = {.p = p, .copy = copy, .is_exact = true};
	const struct proc_map *map;
	unsigned count = 0;

	memcpy(w.regs.v, copy->regs, sizeof(w.regs.v));
	w.regs.known = (1ULL << (CFI_PC + 1)) - 1;
	*is_cut = false;
	ips[count++] = w.regs.v[CFI_PC];
	for (;;) {
		uint64_t sp = w.regs.v[CFI_SP];
		int ret = step(&w);

		if (ret == CFI_OUTERMOST)
			return count;
		/* A stack that does not shrink would be walked for ever; a leaf on arm64 has none.
		 */
		if (ret < 0 || w.regs.v[CFI_SP] < sp || (w.regs.v[CFI_SP] == sp && count > 1) ||
		    count == max)
			break;
		if (!symbol_process_module(p, w.regs.v[CFI_PC] - 1, &map))
			break;
		ips[count++] = w.regs.v[CFI_PC];
	}
	*is_cut = true;
	return count;
}

/* ---- the link register ---- */

/* By names, where nothing describes frames (Go): what a function has called returned to it. */
static bool is_same_function(struct symbol_process *p, uint64_t ip, uint64_t link)
{
	struct frame a, b;

	symbol_process_resolve(p, ip, false, &a, 1);
	symbol_process_resolve(p, link, true, &b, 1);
	return a.fn == b.fn;
}

bool symbol_process_link_is_live(struct symbol_process *p, uint64_t ip, uint64_t link)
{
	const struct proc_map *map;
	struct symbol_module *module = symbol_process_module(p, ip, &map);
	struct symbol_file *f;
	struct cfi *cfi;
	uint64_t bias;
	int ret = -ENOENT;

	f = module ? symbol_module_open(p, module, map, ip, &bias) : NULL;
	cfi = f ? symbol_file_cfi(f, p->pid) : NULL;
	if (cfi)
		ret = cfi_return_is_saved(cfi, ip - bias);
	return ret < 0 ? !is_same_function(p, ip, link) : !ret;
}

/* ---- text ---- */

unsigned symbol_process_text(struct symbol_process *p, struct text_range *out, unsigned max)
{
	unsigned count = 0;

	for (int exe = 1; exe >= 0; exe--) {
		for (unsigned i = 0; i < p->maps.count && count < max; i++) {
			const struct proc_map *map;
			struct symbol_module *module =
				symbol_process_module(p, p->maps.maps[i].start, &map);
			bool is_open;

			if (!module || !module->file || module->is_exe != exe ||
			    !proc_map_is_file(module->map))
				continue;
			is_open = !symbol_file_open(p->s->files, module->file, p->pid, module->map);
			out[count++] = (struct text_range){
				.start = map->start,
				.end = map->end,
				.has_frame_pointers =
					is_open && symbol_file_keeps_frame_pointers(module->file),
				.is_executable = exe,
			};
		}
	}
	return count;
}

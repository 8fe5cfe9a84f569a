/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* By symbols: functions of V8 7.8 to 14.6 that every collection goes through. */
#include "census/gc_code.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	struct mw_range *out;
	unsigned count;
	uint64_t bias;
};

static bool is_gc(const char *name)
{
	static const char prefix[] = "_ZN2v88internal";
	static const char *const functions[] = {
		"4Heap24PerformGarbageCollection",
		"4Heap14CollectGarbage",
		"4Heap11MarkCompactEv",
		"4Heap8ScavengeEv",
		"20MarkCompactCollector14CollectGarbage",
		"18ScavengerCollector14CollectGarbage",
		"25MinorMarkSweepCollector14CollectGarbage",
		"25MinorMarkCompactCollector14CollectGarbage",
	};

	if (strncmp(name, prefix, strlen(prefix)) != 0)
		return false;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		/* Also parts that the compiler split off: "...EPKc.cold" is of no use, but harmless
		 */
		if (!strncmp(name + strlen(prefix), functions[i], strlen(functions[i])))
			return true;
	}
	return false;
}

static int on_symbol(void *arg, const struct elf_symbol *sym)
{
	struct reading *r = arg;

	if (sym->type != STT_FUNC || !sym->size || !is_gc(sym->name))
		return 0;
	r->out[r->count].start = sym->value + r->bias;
	r->out[r->count].end = sym->value + r->bias + sym->size;
	return ++r->count == GC_CODE_MAX;
}

static int by_start(const void *a, const void *b)
{
	const struct mw_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

unsigned gc_code_read(struct elf_file *f, uint64_t bias, struct mw_range *out)
{
	struct reading r = {.out = out, .bias = bias};

	elf_file_for_each_symbol_in(f, ELF_SYMTAB, on_symbol, &r);
	if (!r.count)
		elf_file_for_each_symbol_in(f, ELF_DYNSYM, on_symbol, &r);
	qsort(out, r.count, sizeof(*out), by_start);
	return r.count;
}

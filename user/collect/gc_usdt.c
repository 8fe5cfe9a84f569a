// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Arguments, as their sources have them:
 *   node     gc__start and gc__done (type, flags, isolate): src/node_dtrace.cc, Node 0.12 to 18
 * built
 *            --with-dtrace. type is v8::GCType, whose values changed with V8 10
 *   hotspot  gc__begin (full), gc__end (); mem__pool__gc__end (..., used is the sixth):
 *            src/hotspot/share/services/memoryManager.cpp, OpenJDK 8 and newer
 *   python   gc__start (generation), gc__done (collected): Python/pydtrace.d, since 3.6. What it
 *            collects are cycles: the rest goes by reference counts
 *   ruby     gc__mark__begin, gc__mark__end (): probes.d, since 2.0; each marks all
 *   mono     gc__begin, gc__end (generation): data/mono.d; the nursery is 0
 */
#include "collect/gc_usdt.h"

#include <stddef.h>
#include <string.h>

#include "v8/v8_layout.h"

const struct gc_usdt_row gc_usdt_table[] = {
	{"node", "gc__start", "gc__done", NULL, MW_GC_RULE_V8, true, true},
	{"hotspot", "gc__begin", "gc__end", "mem__pool__gc__end", MW_GC_RULE_FULL_IF, false, true},
	{"python", "gc__start", "gc__done", NULL, MW_GC_RULE_OLDEST_2, false, false},
	{"ruby", "gc__mark__begin", "gc__mark__end", NULL, MW_GC_RULE_FULL, false, true},
	{"mono", "gc__begin", "gc__end", NULL, MW_GC_RULE_FULL_IF, false, true},
};
const unsigned gc_usdt_count = sizeof(gc_usdt_table) / sizeof(gc_usdt_table[0]);

#define ROWS_MAX 8
_Static_assert(sizeof(gc_usdt_table) / sizeof(gc_usdt_table[0]) <= ROWS_MAX, "room for all");

struct search {
	bool has_begin[ROWS_MAX], has_end[ROWS_MAX];
};

static int on_usdt(void *arg, const struct elf_usdt *usdt)
{
	struct search *s = arg;

	for (unsigned i = 0; i < gc_usdt_count; i++) {
		if (strcmp(usdt->provider, gc_usdt_table[i].provider) != 0)
			continue;
		s->has_begin[i] |= !strcmp(usdt->name, gc_usdt_table[i].begin);
		s->has_end[i] |= !strcmp(usdt->name, gc_usdt_table[i].end);
	}
	return 0;
}

const struct gc_usdt_row *gc_usdt_find(struct elf_file *f)
{
	struct search search = {0};

	elf_file_for_each_usdt(f, on_usdt, &search); /* damage: what was found counts */
	for (unsigned i = 0; i < gc_usdt_count; i++) {
		if (search.has_begin[i] && search.has_end[i])
			return &gc_usdt_table[i];
	}
	return NULL;
}

uint64_t gc_usdt_cookie(const struct gc_usdt_row *row, uint64_t v8_version, bool has_live)
{
	enum mw_gc_rule rule = row->rule;

	if (rule == MW_GC_RULE_V8 && v8_version && v8_version < V8_VERSION(10, 0, 0))
		rule = MW_GC_RULE_V8_OLD;
	return rule | (row->tells_isolate ? MW_GC_COOKIE_ISOLATE : 0) |
	       (has_live ? MW_GC_COOKIE_LIVE : 0);
}

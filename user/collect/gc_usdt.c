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

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "sym/usdt_arg.h"
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

/* --- places --- */

/* Which arguments the programs want, from 0; UNWANTED and all behind it: none. */
#define UNWANTED (-1)
static const int wanted_args[GC_USDT_PROBES][MW_GC_USDT_ARGS] = {
	[GC_USDT_END] = {UNWANTED},
	[GC_USDT_POOL] = {0, 2, 5},
	[GC_USDT_BEGIN] = {0, 2, UNWANTED},
};

struct places {
	struct elf_file *f;
	const struct gc_usdt_row *row;
	enum gc_usdt_probe probe; /* that is looked for now */
	unsigned count;		  /* of it */
	struct gc_usdt *out;
};

static const char *probe_name(const struct gc_usdt_row *row, enum gc_usdt_probe probe)
{
	return probe == GC_USDT_END ? row->end : probe == GC_USDT_POOL ? row->pool : row->begin;
}

static bool is_wanted(const struct gc_usdt_row *row, enum gc_usdt_probe probe, unsigned i)
{
	if (probe == GC_USDT_BEGIN)
		return i == 0 ? row->rule != MW_GC_RULE_FULL : i == 1 && row->tells_isolate;
	return wanted_args[probe][i] != UNWANTED;
}

static int read_args(const struct gc_usdt_row *row, const char *args, struct gc_usdt_site *out)
{
	for (unsigned i = 0; i < MW_GC_USDT_ARGS; i++) {
		int err;

		if (!is_wanted(row, out->probe, i))
			break;
		err = usdt_arg_parse(args, (unsigned)wanted_args[out->probe][i], USDT_THIS_MACHINE,
				     &out->args[i]);
		if (err == -ENOENT)
			out->args[i] = (struct mw_usdt_arg){.kind = MW_USDT_NONE};
		else if (err)
			return -ENOTSUP;
	}
	return 0;
}

static bool is_known(const struct places *p, uint64_t pc)
{
	for (unsigned i = p->out->count - p->count; i < p->out->count; i++) {
		if (p->out->sites[i].pc == pc)
			return true;
	}
	return false;
}

static int on_place(void *arg, const struct elf_usdt *usdt)
{
	struct places *p = arg;
	struct gc_usdt_site site = {.probe = p->probe, .pc = usdt->pc};

	if (strcmp(usdt->provider, p->row->provider) != 0 ||
	    strcmp(usdt->name, probe_name(p->row, p->probe)) != 0 || is_known(p, usdt->pc))
		return 0;
	if (p->count == GC_USDT_PLACES)
		return -E2BIG;
	if (elf_file_offset(p->f, usdt->pc, &site.offset) ||
	    (usdt->semaphore && elf_file_offset(p->f, usdt->semaphore, &site.semaphore)))
		return -EFAULT;
	if (read_args(p->row, usdt->args, &site))
		return -ENOTSUP;
	p->out->sites[p->out->count++] = site;
	p->count++;
	return 0;
}

int gc_usdt_read(struct elf_file *f, const struct gc_usdt_row *row, struct gc_usdt *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < GC_USDT_PROBES; i++) {
		struct places places = {.f = f, .row = row, .probe = i, .out = out};
		int err;

		if (!probe_name(row, i))
			continue;
		err = elf_file_for_each_usdt(f, on_place, &places);
		if (err && err != -EBADMSG) /* damage: what was found counts */
			return err;
		if (!places.count && i != GC_USDT_POOL)
			return -ENOENT;
	}
	return 0;
}

/* --- what the kernel side is told --- */

uint32_t gc_usdt_cookie(const struct gc_usdt_row *row, uint64_t v8_version, bool has_live)
{
	enum mw_gc_rule rule = row->rule;

	if (rule == MW_GC_RULE_V8 && v8_version && v8_version < V8_VERSION(10, 0, 0))
		rule = MW_GC_RULE_V8_OLD;
	return rule | (row->tells_isolate ? MW_GC_COOKIE_ISOLATE : 0) |
	       (has_live ? MW_GC_COOKIE_LIVE : 0);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Names of kinds of collections. */
#include "model/gc.h"

#include <string.h>

bool gc_is_full(enum mw_gc_kind kind)
{
	return kind == MW_GC_MARK_COMPACT || kind == MW_GC_FULL;
}

static const char *const names[MW_GC_KINDS] = {
	[MW_GC_OTHER] = "other",
	[MW_GC_SCAVENGE] = "scavenge",
	[MW_GC_MARK_COMPACT] = "mark-compact",
	[MW_GC_MINOR_MARK_SWEEP] = "minor-mark-sweep",
	[MW_GC_YOUNG] = "young",
	[MW_GC_FULL] = "full",
};

const char *gc_kind_name(enum mw_gc_kind kind)
{
	return names[kind < MW_GC_KINDS ? kind : MW_GC_OTHER];
}

enum mw_gc_kind gc_kind_parse(const char *name)
{
	for (unsigned kind = 0; kind < MW_GC_KINDS; kind++) {
		if (!strcmp(name, names[kind]))
			return (enum mw_gc_kind)kind;
	}
	return MW_GC_OTHER;
}

const char *gc_via_name(enum mw_gc_via via)
{
	return via == MW_GC_VIA_USDT ? "usdt" : "uprobe";
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the parts of the symbolizer share. Others include sym/symbolizer.h.
 */
#ifndef MEMWATCH_SYM_SYMBOL_PROCESS_H
#define MEMWATCH_SYM_SYMBOL_PROCESS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/hmap.h"
#include "base/intern.h"
#include "sym/perf_map.h"
#include "sym/symbol_file.h"
#include "sym/symbolizer.h"

struct symbolizer {
	struct intern *names;
	struct symbol_files *files;
};

/* What is behind one of the mappings. */
struct symbol_module {
	struct symbol_file *file;   /* NULL: none, or not asked for yet */
	const struct proc_map *map; /* the mapping that opens @file: its own, or a neighbour */
	const char *path;	    /* interned; NULL: anonymous memory */
	uint64_t offset;	    /* in @file, of the start of the mapping */
	uint8_t origin;		    /* enum frame_origin */
	bool is_exe;
	bool was_asked;
};

struct symbol_process {
	struct symbolizer *s;
	pid_t pid;
	char exe[PATH_MAX];
	struct proc_maps maps;
	struct symbol_module *modules; /* one a mapping */
	uint64_t refreshed_ns;
	struct perf_map *perf_map;
	uint64_t perf_map_ns; /* when it was read last; 0: not yet */
	struct hmap resolved; /* address to struct resolved; of files only */
};

/**
 * symbol_process_module - what @addr is in; reads the mappings anew if they do not have it
 * @map: set, unless NULL is returned
 */
struct symbol_module *symbol_process_module(struct symbol_process *p, uint64_t addr,
					    const struct proc_map **map);
/**
 * symbol_module_open - its file, opened, and where it is
 * @addr: in @map; a mapping may hold more than one segment of the file
 * @bias: address in the process minus that in the file, there
 *
 * Returns NULL if there is none or it cannot be read.
 */
struct symbol_file *symbol_module_open(struct symbol_process *p, struct symbol_module *module,
				       const struct proc_map *map, uint64_t addr, uint64_t *bias);
/** symbol_process_forget - what was resolved, since it may not be true any more */
void symbol_process_forget(struct symbol_process *p);

#endif

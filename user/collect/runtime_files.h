/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a file tells of the runtime that is in it: V8 and where it is to be probed, and how
 * garbage is collected. Each file is looked at once, however many processes map it: reading
 * Node's symbols takes some 70 ms.
 */
#ifndef MEMWATCH_COLLECT_RUNTIME_FILES_H
#define MEMWATCH_COLLECT_RUNTIME_FILES_H

#include <stdbool.h>
#include <sys/types.h>

#include "collect/gc_usdt.h"
#include "sym/proc_maps.h"
#include "v8/v8_hooks.h"

struct runtime_file {
	uint64_t v8_version; /* V8_VERSION(); 0: unknown */
	bool has_v8;
	struct v8_hooks hooks;		/* with @has_v8 */
	const struct gc_usdt_row *usdt; /* NULL: no probes */
	const char *runtime; /* that collects garbage: "V8", "HotSpot", "Go", ...; NULL: none */
};

struct runtime_files;

struct runtime_files *runtime_files_new(void);
/** runtime_files_free - takes NULL */
void runtime_files_free(struct runtime_files *files);

/**
 * runtime_files_look - what the file of @map tells
 *
 * A file that was written to since, under the same name and inode, is looked at anew.
 * Returns 0, or a negative errno where it cannot be opened: then nothing is known.
 */
int runtime_files_look(struct runtime_files *files, pid_t pid, const struct proc_map *map,
		       struct runtime_file *out);

#endif

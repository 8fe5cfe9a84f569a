/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Scripts: the files that JavaScript functions come from, and lines of positions in them.
 */
#ifndef MEMWATCH_V8_V8_SCRIPT_H
#define MEMWATCH_V8_V8_SCRIPT_H

#include "base/hmap.h"
#include "base/intern.h"
#include "model/frame.h"
#include "v8/v8_heap.h"

struct v8_script {
	struct hmap_node node; /* by address */
	uint64_t address;      /* tagged */
	uint64_t source;       /* tagged string */
	int32_t id;	       /* in its isolate, from 1 */
	const char *file;   /* interned: path, or URL, or what eval() was called from; NULL: none */
	uint8_t origin;	    /* enum frame_origin */
	bool has_lines;	    /* @line_ends was looked for */
	int32_t first_line; /* of the script in its file, from 0 */
	int32_t *line_ends; /* positions, ascending */
	uint32_t lines;
};

struct v8_scripts {
	struct v8_heap *heap;
	struct intern *names;
	struct hmap all;
	size_t bytes; /* of line ends */
};

/** v8_scripts_init - @heap and @names must outlive it; 0 or -ENOMEM */
int v8_scripts_init(struct v8_scripts *s, struct v8_heap *heap, struct intern *names);
/** v8_scripts_clear - forgets all; what v8_script_get() gave is gone */
void v8_scripts_clear(struct v8_scripts *s);
void v8_scripts_release(struct v8_scripts *s);
/** v8_scripts_are_full - too much is kept: time to clear */
bool v8_scripts_are_full(const struct v8_scripts *s);

/**
 * v8_script_get - the script at @address, as it is now
 *
 * The pointer is good until v8_scripts_clear(), but may become another script's: who keeps it
 * compares @id. NULL with errno set: EINVAL (there is no script), ENOMEM.
 */
struct v8_script *v8_script_get(struct v8_scripts *s, uint64_t address);
/** v8_script_line - the line of a position, from 1; 0: unknown */
uint32_t v8_script_line(struct v8_scripts *s, struct v8_script *script, int32_t position);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How the objects of one V8 lie in memory: from the v8dbg_* constants that its
 * file exports, completed by a table of what they leave out, by version. Offsets
 * are from the untagged start of an object. Fields that a version has not are -1.
 *
 * Sources: V8's own tools/gen-postmortem-metadata.py; the table was measured on Node 12-26
 * (V8 7.8-14.6) and is checked by tests against running processes.
 */
#ifndef MEMWATCH_V8_V8_LAYOUT_H
#define MEMWATCH_V8_V8_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "memwatch/sites.h"
#include "sym/elf_file.h"

#define V8_VERSION(major, minor, build)                                                            \
	(((uint64_t)(major) << 32) | ((uint64_t)(minor) << 16) | (uint64_t)(build))

struct v8_layout {
	int major, minor, build;
	uint64_t version; /* V8_VERSION() */

	struct mw_v8_frames frames; /* for BPF; @builtins as link-time addresses of the file */
				    /* ... the rest is for user/v8 alone: */
};

/**
 * v8_layout_read - from the file that holds V8
 *
 * Returns 0, -ENOENT (no V8 in it), -ENOTSUP (pointer compression, or metadata that
 * is too thin), with @why set to a sentence.
 */
int v8_layout_read(struct elf_file *f, struct v8_layout *out, const char **why);

#endif

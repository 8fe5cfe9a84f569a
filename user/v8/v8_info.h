/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a process lets us know about its V8, read from its ELF files alone
 * (no memory of the process is read): for doctor -p, and the first question
 * of everything in this folder.
 */
#ifndef MEMWATCH_V8_V8_INFO_H
#define MEMWATCH_V8_V8_INFO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sym/elf_file.h"

struct v8_info {
	bool present;	/* a V8 was found in the executable or in a mapped libnode/libv8 */
	char path[512]; /* the ELF file that holds it, as the process maps it; cut to fit */
	int major, minor, build; /* from v8::internal::Version's data symbols; 0 if unknown */
	unsigned v8dbg_symbols;	 /* metadata constants exported (v8dbg_*), each name once */
	int tagged_size;	 /* 8; 4 with pointer compression; 0 if unknown */
	bool gc_symbols;	 /* Heap::Scavenge and Heap::MarkCompact can be probed */
	unsigned usdt_probes;	 /* provider "node" or "v8" */
};

/**
 * v8_info_read - look for V8 in process @pid
 *
 * Reads /proc/PID/maps and the mapped ELF files through /proc/PID/map_files
 * (or /proc/PID/root, without the capability for that), so that it works
 * across mount namespaces and for deleted files. Takes 20-50 ms for Node and
 * 50-160 ms when its file is not cached; holds the symbol tables (6-25 MB)
 * while it runs.
 *
 * Returns 0 (also when there is no V8: @out->present is false), -ESRCH,
 * -EACCES (also when a file that is likely to hold V8 must not be read, and
 * none other holds it), -ENOMEM ... @out is all zero unless V8 is present.
 */
int v8_info_read(pid_t pid, struct v8_info *out);

/** v8_info_read_file - the same of one file, but for its path; 0 or -ENOMEM */
int v8_info_read_file(struct elf_file *f, struct v8_info *out);

#endif

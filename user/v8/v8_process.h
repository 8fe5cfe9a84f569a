/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The V8 of one running process: names for its JavaScript frames.
 */
#ifndef MEMWATCH_V8_V8_PROCESS_H
#define MEMWATCH_V8_V8_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/intern.h"
#include "base/memreader.h"
#include "model/frame.h"
#include "sym/proc_maps.h"
#include "v8/v8_layout.h"
#include "v8/v8_resolve.h"

struct v8_process;

/**
 * v8_process_open - find V8 in @pid, and learn its layout
 * @mem, @names: must outlive it
 * @why: set to a sentence when it fails
 *
 * NULL with errno set: ENOENT (no V8), ENOTSUP (a V8 that cannot be read), ESRCH, EACCES, ENOMEM.
 */
struct v8_process *v8_process_open(pid_t pid, struct memreader *mem, struct intern *names,
				   const char **why);
/** v8_process_free - takes NULL */
void v8_process_free(struct v8_process *v);

const struct v8_layout *v8_process_layout(const struct v8_process *v);
/** v8_process_map - an executable mapping of the file that holds V8 (proc_map_open(), _path()) */
const struct proc_map *v8_process_map(const struct v8_process *v);
/**
 * v8_process_frames - what BPF needs: layout.frames, @builtins as addresses in the process
 *
 * Since Node 20 each isolate has a copy of the builtins: those that are there now, as far as
 * there is room. v8_process_refresh() finds those of workers that start later.
 */
void v8_process_frames(const struct v8_process *v, struct mw_v8_frames *out);
/** v8_process_is_copy - whether @addr is in a copy of the builtins: no text of the file, although
 *  it may be mapped from it */
bool v8_process_is_copy(const struct v8_process *v, uint64_t addr);

/**
 * v8_process_refresh - looks for the builtins again
 *
 * For a process that was opened before it had started V8: v8_process_frames() may give other
 * ranges then. Returns 0 or a negative errno.
 */
int v8_process_refresh(struct v8_process *v);

/**
 * v8_process_resolve - names one raw frame
 * @raw: of kind MW_FRAME_JS or MW_FRAME_STUB, or a NATIVE one whose ip may be V8's (a builtin, also
 *       a remapped one, or JIT code)
 * @out: innermost first: inlined functions, then the physical one; @max at least 1
 *
 * Returns how many; 0: not V8's (resolve it as native code), or a stub that is not worth a frame.
 */
unsigned v8_process_resolve(struct v8_process *v, const struct mw_frame *raw, bool is_return,
			    struct frame *out, unsigned max);

/** v8_process_moved - V8 may have moved functions and code (a mark-compact): what is cached is
 *  checked before it is used again */
void v8_process_moved(struct v8_process *v);

const struct v8_resolve_stats *v8_process_stats(const struct v8_process *v);

#endif

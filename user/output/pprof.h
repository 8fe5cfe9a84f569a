/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A profile as pprof, Pyroscope and Parca read it: gzip'd protobuf (github.com/google/pprof,
 * proto/profile.proto).
 *
 * Values of a sample: inuse_space (what was found to be kept: survivors in V8's heap, external
 * memory, pages that were touched), alloc_space (what was asked for: V8's allocations, brk, mmap).
 * Labels: kind, pid, comm, process ("node (4711)", for readers that have no use for numbers), note.
 */
#ifndef MEMWATCH_OUTPUT_PPROF_H
#define MEMWATCH_OUTPUT_PPROF_H

#include "base/strbuf.h"
#include "model/recorded.h"

/** pprof_add - of the loaded processes of @r; binary. 0 or a negative errno */
int pprof_add(struct strbuf *out, const struct recorded *r);

#endif

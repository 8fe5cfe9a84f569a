/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The USDT probes of one process's collector, attached. */
#ifndef MEMWATCH_COLLECT_GC_USDT_PROBES_H
#define MEMWATCH_COLLECT_GC_USDT_PROBES_H

#include <stdint.h>

#include "collect/gc_usdt.h"
#include "collect/session.h"

/* Zeroed: none. */
struct gc_usdt_probes {
	uint32_t pid;
	int sites_fd; /* of the map mw_gc_usdt */
	unsigned count;
	int fds[GC_USDT_SITES];
	uint64_t ips[GC_USDT_SITES];
};

/* Where they are to be. */
struct gc_usdt_place {
	uint32_t pid;
	const char *path;	/* of the file, by a name of our own */
	uint64_t start, offset; /* of an executable mapping of it */
};

/**
 * gc_usdt_probes_attach - to all places of the probes of @row
 * @cookie: by gc_usdt_cookie()
 *
 * All or none: returns 0, or a negative errno of gc_usdt_read() or uprobe_open_usdt(), or whatever
 * keeps the file from being read.
 */
int gc_usdt_probes_attach(struct gc_usdt_probes *p, const struct session *s,
			  const struct gc_usdt_place *place, const struct gc_usdt_row *row,
			  uint32_t cookie);
/** gc_usdt_probes_detach - does not wait for the kernel; @p is zeroed */
void gc_usdt_probes_detach(struct gc_usdt_probes *p);

#endif

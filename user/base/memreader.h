/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the bytes of a process's memory come from: the one seam between what
 * interprets memory (user/v8) and the process, so that tests and fuzzers can put
 * hostile bytes there.
 */
#ifndef MEMWATCH_BASE_MEMREADER_H
#define MEMWATCH_BASE_MEMREADER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct memreader {
	/* All @len bytes or none: 0, or a negative errno (-EFAULT, -ESRCH, -EPERM). */
	int (*read)(void *arg, uint64_t addr, void *out, size_t len);
	void *arg;
	uint64_t reads; /* calls so far: the cost of a resolution in system calls */
};

/** memreader_init_process - by process_vm_readv(2); never writes, never stops the process */
void memreader_init_process(struct memreader *m, pid_t pid);
/** memreader_read - 0 or a negative errno; @out is undefined after an error */
int memreader_read(struct memreader *m, uint64_t addr, void *out, size_t len);

#endif

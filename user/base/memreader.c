/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The memory of a running process, by process_vm_readv(2): one system call a read, without
 * stopping the process, and what is not mapped is an error and no signal.
 *
 * LIMITATIONS: what the process changes meanwhile may be read half before and half after.
 */
#include "base/memreader.h"

#include <errno.h>
#include <sys/uio.h>

static int process_read(void *arg, uint64_t addr, void *out, size_t len)
{
	struct iovec local = {.iov_base = out, .iov_len = len};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)addr, .iov_len = len};
	ssize_t n = process_vm_readv((pid_t)(intptr_t)arg, &local, 1, &remote, 1, 0);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EFAULT;
}

void memreader_init_process(struct memreader *m, pid_t pid)
{
	*m = (struct memreader){.read = process_read, .arg = (void *)(intptr_t)pid};
}

int memreader_read(struct memreader *m, uint64_t addr, void *out, size_t len)
{
	if (!len)
		return 0;
	if (addr + len < addr)
		return -EFAULT;
	m->reads++;
	return m->read(m->arg, addr, out, len);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A disk that does not keep what is written to it: the fdatasync() of the whole test program. */
#ifndef MEMWATCH_TESTS_FAILING_DISK_H
#define MEMWATCH_TESTS_FAILING_DISK_H

#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_bool disk_fails;

int fdatasync(int fd) /* in place of libc's, for SQLite, too */
{
	if (!atomic_load(&disk_fails))
		return (int)syscall(SYS_fdatasync, fd);
	errno = EIO;
	return -1;
}

#endif

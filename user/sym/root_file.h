/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files by name, in the root that a process sees (its container), without being led out of it.
 */
#ifndef MEMWATCH_SYM_ROOT_FILE_H
#define MEMWATCH_SYM_ROOT_FILE_H

#include <sys/types.h>

/**
 * root_file_open - look up @path as process @pid would
 * @pid:  0: as we would
 * @path: absolute
 *
 * Symbolic links are followed within that root. What is found is not opened (O_PATH): check it
 * with fstat(2), then root_file_read() it.
 * Returns a file descriptor, or a negative errno.
 */
int root_file_open(pid_t pid, const char *path);
/** root_file_read - a regular file, opened for reading; a file descriptor, or a negative errno */
int root_file_read(int path_fd);

#endif

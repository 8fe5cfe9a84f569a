/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is made of recordings, to where the user wants it. */
#ifndef MEMWATCH_CMD_DOCUMENT_H
#define MEMWATCH_CMD_DOCUMENT_H

#include "base/strbuf.h"

/**
 * document_write - @text as the file @path, which is whole or not there, or (NULL) to stdout
 *
 * A new file is for its owner only, as recordings are. A recording is not overwritten: it is most
 * likely the one that was read. Ignores SIGPIPE; a reader of stdout that has gone, or
 * a signal to stop, is no failure. Returns 0
 * or, after telling, a negative errno.
 */
int document_write(const char *path, struct strbuf *text);

#endif

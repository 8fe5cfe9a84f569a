/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes what a function under test writes to stderr. */
#ifndef MEMWATCH_TESTS_CAPTURE_H
#define MEMWATCH_TESTS_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct capture {
	FILE *file;
	int saved_fd;
	char text[4096];
};

static inline void capture_begin(struct capture *c)
{
	c->file = tmpfile();
	c->saved_fd = dup(STDERR_FILENO);
	if (!c->file || c->saved_fd < 0 || dup2(fileno(c->file), STDERR_FILENO) < 0)
		abort();
}

/* Gives stderr back; returns what was written meanwhile, valid as long as @c is. */
static inline const char *capture_end(struct capture *c)
{
	size_t n;

	if (dup2(c->saved_fd, STDERR_FILENO) < 0)
		abort();
	close(c->saved_fd);
	rewind(c->file);
	n = fread(c->text, 1, sizeof(c->text) - 1, c->file);
	c->text[n] = '\0';
	fclose(c->file);
	return c->text;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the sinks share: writing it all out, and telling the time of a record. */
#include "output/sink.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"

#define STALL_MS 200

/*
 * A reader that stalls (less(1), ^S) must not make us unstoppable: signals are
 * blocked, for signalfd. What is written at once, PIPE_BUF, fits when poll says so.
 */
static int wait_until_writable(int fd)
{
	struct pollfd out = {.fd = fd, .events = POLLOUT};

	while (poll(&out, 1, STALL_MS) == 0) {
		if (loop_stop_is_pending())
			return -EINTR;
	}
	return 0;
}

int sink_write(int fd, struct strbuf *b)
{
	size_t at = 0;
	int err = b->err;

	while (!err && at < b->len) {
		size_t left = b->len - at;
		ssize_t n;

		err = wait_until_writable(fd);
		if (err)
			break;
		n = write(fd, b->s + at, left < PIPE_BUF ? left : PIPE_BUF);

		if (n >= 0)
			at += n;
		else if (errno != EINTR && errno != EAGAIN)
			err = -errno;
	}
	strbuf_clear(b);
	return err;
}

uint64_t sink_wall_ns(uint64_t boot_ns)
{
	return clock_wall_ns() - clock_boot_ns() + boot_ns;
}

int oom_limit_path(const struct process *p, unsigned level, char *out, size_t size)
{
	if (!p || !p->cgroup || !p->cgroup->path)
		return -ENOENT;
	/* The root is "" here, so that nothing is above it. */
	snprintf(out, size, "%s", strcmp(p->cgroup->path, "/") ? p->cgroup->path : "");
	while (level--) {
		char *slash = strrchr(out, '/');

		if (!slash)
			return -ENOENT;
		*slash = '\0';
	}
	if (!out[0])
		snprintf(out, size, "/");
	return 0;
}

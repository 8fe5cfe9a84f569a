/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the sinks share: writing it all out, and telling the time of a record. */
#include "output/sink.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

int sink_write(int fd, struct strbuf *b)
{
	size_t at = 0;
	int err = b->err;

	while (!err && at < b->len) {
		ssize_t n = write(fd, b->s + at, b->len - at);

		if (n >= 0)
			at += n;
		else if (errno == EAGAIN) /* somebody made our stdout non-blocking */
			poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
		else if (errno != EINTR)
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

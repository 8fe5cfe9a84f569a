/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two pipes, both closed by exec:
 *
 *   memwatch ── go ────► child     a byte: execute; end of file: memwatch is gone
 *   memwatch ◄── error ─ child     errno of the exec; end of file: it went well
 */
#include "cmd/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

#define STATUS_NOT_RUN 127 /* as shells say it */
#define POLL_MS	       5

__attribute__((noreturn)) static void be_child(char *const *argv, int go_fd, int error_fd)
{
	ssize_t n;
	char go;
	int err;

	do
		n = read(go_fd, &go, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1) {
		execvp(argv[0], argv);
		err = errno;
		if (write(error_fd, &err, sizeof(err)) != (ssize_t)sizeof(err))
			_exit(EXIT_FAILURE); /* nobody is there to be told */
	}
	_exit(STATUS_NOT_RUN);
}

int child_fork(struct child *c, char *const *argv)
{
	int go[2], error[2];

	if (pipe2(go, O_CLOEXEC))
		return log_error_code(-errno, "cannot make a pipe: %s", strerror(errno));
	if (pipe2(error, O_CLOEXEC)) {
		close(go[0]);
		close(go[1]);
		return log_error_code(-errno, "cannot make a pipe: %s", strerror(errno));
	}
	signal(SIGCHLD, SIG_DFL); /* ignored, as some parents leave it, its status would be lost */
	*c = (struct child){.argv = argv, .pid = fork(), .go_fd = go[1], .error_fd = error[0]};
	if (!c->pid) {
		close(go[1]);
		close(error[0]);
		be_child(argv, go[0], error[1]);
	}
	close(go[0]);
	close(error[1]);
	if (c->pid > 0)
		return 0;
	close(go[1]);
	close(error[0]);
	c->argv = NULL;
	return log_error_code(-errno, "cannot make a process for '%s': %s", argv[0],
			      strerror(errno));
}

void child_release(struct child *c)
{
	if (write(c->go_fd, "", 1) != 1)
		log_warn("'%s' cannot be let go: %s", c->argv[0], strerror(errno));
	c->is_released = true;
}

static void note_end(struct child *c)
{
	int err;

	c->has_ended = true;
	/* A descendant may hold nothing of it: it is closed by exec. */
	if (read(c->error_fd, &err, sizeof(err)) == (ssize_t)sizeof(err))
		c->exec_error = err;
	close(c->go_fd);
	close(c->error_fd);
}

bool child_reap(struct child *c)
{
	if (!c->has_ended && waitpid(c->pid, &c->code, WNOHANG) == c->pid)
		note_end(c);
	return c->has_ended;
}

bool child_wait(struct child *c, int ms)
{
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};

	for (; !child_reap(c) && ms > 0; ms -= POLL_MS)
		nanosleep(&pause, NULL);
	return c->has_ended;
}

void child_discard(struct child *c)
{
	if (!c->argv || c->has_ended)
		return;
	if (c->is_released) {
		close(c->go_fd);
		close(c->error_fd);
		return;
	}
	kill(c->pid, SIGKILL);
	waitpid(c->pid, &c->code, 0);
	note_end(c);
}

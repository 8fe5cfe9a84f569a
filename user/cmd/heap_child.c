/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cmd/heap_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_BYTES     65536
#define STATUS_NOT_RUN 127 /* as shells say it */

void heap_child_init(struct heap_child *c)
{
	*c = (struct heap_child){.out_fd = -1, .err_fd = -1};
	strbuf_init(&c->out);
}

void heap_child_release(struct heap_child *c)
{
	heap_child_end(c);
	strbuf_release(&c->out);
}

/* --- its birth --- */

/* Between fork and exec of a program with threads: nothing here allocates or locks. */
__attribute__((noreturn)) static void be_child(const char *program, char *const argv[],
					       const int fds[3], pid_t parent)
{
	const struct sigaction as_usual = {.sa_handler = SIG_DFL};
	sigset_t none;

	/* It goes with memwatch; unless that has gone already. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(STATUS_NOT_RUN);
	for (int i = 0; i < 3; i++) {
		if (dup2(fds[i], i) < 0)
			_exit(STATUS_NOT_RUN);
	}
	close_range(STDERR_FILENO + 1, ~0U, 0); /* before Linux 5.9 close-on-exec has to do */
	sigaction(SIGPIPE, &as_usual, NULL);	/* a run ignores it */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL); /* the loop's are blocked */
	execv(program, argv);
	_exit(STATUS_NOT_RUN);
}

/* A number below 3 would be overwritten when the child's own three are put in place. */
static int raise_fds(int *fds, unsigned count)
{
	int err = 0;

	for (unsigned i = 0; i < count; i++) {
		int higher = fds[i] > STDERR_FILENO ? fds[i] : fcntl(fds[i], F_DUPFD_CLOEXEC, 3);

		if (higher < 0)
			err = -errno;
		else if (higher != fds[i])
			close(fds[i]);
		fds[i] = higher < 0 ? fds[i] : higher;
	}
	return err;
}

static void close_all(const int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

enum { IN, OUT_READ, OUT_WRITE, ERR_READ, ERR_WRITE, FDS };

static int open_fds(int fds[FDS], int in_fd)
{
	int err = 0;

	for (int i = 0; i < FDS; i++)
		fds[i] = -1;
	fds[IN] = in_fd < 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC)
			    : fcntl(in_fd, F_DUPFD_CLOEXEC, 3);
	if (fds[IN] < 0 || pipe2(&fds[OUT_READ], O_CLOEXEC) || pipe2(&fds[ERR_READ], O_CLOEXEC))
		err = -errno;
	if (!err)
		err = raise_fds(fds, FDS);
	/* Ours alone: the other ends are the child's to wait at. */
	if (!err && (fcntl(fds[OUT_READ], F_SETFL, O_NONBLOCK) ||
		     fcntl(fds[ERR_READ], F_SETFL, O_NONBLOCK)))
		err = -errno;
	if (err)
		close_all(fds, FDS);
	return err;
}

int heap_child_start(struct heap_child *c, const char *program, char *const argv[], int in_fd)
{
	pid_t parent = getpid();
	int fds[FDS];
	int err = open_fds(fds, in_fd);

	if (err)
		return err;
	strbuf_clear(&c->out);
	c->why[0] = '\0';
	c->pid = fork();
	if (!c->pid)
		be_child(program, argv, (const int[]){fds[IN], fds[OUT_WRITE], fds[ERR_WRITE]},
			 parent);
	if (c->pid < 0) {
		err = -errno;
		c->pid = 0;
		close_all(fds, FDS);
		return err;
	}
	close(fds[IN]);
	close(fds[OUT_WRITE]);
	close(fds[ERR_WRITE]);
	c->out_fd = fds[OUT_READ];
	c->err_fd = fds[ERR_READ];
	return 0;
}

/* --- what it says --- */

int heap_child_read(struct heap_child *c)
{
	char buffer[READ_BYTES];

	for (;;) {
		ssize_t n = read(c->out_fd, buffer, sizeof(buffer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 1 : -errno;
		if (!n)
			return 0;
		if (c->out.len + (size_t)n > HEAP_CHILD_OUT_MAX)
			return -E2BIG;
		strbuf_add(&c->out, buffer, (size_t)n);
		if (c->out.err)
			return c->out.err;
	}
}

/* The last line of what it wrote to stderr, without "memwatch: ". */
static void read_last_words(struct heap_child *c)
{
	static const char prefix[] = "memwatch: ";
	char text[4096];
	ssize_t n = read(c->err_fd, text, sizeof(text) - 1);
	char *line;

	if (n <= 0)
		return;
	text[n] = '\0';
	while (n && text[n - 1] == '\n')
		text[--n] = '\0';
	line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	if (!strncmp(line, prefix, sizeof(prefix) - 1))
		line += sizeof(prefix) - 1;
	n = (ssize_t)strnlen(line, sizeof(c->why) - 1);
	memcpy(c->why, line, (size_t)n);
	c->why[n] = '\0';
}

/* --- its end --- */

void heap_child_end(struct heap_child *c)
{
	if (!c->pid)
		return;
	kill(c->pid, SIGKILL); /* of one that has ended, until it is waited for: nothing */
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	read_last_words(c);
	close(c->out_fd);
	close(c->err_fd);
	c->out_fd = c->err_fd = -1;
	c->pid = 0;
}

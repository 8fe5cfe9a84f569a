// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 *   memwatch ── descriptors, by a socket ──▶ closer ──┬── a thread a close
 *                                                     └── ...
 *
 * The socket's end is the closer's sign that memwatch is gone. What was sent by then is closed
 * still; what was not, memwatch's own end closes, and that is no close by one who was killed: the
 * kernel takes the signal before it closes anything.
 *
 * LIMITATIONS
 * - Who kills the closer too, by SIGKILL and in those milliseconds (the end of a PID namespace
 *   does), leaves breakpoints. The next memwatch that watches the same process removes them.
 */
#include "base/background.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES (64 << 10)
#define NAME	    "memwatch-close"

/* What outlives a call: how many closes of this process are under way, and the one that closes. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;
static unsigned pending;
static struct {
	int socket;
	pid_t pid; /* 0: none */
} closer;

/* --- by threads, detached, with a small stack and all signals blocked: they are the loop's --- */

static void *close_thread(void *arg)
{
	close((int)(intptr_t)arg);
	pthread_mutex_lock(&lock);
	if (!--pending)
		pthread_cond_broadcast(&done);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void close_aside(int fd)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	if (fd < 0)
		return;
	pthread_mutex_lock(&lock);
	pending++;
	pthread_mutex_unlock(&lock);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, close_thread, (void *)(intptr_t)fd);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		close_thread((void *)(intptr_t)fd);
}

static void wait_for_threads(void)
{
	pthread_mutex_lock(&lock);
	while (pending)
		pthread_cond_wait(&done, &lock);
	pthread_mutex_unlock(&lock);
}

/* --- the process that closes --- */

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* A message with @fd in it, or with none: -1 */
static int send_fd(int socket, int fd)
{
	union control control = {.bytes = {0}};
	struct iovec byte = {"", 1};
	struct msghdr message = {.msg_iov = &byte, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *header;

		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/* Returns false when there will be no more messages. */
static bool receive_fd(int socket, int *fd)
{
	union control control;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *header;

	*fd = -1;
	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
		return false;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(header), sizeof(*fd));
	return true;
}

/*
 * Nobody's signals are meant for it: they are blocked. And it holds nothing open that someone
 * awaits the end of. A descriptor is closed at the message after it: then memwatch has closed its
 * own copy. The last one to close does the work.
 */
static void run_closer(int socket)
{
	int held = -1, fd;

	prctl(PR_SET_NAME, NAME);
	dup2(socket, 0);
	syscall(SYS_close_range, 1u, ~0u, 0u); /* Linux 5.9, as BPF programs need 5.10 */
	while (receive_fd(0, &fd)) {
		close_aside(held);
		held = fd;
	}
	close_aside(held);
	wait_for_threads();
	_exit(0);
}

int background_start(void)
{
	sigset_t all, before;
	int ends[2];
	pid_t pid;

	if (closer.pid)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (!pid)
		run_closer(ends[1]);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(ends[1]);
	if (pid < 0) {
		int err = -errno;

		close(ends[0]);
		return err;
	}
	closer.pid = pid;
	closer.socket = ends[0];
	return 0;
}

void background_close(int fd)
{
	if (fd >= 0 && closer.pid && !send_fd(closer.socket, fd)) {
		close(fd);
		send_fd(closer.socket, -1);
	} else {
		close_aside(fd);
	}
}

void background_wait(void)
{
	if (closer.pid) {
		close(closer.socket);
		while (waitpid(closer.pid, NULL, 0) < 0 && errno == EINTR)
			;
		closer.pid = 0;
	}
	wait_for_threads();
}

pid_t background_pid(void)
{
	return closer.pid;
}

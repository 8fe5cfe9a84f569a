// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A thread a close, detached, with a small stack and all signals blocked: they are the loop's. */
#include "base/background.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#define STACK_BYTES (64 << 10)

/* The one thing that outlives a call: how many closes are under way. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;
static unsigned pending;

static void *close_thread(void *arg)
{
	close((int)(intptr_t)arg);
	pthread_mutex_lock(&lock);
	if (!--pending)
		pthread_cond_broadcast(&done);
	pthread_mutex_unlock(&lock);
	return NULL;
}

void background_close(int fd)
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

void background_wait(void)
{
	pthread_mutex_lock(&lock);
	while (pending)
		pthread_cond_wait(&done, &lock);
	pthread_mutex_unlock(&lock);
}

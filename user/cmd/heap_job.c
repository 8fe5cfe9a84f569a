/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cmd/heap_job.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"

#define ARGS_MAX 16

bool heap_job_runs(const struct heap_job *j)
{
	return j->child.pid;
}

bool heap_job_is_of(const struct heap_job *j, uint32_t pid, uint64_t start_ns)
{
	return j->child.pid && j->request.pid == pid && j->request.start_ns == start_ns;
}

bool heap_job_is_for(const struct heap_job *j, const void *arg)
{
	return j->child.pid && j->request.arg == arg;
}

/* --- its end --- */

static void end_child(struct heap_job *j)
{
	if (!j->child.pid)
		return;
	loop_remove_fd(j->loop, j->child.out_fd);
	loop_set_timer(j->loop, j->timer, 0);
	heap_child_end(&j->child);
}

static void forget_output(struct heap_job *j)
{
	strbuf_release(&j->child.out);
	strbuf_init(&j->child.out);
	malloc_trim(0); /* tens of megabytes, and there is nothing like it for minutes */
}

void heap_job_stop(struct heap_job *j)
{
	if (!j->child.pid)
		return;
	end_child(j);
	forget_output(j);
}

/* Who asked may start the next one from within. @why: it was ended for, or NULL: by itself. */
static void finish(struct heap_job *j, const char *why)
{
	const struct heap_request request = j->request;
	uint64_t begun_ns = clock_cpu_ns();
	struct strbuf out;

	end_child(j);
	out = j->child.out;
	strbuf_init(&j->child.out);
	if (!why && j->child.why[0])
		why = j->child.why;
	request.done(request.arg, &out, why);
	strbuf_release(&out);
	malloc_trim(0); /* tens of megabytes, and there is nothing like it for minutes */
	j->spent_ns += clock_cpu_ns() - begun_ns;
}

static int on_output(void *arg, uint32_t events)
{
	struct heap_job *j = arg;
	int more = heap_child_read(&j->child);

	(void)events;
	if (more <= 0)
		finish(j, more < 0 ? strerror(-more) : NULL);
	return 0;
}

static int on_deadline(void *arg, uint64_t expirations)
{
	struct heap_job *j = arg;

	(void)expirations;
	if (j->child.pid)
		finish(j, "it took too long");
	return 0;
}

void heap_job_set_time(struct heap_job *j, uint64_t ns)
{
	loop_set_timer(j->loop, j->timer, ns ? ns : NSEC_PER_MSEC); /* 0 would stop it */
}

/* --- its begin --- */

int heap_job_start(struct heap_job *j, const struct heap_request *request)
{
	char pid[16], seconds[16];
	char *argv[ARGS_MAX] = {"memwatch", "heap", "-q", "--json", "-p", pid};
	unsigned n = 6;
	int err;

	snprintf(pid, sizeof(pid), "%u", request->pid);
	snprintf(seconds, sizeof(seconds), "%u", request->apart_s);
	if (request->apart_s) {
		argv[n++] = "-d";
		argv[n++] = seconds;
	}
	if (request->base_fd >= 0) {
		argv[n++] = "--base";
		argv[n++] = "-";
		lseek(request->base_fd, 0, SEEK_SET);
	}
	j->request = *request;
	err = heap_child_start(&j->child, j->program, argv, request->base_fd);
	if (!err)
		err = loop_add_fd(j->loop, j->child.out_fd, EPOLLIN, on_output, j);
	if (err) {
		end_child(j);
		return err;
	}
	heap_job_set_time(j, request->within_ns);
	return 0;
}

/* --- the whole --- */

int heap_job_init(struct heap_job *j, struct loop *loop, const char *program)
{
	*j = (struct heap_job){.loop = loop, .program = program};
	heap_child_init(&j->child);
	j->timer = loop_add_timer(loop, 0, on_deadline, j);
	return j->timer < 0 ? j->timer : 0;
}

void heap_job_release(struct heap_job *j)
{
	if (!j->loop) /* it never was one */
		return;
	heap_job_stop(j);
	heap_child_release(&j->child);
}

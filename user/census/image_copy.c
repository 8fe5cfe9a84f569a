/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Memory for an image, and copying into it, by process_vm_readv(2): 4-7 GB/s by two
 * threads, if the memory that it is copied to is there. Each takes the next megabyte.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "census/image_build.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 (4ca9b3859dac) */
#endif

#define THREADS_MAX    4u
#define BATCH_PIECES   64u
#define BATCH_BYTES    (1u << 20)
#define PREFAULT_BYTES (16u << 20) /* until it is asked whether to go on: some 5 ms */

static bool is_cancelled(const struct image_job *job)
{
	return job->cancelled && job->cancelled(job->arg);
}

static void report(const struct image_job *job, uint64_t done, uint64_t of)
{
	if (job->progress)
		job->progress(job->arg, job->step, done, of);
}

/* --- memory --- */

static int populate(unsigned char *at, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!madvise(at, len, MADV_POPULATE_WRITE))
		return 0;
	if (errno != EINVAL)
		return -ENOMEM;
	for (size_t i = 0; i < len; i += page)
		*(volatile unsigned char *)(at + i) = 0;
	return 0;
}

/* The end of what lies densely in the arena from range @first on: a system call serves many. */
static unsigned dense_end(const struct image *im, unsigned first, size_t *len)
{
	const struct image_range *p = im->ranges;
	unsigned i = first;

	*len = 0;
	do {
		*len += p[i].end - p[i].start;
		i++;
	} while (i < im->range_count && p[i].bytes == p[first].bytes + *len &&
		 *len < PREFAULT_BYTES);
	return i;
}

int image_prefault(struct image *im, const struct image_job *job)
{
	uint64_t of = image_present_bytes(im), done = 0;
	size_t len;

	for (unsigned i = 0, end; i < im->range_count; i = end) {
		end = dense_end(im, i, &len);
		for (size_t at = 0, n; at < len && im->ranges[i].bytes; at += n, done += n) {
			n = len - at < PREFAULT_BYTES ? len - at : PREFAULT_BYTES;
			if (is_cancelled(job))
				return -ECANCELED;
			if (populate(im->ranges[i].bytes + at, n))
				return -ENOMEM;
		}
		report(job, done, of);
	}
	return 0;
}

/* --- copying --- */

struct copying {
	const struct image *im;
	pid_t pid;
	pthread_mutex_t lock;
	unsigned next;	 /* range */
	uint64_t offset; /* in it */
	uint64_t copied, unreadable;
	int err; /* it ends the work of all */
	const struct urgent *urgent;
};

struct batch {
	struct iovec local[BATCH_PIECES], remote[BATCH_PIECES];
	unsigned first, count;
	unsigned last; /* range */
	uint64_t copied, unreadable;
};

static void batch_add(struct copying *c, struct batch *b, const struct image_range *p, uint64_t len)
{
	uint64_t from = p->start + c->offset;

	b->local[b->count] = (struct iovec){.iov_base = p->bytes + c->offset, .iov_len = len};
	b->remote[b->count++] = (struct iovec){
		.iov_base = (void *)(uintptr_t)from,
		.iov_len = len,
	};
	c->offset += len;
}

/* False if nothing is left. What has no place counts as unreadable. */
static bool batch_take(struct copying *c, struct batch *b)
{
	uint64_t bytes = 0;

	b->first = b->count = 0;
	pthread_mutex_lock(&c->lock);
	while (!c->err && c->next < c->im->range_count && b->count < BATCH_PIECES &&
	       bytes < BATCH_BYTES) {
		const struct image_range *p = &c->im->ranges[c->next];
		uint64_t left = p->end - p->start - c->offset;
		uint64_t len = left < BATCH_BYTES - bytes ? left : BATCH_BYTES - bytes;

		if (p->bytes) {
			batch_add(c, b, p, len);
			bytes += len;
		} else {
			b->unreadable += left;
			len = left;
		}
		if (len == left) {
			c->next++;
			c->offset = 0;
		}
	}
	b->last = c->next;
	pthread_mutex_unlock(&c->lock);
	return b->count != 0;
}

/* @len bytes of a batch are done. */
static void batch_skip(struct batch *b, size_t len)
{
	while (len) {
		struct iovec *l = &b->local[b->first], *r = &b->remote[b->first];
		size_t n = len < l->iov_len ? len : l->iov_len;

		l->iov_base = (char *)l->iov_base + n;
		r->iov_base = (char *)r->iov_base + n;
		l->iov_len = r->iov_len = l->iov_len - n;
		len -= n;
		if (!l->iov_len)
			b->first++;
	}
}

/* It ends where a page cannot be read: that one is left out. */
static int batch_copy(pid_t pid, struct batch *b, size_t page)
{
	while (b->first < b->count) {
		unsigned left = b->count - b->first;
		ssize_t n = process_vm_readv(pid, b->local + b->first, left, b->remote + b->first,
					     left, 0);

		if (n < 0 && errno != EFAULT && errno != ENOMEM && errno != EIO)
			return -errno;
		if (n > 0) {
			b->copied += (size_t)n;
		} else {
			n = (ssize_t)(b->local[b->first].iov_len < page ? b->local[b->first].iov_len
									: page);
			b->unreadable += (size_t)n;
		}
		batch_skip(b, (size_t)n);
	}
	return 0;
}

static void copy_end(struct copying *c, const struct batch *b, int err)
{
	pthread_mutex_lock(&c->lock);
	c->copied += b->copied;
	c->unreadable += b->unreadable;
	if (err && !c->err)
		c->err = err;
	pthread_mutex_unlock(&c->lock);
}

/* @job: of the thread that may ask others, or NULL */
static void copy_batches(struct copying *c, const struct image_job *job)
{
	uint64_t of = job ? image_present_bytes(c->im) : 0;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct batch b = {0};
	int err = 0;

	while (!err && batch_take(c, &b)) {
		err = batch_copy(c->pid, &b, page);
		if (c->urgent)
			urgent_check(c->urgent);
		if (!job || err)
			continue;
		if (is_cancelled(job))
			err = -ECANCELED;
		report(job, of * b.last / c->im->range_count, of);
	}
	copy_end(c, &b, err);
}

static void *copy_run(void *arg)
{
	copy_batches(arg, NULL);
	return NULL;
}

static unsigned thread_count(void)
{
	cpu_set_t set;
	unsigned cpus = sched_getaffinity(0, sizeof(set), &set) ? 1 : (unsigned)CPU_COUNT(&set);

	return cpus < THREADS_MAX ? cpus : THREADS_MAX;
}

int image_copy(struct image *im, pid_t pid, const struct image_job *job)
{
	struct copying c = {
		.im = im,
		.pid = pid,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.urgent = job->urgent,
	};
	pthread_t threads[THREADS_MAX];
	unsigned others = 0;

	while (others + 1 < thread_count() && !pthread_create(&threads[others], NULL, copy_run, &c))
		others++;
	copy_batches(&c, job);
	for (unsigned i = 0; i < others; i++)
		pthread_join(threads[i], NULL);
	im->copied_bytes = c.copied;
	im->unreadable_bytes = c.unreadable;
	return c.err;
}

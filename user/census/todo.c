/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stands in for parts that have not landed yet; goes with the last of them. */
#include <errno.h>
#include <stddef.h>

#include "census/capture.h"
#include "census/retain.h"

#define WEAK __attribute__((weak))

WEAK void capture_release(struct capture *c)
{
	(void)c;
}
WEAK int capture_take(const struct capture_options *options, struct capture *out, const char **why)
{
	(void)options, (void)out;
	*why = "not built";
	return -ENOSYS;
}
WEAK unsigned char *image_at(const struct image *im, uint64_t addr, size_t len)
{
	(void)im, (void)addr, (void)len;
	return NULL;
}
WEAK void image_memreader(struct memreader *m, const struct image *im)
{
	(void)m, (void)im;
}
WEAK struct retain *retain_new(struct heap *h)
{
	(void)h;
	errno = ENOSYS;
	return NULL;
}
WEAK void retain_free(struct retain *r)
{
	(void)r;
}
WEAK int retain_find(struct retain *r, uint32_t group, unsigned isolate, struct retainer *out)
{
	(void)r, (void)group, (void)isolate, (void)out;
	return -ENOENT;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stands in for parts that have not landed yet; goes with the last of them. */
#include <errno.h>
#include <stddef.h>

#include "census/capture.h"

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

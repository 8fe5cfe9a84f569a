/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* libbpf's side of a USDT probe, without the probe: its arguments and cookie are the test's. */
#ifndef __USDT_BPF_H__
#define __USDT_BPF_H__

#include <errno.h>

#include "host/kernel.h"

#define HOST_USDT_ARGS 12

static struct {
	__u64 cookie;
	unsigned count; /* of the arguments that the probe has */
	long args[HOST_USDT_ARGS];
} host_usdt;

static inline long bpf_usdt_cookie(struct pt_regs *ctx)
{
	(void)ctx;
	return (long)host_usdt.cookie;
}

static inline int bpf_usdt_arg(struct pt_regs *ctx, __u64 i, long *out)
{
	(void)ctx;
	*out = 0;
	if (i >= HOST_USDT_ARGS || i >= host_usdt.count)
		return -ENOENT;
	*out = host_usdt.args[i];
	return 0;
}

#endif

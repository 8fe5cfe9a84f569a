/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf/stack.bpf.h as it is, on the stubs of tests/host: what is measured is the very
 * walk that the BPF programs do, but for where user memory is read from.
 */
#include "memwatch.bpf.h"

#include <sys/uio.h>

#include "v8/walk.h"

static pid_t walk_pid;

static long walk_read(void *dst, __u32 size, const void *src)
{
	struct iovec to = {dst, size}, from = {(void *)src, size};

	if (process_vm_readv(walk_pid, &to, 1, &from, 1, 0) == (ssize_t)size)
		return 0;
	memset(dst, 0, size);
	return -EFAULT;
}

#undef bpf_probe_read_user
#define bpf_probe_read_user walk_read

#include "stack.bpf.h"

uint32_t walk_stack(pid_t pid, const struct mw_site_proc *proc, uint64_t ip, uint64_t sp,
		    uint64_t fp, struct mw_frame *frames, uint32_t *count)
{
	struct mw_regs regs = {.ip = ip, .sp = sp, .fp = fp};
	__u32 key = MW_SCRATCH_FAULT;
	struct mw_scratch *s = bpf_map_lookup_elem(&mw_scratch, &key);

	walk_pid = pid;
	s->proc = *proc;
	mw_walk(s, MW_SCRATCH_FAULT, &regs);
	memcpy(frames, s->stack.frames, s->stack.count * sizeof(*frames));
	*count = s->stack.count;
	return s->stack.flags;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is learned before anything is attached, by a program that memwatch runs
 * once itself (BPF_PROG_TEST_RUN of a raw tracepoint's: Linux 5.10), so that the
 * current task is memwatch: its PID namespace, where per-CPU data lies, and
 * whether the types that the programs were relocated by are this kernel's.
 */
#include "memwatch.bpf.h"
#include "pidns.bpf.h"
#include "rss.bpf.h"

struct mw_self mw_self = {};

/* Wrong offsets read anything, but not by chance one's own thread group id, name and break. */
static __always_inline void mw_self_learn(void)
{
	struct task_struct *self = (void *)bpf_get_current_task();
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	char comm[MW_COMM_LEN] = {}, by_types[MW_COMM_LEN] = {};

	bpf_get_current_comm(comm, sizeof(comm));
	/* Up to its end: behind it Linux 5.10 has the rest of a longer name, from before exec. */
	BPF_CORE_READ_STR_INTO(&by_types, self, comm);
	mw_self.fits = (__u32)BPF_CORE_READ(self, group_leader, tgid) == tgid;
	for (int i = 0; i < MW_COMM_LEN; i++)
		mw_self.fits &= comm[i] == by_types[i];
	mw_self.brk = BPF_CORE_READ(self, mm, brk);
}

SEC("?raw_tp")
int mw_learn(void *ctx)
{
	mw_self_learn();
	mw_pidns_learn();
	mw_percpu_learn();
	return 0;
}

/* Before Linux 5.17: no bpf_loop(), and no per-CPU counters to add up. */
SEC("?raw_tp")
int mw_learn_v510(void *ctx)
{
	mw_self_learn();
	mw_pidns_learn();
	return 0;
}

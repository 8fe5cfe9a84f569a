/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* libbpf's helpers as calls of tests/host/kernel.h, which plays the kernel. */
#ifndef __BPF_HELPERS__
#define __BPF_HELPERS__

#include "host/kernel.h"

#define SEC(name)	  __attribute__((unused))
#define __weak		  __attribute__((weak))
#define __noinline	  __attribute__((noinline))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))

#define bpf_map_lookup_elem(map_, key_)                                                            \
	((typeof((map_)->value))host_map_lookup(                                                   \
		map_, key_, sizeof(*(map_)->key), sizeof(*(map_)->type) / sizeof(int),             \
		sizeof(*(map_)->value), sizeof(*(map_)->max_entries) / sizeof(int)))
#define bpf_map_update_elem(map_, key_, value_, flags_)                                            \
	host_map_update(map_, key_, sizeof(*(map_)->key), value_, sizeof(*(map_)->value), flags_,  \
			sizeof(*(map_)->max_entries) / sizeof(int),                                \
			sizeof(*(map_)->type) / sizeof(int))
#define bpf_map_delete_elem(map_, key_)		  host_map_delete(map_, key_, sizeof(*(map_)->key))
#define bpf_map_lookup_percpu_elem(map_, key_, n) ((void)(key_), host_percpu_element(n))
#define bpf_get_current_pid_tgid()		  host.pid_tgid
#define bpf_get_current_comm(out, size)		  host_read_str(out, size, host.current->comm)
#define bpf_get_current_task()			  ((__u64)host.current)
#define bpf_get_current_task_btf()		  host.current
#define bpf_tail_call(ctx, map, index)		  ((void)(map)) /* never made: MW_UPROBE() */
#define bpf_task_pt_regs(task)			  ((void)(task), (long)host.user_regs)
#define bpf_ktime_get_boot_ns()			  host.now_ns
#define bpf_probe_read_kernel			  host_read
#define bpf_probe_read_kernel_str		  host_read_str
#define bpf_probe_read_user			  host_read_user
#define bpf_get_prandom_u32			  host_random
#define bpf_ringbuf_reserve(map, size, flags)	  host_ring_reserve(map, size)
#define bpf_ringbuf_submit(record, flags)	  host_ring_submit(record, flags)
#define bpf_ringbuf_discard(record, flags)	  host_ring_discard(record)
#define bpf_ringbuf_output			  host_ring_output
#define bpf_ringbuf_query(map, what)                                                               \
	((what) == BPF_RB_AVAIL_DATA ? host.ring_waiting : (__u64)MW_RING_BYTES)
#define barrier_var(var)	       asm volatile("" : "+r"(var))
#define bpf_loop(n, fn, ctx, flags)    host_loop(n, fn, ctx)
#define bpf_seq_write(seq, data, size) host_seq_write(data, size)

#endif

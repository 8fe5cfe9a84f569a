/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records in the ring buffer mw_events.
 *
 * They do not wake user space (a wake-up costs more than the record): it drains the
 * buffer by a timer, and is woken only when the buffer is half full.
 */
#ifndef MEMWATCH_EVENTS_BPF_H
#define MEMWATCH_EVENTS_BPF_H

#include "memwatch.bpf.h"

static __always_inline void mw_submit(void *record)
{
	__u64 waiting = bpf_ringbuf_query(&mw_events, BPF_RB_AVAIL_DATA);
	__u64 size = bpf_ringbuf_query(&mw_events, BPF_RB_RING_SIZE);

	bpf_ringbuf_submit(record, waiting > size / 2 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

#endif

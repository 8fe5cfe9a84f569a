/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract of the kernel side (bpf/) and the user side (user/collect/):
 * what the task iterator writes, what the maps hold, what the ring buffer
 * carries, and the configuration that is fixed before the programs load.
 *
 * Fixed-width types, explicit padding, sizes asserted on both sides. Both
 * sides are always built together: there is no version to negotiate.
 */
#ifndef MEMWATCH_ABI_H
#define MEMWATCH_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define MW_COMM_LEN	       16   /* TASK_COMM_LEN of every kernel so far */
#define MW_MAX_CPUS	       1024 /* bound of the per-CPU sum; more CPUs: see mw_config.nr_cpus */
#define MW_MAX_THREADS	       65536 /* bound of the walk that adds up a process's faults ... */
#define MW_MAX_THREADS_NO_LOOP 64    /* ... and before Linux 5.17 */
#define MW_MAX_TARGETS	       4096  /* processes that can be named at once */
#define MW_MAX_PROCS	       32768 /* processes with event counts at once (mw_growth) */
#define MW_RING_BYTES	       (1 << 20)
#define MW_PATH_LEN	       256
#define MW_CGROUP_DEPTH	       16 /* levels that are searched for the limit that ran out */

/*
 * What a process did, in events; all monotonic since memwatch attached.
 * Counted in the kernel, in one hash entry a process.
 */
struct mw_growth {
	__u64 mmap_bytes, mmap_count;	  /* mapped, page-rounded; successful calls */
	__u64 munmap_bytes, munmap_count; /* unmapped, and shrunk by mremap */
	__u64 mremap_bytes, mremap_count; /* grown by mremap; all successful calls */
	__u64 brk_bytes, brk_count;	  /* grown by brk (shrinking is not taken off); moves */
	/* Page faults by where they land, sampled, in units of faults (weighted). */
	__u64 fault_heap, fault_stack, fault_mmap;
	__u64 brk_last; /* the break when last seen; 0 before that */
};

/* mw_task.flags */
#define MW_TASK_THREADS_CUT	(1u << 0) /* over MW_MAX_THREADS threads: faults are a lower bound */
#define MW_TASK_RSS_APPROXIMATE (1u << 1) /* the per-CPU counters could not be summed */
#define MW_TASK_GROWTH		(1u << 2) /* growth is valid */
#define MW_TASK_HEAP_UNKNOWN	(1u << 3) /* brk_bytes is not known (only by /proc) */

/*
 * The totals of one process: what the iterator writes at a tick, and what
 * the exit record carries.
 */
struct mw_task {
	__u32 pid;	/* thread group id, in memwatch's own PID namespace */
	__u32 ppid;	/* the same of the parent; 0 outside the namespace */
	__u64 start_ns; /* CLOCK_BOOTTIME of the start: with pid, the identity */
	char comm[MW_COMM_LEN];
	__u32 threads;
	__u32 flags;
	__u64 cgroup_id; /* kernfs id: the inode number of the cgroup's folder */
	__u64 anon_pages, file_pages, shmem_pages, swap_pages;
	__u64 pgtable_bytes;
	__u64 vm_pages, data_pages, stack_pages;
	__u64 brk_bytes; /* size of the brk heap */
	__u64 peak_rss_pages;
	__u64 minflt, majflt;
	struct mw_growth growth;
};

enum mw_event_type {
	MW_EVENT_FORK = 1,
	MW_EVENT_EXEC,
	MW_EVENT_EXIT,
	MW_EVENT_OOM,
	MW_EVENT_GC,	   /* a garbage collection ended */
	MW_EVENT_HEAP_OUT, /* a garbage-collected heap is gone: a worker has ended */
};

struct mw_event_header {
	__u32 type; /* enum mw_event_type */
	__u32 pid;
	__u64 ts_ns; /* CLOCK_BOOTTIME */
	__u64 start_ns;
	__u32 ppid;
	__u32 pad;
	char comm[MW_COMM_LEN];
};

struct mw_event_fork {
	struct mw_event_header h; /* the child's */
};

struct mw_event_exec {
	struct mw_event_header h;
	char path[MW_PATH_LEN]; /* NUL-terminated, cut if longer */
};

struct mw_event_exit {
	struct mw_event_header h;
	__s32 code; /* as wait(2) gives it: signal in the low 7 bits, core flag 0x80, status << 8 */
	__u32 has_task;	     /* the last sizes in @task are valid (the mm was still there) */
	struct mw_task task; /* peak_rss_pages, minflt and majflt are always valid */
};

struct mw_event_oom {
	struct mw_event_header h; /* the victim's */
	__u64 cgroup_id;	  /* of the victim */
	__u64 limit_cgroup_id;	  /* whose limit ran out; 0: the machine's memory, or unknown */
	__u64 limit_bytes;	  /* that limit; 0 if none was found */
	__u64 usage_bytes;	  /* charged to that cgroup then */
	__u32 limit_level;	  /* how many levels above the victim's own cgroup; 0: its own */
	__u32 memcg_known;	  /* the limits could be read */
	__u32 has_task; /* else only the PID is known: h.start_ns is 0, and so are comm, task and
			   cgroup_id; the limit is the killer's */
	__u32 pad;
	struct mw_task task;
};

enum mw_gc_kind {
	MW_GC_OTHER,
	MW_GC_SCAVENGE,	    /* V8, young generation */
	MW_GC_MARK_COMPACT, /* V8, all of the heap */
	MW_GC_MINOR_MARK_SWEEP,
	MW_GC_YOUNG, /* of another runtime */
	MW_GC_FULL,
	MW_GC_KINDS,
};

enum mw_gc_via { MW_GC_VIA_UPROBE, MW_GC_VIA_USDT };

/* MW_EVENT_GC, and MW_EVENT_HEAP_OUT, of which @isolate alone is meant. */
struct mw_event_gc {
	struct mw_event_header h;
	__u64 isolate;	  /* V8's Heap, by its address; 0: unknown */
	__u64 pause_ns;	  /* from its begin to its end, on its thread */
	__u64 live_bytes; /* that V8 counts after it; 0: unknown */
	__u32 tid;	  /* the kernel's own number */
	__u8 kind;	  /* enum mw_gc_kind */
	__u8 via;	  /* enum mw_gc_via */
	__u16 pad;
};

/* mw_lost: a per-CPU array, one counter a cause. Names are in user/model/lost.c. */
enum mw_lost {
	MW_LOST_RING,	 /* ring buffer full: a lifecycle record was dropped */
	MW_LOST_PROCS,	 /* mw_growth full: a process's events were not counted */
	MW_LOST_THREADS, /* too many threads to add up all faults */
	MW_LOST_SITES,	 /* mw_sites full: a sample was not counted */
	MW_LOST_STACKS,	 /* mw_stacks full, or too many copies: a sample was dropped */
	MW_LOST_SAMPLES, /* no room to follow another V8 allocation */
	MW_LOST_MAX,
};

/* .rodata: fixed before the programs load, so that the verifier drops what is off. */
struct mw_config {
	__u32 nr_cpus; /* possible CPUs; 0: do not sum per-CPU counters */
	__u32 page_shift;
	__u32 fault_period;	  /* page faults that a sample of the perf event stands for
				   */
	__u8 cgroup_v1;		  /* the memory controller is on its own v1 hierarchy */
	__u8 exit_has_group_dead; /* sched_process_exit has the argument (6.16+) */
	__u8 exit_sees_mm;	  /* that tracepoint fires before exit_mm (6.16+) */
	__u8 has_types;		  /* the kernel's own, for helpers that take or give a typed task */
	__u32 start_unit_ns;	  /* start times are cut to whole ones of these: see proc_tasks.h */
	__u32 address_bits;	  /* of an address in user space, on arm64; 0: MW_ADDRESS_BITS */
};

/* .bss: may change while the programs run. */
struct mw_control {
	__u32 nr_targets;    /* named processes in mw_targets; 0: all processes */
	__u32 seed;	     /* this pass makes a mw_growth entry for each process (brk_last) */
	__u32 nr_site_procs; /* in mw_site_procs: whether any process's sites are taken */
	__u32 pad;
};

/* .bss: memwatch's own PID namespace, learned before anything is attached. */
struct mw_pidns {
	__u32 level; /* 0: the initial one */
	__u32 inum;  /* to tell sibling namespaces of the same level apart */
};

/* .bss: memwatch itself, as the types lead to it: whether they are this kernel's. */
struct mw_self {
	__u64 brk;  /* its break */
	__u32 fits; /* its thread group id and its name are what the helpers say */
	__u32 pad;
};

#define MW_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "size of " #type)

MW_ASSERT_SIZE(struct mw_growth, 96);
MW_ASSERT_SIZE(struct mw_task, 144 + 96);
MW_ASSERT_SIZE(struct mw_event_header, 48);
MW_ASSERT_SIZE(struct mw_event_exec, 48 + MW_PATH_LEN);
MW_ASSERT_SIZE(struct mw_event_exit, 48 + 8 + 240);
MW_ASSERT_SIZE(struct mw_event_oom, 48 + 48 + 240);
MW_ASSERT_SIZE(struct mw_event_gc, 48 + 32);
MW_ASSERT_SIZE(struct mw_config, 24);
MW_ASSERT_SIZE(struct mw_self, 16);

#endif

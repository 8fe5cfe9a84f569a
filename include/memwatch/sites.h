/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract of the kernel and the user side about growth sites: which code
 * of a process makes it grow. Second part of abi.h.
 *
 * The kernel side walks the stack of a sampled allocation and adds its weight to
 * mw_sites, keyed by process, kind and a hash of the stack. The stack itself goes
 * through the ring buffer mw_stacks once, when the key is new: user space names it
 * once, while the process is alive and before V8 moves what it points to.
 *
 * All samples are taken by bytes with a random threshold, and carry their weight: an
 * allocation of s bytes is taken with the probability min(1, s / sample_bytes), and then
 * stands for max(s, sample_bytes) bytes. Sums are unbiased.
 */
#ifndef MEMWATCH_SITES_H
#define MEMWATCH_SITES_H

#include "memwatch/abi.h"

#define MW_FRAMES	      64	  /* frames of a stack that are kept, leaf first */
#define MW_SITE_PROCS	      64	  /* processes whose sites are taken at once */
#define MW_SITES	      8192	  /* (process, kind, stack) at once */
#define MW_STACKS_BYTES	      (512 << 10) /* ring buffer; a power of two */
#define MW_STACK_COPY_BYTES   16384	  /* of the stack, for unwinding in user space */
#define MW_TEXT_RANGES	      8
#define MW_V8_BUILTINS_RANGES 8 /* V8 has a copy of its builtins for each isolate: workers */

/* Bits of an address in user space, unless a program asks mmap(2) for one further up. */
#if defined(__TARGET_ARCH_arm64) || defined(__aarch64__)
#define MW_ADDRESS_BITS 48
#else
#define MW_ADDRESS_BITS 47
#endif

enum mw_site_kind {
	MW_SITE_FAULT = 1,   /* page faults: bytes that became resident */
	MW_SITE_BRK,	     /* the brk heap was grown */
	MW_SITE_MMAP,	     /* mapped (also by mremap) */
	MW_SITE_V8_ALLOC,    /* allocated in V8's heap */
	MW_SITE_V8_SURVIVED, /* the same, what survived into the old generation */
	MW_SITE_EXTERNAL,    /* ArrayBuffers' memory outside V8's heap, less what was freed */
	MW_SITE_KINDS,
};

enum mw_frame_kind {
	MW_FRAME_NATIVE, /* only @ip is meant; may also be JIT code without a JS frame, or a builtin
			  */
	MW_FRAME_JS,	 /* a frame of a JavaScript function */
	MW_FRAME_STUB,	 /* a frame that V8 marks by a type (@bytecode_offset): entry, exit, builtin
			  */
};

struct mw_frame {
	__u64 ip;	       /* of the leaf: where it is; of the others: the return address */
	__u64 function;	       /* JS: tagged pointer to the SharedFunctionInfo; else 0 */
	__s32 bytecode_offset; /* JS, only when @ip is in a V8 builtin (interpreter): the frame's
				  Smi as an integer; else 0. STUB: V8's frame type */
	__u32 kind;	       /* enum mw_frame_kind */
	/* JS: what identifies the function also after V8 has moved it; 0, 0 if unreadable. Who
	   reads
	   @function later checks that it still is this one. */
	__s32 script_id, literal_id;
};

/* mw_stack.flags */
#define MW_STACK_CUT	    (1u << 0) /* more than MW_FRAMES frames */
#define MW_STACK_UNREADABLE (1u << 1) /* ended at memory that could not be read */
#define MW_STACK_RECOVERED                                                                         \
	(1u << 2) /* begins in code without frame pointers: the first                              \
		frame pointer was searched on the stack */
#define MW_STACK_LINK                                                                              \
	(1u << 3) /* arm64: frames[1] is what the link register held: the leaf's                   \
		caller if the leaf has no frame yet, else of no meaning */

/* Records in mw_stacks begin with this. */
enum mw_stack_record { MW_STACK_FRAMES = 1, MW_STACK_COPY };

struct mw_stack_header {
	__u32 record; /* enum mw_stack_record */
	__u32 pid;    /* thread group id, in memwatch's own PID namespace */
	__u32 tid;    /* the thread, by the kernel's own number */
	__u32 kind;   /* enum mw_site_kind */
	__u64 ts_ns;  /* CLOCK_BOOTTIME */
};

struct mw_stack {
	struct mw_stack_header h;
	__u64 hash; /* in mw_site_key */
	__u32 flags;
	__u32 count;
	struct mw_frame frames[MW_FRAMES]; /* the record ends after the last one that is used */
};

/* Registers as DWARF numbers them on x86-64: rax rdx rcx rbx rsi rdi rbp rsp r8..r15 rip. On
 * arm64: x0..x30, sp, pc. */
#define MW_REGS 33

/* The stack of a program without frame pointers, to be unwound by .eh_frame in user space. Not
 * aggregated in the kernel: it carries its weight. */
struct mw_stack_copy {
	struct mw_stack_header h;
	__u64 bytes; /* weight */
	__u32 size;  /* bytes of @stack that are valid */
	__u32 pad;
	__u64 regs[MW_REGS];
	__u8 stack[MW_STACK_COPY_BYTES]; /* from the stack pointer upwards */
};

struct mw_site_key {
	__u32 pid;
	__u32 kind;
	__u64 hash; /* of the stack: of functions' identities, not of what V8 may move */
};

struct mw_site {
	__u64 bytes; /* weight of the samples, monotonic */
	__u64 samples;
	__u64 freed_bytes; /* MW_SITE_EXTERNAL, MW_SITE_V8_SURVIVED: of these, known to be freed;
			      monotonic */
	__u64 freed_samples;
	__u64 kept_bytes; /* MW_SITE_V8_SURVIVED: of these, alive at the last mark-compact. The
			     others are not decided yet */
	__u64 kept_samples;
};

struct mw_range {
	__u64 start, end;
};

/* How BPF recognises V8's JavaScript frames; from user/v8/v8_layout.h. */
struct mw_v8_frames {
	__u16 shared_offset; /* JSFunction.shared_function_info, bytes from the untagged pointer */
	__u16 map_type_offset;	    /* Map.instance_type, likewise */
	__u16 function_type_first;  /* instance types of JSFunctions ... */
	__u16 function_type_last;   /* ... up to and including */
	__u16 shared_type;	    /* of SharedFunctionInfo */
	__s16 bytecode_offset_fp;   /* of the bytecode offset in a frame, from fp: -32 or -40 ... */
	__u16 shared_script_offset; /* SharedFunctionInfo.script */
	__u16 shared_literal_id_offset; /* SharedFunctionInfo.function_literal_id */
	__u16 script_id_offset;		/* Script.id, a Smi */
	__u8 enabled;
	__u8 pad[5];
	struct mw_range builtins[MW_V8_BUILTINS_RANGES]; /* embedded builtins, and their remapped
							    copy; 0,0: none */
};

/* How to find V8's fresh allocations and what becomes of them; from user/v8/v8_hooks.h. */
enum mw_v8_alloc {
	MW_V8_ALLOC_NONE,
	MW_V8_ALLOC_RETURNED, /* the hook returns the tagged object */
	MW_V8_ALLOC_TOP,      /* the hook returns true; top is in the space: this + top_offset */
	MW_V8_ALLOC_TOP_AT,   /* the same in the struct that this + top_offset points to, at + 8 */
};

/* Where the mark bits of a page are: one for each word of it. */
enum mw_v8_mark {
	MW_V8_MARK_NONE,     /* not known */
	MW_V8_MARK_POINTER,  /* where the page's word at mark_offset points to */
	MW_V8_MARK_INLINE,   /* in the page, at mark_offset */
	MW_V8_MARK_METADATA, /* at mark_offset of what the page's second word points to */
};

struct mw_v8_heap {
	__u8 alloc;	       /* enum mw_v8_alloc: of new space */
	__u8 young_flags_word; /* of a page's header: index of the word ... */
	__u8 young_flags;      /* ... and the bits of it that mean new space */
	__u8 large_arg;	       /* of the size, of those that allocate large objects */
	__u8 old_alloc;	       /* enum mw_v8_alloc: of old space */
	__u8 mark;	       /* enum mw_v8_mark */
	__u16 mark_offset;
	__u32 top_offset, old_top_offset;
};

enum mw_walk {
	MW_WALK_FRAME_POINTERS,
	MW_WALK_COPY, /* the program has none: copy the stack for user space to unwind */
};

/* A process whose sites are taken: mw_site_procs, by PID in memwatch's namespace. */
struct mw_site_proc {
	__u8 walk; /* enum mw_walk */
	__u8 pad[3];
	__u32 sample_bytes;	     /* threshold of faults, brk, mmap */
	__u32 external_sample_bytes; /* threshold of ArrayBuffers */
	__u32 copies_left;	     /* stack copies until user space allows more */
	__u32 alloc_weight;	     /* V8: allocations that one in the sample stands for */
	__u32 is_sampling;	     /* V8: allocations are sampled now */
	/* Written by BPF: */
	__u64 rss_pages;      /* at the last fault sample */
	__u64 external_calls; /* that allocated an ArrayBuffer's memory, or tried to */
	struct mw_v8_frames v8;
	struct mw_v8_heap heap;
	struct mw_range text[MW_TEXT_RANGES];	   /* code with frame pointers */
	struct mw_range frameless[MW_TEXT_RANGES]; /* code without: libc and the like */
};

#define MW_EXTERNAL_LIVE 16384 /* sampled ArrayBuffers that live, of all processes */

#define MW_V8_ISOLATES	 32   /* threads that allocate in V8's heap, at once, all processes */
#define MW_V8_SAMPLES	 512  /* young allocations of one of them that are followed at once */
#define MW_V8_OLD	 1024 /* the same in the old generation: the latest */

/* What the collector of one V8 isolate (by its thread) was seen to do. */
struct mw_v8_isolate {
	__u64 owner; /* pid << 32 | tid, the kernel's own numbers; 0: free */
	__u32 pid;   /* in memwatch's namespace */
	__u32 cursor;
	__u8 in_gc; /* 1 scavenge, 2 mark-compact */
	__u8 is_scanned;
	__u16 pad;
	__u32 live_samples;
	__u64 last_addr;
	__u64 scavenges, mark_compacts;
	__u64 allocs, direct_old, promoted, died;
	__u64 kept,
		freed; /* old samples: found alive by a mark-compact for the first time, or dead */
	__u32 old_cursor;
	__u32 looks; /* at marks, and at what was moved, in mark-compacts: two of each */
};

/* A sampled ArrayBuffer that lives. */
struct mw_external_key {
	__u64 addr;
	__u64 pid;
};

struct mw_v8_sample {
	__u64 addr; /* tagged; 0: free */
	__u64 hash;
	__u64 bytes; /* weight */
	__u32 size;
	__u32 passes; /* young: scavenges that it has survived; old: mark-compacts that it has still
			 to survive before it counts as kept */
};

MW_ASSERT_SIZE(struct mw_frame, 32);
MW_ASSERT_SIZE(struct mw_stack_header, 24);
MW_ASSERT_SIZE(struct mw_stack, 40 + MW_FRAMES * 32);
MW_ASSERT_SIZE(struct mw_stack_copy, 40 + 8 * MW_REGS + MW_STACK_COPY_BYTES);
MW_ASSERT_SIZE(struct mw_site_key, 16);
MW_ASSERT_SIZE(struct mw_site, 48);
MW_ASSERT_SIZE(struct mw_v8_heap, 16);
MW_ASSERT_SIZE(struct mw_v8_frames, 24 + 16 * MW_V8_BUILTINS_RANGES);
MW_ASSERT_SIZE(struct mw_v8_isolate, 104);
MW_ASSERT_SIZE(struct mw_v8_sample, 32);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The user stack of the current task, leaf first: native frames by frame
 * pointers, JavaScript frames of V8 recognised by what they hold.
 *
 * V8 keeps frame pointers in all of its frames. One read of 64 bytes around the
 * frame pointer gives them all (user/v8/v8_layout.h has the offsets by version):
 *
 *	fp-40, -32  bytecode offset of an interpreted frame
 *	fp-16       JSFunction, tagged: (x & 3) == 1
 *	fp-8        context, tagged; or the type of a stub frame, a Smi
 *	fp          the caller's fp
 *	fp+8        return address
 *
 * JSFunctions move at every scavenge: what they belong to (SharedFunctionInfo, and
 * of that the ids that survive moving) is read here, at once.
 *
 * Libraries without frame pointers (libc) use rbp for something else. Where the
 * leaf is in one, the first frame pointer is searched on the stack: a word V
 * that points up the stack to a saved fp above V, with a return address into code
 * that has frame pointers. The leaf's caller is then the first word before V that is
 * a return address into such code, that is, one behind a call instruction.
 *
 * On arm64 a leaf that has no frame, or not yet, is in the frame of its caller, whose address the
 * link register has: it is taken for the second frame, with a mark, since a leaf with a frame
 * leaves an old address there. User space knows which it is (symbol_process_link_is_live()).
 *
 * LIMITATIONS: needs bpf_loop() (Linux 5.17). At most MW_FRAMES frames. A frameless library in the
 * middle of a stack hides its caller.
 */
#ifndef MEMWATCH_STACK_BPF_H
#define MEMWATCH_STACK_BPF_H

#include "memwatch.bpf.h"
#include "memwatch/sites.h"
#include "return.bpf.h"

#define MW_SCAN_WORDS	   128
#define MW_STACK_SPAN_MAX  (8 << 20) /* between two frames */
#define MW_FRAME_SPAN_MAX  (4 << 20)
#define MW_FP_WINDOW_BELOW 48

/* Windows into a frame as u64[8] from fp-48. */
enum { MW_SLOT_FUNCTION = 4, MW_SLOT_CONTEXT = 5, MW_SLOT_FP = 6, MW_SLOT_RETURN = 7 };

/* Programs that can interrupt each other on a CPU have a scratch of their own. */
enum mw_scratch_user { MW_SCRATCH_FAULT, MW_SCRATCH_CALL, MW_SCRATCH_UPROBE, MW_SCRATCH_USERS };

struct mw_scratch {
	struct mw_stack stack;
	struct mw_site_proc proc; /* a copy: it may be taken away meanwhile */
	__u64 words[MW_SCAN_WORDS];
	__u32 is_taken; /* a preemptible kernel runs another thread's uprobe in the middle of one */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MW_SCRATCH_USERS);
	__type(key, __u32);
	__type(value, struct mw_scratch);
} mw_scratch __weak SEC(".maps");

struct mw_walk_state {
	__u64 ip, fp, hash;
	__u32 scratch; /* enum mw_scratch_user */
	__u32 count, flags, js_frames;
};

static __always_inline bool mw_in_range(const struct mw_range *r, __u64 ip)
{
	return ip >= r->start && ip < r->end;
}

static __always_inline bool mw_in_any(const struct mw_range *ranges, int count, __u64 ip)
{
	for (int i = 0; i < count; i++) {
		if (mw_in_range(&ranges[i], ip))
			return true;
	}
	return false;
}

static __always_inline bool mw_is_builtin(const struct mw_v8_frames *v8, __u64 ip)
{
	return mw_in_any(v8->builtins, MW_V8_BUILTINS_RANGES, ip);
}

static __always_inline __u64 mw_hash_step(__u64 hash, __u64 v)
{
	hash = (hash ^ v) * 0x9E3779B97F4A7C15ULL;
	return hash ^ (hash >> 29);
}

static __always_inline bool mw_is_tagged(__u64 v)
{
	return (v & 3) == 1;
}

/* The instance type of a tagged object; 0 if it cannot be read. */
static __always_inline __u16 mw_v8_type(const struct mw_v8_frames *v8, __u64 map)
{
	__u16 type = 0;

	if (!mw_is_tagged(map) ||
	    bpf_probe_read_user(&type, sizeof(type), (void *)(map - 1 + v8->map_type_offset)))
		return 0;
	return type;
}

/* Makes a JavaScript frame of @f if @function is a JSFunction. */
static __always_inline bool mw_v8_function(const struct mw_v8_frames *v8, __u64 function,
					   struct mw_frame *f)
{
	__u64 map = 0, shared = 0, script = 0;
	__s64 id = 0;
	__u16 type;

	if (bpf_probe_read_user(&map, sizeof(map), (void *)(function - 1)))
		return false;
	type = mw_v8_type(v8, map);
	if (!type || type < v8->function_type_first || type > v8->function_type_last)
		return false;
	if (bpf_probe_read_user(&shared, sizeof(shared),
				(void *)(function - 1 + v8->shared_offset)) ||
	    !mw_is_tagged(shared) || bpf_probe_read_user(&map, sizeof(map), (void *)(shared - 1)) ||
	    mw_v8_type(v8, map) != v8->shared_type)
		return false;
	f->function = shared;
	f->kind = MW_FRAME_JS;
	bpf_probe_read_user(&f->literal_id, sizeof(f->literal_id),
			    (void *)(shared - 1 + v8->shared_literal_id_offset));
	bpf_probe_read_user(&script, sizeof(script),
			    (void *)(shared - 1 + v8->shared_script_offset));
	if (mw_is_tagged(script))
		bpf_probe_read_user(&id, sizeof(id), (void *)(script - 1 + v8->script_id_offset));
	f->script_id = id >> 32;
	return true;
}

/* What kind of frame it is, by the words around its frame pointer. */
static __always_inline void mw_classify(const struct mw_site_proc *proc, const __u64 *window,
					struct mw_frame *f)
{
	const struct mw_v8_frames *v8 = &proc->v8;
	__u64 context = window[MW_SLOT_CONTEXT], function = window[MW_SLOT_FUNCTION];
	bool builtin = mw_is_builtin(v8, f->ip);

	if (!v8->enabled)
		return;
	if (!builtin && (mw_in_any(proc->text, MW_TEXT_RANGES, f->ip) ||
			 mw_in_any(proc->frameless, MW_TEXT_RANGES, f->ip)))
		return;
	if (mw_is_tagged(context) && mw_is_tagged(function)) {
		if (!mw_v8_function(v8, function, f) || !builtin)
			return;
		f->bytecode_offset =
			(__s64)(v8->bytecode_offset_fp == -32 ? window[2] : window[1]) >> 32;
	} else if (context && !(context & 1) && context < 128) { /* 0 is no type of V8's */
		f->kind = MW_FRAME_STUB;
		f->bytecode_offset = context >> 1;
	}
}

/* A frame of w->ip at the end of the stack, native until more is known; NULL if it is full. */
static __always_inline struct mw_frame *mw_add_frame(struct mw_scratch *s, struct mw_walk_state *w)
{
	__u32 n = w->count;
	struct mw_frame *f;

	barrier_var(n);
	if (n >= MW_FRAMES)
		return NULL;
	f = &s->stack.frames[n];
	__builtin_memset(f, 0, sizeof(*f));
	f->ip = w->ip;
	w->hash = mw_hash_step(w->hash, f->ip);
	w->count = n + 1;
	return f;
}

/* One frame; the callback of bpf_loop(). */
static long mw_walk_step(__u32 i, void *ctx)
{
	struct mw_walk_state *w = ctx;
	__u32 key = w->scratch;
	struct mw_scratch *s = bpf_map_lookup_elem(&mw_scratch, &key);
	__u64 window[8], fp = w->fp;
	struct mw_frame *f;

	if (!s)
		return 1;
	f = mw_add_frame(s, w);
	if (!f) {
		w->flags |= MW_STACK_CUT;
		return 1;
	}
	if (fp < 4096 || fp & 7)
		return 1; /* the outermost frame has none */
	if (bpf_probe_read_user(window, sizeof(window), (void *)(fp - MW_FP_WINDOW_BELOW))) {
		w->flags |= MW_STACK_UNREADABLE;
		return 1;
	}
	mw_classify(&s->proc, window, f);
	if (f->kind == MW_FRAME_JS) {
		w->js_frames++;
		w->hash = mw_hash_step(w->hash,
				       (__u64)(__u32)f->script_id << 32 | (__u32)f->literal_id);
		w->hash = mw_hash_step(w->hash, (__u32)f->bytecode_offset);
	}
	w->ip = mw_code_address(window[MW_SLOT_RETURN]);
	w->fp = window[MW_SLOT_FP];
	if (w->fp <= fp || w->fp - fp > MW_STACK_SPAN_MAX)
		w->fp = 0; /* not a frame pointer: its caller may still be right */
	return !w->ip;
}

struct mw_recovery {
	__u64 sp, fp, caller;
	__u32 scratch, pad;
};

/* Whether @fp is where a saved fp and a return address into code with frame pointers lie. */
static __always_inline bool mw_is_frame(const struct mw_site_proc *proc, __u64 fp, __u64 above,
					__u64 reach)
{
	__u64 frame[2];

	return fp > above && fp - above < reach && !(fp & 7) &&
	       !bpf_probe_read_user(frame, sizeof(frame), (void *)fp) && frame[0] > fp &&
	       frame[0] - fp < MW_FRAME_SPAN_MAX &&
	       mw_in_any(proc->text, MW_TEXT_RANGES, mw_code_address(frame[1]));
}

/* One word of the stack; the callback of bpf_loop(). */
static long mw_recover_step(__u32 i, void *ctx)
{
	struct mw_recovery *r = ctx;
	__u32 key = r->scratch;
	struct mw_scratch *s = bpf_map_lookup_elem(&mw_scratch, &key);
	__u64 v, at, code;

	if (!s || i >= MW_SCAN_WORDS)
		return 1;
	v = s->words[i];
	code = mw_code_address(v);
	at = r->sp + i * 8;
	if (r->fp && at >= r->fp)
		return 1;
	if (!r->caller && mw_in_any(s->proc.text, MW_TEXT_RANGES, code) && mw_follows_call(code))
		r->caller = code;
	else if (!r->fp && mw_is_frame(&s->proc, v, at, 1 << 16))
		r->fp = v;
	return r->fp && r->caller;
}

/*
 * The leaf is in code without frame pointers: takes it for the first frame, and finds where the
 * chain of frames begins.
 */
static __always_inline void mw_recover(struct mw_scratch *s, struct mw_walk_state *w, __u64 sp,
				       __u64 link)
{
	struct mw_recovery r = {.sp = sp, .scratch = w->scratch};

	/* It was called by code with frame pointers, and has called nothing of it. */
	if (mw_in_any(s->proc.text, MW_TEXT_RANGES, link) && mw_follows_call(link))
		r.caller = link;
	if (mw_is_frame(&s->proc, w->fp, sp, 1 << 20)) /* rbp was not touched */
		r.fp = w->fp;
	if (bpf_probe_read_user(s->words, sizeof(s->words), (void *)sp)) {
		__builtin_memset(s->words, 0, sizeof(s->words)); /* near the end of the stack */
		if (bpf_probe_read_user(s->words, sizeof(s->words) / 8, (void *)sp))
			return;
	}
	bpf_loop(MW_SCAN_WORDS, mw_recover_step, &r, 0);
	if (!r.fp)
		return;
	w->flags |= MW_STACK_RECOVERED;
	w->fp = r.fp;
	if (r.caller) {
		mw_add_frame(s, w);
		w->ip = r.caller;
	}
}

/*
 * The leaf is in code with frame pointers, and the link register may be all that knows its
 * caller: if it leads to code, and the frame does not say the same, it is taken for a frame.
 */
static __always_inline void mw_add_link(struct mw_scratch *s, struct mw_walk_state *w, __u64 link)
{
	const struct mw_site_proc *proc = &s->proc;
	__u64 saved = 0;

	if (!link || mw_is_builtin(&proc->v8, w->ip) ||
	    !mw_in_any(proc->text, MW_TEXT_RANGES, w->ip) ||
	    !(mw_in_any(proc->text, MW_TEXT_RANGES, link) || mw_is_builtin(&proc->v8, link) ||
	      mw_in_any(proc->frameless, MW_TEXT_RANGES, link)))
		return;
	bpf_probe_read_user(&saved, sizeof(saved), (void *)(w->fp + 8));
	if (mw_code_address(saved) == link || !mw_follows_call(link))
		return;
	mw_add_frame(s, w);
	w->ip = link;
	w->flags |= MW_STACK_LINK;
}

/*
 * Walks the stack into the scratch of @user, whose proc must be filled in. The caller reads
 * count, flags and hash off the stack record, whose header is not touched.
 * Returns how many of the frames are JavaScript's.
 */
static __always_inline __u32 mw_walk(struct mw_scratch *s, enum mw_scratch_user user,
				     const struct mw_regs *regs)
{
	struct mw_walk_state w = {.ip = regs->ip, .fp = regs->fp, .scratch = user};
	__u64 link = mw_code_address(regs->link);

	if (mw_in_any(s->proc.frameless, MW_TEXT_RANGES, regs->ip))
		mw_recover(s, &w, regs->sp, link);
	else
		mw_add_link(s, &w, link);
	bpf_loop(MW_FRAMES + 1, mw_walk_step, &w, 0);
	s->stack.count = w.count;
	s->stack.flags = w.flags;
	s->stack.hash = w.hash;
	return w.js_frames;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * jsstack -p PID [-d SECONDS] [-n STACKS] [-i MICROSECONDS] [-s] [-w] [-m MARK] - stacks of a Node
 * process, as JSON lines
 *
 * For tests: stops each thread at random moments by ptrace(2), walks its stack by the code of
 * the BPF programs (walk.c), lets it go on, and names the frames while it runs, as memwatch does.
 *
 *	{"tid": 1, "us": 40, "reads": 12, "frames": [{"kind": "js", "fn": "f", ...}, ...]}
 *	{"stats": {...}}
 *
 * Leaf first; us: of CPU time. -n: where SECONDS do not suffice for so many stacks of JavaScript,
 * on a busy machine, up to a minute more. -i: between two stops, on the average. -s: native frames
 * are named too (slow to begin). -w: threads other than the main one too. -m: looks for these 16
 * bytes (each ^ 0x55, so that no copy of the argument is found) in the process, and tells the
 * number behind them with each stack.
 */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "sym/symbolizer.h"
#include "v8/v8_process.h"
#include "v8/walk.h"

#define MAX_THREADS    64
#define NAMED_FRAMES   128
#define FRAMES_AT_ONCE 16
#define MARK_BYTES     16
#define PATIENCE_NS    (60 * 1000000000ull)

struct options {
	pid_t pid;
	double seconds;
	uint64_t stacks; /* of JavaScript, at the least */
	unsigned interval_us;
	bool names_native, has_workers;
	const char *mark; /* of MARK_BYTES; NULL: none */
};

struct tool {
	struct options o;
	struct memreader mem;
	struct intern *names;
	struct symbolizer *symbolizer;
	struct symbol_process *symbols;
	struct v8_process *v8;
	struct mw_site_proc proc;
	pid_t threads[MAX_THREADS];
	unsigned thread_count;
	struct strbuf out;
	uint64_t mark_address; /* 0: none */
	uint64_t stacks, ns, reads, frames, js_stacks;
	uint64_t warm_stacks, warm_ns, warm_reads, warm_frames; /* the second half of the time */
};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "jsstack: %s: %s\n", what, why);
	exit(1);
}

/* --- the process --- */

static void set_text(struct tool *t)
{
	struct text_range text[2 * MW_TEXT_RANGES];
	unsigned n = symbol_process_text(t->symbols, text, 2 * MW_TEXT_RANGES);
	unsigned with = 0, without = 0;

	for (unsigned i = 0; i < n; i++) {
		struct mw_range r = {text[i].start, text[i].end};

		if (v8_process_is_copy(t->v8, r.start))
			continue;
		if (text[i].has_frame_pointers && with < MW_TEXT_RANGES)
			t->proc.text[with++] = r;
		else if (!text[i].has_frame_pointers && without < MW_TEXT_RANGES)
			t->proc.frameless[without++] = r;
	}
}

static void open_process(struct tool *t)
{
	const char *why = NULL;
	uint64_t begin = now_ns();

	memreader_init_process(&t->mem, t->o.pid);
	t->names = intern_new(16 << 20);
	t->symbolizer = symbolizer_new(t->names);
	t->symbols = symbol_process_new(t->symbolizer, t->o.pid);
	if (!t->symbols)
		fail("symbols", strerror(errno));
	t->v8 = v8_process_open(t->o.pid, &t->mem, t->names, &why);
	if (!t->v8)
		fail("V8", why);
	fprintf(stderr, "jsstack: V8 opened in %.1f ms\n", (double)(now_ns() - begin) / 1e6);
	v8_process_frames(t->v8, &t->proc.v8);
	set_text(t);
	if (!t->proc.v8.enabled)
		fail("V8", "its builtins were not found");
}

/* Where the number is that the process says what it is doing by. */
static uint64_t find_mark_in(struct tool *t, const struct proc_map *m, const unsigned char *wanted)
{
	static unsigned char bytes[1 << 20];

	for (uint64_t at = m->start; at < m->end; at += sizeof(bytes)) {
		size_t n = m->end - at < sizeof(bytes) ? m->end - at : sizeof(bytes);
		const unsigned char *found;

		if (memreader_read(&t->mem, at, bytes, n))
			continue;
		found = memmem(bytes, n, wanted, MARK_BYTES);
		if (found)
			return at + (uint64_t)(found - bytes) + MARK_BYTES;
	}
	return 0;
}

static void find_mark(struct tool *t)
{
	struct proc_maps maps = {0};
	unsigned char wanted[MARK_BYTES];

	for (int i = 0; i < MARK_BYTES; i++)
		wanted[i] = (unsigned char)t->o.mark[i] ^ 0x55;
	if (proc_maps_read(t->o.pid, 0, &maps))
		fail("maps", strerror(errno));
	for (unsigned i = 0; i < maps.count && !t->mark_address; i++) {
		if (maps.maps[i].perms[1] == 'w' && !proc_map_is_file(&maps.maps[i]))
			t->mark_address = find_mark_in(t, &maps.maps[i], wanted);
	}
	proc_maps_release(&maps);
	if (!t->mark_address)
		fail("mark", "it was not found");
}

static void attach_threads(struct tool *t)
{
	char name[64];
	struct dirent *e;
	DIR *dir;

	snprintf(name, sizeof(name), "/proc/%d/task", t->o.pid);
	dir = opendir(name);
	while (dir && (e = readdir(dir)) && t->thread_count < MAX_THREADS) {
		pid_t tid = (pid_t)atoi(e->d_name);

		if (!tid || (tid != t->o.pid && !t->o.has_workers))
			continue;
		if (!ptrace(PTRACE_SEIZE, tid, NULL, NULL))
			t->threads[t->thread_count++] = tid;
	}
	if (dir)
		closedir(dir);
	if (!t->thread_count)
		fail("ptrace", strerror(errno));
}

/* --- one stack --- */

static const char *kind_name(const struct frame *f)
{
	static const char *const names[] = {"unknown", "native", "js", "builtin"};

	return names[f->kind];
}

static void print_frame(struct json *j, const struct frame *f)
{
	static const char *const origins[] = {"user", "dependency", "runtime"};
	static const char *const tiers[] = {"none", "interpreted", "baseline", "maglev",
					    "turbofan"};

	json_object_begin(j, NULL);
	json_str(j, "kind", kind_name(f));
	if (f->fn)
		json_str(j, "fn", f->fn);
	if (f->file)
		json_str(j, "file", f->file);
	if (f->line)
		json_u64(j, "line", f->line);
	if (f->fn_line)
		json_u64(j, "fn_line", f->fn_line);
	if (f->kind == FRAME_JS) {
		json_str(j, "origin", origins[f->origin]);
		json_str(j, "tier", tiers[f->tier]);
	}
	if (f->is_inlined)
		json_flag(j, "inlined", true);
	if (f->is_approximate)
		json_flag(j, "approximate", true);
	json_object_end(j);
}

static void print_stack(struct tool *t, pid_t tid, uint32_t mark, uint64_t us, uint64_t reads,
			const struct frame *frames, unsigned count)
{
	struct json j;

	strbuf_clear(&t->out);
	json_begin(&j, &t->out);
	json_u64(&j, "tid", (uint64_t)tid);
	json_u64(&j, "us", us);
	json_u64(&j, "reads", reads);
	if (t->mark_address)
		json_u64(&j, "mark", tid == t->o.pid ? mark : 0);
	json_array_begin(&j, "frames");
	for (unsigned i = 0; i < count; i++)
		print_frame(&j, &frames[i]);
	json_array_end(&j);
	json_end(&j);
	fwrite(t->out.s, 1, t->out.len, stdout);
}

static unsigned name_native(struct tool *t, const struct mw_frame *raw, bool is_return,
			    struct frame *out, unsigned max)
{
	if (raw->kind != MW_FRAME_NATIVE)
		return 0;
	if (t->o.names_native)
		return symbol_process_resolve(t->symbols, raw->ip, is_return, out, max);
	*out = (struct frame){.ip = raw->ip, .kind = FRAME_NATIVE};
	return 1;
}

static void name_stack(struct tool *t, pid_t tid, uint32_t mark, const struct mw_frame *raw,
		       unsigned raw_count, bool is_warm)
{
	struct frame frames[NAMED_FRAMES];
	uint64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID), reads = t->mem.reads, ns;
	unsigned count = 0, js = 0;

	for (unsigned i = 0; i < raw_count && count < NAMED_FRAMES; i++) {
		unsigned room = NAMED_FRAMES - count;
		unsigned n = v8_process_resolve(t->v8, &raw[i], i > 0, frames + count,
						room < FRAMES_AT_ONCE ? room : FRAMES_AT_ONCE);

		js += raw[i].kind == MW_FRAME_JS;
		count += n ? n : name_native(t, &raw[i], i > 0, frames + count, room);
	}
	ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
	reads = t->mem.reads - reads;
	t->stacks++;
	if (!js)
		return;
	t->js_stacks++;
	t->ns += ns;
	t->reads += reads;
	t->frames += count;
	if (is_warm) {
		t->warm_stacks++;
		t->warm_ns += ns;
		t->warm_reads += reads;
		t->warm_frames += count;
	}
	print_stack(t, tid, mark, ns / 1000, reads, frames, count);
}

static bool wait_stopped(pid_t tid)
{
	int status;

	return waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status);
}

/* Where a stopped thread is. */
static bool thread_regs(pid_t tid, uint64_t *ip, uint64_t *sp, uint64_t *fp)
{
	struct user_regs_struct regs;
	struct iovec to = {&regs, sizeof(regs)};

	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &to))
		return false;
#if defined(__aarch64__)
	*ip = regs.pc;
	*sp = regs.sp;
	*fp = regs.regs[29];
#else
	*ip = regs.rip;
	*sp = regs.rsp;
	*fp = regs.rbp;
#endif
	return true;
}

/* Returns false when the thread has ended. */
static bool sample(struct tool *t, pid_t tid, bool is_warm)
{
	struct mw_frame frames[MW_FRAMES];
	uint32_t count = 0, mark = 0;
	uint64_t ip, sp, fp;

	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) || !wait_stopped(tid))
		return false;
	if (thread_regs(tid, &ip, &sp, &fp))
		walk_stack(t->o.pid, &t->proc, ip, sp, fp, frames, &count);
	if (t->mark_address)
		memreader_read(&t->mem, t->mark_address, &mark, sizeof(mark));
	if (ptrace(PTRACE_CONT, tid, NULL, NULL))
		return false;
	name_stack(t, tid, mark, frames, count, is_warm);
	return true;
}

static void print_stats(struct tool *t)
{
	const struct v8_resolve_stats *s = v8_process_stats(t->v8);
	double n = t->js_stacks ? (double)t->js_stacks : 1;
	double warm = t->warm_stacks ? (double)t->warm_stacks : 1;
	struct json j;

	strbuf_clear(&t->out);
	json_begin(&j, &t->out);
	json_object_begin(&j, "stats");
	json_u64(&j, "stacks", t->stacks);
	json_u64(&j, "js_stacks", t->js_stacks);
	json_fixed(&j, "frames_a_stack", (double)t->frames / n, 1);
	json_fixed(&j, "us_a_stack", (double)t->ns / 1e3 / n, 1);
	json_fixed(&j, "reads_a_stack", (double)t->reads / n, 1);
	json_fixed(&j, "warm_us_a_stack", (double)t->warm_ns / 1e3 / warm, 1);
	json_fixed(&j, "warm_reads_a_stack", (double)t->warm_reads / warm, 1);
	json_u64(&j, "js_frames", s->js_frames);
	json_u64(&j, "named", s->named);
	json_u64(&j, "with_file", s->with_file);
	json_u64(&j, "with_fn_line", s->with_fn_line);
	json_u64(&j, "with_line", s->with_line);
	json_u64(&j, "interpreted", s->interpreted);
	json_u64(&j, "baseline", s->baseline);
	json_u64(&j, "maglev", s->maglev);
	json_u64(&j, "turbofan", s->turbofan);
	json_u64(&j, "inlined", s->inlined);
	json_u64(&j, "approximate", s->approximate);
	json_u64(&j, "code_scans", s->code_scans);
	json_u64(&j, "code_scan_failures", s->code_scan_failures);
	json_u64(&j, "unreadable", s->unreadable);
	json_object_end(&j);
	json_end(&j);
	fwrite(t->out.s, 1, t->out.len, stdout);
}

static bool is_enough(const struct tool *t, uint64_t now, uint64_t end)
{
	return now >= end && (t->js_stacks >= t->o.stacks || now >= end + PATIENCE_NS);
}

static void parse(int argc, char **argv, struct options *o)
{
	int c;

	*o = (struct options){.seconds = 3, .interval_us = 1000};
	while ((c = getopt(argc, argv, "p:d:n:i:swm:")) != -1) {
		switch (c) {
		case 'p':
			o->pid = (pid_t)atoi(optarg);
			break;
		case 'd':
			o->seconds = atof(optarg);
			break;
		case 'n':
			o->stacks = (uint64_t)atoll(optarg);
			break;
		case 'i':
			o->interval_us = (unsigned)atoi(optarg);
			break;
		case 's':
			o->names_native = true;
			break;
		case 'w':
			o->has_workers = true;
			break;
		case 'm':
			o->mark = strlen(optarg) == MARK_BYTES ? optarg : NULL;
			break;
		default:
			fail("usage", "-p PID [-d SECONDS] [-n STACKS] [-i MICROSECONDS] [-s] [-w] "
				      "[-m MARK]");
		}
	}
	if (o->pid <= 0)
		fail("usage", "-p PID is needed");
}

int main(int argc, char **argv)
{
	struct tool t = {0};
	uint64_t begin, end;

	strbuf_init(&t.out);
	parse(argc, argv, &t.o);
	open_process(&t);
	if (t.o.mark)
		find_mark(&t);
	attach_threads(&t);
	begin = now_ns();
	end = begin + (uint64_t)(t.o.seconds * 1e9);
	while (t.thread_count && !is_enough(&t, now_ns(), end)) {
		/* Mostly the main thread: others are idle, but for the worker's */
		unsigned i = random() % 4 ? 0 : (unsigned)random() % t.thread_count;

		usleep((unsigned)random() % (2 * t.o.interval_us + 1));
		if (!sample(&t, t.threads[i], now_ns() - begin > (end - begin) / 2))
			t.threads[i] = t.threads[--t.thread_count];
	}
	print_stats(&t);
	v8_process_free(t.v8);
	symbol_process_free(t.symbols);
	symbolizer_free(t.symbolizer);
	intern_free(t.names);
	strbuf_release(&t.out);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The field catalogue, and how a column is sorted, formatted and padded.
 */
#include "output/fields.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "analysis/growth.h"
#include "analysis/verdict.h"
#include "base/units.h"
#include "output/verdict_text.h"

#define CONFIDENCE_STEPS 10000

#define TOTAL(member, unit, help)                                                                  \
	{                                                                                          \
#member, unit, offsetof(struct totals, member), help                               \
	}
#define ACTIVITY(member, unit, needs, help)                                                        \
	{                                                                                          \
#member, unit, offsetof(struct activity, member), needs, help                      \
	}

const struct total_field total_fields[] = {
	TOTAL(rss_bytes, UNIT_BYTES, "resident memory: anon + file + shmem"),
	TOTAL(anon_bytes, UNIT_BYTES, "resident anonymous memory: heaps, stacks, V8's spaces"),
	TOTAL(file_bytes, UNIT_BYTES, "resident pages of mapped files (page cache)"),
	TOTAL(shmem_bytes, UNIT_BYTES, "resident shared memory: tmpfs, memfd, shared anonymous"),
	TOTAL(swap_bytes, UNIT_BYTES, "anonymous memory that was swapped out"),
	TOTAL(pgtable_bytes, UNIT_BYTES, "page tables"),
	TOTAL(vm_bytes, UNIT_BYTES, "address space"),
	TOTAL(data_bytes, UNIT_BYTES, "private writable address space"),
	TOTAL(stack_bytes, UNIT_BYTES, "address space of the main thread's stack"),
	TOTAL(heap_bytes, UNIT_BYTES, "the brk heap (malloc's small blocks), as mapped"),
	TOTAL(threads, UNIT_COUNT, "threads"),
	TOTAL(minflt, UNIT_COUNT, "page faults so far that needed no I/O"),
	TOTAL(majflt, UNIT_COUNT, "page faults so far that waited for I/O"),
};
const size_t total_field_count = sizeof(total_fields) / sizeof(total_fields[0]);

const struct activity_field activity_fields[] = {
	ACTIVITY(fault_bytes, UNIT_BYTES, ACTIVITY_ALWAYS,
		 "made resident by page faults, at the least: a page a fault, or the growth where "
		 "that is more (huge pages, fault-around)"),
	ACTIVITY(fault_count, UNIT_COUNT, ACTIVITY_ALWAYS, "page faults"),
	ACTIVITY(brk_bytes, UNIT_BYTES, ACTIVITY_CALLS, "the brk heap grown by"),
	ACTIVITY(brk_count, UNIT_COUNT, ACTIVITY_CALLS, "moves of the break, up or down"),
	ACTIVITY(mmap_bytes, UNIT_BYTES, ACTIVITY_CALLS, "mapped by mmap"),
	ACTIVITY(mmap_count, UNIT_COUNT, ACTIVITY_CALLS, "calls of mmap that succeeded"),
	ACTIVITY(munmap_bytes, UNIT_BYTES, ACTIVITY_CALLS, "unmapped by munmap and mremap"),
	ACTIVITY(munmap_count, UNIT_COUNT, ACTIVITY_CALLS, "calls of munmap that succeeded"),
	ACTIVITY(mremap_bytes, UNIT_BYTES, ACTIVITY_CALLS, "mappings grown by mremap"),
	ACTIVITY(mremap_count, UNIT_COUNT, ACTIVITY_CALLS, "calls of mremap that succeeded"),
	ACTIVITY(fault_heap, UNIT_COUNT, ACTIVITY_SAMPLED, "faults in the brk heap (sampled)"),
	ACTIVITY(fault_stack, UNIT_COUNT, ACTIVITY_SAMPLED,
		 "faults in the main thread's stack (sampled)"),
	ACTIVITY(fault_mmap, UNIT_COUNT, ACTIVITY_SAMPLED,
		 "faults in mappings: V8's heap, large blocks, files, threads' stacks (sampled)"),
};
const size_t activity_field_count = sizeof(activity_fields) / sizeof(activity_fields[0]);

uint64_t total_value(const struct total_field *f, const struct totals *t)
{
	return *(const uint64_t *)((const char *)t + f->offset);
}

bool total_is_known(const struct total_field *f, const struct totals *t)
{
	return !t->heap_unknown || f->offset != offsetof(struct totals, heap_bytes);
}

uint64_t activity_value(const struct activity_field *f, const struct activity *a)
{
	return *(const uint64_t *)((const char *)a + f->offset);
}

/* --- columns --- */

static void add_bytes(struct strbuf *out, uint64_t bytes)
{
	char text[UNITS_SIZE];

	strbuf_adds(out, units_format_bytes(text, sizeof(text), bytes));
}

static void add_delta(struct strbuf *out, int64_t bytes)
{
	char text[UNITS_SIZE];

	strbuf_adds(out, units_format_delta(text, sizeof(text), bytes));
}

/* Events a second, over the interval of this tick. */
static int64_t per_second(const struct process *p, uint64_t count)
{
	uint64_t ns = p->now_ns - p->before_ns;

	return p->has_delta && ns ? (int64_t)((double)count * 1e9 / ns) : 0;
}

static void add_per_second(struct strbuf *out, const struct process *p, uint64_t count)
{
	char text[UNITS_SIZE];

	strbuf_adds(out, p->has_delta ? units_format_count(text, sizeof(text), per_second(p, count))
				      : "-");
}

#define BYTES_COLUMN(name, member)                                                                 \
	static int64_t value_##name(const struct process *p)                                       \
	{                                                                                          \
		return p->now.member;                                                              \
	}                                                                                          \
	static void format_##name(struct strbuf *out, const struct process *p)                     \
	{                                                                                          \
		add_bytes(out, p->now.member);                                                     \
	}

#define RATE_COLUMN(name, condition, sum)                                                          \
	static int64_t value_##name(const struct process *p)                                       \
	{                                                                                          \
		return (condition) ? per_second(p, sum) : 0;                                       \
	}                                                                                          \
	static void format_##name(struct strbuf *out, const struct process *p)                     \
	{                                                                                          \
		if (condition)                                                                     \
			add_per_second(out, p, sum);                                               \
		else                                                                               \
			strbuf_addc(out, '-');                                                     \
	}

BYTES_COLUMN(rss, rss_bytes)
BYTES_COLUMN(anon, anon_bytes)
BYTES_COLUMN(file, file_bytes)
BYTES_COLUMN(shmem, shmem_bytes)
BYTES_COLUMN(swap, swap_bytes)
BYTES_COLUMN(pgtable, pgtable_bytes)
BYTES_COLUMN(vm, vm_bytes)

static int64_t value_heap(const struct process *p)
{
	return p->now.heap_bytes;
}

static void format_heap(struct strbuf *out, const struct process *p)
{
	if (p->now.heap_unknown)
		strbuf_addc(out, '-');
	else
		add_bytes(out, p->now.heap_bytes);
}

RATE_COLUMN(faults, true, p->activity.fault_count)
RATE_COLUMN(calls, p->calls_counted,
	    p->activity.mmap_count + p->activity.munmap_count + p->activity.mremap_count +
		    p->activity.brk_count)

static int64_t value_pid(const struct process *p)
{
	return p->pid;
}

static void format_pid(struct strbuf *out, const struct process *p)
{
	strbuf_addu(out, p->pid);
}

static void format_comm(struct strbuf *out, const struct process *p)
{
	strbuf_add_text(out, p->comm, sizeof(p->comm));
}

static int64_t value_growth(const struct process *p)
{
	return growth_rate(p);
}

static void format_growth(struct strbuf *out, const struct process *p)
{
	if (!p->has_delta) {
		strbuf_addc(out, '-');
		return;
	}
	add_delta(out, growth_rate(p));
	strbuf_adds(out, "/s");
}

static void format_delta(struct strbuf *out, const struct process *p)
{
	if (p->has_delta)
		add_delta(out, growth_delta(p));
	else
		strbuf_addc(out, '-');
}

static void format_since(struct strbuf *out, const struct process *p)
{
	add_delta(out, growth_since_first(p));
}

static int64_t value_threads(const struct process *p)
{
	return p->now.threads;
}

static void format_threads(struct strbuf *out, const struct process *p)
{
	strbuf_addu(out, p->now.threads);
}

/* Leaks first, the surest before all; what was not judged comes last. */
static int64_t value_verdict(const struct process *p)
{
	const struct verdict *v = p->verdict;

	if (!v)
		return 0;
	if (!v->is_leak)
		return 1 + (int64_t)v->class;
	return VERDICT_CLASSES + 1 + (int64_t)(v->confidence * CONFIDENCE_STEPS);
}

static void format_verdict(struct strbuf *out, const struct process *p)
{
	verdict_label_add(out, p->verdict);
}

/* What is met first comes first. */
static int64_t value_limit(const struct process *p)
{
	const double never = 0x1p62;

	if (!verdict_has_limit(p->verdict) || p->verdict->limit_seconds >= never)
		return 0;
	return (int64_t)never - (int64_t)p->verdict->limit_seconds;
}

static void format_limit(struct strbuf *out, const struct process *p)
{
	verdict_limit_add(out, p->verdict);
}

const struct column columns[] = {
	{"pid", "PID", 7, false, "process id", format_pid, value_pid},
	{"comm", "COMMAND", 15, true, "name of the program", format_comm, NULL},
	{"growth", "GROWTH", 9, false, "rss + swap, change a second over the last 10 s",
	 format_growth, value_growth},
	{"verdict", "VERDICT", 12, true, "whether it leaks, and how sure that is; leaks first",
	 format_verdict, value_verdict},
	{"limit", "LIMIT", 6, false, "time until a limit is met if it goes on; soonest first",
	 format_limit, value_limit},
	{"delta", "DELTA", 7, false, "rss + swap, change since the tick before", format_delta,
	 growth_delta},
	{"since", "SINCE", 7, false, "rss + swap, change since memwatch first saw it", format_since,
	 growth_since_first},
	{"rss", "RSS", 6, false, "resident memory: anon + file + shmem", format_rss, value_rss},
	{"anon", "ANON", 6, false, "heaps, stacks, V8's spaces", format_anon, value_anon},
	{"file", "FILE", 6, false, "resident pages of mapped files", format_file, value_file},
	{"shmem", "SHMEM", 6, false, "tmpfs, memfd, shared anonymous", format_shmem, value_shmem},
	{"swap", "SWAP", 6, false, "swapped out", format_swap, value_swap},
	{"heap", "HEAP", 6, false, "the brk heap, as mapped", format_heap, value_heap},
	{"pgtable", "PGTAB", 6, false, "page tables", format_pgtable, value_pgtable},
	{"vm", "VM", 6, false, "address space", format_vm, value_vm},
	{"faults", "FLT/s", 6, false, "page faults a second", format_faults, value_faults},
	{"calls", "CALL/s", 6, false, "calls of mmap, munmap, mremap and brk a second",
	 format_calls, value_calls},
	{"threads", "THR", 4, false, "threads", format_threads, value_threads},
};
const size_t column_count = sizeof(columns) / sizeof(columns[0]);

const struct column *column_find(const char *key)
{
	for (size_t i = 0; i < column_count; i++) {
		size_t len = strlen(columns[i].key);

		/* "anon_bytes", the NDJSON key, means the same. */
		if (!strncmp(key, columns[i].key, len) &&
		    (!key[len] || !strcmp(key + len, "_bytes")))
			return &columns[i];
	}
	return NULL;
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct process *p = *(struct process *const *)a, *q = *(struct process *const *)b;
	const struct column *c = arg;
	uint64_t pf = totals_footprint(&p->now), qf = totals_footprint(&q->now);

	if (c->value) {
		int64_t pv = c->value(p), qv = c->value(q);

		if (pv != qv)
			return pv < qv ? 1 : -1;
	} else {
		int order = strcmp(p->comm, q->comm);

		if (order)
			return order;
	}
	if (pf != qf)
		return pf < qf ? 1 : -1;
	return p->pid < q->pid ? -1 : p->pid > q->pid;
}

void column_sort(const struct column *c, struct process **list, size_t count)
{
	qsort_r(list, count, sizeof(*list), compare, (void *)c);
}

/* One character of @text, of @left bytes; its bytes, and the columns that it takes. */
static size_t measure(const char *text, size_t left, int *width)
{
	mbstate_t state = {0};
	wchar_t wc;
	size_t n = mbrtowc(&wc, text, left, &state);

	if (n && n <= left) {
		*width = wcwidth(wc);
		*width = *width < 0 ? 1 : *width;
		return n;
	}
	for (n = 1; n < left && (text[n] & 0xC0) == 0x80; n++) /* not of this locale: a column */
		;
	*width = 1;
	return n;
}

void column_pad(struct strbuf *out, const char *text, int width, bool is_left)
{
	int used = 0, w;
	size_t len = 0, left = strlen(text);

	while (left) {
		size_t n = measure(text + len, left, &w);

		if (used + w > width)
			break;
		used += w;
		len += n;
		left -= n;
	}
	for (int i = used; !is_left && i < width; i++)
		strbuf_addc(out, ' ');
	strbuf_add(out, text, len);
	for (int i = used; is_left && i < width; i++)
		strbuf_addc(out, ' ');
}

int text_columns(const char *text)
{
	int used = 0, w;

	for (size_t left = strlen(text); left;) {
		size_t n = measure(text, left, &w);

		used += w;
		text += n;
		left -= n;
	}
	return used;
}

void column_cut(struct strbuf *out, const char *text, int width)
{
	if (text_columns(text) <= width) {
		strbuf_adds(out, text);
		return;
	}
	column_pad(out, text, width - 2, true);
	strbuf_adds(out, "..");
}

/*
 * Scaled from the lowest to the highest sample shown; a course that moves by
 * less than 1/64 of its height is drawn flat, so that noise looks like noise.
 */
void sparkline(struct strbuf *out, const struct history *h, unsigned width, bool utf8)
{
	static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const ascii[] = {"_", ".", "-", "~", "=", "+", "*", "#"};
	uint64_t ns, bytes, low = UINT64_MAX, high = 0, span;

	for (unsigned age = 0; age < width && history_at(h, age, &ns, &bytes); age++) {
		low = bytes < low ? bytes : low;
		high = bytes > high ? bytes : high;
	}
	span = high > low ? high - low : 0;
	if (span < high / 64)
		span = 0;
	for (unsigned i = width; i-- > 0;) {
		unsigned step = 0;

		if (!history_at(h, i, &ns, &bytes)) {
			strbuf_addc(out, ' ');
			continue;
		}
		if (span)
			step = (unsigned)((double)(bytes - low) * 7 / span + 0.5);
		strbuf_adds(out, utf8 ? blocks[step & 7] : ascii[step & 7]);
	}
}

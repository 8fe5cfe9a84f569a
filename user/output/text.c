/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lines of text, for a pipe or a file: one a process a tick, each with its
 * time, so that grep and awk need no context. Lines that begin with '#' are
 * talk: the header, what ended, what was lost, what memwatch itself took.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/units.h"
#include "output/sink.h"

#define DEFAULT_ROWS 10
#define TIME_WIDTH   9 /* HH:MM:SS and a space */

/* The columns of a line, as keys of the catalogue. */
static const char *const line_columns[] = {"pid",  "comm", "growth", "delta", "since",	"rss",
					   "anon", "file", "shmem",  "swap",  "faults", "calls"};
#define LINE_COLUMNS (sizeof(line_columns) / sizeof(line_columns[0]))

struct text {
	struct sink sink;
	int fd;
	unsigned page_shift;
	bool is_named; /* the user named processes: each one's events are shown */
	struct strbuf out, cell;
};

static struct text *text_of(struct sink *s)
{
	return (struct text *)s;
}

/* UTC, as in the NDJSON. */
static void add_time(struct strbuf *out, uint64_t wall_ns)
{
	char time[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(time, sizeof(time), wall_ns);
	strbuf_add(out, time + 11, 8);
	strbuf_addc(out, ' ');
}

static int text_begin(struct sink *s, const struct run *run)
{
	struct text *t = text_of(s);

	t->is_named = run->pid_count || run->comm || run->cgroup;
	strbuf_adds(&t->out, "# TIME  ");
	for (size_t i = 0; i < LINE_COLUMNS; i++) {
		const struct column *c = column_find(line_columns[i]);

		strbuf_addc(&t->out, ' ');
		column_pad(&t->out, c->title, c->width, c->is_left);
	}
	strbuf_addc(&t->out, '\n');
	return sink_write(t->fd, &t->out);
}

static void add_line(struct text *t, const struct process *p, const struct tick *tick)
{
	add_time(&t->out, tick->wall_ns);
	for (size_t i = 0; i < LINE_COLUMNS; i++) {
		const struct column *c = column_find(line_columns[i]);

		strbuf_clear(&t->cell);
		c->format(&t->cell, p);
		if (i)
			strbuf_addc(&t->out, ' ');
		column_pad(&t->out, t->cell.s, c->width, c->is_left);
	}
	strbuf_addc(&t->out, '\n');
}

static void add_lost(struct strbuf *out, const struct lost *lost)
{
	for (unsigned i = 0; i < LOST_MAX; i++) {
		if (lost->count[i])
			strbuf_addf(out, " %s=%llu", lost_name(i),
				    (unsigned long long)lost->count[i]);
	}
}

static int text_tick(struct sink *s, const struct tick *tick)
{
	static const struct lost nothing;
	struct text *t = text_of(s);
	size_t rows = tick->rows_wanted ? tick->rows_wanted : DEFAULT_ROWS;

	if (t->is_named && !tick->rows_wanted)
		rows = tick->count;
	for (size_t i = 0; i < rows && i < tick->count; i++)
		add_line(t, tick->rows[i], tick);
	if (memcmp(&tick->lost, &nothing, sizeof(nothing))) {
		strbuf_adds(&t->out, "# ");
		add_time(&t->out, tick->wall_ns);
		strbuf_adds(&t->out, "lost:");
		add_lost(&t->out, &tick->lost);
		if (tick->shed)
			strbuf_addf(&t->out, " (shed: %s)", tick->shed);
		strbuf_addc(&t->out, '\n');
	}
	return sink_write(t->fd, &t->out);
}

static void add_event_head(struct text *t, const char *what, uint64_t ts_ns, uint32_t pid,
			   const char *comm)
{
	strbuf_adds(&t->out, "# ");
	add_time(&t->out, sink_wall_ns(ts_ns));
	strbuf_addf(&t->out, "%s: %u (", what, pid);
	strbuf_add_text(&t->out, comm, MW_COMM_LEN);
	strbuf_adds(&t->out, ")");
}

static void add_size(struct strbuf *out, const char *label, uint64_t bytes)
{
	char size[UNITS_SIZE];

	strbuf_addf(out, " %s %s", label, units_format_bytes(size, sizeof(size), bytes));
}

static void text_exit(struct text *t, const struct mw_event_exit *e)
{
	add_event_head(t, "exit", e->h.ts_ns, e->h.pid, e->h.comm);
	if (WIFSIGNALED(e->code))
		strbuf_addf(&t->out, " by signal %d (SIG%s),", WTERMSIG(e->code),
			    sigabbrev_np(WTERMSIG(e->code)) ? sigabbrev_np(WTERMSIG(e->code))
							    : "?");
	else
		strbuf_addf(&t->out, " with status %d,", WEXITSTATUS(e->code));
	add_size(&t->out, "peak rss", e->task.peak_rss_pages << t->page_shift);
	strbuf_addc(&t->out, '\n');
}

static void text_oom(struct text *t, const struct mw_event_oom *e, const struct process *p)
{
	char path[4096];

	if (p && (!p->cgroup || p->cgroup->node.key != e->cgroup_id))
		p = NULL; /* it moved since it was last seen */
	add_event_head(t, "OOM kill", e->h.ts_ns, e->h.pid, e->h.comm);
	add_size(&t->out, "anon", e->task.anon_pages << t->page_shift);
	add_size(&t->out, "file", e->task.file_pages << t->page_shift);
	add_size(&t->out, "shmem", e->task.shmem_pages << t->page_shift);
	if (e->limit_cgroup_id) {
		add_size(&t->out, "- limit", e->limit_bytes);
		strbuf_adds(&t->out, " of cgroup ");
		if (!oom_limit_path(p, e->limit_level, path, sizeof(path)))
			strbuf_add_text(&t->out, path, strlen(path));
		else
			strbuf_addf(&t->out, "id %llu", (unsigned long long)e->limit_cgroup_id);
	} else if (e->memcg_known) {
		strbuf_adds(&t->out, " - the machine's memory ran out");
	}
	strbuf_addc(&t->out, '\n');
}

/* On a whole machine only what matters by itself; of named processes, everything. */
static int text_event(struct sink *s, const struct mw_event_header *h, const struct process *p)
{
	struct text *t = text_of(s);
	const struct mw_event_exec *exec = (const struct mw_event_exec *)h;

	if (h->type == MW_EVENT_OOM) {
		text_oom(t, (const struct mw_event_oom *)h, p);
	} else if (h->type == MW_EVENT_EXIT && t->is_named) {
		text_exit(t, (const struct mw_event_exit *)h);
	} else if (h->type == MW_EVENT_EXEC && t->is_named) {
		add_event_head(t, "exec", h->ts_ns, h->pid, h->comm);
		strbuf_addc(&t->out, ' ');
		strbuf_add_text(&t->out, exec->path, MW_PATH_LEN);
		strbuf_addc(&t->out, '\n');
	}
	return 0;
}

static int text_vanished(struct sink *s, const struct process *p, uint64_t now_ns)
{
	struct text *t = text_of(s);

	if (!t->is_named)
		return 0;
	add_event_head(t, "gone", now_ns, p->pid, p->comm);
	strbuf_addc(&t->out, ',');
	add_size(&t->out, "last rss", p->now.rss_bytes);
	strbuf_addc(&t->out, '\n');
	return 0;
}

static int text_flush(struct sink *s)
{
	struct text *t = text_of(s);

	return t->out.len ? sink_write(t->fd, &t->out) : 0;
}

static int text_end(struct sink *s, const struct end *e)
{
	struct text *t = text_of(s);

	strbuf_adds(&t->out, "# memwatch took");
	strbuf_addf(&t->out, " %.2f %% of a CPU%s,", e->cost.cpu_pct_run,
		    e->cost.bpf_known ? " (BPF included)" : " (BPF not included)");
	add_size(&t->out, "rss", e->cost.rss_bytes);
	add_size(&t->out, "+ maps", e->cost.map_bytes);
	strbuf_adds(&t->out, "; lost:");
	add_lost(&t->out, &e->lost_total);
	if (t->out.s[t->out.len - 1] == ':')
		strbuf_adds(&t->out, " nothing");
	strbuf_addc(&t->out, '\n');
	return sink_write(t->fd, &t->out);
}

static void text_free(struct sink *s)
{
	struct text *t = text_of(s);

	strbuf_release(&t->out);
	strbuf_release(&t->cell);
	free(t);
}

static const struct sink_ops text_ops = {
	.begin = text_begin,
	.tick = text_tick,
	.event = text_event,
	.vanished = text_vanished,
	.flush = text_flush,
	.end = text_end,
	.free = text_free,
};

struct sink *text_sink_new(int fd, unsigned page_shift)
{
	struct text *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->sink.ops = &text_ops;
	t->fd = fd;
	t->page_shift = page_shift;
	strbuf_init(&t->out);
	strbuf_init(&t->cell);
	return &t->sink;
}

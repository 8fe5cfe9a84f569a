/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lines of text, for a pipe or a file: one a process a tick, each with its
 * time, so that grep and awk need no context. Lines that begin with '#' are
 * talk: the header, verdicts, which code makes a process grow, what ended, what
 * was lost, what memwatch itself took.
 *
 * Growth sites change slowly and a tick says little of them: they are shown now
 * and then while a process grows, and all of them when it or the run ends.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis/growth.h"
#include "base/clock.h"
#include "output/event_text.h"
#include "output/kept_text.h"
#include "output/sink.h"
#include "output/site_block.h"
#include "output/site_text.h"
#include "output/verdict_news.h"
#include "output/verdict_text.h"

#define DEFAULT_ROWS	10
#define SITES_PERIOD_NS (10 * NSEC_PER_SEC)
#define SITES_A_PERIOD	3
#define SITES_A_KIND	3 /* at the end */
#define SITE_PREFIX	"#  "
#define EVIDENCE_PREFIX "#  "

/* The columns of a line, as keys of the catalogue. */
static const char *const line_columns[] = {"pid",    "comm",  "growth",	 "delta", "since",
					   "rss",    "anon",  "file",	 "shmem", "swap",
					   "faults", "calls", "verdict", "limit"};
#define LINE_COLUMNS (sizeof(line_columns) / sizeof(line_columns[0]))

struct text {
	struct sink sink;
	int fd;
	unsigned page_shift;
	bool is_named; /* the user named processes: each one's events are shown */
	unsigned sites_wanted;
	uint64_t sites_ns; /* when sites were last shown, or the run began */
	struct verdict_news news;
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
	t->sites_ns = clock_boot_ns();
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

/* --- growth sites --- */

/* "# HH:MM:SS sites of 4711 (node)"; the line is not ended. */
static void add_sites_of(struct text *t, const struct process *p, uint64_t wall_ns)
{
	strbuf_adds(&t->out, "# ");
	add_time(&t->out, wall_ns);
	strbuf_addf(&t->out, "sites of %u (", p->pid);
	strbuf_add_text(&t->out, p->comm, sizeof(p->comm));
	strbuf_addc(&t->out, ')');
}

static void add_leading_sites(struct text *t, const struct process *p, const struct tick *tick)
{
	unsigned most = t->sites_wanted < SITES_A_PERIOD ? t->sites_wanted : SITES_A_PERIOD;

	if (!p->sites || growth_rate(p) <= 0)
		return;
	add_sites_of(t, p, tick->wall_ns);
	strbuf_addc(&t->out, '\n');
	if (!site_block_leading(&t->out, p, tick->now_ns, most, SITE_PREFIX)) {
		strbuf_adds(&t->out, SITE_PREFIX);
		site_state_add(&t->out, p->sites);
		strbuf_addc(&t->out, '\n');
	}
}

static void add_all_sites(struct text *t, const struct process *p, uint64_t now_ns,
			  uint64_t wall_ns)
{
	if (!p->sites || !t->sites_wanted)
		return;
	add_sites_of(t, p, wall_ns);
	strbuf_addc(&t->out, '\n');
	site_block_summary(&t->out, p, now_ns,
			   t->sites_wanted < SITES_A_KIND ? t->sites_wanted : SITES_A_KIND,
			   SITE_PREFIX);
}

/* --- the sink --- */

static int text_tick(struct sink *s, const struct tick *tick)
{
	static const struct lost nothing;
	struct text *t = text_of(s);
	size_t rows = tick->rows_wanted ? tick->rows_wanted : DEFAULT_ROWS;

	if (t->is_named && !tick->rows_wanted)
		rows = tick->count;
	for (size_t i = 0; i < rows && i < tick->count; i++)
		add_line(t, tick->rows[i], tick);
	t->sites_wanted = tick->sites_wanted;
	if (t->sites_wanted && tick->now_ns > t->sites_ns + SITES_PERIOD_NS) {
		t->sites_ns = tick->now_ns;
		for (size_t i = 0; i < rows && i < tick->count; i++)
			add_leading_sites(t, tick->rows[i], tick);
	}
	if (memcmp(&tick->lost, &nothing, sizeof(nothing))) {
		strbuf_adds(&t->out, "# ");
		add_time(&t->out, tick->wall_ns);
		strbuf_adds(&t->out, "lost:");
		lost_text_add(&t->out, &tick->lost);
		if (tick->shed)
			strbuf_addf(&t->out, " (shed: %s)", tick->shed);
		strbuf_addc(&t->out, '\n');
	}
	return sink_write(t->fd, &t->out);
}

/* A line of talk: what t->cell holds, with its time. */
static void add_talk(struct text *t, uint64_t boot_ns)
{
	strbuf_adds(&t->out, "# ");
	add_time(&t->out, sink_wall_ns(boot_ns));
	strbuf_add(&t->out, t->cell.s, t->cell.len);
	strbuf_addc(&t->out, '\n');
}

static int text_event(struct sink *s, const struct mw_event_header *h, const struct process *p)
{
	struct text *t = text_of(s);

	strbuf_clear(&t->cell);
	if (event_text_add(&t->cell, h, p, t->page_shift, t->is_named))
		add_talk(t, h->ts_ns);
	if (h->type == MW_EVENT_EXIT && p && t->is_named)
		add_all_sites(t, p, h->ts_ns, sink_wall_ns(h->ts_ns));
	if (h->type == MW_EVENT_EXIT)
		verdict_news_gone(&t->news, h->pid, h->start_ns);
	return 0;
}

/* "verdict of 4711 (node): leak, 92 % sure: ...", and why, where that is new. */
static int text_verdict(struct sink *s, const struct process *p, uint64_t now_ns, bool is_last)
{
	struct text *t = text_of(s);
	enum news news = verdict_news_take(&t->news, p, is_last, !t->is_named);

	if (news == NEWS_NONE)
		return 0;
	strbuf_clear(&t->cell);
	strbuf_addf(&t->cell, "verdict of %u (", p->pid);
	strbuf_add_text(&t->cell, p->comm, sizeof(p->comm));
	strbuf_adds(&t->cell, "): ");
	verdict_text_add(&t->cell, p->verdict);
	add_talk(t, now_ns);
	if (news == NEWS_FULL)
		verdict_evidence_add(&t->out, p->verdict, EVIDENCE_PREFIX);
	if (news != NEWS_LINE && p->kept)
		kept_text_add(&t->out, p->kept, EVIDENCE_PREFIX);
	return 0;
}

static int text_vanished(struct sink *s, const struct process *p, uint64_t now_ns)
{
	struct text *t = text_of(s);

	verdict_news_gone(&t->news, p->pid, p->start_ns);
	if (!t->is_named)
		return 0;
	strbuf_clear(&t->cell);
	event_text_add_vanished(&t->cell, p);
	add_talk(t, now_ns);
	add_all_sites(t, p, now_ns, sink_wall_ns(now_ns));
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

	for (size_t i = 0; i < e->count; i++)
		add_all_sites(t, e->rows[i], e->now_ns, e->wall_ns);
	strbuf_adds(&t->out, "# ");
	end_text_add(&t->out, &e->cost, &e->lost_total);
	strbuf_addc(&t->out, '\n');
	return sink_write(t->fd, &t->out);
}

static void text_free(struct sink *s)
{
	struct text *t = text_of(s);

	strbuf_release(&t->out);
	strbuf_release(&t->cell);
	verdict_news_release(&t->news);
	free(t);
}

static const struct sink_ops text_ops = {
	.begin = text_begin,
	.tick = text_tick,
	.event = text_event,
	.verdict = text_verdict,
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
	if (verdict_news_init(&t->news)) {
		free(t);
		return NULL;
	}
	t->sink.ops = &text_ops;
	t->fd = fd;
	t->page_shift = page_shift;
	strbuf_init(&t->out);
	strbuf_init(&t->cell);
	return &t->sink;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The live view as a sink: takes ticks and events, and draws when there was a
 * tick, a key or another size of the terminal; never by itself.
 *
 * Parts and who does what: tui_internal.h.
 */
#include "output/tui.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/growth.h"
#include "output/event_text.h"
#include "output/kept_text.h"
#include "output/tui_internal.h"
#include "output/tui_screen.h"
#include "output/verdict_text.h"

#define SUMMARY_ROWS 5
#define REST_TICKS   2

static struct tui *tui_of(struct sink *s)
{
	return (struct tui *)s;
}

/* --- freezing --- */

void tui_freeze(struct tui *t)
{
	struct snapshot empty = t->held;

	t->held = t->live;
	t->live = empty;
	t->is_frozen = true;
}

void tui_thaw(struct tui *t)
{
	if (!t->live.is_valid) { /* no tick since then */
		struct snapshot empty = t->live;

		t->live = t->held;
		t->held = empty;
	}
	t->is_frozen = false;
	snapshot_release(&t->held);
	snapshot_sort(&t->live, t->sort, t->is_reversed);
}

/* --- the selection: a process, not a row --- */

void tui_select(struct tui *t, ssize_t at)
{
	const struct snapshot *s = tui_shown(t);

	t->has_selected = s->count > 0;
	if (!s->count)
		return;
	at = at < 0 ? 0 : at;
	t->selected_at = (size_t)at < s->count ? (size_t)at : s->count - 1;
	t->selected_pid = s->order[t->selected_at]->pid;
	t->selected_start_ns = s->order[t->selected_at]->start_ns;
}

/* When the process has ended its neighbour is selected, unless its page is open. */
ssize_t tui_selected(struct tui *t)
{
	ssize_t at;

	if (!t->has_selected)
		return -1;
	at = snapshot_find(tui_shown(t), t->selected_pid, t->selected_start_ns);
	if (at < 0 && !t->detail_is_open) {
		tui_select(t, (ssize_t)t->selected_at);
		return t->has_selected ? (ssize_t)t->selected_at : -1;
	}
	if (at >= 0)
		t->selected_at = (size_t)at;
	return at;
}

/* --- the sink --- */

static int tui_begin(struct sink *s, const struct run *run)
{
	struct tui *t = tui_of(s);

	t->is_named = run->pid_count || run->comm || run->cgroup;
	snprintf(t->version, sizeof(t->version), "%s", run->version);
	snprintf(t->kernel, sizeof(t->kernel), "%s", run->kernel);
	tui_draw(t);
	return 0;
}

/*
 * The caller shows one tick again when the user sorts anew: what was counted
 * since then belongs to the next interval.
 */
static void take_pulse(struct tui *t, const struct tick *tick)
{
	t->carried.born += tick->born;
	t->carried.gone += tick->gone;
	t->cost = tick->cost;
	t->shed = tick->shed;
	if (tick->now_ns == t->tick_ns)
		return;
	t->pulse = t->carried;
	t->pulse.interval_ns = t->tick_ns ? tick->now_ns - t->tick_ns : 0;
	t->carried = (struct pulse){0};
	t->bpf_pct = t->bpf_pct_next; /* cost.cpu_pct is as of the tick before, too */
	if (t->pulse.interval_ns)
		t->bpf_pct_next =
			100.0 * (tick->cost.bpf_ns - t->bpf_before_ns) / t->pulse.interval_ns;
	t->bpf_before_ns = tick->cost.bpf_ns;
	t->lost_now = memcmp(&tick->lost_total, &t->lost_total, sizeof(t->lost_total)) != 0;
	t->lost_total = tick->lost_total;
	t->tick_ns = tick->now_ns;
}

static struct looked_at selected(const struct tui *t)
{
	return t->has_selected ? (struct looked_at){t->selected_pid, t->selected_start_ns}
			       : (struct looked_at){0};
}

/* Getting to know a process costs: not of each one that the selection is moved over. */
static void note_rest(struct tui *t)
{
	struct looked_at who = selected(t);
	bool is_same = who.pid == t->rested.pid && who.start_ns == t->rested.start_ns;

	t->rested_ticks = is_same ? t->rested_ticks + 1 : 0;
	t->rested = who;
}

static int tui_tick(struct sink *s, const struct tick *tick)
{
	struct tui *t = tui_of(s);
	struct looked_at who = selected(t);
	int err;

	if (tick->now_ns != t->tick_ns)
		note_rest(t);
	take_pulse(t, tick);
	err = snapshot_take(&t->live, tick, &t->pulse, who);
	if (!err)
		tui_draw(t);
	return err;
}

static int tui_event(struct sink *s, const struct mw_event_header *h, const struct process *p)
{
	struct tui *t = tui_of(s);
	bool is_oom = h->type == MW_EVENT_OOM;

	strbuf_clear(&t->line);
	if (event_text_add(&t->line, h, p, t->page_shift, t->is_named))
		strbuf_add(
			messages_add(&t->messages, is_oom ? MESSAGE_OOM : MESSAGE_EVENT, h->ts_ns),
			t->line.s, t->line.len);
	if (h->type == MW_EVENT_EXIT)
		verdict_news_gone(&t->news, h->pid, h->start_ns);
	return 0;
}

/* The table shows each one; what becomes a leak, or no longer is one, is an event, too. */
static int tui_take_verdict(struct sink *s, const struct process *p, uint64_t now_ns, bool is_last)
{
	struct tui *t = tui_of(s);
	bool is_leak = p->verdict && p->verdict->is_leak;
	enum news news = verdict_news_take(&t->news, p, is_last, true);
	struct strbuf *out;

	if (news == NEWS_NONE)
		return 0;
	out = messages_add(&t->messages, is_leak ? MESSAGE_LEAK : MESSAGE_EVENT, now_ns);
	strbuf_addf(out, "verdict of %u (", p->pid);
	strbuf_add_text(out, p->comm, sizeof(p->comm));
	strbuf_adds(out, "): ");
	if (news == NEWS_KEPT && p->kept->count)
		kept_line_add(out, p->kept, 0);
	else
		verdict_text_add(out, p->verdict);
	return 0;
}

static int tui_vanished(struct sink *s, const struct process *p, uint64_t now_ns)
{
	struct tui *t = tui_of(s);

	verdict_news_gone(&t->news, p->pid, p->start_ns);
	if (t->is_named)
		event_text_add_vanished(messages_add(&t->messages, MESSAGE_EVENT, now_ns), p);
	return 0;
}

/* Events are drawn with the next tick. */
static int tui_flush(struct sink *s)
{
	(void)s;
	return 0;
}

/* --- what remains on the terminal --- */

static void add_summary_line(struct tui *t, struct strbuf *out, const struct process *p)
{
	static const char *const shown[] = {"pid", "comm", "since",  "growth",
					    "rss", "anon", "verdict"};

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		const struct column *c = column_find(shown[i]);

		strbuf_clear(&t->cell);
		strbuf_clear(&t->fitted);
		if (p)
			c->format(&t->cell, p);
		else
			strbuf_adds(&t->cell, c->title);
		text_fit(&t->fitted, t->cell.s, t->utf8);
		if (i)
			strbuf_addc(out, ' ');
		column_pad(out, t->fitted.s, c->width, c->is_left);
	}
	strbuf_addc(out, '\n');
}

/* Those that grew most since memwatch first saw them. */
static void add_growers(struct tui *t, struct strbuf *out)
{
	struct snapshot *s = t->live.is_valid ? &t->live : &t->held;

	snapshot_sort(s, column_find("since"), false);
	if (!s->count || growth_since_first(s->order[0]) <= 0) {
		strbuf_adds(out, "No process grew.\n");
		return;
	}
	add_summary_line(t, out, NULL);
	for (size_t i = 0; i < SUMMARY_ROWS && i < s->count; i++) {
		if (growth_since_first(s->order[i]) > 0)
			add_summary_line(t, out, s->order[i]);
	}
}

/* Why the processes that were named are gone, above all. */
static void add_events(const struct tui *t, struct strbuf *out)
{
	unsigned age = SUMMARY_ROWS;

	while (age--) {
		const struct message *m = messages_at(&t->messages, age);

		if (!m || m->kind == MESSAGE_LOG) /* the log's are repeated on stderr */
			continue;
		text_fit(out, m->text.s, t->utf8);
		strbuf_addc(out, '\n');
	}
}

static int tui_end(struct sink *s, const struct end *e)
{
	struct tui *t = tui_of(s);

	tui_screen_lend();
	strbuf_clear(&t->line);
	add_events(t, &t->line);
	add_growers(t, &t->line);
	tui_sites_summary(t, t->live.is_valid ? &t->live : &t->held, &t->line);
	end_text_add(&t->line, &e->cost, &e->lost_total);
	strbuf_addc(&t->line, '\n');
	return sink_write(STDOUT_FILENO, &t->line);
}

static void tui_free(struct sink *s)
{
	struct tui *t = tui_of(s);

	tui_screen_free();
	log_set_sink(NULL, NULL);
	messages_repeat(&t->messages);
	messages_release(&t->messages);
	verdict_news_release(&t->news);
	snapshot_release(&t->live);
	snapshot_release(&t->held);
	strbuf_release(&t->cell);
	strbuf_release(&t->fitted);
	strbuf_release(&t->padded);
	strbuf_release(&t->line);
	strbuf_release(&t->detail);
	free(t);
}

static const struct sink_ops tui_ops = {
	.begin = tui_begin,
	.tick = tui_tick,
	.event = tui_event,
	.verdict = tui_take_verdict,
	.vanished = tui_vanished,
	.flush = tui_flush,
	.end = tui_end,
	.free = tui_free,
};

struct sink *tui_sink_new(unsigned page_shift)
{
	struct tui *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return NULL;
	err = verdict_news_init(&t->news);
	if (!err)
		err = tui_screen_take();
	if (err) {
		verdict_news_release(&t->news);
		free(t);
		errno = -err;
		return NULL;
	}
	t->sink.ops = &tui_ops;
	t->page_shift = page_shift;
	t->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	t->sort = column_find("growth");
	snapshot_init(&t->live);
	snapshot_init(&t->held);
	messages_init(&t->messages);
	strbuf_init(&t->cell);
	strbuf_init(&t->fitted);
	strbuf_init(&t->padded);
	strbuf_init(&t->line);
	strbuf_init(&t->detail);
	log_set_sink(messages_log, &t->messages);
	return &t->sink;
}

/* --- the user --- */

/* Readable, and yet no key: the terminal is gone. */
static bool has_hung_up(void)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&in, 1, 0) > 0 && (in.revents & (POLLHUP | POLLERR | POLLNVAL));
}

int tui_input(struct sink *s)
{
	struct tui *t = tui_of(s);
	int result = TUI_NOTHING, code, keys = 0;

	while ((code = wgetch(stdscr)) != ERR) {
		int request = tui_key(t, code);

		keys++;
		if (request == TUI_QUIT)
			return TUI_QUIT;
		if (request == TUI_SORT)
			result = TUI_SORT;
	}
	if (!keys && has_hung_up())
		return -EPIPE;
	if (keys && result == TUI_NOTHING) /* TUI_SORT: a tick comes at once */
		tui_draw(t);
	return result;
}

const struct column *tui_sort(const struct sink *s, bool *reversed)
{
	const struct tui *t = (const struct tui *)s;

	*reversed = t->is_reversed;
	return t->sort;
}

uint32_t tui_looked_at(const struct sink *s)
{
	const struct tui *t = (const struct tui *)s;

	return t->has_selected && (t->detail_is_open || t->rested_ticks >= REST_TICKS)
		       ? t->selected_pid
		       : 0;
}

void tui_set_sort(struct sink *s, const struct column *c)
{
	tui_of(s)->sort = c;
}

void tui_resize(struct sink *s)
{
	tui_screen_fit();
	tui_draw(tui_of(s));
}

void tui_suspend(struct sink *s)
{
	(void)s;
	tui_screen_lend();
}

void tui_resume(struct sink *s)
{
	tui_screen_resume();
	tui_draw(tui_of(s));
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The lines above the table (what, when, how much in all; the machine) and
 * below it (events, what memwatch itself takes and lost, keys). Each is cut
 * where the terminal ends, so what matters most comes first.
 */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/units.h"
#include "output/event_text.h"
#include "output/tui_internal.h"

#define RECENT_S 10  /* an event so young is drawn strong */
#define OLD_S	 120 /* and one so old dim */

static void add_bytes(struct strbuf *out, uint64_t bytes)
{
	char text[UNITS_SIZE];

	strbuf_adds(out, units_format_bytes(text, sizeof(text), bytes));
}

static void add_clock(struct strbuf *out, uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / NSEC_PER_SEC);
	char text[16] = "";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	strbuf_adds(out, text);
}

static void add_per_second(struct strbuf *out, uint64_t count, uint64_t ns)
{
	double rate = (double)count * 1e9 / (double)ns;

	strbuf_addf(out, rate < 10 && rate != (uint64_t)rate ? "%.1f" : "%.0f", rate);
}

/* The second part of the title: the machine's processes. */
static void add_totals(struct strbuf *out, const struct snapshot *s)
{
	char text[UNITS_SIZE];

	if (!s->is_valid)
		return;
	strbuf_addf(out, "%zu process%s  ", s->process_count, s->process_count == 1 ? "" : "es");
	if (s->has_growth)
		strbuf_addf(out, "%s/s  ",
			    units_format_delta(text, sizeof(text), (int64_t)s->growth_per_s));
	if (s->pulse.interval_ns) {
		strbuf_adds(out, "born ");
		add_per_second(out, s->pulse.born, s->pulse.interval_ns);
		strbuf_adds(out, "/s gone ");
		add_per_second(out, s->pulse.gone, s->pulse.interval_ns);
		strbuf_adds(out, "/s  ");
	}
}

static void draw_title(struct tui *t)
{
	const struct snapshot *s = tui_shown(t);
	struct strbuf *out = &t->line;
	int x;

	strbuf_clear(out);
	strbuf_addf(out, "memwatch %s  ", t->version);
	draw_text(t, 0, 0, t->layout.width, PAINT_STRONG, out->s);
	x = (int)out->len;
	strbuf_clear(out);
	if (t->is_frozen)
		strbuf_adds(out, "FROZEN since ");
	if (s->is_valid)
		add_clock(out, s->wall_ns);
	draw_text(t, 0, x, (int)out->len, t->is_frozen ? PAINT_SELECTED : PAINT_STRONG, out->s);
	x += (int)out->len;
	strbuf_clear(out);
	strbuf_adds(out, "  ");
	add_totals(out, s);
	strbuf_add_text(out, t->kernel, sizeof(t->kernel));
	draw_text(t, 0, x, t->layout.width - x, PAINT_STRONG, out->s);
}

static void draw_machine(struct tui *t)
{
	const struct meminfo *m = &tui_shown(t)->machine;
	struct strbuf *out = &t->line;

	strbuf_clear(out);
	strbuf_adds(out, "memory ");
	add_bytes(out, m->total_bytes - m->available_bytes);
	strbuf_adds(out, " used of ");
	add_bytes(out, m->total_bytes);
	strbuf_adds(out, ", ");
	add_bytes(out, m->available_bytes);
	strbuf_adds(out, " available");
	if (m->swap_total_bytes) {
		strbuf_adds(out, "   swap ");
		add_bytes(out, m->swap_total_bytes - m->swap_free_bytes);
		strbuf_adds(out, " used of ");
		add_bytes(out, m->swap_total_bytes);
	} else {
		strbuf_adds(out, "   no swap");
	}
	draw_text(t, t->layout.memory_y, 0, t->layout.width, PAINT_PLAIN, out->s);
}

static enum paint paint_of_message(const struct message *m, uint64_t age_s)
{
	if (m->kind == MESSAGE_OOM || m->kind == MESSAGE_LEAK ||
	    (m->kind == MESSAGE_LOG && m->level == LOG_ERROR))
		return PAINT_ALARM;
	if (m->kind == MESSAGE_LOG && m->level == LOG_WARN)
		return PAINT_NOTICE;
	return age_s < RECENT_S ? PAINT_STRONG : age_s > OLD_S ? PAINT_DIM : PAINT_PLAIN;
}

/* The newest comes last, as in a log. */
static void draw_messages(struct tui *t)
{
	uint64_t now_ns = clock_boot_ns();
	char age[UNITS_SIZE];

	for (int i = 0; i < t->layout.message_rows; i++) {
		const struct message *m = messages_at(&t->messages, (unsigned)i);
		uint64_t age_s;

		if (!m)
			break;
		age_s = now_ns > m->at_ns ? (now_ns - m->at_ns) / NSEC_PER_SEC : 0;
		strbuf_clear(&t->line);
		strbuf_addf(&t->line, "%7s ago  ", units_format_duration(age, sizeof(age), age_s));
		strbuf_adds(&t->line, m->text.s);
		draw_text(t, t->layout.messages_y + t->layout.message_rows - 1 - i, 0,
			  t->layout.width, paint_of_message(m, age_s), t->line.s);
	}
}

static void add_lost(struct strbuf *out, const struct lost *lost)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < LOST_MAX; i++)
		sum += lost->count[i];
	strbuf_addf(out, "  lost %llu", (unsigned long long)sum);
	lost_text_add(out, lost);
}

static void draw_self(struct tui *t)
{
	struct strbuf *out = &t->line;

	strbuf_clear(out);
	strbuf_addf(out, "self: %.2f%% cpu ", t->cost.cpu_pct);
	if (t->cost.bpf_known)
		strbuf_addf(out, "(bpf %.2f%%)  ", t->bpf_pct);
	else
		strbuf_adds(out, "(without bpf)  ");
	add_bytes(out, t->cost.rss_bytes);
	strbuf_adds(out, " rss + ");
	add_bytes(out, t->cost.map_bytes);
	strbuf_adds(out, " maps");
	add_lost(out, &t->lost_total);
	if (t->shed)
		strbuf_addf(out, "  given up: %s", t->shed);
	draw_text(t, t->layout.self_y, 0, t->layout.width,
		  t->lost_now || t->shed ? PAINT_NOTICE : PAINT_PLAIN, out->s);
}

void tui_draw_frame(struct tui *t)
{
	draw_title(t);
	if (t->layout.memory_y >= 0)
		draw_machine(t);
	draw_messages(t);
	if (t->layout.self_y >= 0)
		draw_self(t);
	if (t->layout.hints_y >= 0) {
		strbuf_clear(&t->line);
		tui_hints(t, &t->line);
		draw_text(t, t->layout.hints_y, 0, t->layout.width, PAINT_DIM, t->line.s);
	}
}

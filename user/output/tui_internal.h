/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the parts of the live view share.
 *
 *   tui.c           the sink: takes ticks and events, says when to draw
 *   tui_keys.c      the table of keys: what each does, and the help
 *   tui_snapshot.c  a copy of a tick, to draw from when there is none
 *   tui_copies.c    copies of growth sites, for that
 *   tui_verdict.c   verdicts: copies, paint, on the page of one process
 *   tui_messages.c  the last events and messages
 *   tui_machine.c   the machine's memory
 *   tui_draw.c      text into cells; which line of the screen shows what
 *   tui_frame.c     the lines above and below
 *   tui_table.c     the table of processes
 *   tui_detail.c    the page of one process
 *   tui_sites.c     growth sites: below the table, on that page, and a site's own page
 *   tui_screen.c    the terminal itself (knows nothing of the above)
 */
#ifndef MEMWATCH_OUTPUT_TUI_INTERNAL_H
#define MEMWATCH_OUTPUT_TUI_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "analysis/sites.h"
#include "analysis/verdict.h"
#include "base/log.h"
#include "base/memory_files.h"
#include "base/strbuf.h"
#include "output/tui.h"
#include "output/verdict_news.h"

/* --- copies of growth sites --- */

#define COPIES_LEADING 10
#define COPIES_A_KIND  10

/* A group with its largest site, both our own: group.top is &site. Names are interned, for good. */
struct tui_site {
	struct site site;
	struct site_group group;
};

/* The sites of one process. */
struct tui_sites {
	uint32_t pid;
	uint64_t start_ns;
	struct tui_site *list; /* the @leading, then all kinds' */
	unsigned leading, count;
	struct strbuf state;   /* what cannot be told, or "" */
	struct strbuf quality; /* how well the rest can be */
};

void copies_init(struct tui_sites *c);
void copies_release(struct tui_sites *c);
/** copies_take - of @p, which has sites; at most @wanted of each kind. 0 or -ENOMEM: it is empty */
int copies_take(struct tui_sites *c, const struct process *p, unsigned wanted);

/* --- copies of verdicts --- */

/* Of all that are judged: 1.8 KB each. */
struct tui_verdicts {
	struct verdict *list;
	size_t count, capacity;
	struct kept *kept; /* of those few that were looked into: 4.6 KB each */
	size_t kept_count, kept_capacity;
};

/** tui_verdicts_reserve - empties it, with room for those of the first @rows of @t. 0 or -ENOMEM */
int tui_verdicts_reserve(struct tui_verdicts *c, const struct tick *t, size_t rows);
/** tui_verdict_copy - of @v (or NULL) without the limit's path, which is not ours to keep */
const struct verdict *tui_verdict_copy(struct tui_verdicts *c, const struct verdict *v);
/** tui_kept_copy - of @k (or NULL) */
const struct kept *tui_kept_copy(struct tui_verdicts *c, const struct kept *k);
void tui_verdicts_release(struct tui_verdicts *c);

/* --- a copy of a tick --- */

#define SNAPSHOT_SITES	  4 /* processes whose sites are copied: the first ones, and the selected */

#define SNAPSHOT_MAX_ROWS 10000

struct tui_row {
	/* The first member. Its verdict is a copy; its cgroup is always NULL: */
	struct process process;
	size_t cgroup_at, container_at; /* these are the names, at snapshot.names; 0: unknown */
	size_t limit_at;		/* and whose limit the verdict says is met */
};

/* What has happened since the tick before. */
struct pulse {
	uint64_t interval_ns; /* 0: there was none before */
	uint64_t born, gone;
};

struct snapshot {
	bool is_valid;
	struct tui_row *rows;
	struct process **order; /* the rows, as sorted */
	size_t count, capacity; /* of @rows and @order */
	size_t process_count;	/* in the tick: may be more than are kept */
	struct strbuf names;

	uint64_t now_ns, wall_ns;
	struct pulse pulse;
	bool has_growth;
	double growth_per_s; /* of all processes together */
	bool has_fault_places;
	bool has_machine;
	struct meminfo machine;
	struct tui_verdicts verdicts;
	struct tui_sites sites[SNAPSHOT_SITES];
	unsigned site_count; /* of @sites in use */
};

/* Who is looked at: its sites are copied in any case. */
struct looked_at {
	uint32_t pid; /* 0: nobody */
	uint64_t start_ns;
};

void snapshot_init(struct snapshot *s);
void snapshot_release(struct snapshot *s);
/** snapshot_take - copies @t. 0 or -ENOMEM: @s is not valid then */
int snapshot_take(struct snapshot *s, const struct tick *t, const struct pulse *pulse,
		  struct looked_at who);
void snapshot_sort(struct snapshot *s, const struct column *c, bool is_reversed);
const struct tui_row *snapshot_row(const struct snapshot *s, size_t i);
/** snapshot_find - the place of this process in the order, or -1 */
ssize_t snapshot_find(const struct snapshot *s, uint32_t pid, uint64_t start_ns);
/** snapshot_sites - the sites of @p; NULL: not copied */
const struct tui_sites *snapshot_sites(const struct snapshot *s, const struct process *p);

/* --- the last events and messages --- */

#define MESSAGES_KEPT	  16
#define MESSAGES_REPEATED 5 /* from the log, on stderr once the terminal is given back */

struct message {
	uint64_t at_ns; /* CLOCK_BOOTTIME */
	enum message_kind { MESSAGE_EVENT, MESSAGE_LEAK, MESSAGE_OOM, MESSAGE_LOG } kind;
	enum log_level level; /* of MESSAGE_LOG */
	struct strbuf text;
};

struct messages {
	struct message ring[MESSAGES_KEPT];
	unsigned count; /* ever */
};

void messages_init(struct messages *m);
void messages_release(struct messages *m);
/** messages_add - a slot, emptied, for the caller to write the text to */
struct strbuf *messages_add(struct messages *m, enum message_kind kind, uint64_t at_ns);
/** messages_at - at(m, 0) is the newest; NULL past the oldest kept */
const struct message *messages_at(const struct messages *m, unsigned age);
/** messages_log - a sink of the log (log_set_sink()); @arg: the struct messages */
void messages_log(void *arg, enum log_level level, const char *text);
/** messages_repeat - the last messages of the log go to the log again */
void messages_repeat(const struct messages *m);

/* --- the live view --- */

/* Which line shows what; -1 for nothing. */
struct layout {
	int height, width;
	int memory_y;
	int titles_y; /* of the columns */
	int body_y, body_rows;
	int sites_y, site_rows;
	int messages_y, message_rows;
	int self_y, hints_y;
};

struct tui {
	struct sink sink;
	unsigned page_shift;
	bool utf8;
	bool is_named; /* the user named processes: each one's events are shown */
	char version[32], kernel[64];

	const struct column *sort;
	bool is_reversed;

	struct snapshot live, held; /* @held is shown while the display is frozen */
	bool is_frozen;

	struct messages messages;
	struct verdict_news news;
	struct self_cost cost;
	double bpf_pct, bpf_pct_next;
	uint64_t bpf_before_ns;
	struct lost lost_total;
	bool lost_now; /* something was, since the tick before */
	const char *shed;
	uint64_t tick_ns; /* of the last one; 0: none yet */
	struct pulse pulse, carried;

	/* The selected process, and where it was. */
	bool has_selected;
	uint32_t selected_pid;
	uint64_t selected_start_ns;
	size_t selected_at;
	struct looked_at rested; /* the selected process of the tick before */
	unsigned rested_ticks;	 /* it has been that for */
	size_t top;		 /* the first row shown */

	bool detail_is_open, help_is_open, stack_is_open;
	int page_top;	       /* the first line shown of the detail or the help */
	struct strbuf detail;  /* the page, as lines */
	bool detail_has_ended; /* the process did: @detail is the last of it */
	int detail_top;	       /* @page_top of the detail, while a stack is open */

	/* The selected site of that page: what it is, and where it was. */
	enum mw_site_kind site_kind;
	uint64_t site_hash;
	const char *site_note;
	unsigned site_at;
	int site_line;	     /* of the page; -1: there is none */
	bool site_is_sought; /* it is to be scrolled into sight */

	struct layout layout;
	struct strbuf cell, fitted, padded; /* scratch */
	struct strbuf line;
};

/** tui_shown - what is on the screen: as of the last tick, or of when it was frozen */
static inline struct snapshot *tui_shown(struct tui *t)
{
	return t->is_frozen ? &t->held : &t->live;
}

/** tui_freeze, tui_thaw - hold the picture; collection goes on */
void tui_freeze(struct tui *t);
void tui_thaw(struct tui *t);
/** tui_select - the process at this place of the order, which is cut to what there is */
void tui_select(struct tui *t, ssize_t at);
/** tui_selected - the place of the selected process, or -1 */
ssize_t tui_selected(struct tui *t);

/** tui_key - does what @code (of curses) is for. An enum tui_request */
int tui_key(struct tui *t, int code);
/** tui_help - the help, as a page: lines (see LINE_HEADING) */
void tui_help(struct strbuf *out);
/** tui_hints - the most important keys, for the last line */
void tui_hints(struct tui *t, struct strbuf *out);

/** tui_draw - everything */
void tui_draw(struct tui *t);
void tui_draw_frame(struct tui *t);
void tui_draw_table(struct tui *t);
/** tui_next_column - the shown column to the left (-1) or right (1) of the one sorted by */
const struct column *tui_next_column(struct tui *t, int direction);
/** tui_detail - the page of @row, for @width columns */
void tui_detail(struct tui *t, const struct tui_row *row, int width, struct strbuf *out);

/* --- growth sites --- */

/** tui_sites_wanted - lines that could be filled below the table, the heading included; 0: none */
int tui_sites_wanted(struct tui *t);
/** tui_draw_sites - the leading sites of the selected process, or of the first that has any */
void tui_draw_sites(struct tui *t);
/** tui_sites - the sites on the page of @p; notes where the selected one is */
void tui_sites(struct tui *t, const struct process *p, int width, struct strbuf *out);
/** tui_move_site - selects another. False: there is none in that direction */
bool tui_move_site(struct tui *t, int by);
/** tui_has_site - one is selected */
bool tui_has_site(struct tui *t);
/** tui_stack - the page of the selected site: its whole stack */
void tui_stack(struct tui *t, const struct process *p, int width, struct strbuf *out);
/** tui_sites_summary - the leading sites of the first processes, for what remains at the end */
void tui_sites_summary(struct tui *t, const struct snapshot *s, struct strbuf *out);

/* --- verdicts --- */

/** tui_verdict - the verdict on the page of @p, with its evidence; nothing if it is not judged */
void tui_verdict(struct tui *t, const struct process *p, int width, struct strbuf *out);

/* --- text into cells --- */

/* What a line of a page may begin with. */
#define LINE_HEADING  '\t'
#define LINE_SELECTED '\v'

enum paint {
	PAINT_PLAIN,
	PAINT_DIM,
	PAINT_STRONG,
	PAINT_TITLE, /* of the column that is sorted by */
	PAINT_SELECTED,
	PAINT_ALARM,  /* red */
	PAINT_NOTICE, /* yellow */
	PAINT_GOOD,   /* green */
};

/** tui_verdict_paint, tui_limit_paint - of those columns; @v may be NULL */
enum paint tui_verdict_paint(const struct verdict *v);
enum paint tui_limit_paint(const struct verdict *v);

/** draw_text - @text in exactly @width cells. @text may be hostile once strbuf_add_text() took it
 */
void draw_text(struct tui *t, int y, int x, int width, enum paint paint, const char *text);
/** draw_cell - the same, right-aligned if it must be, and perhaps of the selected row */
void draw_cell(struct tui *t, int y, int x, int width, bool is_left, enum paint paint,
	       bool is_selected, const char *text);
/** text_fit - what the terminal can show of @text: known widths only, ASCII unless UTF-8 */
void text_fit(struct strbuf *out, const char *text, bool utf8);

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Verdicts in the live view: copies for a snapshot, their paint, and the part of a process's page.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/kept.h"
#include "output/kept_text.h"
#include "output/tui_internal.h"
#include "output/verdict_text.h"

#define LIMIT_ALARM_S  600
#define LIMIT_NOTICE_S 3600
#define INDENT	       2 /* of evidence */
#define INDENT_MORE    2 /* and of what does not fit on a first line, more */

/* --- copies --- */

static int reserve_kept(struct tui_verdicts *c, const struct tick *t, size_t rows)
{
	size_t count = 0;

	for (size_t i = 0; i < rows; i++)
		count += t->rows[i]->kept != NULL;
	c->kept_count = 0;
	if (count <= c->kept_capacity)
		return 0;
	free(c->kept);
	c->kept = malloc(count * sizeof(*c->kept));
	c->kept_capacity = c->kept ? count : 0;
	return c->kept ? 0 : -ENOMEM;
}

int tui_verdicts_reserve(struct tui_verdicts *c, const struct tick *t, size_t rows)
{
	size_t count = 0;

	for (size_t i = 0; i < rows; i++)
		count += t->rows[i]->verdict != NULL;
	c->count = 0;
	if (reserve_kept(c, t, rows))
		return -ENOMEM;
	if (count <= c->capacity)
		return 0;
	free(c->list);
	c->capacity = 0;
	c->list = malloc((count + count / 4) * sizeof(*c->list));
	if (!c->list)
		return -ENOMEM;
	c->capacity = count + count / 4;
	return 0;
}

const struct verdict *tui_verdict_copy(struct tui_verdicts *c, const struct verdict *v)
{
	struct verdict *copy;

	if (!v || c->count == c->capacity)
		return NULL;
	copy = &c->list[c->count++];
	*copy = *v;
	copy->limit.where = NULL;
	return copy;
}

const struct kept *tui_kept_copy(struct tui_verdicts *c, const struct kept *k)
{
	if (!k || c->kept_count == c->kept_capacity)
		return NULL;
	c->kept[c->kept_count] = *k;
	return &c->kept[c->kept_count++];
}

void tui_verdicts_release(struct tui_verdicts *c)
{
	free(c->kept);
	free(c->list);
	*c = (struct tui_verdicts){0};
}

/* --- paint --- */

enum paint tui_verdict_paint(const struct verdict *v)
{
	if (v && v->is_leak)
		return PAINT_ALARM;
	return v && v->class == VERDICT_WARMING ? PAINT_NOTICE : PAINT_PLAIN;
}

enum paint tui_limit_paint(const struct verdict *v)
{
	if (!verdict_has_limit(v) || v->limit_seconds >= LIMIT_NOTICE_S)
		return PAINT_PLAIN;
	return v->limit_seconds < LIMIT_ALARM_S ? PAINT_ALARM : PAINT_NOTICE;
}

/* --- on the page of a process --- */

/* The bytes of @text, which has no newline, that fit into @width columns; whole words if any do. */
static size_t fitting(struct tui *t, const char *text, int width)
{
	size_t len = strlen(text), end = len;

	while (end) {
		size_t at = end;

		strbuf_clear(&t->padded);
		strbuf_add(&t->padded, text, end);
		if (text_columns(t->padded.s) <= width)
			return end;
		while (at && text[at - 1] != ' ')
			at--;
		if (at < 2)
			return len; /* one long word: cut where the terminal ends */
		end = at - 1;
	}
	return len;
}

/* The text in @t->cell on as many lines as it needs, each beginning with @mark. */
static void add_wrapped(struct tui *t, const char *mark, int indent, int width, struct strbuf *out)
{
	const char *text = t->cell.s;

	for (int more = 0; *text; more = INDENT_MORE) {
		size_t len = fitting(t, text, width - indent - more);

		strbuf_addf(out, "%s%*s", mark, indent + more, "");
		strbuf_add(out, text, len);
		strbuf_addc(out, '\n');
		text += len;
		text += *text == ' ';
	}
}

static void add_kept(struct tui *t, const struct kept *k, int width, struct strbuf *out)
{
	static const char heading[] = {LINE_HEADING, '\0'};

	strbuf_clear(&t->cell);
	kept_head_add(&t->cell, k);
	add_wrapped(t, heading, 0, width, out);
	for (unsigned i = 0; i < k->count && i < KEPT_MAX; i++) {
		strbuf_clear(&t->cell);
		kept_line_add(&t->cell, k, i);
		add_wrapped(t, "", INDENT, width, out);
	}
}

void tui_verdict(struct tui *t, const struct process *p, int width, struct strbuf *out)
{
	static const char heading[] = {LINE_HEADING, '\0'};
	const struct verdict *v = p->verdict;

	if (!v)
		return;
	strbuf_clear(&t->cell);
	strbuf_adds(&t->cell, "verdict: ");
	verdict_text_add(&t->cell, v);
	add_wrapped(t, heading, 0, width, out);
	for (unsigned i = 0; i < v->evidence_count && i < VERDICT_EVIDENCE_MAX; i++) {
		strbuf_clear(&t->cell);
		strbuf_add_text(&t->cell, v->evidence[i], VERDICT_SENTENCE);
		add_wrapped(t, "", INDENT, width, out);
	}
	if (p->kept)
		add_kept(t, p->kept, width, out);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Of the NDJSON only the head, the last verdict of each process and the end are the usual ones; the
 * ticks are nobody's concern.
 */
#include "cmd/check_sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/checked.h"
#include "output/gate_text.h"
#include "output/ndjson_gate.h"
#include "output/verdict_text.h"

struct check_sink {
	struct sink sink;
	struct sink *ndjson; /* NULL: text */
	const struct check_sink_options *options;
	int fd;
	bool is_finishing;
	struct checked_list list;
	struct strbuf out;
};

static struct check_sink *check_of(const struct sink *s)
{
	return (struct check_sink *)s;
}

static int check_begin(struct sink *s, const struct run *run)
{
	struct check_sink *c = check_of(s);

	return c->ndjson ? c->ndjson->ops->begin(c->ndjson, run) : 0;
}

static int check_tick(struct sink *s, const struct tick *t)
{
	struct check_sink *c = check_of(s);
	const struct child *child = c->options->child;

	c->list.now_ns = t->now_ns;
	if (!c->list.begin_ns)
		c->list.begin_ns = t->now_ns;
	for (size_t i = 0; i < t->count; i++) {
		const struct process *p = t->rows[i];
		bool is_main = !child->argv || p->pid == (uint32_t)child->pid;

		if (!checked_seen(&c->list, p, is_main))
			return -ENOMEM;
	}
	return 0;
}

/* While its sites are still there. */
static void note_last(struct check_sink *c, struct checked *process, const struct process *p,
		      uint64_t now_ns)
{
	if (!p)
		return;
	if (!c->is_finishing) /* that it ends now is our doing, and no evidence */
		checked_verdict(process, p);
	strbuf_clear(&process->sites);
	strbuf_clear(&process->kept);
	if (c->ndjson)
		return;
	gate_kept_add(&process->kept, p);
	gate_sites_add(&process->sites, p, now_ns, c->options->sites);
}

static void note_exit(struct check_sink *c, struct checked *process,
		      const struct mw_event_exit *exit, const struct process *p)
{
	note_last(c, process, p, exit->h.ts_ns);
	if (c->is_finishing)
		return;
	process->gate.code = exit->code;
	process->gate.is_code_known = true;
	checked_end(&c->list, process, exit->h.ts_ns);
}

static int check_event(struct sink *s, const struct mw_event_header *h, const struct process *p)
{
	struct check_sink *c = check_of(s);
	struct checked *process = checked_find(&c->list, h->pid, h->start_ns);

	if (!process)
		return 0;
	if (h->type == MW_EVENT_OOM)
		process->gate.is_oom_killed = true;
	else if (h->type == MW_EVENT_EXEC)
		checked_exec(process, h->comm, h->ts_ns);
	else if (h->type == MW_EVENT_EXIT)
		note_exit(c, process, (const struct mw_event_exit *)h, p);
	return 0;
}

static int check_verdict(struct sink *s, const struct process *p, uint64_t now_ns, bool is_last)
{
	struct check_sink *c = check_of(s);

	if (!is_last || !c->ndjson)
		return 0;
	return c->ndjson->ops->verdict(c->ndjson, p, now_ns, true);
}

static int check_vanished(struct sink *s, const struct process *p, uint64_t now_ns)
{
	struct check_sink *c = check_of(s);
	struct checked *process = checked_find(&c->list, p->pid, p->start_ns);

	if (!process)
		return 0;
	note_last(c, process, p, now_ns);
	if (!c->is_finishing)
		checked_end(&c->list, process, now_ns);
	return 0;
}

static int check_flush(struct sink *s)
{
	struct check_sink *c = check_of(s);

	return c->ndjson ? c->ndjson->ops->flush(c->ndjson) : 0;
}

/* --- the end --- */

static struct gate_command command_of(const struct child *child)
{
	return (struct gate_command){
		.is_run = child->argv,
		.has_ended = child->has_ended,
		.was_told_to = child->was_told_to_end,
		.code = child->code,
		.exec_error = child->exec_error,
	};
}

static int write_result(struct check_sink *c, const struct gate *g, const struct end *e)
{
	const struct child *child = c->options->child;
	int err;

	if (g->command.exec_error)
		log_error("cannot run '%s': %s", child->argv[0], strerror(g->command.exec_error));
	if (c->ndjson) {
		err = c->ndjson->ops->flush(c->ndjson);
		ndjson_gate_add(&c->out, g, e->now_ns, e->wall_ns);
	} else {
		err = 0;
		if (!g->command.exec_error) /* nothing was watched but who tried */
			gate_text_add(&c->out, g, child->argv ? child->argv[0] : NULL);
	}
	if (!err)
		err = sink_write(c->fd, &c->out);
	if (!err && c->ndjson)
		err = c->ndjson->ops->end(c->ndjson, e);
	return err;
}

static int check_end(struct sink *s, const struct end *e)
{
	struct check_sink *c = check_of(s);
	struct gate gate = {
		.seconds = (double)(c->list.now_ns - c->list.begin_ns) / NSEC_PER_SEC,
		.max_growth = c->options->max_growth,
		.command = command_of(c->options->child),
	};
	int err;

	for (size_t i = 0; i < e->count; i++) {
		const struct process *p = e->rows[i];
		struct checked *process = checked_find(&c->list, p->pid, p->start_ns);

		if (process)
			note_last(c, process, p, e->now_ns);
	}
	err = checked_gate(&c->list, &gate);
	if (err)
		return err;
	gate_decide(&gate);
	*c->options->result = gate.result;
	err = write_result(c, &gate, e);
	free((void *)gate.processes);
	return err;
}

/* --- the whole --- */

static void check_free(struct sink *s)
{
	struct check_sink *c = check_of(s);

	if (c->ndjson)
		c->ndjson->ops->free(c->ndjson);
	checked_release(&c->list);
	strbuf_release(&c->out);
	free(c);
}

static const struct sink_ops check_ops = {
	.begin = check_begin,
	.tick = check_tick,
	.event = check_event,
	.verdict = check_verdict,
	.vanished = check_vanished,
	.flush = check_flush,
	.end = check_end,
	.free = check_free,
};

struct sink *check_sink_new(int fd, unsigned page_shift, const struct check_sink_options *options)
{
	struct check_sink *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->sink.ops = &check_ops;
	c->fd = fd;
	c->options = options;
	strbuf_init(&c->out);
	if (options->json)
		c->ndjson = ndjson_sink_new(fd, page_shift);
	if (checked_init(&c->list, options->max_growth) || (options->json && !c->ndjson)) {
		check_free(&c->sink);
		errno = ENOMEM;
		return NULL;
	}
	return &c->sink;
}

void check_sink_finish(struct sink *s)
{
	check_of(s)->is_finishing = true;
}

static double urgency(const struct checked *process)
{
	const struct verdict *v = &process->verdict;

	if (!process->has_verdict)
		return 0;
	return v->is_leak ? 1 + v->confidence : v->trend.slope > 0;
}

void check_sink_progress(const struct sink *s, struct strbuf *out)
{
	const struct check_sink *c = check_of(s);
	const struct checked *shown = NULL;
	struct hmap_node *node;

	hmap_for_each (&c->list.living, node) {
		const struct checked *process = hmap_entry(node, struct checked, node);

		if (!shown || urgency(process) > urgency(shown))
			shown = process;
	}
	if (!shown) {
		strbuf_adds(out, "no process");
		return;
	}
	strbuf_addf(out, "%u (", shown->gate.pid);
	strbuf_add_text(out, shown->gate.comm, sizeof(shown->gate.comm));
	strbuf_adds(out, "): ");
	if (shown->has_verdict)
		verdict_text_add(out, &shown->verdict);
	else
		strbuf_adds(out, verdict_class_help(VERDICT_EARLY));
	if (c->list.living.count > 1)
		strbuf_addf(out, " (and %zu more)", c->list.living.count - 1);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Puts records or texts of censuses together and writes them. */
#include "cmd/heap_show.h"

#include <errno.h>
#include <langinfo.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "output/ndjson_census.h"
#include "output/ndjson_record.h"
#include "output/sink.h"

#define TERMINAL_ROWS  20
#define TERMINAL_WIDTH 80 /* of one that does not tell */

void heap_show_init(struct heap_show *s, bool json, unsigned rows)
{
	struct winsize size = {0};

	*s = (struct heap_show){.json = json, .view.rows = rows};
	strbuf_init(&s->out);
	uname(&s->machine);
	s->run = (struct run){.version = MEMWATCH_VERSION,
			      .kernel = s->machine.release,
			      .arch = s->machine.machine};
	s->view.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	if (!isatty(STDOUT_FILENO))
		return;
	s->view.width = TERMINAL_WIDTH;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		s->view.width = size.ws_col;
	if (!rows)
		s->view.rows = TERMINAL_ROWS;
}

void heap_show_release(struct heap_show *s)
{
	strbuf_release(&s->out);
}

static int write_out(struct heap_show *s)
{
	int err = sink_write(STDOUT_FILENO, &s->out);

	if (err && err != -EPIPE && err != -EINTR)
		return log_error_code(err, "cannot write: %s", strerror(-err));
	return err;
}

int heap_show_begin(struct heap_show *s, const uint32_t *pids, unsigned count, uint64_t interval_ns)
{
	s->run.pids = pids;
	s->run.pid_count = count;
	s->run.interval_ns = interval_ns;
	if (!s->json)
		return 0;
	ndjson_meta_add(&s->out, &s->run);
	return write_out(s);
}

static void add_records(struct heap_show *s, const struct census *c, const struct census_diff *diff)
{
	ndjson_census_add(&s->out, c);
	if (diff)
		ndjson_changes_add(&s->out, diff);
	else
		ndjson_constructors_add(&s->out, c);
}

static void add_text(struct heap_show *s, const struct census *c, const struct census_diff *diff)
{
	if (s->shown)
		strbuf_addc(&s->out, '\n');
	if (diff)
		census_diff_text_add(&s->out, diff, &s->view);
	else
		census_text_add(&s->out, c, &s->view);
}

static void add_retainers(struct heap_show *s, const struct census *c)
{
	if (s->json)
		ndjson_retainers_add(&s->out, c);
	else
		census_retainers_text_add(&s->out, c, &s->view);
}

int heap_show(struct heap_show *s, const struct census *c, const struct census_diff *diff)
{
	if (s->json)
		add_records(s, c, diff);
	else
		add_text(s, c, diff);
	s->shown++;
	add_retainers(s, c);
	return write_out(s);
}

int heap_show_retainers(struct heap_show *s, const struct census *c)
{
	add_retainers(s, c);
	return write_out(s);
}

int heap_show_end(struct heap_show *s, unsigned censuses)
{
	if (!s->json)
		return 0;
	ndjson_census_end_add(&s->out, censuses);
	return write_out(s);
}

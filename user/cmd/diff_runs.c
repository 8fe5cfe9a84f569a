/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cmd/diff_runs.h"

#include <errno.h>

#include "analysis/run_diff.h"
#include "base/log.h"
#include "cmd/document.h"
#include "cmd/heap_show.h"
#include "cmd/report_symbols.h"
#include "output/html_diff.h"
#include "output/ndjson_record.h"
#include "output/ndjson_run_diff.h"
#include "output/run_diff_text.h"
#include "store/recording.h"

/* Of processes that are not named, those that grew most: the rest has nothing to be compared. */
#define PROCESSES_MAX 256

static int load(const char *path, struct recorded **out)
{
	const struct recording_select select = {.most = PROCESSES_MAX};
	char why[RECORDING_WHY] = "";
	int err = recording_load(path, &select, out, why);

	if (err)
		return log_error_code(err == -EINVAL ? -EIO : err, "cannot compare %s: %s", path,
				      why);
	report_symbols_name(*out);
	return 0;
}

static int add_json(struct strbuf *out, const struct run_diff *d, const struct heap_show *s)
{
	ndjson_meta_add(out, &s->run);
	ndjson_run_diff_add(out, d);
	return out->err;
}

static int format_diff(struct strbuf *out, const struct run_diff *d, const struct diff_runs *o)
{
	struct heap_show s; /* what the terminal and this machine are */
	int err = 0;

	heap_show_init(&s, o->format == DIFF_JSON, o->rows);
	if (o->output)
		s.view = (struct census_view){.rows = o->rows, .utf8 = s.view.utf8};
	if (o->format == DIFF_HTML)
		err = html_diff_add(out, d);
	else if (o->format == DIFF_JSON)
		err = add_json(out, d, &s);
	else
		run_diff_text_add(out, d, &s.view);
	heap_show_release(&s);
	return err ? err : out->err;
}

static int compare(const struct recorded *a, const struct recorded *b, const struct diff_runs *o)
{
	struct run_diff *d = run_diff_new(a, b, o->requests);
	struct strbuf out;
	int err;

	if (!d)
		return log_error_code(-ENOMEM, "out of memory");
	strbuf_init(&out);
	err = format_diff(&out, d, o);
	if (err)
		err = log_error_code(err, "out of memory");
	else
		err = document_write(o->output, &out);
	strbuf_release(&out);
	run_diff_free(d);
	return err;
}

int diff_runs(const struct diff_runs *o)
{
	struct recorded *a = NULL, *b = NULL;
	int err = load(o->files[0], &a);

	if (!err)
		err = load(o->files[1], &b);
	if (!err)
		err = compare(a, b, o);
	recorded_free(a);
	recorded_free(b);
	return err;
}

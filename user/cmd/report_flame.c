// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Of several processes each hangs on a node of its own. */
#include "cmd/report_flame.h"

#include <errno.h>
#include <stdio.h>

#include "analysis/flame.h"
#include "output/flame_svg.h"
#include "output/folded.h"

#define LABEL_BYTES 64 /* "comm (4294967295)" */

static bool has_sites(const struct recorded_process *p)
{
	return p->is_loaded && p->sites;
}

static unsigned count_processes(const struct recorded *r)
{
	unsigned count = 0;

	for (size_t i = 0; i < r->process_count; i++)
		count += has_sites(&r->processes[i]);
	return count;
}

static int add_processes(struct flame *f, const struct recorded *r, bool is_labelled)
{
	char label[LABEL_BYTES];
	int err = 0;

	for (size_t i = 0; i < r->process_count && !err; i++) {
		const struct recorded_process *p = &r->processes[i];

		if (!has_sites(p))
			continue;
		snprintf(label, sizeof(label), "%s (%u)", p->comm, p->pid);
		err = flame_add_process(f, p, is_labelled ? label : NULL, FLAME_B, 1);
	}
	return err;
}

static struct flame *flame_of(const struct recorded *r)
{
	struct flame *f = flame_new();

	if (!f)
		return NULL;
	if (add_processes(f, r, count_processes(r) > 1)) {
		flame_free(f);
		return NULL;
	}
	flame_finish(f);
	return f;
}

/* Names are hostile, and made safe by who draws it. */
static void title_of(char out[LABEL_BYTES], const struct recorded *r)
{
	unsigned count = count_processes(r);

	snprintf(out, LABEL_BYTES, "growth of %u processes", count);
	for (size_t i = 0; count == 1 && i < r->process_count; i++) {
		const struct recorded_process *p = &r->processes[i];

		if (has_sites(p))
			snprintf(out, LABEL_BYTES, "growth of %s (%u)", p->comm, p->pid);
	}
}

int report_flame_svg(struct strbuf *out, const struct recorded *r)
{
	char title[LABEL_BYTES];
	const struct flame_svg_options options = {.title = title, .id = "growth"};
	struct flame *f = flame_of(r);

	if (!f)
		return -ENOMEM;
	title_of(title, r);
	flame_svg_add(out, f, &options);
	flame_free(f);
	return out->err;
}

int report_flame_folded(struct strbuf *out, const struct recorded *r)
{
	struct flame *f = flame_of(r);

	if (!f)
		return -ENOMEM;
	folded_add(out, f, FLAME_B);
	flame_free(f);
	return out->err;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cmd/progress.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"

#define EVERY_NS (10 * NSEC_PER_SEC)

static int on_timer(void *arg, uint64_t expirations)
{
	struct progress *p = arg;
	uint64_t so_far_s = (clock_boot_ns() - p->begin_ns) / NSEC_PER_SEC;
	uint64_t all_s = p->duration_ns / NSEC_PER_SEC;
	char so_far[UNITS_SIZE], all[UNITS_SIZE];
	struct strbuf text;

	(void)expirations;
	strbuf_init(&text);
	p->text(p->arg, &text);
	units_format_duration(so_far, sizeof(so_far), so_far_s);
	units_format_duration(all, sizeof(all), all_s);
	if (text.len)
		log_info("%s: %s%s%s: %s", p->name, so_far, all_s ? " of " : "", all_s ? all : "",
			 text.s);
	strbuf_release(&text);
	return 0;
}

int progress_add(struct progress *p, struct loop *loop)
{
	int id;

	p->begin_ns = clock_boot_ns();
	if (!isatty(STDERR_FILENO) || log_get_level() < LOG_INFO)
		return 0;
	id = loop_add_timer(loop, EVERY_NS, on_timer, p);
	return id < 0 ? id : 0;
}

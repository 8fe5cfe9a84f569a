// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lines for a pipe or a terminal that scrolls: as long as they are, in UTF-8. */
#include "output/site_block.h"

#include "output/site_text.h"

#define MOST 16

static void add_lines(struct strbuf *out, uint64_t now_ns, const struct site_group *groups,
		      unsigned count, const char *prefix)
{
	for (unsigned i = 0; i < count; i++) {
		strbuf_adds(out, prefix);
		site_line_add(out, &groups[i], now_ns, 0, true);
		strbuf_addc(out, '\n');
	}
}

unsigned site_block_leading(struct strbuf *out, const struct process *p, uint64_t now_ns,
			    unsigned most, const char *prefix)
{
	struct site_group groups[MOST];
	unsigned count = 0;

	if (p->sites)
		count = site_groups_leading(p->sites, groups, most < MOST ? most : MOST);
	add_lines(out, now_ns, groups, count, prefix);
	return count;
}

void site_block_summary(struct strbuf *out, const struct process *p, uint64_t now_ns, unsigned most,
			const char *prefix)
{
	struct site_group groups[MOST];
	bool has_titles = false;

	if (!p->sites)
		return;
	for (unsigned i = 0; i < MW_SITE_KINDS - 1; i++) {
		unsigned count = site_groups(p->sites, site_kinds_ordered[i], SITE_BY_FUNCTION,
					     groups, most < MOST ? most : MOST);

		if (count && !has_titles) {
			strbuf_adds(out, prefix);
			site_titles_add(out);
			strbuf_addc(out, '\n');
			has_titles = true;
		}
		add_lines(out, now_ns, groups, count, prefix);
	}
	strbuf_adds(out, prefix);
	if (site_state_add(out, p->sites))
		strbuf_adds(out, "; ");
	site_quality_add(out, p->sites);
	strbuf_addc(out, '\n');
}

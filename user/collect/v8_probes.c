// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which program goes to which function. What may be probed at all is in user/v8/v8_hooks.c. */
#include "collect/v8_probes.h"

#include <stdio.h>
#include <string.h>

#include "base/background.h"
#include "base/log.h"
#include "collect/uprobe.h"

static const struct {
	enum v8_hook hook;
	const char *program;
	bool is_return;
	bool is_sampling; /* in windows only */
} probes[] = {
	/* The end before the begin: what returns must have been seen to begin. */
	{V8_HOOK_SCAVENGE, "mw_v8_scav_out", true, false},
	{V8_HOOK_SCAVENGE_MID, "mw_v8_scav_mid", false, false},
	{V8_HOOK_SCAVENGE, "mw_v8_scav_in", false, false},
	{V8_HOOK_MARK_COMPACT, "mw_v8_mc_out", true, false},
	{V8_HOOK_MC_MOVED, "mw_v8_mc_moved", false, false},
	{V8_HOOK_MC_MARKED, "mw_v8_mc_marked", false, false},
	{V8_HOOK_MARK_COMPACT, "mw_v8_mc_in", false, false},
	{V8_HOOK_HEAP_OUT, "mw_v8_heap_out", false, false},
	{V8_HOOK_EXT_FREE, "mw_ext_free", false, false},
	{V8_HOOK_EXT_ALLOC, "mw_ext_out", true, false},
	{V8_HOOK_EXT_ALLOC, "mw_ext_alloc_in", false, false},
	{V8_HOOK_EXT_UNINIT, "mw_ext_out", true, false},
	{V8_HOOK_EXT_UNINIT, "mw_ext_alloc_in", false, false},
	{V8_HOOK_EXT_REALLOC, "mw_ext_out", true, false},
	{V8_HOOK_EXT_REALLOC, "mw_ext_real_in", false, false},
	{V8_HOOK_ALLOC_LARGE_OLD, "mw_v8_large_out", true, true},
	{V8_HOOK_ALLOC_LARGE_OLD, "mw_v8_large_in", false, true},
	{V8_HOOK_ALLOC_LARGE, "mw_v8_large_out", true, true},
	{V8_HOOK_ALLOC_LARGE, "mw_v8_large_in", false, true},
	{V8_HOOK_ALLOC_OLD, "mw_v8_old_out", true, true},
	{V8_HOOK_ALLOC_OLD, "mw_v8_old_in", false, true},
	{V8_HOOK_ALLOC, "mw_v8_alloc_out", true, true},
	{V8_HOOK_ALLOC, "mw_v8_alloc_in", false, true},
};
#define PROBE_COUNT (sizeof(probes) / sizeof(probes[0]))
_Static_assert(PROBE_COUNT <= V8_PROBES_MAX, "links for all probes");

static int attach(struct v8_probes *p, size_t i)
{
	enum v8_hook hook = probes[i].hook;
	int fd;

	if (!p->hooks->rows[hook] || p->fds[i] >= 0)
		return 0;
	fd = uprobe_open(session_program_fd(p->session, probes[i].program), probes[i].is_return,
			 p->pid, p->path, p->hooks->offsets[hook]);
	p->fds[i] = fd;
	if (fd >= 0)
		return 0;
	log_debug("PID %u: no probe on %s: %s", p->pid, v8_hook_name(hook), strerror(-fd));
	return fd;
}

static int attach_group(struct v8_probes *p, bool sampling)
{
	int first = 0;

	for (size_t i = 0; i < PROBE_COUNT; i++) {
		int err = probes[i].is_sampling == sampling ? attach(p, i) : 0;

		if (!first)
			first = err;
	}
	return first;
}

/* Backwards: first no call is seen to begin any more. */
static void detach_group(struct v8_probes *p, bool sampling)
{
	for (size_t i = PROBE_COUNT; i-- > 0;) {
		if (probes[i].is_sampling != sampling)
			continue;
		background_close(p->fds[i]);
		p->fds[i] = -1;
	}
}

int v8_probes_attach(struct v8_probes *p, struct session *s, uint32_t pid, const char *path,
		     const struct v8_hooks *hooks)
{
	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < PROBE_COUNT; i++)
		p->fds[i] = -1;
	p->session = s;
	p->pid = pid;
	p->hooks = hooks;
	snprintf(p->path, sizeof(p->path), "%s", path);
	return attach_group(p, false);
}

int v8_probes_sample(struct v8_probes *p, bool on)
{
	if (on == p->is_sampling || !p->hooks)
		return 0;
	p->is_sampling = on;
	if (on)
		return attach_group(p, true);
	detach_group(p, true);
	return 0;
}

void v8_probes_detach(struct v8_probes *p)
{
	if (!p->hooks)
		return;
	detach_group(p, true);
	detach_group(p, false);
	p->hooks = NULL;
}

void v8_probes_leave_external(struct v8_probes *p)
{
	if (!p->hooks)
		return;
	for (size_t i = PROBE_COUNT; i-- > 0;) {
		if (probes[i].hook < V8_HOOK_EXT_ALLOC || probes[i].hook > V8_HOOK_EXT_FREE)
			continue;
		background_close(p->fds[i]);
		p->fds[i] = -1;
	}
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which hooks a session uses: each capability's first that this kernel has, that was not switched
 * off, and that was not struck off because it did not work after all.
 */
#include "collect/session_internal.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

const struct hook *session_used_hook(const struct session *s, enum capability c)
{
	for (size_t i = 0; i < hook_count; i++) {
		if (hook_table[i].capability == c && s->hooks[i].is_used)
			return &hook_table[i];
	}
	return NULL;
}

static bool is_of_sites(const struct hook *hook)
{
	return hook->capability == CAPABILITY_SITES || hook->capability == CAPABILITY_V8;
}

/* Probes each hook in turn and takes the first that works, unless it was struck off before. */
void session_choose_hooks(struct session *s, const struct session_options *o)
{
	for (size_t i = 0; i < hook_count; i++) {
		const struct hook *hook = &hook_table[i];
		struct hook_state *state = &s->hooks[i];

		state->is_used = false;
		if (state->err)
			continue;
		if (hook_is_named(hook, o->without)) {
			state->err = -ECANCELED;
			state->why = "switched off by --without";
			continue;
		}
		if (o->no_sites && is_of_sites(hook)) {
			state->err = -ECANCELED;
			state->why = "switched off by --no-stacks";
			continue;
		}
		if (session_used_hook(s, hook->capability))
			continue;
		state->err = hook->probe(&s->kernel, &state->why);
		if (!state->err)
			state->why = NULL;
		state->is_used = !state->err;
		if (hook == hook_totals_last && state->err)
			return;
	}
}

void session_strike_off(struct session *s, const struct hook *hook, int err, const char *why)
{
	struct hook_state *state = &s->hooks[hook - hook_table];

	log_debug("%s does not work here: %s", hook->name, strerror(-err));
	state->is_used = false;
	state->err = err;
	state->why = why;
}

/* Which to give up when it is not known what was refused: the last in use. */
const struct hook *session_expendable_hook(const struct session *s)
{
	for (size_t i = hook_count; i-- > 0;) {
		if (s->hooks[i].is_used && hook_table[i].programs[0] &&
		    hook_table[i].capability != CAPABILITY_TOTALS)
			return &hook_table[i];
	}
	return NULL;
}

bool session_has_sites(const struct session *s, const char **why)
{
	for (size_t i = 0; i < hook_count; i++) {
		if (hook_table[i].capability == CAPABILITY_SITES && s->hooks[i].err)
			*why = s->hooks[i].why;
	}
	return session_used_hook(s, CAPABILITY_SITES) != NULL;
}

const struct hook_state *session_hook(const struct session *s, size_t i)
{
	return &s->hooks[i];
}

const char *session_hook_name(const struct session *s, enum capability c)
{
	const struct hook *hook = session_used_hook(s, c);

	return hook ? hook->name : NULL;
}

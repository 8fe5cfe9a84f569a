/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names of JIT code.
 *
 * V8 (src/logging/log.cc, Node 12-26) writes a tag, a tier, a name that may be empty, and where the
 * function begins:
 *	LazyCompile:*saveContext /app/handles.js:12:24
 *	JS:o+'<anonymous> file:///app/a.mjs:1:1
 *	Builtin:ArrayPrototypePush	BytecodeHandler:Ldar	RegExp:^a+$
 * CPython (Python/perf_trampoline.c, 3.12) writes py::QUALNAME:FILE.
 *
 * LIMITATIONS: a function's name with a space in it, in V8's, is cut there if the rest looks
 * like a path.
 */
#include "sym/perf_name.h"

#include <stdlib.h>
#include <string.h>

/* Tags of JavaScript functions; a tier and a position follow. */
static const char *const js_tags[] = {"JS:", "LazyCompile:", "Function:", "Script:", "Eval:"};

/* Tags of V8's own code. */
static const char *const builtin_tags[] = {"Builtin:", "BytecodeHandler:", "Stub:",   "RegExp:",
					   "Handler:", "CallMIC:",	   "LoadIC:", "StoreIC:"};

static const struct {
	char mark;
	enum frame_tier tier;
} tiers[] = {
	{'~', TIER_INTERPRETED},
	{'^', TIER_BASELINE},
	{'+', TIER_MAGLEV},
	{'*', TIER_TURBOFAN},
};

/* Behind the tag that @name begins with; NULL if it is none of them. */
static const char *tag_skip(const char *name, const char *const *tags, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!strncmp(name, tags[i], strlen(tags[i])))
			return name + strlen(tags[i]);
	}
	return NULL;
}

static enum frame_origin origin_of_script(const char *file)
{
	if (!strncmp(file, "node:", 5) || !strncmp(file, "internal/", 9) || !strchr(file, '/'))
		return FRAME_RUNTIME;
	return strstr(file, "/node_modules/") ? FRAME_DEPENDENCY : FRAME_USER;
}

/* A number behind the last colon before @end, which then is at that colon. 0: none. */
static unsigned long number_before(const char *s, const char **end)
{
	const char *at = *end;

	while (at > s && at[-1] >= '0' && at[-1] <= '9')
		at--;
	if (at == *end || at == s || at[-1] != ':' || *end - at > 9)
		return 0;
	*end = at - 1;
	return strtoul(at, NULL, 10);
}

/* "name /path:line:column", of which all parts may be missing. */
static void js_frame(const char *s, struct intern *names, struct frame *out)
{
	const char *end = s + strlen(s), *space = strchr(s, ' ');
	unsigned long last, line;
	size_t fn_len;

	out->kind = FRAME_JS;
	out->origin = FRAME_USER;
	last = number_before(s, &end);
	line = last ? number_before(s, &end) : 0;
	if (!line)
		line = last; /* no column, before Node 12 */
	fn_len = space && space < end ? (size_t)(space - s) : line ? 0 : (size_t)(end - s);
	if (!fn_len || !strncmp(s, "<anonymous>", 11))
		out->fn = intern_str(names, "(anonymous)");
	else
		out->fn = intern_add(names, s, fn_len);
	s += fn_len ? fn_len + 1 : *s == ' ';
	if (!line || s >= end)
		return;
	out->file = intern_add(names, s, (size_t)(end - s));
	out->fn_line = (uint32_t)line;
	out->origin = origin_of_script(out->file);
}

static void python_frame(const char *s, struct intern *names, struct frame *out)
{
	const char *colon = strrchr(s, ':');

	out->kind = FRAME_NATIVE;
	out->origin = FRAME_USER;
	if (!colon || colon == s) {
		out->fn = intern_str(names, s);
		return;
	}
	out->fn = intern_add(names, s, (size_t)(colon - s));
	out->file = intern_str(names, colon + 1);
	if (strstr(out->file, "/site-packages/") || strstr(out->file, "/dist-packages/"))
		out->origin = FRAME_DEPENDENCY;
	else if (*out->file == '<' || strstr(out->file, "/lib/python"))
		out->origin = FRAME_RUNTIME;
}

/* "*", "+'" (specialised for one closure), "o+" (entered in a loop); returns what follows. */
static const char *tier_take(const char *s, struct frame *out)
{
	for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++) {
		size_t at = *s == 'o' && s[1] == tiers[i].mark;

		if (s[at] != tiers[i].mark)
			continue;
		out->tier = (uint8_t)tiers[i].tier;
		return s + at + 1 + (s[at + 1] == '\'');
	}
	return s;
}

void perf_name_frame(const char *name, struct intern *names, struct frame *out)
{
	const char *rest = tag_skip(name, js_tags, sizeof(js_tags) / sizeof(js_tags[0]));

	if (rest) {
		js_frame(tier_take(rest, out), names, out);
		return;
	}
	rest = tag_skip(name, builtin_tags, sizeof(builtin_tags) / sizeof(builtin_tags[0]));
	if (rest) {
		out->kind = FRAME_BUILTIN;
		out->origin = FRAME_RUNTIME;
		out->fn = intern_str(names, *rest ? rest : name);
		return;
	}
	if (!strncmp(name, "py::", 4) && name[4]) {
		python_frame(name + 4, names, out);
		return;
	}
	out->kind = FRAME_NATIVE;
	out->origin = FRAME_USER;
	out->fn = intern_str(names, name);
}

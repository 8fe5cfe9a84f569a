/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Messages for people: formats one, makes it safe to show, and writes it to
 * stderr in one go or hands it to the sink.
 *
 * Messages quote names that others chose (a comm, a path, an argument), so
 * each line goes through strbuf_add_text(). A newline inside a message starts
 * a line of its own (libbpf's verifier logs have many), which is indented: a
 * name with a newline in it cannot forge a message.
 *
 * errno is the same before and after, and %m works.
 *
 * LIMITATIONS: a sink must not log. Not for signal handlers or threads. When
 * memory is out, the format is shown instead of the message.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"

static struct {
	enum log_level level;
	void (*sink)(void *arg, enum log_level level, const char *text);
	void *sink_arg;
} log_state = {.level = LOG_INFO};

void log_set_level(enum log_level level)
{
	log_state.level = level;
}

enum log_level log_get_level(void)
{
	return log_state.level;
}

void log_set_sink(void (*fn)(void *arg, enum log_level level, const char *text), void *arg)
{
	log_state.sink = fn;
	log_state.sink_arg = arg;
}

static void emit_line(enum log_level level, const char *text, size_t len, bool continued)
{
	struct strbuf line;

	strbuf_init(&line);
	if (!log_state.sink)
		strbuf_adds(&line, level == LOG_WARN ? "memwatch: warning: " : "memwatch: ");
	if (continued)
		strbuf_adds(&line, "  ");
	strbuf_add_text(&line, text, len);
	if (log_state.sink) {
		log_state.sink(log_state.sink_arg, level, line.s);
	} else {
		strbuf_addc(&line, '\n');
		fwrite(line.s, 1, line.len, stderr);
		fflush(stderr);
	}
	strbuf_release(&line);
}

static void emit(enum log_level level, const char *text)
{
	bool continued = false;

	do {
		const char *end = strchrnul(text, '\n');

		emit_line(level, text, (size_t)(end - text), continued);
		continued = true;
		text = *end ? end + 1 : end;
	} while (*text);
}

void log_vprint(enum log_level level, const char *fmt, va_list ap)
{
	int saved_errno = errno;
	struct strbuf text;

	if (level > log_state.level)
		return;
	strbuf_init(&text);
	strbuf_vaddf(&text, fmt, ap);
	for (char *tab = strchr(text.s, '\t'); tab; tab = strchr(tab, '\t'))
		*tab = ' ';
	emit(level, text.err ? fmt : text.s);
	strbuf_release(&text);
	errno = saved_errno;
}

void log_print(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vprint(level, fmt, ap);
	va_end(ap);
}

int log_error_code(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vprint(LOG_ERROR, fmt, ap);
	va_end(ap);
	return err;
}

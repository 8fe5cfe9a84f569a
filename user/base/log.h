/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Messages for people, on stderr. stdout is for data.
 *
 * The level and the sink are the program's only mutable file-scope variables.
 * libbpf's own messages go through the same place, one level quieter (its
 * warnings are our -v), so that a hook which this kernel refuses is not an
 * alarm.
 *
 * Messages may quote hostile names: they pass through strbuf_add_text(). A
 * newline within a message is allowed; what follows it is indented.
 */
#ifndef MEMWATCH_BASE_LOG_H
#define MEMWATCH_BASE_LOG_H

#include <stdarg.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/** log_set_level - print messages up to and including @level (default LOG_INFO) */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/**
 * log_set_sink - send messages elsewhere, NULL for stderr again
 *
 * The live view takes them while it owns the terminal. @fn gets one line of a
 * message, without the newline and without "memwatch: ". It must not log.
 */
void log_set_sink(void (*fn)(void *arg, enum log_level level, const char *text), void *arg);

void log_vprint(enum log_level level, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
void log_print(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * log_error_code - print "memwatch: MESSAGE" as an error and hand @err back
 * @err: negative errno
 *
 * For "return log_error_code(-EINVAL, ...)", so that no path can forget the
 * code. @err is not appended: the message says what, why and what to do.
 */
int log_error_code(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_print(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_print(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_print(LOG_DEBUG, __VA_ARGS__)

#endif

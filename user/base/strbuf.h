/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A growing string, and what is appended to it safely: JSON, sanitised text.
 *
 * An allocation that fails sets @err to -ENOMEM and makes every later append
 * do nothing: callers check once, at the end. @s is always a valid string
 * after strbuf_init().
 */
#ifndef MEMWATCH_BASE_STRBUF_H
#define MEMWATCH_BASE_STRBUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf {
	char *s;
	size_t len; /* without the terminating NUL */
	size_t cap;
	int err;
};

void strbuf_init(struct strbuf *b);
void strbuf_release(struct strbuf *b);
/** strbuf_clear - empty it, keep the memory, forget an error */
void strbuf_clear(struct strbuf *b);

void strbuf_add(struct strbuf *b, const void *data, size_t len);
void strbuf_adds(struct strbuf *b, const char *s);
void strbuf_addc(struct strbuf *b, char c);
void strbuf_addu(struct strbuf *b, uint64_t v); /* decimal; no printf: this is the hot path */
void strbuf_addi(struct strbuf *b, int64_t v);
void strbuf_addf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/**
 * strbuf_add_text - append hostile text so that a terminal or JSON can show it
 * @len: bytes at @s; stops at a NUL before that
 *
 * Valid UTF-8 passes; C0 and C1 controls, DEL, and bytes that are not valid
 * UTF-8 become U+FFFD, and so do the Unicode bidirectional controls
 * (U+061C, U+200E-F, U+202A-E, U+2066-9), line separators (U+2028-9), U+FEFF
 * and noncharacters, which can make a line read otherwise than it is. Invalid
 * bytes give one U+FFFD for each maximal subpart of a character.
 */
void strbuf_add_text(struct strbuf *b, const char *s, size_t len);

/** strbuf_add_markup - the same, escaped for elements and quoted attributes of XML and HTML */
void strbuf_add_markup(struct strbuf *b, const char *s, size_t len);

/** strbuf_add_json_string - the same, quoted and escaped (RFC 8259) */
void strbuf_add_json_string(struct strbuf *b, const char *s, size_t len);

#endif

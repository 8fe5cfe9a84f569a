/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A growing string (doubling), and the one place where text that others chose
 * is made safe: process names, paths, JavaScript function names.
 *
 * Invalid UTF-8 follows the Unicode Standard's recommended practice (3.9,
 * "U+FFFD Substitution of Maximal Subparts", as WHATWG and Python do it): one
 * U+FFFD for each longest run of bytes that could have begun a character, so
 * a character that was cut off at the end gives one. No byte is
 * dropped without a trace.
 *
 * LIMITATIONS: @data must not point into the buffer that it is added to. No
 * grapheme logic: combining marks and wide or invisible characters pass.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

#define STRBUF_MIN_CAP	  64
#define STRBUF_MAX	  (SIZE_MAX / 4)

#define CODEPOINT_INVALID UINT32_MAX
#define REPLACEMENT	  "\xEF\xBF\xBD" /* U+FFFD */

void strbuf_init(struct strbuf *b)
{
	/* Read only: nothing is written through @s while @cap is 0. */
	*b = (struct strbuf){.s = (char *)""};
}

void strbuf_release(struct strbuf *b)
{
	if (b->cap)
		free(b->s);
	strbuf_init(b);
}

void strbuf_clear(struct strbuf *b)
{
	b->len = 0;
	b->err = 0;
	if (b->cap)
		b->s[0] = '\0';
}

/* Makes room for @extra bytes and the NUL; false, with @err set, when there is none. */
static bool strbuf_reserve(struct strbuf *b, size_t extra)
{
	size_t cap = b->cap ? b->cap : STRBUF_MIN_CAP;
	char *s;

	if (b->err)
		return false;
	if (extra < b->cap && b->len < b->cap - extra)
		return true;
	if (extra >= STRBUF_MAX || b->len >= STRBUF_MAX - extra)
		goto no_memory;
	while (cap <= b->len + extra)
		cap *= 2;
	s = realloc(b->cap ? b->s : NULL, cap);
	if (!s)
		goto no_memory;
	s[b->len] = '\0';
	b->s = s;
	b->cap = cap;
	return true;
no_memory:
	b->err = -ENOMEM;
	return false;
}

void strbuf_add(struct strbuf *b, const void *data, size_t len)
{
	if (!len || !strbuf_reserve(b, len))
		return;
	memcpy(b->s + b->len, data, len);
	b->len += len;
	b->s[b->len] = '\0';
}

void strbuf_adds(struct strbuf *b, const char *s)
{
	strbuf_add(b, s, strlen(s));
}

void strbuf_addc(struct strbuf *b, char c)
{
	strbuf_add(b, &c, 1);
}

void strbuf_addu(struct strbuf *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	strbuf_add(b, digits + at, sizeof(digits) - at);
}

void strbuf_addi(struct strbuf *b, int64_t v)
{
	if (v < 0)
		strbuf_addc(b, '-');
	strbuf_addu(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap)
{
	int saved_errno = errno; /* for a %m in @fmt, the second time too */
	va_list again;
	int len;

	if (b->err)
		return;
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	if (len < 0) {
		b->err = -errno;
	} else if (strbuf_reserve(b, (size_t)len)) {
		errno = saved_errno;
		vsnprintf(b->s + b->len, (size_t)len + 1, fmt, again);
		b->len += (size_t)len;
	}
	va_end(again);
}

void strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(b, fmt, ap);
	va_end(ap);
}

/*
 * Well-formed UTF-8, The Unicode Standard, table 3-7. The range of the second
 * byte is what keeps out overlong forms, surrogates and all above U+10FFFF.
 */
static const struct utf8_lead {
	unsigned char first, last;
	unsigned char second_min, second_max;
	unsigned char len;
} utf8_leads[] = {
	{0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
	{0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
	{0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

static const struct utf8_lead *utf8_find_lead(unsigned char c)
{
	for (size_t i = 0; i < sizeof(utf8_leads) / sizeof(utf8_leads[0]); i++)
		if (c >= utf8_leads[i].first && c <= utf8_leads[i].last)
			return &utf8_leads[i];
	return NULL;
}

/*
 * Decodes what is at @s (@len > 0 bytes) into @cp and returns how many bytes
 * that was; with CODEPOINT_INVALID the length of the maximal subpart, >= 1.
 */
static size_t utf8_decode(const unsigned char *s, size_t len, uint32_t *cp)
{
	const struct utf8_lead *lead;
	uint32_t value;
	size_t i;

	*cp = CODEPOINT_INVALID;
	if (s[0] < 0x80) {
		*cp = s[0];
		return 1;
	}
	lead = utf8_find_lead(s[0]);
	if (!lead)
		return 1;
	value = s[0] & (0x7Fu >> lead->len);
	for (i = 1; i < lead->len; i++) {
		unsigned char min = i == 1 ? lead->second_min : 0x80;
		unsigned char max = i == 1 ? lead->second_max : 0xBF;

		if (i >= len || s[i] < min || s[i] > max)
			return i;
		value = value << 6 | (s[i] & 0x3F);
	}
	*cp = value;
	return i;
}

/* May @cp be shown as it is? See strbuf_add_text() for the reasons. */
static bool is_showable(uint32_t cp)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{0x0000, 0x001F}, /* C0 */
		{0x007F, 0x009F}, /* DEL, C1 */
		{0x061C, 0x061C}, /* bidi: Arabic letter mark */
		{0x200E, 0x200F}, /* bidi: marks */
		{0x2028, 0x2029}, /* line and paragraph separator */
		{0x202A, 0x202E}, /* bidi: embeddings and overrides */
		{0x2066, 0x2069}, /* bidi: isolates */
		{0xFDD0, 0xFDEF}, /* noncharacters */
		{0xFEFF, 0xFEFF}, /* byte order mark */
	};

	if (cp > 0x10FFFF || (cp & 0xFFFE) == 0xFFFE)
		return false;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (cp >= hidden[i].first && cp <= hidden[i].last)
			return false;
	return true;
}

/* Copies runs that pass in one piece; most input is one run of plain ASCII. */
static void add_safe(struct strbuf *b, const char *text, size_t len, bool json)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t run = 0; /* where the run that is not copied yet begins */
	size_t i = 0;

	if (!len)
		return; /* @text may be NULL then */
	while (i < len && s[i]) {
		bool escape = json && (s[i] == '"' || s[i] == '\\');
		uint32_t cp;
		size_t n;

		if (s[i] >= 0x20 && s[i] < 0x7F && !escape) {
			i++;
			continue;
		}
		n = utf8_decode(s + i, len - i, &cp);
		if (!escape && is_showable(cp)) {
			i += n;
			continue;
		}
		strbuf_add(b, s + run, i - run);
		strbuf_adds(b, escape ? "\\" : REPLACEMENT);
		run = escape ? i : i + n; /* an escaped byte begins the next run */
		i += n;
	}
	strbuf_add(b, s + run, i - run);
}

void strbuf_add_text(struct strbuf *b, const char *s, size_t len)
{
	add_safe(b, s, len, false);
}

/* The reference that stands for @c in XML and HTML; NULL: itself. */
static const char *entity_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void strbuf_add_markup(struct strbuf *b, const char *s, size_t len)
{
	size_t begin = 0;

	/* What is escaped is ASCII: no character is cut in two. */
	for (size_t i = 0; i < len && s[i]; i++) {
		const char *entity = entity_of(s[i]);

		if (!entity)
			continue;
		add_safe(b, s + begin, i - begin, false);
		strbuf_adds(b, entity);
		begin = i + 1;
	}
	if (begin < len)
		add_safe(b, s + begin, len - begin, false);
}

void strbuf_add_json_string(struct strbuf *b, const char *s, size_t len)
{
	strbuf_addc(b, '"');
	add_safe(b, s, len, true);
	strbuf_addc(b, '"');
}

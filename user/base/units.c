/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sizes, rates and durations, to text and back.
 *
 * All in integers: what is shown is rounded half up from the exact value, and
 * no locale changes the decimal point. A fraction may have any number of
 * digits; those after the 18th are below all that matters here.
 *
 * NUMBER is digits, digits.digits or .digits: no sign, blank, exponent or
 * hexadecimal. Size units are any case; duration units are lower case (an "M"
 * there would be a month to some). Text that is malformed is -EINVAL even
 * when its number is too large as well.
 *
 * LIMITATIONS: a part of a byte or of a nanosecond is rounded, so that "0.4"
 * is 0 bytes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/units.h"

#define ARRAY_SIZE(a)	 (sizeof(a) / sizeof((a)[0]))

#define FRACTION_SCALE	 1000000000000000000ULL /* 18 digits */
#define DURATION_MAX_NS	 (366 * 86400 * NSEC_PER_SEC)
#define SECONDS_PER_MIN	 60
#define SECONDS_PER_HOUR 3600
#define SECONDS_PER_DAY	 86400

/*
 * @n in the smallest unit in which it stays below @base; at most 6 columns.
 * One decimal is shown below 1000, none above ("1023K").
 */
static char *format_scaled(char *out, size_t size, uint64_t n, uint64_t base, const char *units)
{
	uint64_t unit = base;

	for (;; units++, unit *= base) {
		uint64_t whole = n / unit, rest = n % unit;
		uint64_t tenths = whole * 10 + (rest * 10 + unit / 2) / unit;
		uint64_t rounded = whole + (rest >= unit / 2);

		if (tenths < 10000) {
			snprintf(out, size, "%" PRIu64 ".%" PRIu64 "%c", tenths / 10, tenths % 10,
				 *units);
			return out;
		}
		if (rounded < base || !units[1]) {
			snprintf(out, size, "%" PRIu64 "%c", rounded, *units);
			return out;
		}
	}
}

char *units_format_bytes(char *out, size_t size, uint64_t bytes)
{
	if (bytes >= 1024)
		return format_scaled(out, size, bytes, 1024, "KMGTPE");
	snprintf(out, size, bytes ? "%" PRIu64 "B" : "%" PRIu64, bytes);
	return out;
}

char *units_format_delta(char *out, size_t size, int64_t bytes)
{
	uint64_t magnitude = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
	char text[UNITS_SIZE];

	units_format_bytes(text, sizeof(text), magnitude);
	snprintf(out, size, "%s%s", bytes > 0 ? "+" : bytes < 0 ? "-" : "", text);
	return out;
}

char *units_format_count(char *out, size_t size, uint64_t n)
{
	if (n >= 1000)
		return format_scaled(out, size, n, 1000, "kMGTPE");
	snprintf(out, size, "%" PRIu64, n);
	return out;
}

char *units_format_duration(char *out, size_t size, uint64_t seconds)
{
	uint64_t days = seconds / SECONDS_PER_DAY;
	uint64_t hours = seconds % SECONDS_PER_DAY / SECONDS_PER_HOUR;
	uint64_t minutes = seconds % SECONDS_PER_HOUR / SECONDS_PER_MIN;

	if (days)
		snprintf(out, size, "%" PRIu64 "d%02" PRIu64 "h", days, hours);
	else if (hours)
		snprintf(out, size, "%" PRIu64 "h%02" PRIu64 "m", hours, minutes);
	else if (minutes)
		snprintf(out, size, "%" PRIu64 "m%02" PRIu64 "s", minutes, seconds % 60);
	else
		snprintf(out, size, "%" PRIu64 "s", seconds);
	return out;
}

/* whole + fraction / scale; @overflow when whole does not fit */
struct number {
	uint64_t whole;
	uint64_t fraction;
	uint64_t scale;
	bool overflow;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *scan_digits(const char *s, uint64_t *value, bool *overflow)
{
	for (*value = 0; is_digit(*s); s++) {
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(*s - '0'), value))
			*overflow = true;
	}
	return s;
}

/* Returns what follows the number at @s, or NULL when there is none. */
static const char *scan_number(const char *s, struct number *n)
{
	const char *end;

	*n = (struct number){.scale = 1};
	end = scan_digits(s, &n->whole, &n->overflow);
	if (*end != '.')
		return end == s ? NULL : end;
	if (!is_digit(end[1]))
		return NULL;
	for (end++; is_digit(*end); end++) {
		if (n->scale == FRACTION_SCALE)
			continue;
		n->fraction = n->fraction * 10 + (uint64_t)(*end - '0');
		n->scale *= 10;
	}
	return end;
}

/* @n times @unit, rounded half up. */
static int scale_number(const struct number *n, uint64_t unit, uint64_t *out)
{
	unsigned __int128 part = (unsigned __int128)n->fraction * unit + n->scale / 2;
	uint64_t value;

	if (n->overflow || __builtin_mul_overflow(n->whole, unit, &value) ||
	    __builtin_add_overflow(value, (uint64_t)(part / n->scale), &value))
		return -ERANGE;
	*out = value;
	return 0;
}

/* The bytes in the size unit named by @len bytes at @s; 0 when there is no such unit. */
static uint64_t size_unit(const char *s, size_t len)
{
	static const char prefixes[] = "KMGTPE";
	uint64_t unit = 1024;

	if (!len || (len == 1 && (*s == 'b' || *s == 'B')))
		return 1;
	if (len > 3 || (len == 2 && strncasecmp(s + 1, "B", 1)) ||
	    (len == 3 && strncasecmp(s + 1, "iB", 2)))
		return 0;
	for (const char *p = prefixes; *p; p++, unit *= 1024)
		if (!strncasecmp(p, s, 1))
			return unit;
	return 0;
}

int units_parse_bytes(const char *text, uint64_t *out)
{
	struct number n;
	const char *suffix = scan_number(text, &n);
	uint64_t unit = suffix ? size_unit(suffix, strlen(suffix)) : 0;

	return unit ? scale_number(&n, unit, out) : -EINVAL;
}

/* The seconds of a rate's "/s", "/m", "/min" or "/h"; 1 for nothing, 0 for anything else. */
static unsigned int rate_period(const char *s)
{
	if (!*s || !strcasecmp(s, "/s"))
		return 1;
	if (!strcasecmp(s, "/m") || !strcasecmp(s, "/min"))
		return SECONDS_PER_MIN;
	if (!strcasecmp(s, "/h"))
		return SECONDS_PER_HOUR;
	return 0;
}

int units_parse_rate(const char *text, double *bytes_per_s)
{
	struct number n;
	const char *suffix = scan_number(text, &n);
	const char *slash = suffix ? strchrnul(suffix, '/') : NULL;
	uint64_t unit = suffix ? size_unit(suffix, (size_t)(slash - suffix)) : 0;
	unsigned int period = suffix ? rate_period(slash) : 0;
	uint64_t bytes;
	int err;

	if (!unit || !period)
		return -EINVAL;
	err = scale_number(&n, unit, &bytes); /* for the range; a rate keeps its fraction */
	if (err)
		return err;
	*bytes_per_s =
		((double)n.whole + (double)n.fraction / (double)n.scale) * (double)unit / period;
	return 0;
}

int units_parse_duration(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"", NSEC_PER_SEC},
		{"ms", NSEC_PER_MSEC},
		{"s", NSEC_PER_SEC},
		{"m", SECONDS_PER_MIN * NSEC_PER_SEC},
		{"min", SECONDS_PER_MIN * NSEC_PER_SEC},
		{"h", SECONDS_PER_HOUR * NSEC_PER_SEC},
		{"d", SECONDS_PER_DAY * NSEC_PER_SEC},
	};
	struct number n;
	const char *suffix = scan_number(text, &n);
	uint64_t value;

	for (size_t i = 0; suffix && i < ARRAY_SIZE(units); i++) {
		if (strcmp(suffix, units[i].name))
			continue;
		if (scale_number(&n, units[i].ns, &value) || !value || value > DURATION_MAX_NS)
			return -ERANGE;
		*ns = value;
		return 0;
	}
	return -EINVAL;
}

int units_parse_u64(const char *text, uint64_t max, uint64_t *out)
{
	bool overflow = false;
	uint64_t value;
	const char *end = scan_digits(text, &value, &overflow);

	if (end == text || *end)
		return -EINVAL;
	if (overflow || value > max)
		return -ERANGE;
	*out = value;
	return 0;
}

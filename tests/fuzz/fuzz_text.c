/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libFuzzer: hostile bytes through everything in base that reads them. Not
 * only "does not crash": what strbuf_add_text() lets out must be clean by
 * tests/utf8_oracle.h, the JSON string must unescape to the same text, and
 * what is shown of a parsed number must parse again.
 *
 * Needs user/base/{strbuf,units}.c only.
 */
#include <stdlib.h>
#include <string.h>

#include "../utf8_oracle.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "base/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
	if (!claim)
		abort();
}

static void check_json(const struct strbuf *json, const struct strbuf *text)
{
	size_t at = 0;

	require(json->len >= 2 && json->s[0] == '"' && json->s[json->len - 1] == '"');
	for (size_t i = 1; i < json->len - 1; i++) {
		if (json->s[i] == '\\') {
			i++;
			require(i < json->len - 1 && strchr("\"\\", json->s[i]));
		} else {
			require(json->s[i] != '"');
		}
		require(at < text->len && json->s[i] == text->s[at++]);
	}
	require(at == text->len);
}

static void fuzz_text(const char *data, size_t size)
{
	struct strbuf text, json, again;

	strbuf_init(&text);
	strbuf_init(&json);
	strbuf_init(&again);
	strbuf_add_text(&text, data, size);
	strbuf_add_json_string(&json, data, size);
	strbuf_add_text(&again, text.s, text.len);
	require(!text.err && !json.err && !again.err);
	require(text.len == strlen(text.s) && oracle_is_clean(text.s, text.len));
	require(again.len == text.len && !memcmp(again.s, text.s, text.len));
	check_json(&json, &text);
	strbuf_release(&text);
	strbuf_release(&json);
	strbuf_release(&again);
}

static void fuzz_units(const char *string)
{
	char shown[UNITS_SIZE];
	uint64_t value, back;
	double rate;

	if (!units_parse_bytes(string, &value)) {
		units_format_bytes(shown, sizeof(shown), value);
		require(strlen(shown) <= 6);
		/* 16.0E is shown of sizes that round up to 2^64. */
		require(!units_parse_bytes(shown, &back) || !strcmp(shown, "16.0E"));
	}
	if (!units_parse_rate(string, &rate))
		require(rate >= 0 && rate <= 0x1p64);
	if (!units_parse_duration(string, &value)) {
		require(value > 0 && value <= 366 * 86400 * NSEC_PER_SEC);
		units_format_duration(shown, sizeof(shown), value / NSEC_PER_SEC);
	}
	if (!units_parse_u64(string, 1000, &value))
		require(value <= 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *string = malloc(size + 1);

	if (!string)
		return 0;
	memcpy(string, data, size);
	string[size] = '\0';
	fuzz_text((const char *)data, size);
	fuzz_units(string);
	free(string);
	return 0;
}

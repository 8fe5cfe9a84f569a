// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A page is one string: nothing in it refers to anything outside. Names in it are hostile; they are
 * escaped, and if that should ever fail, the page's Content-Security-Policy lets nothing run and
 * nothing style it but what its hashes name: page.css, and the scripts.
 *
 * No style attribute, no on... attribute: they would be refused. Attributes of SVG are none of
 * style.
 */
#include "output/html_page.h"

#include <math.h>
#include <string.h>

#include "base/incbin.h"
#include "base/sha256.h"
#include "base/units.h"
#include "output/flame_svg.h"

#define TEXT_BYTES 4096 /* a text is longer only to do harm */

INCBIN(page_css, "user/output/page.css");
INCBIN(page_js, "user/output/page.js");

static const char *const scripts[] = {page_js, flame_js};

#define SCRIPTS (sizeof(scripts) / sizeof(scripts[0]))

static void add_hash(struct strbuf *out, const char *text)
{
	char hash[SHA256_BASE64];

	strbuf_addf(out, " 'sha256-%s'", sha256_base64(hash, text, strlen(text)));
}

static void add_policy(struct strbuf *out)
{
	strbuf_adds(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
			 "'none'; style-src");
	add_hash(out, page_css);
	strbuf_adds(out, "; script-src");
	for (size_t i = 0; i < SCRIPTS; i++)
		add_hash(out, scripts[i]);
	strbuf_adds(out, "; base-uri 'none'; form-action 'none'\">\n");
}

void html_begin(struct strbuf *out, const char *title)
{
	strbuf_adds(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
	add_policy(out);
	strbuf_adds(out,
		    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		    "<meta name=\"color-scheme\" content=\"light dark\">\n"
		    "<meta name=\"generator\" content=\"memwatch " MEMWATCH_VERSION "\">\n"
		    "<title>");
	html_text(out, title);
	strbuf_adds(out, "</title>\n<style>");
	strbuf_adds(out, page_css);
	strbuf_adds(out, "</style>\n</head>\n<body>\n<main>\n<h1>");
	html_text(out, title);
	strbuf_adds(out, "</h1>\n");
}

void html_end(struct strbuf *out)
{
	strbuf_adds(out, "</main>\n");
	for (size_t i = 0; i < SCRIPTS; i++) {
		strbuf_adds(out, "<script>");
		strbuf_adds(out, scripts[i]);
		strbuf_adds(out, "</script>\n");
	}
	strbuf_adds(out, "</body>\n</html>\n");
}

void html_textn(struct strbuf *out, const char *s, size_t len)
{
	if (s)
		strbuf_add_markup(out, s, len);
}

void html_text(struct strbuf *out, const char *s)
{
	html_textn(out, s, TEXT_BYTES);
}

/* --- tables --- */

void html_table_begin(struct strbuf *out, const char *id, const struct html_column *columns,
		      size_t count)
{
	strbuf_addf(out, "<div class=\"scroll\"><table id=\"%s\" class=\"sortable\">\n<thead><tr>",
		    id);
	for (size_t i = 0; i < count; i++) {
		strbuf_adds(out, columns[i].is_number ? "<th scope=\"col\" class=\"n\""
						      : "<th scope=\"col\"");
		if (columns[i].help) {
			strbuf_adds(out, " title=\"");
			html_text(out, columns[i].help);
			strbuf_addc(out, '"');
		}
		strbuf_addc(out, '>');
		html_text(out, columns[i].title);
		strbuf_adds(out, "</th>");
	}
	strbuf_adds(out, "</tr></thead>\n<tbody>\n");
}

void html_row_begin(struct strbuf *out)
{
	strbuf_adds(out, "<tr>");
}

void html_cell_begin(struct strbuf *out)
{
	strbuf_adds(out, "<td>");
}

void html_cell_end(struct strbuf *out)
{
	strbuf_adds(out, "</td>");
}

void html_cell(struct strbuf *out, const char *text)
{
	html_cell_begin(out);
	html_text(out, text);
	html_cell_end(out);
}

void html_cell_bytes(struct strbuf *out, int64_t bytes, bool with_sign)
{
	char text[UNITS_SIZE];

	if (with_sign || bytes < 0)
		units_format_delta(text, sizeof(text), bytes);
	else
		units_format_bytes(text, sizeof(text), (uint64_t)bytes);
	strbuf_addf(out, "<td class=\"n\" data-v=\"%lld\">%s</td>", (long long)bytes, text);
}

void html_cell_number(struct strbuf *out, double value, int decimals, bool with_sign)
{
	if (!isfinite(value)) {
		html_cell_unknown(out);
		return;
	}
	strbuf_addf(out, "<td class=\"n\" data-v=\"%.*f\">%s%.*f</td>", decimals, value,
		    with_sign && value > 0 ? "+" : "", decimals, value);
}

void html_cell_unknown(struct strbuf *out)
{
	strbuf_adds(out, "<td class=\"n\">\xE2\x80\x93</td>");
}

void html_row_end(struct strbuf *out)
{
	strbuf_adds(out, "</tr>\n");
}

void html_table_end(struct strbuf *out)
{
	strbuf_adds(out, "</tbody></table></div>\n");
}

void html_table_rest(struct strbuf *out, size_t more)
{
	if (more)
		strbuf_addf(out, "<p class=\"note\">%zu more %s not shown.</p>\n", more,
			    more == 1 ? "is" : "are");
}

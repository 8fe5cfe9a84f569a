/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Demangling by libiberty, with bounds, and made readable.
 *
 * A mangled name of a few hundred bytes can stand for gigabytes (each substitution may repeat the
 * ones before). libiberty bounds its recursion but not its output, so it is asked for the output in
 * pieces, and left by longjmp() when that is enough. Both demanglers keep their state on the stack
 * and not on the heap (Rust v0 decodes a punycode identifier on the heap, before it prints
 * that: a name that is both cut there and in punycode leaks a few bytes).
 *
 * Then, for C++: std::string is called that, and template arguments that nobody writes
 * (allocators, comparators) are left out, as authors do.
 *
 * LIMITATIONS: no D, Ada, Swift, OCaml: their symbols are shown as they are.
 */
#include "sym/demangle.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <libiberty/demangle.h>

#define MAX_MANGLED_BYTES 2048 /* libiberty takes 64 bytes of stack for each */
#define RAW_BYTES	  8192 /* before it is made readable */

/* Begin what a compiler appends to the name of a function that it clones or splits. */
static const char *const suffixes[] = {
	".cold",      ".isra.", ".constprop.", ".part.",
	".lto_priv.", ".llvm.", ".localalias", ".clone.",
};

static const struct {
	const char *from, *to;
} short_forms[] = {
	{"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >",
	 "std::string"},
	{"std::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string"},
	{"std::basic_string_view<char, std::char_traits<char> >", "std::string_view"},
	{"std::__cxx11::", "std::"},
	{"std::string >", "std::string>"},
	{"std::string_view >", "std::string_view>"},
};

/* Template arguments that are left to their defaults, behind others. */
static const char *const default_arguments[] = {
	", std::allocator<", ", std::less<",	       ", std::hash<",
	", std::equal_to<",  ", std::default_delete<", ", std::char_traits<",
};

/* ---- libiberty ---- */

struct output {
	char *out; /* RAW_BYTES */
	size_t len;
	bool is_cut;
	jmp_buf enough;
};

static void on_piece(const char *piece, size_t len, void *arg)
{
	struct output *o = arg;
	size_t space = RAW_BYTES - 1 - o->len;

	if (!len) /* then @piece may be NULL */
		return;
	if (len > space) {
		memcpy(o->out + o->len, piece, space);
		o->len += space;
		o->is_cut = true;
		longjmp(o->enough, 1);
	}
	memcpy(o->out + o->len, piece, len);
	o->len += len;
}

typedef int (*demangler)(const char *, int, demangle_callbackref, void *);

static bool demangle_by(demangler fn, const char *symbol, char *out)
{
	struct output o = {.out = out};
	volatile bool done = false;

	if (!setjmp(o.enough))
		done = fn(symbol, DMGL_PARAMS | DMGL_ANSI | DMGL_RET_DROP, on_piece, &o) && o.len;
	out[o.len] = '\0';
	return done || o.is_cut;
}

/* ---- readable ---- */

static void replace_all(char *text, const char *from, const char *to)
{
	size_t from_len = strlen(from), to_len = strlen(to); /* not longer than @from */
	char *out = text;
	const char *at;

	while ((at = strstr(text, from))) {
		size_t before = (size_t)(at - text);

		memmove(out, text, before);
		out = mempcpy(out + before, to, to_len);
		text += before + from_len;
	}
	memmove(out, text, strlen(text) + 1);
}

/* Behind the bracket that closes the one that @at is behind; NULL if it is not closed. */
static char *behind_bracket(char *at)
{
	for (unsigned depth = 1; *at; at++) {
		if (*at == '<')
			depth++;
		else if (*at == '>' && !--depth)
			return at + 1;
	}
	return NULL;
}

static void drop_arguments(char *text, const char *argument)
{
	char *at = text;

	while ((at = strstr(at, argument))) {
		char *end = behind_bracket(at + strlen(argument));
		const char *next = end ? end + strspn(end, " ") : NULL;

		/* Of a template, and not of a function: nor "std::allocator<int> const&" */
		if (!next || (*next != '>' && *next != ',')) {
			at += strlen(argument);
			continue;
		}
		memmove(at, *next == '>' ? next : end, strlen(*next == '>' ? next : end) + 1);
	}
}

static void make_readable(char *text)
{
	for (size_t i = 0; i < sizeof(short_forms) / sizeof(short_forms[0]); i++)
		replace_all(text, short_forms[i].from, short_forms[i].to);
	for (size_t i = 0; i < sizeof(default_arguments) / sizeof(default_arguments[0]); i++)
		drop_arguments(text, default_arguments[i]);
	while (strstr(text, "> >"))
		replace_all(text, "> >", ">>");
}

/* ---- names ---- */

/* The length of @symbol without what compilers append. */
static size_t base_length(const char *symbol)
{
	size_t len = strlen(symbol);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		const char *at = strstr(symbol, suffixes[i]);

		if (at && at != symbol && (size_t)(at - symbol) < len)
			len = (size_t)(at - symbol);
	}
	return len;
}

/* Rust's legacy mangling is C++'s with a last part of "h" and 16 hexadecimal digits. */
static bool is_rust_legacy(const char *symbol, size_t len)
{
	return len > 20 && !strncmp(symbol + len - 20, "17h", 3) && symbol[len - 1] == 'E';
}

static void copy_cut(char *out, const char *text, size_t len)
{
	if (len < DEMANGLED_BYTES)
		snprintf(out, DEMANGLED_BYTES, "%.*s", (int)len, text);
	else
		snprintf(out, DEMANGLED_BYTES, "%.*s...", DEMANGLED_BYTES - 4, text);
}

void demangle(const char *symbol, char *out)
{
	char base[MAX_MANGLED_BYTES], raw[RAW_BYTES];
	size_t len = base_length(symbol);
	bool is_itanium, is_rust;

	if (len < sizeof(base)) {
		memcpy(base, symbol, len);
		base[len] = '\0';
		is_itanium = !strncmp(base, "_Z", 2);
		is_rust = !strncmp(base, "_R", 2) || (is_itanium && is_rust_legacy(base, len));
		if (is_rust && demangle_by(rust_demangle_callback, base, raw)) {
			copy_cut(out, raw, strlen(raw));
			return;
		}
		if (is_itanium && demangle_by(cplus_demangle_v3_callback, base, raw)) {
			make_readable(raw);
			copy_cut(out, raw, strlen(raw));
			return;
		}
	}
	copy_cut(out, symbol, len);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Demangling by libiberty, with bounds.
 *
 * A mangled name of a few hundred bytes can stand for gigabytes (each substitution may repeat the
 * ones before). libiberty bounds its recursion but not its output, so it is asked for the output in
 * pieces, and left by longjmp() when that is enough. Both demanglers keep their state on the stack
 * and not on the heap (Rust v0 decodes a punycode identifier on the heap, before it prints
 * that: a name that is both cut there and in punycode leaks a few bytes).
 *
 * LIMITATIONS: no D, Ada, Swift, OCaml: their symbols are shown as they are.
 */
#include "sym/demangle.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <libiberty/demangle.h>

#define MAX_MANGLED_BYTES 2048 /* libiberty takes 64 bytes of stack for each */

/* Begin what a compiler appends to the name of a function that it clones or splits. */
static const char *const suffixes[] = {
	".cold",      ".isra.", ".constprop.", ".part.",
	".lto_priv.", ".llvm.", ".localalias", ".clone.",
};

struct output {
	char *out;
	size_t len;
	bool is_cut;
	jmp_buf enough;
};

static void on_piece(const char *piece, size_t len, void *arg)
{
	struct output *o = arg;
	size_t space = DEMANGLED_BYTES - 1 - o->len;

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
	if (o.is_cut)
		memcpy(out + DEMANGLED_BYTES - 4, "...", 4);
	return done || o.is_cut;
}

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

void demangle(const char *symbol, char *out)
{
	char base[MAX_MANGLED_BYTES];
	size_t len = base_length(symbol);
	bool is_itanium, is_rust;

	if (len < sizeof(base)) {
		memcpy(base, symbol, len);
		base[len] = '\0';
		is_itanium = !strncmp(base, "_Z", 2);
		is_rust = !strncmp(base, "_R", 2) || (is_itanium && is_rust_legacy(base, len));
		if (is_rust && demangle_by(rust_demangle_callback, base, out))
			return;
		if (is_itanium && demangle_by(cplus_demangle_v3_callback, base, out))
			return;
	}
	if (len < DEMANGLED_BYTES)
		snprintf(out, DEMANGLED_BYTES, "%.*s", (int)len, symbol);
	else
		snprintf(out, DEMANGLED_BYTES, "%.*s...", DEMANGLED_BYTES - 4, symbol);
}

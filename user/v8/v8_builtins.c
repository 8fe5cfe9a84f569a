/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Builtins by their symbols Builtins_*, and what JavaScript calls them.
 *
 * V8 names a method by class, "Prototype" and method (MapPrototypeSet), with exceptions: those of
 * arrays that were written first (ArrayMap), and functions that are no methods (ObjectAssign).
 * Parts of one have names that begin with it (ArrayMapLoopContinuation).
 *
 * LIMITATIONS: what is rare in none of the tables has no JavaScript name.
 */
#include "v8/v8_builtins.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX	     "Builtins_"
#define MAX_BUILTINS (1u << 14)
#define MAX_NAMES    (1u << 20)
#define UNSIZED	     4096 /* bytes of the last one */
#define COUNT(a)     (sizeof(a) / sizeof((a)[0]))

struct entry {
	uint64_t addr;
	uint32_t name; /* offset in names */
};

struct v8_builtins {
	struct entry *v; /* by address */
	size_t count, capacity;
	char *names;
	size_t names_len, names_capacity;
	int err;
};

/* ---- by address ---- */

static int grow(void **p, size_t *capacity, size_t needed, size_t width)
{
	size_t n = *capacity ? *capacity : 1024;
	void *grown;

	while (n < needed)
		n *= 2;
	if (n == *capacity)
		return 0;
	grown = realloc(*p, n * width);
	if (!grown)
		return -ENOMEM;
	*p = grown;
	*capacity = n;
	return 0;
}

static int on_symbol(void *arg, const struct elf_symbol *sym)
{
	struct v8_builtins *b = arg;
	const char *name = sym->name + strlen(PREFIX);
	size_t len;

	if (!sym->is_code || strncmp(sym->name, PREFIX, strlen(PREFIX)) != 0)
		return 0;
	len = strlen(name) + 1;
	if (b->count >= MAX_BUILTINS || len > MAX_NAMES - b->names_len)
		return 1;
	b->err = grow((void **)&b->v, &b->capacity, b->count + 1, sizeof(*b->v));
	if (!b->err)
		b->err = grow((void **)&b->names, &b->names_capacity, b->names_len + len, 1);
	if (b->err)
		return b->err;
	b->v[b->count].addr = sym->value;
	b->v[b->count++].name = (uint32_t)b->names_len;
	memcpy(b->names + b->names_len, name, len);
	b->names_len += len;
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

struct v8_builtins *v8_builtins_read(struct elf_file *f)
{
	struct v8_builtins *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return NULL;
	elf_file_for_each_symbol_in(f, ELF_SYMTAB, on_symbol, b);
	if (!b->count && !b->err)
		elf_file_for_each_symbol_in(f, ELF_DYNSYM, on_symbol, b);
	err = b->err ? -b->err : b->count ? 0 : ENOENT;
	if (err) {
		v8_builtins_free(b);
		errno = err;
		return NULL;
	}
	qsort(b->v, b->count, sizeof(*b->v), by_address);
	return b;
}

void v8_builtins_free(struct v8_builtins *b)
{
	if (!b)
		return;
	free(b->v);
	free(b->names);
	free(b);
}

const char *v8_builtins_find(const struct v8_builtins *b, uint64_t addr)
{
	size_t low = 0, high = b->count; /* the first behind @addr */

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (b->v[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || (low == b->count && addr - b->v[low - 1].addr > UNSIZED))
		return NULL;
	return b->names + b->v[low - 1].name;
}

/* ---- names ---- */

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static bool ends(const char *s, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len > n && !strncmp(s + len - n, with, n);
}

bool v8_builtin_is_interpreter(const char *builtin)
{
	static const char *const others[] = {
		"InterpreterEntryTrampoline", "InterpreterEnterAt", "InterpreterPushArgs",
		"BaselineOrInterpreterEnter", "ShortStar",	    "ResumeGeneratorTrampoline",
	};

	if (ends(builtin, strlen(builtin), "Handler"))
		return true;
	for (size_t i = 0; i < COUNT(others); i++) {
		if (begins(builtin, others[i]))
			return true;
	}
	return false;
}

/* Methods of arrays that are not called so. */
static const char *const array_methods[] = {
	"Concat",	 "Every",   "Filter",	   "Find",    "FindIndex", "FindLast",
	"FindLastIndex", "ForEach", "Includes",	   "IndexOf", "Map",	   "Pop",
	"Push",		 "Reduce",  "ReduceRight", "Shift",   "Some",	   "Unshift",
};

/* Functions that are no methods. */
static const struct {
	const char *builtin, *name;
} functions[] = {
	{"ArrayConstructor", "Array"},
	{"ArrayBufferConstructor", "ArrayBuffer"},
	{"MapConstructor", "Map"},
	{"NumberConstructor", "Number"},
	{"ObjectConstructor", "Object"},
	{"PromiseConstructor", "Promise"},
	{"RegExpConstructor", "RegExp"},
	{"SetConstructor", "Set"},
	{"StringConstructor", "String"},
	{"TypedArrayConstructor", "TypedArray"},
	{"WeakMapConstructor", "WeakMap"},
	{"WeakRefConstructor", "WeakRef"},
	{"WeakSetConstructor", "WeakSet"},
	{"ArrayFrom", "Array.from"},
	{"ArrayFromAsync", "Array.fromAsync"},
	{"ArrayIsArray", "Array.isArray"},
	{"ArrayOf", "Array.of"},
	{"ArrayTimSort", "Array.prototype.sort"},
	{"ArrayTimSortIntoCopy", "Array.prototype.toSorted"},
	{"MapGroupBy", "Map.groupBy"},
	{"NumberParseFloat", "Number.parseFloat"},
	{"NumberParseInt", "Number.parseInt"},
	{"ObjectAssign", "Object.assign"},
	{"ObjectCreate", "Object.create"},
	{"ObjectDefineProperties", "Object.defineProperties"},
	{"ObjectDefineProperty", "Object.defineProperty"},
	{"ObjectEntries", "Object.entries"},
	{"ObjectFreeze", "Object.freeze"},
	{"ObjectFromEntries", "Object.fromEntries"},
	{"ObjectGetOwnPropertyDescriptor", "Object.getOwnPropertyDescriptor"},
	{"ObjectGetOwnPropertyDescriptors", "Object.getOwnPropertyDescriptors"},
	{"ObjectGetOwnPropertyNames", "Object.getOwnPropertyNames"},
	{"ObjectGetOwnPropertySymbols", "Object.getOwnPropertySymbols"},
	{"ObjectGetPrototypeOf", "Object.getPrototypeOf"},
	{"ObjectGroupBy", "Object.groupBy"},
	{"ObjectKeys", "Object.keys"},
	{"ObjectSetPrototypeOf", "Object.setPrototypeOf"},
	{"ObjectToString", "Object.prototype.toString"},
	{"ObjectValues", "Object.values"},
	{"PromiseAll", "Promise.all"},
	{"PromiseAllSettled", "Promise.allSettled"},
	{"PromiseAny", "Promise.any"},
	{"PromiseRace", "Promise.race"},
	{"PromiseReject", "Promise.reject"},
	{"PromiseResolveTrampoline", "Promise.resolve"},
	{"PromiseTry", "Promise.try"},
	{"PromiseWithResolvers", "Promise.withResolvers"},
	{"StringFromCharCode", "String.fromCharCode"},
	{"StringFromCodePoint", "String.fromCodePoint"},
	{"StringRaw", "String.raw"},
};

/* All of their builtins are functions of JavaScript's. */
static const struct {
	const char *builtin, *name;
} namespaces[] = {
	{"Math", "Math"}, {"Json", "JSON"}, {"Reflect", "Reflect"}, {"Atomics", "Atomics"}};

/* What has "Prototype" in its name and is no method. */
static const char *const no_classes[] = {"Reflect", "Proxy", "ObjectSet", "ObjectGet", "Fast"};

/* Class and member, the latter with a small letter first: "indexOf". */
static bool join(const char *class_name, size_t class_len, const char *between, const char *member,
		 size_t member_len, char *out, size_t size)
{
	int n = snprintf(out, size, "%.*s%s%.*s", (int)class_len, class_name, between,
			 (int)member_len, member);
	size_t at = class_len + strlen(between);

	if (n < 0 || (size_t)n >= size)
		return false;
	if (member_len < 2 || !isupper((unsigned char)member[1])) /* not JSON */
		out[at] = (char)tolower((unsigned char)out[at]);
	return true;
}

static bool is_method(const char *s, size_t len, char *out, size_t size)
{
	static const char *const suffixes[] = {"Intl", "Slow", "Fast"};
	const char *middle = strstr(s, "Prototype");
	const char *member = middle ? middle + strlen("Prototype") : NULL;

	if (!middle || middle == s || member >= s + len || !isupper((unsigned char)*member) ||
	    memchr(s, '_', (size_t)(middle - s)))
		return false;
	for (size_t i = 0; i < COUNT(no_classes); i++) {
		if (begins(s, no_classes[i]))
			return false;
	}
	for (size_t i = 0; i < COUNT(suffixes); i++) {
		if (ends(member, (size_t)(s + len - member), suffixes[i]))
			len -= strlen(suffixes[i]);
	}
	return join(s, (size_t)(middle - s), ".prototype.", member, (size_t)(s + len - member), out,
		    size);
}

static bool is_function(const char *s, size_t len, char *out, size_t size)
{
	for (size_t i = 0; i < COUNT(functions); i++) {
		if (strlen(functions[i].builtin) == len && begins(s, functions[i].builtin))
			return snprintf(out, size, "%s", functions[i].name) < (int)size;
	}
	for (size_t i = 0; i < COUNT(array_methods); i++) {
		const char *method = array_methods[i];

		if (begins(s, "Array") && strlen(method) + 5 == len &&
		    !strncmp(s + 5, method, len - 5))
			return join("Array", 5, ".prototype.", method, len - 5, out, size);
	}
	for (size_t i = 0; i < COUNT(namespaces); i++) {
		size_t n = strlen(namespaces[i].builtin);

		if (begins(s, namespaces[i].builtin) && len > n && isupper((unsigned char)s[n]))
			return join(namespaces[i].name, strlen(namespaces[i].name), ".", s + n,
				    len - n, out, size);
	}
	return false;
}

bool v8_builtin_name(const char *builtin, char *out, size_t size)
{
	static const char *const parts[] = {"PreLoop", "Loop", "Continuation"};
	size_t len = strlen(builtin);

	for (size_t i = 0; i < COUNT(parts); i++) { /* of one are as good as it */
		const char *part = strstr(builtin, parts[i]);

		if (part && part != builtin && strstr(part, "Continuation"))
			len = (size_t)(part - builtin) < len ? (size_t)(part - builtin) : len;
	}
	return is_method(builtin, len, out, size) || is_function(builtin, len, out, size);
}

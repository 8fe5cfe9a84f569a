// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Stacks as values: copied, compared by what a reader sees of them.
 *
 * LIMITATIONS: the hash has no secret, and the names are a hostile process's own: who needs
 * stacks to be told apart compares them (frame_is_same()), and bounds how many share a hash.
 */
#include "model/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define FRAMES_MAX (1u << 16)

struct stack *stack_new(const struct frame *frames, unsigned count, bool is_cut)
{
	struct stack *s;

	if (count > FRAMES_MAX) {
		errno = EINVAL;
		return NULL;
	}
	s = malloc(sizeof(*s) + count * sizeof(s->frames[0]));
	if (!s)
		return NULL;
	s->count = count;
	s->is_cut = is_cut;
	if (count)
		memcpy(s->frames, frames, count * sizeof(s->frames[0]));
	return s;
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

bool frame_is_same_function(const struct frame *a, const struct frame *b)
{
	if (!a->fn && !b->fn && a->ip != b->ip)
		return false;
	return is_same_text(a->fn, b->fn) && is_same_text(a->file, b->file) &&
	       is_same_text(a->module, b->module);
}

bool frame_is_same(const struct frame *a, const struct frame *b)
{
	return a->line == b->line && a->kind == b->kind && a->origin == b->origin &&
	       a->is_approximate == b->is_approximate && frame_is_same_function(a, b);
}

/* With its end, so that "ab" and "c" are not "a" and "bc"; no text is none that there is. */
static uint64_t add_text(uint64_t hash, const char *text)
{
	return text ? fnv1a_add(hash, text, strlen(text) + 1) : fnv1a_add(hash, "\377", 1);
}

static uint64_t add_function(uint64_t hash, const struct frame *f)
{
	hash = add_text(hash, f->fn);
	hash = add_text(hash, f->file);
	hash = add_text(hash, f->module);
	return f->fn ? hash : fnv1a_add(hash, &f->ip, sizeof(f->ip));
}

static uint64_t add_frame(uint64_t hash, const struct frame *f)
{
	const uint8_t flags[] = {f->kind, f->origin, f->is_approximate};

	hash = add_function(hash, f);
	hash = fnv1a_add(hash, &f->line, sizeof(f->line));
	return fnv1a_add(hash, flags, sizeof(flags));
}

/* So that FNV-1a's weak low bits do not matter. */
static uint64_t mix(uint64_t hash)
{
	return hash ^ hash >> 32;
}

uint64_t frame_function_hash(const struct frame *f)
{
	return mix(add_function(FNV1A_BEGIN, f));
}

uint64_t stack_hash(const struct frame *frames, unsigned count)
{
	uint64_t hash = FNV1A_BEGIN;

	for (unsigned i = 0; i < count; i++)
		hash = add_frame(hash, &frames[i]);
	return mix(hash);
}

static const char *const kinds[] = {
	[FRAME_UNKNOWN] = "unknown",
	[FRAME_NATIVE] = "native",
	[FRAME_JS] = "js",
	[FRAME_BUILTIN] = "builtin",
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *frame_kind_name(unsigned kind)
{
	return kind < KINDS ? kinds[kind] : NULL;
}

int frame_kind_parse(const char *name)
{
	for (unsigned i = 0; i < KINDS; i++) {
		if (!strcmp(name, kinds[i]))
			return (int)i;
	}
	return -1;
}

bool frame_has_origin(const struct frame *f)
{
	return f->fn || f->file || f->module;
}

/* Begin names of functions that only hand memory out or fill it: for whom says more. */
static const char *const go_betweens[] = {
	"malloc",
	"calloc",
	"realloc",
	"memalign",
	"posix_memalign",
	"aligned_alloc",
	"operator new",
	"_int_malloc",
	"sysmalloc",
	"mmap",
	"mremap",
	"brk",
	"sbrk",
	"mem",
	"__",
	"std::",
	"_PyObject_Malloc",
	"PyObject_Malloc",
	"PyObject_Realloc",
	"_PyMem_",
	"PyMem_",
	"pymalloc_",
	"v8::base::",
	"v8::internal::Factory",
	"v8::internal::LocalFactory",
	"v8::internal::Heap::",
	"v8::internal::HeapAllocator",
	"v8::internal::MemoryAllocator",
	"v8::internal::Runtime_Allocate",
};

static bool is_go_between(const char *fn)
{
	for (size_t i = 0; i < sizeof(go_betweens) / sizeof(go_betweens[0]); i++) {
		if (!strncmp(fn, go_betweens[i], strlen(go_betweens[i])))
			return true;
	}
	return false;
}

/* How well a frame stands for its stack. */
static int site_rank(const struct frame *f)
{
	if (!f->fn) /* of a stripped program */
		return f->origin == FRAME_USER && frame_has_origin(f) ? 4 : 0;
	if (f->origin == FRAME_USER)
		return 6;
	if (f->origin == FRAME_DEPENDENCY)
		return 5;
	if (f->kind == FRAME_JS)
		return 3;
	return is_go_between(f->fn) ? 1 : 2;
}

unsigned stack_site_frame(const struct stack *s)
{
	unsigned best = 0;
	int best_rank = 0;

	for (unsigned i = 0; i < s->count; i++) {
		int rank = site_rank(&s->frames[i]);

		if (rank > best_rank) {
			best_rank = rank;
			best = i;
		}
	}
	return best;
}

/* --- one line for a stack --- */

/* Whether @f is worth telling as a caller of the site frame. */
static bool is_caller(const struct frame *f, const struct frame *site)
{
	if (!f->fn)
		return false;
	if (f->origin != FRAME_RUNTIME)
		return true;
	return site->origin == FRAME_RUNTIME && f->kind == site->kind;
}

void stack_chain_of(const struct stack *s, struct stack_chain *out)
{
	unsigned at = stack_site_frame(s), site = at, last = at;

	*out = (struct stack_chain){0};
	if (at >= s->count)
		return;
	out->at[out->count++] = (uint16_t)at;
	while (++at < s->count && out->count < STACK_CHAIN_MAX) {
		const struct frame *f = &s->frames[at];

		if (!is_caller(f, &s->frames[site]) || frame_is_same_function(f, &s->frames[last]))
			continue;
		out->at[out->count++] = (uint16_t)at;
		last = at;
	}
}

uint64_t stack_chain_hash(const struct stack *s, const struct stack_chain *c)
{
	uint64_t hash = FNV1A_BEGIN;

	for (unsigned i = 0; i < c->count; i++)
		hash = add_frame(hash, &s->frames[c->at[i]]);
	return hash ^ hash >> 32;
}

bool stack_chain_is_same(const struct stack *s, const struct stack_chain *c,
			 const struct stack *other, const struct stack_chain *other_chain)
{
	if (c->count != other_chain->count)
		return false;
	for (unsigned i = 0; i < c->count; i++) {
		if (!frame_is_same(&s->frames[c->at[i]], &other->frames[other_chain->at[i]]))
			return false;
	}
	return true;
}

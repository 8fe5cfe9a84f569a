/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth sites: identity, limits, what a tick makes of the samples, notes on the runtime's work. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/site.h"
#include "model/site_note.h"
#include "sample.h"

#define MIB (1024ULL * 1024)

static int setup(void **state)
{
	*state = site_table_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	site_table_free(*state);
	return 0;
}

/* The site of a user's function at @line; with so many more bytes. */
static struct site *add(struct site_table *t, enum mw_site_kind kind, uint32_t line, uint64_t bytes)
{
	struct frame f = sample_js(FRAME_USER, "save", "/a.js", line);
	struct site *s = site_table_get(t, kind, &f, 1, false);

	assert_non_null(s);
	s->sampled_bytes += bytes;
	s->samples++;
	return s;
}

/* ---- identity ---- */

static void test_identity(void **state)
{
	struct site_table *t = *state;
	struct frame frames[] = {sample_native(FRAME_RUNTIME, "malloc", "/libc", 1),
				 sample_js(FRAME_USER, "save", "/a.js", 3)};
	struct frame elsewhere[] = {sample_native(FRAME_RUNTIME, "malloc", "/libc", 2),
				    sample_js(FRAME_USER, "save", "/a.js", 3)};
	struct site *s = site_table_get(t, MW_SITE_FAULT, frames, 2, false);

	assert_non_null(s);
	assert_int_equal(s->kind, MW_SITE_FAULT);
	assert_int_equal(s->stack->count, 2);
	assert_int_equal(s->samples, 0);
	elsewhere[1].tier = TIER_TURBOFAN;
	assert_ptr_equal(site_table_get(t, MW_SITE_FAULT, elsewhere, 2, false), s);
	assert_ptr_not_equal(site_table_get(t, MW_SITE_MMAP, frames, 2, false), s);
	assert_ptr_not_equal(site_table_get(t, MW_SITE_FAULT, frames, 1, false), s);
	assert_int_equal(t->by_hash.count, 3);
	assert_false(s->stack->is_cut);
	assert_ptr_equal(site_table_get(t, MW_SITE_FAULT, frames, 2, true), s);
	assert_true(s->stack->is_cut);
	assert_non_null(site_table_get(t, MW_SITE_BRK, NULL, 0, false)); /* nothing was readable */
}

static void test_bad_kind(void **state)
{
	errno = 0;
	assert_null(site_table_get(*state, 0, NULL, 0, false));
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_null(site_table_get(*state, MW_SITE_KINDS, NULL, 0, false));
	assert_int_equal(errno, EINVAL);
}

static void test_limit(void **state)
{
	struct site_table *t = *state;
	struct frame f = sample_js(FRAME_USER, "save", "/a.js", 0);
	struct site *first = NULL;

	for (uint32_t line = 1; line <= SITES_MAX; line++) {
		f.line = line;
		assert_non_null(site_table_get(t, MW_SITE_FAULT, &f, 1, false));
		if (line == 1)
			first = site_table_get(t, MW_SITE_FAULT, &f, 1, false);
	}
	f.line = SITES_MAX + 1;
	errno = 0;
	assert_null(site_table_get(t, MW_SITE_FAULT, &f, 1, false));
	assert_int_equal(errno, ENOSPC);
	f.line = 1; /* those that are there stay, where they are */
	assert_ptr_equal(site_table_get(t, MW_SITE_FAULT, &f, 1, false), first);
	assert_int_equal(t->by_hash.count, SITES_MAX);
}

/* Stacks that share a hash are still told apart. */
static void test_shared_hash(void **state)
{
	struct site_table *t = *state;
	struct site *a = add(t, MW_SITE_FAULT, 1, 1), *b = add(t, MW_SITE_FAULT, 2, 1);

	hmap_remove(&t->by_hash, &a->node);
	hmap_remove(&t->by_hash, &b->node);
	hmap_add(&t->by_hash, &a->node, b->node.key); /* as if a's hash were b's */
	assert_ptr_not_equal(add(t, MW_SITE_FAULT, 2, 1), a);
	assert_int_equal(a->samples, 1);
	free(b->stack);
	free(b);
}

/* ---- a tick ---- */

static void test_shares(void **state)
{
	struct site_table *t = *state;
	struct site *a = add(t, MW_SITE_FAULT, 1, 3 * MIB), *b = add(t, MW_SITE_FAULT, 2, MIB);
	struct site *other = add(t, MW_SITE_BRK, 1, 7 * MIB);

	assert_int_equal(a->bytes, 0); /* not before the tick is finished */
	site_table_finish_tick(t);
	assert_int_equal(a->bytes, 3 * MIB);
	assert_int_equal(a->delta_bytes, 3 * MIB);
	assert_float_equal(a->share, 0.75, 1e-9);
	assert_float_equal(b->share, 0.25, 1e-9);
	assert_float_equal(other->share, 1, 1e-9);
	assert_int_equal(t->total_bytes[MW_SITE_FAULT], 4 * MIB);
	assert_int_equal(t->total_bytes[MW_SITE_BRK], 7 * MIB);
	assert_int_equal(t->samples[MW_SITE_FAULT], 2);

	add(t, MW_SITE_FAULT, 2, 4 * MIB);
	site_table_finish_tick(t);
	assert_int_equal(a->delta_bytes, 0);
	assert_int_equal(b->delta_bytes, 4 * MIB);
	assert_float_equal(a->share, 3.0 / 8, 1e-9);
	assert_int_equal(t->total_bytes[MW_SITE_FAULT], 8 * MIB); /* anew, not on top */
	assert_int_equal(t->samples[MW_SITE_FAULT], 3);
}

static void test_freed(void **state)
{
	struct site_table *t = *state;
	struct site *s = add(t, MW_SITE_EXTERNAL, 1, 3 * MIB);

	site_table_finish_tick(t);
	s->sampled_bytes -= 2 * MIB;
	site_table_finish_tick(t);
	assert_int_equal(s->bytes, MIB);
	assert_int_equal(s->delta_bytes, -2 * (int64_t)MIB);
	s->sampled_bytes = 0;
	site_table_finish_tick(t);
	assert_float_equal(s->share, 0, 0);
	assert_false(isnan(s->share));
}

/* What no full collection has found alive counts only while nothing else is known. */
static void test_undecided_survivors(void **state)
{
	struct site_table *t = *state;
	struct site *leak = add(t, MW_SITE_V8_SURVIVED, 1, 10 * MIB);
	struct site *cache = add(t, MW_SITE_V8_SURVIVED, 2, 10 * MIB);

	site_table_finish_tick(t);
	assert_int_equal(leak->bytes, 10 * MIB); /* nothing is decided */
	assert_int_equal(cache->bytes, 10 * MIB);

	leak->kept_samples = 9; /* hardly anything */
	leak->kept_bytes = 9 * MIB;
	site_table_finish_tick(t);
	assert_int_equal(leak->bytes, 10 * MIB);
	assert_int_equal(cache->bytes, 10 * MIB);

	leak->kept_samples = 10;
	site_table_finish_tick(t);
	assert_int_equal(leak->bytes, 10 * MIB); /* none of it was freed */
	assert_int_equal(cache->bytes, 0);
	assert_float_equal(leak->share, 1, 1e-9);

	leak->freed_samples = 10; /* of the MiB that is open the half */
	site_table_finish_tick(t);
	assert_int_equal(leak->bytes, 9 * MIB + MIB / 2);

	cache->kept_samples = 1;
	cache->freed_samples = 8;
	cache->kept_bytes = MIB;
	site_table_finish_tick(t);
	assert_int_equal(cache->bytes, 2 * MIB);

	cache->kept_bytes =
		(uint64_t)-MIB; /* counts of one moment that do not fit those of another */
	site_table_finish_tick(t);
	assert_int_equal(cache->bytes, 0);
	assert_float_equal(leak->share, 1, 1e-9);
}

/* Survivors' bytes are shares of what the live heap grew by. */
static void test_survivors(void **state)
{
	struct site_table *t = *state;
	struct site *a = add(t, MW_SITE_V8_SURVIVED, 1, 30 * MIB);
	struct site *b = add(t, MW_SITE_V8_SURVIVED, 2, 9 * MIB);
	struct site *alloc = add(t, MW_SITE_V8_ALLOC, 1, 500 * MIB);

	t->v8_live_first = 20 * MIB;
	t->v8_live_last = 28 * MIB;
	site_table_finish_tick(t);
	assert_int_equal(a->bytes, 30 * MIB); /* two samples: as estimated */
	assert_false(t->v8_is_scaled);

	add(t, MW_SITE_V8_SURVIVED, 2, MIB);
	site_table_finish_tick(t);
	assert_true(t->v8_is_scaled);
	assert_int_equal(a->bytes, 6 * MIB);
	assert_int_equal(b->bytes, 2 * MIB);
	assert_int_equal(a->delta_bytes, 0); /* measured otherwise: that is no change */
	assert_float_equal(a->share, 0.75, 1e-9);
	assert_int_equal(alloc->bytes, 500 * MIB);
	assert_int_equal(t->total_bytes[MW_SITE_V8_SURVIVED], 8 * MIB);

	t->v8_live_last = 36 * MIB;
	site_table_finish_tick(t);
	assert_int_equal(a->bytes, 12 * MIB);
	assert_int_equal(a->delta_bytes, 6 * MIB);

	t->v8_live_last = 19 * MIB; /* it did not grow */
	site_table_finish_tick(t);
	assert_int_equal(a->bytes, 0);
	assert_int_equal(a->delta_bytes, -12 * (int64_t)MIB);
	assert_float_equal(a->share, 0.75, 1e-9);

	t->v8_live_last = 0; /* unknown again */
	site_table_finish_tick(t);
	assert_int_equal(a->bytes, 30 * MIB);
	assert_int_equal(a->delta_bytes, 0);
}

static void test_empty(void **state)
{
	struct site_table *t = *state;

	site_table_finish_tick(t);
	assert_int_equal(t->total_bytes[MW_SITE_FAULT], 0);
	site_table_free(NULL);
}

static void test_kinds(void **state)
{
	static const char *const names[] = {"",		"fault",       "brk",	  "mmap",
					    "v8-alloc", "v8-survived", "external"};

	(void)state;
	assert_int_equal(MW_SITE_KINDS, 7);
	for (unsigned kind = 1; kind < MW_SITE_KINDS; kind++) {
		assert_string_equal(site_kind_name(kind), names[kind]);
		assert_true(strlen(site_kind_help(kind)) > 10);
	}
	assert_string_equal(site_kind_name(0), "unknown");
	assert_string_equal(site_kind_name(99), "unknown");
	assert_non_null(site_kind_help(99));
}

/* ---- the runtime's own work ---- */

#define NODE "/usr/bin/node"

static const char *note_of(const struct frame *frames, unsigned count)
{
	struct stack *s = stack_new(frames, count, false);
	const char *note;

	assert_non_null(s);
	note = site_note(s);
	free(s);
	return note;
}

static const char *note_of_name(const char *fn)
{
	struct frame frames[] = {
		sample_native(FRAME_RUNTIME, "__memmove_avx_unaligned_erms", "/libc.so.6", 1),
		sample_native(FRAME_RUNTIME, fn, NODE, 2),
		sample_native(FRAME_RUNTIME, "node::(anonymous namespace)::PlatformWorkerThread",
			      NODE, 3),
		sample_native(FRAME_RUNTIME, "start_thread", "/libc.so.6", 4),
	};

	return note_of(frames, 4);
}

static void check_note(const char *fn, const char *expected)
{
	const char *note = note_of_name(fn);

	if (!expected) {
		assert_null(note);
		return;
	}
	assert_non_null(note);
	assert_string_equal(note, expected);
}

static void test_notes(void **state)
{
	(void)state;
	check_note("v8::internal::Scavenger::Process(v8::JobDelegate*)", "V8 promotion");
	check_note("v8::internal::ScavengerCollector::JobTask::Run(v8::JobDelegate*)",
		   "V8 promotion");
	check_note("v8::internal::SlotCallbackResult v8::internal::Scavenger::ScavengeObject<"
		   "v8::internal::FullHeapObjectSlot>(v8::internal::FullHeapObjectSlot)",
		   "V8 promotion");
	check_note("v8::internal::Evacuator::EvacuatePage(v8::internal::MutablePageMetadata*)",
		   "V8 compaction");
	check_note("v8::internal::ConcurrentMarking::RunMajor(v8::JobDelegate*)", "GC worker");
	check_note("v8::internal::ArrayBufferSweeper::SweepingJob::Sweep()", "GC worker");
	check_note("v8::internal::Sweeper::RawSweep(v8::internal::PageMetadata*)", "GC worker");
	check_note("v8::internal::Heap::CollectGarbage(v8::internal::AllocationSpace)",
		   "V8 garbage collection");
	check_note("v8::internal::SemiSpaceNewSpace::Grow(unsigned long)", "heap warm-up");
	check_note("v8::internal::compiler::PipelineImpl::OptimizeGraph()", "V8 compiler");
	check_note("v8::internal::maglev::MaglevCompiler::Compile()", "V8 compiler");
	check_note("v8::internal::ContextDeserializer::Deserialize()", "V8 start-up");
	check_note("v8::internal::MainAllocator::AllocateRawSlow(int)", "V8 heap");
	check_note("node::LoadEnvironment(node::Environment*)", "Node start-up");
	check_note("v8::internal::JsonParser<unsigned char>::ParseJson()", NULL);
	check_note("uv__io_poll", NULL);
	check_note("", NULL);
}

/* What a template is of, and parameters, say nothing of what is done. */
static void test_note_of_parameters(void **state)
{
	(void)state;
	check_note("std::vector<v8::internal::Scavenger>::push_back()", NULL);
	check_note("uv_run(v8::internal::Scavenger::Mode)", NULL);
	check_note("my_v8::internal::Scavenger::Process()", NULL);
	check_note("void v8::internal::Scavenger::Process<int>()", "V8 promotion");
}

/* Only a collection is nobody's, whoever it began in. */
static void test_note_and_owner(void **state)
{
	const struct frame memmove = sample_native(FRAME_RUNTIME, "memmove", "/libc.so.6", 1);
	const struct frame promote =
		sample_native(FRAME_RUNTIME, "v8::internal::Scavenger::Process()", NODE, 2);
	const struct frame allocate =
		sample_native(FRAME_RUNTIME, "v8::internal::Heap::AllocateRaw()", NODE, 3);
	const struct frame compile =
		sample_native(FRAME_RUNTIME, "v8::internal::Compiler::Compile()", NODE, 4);
	const struct frame user = sample_js(FRAME_USER, "save", "/a.js", 3);
	const struct frame package =
		sample_js(FRAME_DEPENDENCY, "put", "/node_modules/lru/index.js", 3);
	const struct frame internal = sample_js(FRAME_RUNTIME, "emit", "node:events", 3);
	const struct frame in_gc[] = {memmove, promote, allocate, user};
	const struct frame in_alloc[] = {allocate, user}, in_package[] = {allocate, package};
	const struct frame in_compile[] = {compile, user}, lazily[] = {compile, internal};
	const struct frame by_node[] = {allocate, internal}, alone[] = {allocate};
	const struct frame later[] = {user, promote}; /* not what the user's function does */

	(void)state;
	assert_string_equal(note_of(in_gc, 4), "V8 promotion");
	assert_null(note_of(in_alloc, 2));
	assert_null(note_of(in_package, 2));
	assert_null(note_of(in_compile, 2));
	assert_string_equal(note_of(lazily, 2), "V8 compiler");
	assert_null(note_of(by_node, 2)); /* Node's function says more */
	assert_string_equal(note_of(alone, 1), "V8 heap");
	assert_null(note_of(later, 2));
	assert_null(note_of(NULL, 0));
}

/* A program of its own that has such names is not V8. */
static void test_note_of_user(void **state)
{
	struct frame f = sample_native(FRAME_USER, "v8::internal::Scavenger::Process()", "/a", 1);

	(void)state;
	assert_null(note_of(&f, 1));
}

static void test_note_of_site(void **state)
{
	struct site_table *t = *state;
	struct frame f = sample_native(FRAME_RUNTIME, "v8::internal::Sweeper::Sweep()", NODE, 1);

	assert_string_equal(site_table_get(t, MW_SITE_FAULT, &f, 1, false)->note, "GC worker");
	assert_null(add(t, MW_SITE_FAULT, 1, 1)->note);
}

#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TABLE(test_identity),
		WITH_TABLE(test_bad_kind),
		WITH_TABLE(test_limit),
		WITH_TABLE(test_shared_hash),
		WITH_TABLE(test_shares),
		WITH_TABLE(test_freed),
		WITH_TABLE(test_undecided_survivors),
		WITH_TABLE(test_survivors),
		WITH_TABLE(test_empty),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_note_of_parameters),
		cmocka_unit_test(test_note_and_owner),
		cmocka_unit_test(test_note_of_user),
		WITH_TABLE(test_note_of_site),
	};

	return cmocka_run_group_tests_name("model/site", tests, NULL, NULL);
}

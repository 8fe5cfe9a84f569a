/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf/v8.bpf.c as plain functions, second part: which of the sampled
 * allocations survive collections, by what the collector leaves in their old places.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wattributes" /* preserve_access_index is clang's */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "../../bpf/v8.bpf.c"
#pragma GCC diagnostic pop

#include "host/user.h"
#include "host/v8_heap.h"

#define LARGE (MW_REGULAR_MAX + 8)

static struct pt_regs no_regs;

static void scavenge_begins(void)
{
	assert_int_equal(mw_v8_scav_in(&no_regs), 0);
}

static void scavenge_ends(void)
{
	assert_int_equal(mw_v8_scav_out(&no_regs), 0);
}

static void scavenge(void)
{
	scavenge_begins();
	scavenge_ends();
}

static void mark_compact(void)
{
	assert_int_equal(mw_v8_mc_in(&no_regs), 0);
	assert_int_equal(mw_v8_mc_out(&no_regs), 0);
}

#define assert_fates(tid, live, kept, dead)                                                        \
	do {                                                                                       \
		const struct mw_v8_isolate *it = heap_isolate(tid);                                \
		assert_non_null(it);                                                               \
		assert_int_equal(it->live_samples, live);                                          \
		assert_int_equal(it->promoted, kept);                                              \
		assert_int_equal(it->died, dead);                                                  \
	} while (0)

static const struct mw_site *survived(void)
{
	return user_site(MW_SITE_V8_SURVIVED, user_sent(0)->hash);
}

/* ---- scavenges ---- */

static void test_survives_two_scavenges(void **state)
{
	__u64 object;

	(void)state;
	heap_proc()->alloc_weight = 3;
	object = heap_alloc(0, 0x1000, 64);
	object = heap_move(object, 2, 0x500);
	scavenge();
	assert_fates(TID, 1, 0, 0);
	heap_assert_site(MW_SITE_V8_SURVIVED, 0, 0);
	heap_move(object, 1, 0x600); /* wherever it goes: it is kept by somebody */
	scavenge();
	assert_fates(TID, 0, 1, 0);
	heap_assert_site(MW_SITE_V8_SURVIVED, 3 * 0x1001, 1); /* as much as was allocated */
	heap_assert_site(MW_SITE_V8_ALLOC, 3 * 0x1001, 1);
	assert_int_equal(heap_isolate(TID)->scavenges, 2);
	assert_int_equal(host.submitted_count, 1);
	scavenge(); /* which does not count it again */
	assert_fates(TID, 0, 1, 0);
	heap_assert_site(MW_SITE_V8_SURVIVED, 3 * 0x1001, 1);
}

static void test_promoted_at_once(void **state)
{
	(void)state;
	heap_move(heap_alloc(0, 0x1000, 64), HEAP_OLD, 0x500);
	scavenge();
	assert_fates(TID, 0, 1, 0);
	heap_assert_site(MW_SITE_V8_SURVIVED, 0x1001, 1);
}

static void test_dies(void **state)
{
	__u64 object;

	(void)state;
	heap_alloc(0, 0x1000, 64);
	scavenge();
	assert_fates(TID, 0, 0, 1);
	object = heap_move(heap_alloc(0, 0x1000, 64), 2, 0x500); /* or a scavenge later */
	scavenge();
	assert_fates(TID, 1, 0, 1);
	heap_words(object)[1] = (__u64)heap_words(heap_object(1, 0x600)); /* another's */
	scavenge();
	assert_fates(TID, 0, 0, 2);
	heap_assert_site(MW_SITE_V8_SURVIVED, 0, 0);
}

/* Words that are not an address of an object that was moved to. */
static void test_what_is_no_forwarding_pointer(void **state)
{
	(void)state;
	const __u64 words[] = {
		0,
		smi(1 << 20),
		8,
		0xfff8,
		heap_object(1, 0x600),			      /* tagged: a map */
		(__u64)heap_words(heap_object(1, 0x600)) + 4, /* not aligned */
		(__u64)heap_page(1) + 0x700,		      /* no object is there */
		(__u64)heap_page(1) + 0x800,		      /* nor there */
		0x10000,				      /* nothing is */
		0xffff888000001000UL,
		1UL << MW_ADDRESS_BITS,
	};

	*(__u64 *)(heap_page(1) + 0x800) = 1UL << MW_ADDRESS_BITS | 1;
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		*heap_words(heap_alloc(0, 0x1000 + 64 * i, 64)) = words[i];
		scavenge();
		assert_fates(TID, 0, 0, i + 1);
	}
}

/* V8 makes room for several objects at once: the first of them that survives is followed. */
static void test_survivor_in_a_group(void **state)
{
	__u64 group, member;

	(void)state;
	group = heap_alloc(0, 0x1000, 64);
	member = heap_object(0, 0x1000 + 24);
	heap_words(group)[1] = smi(5);
	heap_words(group)[2] = tagged(&user.other_map);
	member = heap_move(member, 2, 0x500);
	scavenge();
	assert_fates(TID, 1, 0, 0);
	heap_words(member)[1] = (__u64)heap_words(heap_object(1, 0x700)); /* its neighbour's */
	heap_words(member)[0] = smi(1);
	scavenge();
	assert_fates(TID, 0, 0, 1);
}

/* Only its own words, and not all of a large group. */
static void test_bounds_of_a_group(void **state)
{
	__u64 group;

	(void)state;
	group = heap_alloc(0, 0x1000, 64);
	heap_words(group)[8] = (__u64)heap_words(heap_object(2, 0x500));
	scavenge();
	assert_fates(TID, 0, 0, 1);
	group = heap_alloc(0, 0x1000, 71);
	heap_words(group)[8] = (__u64)heap_words(heap_object(2, 0x500));
	scavenge();
	assert_fates(TID, 0, 0, 2);
	group = heap_alloc(0, 0x1000, 72);
	heap_words(group)[8] = (__u64)heap_words(heap_object(2, 0x500));
	scavenge();
	assert_fates(TID, 1, 0, 2);
	scavenge(); /* that one dies */
	heap_words(group)[8] = 0;
	group = heap_alloc(0, 0x1000, 4096);
	heap_words(group)[MW_GROUP_BYTES / 8] = (__u64)heap_words(heap_object(2, 0x500));
	scavenge();
	assert_fates(TID, 0, 0, 4);
	group = heap_alloc(0, 0x1000, 4096);
	heap_words(group)[MW_GROUP_BYTES / 8 - 1] = (__u64)heap_words(heap_object(2, 0x500));
	scavenge();
	assert_fates(TID, 1, 0, 4);
	heap_move(heap_alloc(0, 0x2000, 0), HEAP_OLD, 0x700); /* its size was not passed on */
	scavenge();
	assert_fates(TID, 0, 1, 5);
}

/* V8 gave the page back. */
static void test_unmapped_meanwhile(void **state)
{
	(void)state;
	heap_alloc(1, 0x1000, 64);
	assert_int_equal(mprotect(heap_page(1), HEAP_PAGE, PROT_NONE), 0);
	scavenge();
	assert_fates(TID, 0, 0, 1);
}

/* It has pages of its own, which change sides. */
static void test_large_objects(void **state)
{
	(void)state;
	heap_alloc(1, 0x100, LARGE);
	heap_set_young(1, false);
	scavenge();
	assert_fates(TID, 0, 1, 0);
	heap_assert_site(MW_SITE_V8_SURVIVED, LARGE, 1);
	heap_alloc(2, 0x100, LARGE); /* this one stays where it is, until it is used again */
	scavenge();
	assert_fates(TID, 0, 1, 1);
	heap_alloc(3, 0x100, 64); /* a small one is not alive by its page */
	heap_set_young(3, false);
	scavenge();
	assert_fates(TID, 0, 1, 2);
	heap_assert_site(MW_SITE_V8_SURVIVED, LARGE, 1);
}

/* It died, and its pages went at once. */
static void test_large_object_unmapped(void **state)
{
	(void)state;
	heap_alloc(1, 0x2000, LARGE);
	munmap(heap_page(1), HEAP_PAGE);
	scavenge();
	assert_fates(TID, 0, 0, 1);
}

/* While a scavenge goes on, a large object that lives is forwarded to where it is. */
static void test_large_object_before_the_end(void **state)
{
	__u64 object;

	(void)state;
	object = heap_alloc(1, 0x100, LARGE);
	heap_alloc(2, 0x100, LARGE);
	scavenge_begins();
	*heap_words(object) = object - 1;
	assert_int_equal(mw_v8_scav_mid(&no_regs), 0);
	assert_fates(TID, 0, 1, 1);
	scavenge_ends();
	heap_assert_site(MW_SITE_V8_SURVIVED, LARGE, 1);
}

/* ---- the hook inside ---- */

/* The end of the scavenge would be too late: the old places are used again. */
static void test_scan_before_the_end(void **state)
{
	__u64 object;

	(void)state;
	object = heap_alloc(0, 0x1000, 64);
	scavenge_begins();
	heap_move(object, 2, 0x500);
	assert_int_equal(mw_v8_scav_mid(&no_regs), 0);
	assert_fates(TID, 1, 0, 0);
	assert_int_equal(mw_v8_scav_mid(&no_regs), 0); /* called for more than one reason */
	*heap_words(object) = 0;
	scavenge_ends();
	assert_fates(TID, 1, 0, 0);
	assert_int_equal(heap_isolate(TID)->scavenges, 1);
	scavenge_begins(); /* and now again */
	assert_int_equal(mw_v8_scav_mid(&no_regs), 0);
	assert_fates(TID, 0, 0, 1);
	scavenge_ends();
}

static void test_hook_outside_a_scavenge(void **state)
{
	(void)state;
	assert_int_equal(mw_v8_scav_mid(&no_regs), 0);
	assert_null(heap_isolate(TID));
	heap_alloc(0, 0x1000, 64);
	assert_int_equal(mw_v8_scav_mid(&no_regs), 0);
	assert_fates(TID, 1, 0, 0);
	assert_int_equal(mw_v8_mc_in(&no_regs), 0);
	assert_int_equal(mw_v8_scav_mid(&no_regs), 0);
	assert_fates(TID, 1, 0, 0);
	assert_int_equal(mw_v8_mc_out(&no_regs), 0);
	assert_fates(TID, 0, 0, 1);
}

/* ---- mark-compact ---- */

static void test_mark_compact(void **state)
{
	__u64 old_enough, fresh;

	(void)state;
	old_enough = heap_move(heap_alloc(0, 0x1000, 64), 2, 0x500);
	scavenge();
	fresh = heap_alloc(0, 0x1000, 64);
	heap_alloc(0, 0x2000, 64);
	heap_move(old_enough, HEAP_OLD, 0x500);
	heap_move(fresh, HEAP_OLD, 0x600);
	mark_compact();
	assert_fates(TID, 0, 1, 2);
	heap_assert_site(MW_SITE_V8_SURVIVED, 0x1001, 1);
	assert_int_equal(survived()->kept_bytes,
			 0x1001); /* no marks: this is all that can be known */
	assert_int_equal(heap_isolate(TID)->mark_compacts, 1);
	assert_int_equal(heap_isolate(TID)->scavenges, 1);
}

/* ---- what is kept: by marks ---- */

static void has_marks(void)
{
	heap_proc()->heap.mark = MW_V8_MARK_INLINE;
	heap_proc()->heap.mark_offset = HEAP_MARKS;
}

static void full_collection_marked(void)
{
	assert_int_equal(mw_v8_mc_in(&no_regs), 0);
	assert_int_equal(mw_v8_mc_marked(&no_regs), 0);
}

static void full_collection_ends(void)
{
	assert_int_equal(mw_v8_mc_moved(&no_regs), 0);
	assert_int_equal(mw_v8_mc_out(&no_regs), 0);
}

static void full_collection(void)
{
	full_collection_marked();
	full_collection_ends();
}

/* As many as it takes to be kept. */
static void full_collections(void)
{
	for (int i = 0; i < MW_PASSES; i++)
		full_collection();
}

static void assert_survived(__u64 samples, __u64 kept, __u64 freed)
{
	assert_non_null(survived());
	assert_int_equal(survived()->samples, samples);
	assert_int_equal(survived()->kept_samples, kept);
	assert_int_equal(survived()->freed_samples, freed);
}

/* Allocates in new space, and has it promoted by two scavenges to @offset of old space. */
static __u64 promoted(unsigned offset)
{
	__u64 object = heap_move(heap_alloc(0, 0x3000, 64), 1, 0x3000);

	scavenge();
	object = heap_move(object, HEAP_OLD, offset);
	scavenge();
	return object;
}

static void test_kept_and_freed(void **state)
{
	__u64 kept;

	(void)state;
	has_marks();
	kept = promoted(0x3000);
	promoted(0x4000);
	assert_survived(2, 0, 0); /* not decided yet */
	heap_mark(kept);
	full_collection();
	assert_survived(2, 0, 1);
	full_collection();
	assert_survived(2, 1, 1);
	assert_int_equal(survived()->kept_bytes, 0x3001);
	assert_int_equal(survived()->freed_bytes, survived()->bytes - 0x3001);
	full_collection(); /* still marked: nothing new */
	assert_survived(2, 1, 1);
	heap_unmark(HEAP_OLD);
	full_collection();
	assert_survived(2, 0, 2);
	assert_int_equal(survived()->kept_bytes, 0);
	assert_int_equal(survived()->freed_bytes, survived()->bytes);
	full_collection();
	assert_survived(2, 0, 2);
	assert_int_equal(heap_isolate(TID)->kept, 1);
	assert_int_equal(heap_isolate(TID)->freed, 2);
}

/* What comes to old space while V8 marks is marked for that: it says nothing. */
static void test_marked_from_the_first(void **state)
{
	(void)state;
	has_marks();
	heap_mark((__u64)heap_page(HEAP_OLD) + 0x3001);
	promoted(0x3000);
	full_collections();
	assert_survived(1, 0, 0);
	full_collection();
	assert_survived(1, 1, 0);
	heap_unmark(HEAP_OLD);
	full_collection();
	assert_survived(1, 0, 1);
}

/* It was moved off a page with little left on it. */
static void test_moved_by_a_full_collection(void **state)
{
	__u64 object;

	(void)state;
	has_marks();
	object = promoted(0x3000);
	heap_mark(object);
	full_collection_marked();
	object = heap_move(object, HEAP_OLD + 1, 0x7000);
	full_collection_ends();
	heap_unmark(HEAP_OLD);
	heap_mark(object);
	full_collection();
	assert_survived(1, 1, 0);
	heap_unmark(HEAP_OLD + 1);
	full_collection();
	assert_survived(1, 0, 1);
}

/* A full collection promotes the young that live, by copy or with their page, and tells the dead.
 */
static void test_young_in_a_full_collection(void **state)
{
	__u64 copied, stays;

	(void)state;
	has_marks();
	copied = heap_alloc(0, 0x3000, 64);
	stays = heap_alloc(1, 0x3000, 64);
	heap_alloc(1, 0x5000, 64);
	heap_mark(copied);
	heap_mark(stays + 32); /* V8 folds allocations: one of several objects lives */
	full_collection_marked();
	assert_fates(TID, 2, 0, 1);
	copied = heap_move(copied, HEAP_OLD, 0x3000);
	heap_set_young(1, false);
	full_collection_ends();
	assert_fates(TID, 0, 2, 1);
	assert_survived(2, 0, 0); /* they live, but did not yet outlive anything */
	heap_unmark(1);
	heap_mark(copied);
	full_collections();
	assert_survived(2, 1, 1);
}

/* What V8 puts into old space at once. */
static void test_direct_old(void **state)
{
	(void)state;
	has_marks();
	heap_alloc(HEAP_OLD, 0x3000, 64);
	heap_mark(heap_alloc(HEAP_OLD, 0x4000, 64));
	assert_survived(2, 0, 0);
	heap_mark(heap_alloc(HEAP_OLD, 0x5000, 64));
	full_collections();
	assert_survived(3, 2, 1);
}

static enum mw_marked marked(unsigned offset, __u64 bytes)
{
	return mw_marked(&heap_proc()->heap, (__u64)heap_page(HEAP_OLD) + offset, bytes);
}

static void test_marks_elsewhere(void **state)
{
	static __u64 bitmap[HEAP_PAGE / 512], metadata[HEAP_PAGE / 512 + 2];

	(void)state;
	heap_proc()->heap.mark = MW_V8_MARK_POINTER;
	heap_proc()->heap.mark_offset = 0x10;
	*(__u64 **)(heap_page(HEAP_OLD) + 0x10) = bitmap;
	bitmap[0x3000 / 512] = 1ULL << 0x3000 / 8 % 64;
	assert_int_equal(marked(0x3001, 8), MW_MARKED);
	assert_int_equal(marked(0x3009, 8), MW_DEAD);
	assert_int_equal(marked(0x2ff9, 16), MW_MARKED);
	assert_int_equal(marked(0x2ff9, 8), MW_DEAD);
	heap_proc()->heap.mark = MW_V8_MARK_METADATA;
	*(__u64 **)(heap_page(HEAP_OLD) + 8) = metadata;
	metadata[2 + 0x3000 / 512] = 1ULL << 0x3000 / 8 % 64;
	assert_int_equal(marked(0x3001, 8), MW_MARKED);
	assert_int_equal(marked(0x3009, 8), MW_DEAD);
	*(__u64 *)(heap_page(HEAP_OLD) + 8) = 0x10000; /* cannot be read: not known to be dead */
	assert_int_equal(marked(0x3009, 8), MW_MARKS_UNREADABLE);
}

/* The oldest make room, and stay as they were found. */
static void test_more_than_can_be_followed(void **state)
{
	(void)state;
	has_marks();
	heap_mark(heap_alloc(HEAP_OLD, 0x3000, 64) + 16);
	full_collections();
	assert_survived(1, 1, 0);
	heap_unmark(HEAP_OLD);
	for (unsigned i = 0; i < MW_V8_OLD; i++)
		heap_alloc(HEAP_OLD + 1, 0x3000 + 64 * i, 64);
	full_collection();
	assert_survived(1 + MW_V8_OLD, 1, MW_V8_OLD);
}

/* With a worker goes its heap, and all that was kept in it. */
static void test_heap_goes(void **state)
{
	__u64 kept;

	(void)state;
	has_marks();
	kept = promoted(0x3000);
	promoted(0x4000);
	heap_alloc(0, 0x5000, 64); /* young */
	heap_mark(kept);
	full_collections();
	promoted(0x5000);
	assert_survived(3, 1, 1);
	heap_be_thread(TID + 1);
	assert_int_equal(mw_v8_heap_out(&no_regs), 0); /* not one that is known */
	assert_survived(3, 1, 1);
	heap_be_thread(TID);
	assert_int_equal(mw_v8_heap_out(&no_regs), 0);
	assert_survived(3, 0, 3);
	assert_int_equal(survived()->kept_bytes, 0);
	assert_int_equal(survived()->freed_bytes, survived()->bytes);
	assert_null(heap_isolate(TID));
	heap_alloc(0, 0x1000, 64); /* the place is free for the next */
	assert_fates(TID, 1, 0, 0);
}

/* User space gave the place of an isolate away: what it followed is not the next one's. */
static void test_place_of_an_isolate(void **state)
{
	__u64 kept;

	(void)state;
	has_marks();
	kept = promoted(0x3000);
	heap_alloc(0, 0x5000, 64);
	heap_mark(kept);
	full_collections();
	assert_survived(1, 1, 0);
	for (__u32 i = 0; i < MW_V8_ISOLATES; i++)
		memset(bpf_map_lookup_elem(&mw_v8_isolates, &i), 0, sizeof(struct mw_v8_isolate));
	heap_unmark(HEAP_OLD);
	heap_alloc(1, 0x6000, 64);
	assert_fates(TID, 1, 0, 0);
	full_collection();
	assert_survived(1, 1, 0);
	assert_fates(TID, 0, 0, 1);
}

static void test_looks_outside_a_collection(void **state)
{
	(void)state;
	has_marks();
	heap_alloc(HEAP_OLD, 0x3000, 64);
	assert_int_equal(mw_v8_mc_marked(&no_regs), 0);
	scavenge_begins();
	assert_int_equal(mw_v8_mc_marked(&no_regs), 0);
	assert_int_equal(mw_v8_mc_moved(&no_regs), 0);
	scavenge_ends();
	assert_survived(1, 0, 0);
}

/* ---- around a collection ---- */

/* The collector allocates, too; and it empties new space. */
static void test_allocations_around_a_collection(void **state)
{
	(void)state;
	heap_alloc(0, 0x10000, 64);
	scavenge_begins();
	heap_alloc(2, 0x1000, 64);
	assert_int_equal(heap_isolate(TID)->allocs, 1);
	scavenge_ends();
	heap_alloc(0, 0x11000, 64); /* from the start of the page */
	heap_assert_site(MW_SITE_V8_ALLOC, 0x10001 + 0x11001, 2);
}

static void test_isolates_do_not_mix(void **state)
{
	__u64 mine, other;

	(void)state;
	mine = heap_alloc(0, 0x1000, 64);
	heap_be_thread(TID + MW_V8_ISOLATES);
	other = heap_alloc(1, 0x2000, 64);
	heap_move(mine, HEAP_OLD, 0x500);
	scavenge_begins();
	heap_be_thread(TID); /* who goes on, meanwhile */
	heap_alloc(0, 0x3000, 64);
	heap_be_thread(TID + MW_V8_ISOLATES);
	scavenge_ends();
	assert_fates(TID, 2, 0, 0);
	assert_fates(TID + MW_V8_ISOLATES, 0, 0, 1);
	assert_int_equal(heap_isolate(TID)->scavenges, 0);
	heap_move(other, HEAP_OLD, 0x600); /* too late */
	heap_be_thread(TID);
	scavenge();
	assert_fates(TID, 0, 1, 1);
	assert_fates(TID + MW_V8_ISOLATES, 0, 0, 1);
	heap_assert_site(MW_SITE_V8_SURVIVED, 0x1001, 1);
}

/* All slots are used, freed by a collection and used again. */
static void test_slots_are_used_again(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < MW_V8_SAMPLES; i++) {
			__u64 object = heap_alloc(0, 0x1000 + 64 * i, 64);

			if (i % 4 == 0)
				heap_move(object, HEAP_OLD, 0x1000 + 64 * i);
		}
		scavenge();
		assert_fates(TID, 0, MW_V8_SAMPLES / 4 * (round + 1),
			     MW_V8_SAMPLES / 4 * 3 * (round + 1));
	}
	assert_int_equal(host.lost[MW_LOST_SAMPLES], 0);
	assert_int_equal(user_site(MW_SITE_V8_SURVIVED, user_sent(0)->hash)->samples,
			 MW_V8_SAMPLES / 4 * 3);
}

static void test_not_watched(void **state)
{
	__u32 pid = TGID;

	(void)state;
	heap_alloc(0, 0x1000, 64);
	bpf_map_delete_elem(&mw_site_procs, &pid); /* while it was collecting */
	scavenge();
	assert_fates(TID, 1, 0, 0);
	assert_int_equal(heap_isolate(TID)->in_gc, 0);
	heap_be_thread(900);
	scavenge();
	mark_compact();
	assert_null(heap_isolate(900));
}

#define IN_HEAP(test) cmocka_unit_test_setup_teardown(test, heap_setup, heap_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_HEAP(test_survives_two_scavenges),
		IN_HEAP(test_promoted_at_once),
		IN_HEAP(test_dies),
		IN_HEAP(test_what_is_no_forwarding_pointer),
		IN_HEAP(test_survivor_in_a_group),
		IN_HEAP(test_bounds_of_a_group),
		IN_HEAP(test_unmapped_meanwhile),
		IN_HEAP(test_large_objects),
		IN_HEAP(test_large_object_unmapped),
		IN_HEAP(test_large_object_before_the_end),
		IN_HEAP(test_scan_before_the_end),
		IN_HEAP(test_hook_outside_a_scavenge),
		IN_HEAP(test_mark_compact),
		IN_HEAP(test_kept_and_freed),
		IN_HEAP(test_marked_from_the_first),
		IN_HEAP(test_moved_by_a_full_collection),
		IN_HEAP(test_young_in_a_full_collection),
		IN_HEAP(test_direct_old),
		IN_HEAP(test_marks_elsewhere),
		IN_HEAP(test_more_than_can_be_followed),
		IN_HEAP(test_heap_goes),
		IN_HEAP(test_place_of_an_isolate),
		IN_HEAP(test_looks_outside_a_collection),
		IN_HEAP(test_allocations_around_a_collection),
		IN_HEAP(test_isolates_do_not_mix),
		IN_HEAP(test_slots_are_used_again),
		IN_HEAP(test_not_watched),
	};

	return cmocka_run_group_tests_name("bpf/v8, survival", tests, NULL, NULL);
}

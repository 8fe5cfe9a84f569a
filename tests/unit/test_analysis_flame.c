/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth sites as a tree: each byte once, sums, sides, order, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/flame.h"
#include "analysis/sites.h"
#include "flame_sample.h"

static const struct flame_node *child(const struct flame_node *n, const char *name)
{
	const struct flame_node *c;

	for (c = n->first_child; c; c = c->next) {
		if (!strcmp(c->frame ? (c->frame->fn ? c->frame->fn : "?") : c->label, name))
			return c;
	}
	fail_msg("no %s there", name);
	return NULL;
}

/* Sums are those of the children and of what ends there; the largest come first. */
static uint64_t check_node(const struct flame_node *n, enum flame_side side)
{
	uint64_t sum = n->self[side], before = UINT64_MAX;

	for (const struct flame_node *c = n->first_child; c; c = c->next) {
		uint64_t both = c->bytes[FLAME_A] + c->bytes[FLAME_B];

		assert_ptr_equal(c->parent, n);
		assert_int_equal(c->depth, n->depth + 1);
		assert_true(both <= before);
		before = both;
		sum += check_node(c, side);
	}
	assert_int_equal(n->bytes[side], sum);
	return sum;
}

static void test_once(void **state)
{
	struct recorded_process p = flame_service(1);
	struct flame *f = flame_new();
	const struct flame_node *handle;

	(void)state;
	assert_int_equal(flame_add_process(f, &p, NULL, FLAME_B, 1), 0);
	flame_finish(f);
	assert_int_equal(check_node(f->root, FLAME_B), 10 * FLAME_MIB);
	assert_int_equal(f->root->samples[FLAME_B], 4);
	assert_int_equal(f->root->bytes[FLAME_A], 0);
	assert_false(f->is_diff);
	handle = child(child(f->root, "main"), "handle");
	assert_int_equal(handle->bytes[FLAME_B], 9 * FLAME_MIB);
	assert_int_equal(child(handle, "save")->bytes[FLAME_B], 6 * FLAME_MIB); /* two lines */
	assert_int_equal(child(handle, "save")->samples[FLAME_B], 2);
	assert_int_equal(child(handle, "buffer")->self[FLAME_B], 3 * FLAME_MIB);
	assert_ptr_equal(handle->first_child, child(handle, "save"));
	assert_int_equal(f->node_count, 6);
	assert_int_equal(f->depth_max, 3);
	flame_finish(f); /* once more changes nothing */
	assert_int_equal(check_node(f->root, FLAME_B), 10 * FLAME_MIB);
	flame_free(f);
	site_table_free(p.sites);
}

static uint64_t growth_of(struct site_table *t, enum mw_site_kind kind)
{
	struct hmap_node *node;
	uint64_t bytes = 0;

	site_table_finish_tick(t);
	hmap_for_each (&t->by_hash, node) {
		const struct site *s = hmap_entry(node, struct site, node);

		bytes += s->kind == kind && site_is_growth(t, s) ? s->bytes : 0;
	}
	return bytes;
}

/* What was asked for counts where nothing is known of what is held: brk first. */
static void test_asked_for(void **state)
{
	struct site_table *t = site_table_new();
	const struct frame f = sample_native(FRAME_USER, "store", "/bin/x", 1);
	const struct frame g = sample_native(FRAME_USER, "other", "/bin/x", 2);

	(void)state;
	FLAME_ADD(t, MW_SITE_MMAP, 7, f);
	assert_int_equal(growth_of(t, MW_SITE_MMAP), 7);
	FLAME_ADD(t, MW_SITE_BRK, 5, f);
	assert_int_equal(growth_of(t, MW_SITE_MMAP), 0);
	assert_int_equal(growth_of(t, MW_SITE_BRK), 5);
	FLAME_ADD(t, MW_SITE_FAULT, 3, f);
	FLAME_ADD(t, MW_SITE_FAULT, 4, g);
	assert_int_equal(growth_of(t, MW_SITE_BRK), 0);
	assert_int_equal(growth_of(t, MW_SITE_FAULT), 7);
	FLAME_ADD(t, MW_SITE_EXTERNAL, 2, f); /* less than was touched there */
	assert_int_equal(growth_of(t, MW_SITE_EXTERNAL), 0);
	FLAME_ADD(t, MW_SITE_EXTERNAL, 2, f);
	assert_int_equal(growth_of(t, MW_SITE_EXTERNAL), 4);
	assert_int_equal(growth_of(t, MW_SITE_FAULT), 4);
	site_table_free(t);
}

/* V8 maps its heap: that is not asked for twice. */
static void test_mapped(void **state)
{
	struct site_table *t = site_table_new();
	const struct frame mmap_ = sample_native(FRAME_RUNTIME, "mmap64", FLAME_LIBC, 1);
	const struct frame calloc_ = sample_native(FRAME_RUNTIME, "calloc", FLAME_LIBC, 2);
	const struct frame v8 =
		sample_native(FRAME_RUNTIME, "v8::base::OS::Allocate", FLAME_NODE, 3);
	const struct frame js = flame_js_frame("save", "/srv/a.js", 1);
	const struct site *heap = FLAME_ADD(t, MW_SITE_MMAP, 3, mmap_, v8, js);
	const struct site *buffer = FLAME_ADD(t, MW_SITE_MMAP, 3, mmap_, calloc_, v8, js);
	const struct site *alloc;

	(void)state;
	site_table_finish_tick(t);
	assert_true(site_is_asked_for(t, heap));
	alloc = FLAME_ADD(t, MW_SITE_V8_ALLOC, 3, js);
	site_table_finish_tick(t);
	assert_false(site_is_asked_for(t, heap));
	assert_true(site_is_asked_for(t, buffer));
	assert_true(site_is_asked_for(t, alloc));
	assert_false(site_is_asked_for(t, FLAME_ADD(t, MW_SITE_FAULT, 3, js)));
	site_table_free(t);
}

static void test_sides(void **state)
{
	struct recorded_process a = flame_process(1), b = flame_service(2);
	const struct frame handle = flame_js_frame("handle", "/srv/a.js", 99);
	const struct frame main_ = sample_native(FRAME_RUNTIME, "main", FLAME_NODE, 777);
	const struct frame gone = flame_js_frame("gone", "/srv/a.js", 1);
	struct flame *f = flame_new();
	const struct flame_node *n;

	(void)state;
	FLAME_ADD(a.sites, MW_SITE_V8_SURVIVED, FLAME_MIB, gone, handle, main_);
	site_table_finish_tick(a.sites);
	assert_int_equal(flame_add_process(f, &a, "node", FLAME_A, 2.5), 0);
	assert_int_equal(flame_add_process(f, &b, "node", FLAME_B, 1), 0);
	flame_finish(f);
	assert_true(f->is_diff);
	check_node(f->root, FLAME_A);
	check_node(f->root, FLAME_B);
	n = child(child(child(f->root, "node"), "main"), "handle");
	assert_int_equal(n->bytes[FLAME_A], 5 * FLAME_MIB / 2);
	assert_int_equal(n->bytes[FLAME_B], 9 * FLAME_MIB);
	assert_int_equal(child(n, "gone")->bytes[FLAME_B], 0);
	assert_int_equal(child(n, "gone")->self[FLAME_A], 5 * FLAME_MIB / 2);
	flame_free(f);
	site_table_free(a.sites);
	site_table_free(b.sites);
}

/* Two releases: their folders differ. */
static void test_folders(void **state)
{
	(void)state;
	for (int by_name = 0; by_name < 2; by_name++) {
		struct recorded_process a = flame_process(1), b = flame_process(2);
		struct flame *f = flame_new();

		FLAME_ADD(a.sites, MW_SITE_FAULT, 1, flame_js_frame("save", "/srv/v1/a.js", 5));
		FLAME_ADD(b.sites, MW_SITE_FAULT, 2, flame_js_frame("save", "/srv/v2/a.js", 6));
		FLAME_ADD(b.sites, MW_SITE_FAULT, 4, flame_js_frame("save", "/srv/v2/b.js", 6));
		site_table_finish_tick(a.sites);
		site_table_finish_tick(b.sites);
		f->by_name = by_name;
		assert_int_equal(flame_add_process(f, &a, NULL, FLAME_A, 1), 0);
		assert_int_equal(flame_add_process(f, &b, NULL, FLAME_B, 1), 0);
		flame_finish(f);
		assert_int_equal(f->node_count, by_name ? 3 : 4);
		flame_free(f);
		site_table_free(a.sites);
		site_table_free(b.sites);
	}
}

/* Code without a name is the same at the same place of its file, wherever that is mapped. */
static void test_unnamed(void **state)
{
	struct recorded_process p = flame_process(1);
	struct frame one = sample_native(FRAME_USER, NULL, "/srv/app", 0x5555000);
	struct frame other = sample_native(FRAME_USER, NULL, "/srv/app", 0x7777000);
	struct frame lambda = flame_js_frame("(anonymous)", "/srv/a.js", 5);
	struct frame another = flame_js_frame("(anonymous)", "/srv/a.js", 50);
	struct flame *f = flame_new();

	(void)state;
	one.build_id = "aa11";
	other.build_id = "aa11";
	one.module_address = other.module_address = 0x1000;
	FLAME_ADD(p.sites, MW_SITE_FAULT, 1, one);
	FLAME_ADD(p.sites, MW_SITE_FAULT, 2, other);
	other.build_id = "bb22";
	other.ip++;
	FLAME_ADD(p.sites, MW_SITE_FAULT, 4, other);
	FLAME_ADD(p.sites, MW_SITE_FAULT, 8, lambda);
	FLAME_ADD(p.sites, MW_SITE_FAULT, 16, another);
	site_table_finish_tick(p.sites);
	assert_int_equal(flame_add_process(f, &p, NULL, FLAME_B, 1), 0);
	flame_finish(f);
	assert_int_equal(f->node_count, 5);
	assert_int_equal(f->root->first_child->bytes[FLAME_B], 16);
	assert_int_equal(f->root->first_child->next->next->bytes[FLAME_B], 4);
	assert_int_equal(f->root->first_child->next->next->next->bytes[FLAME_B], 3);
	flame_free(f);
	site_table_free(p.sites);
}

/* What the runtime does of its own accord, cut stacks and no stacks stand apart. */
static void test_labels(void **state)
{
	struct recorded_process p = flame_process(1);
	const struct frame f1 = flame_js_frame("save", "/srv/a.js", 5);
	const struct frame f2 = sample_native(FRAME_RUNTIME, "x", FLAME_NODE, 5);
	struct flame *f = flame_new();

	(void)state;
	FLAME_ADD(p.sites, MW_SITE_FAULT, 1, f2)->note = "GC worker";
	FLAME_ADD(p.sites, MW_SITE_FAULT, 2, f1)->stack->is_cut = true;
	sample_site(p.sites, MW_SITE_FAULT, NULL, 0, 4);
	site_table_finish_tick(p.sites);
	assert_int_equal(flame_add_process(f, &p, "node (1)", FLAME_B, 1), 0);
	flame_finish(f);
	assert_int_equal(check_node(f->root, FLAME_B), 7);
	assert_int_equal(child(child(child(f->root, "node (1)"), "GC worker"), "x")->self[FLAME_B],
			 1);
	assert_int_equal(child(f->root, "node (1)")->first_child->self[FLAME_B], 4);
	assert_int_equal(child(child(child(f->root, "node (1)"), "(callers not known)"), "save")
				 ->self[FLAME_B],
			 2);
	flame_free(f);
	site_table_free(p.sites);
}

/* Deeper than can be shown; more than can be counted; more nodes than there may be. */
static void test_bounds(void **state)
{
	struct recorded_process p = flame_process(1);
	struct flame *f = flame_new();
	static struct frame deep[1000];
	char names[1000][8];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(names[i], sizeof(names[i]), "f%u", i);
		deep[i] = flame_js_frame(names[i], "/srv/a.js", i + 1);
	}
	for (unsigned i = 0; i < 2; i++)
		sample_site(p.sites, MW_SITE_FAULT, deep + i, 999, INT64_MAX / 3 * 2);
	site_table_finish_tick(p.sites);
	assert_int_equal(flame_add_process(f, &p, NULL, FLAME_A, 1e300), 0);
	for (unsigned i = 0; i < 700; i++) { /* 999 nodes each, were there no limit */
		for (unsigned k = 0; k < 1000; k++)
			deep[k].fn_line = i;
		for (unsigned k = 0; k < 1000; k++)
			deep[k].fn = "(anonymous)";
		sample_site(p.sites, MW_SITE_FAULT, deep + i, 999 - i, 1)->bytes = 1;
	}
	p.sites->total_bytes[MW_SITE_FAULT] = 1;
	for (unsigned i = 0; i < 2000 && f->node_count < FLAME_NODES_MAX; i++) {
		char label[16];

		snprintf(label, sizeof(label), "p%u", i);
		assert_int_equal(flame_add_process(f, &p, label, FLAME_B, 1), 0);
	}
	assert_int_equal(f->node_count, FLAME_NODES_MAX);
	assert_int_equal(flame_add_process(f, &p, "late", FLAME_B, 1), 0);
	assert_int_equal(f->node_count, FLAME_NODES_MAX);
	flame_finish(f);
	assert_int_equal(f->depth_max, FLAME_DEPTH_MAX);
	assert_int_equal(f->root->bytes[FLAME_A], INT64_MAX);
	assert_true(f->root->self[FLAME_B] > 0); /* of the one that came late */
	flame_free(f);
	site_table_free(p.sites);
}

static void test_empty(void **state)
{
	struct recorded_process p = {.pid = 1};
	struct flame *f = flame_new();

	(void)state;
	assert_int_equal(flame_add_process(f, &p, "x", FLAME_B, 1), 0);
	flame_finish(f);
	assert_int_equal(f->node_count, 1);
	assert_null(f->root->first_child);
	assert_string_equal(f->root->label, "all");
	flame_free(f);
	flame_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),	cmocka_unit_test(test_asked_for),
		cmocka_unit_test(test_mapped),	cmocka_unit_test(test_sides),
		cmocka_unit_test(test_unnamed), cmocka_unit_test(test_folders),
		cmocka_unit_test(test_labels),	cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A whole program on the heap of v8_fake.h: functions in all tiers, with their scripts, bytecode
 * and code.
 *
 * LIMITATIONS: a helper header, for one includer per program.
 */
#ifndef MEMWATCH_TESTS_V8_GRAPH_H
#define MEMWATCH_TESTS_V8_GRAPH_H

#include "v8/v8_resolve.h"
#include "v8_fake.h"

#define GRAPH_SOURCE   "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n"
#define GRAPH_BUILTINS 0x20000000000ull /* where builtins are in the process */

struct graph {
	struct fake_heap fake;
	uint64_t script, internal_script;
	/* SharedFunctionInfos; inner is inlined into outer */
	uint64_t outer, inner, baseline, push;
	struct fake_code turbofan, maglev, sparkplug;
};

/* Bytecode of 60 bytes, each one long, in line 2 from 0 on and in line 4 from 30 on. */
static inline uint64_t graph_bytecode(struct graph *g, uint64_t shared)
{
	const struct v8_layout *l = &g->fake.layout;
	struct fake_table t = {.len = 0};
	uint8_t code[60];

	memset(code, 5, sizeof(code));
	fake_table_add(l, &t, 0, fake_raw_position(4, -1), true);
	fake_table_add(l, &t, 30, fake_raw_position(14, -1), true);
	return fake_bytecode(&g->fake, shared, code, sizeof(code), &t);
}

/* TurboFan code of outer: before pc 100 a call in the inlined inner, before 200 one of its own. */
static inline void graph_turbofan(struct graph *g)
{
	struct fake_heap *f = &g->fake;
	struct fake_table t = {.len = 0};
	uint64_t words[12], from = fake_raw_position(14, -1);
	uint8_t insns[400], inlinings[16] = {0};

	memset(insns, 0x90, sizeof(insns));
	for (int i = 0; i < 12; i++)
		words[i] = SMI(0);
	memcpy(inlinings, &from, sizeof(from));
	words[f->layout.deopt_inlined_count] = SMI(1);
	words[f->layout.deopt_literals] = fake_array(f, &g->inner, 1);
	words[f->layout.deopt_shared] = g->outer;
	words[f->layout.deopt_inlining_positions] = fake_bytes(f, inlinings, sizeof(inlinings));
	fake_table_add(&f->layout, &t, 90, fake_raw_position(30, 0), true);
	fake_table_add(&f->layout, &t, 190, fake_raw_position(20, -1), true);
	g->turbofan = fake_code(f, f->layout.code_kind_turbofan, insns, sizeof(insns),
				fake_bytes(f, t.bytes, t.len), fake_array(f, words, 12));
}

/* Maglev code of outer with one entry: a call that returns to 50, in bytecode 30. */
static inline void graph_maglev(struct graph *g)
{
	static const uint8_t translation[] = {4, 0, 2, 2, 1, 60, 0, 4};
	struct fake_heap *f = &g->fake;
	uint32_t head[4] = {4, 1, 1u | 2u << 4 | 1u << 7, 0};
	uint8_t insns[200], entry[6] = {50, 0, 1};
	uint64_t words[14];

	memset(insns, 0x90, sizeof(insns));
	for (int i = 0; i < 14; i++)
		words[i] = SMI(0);
	words[0] = fake_bytes(f, translation, sizeof(translation));
	words[f->layout.deopt_literals] = fake_array(f, &g->outer, 1);
	words[f->layout.deopt_shared] = g->outer;
	words[13] = SMI(190);
	g->maglev = fake_code(f, f->layout.code_kind_maglev, insns, sizeof(insns), f->undefined,
			      fake_array(f, words, 14));
	fake_put(f, g->maglev.start + sizeof(insns), head, sizeof(head));
	fake_put(f, g->maglev.start + sizeof(insns) + sizeof(head), entry, sizeof(entry));
}

/* Baseline code: a prologue of 20 bytes, then ten for each bytecode. */
static inline void graph_sparkplug(struct graph *g, uint64_t bytecode)
{
	struct fake_table t = {.len = 0};
	uint8_t insns[640];

	memset(insns, 0x90, sizeof(insns));
	fake_uvlq(&t, 20);
	for (int i = 0; i < 60; i++)
		fake_uvlq(&t, 10);
	g->sparkplug = fake_code(&g->fake, g->fake.layout.code_kind_baseline, insns, sizeof(insns),
				 fake_bytes(&g->fake, t.bytes, t.len), bytecode);
}

static inline void graph_init(struct graph *g, void (*layout)(struct v8_layout *))
{
	struct fake_heap *f = &g->fake;
	uint64_t name;

	memset(g, 0, sizeof(*g));
	fake_init(f, layout);
	f->layout.bytecode_count = 8;
	memset(f->layout.bytecode_sizes[0], 1, 8);
	name = fake_made(f, T_CONS, 11, fake_string(f, "/srv/"), fake_string(f, "app.js"));
	g->script = fake_script(f, 7, name, fake_string(f, GRAPH_SOURCE));
	g->internal_script = fake_script(f, 8, fake_string(f, "node:internal/timers"),
					 fake_string(f, GRAPH_SOURCE));
	g->outer = fake_function(f, "outer", g->script, 1, 0);
	g->inner = fake_function(f, "inner", g->script, 2, 20);
	g->baseline = fake_function(f, "tick", g->internal_script, 3, 4);
	g->push = fake_shared(f, fake_string(f, "push"), f->undefined, -1);
	graph_bytecode(g, g->outer);
	graph_bytecode(g, g->inner);
	graph_turbofan(g);
	graph_maglev(g);
	graph_sparkplug(g, graph_bytecode(g, g->baseline));
}

static inline void graph_release(struct graph *g)
{
	fake_release(&g->fake);
}

static inline struct mw_frame graph_js(uint64_t ip, uint64_t shared, int32_t script_id,
				       int32_t literal_id)
{
	return (struct mw_frame){.ip = ip,
				 .function = shared,
				 .kind = MW_FRAME_JS,
				 .script_id = script_id,
				 .literal_id = literal_id};
}

#endif

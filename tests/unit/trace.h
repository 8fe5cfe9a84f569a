/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Synthetic series with a known answer, by seed. */
#ifndef MEMWATCH_TESTS_TRACE_H
#define MEMWATCH_TESTS_TRACE_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define TRACE_SECOND 1000000000ULL
#define TRACE_MIB    1048576.0

/* xorshift64* (Vigna 2016): the same numbers everywhere. */
struct trace_random {
	uint64_t x;
};

static inline double trace_uniform(struct trace_random *r)
{
	r->x ^= r->x >> 12;
	r->x ^= r->x << 25;
	r->x ^= r->x >> 27;
	return (double)((r->x * 0x2545F4914F6CDD1DULL) >> 11) / 0x1p53;
}

static inline double trace_gauss(struct trace_random *r)
{
	return sqrt(-2 * log(1 - trace_uniform(r))) * cos(2 * M_PI * trace_uniform(r));
}

/* A process's anonymous memory, second by second, in MiB; 0 leaves a part out. */
struct trace {
	double base;
	double white;	     /* deviation of independent noise */
	double wander, keep; /* AR(1): deviation of each shock, share kept of the last */
	double saw, saw_s;   /* garbage: height and period of a tooth, both vary by a third */
	double bottom;	     /* deviation of what a collection leaves behind */
	double leak;	     /* a second, from leak_from on */
	double leak_from;
	double warm, warm_s;		/* 1 - exp(-t / warm_s) of warm */
	double fill, fill_from, fill_s; /* evenly, then full */
	double step, step_at;
	double burst, burst_at, burst_s, burst_kept; /* kept: the share that is not returned */
	double lump_s; /* the leak comes in lumps, one in so many seconds */
};

struct trace_state {
	struct trace_random random;
	double wander, tooth, tooth_s, tooth_at, bottom;
};

static inline void trace_begin(struct trace_state *st, uint64_t seed)
{
	*st = (struct trace_state){.random = {.x = seed * 0x9E3779B97F4A7C15ULL + 1}};
	for (int i = 0; i < 8; i++)
		trace_uniform(&st->random);
}

static inline double trace_saw(const struct trace *t, struct trace_state *st, double s)
{
	if (t->saw <= 0)
		return 0;
	if (s >= st->tooth_at + st->tooth_s) {
		st->tooth_at = s;
		st->tooth_s = t->saw_s * (2 + 2 * trace_uniform(&st->random)) / 3;
		st->tooth = t->saw * (2 + 2 * trace_uniform(&st->random)) / 3;
		st->bottom = t->bottom * fabs(trace_gauss(&st->random));
	}
	return st->bottom + st->tooth * (s - st->tooth_at) / st->tooth_s;
}

/* The bytes at @s seconds; to be asked for in order. */
static inline uint64_t trace_at(const struct trace *t, struct trace_state *st, double s)
{
	double mib = t->base, leaking_s = fmax(s - t->leak_from, 0);

	st->wander = t->keep * st->wander + t->wander * trace_gauss(&st->random);
	mib += t->white * trace_gauss(&st->random) + st->wander + trace_saw(t, st, s);
	mib += t->leak * (t->lump_s > 0 ? floor(leaking_s / t->lump_s) * t->lump_s : leaking_s);
	if (t->warm_s > 0)
		mib += t->warm * (1 - exp(-s / t->warm_s));
	if (t->fill_s > 0)
		mib += t->fill * fmin(fmax((s - t->fill_from) / t->fill_s, 0), 1);
	if (t->step > 0 && s >= t->step_at)
		mib += t->step;
	if (t->burst > 0 && s >= t->burst_at) {
		double up = fmin((s - t->burst_at) / 3, 1);

		mib += t->burst * (s < t->burst_at + t->burst_s ? up : t->burst_kept);
	}
	return (uint64_t)(fmax(mib, 1) * TRACE_MIB / 4096) * 4096;
}

#endif

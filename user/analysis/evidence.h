/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a verdict rests on, as sentences with numbers that a person can check. */
#ifndef MEMWATCH_ANALYSIS_EVIDENCE_H
#define MEMWATCH_ANALYSIS_EVIDENCE_H

#include "analysis/shape.h"
#include "analysis/verdict.h"

/** evidence_say - one sentence more; past VERDICT_EVIDENCE_MAX it is dropped, too long it is cut */
void evidence_say(struct verdict *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** evidence_growth - how @what grows or did not, by its shape: one or two sentences */
void evidence_growth(struct verdict *v, const char *what, const struct shape *shape);

/** evidence_flat - that @what comes back to its floor, and how far it goes from there */
void evidence_flat(struct verdict *v, const char *what, const struct shape *shape);

/** evidence_share - that @share (0..1) of the growth is @where */
void evidence_share(struct verdict *v, double share, const char *where);

/** evidence_limit - which limit is met, and when */
void evidence_limit(struct verdict *v);

/** evidence_bytes - "1.5M" for any number; < 0 and what is no number as 0. Returns @out. */
#define EVIDENCE_BYTES 24
char *evidence_bytes(char *out, double bytes);
/** evidence_rate - "+1.5M/s", "-3.0K/min". Returns @out. */
char *evidence_rate(char *out, double bytes_per_s);
/** evidence_span - "3m20s"; more than a century is a century. Returns @out. */
char *evidence_span(char *out, double seconds);

#endif

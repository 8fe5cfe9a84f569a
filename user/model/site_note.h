/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a runtime does of its own accord: growth that no code of the user asked for directly, so
 * that a mangled name of V8's is not all there is to say.
 */
#ifndef MEMWATCH_MODEL_SITE_NOTE_H
#define MEMWATCH_MODEL_SITE_NOTE_H

#include "model/frame.h"

/**
 * site_note - what the runtime is doing in @s: "V8 promotion", "GC worker", "heap warm-up" ...
 *
 * A garbage collection is one whoever's allocation it began in; everything else is noted only of
 * a stack without code of the user's or of a dependency's. NULL: nothing to say.
 */
const char *site_note(const struct stack *s);

#endif

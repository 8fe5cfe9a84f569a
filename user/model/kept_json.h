/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a leak consists of, as JSON: in the NDJSON of a verdict, and in a recording. */
#ifndef MEMWATCH_MODEL_KEPT_JSON_H
#define MEMWATCH_MODEL_KEPT_JSON_H

#include "base/json.h"
#include "model/kept.h"

/** kept_json_add - "constructors" of an open object: an array, empty if nothing grew */
void kept_json_add(struct json *j, const struct kept *k);

/**
 * kept_json_write - all of it as an object of its own
 *
 * {"taken_ns": ..., "seconds": ..., "pauses_ns": [..., ...], "constructors": [...]}, without a
 * newline; constructors as kept_json_add() has them. @b->err says whether it fitted.
 */
void kept_json_write(struct strbuf *b, const struct kept *k);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the name of a script tells: whose code it is, and its path.
 */
#ifndef MEMWATCH_V8_V8_ORIGIN_H
#define MEMWATCH_V8_V8_ORIGIN_H

#include <stdbool.h>

#include "model/frame.h"

/**
 * v8_origin - whose code a script of that name is
 * @names_internals_by_file: Node before 16 names its internals "events.js", "internal/..."
 */
enum frame_origin v8_origin(const char *file, bool names_internals_by_file);

/** v8_path_of_url - in place: file:///a%20b to /a b; other names are left as they are */
void v8_path_of_url(char *name);

#endif

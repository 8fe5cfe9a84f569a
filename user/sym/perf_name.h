/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a name in a perf map says: JITs pack function, file, line and tier into one string.
 */
#ifndef MEMWATCH_SYM_PERF_NAME_H
#define MEMWATCH_SYM_PERF_NAME_H

#include "base/intern.h"
#include "model/frame.h"

/**
 * perf_name_frame - fills in fn, file, fn_line, kind, origin and tier
 *
 * V8: "JS:*saveContext /app/handles.js:12:24"; Python: "py::save:/app/handles.py". Others as
 * they are.
 */
void perf_name_frame(const char *name, struct intern *names, struct frame *out);

#endif

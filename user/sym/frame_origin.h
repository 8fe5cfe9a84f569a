/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose code a native function is: the program's own, a dependency's, or the runtime's.
 */
#ifndef MEMWATCH_SYM_FRAME_ORIGIN_H
#define MEMWATCH_SYM_FRAME_ORIGIN_H

#include <stdbool.h>

#include "model/frame.h"

/**
 * frame_origin_of_module - by the path of an ELF file, as it is mapped
 * @is_exe: it is the executable of the process
 */
enum frame_origin frame_origin_of_module(const char *path, bool is_exe);

/**
 * frame_origin_of_native - of one function of such a module
 * @module: what frame_origin_of_module() said
 * @fn, @file: as in struct frame; may be NULL
 *
 * An executable contains code that is not its author's: a static libc, templates of the C++
 * library, Rust's and Go's runtimes and libraries.
 */
enum frame_origin frame_origin_of_native(enum frame_origin module, const char *fn,
					 const char *file);

#endif

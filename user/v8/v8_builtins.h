/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * V8's builtins: the machine code in its file that implements JavaScript's own functions and the
 * interpreter, by address and name.
 */
#ifndef MEMWATCH_V8_V8_BUILTINS_H
#define MEMWATCH_V8_V8_BUILTINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sym/elf_file.h"

struct v8_builtins;

/** v8_builtins_read - all of a file that has symbols for them. NULL with errno set: ENOENT, ENOMEM
 */
struct v8_builtins *v8_builtins_read(struct elf_file *f);
/** v8_builtins_free - takes NULL */
void v8_builtins_free(struct v8_builtins *b);
/** v8_builtins_find - the one at an address of the file: "MapPrototypeSet"; NULL if there is none
 */
const char *v8_builtins_find(const struct v8_builtins *b, uint64_t addr);

/** v8_builtin_is_interpreter - whether it runs bytecode: the function is that of the frame */
bool v8_builtin_is_interpreter(const char *builtin);
/**
 * v8_builtin_name - as JavaScript calls it: "Map.prototype.set"
 *
 * False if it is no function of JavaScript's, but something within V8.
 */
bool v8_builtin_name(const char *builtin, char *out, size_t size);

#endif

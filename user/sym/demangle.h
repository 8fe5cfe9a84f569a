/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names of C++ and Rust functions as their authors wrote them.
 */
#ifndef MEMWATCH_SYM_DEMANGLE_H
#define MEMWATCH_SYM_DEMANGLE_H

#include <stddef.h>

#define DEMANGLED_BYTES 512 /* longer names are cut, and end in "..." */

/**
 * demangle - a readable name
 * @symbol: as in the symbol table
 * @out:    DEMANGLED_BYTES
 *
 * C++ (Itanium ABI) with parameters: "ns::Class::method(int)"; Rust, legacy and v0, without its
 * hash. What is neither is copied. What compilers append when they split or clone
 * functions (.cold, .isra.0, .llvm.123) is dropped: it is one function to its author.
 */
void demangle(const char *symbol, char *out);

#endif

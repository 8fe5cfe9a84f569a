/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A file of the source tree as a constant of the program: an SQL schema, a style sheet, a script.
 * They stay files that their own tools can read.
 *
 *   INCBIN(page_css, "user/output/report.css");     → extern const char page_css[]; NUL-terminated
 *
 * The path is from the top of the tree, where make runs; the Makefile names the file as what the
 * object depends on (next to base/incbin.h there).
 */
#ifndef MEMWATCH_BASE_INCBIN_H
#define MEMWATCH_BASE_INCBIN_H

#define INCBIN(name, path)                                                                         \
	__asm__(".pushsection .rodata\n"                                                           \
		".balign 16\n"                                                                     \
		".global " #name "\n"                                                              \
		".type " #name ", %object\n" #name ":\n"                                           \
		".incbin \"" path "\"\n"                                                           \
		".byte 0\n"                                                                        \
		".size " #name ", . - " #name "\n"                                                 \
		".popsection\n");                                                                  \
	extern const char name[]

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The terminal of the live view: taken, lent back, given back. There is one a
 * process, so there is no object.
 */
#ifndef MEMWATCH_OUTPUT_TUI_SCREEN_H
#define MEMWATCH_OUTPUT_TUI_SCREEN_H

#include <stdbool.h>

/**
 * tui_screen_take - the terminal on stdin and stdout goes into full-screen mode
 *
 * From here on it is restored on every way out of the program: by
 * tui_screen_free(), exit(), and the signals of a crash.
 *
 * Returns 0, -ENOTSUP if $TERM names no terminal that can be drawn on (said
 * through the log), or another negative errno.
 */
int tui_screen_take(void);

/** tui_screen_lend - the terminal as it was, until tui_screen_resume(). Twice is harmless */
void tui_screen_lend(void);
void tui_screen_resume(void);

/** tui_screen_is_taken - there is something to draw on now */
bool tui_screen_is_taken(void);

/** tui_screen_has_colors - red, yellow and green can be shown, and nobody asked for NO_COLOR */
bool tui_screen_has_colors(void);

/** tui_screen_fit - asks the terminal for its size, and draws everything anew at the next refresh
 */
void tui_screen_fit(void);

/** tui_screen_free - gives the terminal back for good. Harmless if it was not taken */
void tui_screen_free(void);

#endif

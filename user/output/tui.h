/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The live view: a table of processes on a terminal (ncursesw), sorted by
 * growth, with keys to sort, freeze, select a process and get help.
 */
#ifndef MEMWATCH_OUTPUT_TUI_H
#define MEMWATCH_OUTPUT_TUI_H

#include <stdbool.h>

#include "output/sink.h"

/** tui_sink_new - takes the terminal (stdin, stdout). NULL with errno set; the terminal is
 *  given back by ops->free(), and on every other way out of the program too */
struct sink *tui_sink_new(unsigned page_shift);

enum tui_request {
	TUI_NOTHING,
	TUI_QUIT,
	TUI_SORT, /* another column: see tui_sort() */
};

/** tui_input - stdin is readable: takes all waiting keys. An enum tui_request or -errno */
int tui_input(struct sink *s);

/** tui_sort - the column that rows shall be sorted by, and whether the order is reversed */
const struct column *tui_sort(const struct sink *s, bool *reversed);

/** tui_set_sort - the column to begin with */
void tui_set_sort(struct sink *s, const struct column *c);

/** tui_looked_at - the PID of the selected process, once it is more than passed over; or 0 */
uint32_t tui_looked_at(const struct sink *s);

/** tui_resize - the terminal's size has changed (SIGWINCH): draws anew */
void tui_resize(struct sink *s);

/** tui_suspend - give the terminal back (before SIGTSTP's stop); tui_resume - take it again */
void tui_suspend(struct sink *s);
void tui_resume(struct sink *s);

#endif

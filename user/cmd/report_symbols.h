/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names for frames of a recording that had none when it was made: the symbols were not there, or
 * the process ended before it could be asked.
 */
#ifndef MEMWATCH_CMD_REPORT_SYMBOLS_H
#define MEMWATCH_CMD_REPORT_SYMBOLS_H

#include "model/recorded.h"

/**
 * report_symbols_name - of the sites of loaded processes
 *
 * By the file at the module's path, if its build id is the recorded one, and by debug files
 * (user/sym/debug_file.h). What cannot be named stays as it is. Returns how many frames were.
 */
unsigned report_symbols_name(struct recorded *r);

#endif

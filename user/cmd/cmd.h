/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The commands, one a file; main.c dispatches by their table. */
#ifndef MEMWATCH_CMD_CMD_H
#define MEMWATCH_CMD_CMD_H

#define MEMWATCH_EXIT_OK     0
#define MEMWATCH_EXIT_FAILED 1
#define MEMWATCH_EXIT_USAGE  2
#define MEMWATCH_EXIT_LEAK   3 /* check: also growth over its bar */

#ifndef MEMWATCH_VERSION
#define MEMWATCH_VERSION "unknown"
#endif

struct command {
	const char *name;
	const char *help; /* one line */
	/* @argv[0] is the command's name. Returns the exit status. */
	int (*run)(int argc, char **argv);
};

int cmd_watch(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_heap(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_schema(int argc, char **argv);

/** cmd_status - the exit status for a negative errno (0 for 0); -EINVAL is wrong usage */
int cmd_status(int err);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* memwatch diff, of two recordings. */
#ifndef MEMWATCH_CMD_DIFF_RUNS_H
#define MEMWATCH_CMD_DIFF_RUNS_H

#include <stdint.h>

enum diff_format { DIFF_TEXT, DIFF_JSON, DIFF_HTML };

struct diff_runs {
	const char *files[2];
	uint64_t requests[2]; /* 0: what the recordings say */
	enum diff_format format;
	const char *output; /* NULL: stdout */
	unsigned rows;	    /* 0: the default */
};

/** diff_runs - compares and writes. 0, or a negative errno after it was said */
int diff_runs(const struct diff_runs *o);

#endif

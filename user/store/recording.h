/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads a recording (recording.sql says what is in one). It may still be written to, or its writer
 * may have been killed: what was committed is there.
 *
 * What is read is hostile: it may be any SQLite file. Counts, lengths and depths have bounds; what
 * is beyond is left out and counted, or refused. Nothing of the file is executed: no extension is
 * loaded, views and triggers of the file are not trusted (SQLITE_DBCONFIG_TRUSTED_SCHEMA off,
 * _DEFENSIVE on), and it is never written to.
 */
#ifndef MEMWATCH_STORE_RECORDING_H
#define MEMWATCH_STORE_RECORDING_H

#include <stdbool.h>

#include "model/recorded.h"

#define RECORDING_WHY 256

struct recording_select {
	const uint32_t *pids; /* whose details are loaded; none: the first @most */
	unsigned pid_count;
	const char *comm; /* or whose name is this; NULL: any */
	unsigned most;	  /* 0: RECORDING_MOST */
	bool all;	  /* of all of them, however many */
};

#define RECORDING_MOST 10

/** recording_is - whether the file @path begins as a recording does; false, too, if it cannot be
 *  read */
bool recording_is(const char *path);

/**
 * recording_load - all of the file @path that @select asks for
 * @out: to be freed by recorded_free()
 * @why: on failure a clause for people, "it is no recording of memwatch"
 *
 * Returns 0; -EINVAL (no recording), -ENOTSUP (of a newer memwatch), -EUCLEAN (damaged), -ENOMEM,
 * or the errno of opening it.
 */
int recording_load(const char *path, const struct recording_select *select, struct recorded **out,
		   char why[RECORDING_WHY]);

#endif

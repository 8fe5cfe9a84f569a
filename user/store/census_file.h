/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A census in a file: the NDJSON records of `memwatch heap`, by which `memwatch diff` compares
 * censuses of two days or two releases. A stream of several (heap --json --every) is one, too: the
 * last of it counts.
 *
 * What is read is hostile: lengths, depths, counts and numbers have bounds, and what is beyond is
 * refused. Types and keys that are not known are passed over.
 */
#ifndef MEMWATCH_STORE_CENSUS_FILE_H
#define MEMWATCH_STORE_CENSUS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "model/census.h"

#define CENSUS_FILE_LINE_MAX	  (1u << 20) /* bytes */
#define CENSUS_FILE_RECORDS_MAX	  (1u << 20) /* constructors of a census */
#define CENSUS_FILE_RETAINERS_MAX 1024u
#define CENSUS_FILE_DEPTH	  8 /* of JSON, as memwatch writes it */
#define CENSUS_FILE_WHY		  160

struct census_file {
	struct census *census;	   /* to be freed by census_free(); NULL if it could not be read */
	bool is_cut;		   /* it has no end: the writer was killed, or the disk was full */
	char why[CENSUS_FILE_WHY]; /* it could not: a clause, "line 3 is no JSON object" */
};

/**
 * census_file_read - the last census in the file @path
 *
 * Returns 0; -EINVAL (no census), -ENOTSUP (of a newer memwatch), -E2BIG, -ENOMEM or the errno of
 * reading it, with @out->why set.
 */
int census_file_read(const char *path, struct census_file *out);
/** census_file_parse - the same of an open file; census_text_parse - of @len bytes; -ENODATA: none
 */
int census_file_parse(FILE *f, struct census_file *out);
int census_text_parse(const char *text, size_t len, struct census_file *out);

/**
 * census_file_check - whether census_file_write() is going to have a place to write to
 *
 * To be asked before a process is stopped for what cannot be kept. 0 or a negative errno.
 */
int census_file_check(const char *path);
/**
 * census_file_write - @records as the file @path
 *
 * Written beside it and renamed, so that there is the old file or the new one, never half of it;
 * what is no regular file (a pipe, /dev/stdout) is written to. 0 or a negative errno.
 * @is_private: it has values in it: a new file is for its owner only
 */
int census_file_write(const char *path, const void *records, size_t len, bool is_private);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What tells a recording from other files of SQLite: of its writer and its reader. */
#ifndef MEMWATCH_STORE_RECORDING_FORMAT_H
#define MEMWATCH_STORE_RECORDING_FORMAT_H

#include <stdint.h>
#include <string.h>

#define RECORDING_APPLICATION_ID 0x4d4d5754 /* PRAGMA application_id: "MMWT" */
/* PRAGMA user_version: of recording.sql. A reader takes this one and older ones. */
#define RECORDING_SCHEMA       1

#define RECORDING_HEADER_BYTES 100 /* of a file of SQLite; sqlite.org/fileformat2.html, 1.3 */

/** recording_header_id - the application_id in the first RECORDING_HEADER_BYTES of a file; -1: it
 * is none of SQLite */
static inline int64_t recording_header_id(const unsigned char *header)
{
	static const char magic[16] = "SQLite format 3";
	const unsigned char *id = header + 68;

	if (memcmp(header, magic, sizeof(magic)) != 0)
		return -1;
	return (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
}

#endif

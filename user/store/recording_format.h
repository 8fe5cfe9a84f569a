/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What tells a recording from other files of SQLite: of its writer and its reader. */
#ifndef MEMWATCH_STORE_RECORDING_FORMAT_H
#define MEMWATCH_STORE_RECORDING_FORMAT_H

#define RECORDING_APPLICATION_ID 0x4d4d5754 /* PRAGMA application_id: "MMWT" */
/* PRAGMA user_version: of recording.sql. A reader takes this one and older ones. */
#define RECORDING_SCHEMA 1

#endif

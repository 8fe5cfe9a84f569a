/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Recordings made up for tests, by their schema and plain SQL: what a reader makes of them does
 * not depend on who writes them.
 */
#ifndef MEMWATCH_TESTS_RECORDING_BUILD_H
#define MEMWATCH_TESTS_RECORDING_BUILD_H

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/incbin.h"

INCBIN(build_schema, "user/store/recording.sql");

static inline void build_sql(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK)
		return;
	fprintf(stderr, "%s\nin: %.200s\n", why, sql);
	abort();
}

/* An empty one; "" or ":memory:" is none on a disk. sqlite3_close() it. */
static inline sqlite3 *build_recording(const char *path)
{
	sqlite3 *db;

	if (sqlite3_open(path, &db) != SQLITE_OK)
		abort();
	build_sql(db, "PRAGMA application_id = 0x4d4d5754; PRAGMA user_version = 1");
	build_sql(db, build_schema);
	return db;
}

/*
 * Ten minutes, from 1000 s on, of three processes, with ticks each 10 s:
 *   1  4711 (node), named: leaks 1 MiB a tick by 32 MiB in V8's heap; sites, collections, censuses
 *   2  815 (postgres): steady at 200 MiB
 *   3  4712 (worker): killed for lack of memory at 1300 s, at 64 MiB
 */
static const char build_service_sql[] =
	"INSERT INTO meta VALUES ('version', '0.1.0'), ('kernel', '6.18.0'), ('arch', 'x86_64'),"
	" ('interval_ns', 1000000000), ('begin_ns', 1000000000000),"
	" ('begin_wall_ns', 1700000000000000000), ('command', 'node server.js'), ('requests', "
	"1250),"
	" ('ended', 1);"
	"INSERT INTO hook VALUES ('faults', 'tp_btf'), ('gc', NULL);"
	"INSERT INTO target VALUES (4711);"
	"WITH RECURSIVE t(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM t WHERE i < 60)"
	"INSERT INTO tick SELECT 1000000000000 + i * 10000000000,"
	" 1700000000000000000 + i * 10000000000, i % 7 = 1, i % 7 = 2, 50000000 + i * 20000000,"
	" i * 1000000, 12 << 20, 4 << 20 FROM t;"
	"INSERT INTO lost VALUES (1100000000000, 'ring_full', 3), (1200000000000, 'ticks', 1);"
	"INSERT INTO cgroup VALUES (1, '/system.slice/api.service', NULL), (2, '/docker/abc', "
	"'abc');"
	"INSERT INTO process VALUES"
	" (1, 4711, 900000000000, 4000, 'node', '/usr/bin/node', 1, 1, 4, 1000000000000, NULL, "
	"NULL,"
	"  134217728),"
	" (2, 815, 5000000000, 1, 'postgres', NULL, NULL, 0, 1, 1000000000000, NULL, NULL, "
	"209715200),"
	" (3, 4712, 990000000000, 4711, 'worker', NULL, 2, 0, 0, 1000000000000, 1300000000000, 9,"
	"  67108864);"
	"WITH RECURSIVE t(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM t WHERE i < 60)"
	"INSERT INTO process_tick SELECT 1000000000000 + i * 10000000000, 1,"
	" (40 + i) << 20, 30 << 20, 0, 0, 400 << 10, 1 << 30, 200 << 20, 132 << 10, 4 << 20, 11,"
	" 5000 + 256 * i, 7, NULL, NULL, 1 << 20, 256, 0, 0, 1 << 18, 1, 0, 0, 0, 0, NULL, NULL, "
	"NULL"
	" FROM t;"
	"INSERT INTO process_tick VALUES (1000000000000, 2, 150 << 20, 40 << 20, 10 << 20, 0,"
	" 512 << 10, 2 << 30, 0, 0, NULL, 5, 100, 0, 140 << 20, 210 << 20, NULL, NULL, NULL, NULL,"
	" NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),"
	" (1000000000000, 3, 16 << 20, 1 << 20, 0, 0, 64 << 10, 1 << 28, 0, 0, 1 << 20, 1, 100, 0,"
	" NULL, NULL, 4096, 1, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL),"
	" (1290000000000, 3, 63 << 20, 1 << 20, 0, 0, 128 << 10, 1 << 28, 0, 0, 1 << 20, 1, 9000, "
	"0,"
	" 16 << 20, NULL, 49283072, 12032, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL);"
	"INSERT INTO event VALUES"
	" (1, 990000000000, 'fork', 3, 4712, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
	"  NULL, NULL, NULL, NULL),"
	" (2, 1300000000000, 'exit', 3, 4712, NULL, 9, 67108864, 66060288, 1048576, 0, 0, 131072,"
	"  268435456, NULL, NULL, NULL, NULL),"
	" (3, 1299900000000, 'oom', 3, 4712, NULL, NULL, NULL, 66060288, 1048576, 0, 0, 131072,"
	"  268435456, 'cgroup', '/docker/abc', 67108864, 67104768);"
	"WITH RECURSIVE t(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM t WHERE i < 58)"
	"INSERT INTO gc SELECT NULL, 1005000000000 + i * 10000000000, 1, 139000000, 4713,"
	" CASE i % 6 WHEN 3 THEN 'mark-compact' ELSE 'scavenge' END, 'uprobe', 1,"
	" 1000000 + 10000 * i, 1000000 + 10000 * i, (10 << 20) + i * 1000000, 1 << 16, 2 << 30 "
	"FROM t;"
	"UPDATE gc SET count = 40, pause_ns = 30000000, pause_max_ns = 2000000 WHERE id = 1;"
	"INSERT INTO module VALUES (1, '/usr/bin/node', 'a1b2c3');"
	"INSERT INTO frame VALUES"
	" (1, 'js', 0, 1, 0, 0, 'saveContext', '/app/handles.js', 12, 10, NULL, 0, 0),"
	" (2, 'js', 0, 1, 0, 0, 'handleStatus', '/app/status.js', 30, 25, NULL, 0, 0),"
	" (3, 'native', 2, 0, 0, 0, 'v8::internal::Scavenger::Process', NULL, NULL, NULL, 1, 4660,"
	"  8192),"
	" (4, 'unknown', 0, 0, 0, 0, NULL, NULL, NULL, NULL, 1, 22136, 12288);"
	"INSERT INTO stack VALUES (1, 0), (2, 1), (3, 0);"
	"INSERT INTO stack_frame VALUES (1, 0, 1), (1, 1, 2), (2, 0, 3), (3, 0, 4), (3, 1, 2);"
	"INSERT INTO site VALUES"
	" (1, 1, 'v8-survived', 1, NULL, 1000000000000, 1600000000000, 48 << 20, 24 << 20, 480, 20,"
	"  300),"
	" (2, 1, 'fault', 2, 'V8 promotion', 1000000000000, 1600000000000, 50 << 20, 50 << 20, "
	"900, 0,"
	"  0),"
	" (3, 1, 'v8-survived', 3, NULL, 1000000000000, 1600000000000, 16 << 20, 8 << 20, 160, 0, "
	"0);"
	"INSERT INTO site_state VALUES (1, 1000000000000, 1600000000000, 'v8-survived', NULL, "
	"1540, 2,"
	" 1, 0, 9000, 12, 0, 4096, 10 << 20, 74 << 20, 580000000000, 1);"
	"INSERT INTO verdict VALUES"
	" (1, 1060000000000, 1, 'too-early', 0, 0.0, 0, NULL, NULL, NULL, 0, NULL, NULL, NULL, "
	"NULL,"
	"  NULL, '[]', NULL, 0),"
	" (2, 1600000000000, 1, 'leak', 1, 0.92, 1000000000000, 104857.6, 100000.0, 110000.0, 32,"
	"  'memory.max', 268435456, 134217728, '/system.slice/api.service', 1280.0,"
	"  '[\"V8''s live heap grew from 10.0M to 64.0M in 9m40s\", \"9 of 9 full collections left "
	"more\"]',"
	"  '{\"taken_ns\":1500000000000,\"seconds\":5.0,\"pauses_ns\":[18200000,17100000],"
	"\"constructors\":[{\"name\":\"StatusContext\",\"kind\":\"object\",\"file\":\"/app/"
	"handles.js\","
	"\"line\":25,\"delta_count\":2500,\"delta_bytes\":160000,\"count\":3000,\"bytes\":192000,"
	"\"retainer\":{\"container\":\"Map\",\"share\":1.0,\"count\":41007,\"bytes\":2044723,"
	"\"edge\":\"variable "
	"`handleMap`\",\"node\":\"Context\",\"file\":\"/app/handles.js\",\"line\":12}}]}',"
	"  1),"
	" (3, 1600000000000, 2, 'steady', 0, 0.9, 1000000000000, 0.0, -10.0, 10.0, 30, NULL, NULL, "
	"NULL,"
	"  NULL, NULL, '[\"comes back to 190.0M\"]', NULL, 1);"
	"INSERT INTO census VALUES"
	" (1, 1, 1000000000000, 1700000000000000000, 'begin', 'V8 12.4.254', 0, 0, 18200000, "
	"73400320),"
	" (2, 1, 1600000000000, 1700000600000000000, 'end', 'V8 12.4.254', 0, 0, 21200000, "
	"136314880);"
	"INSERT INTO census_isolate VALUES (1, 0, 139000000, 31000, 9 << 20, 0, 16 << 20),"
	" (2, 0, 139000000, 62000, 60 << 20, 98304, 80 << 20);"
	"INSERT INTO constructor VALUES"
	" (1, 0, 'string', 0, '(string)', 'String', NULL, NULL, 20000, 1 << 20, 0),"
	" (1, 1, 'object', 0, 'StatusContext', NULL, '/app/handles.js', 25, 500, 32000, 0),"
	" (2, 0, 'object', 0, 'StatusContext', NULL, '/app/handles.js', 25, 31500, 40 << 20, 0),"
	" (2, 1, 'string', 0, '(string)', 'String', NULL, NULL, 20010, 1 << 20, 0),"
	" (2, 2, 'object', 0, 'ArrayBuffer', NULL, NULL, NULL, 12, 1152, 98304);"
	"INSERT INTO retainer VALUES (2, 0, 'StatusContext', '/app/handles.js', 'object', 0, 31500,"
	" 410070, 44 << 20, 1.0, 'Map',"
	" '[{\"edge\":\"variable `handleMap`\",\"node\":\"Context, scope of "
	"open\",\"file\":\"/app/handles.js\","
	"\"line\":12},{\"edge\":\".open\",\"node\":\"{open, size}\"}]',"
	" '[{\"edge\":\"variable `handleMap`\",\"node\":\"Context\"}]', 2, 0);";

#endif

-- SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
--
-- What e2e/html.sh shows in a browser, put into an empty recording (user/store/recording.sql): five
-- minutes of a service that leaks, and of a worker that was killed. Names that would like to be
-- markup are where a target can put them.
PRAGMA application_id = 0x4d4d5754;
PRAGMA user_version = 1;
BEGIN;

CREATE TEMP TABLE second AS
WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 300)
SELECT n, 1000000000 * (100 + n) AS ns FROM s;

INSERT INTO meta VALUES ('version', '0.6'), ('kernel', '6.1.0-test'), ('arch', 'x86_64'),
	('interval_ns', 1000000000), ('command', 'node server.js --name "<script>owned = 1</script>"'),
	('begin_ns', 100000000000), ('begin_wall_ns', 1700000000000000000), ('ended', 1);
INSERT INTO tick SELECT ns, 1700000000000000000 + n * 1000000000, 0, 0, n * 1000000, n * 100000,
	20000000, 5000000 FROM second;
INSERT INTO cgroup VALUES (1, '/app/<img src=x onerror=owned=1>', NULL);
INSERT INTO process VALUES
	(1, 4711, 5000000000, 1, 'node', '/usr/bin/node', 1, 1, 4, 100000000000, NULL, NULL, 140000000),
	(2, 4712, 7000000000, 4711, '<b>worker', NULL, 1, 1, 1, 100000000000, 360000000000, 9, 52000000);

-- A quarter of a MiB a second, and a peak at which nobody looks twice
INSERT INTO process_tick (ns, process, anon_bytes, file_bytes, shmem_bytes, swap_bytes, threads)
SELECT ns, 1, 20971520 + n * 262144 + (n = 150) * 50000000, 31457280, 1048576, (n > 200) * 4194304, 11
FROM second;
INSERT INTO process_tick (ns, process, anon_bytes, file_bytes, shmem_bytes, swap_bytes, threads)
SELECT ns, 2, 20971520, 31457280, 0, 0, 1 FROM second WHERE n <= 260;

INSERT INTO event (ns, kind, process, pid, path, code, peak_rss_bytes, limit_kind, limit_cgroup, limit_bytes)
VALUES (105000000000, 'exec', 2, 4712, '/usr/bin/</td><script>owned = 1</script>', NULL, NULL, NULL, NULL, NULL),
	(359000000000, 'oom', 2, 4712, NULL, NULL, NULL, 'cgroup', '/app/<img src=x onerror=owned=1>', 536870912),
	(360000000000, 'exit', 2, 4712, NULL, 9, 52000000, NULL, NULL, NULL);

-- A scavenge every three seconds, a full collection every thirty
INSERT INTO gc (ns, process, isolate, tid, kind, via, count, pause_ns, pause_max_ns, live_bytes,
	external_bytes, limit_bytes)
SELECT ns, 1, 4096, 4711, CASE WHEN n % 30 THEN 'scavenge' ELSE 'mark-compact' END, 'uprobe', 1,
	CASE WHEN n % 30 THEN 1000000 ELSE 9000000 END, CASE WHEN n % 30 THEN 1000000 ELSE 9000000 END,
	8388608 + n / 10 * 1048576 + n % 30 * 50000, 2097152, 50331648
FROM second WHERE n % 3 = 0 AND n BETWEEN 3 AND 299;

INSERT INTO module VALUES (1, '/usr/bin/node', 'abcdef');
INSERT INTO frame (id, kind, origin, tier, inlined, approximate, fn, file, line, fn_line, module, address) VALUES
	(1, 'js', 0, 1, 0, 0, 'saveContext', '/app/handles.js', 12, 10, NULL, 4096),
	(2, 'js', 0, 1, 0, 0, 'handleStatus', '/app/status.js', 30, 29, NULL, 4097),
	(3, 'js', 2, 1, 0, 0, 'emit', 'node:events', 514, 500, NULL, 4098),
	(4, 'js', 0, 1, 0, 0, '</script><script>owned = 1</script><img src=x onerror=owned=1>',
		'/app/"><script>.js', 7, 6, NULL, 4099),
	(5, 'native', 2, 0, 0, 0, 'v8::internal::Heap::Grow', NULL, NULL, NULL, 1, 8192);
INSERT INTO stack VALUES (1, 0), (2, 0);
INSERT INTO stack_frame VALUES (1, 0, 1), (1, 1, 2), (1, 2, 3), (2, 0, 4), (2, 1, 3);
INSERT INTO stack SELECT 100 + n, 0 FROM second WHERE n < 60;
INSERT INTO frame (id, kind, origin, tier, inlined, approximate, fn, file, line, module, address)
SELECT 100 + n, 'native', 2, 0, 0, 0, 'map_' || n, 'map.cc', n + 1, 1, 9000 + n FROM second WHERE n < 60;
INSERT INTO stack_frame SELECT 100 + n, 0, 100 + n FROM second WHERE n < 60;
INSERT INTO site (process, kind, stack, first_ns, last_ns, bytes, estimated_bytes, samples, freed_samples, kept_samples)
VALUES (1, 'fault', 1, 101000000000, 400000000000, 62914560, 62914560, 900, 0, 0),
	(1, 'fault', 2, 101000000000, 400000000000, 20971520, 20971520, 300, 0, 0);
INSERT INTO site (process, kind, stack, first_ns, last_ns, bytes, estimated_bytes, samples, freed_samples, kept_samples)
SELECT 1, 'mmap', 100 + n, ns, 400000000000, (n * 37 % 61 + 1) * 4096, (n * 37 % 61 + 1) * 4096, n + 1, 0, 0
FROM second WHERE n < 60;
INSERT INTO site_state VALUES (1, 100000000000, 400000000000, 'fault', NULL, 62, 0, 0, 0, 130, 0, 0, 0, 0, 0, 0, 0);

INSERT INTO verdict (ns, process, class, leak, confidence, since_ns, slope, slope_low, slope_high, points,
	limit_kind, limit_bytes, limit_used_bytes, limit_where, limit_seconds, evidence, last)
VALUES (400000000000, 1, 'leak', 1, 0.92, 120000000000, 262144, 250000, 275000, 40, 'v8-heap', 50331648,
	36700160, NULL, 52, '["it rises", "<script>owned = 1</script> is what it says"]', 1);

INSERT INTO census VALUES
	(1, 1, 110000000000, 1700000010000000000, 'begin', 'V8 12.4.254', 0, 0, 18000000, 60000000),
	(2, 1, 390000000000, 1700000290000000000, 'end', 'V8 12.4.254', 0, 0, 20000000, 130000000);
INSERT INTO census_isolate VALUES (1, 0, 4096, 1500, 200000, 0, 400000), (2, 0, 4096, 21500, 3000000, 0, 6000000);
INSERT INTO constructor VALUES
	(1, 0, 'object', 0, 'StatusContext', NULL, '/app/handles.js', 25, 500, 32000, 0),
	(1, 1, 'string', 0, '(string)', NULL, NULL, NULL, 1000, 168000, 0),
	(2, 0, 'object', 0, 'StatusContext', NULL, '/app/handles.js', 25, 20500, 1312000, 0),
	(2, 1, 'string', 0, '(string)', NULL, NULL, NULL, 1000, 168000, 0),
	(2, 2, 'object', 0, '<script>owned = 1</script>', NULL, NULL, NULL, 3, 300, 0);
INSERT INTO retainer VALUES (2, 0, 'StatusContext', '/app/handles.js', 'object', 0, 20500, 41007, 2044723, 1, 'Map',
	'[{"edge":"variable `handleMap`","node":"Context, scope of open","file":"/app/handles.js","line":12},'
	|| '{"edge":"</ul><script>owned = 1</script>","node":"(global object)"}]', '[]', 0, 0);

COMMIT;

-- SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
--
-- A recording of memwatch: what one run saw. `sqlite3 FILE .schema` shows this text.
-- PRAGMA application_id is 0x4d4d5754 ("MMWT"), PRAGMA user_version the version of this schema: 1.
-- A memwatch reads recordings of its own version and of older ones. Tables and columns may be
-- added within a version; none changes its meaning.
--
-- Times are nanoseconds of CLOCK_BOOTTIME; sizes are bytes. NULL means unknown.
-- Start with the views: growth, top_sites, collections, constructors, ended.

CREATE TABLE meta ( -- facts about the run, by name
	key TEXT PRIMARY KEY, -- version, kernel, arch, interval_ns, command, requests, comm, cgroup,
			      -- begin_ns, begin_wall_ns, thinned_ns, dropped_events,
			      -- dropped_sites; 'ended' is there
			      -- when memwatch came to the end of the run
	value
) WITHOUT ROWID;

CREATE TABLE hook ( -- how each capability was had on this kernel
	capability TEXT PRIMARY KEY,
	hook TEXT -- NULL: it was not
) WITHOUT ROWID;

CREATE TABLE target (pid INTEGER PRIMARY KEY); -- named by PID

CREATE TABLE tick ( -- each moment at which all processes were read
	ns INTEGER PRIMARY KEY,
	wall_ns INTEGER, -- CLOCK_REALTIME
	born INTEGER, gone INTEGER, -- processes since the tick before that is still here
	cpu_ns INTEGER, bpf_ns INTEGER, -- what memwatch itself took since the start
	rss_bytes INTEGER, map_bytes INTEGER -- and holds
);

CREATE TABLE lost ( -- what could not be seen, by cause
	ns INTEGER, cause TEXT, count INTEGER,
	PRIMARY KEY (ns, cause)
) WITHOUT ROWID;

CREATE TABLE cgroup (
	id INTEGER PRIMARY KEY,
	path TEXT, -- as /proc/PID/cgroup shows it
	container TEXT
);

CREATE TABLE process (
	id INTEGER PRIMARY KEY, -- in this file
	pid INTEGER, start_ns INTEGER, -- its identity
	ppid INTEGER,
	comm TEXT, path TEXT,
	cgroup INTEGER REFERENCES cgroup,
	named INTEGER, -- 1: the user named it, or it descends from the command; NULL: in no tick
	collector INTEGER, -- of garbage: 0 not looked at, 1 none, 2 hidden, 3 seen, 4 what it leaves is known
	first_ns INTEGER, -- the first tick that it was in; NULL: it was in none
	end_ns INTEGER, -- NULL: it has not ended
	code INTEGER, -- as wait(2) gives it
	peak_rss_bytes INTEGER
);
CREATE INDEX process_identity ON process (pid, start_ns);

-- What a process held, at the ticks at which that had changed; and what it did since its row
-- before. Old rows are thinned out: what they did is added up in the one that stays.
CREATE TABLE process_tick (
	ns INTEGER, process INTEGER REFERENCES process,
	anon_bytes INTEGER, file_bytes INTEGER, shmem_bytes INTEGER, swap_bytes INTEGER,
	pgtable_bytes INTEGER, vm_bytes INTEGER, data_bytes INTEGER, stack_bytes INTEGER,
	heap_bytes INTEGER, threads INTEGER, minflt INTEGER, majflt INTEGER,
	private_low INTEGER, -- least of anon + swap since its row before; NULL: as it is
	rss_high INTEGER, -- greatest RSS since then; NULL: as it is
	fault_bytes INTEGER, fault_count INTEGER, -- NULL: not known
	brk_bytes INTEGER, brk_count INTEGER, mmap_bytes INTEGER, mmap_count INTEGER,
	munmap_bytes INTEGER, munmap_count INTEGER, mremap_bytes INTEGER, mremap_count INTEGER,
	fault_heap INTEGER, fault_stack INTEGER, fault_mmap INTEGER,
	PRIMARY KEY (ns, process)
) WITHOUT ROWID;

CREATE TABLE event ( -- fork, exec, exit, vanished, oom
	id INTEGER PRIMARY KEY, -- in the order of time, but for what came at once
	ns INTEGER, kind TEXT,
	process INTEGER REFERENCES process, -- NULL: a victim of whom no more than the PID is known
	pid INTEGER,
	path TEXT, -- exec
	code INTEGER, -- exit, as wait(2) gives it
	peak_rss_bytes INTEGER,
	anon_bytes INTEGER, file_bytes INTEGER, shmem_bytes INTEGER, swap_bytes INTEGER,
	pgtable_bytes INTEGER, vm_bytes INTEGER, -- at its end; oom: of the victim
	limit_kind TEXT, limit_cgroup TEXT, limit_bytes INTEGER, usage_bytes INTEGER -- oom: which ran out
);

-- A collection of garbage. Old young ones are put together, a row a minute: count, and the sum of
-- their pauses.
CREATE TABLE gc (
	id INTEGER PRIMARY KEY, -- in the order of time, but for what came at once
	ns INTEGER, -- when it ended
	process INTEGER REFERENCES process,
	isolate INTEGER, tid INTEGER,
	kind TEXT, -- as `memwatch schema` has them; 'heap-out' is none: that heap is gone (a worker)
	via TEXT,
	count INTEGER, pause_ns INTEGER, pause_max_ns INTEGER,
	live_bytes INTEGER, external_bytes INTEGER, limit_bytes INTEGER
);

CREATE TABLE module ( -- an ELF file that code is in
	id INTEGER PRIMARY KEY,
	path TEXT, build_id TEXT, -- hexadecimal
	UNIQUE (path, build_id)
);

CREATE TABLE frame (
	id INTEGER PRIMARY KEY,
	kind TEXT, -- js, native, builtin, unknown
	origin INTEGER, -- 0 the program's own, 1 a dependency's, 2 the runtime's
	tier INTEGER, inlined INTEGER, approximate INTEGER,
	fn TEXT, file TEXT, line INTEGER, fn_line INTEGER,
	module INTEGER REFERENCES module,
	address INTEGER, -- in the process
	module_address INTEGER -- in the ELF file, as its symbols count; NULL: unknown
);

CREATE TABLE stack (id INTEGER PRIMARY KEY, is_cut INTEGER);
CREATE TABLE stack_frame (
	stack INTEGER REFERENCES stack, depth INTEGER, -- 0: the leaf
	frame INTEGER REFERENCES frame,
	PRIMARY KEY (stack, depth)
) WITHOUT ROWID;

CREATE TABLE site ( -- code that made a process grow: so far, as of the last tick
	id INTEGER PRIMARY KEY,
	process INTEGER REFERENCES process,
	kind TEXT, -- fault, brk, mmap, v8-alloc, v8-survived, external
	stack INTEGER REFERENCES stack,
	note TEXT, -- what the runtime did of its own accord
	first_ns INTEGER, last_ns INTEGER, -- ticks: when it was first seen, when it last changed
	bytes INTEGER, -- what is shown: v8-survived is scaled to what the heap grew by
	estimated_bytes INTEGER, -- by the samples
	samples INTEGER, freed_samples INTEGER, kept_samples INTEGER
);
CREATE INDEX site_process ON site (process);

CREATE TABLE site_state ( -- of a process whose stacks are taken: how far its sites can be trusted
	process INTEGER PRIMARY KEY REFERENCES process,
	begin_ns INTEGER, -- since when
	ns INTEGER, -- the tick that its sites are of
	level TEXT, why TEXT, -- how V8's sites are told, and why not better
	stacks INTEGER, stacks_cut INTEGER, stacks_unreadable INTEGER, stacks_recovered INTEGER,
	frames INTEGER, frames_unnamed INTEGER,
	dropped_bytes INTEGER, unnamed_bytes INTEGER,
	v8_live_first INTEGER, v8_live_last INTEGER, v8_live_span_ns INTEGER, v8_scaled INTEGER
);

CREATE TABLE verdict ( -- each time that it changed
	id INTEGER PRIMARY KEY,
	ns INTEGER, process INTEGER REFERENCES process,
	class TEXT, leak INTEGER, confidence REAL,
	since_ns INTEGER, slope REAL, slope_low REAL, slope_high REAL, points INTEGER, -- bytes per second
	limit_kind TEXT, limit_bytes INTEGER, limit_used_bytes INTEGER, limit_where TEXT, limit_seconds REAL,
	evidence TEXT, -- JSON: an array of sentences
	kept TEXT, -- JSON: what the leak consists of: {taken_ns, seconds, pauses_ns: [first, second],
		   -- constructors: as `memwatch schema` has them}; NULL: nobody looked
	last INTEGER -- 1: the process or the run had ended
);
CREATE INDEX verdict_process ON verdict (process, ns);

CREATE TABLE census ( -- of V8's heaps
	id INTEGER PRIMARY KEY,
	process INTEGER REFERENCES process,
	ns INTEGER, wall_ns INTEGER,
	why TEXT, -- begin, leak, end: when in the recording
	runtime TEXT, live INTEGER, in_gc INTEGER, pause_ns INTEGER, rss_bytes INTEGER
);
CREATE TABLE census_isolate (
	census INTEGER REFERENCES census, idx INTEGER, id INTEGER,
	count INTEGER, bytes INTEGER, external_bytes INTEGER, page_bytes INTEGER,
	PRIMARY KEY (census, idx)
) WITHOUT ROWID;
CREATE TABLE constructor (
	census INTEGER REFERENCES census, idx INTEGER, -- most bytes first
	kind TEXT, isolate INTEGER, name TEXT, class_name TEXT, file TEXT, line INTEGER,
	count INTEGER, bytes INTEGER, external_bytes INTEGER,
	PRIMARY KEY (census, idx)
) WITHOUT ROWID;
CREATE TABLE retainer (
	census INTEGER REFERENCES census, idx INTEGER,
	name TEXT, file TEXT, kind TEXT, isolate INTEGER, -- of the constructor that is held
	instances INTEGER, count INTEGER, bytes INTEGER, share REAL, container TEXT,
	path TEXT, owners TEXT, -- JSON: arrays of {edge, node, file, line}
	steps_left_out INTEGER, owners_left_out INTEGER,
	PRIMARY KEY (census, idx)
) WITHOUT ROWID;

-- For people.

CREATE VIEW growth AS -- each process: what it held first and last, largest growth first
WITH edge AS (
	SELECT process, min(ns) AS first, max(ns) AS last FROM process_tick GROUP BY process)
SELECT p.pid, p.comm,
	(b.anon_bytes + b.file_bytes + b.shmem_bytes + b.swap_bytes)
		- (a.anon_bytes + a.file_bytes + a.shmem_bytes + a.swap_bytes) AS grown_bytes,
	b.anon_bytes + b.file_bytes + b.shmem_bytes AS rss_bytes,
	b.anon_bytes, b.file_bytes, b.shmem_bytes, b.swap_bytes, p.peak_rss_bytes,
	(SELECT class FROM verdict v WHERE v.process = p.id ORDER BY ns DESC, id DESC LIMIT 1) AS verdict
FROM edge e JOIN process p ON p.id = e.process
	JOIN process_tick a ON a.ns = e.first AND a.process = e.process
	JOIN process_tick b ON b.ns = e.last AND b.process = e.process
ORDER BY grown_bytes DESC;

CREATE VIEW stack_text AS -- a stack as one line, leaf first
SELECT s.id AS stack, (
	SELECT group_concat(name, ' < ') FROM (
		SELECT coalesce(f.fn, m.path, '?') || coalesce(' ' || f.file || ':' || f.line, '') AS name
		FROM stack_frame sf JOIN frame f ON f.id = sf.frame LEFT JOIN module m ON m.id = f.module
		WHERE sf.stack = s.id ORDER BY sf.depth)) AS text
FROM stack s;

CREATE VIEW top_sites AS -- largest first, of each kind
SELECT p.pid, p.comm, s.kind, s.bytes, s.samples, s.note, t.text AS stack
FROM site s JOIN process p ON p.id = s.process LEFT JOIN stack_text t ON t.stack = s.stack
ORDER BY s.kind, s.bytes DESC;

CREATE VIEW collections AS -- what garbage collection took and left, a row a process and kind
SELECT p.pid, p.comm, g.kind, sum(g.count) AS count, sum(g.pause_ns) / 1000000.0 AS pause_ms,
	max(g.pause_max_ns) / 1000000.0 AS longest_ms, min(g.live_bytes) AS least_live_bytes,
	max(g.live_bytes) AS most_live_bytes
FROM gc g JOIN process p ON p.id = g.process WHERE g.kind <> 'heap-out'
GROUP BY p.id, g.kind ORDER BY count DESC;

CREATE VIEW constructors AS -- of the last census of each process, most bytes first
SELECT p.pid, p.comm, c.kind, c.name, c.file, c.line, c.count, c.bytes, c.external_bytes
FROM constructor c JOIN census s ON s.id = c.census JOIN process p ON p.id = s.process
WHERE s.ns = (SELECT max(ns) FROM census o WHERE o.process = s.process)
ORDER BY p.id, c.bytes DESC;

CREATE VIEW ended AS -- who ended, how, and how large it had been
SELECT e.ns, e.kind, p.pid, p.comm, CASE WHEN e.code & 127 THEN e.code & 127 END AS signal,
	CASE WHEN e.code & 127 THEN NULL ELSE e.code >> 8 END AS status,
	e.peak_rss_bytes, e.limit_kind, e.limit_cgroup
FROM event e LEFT JOIN process p ON p.id = e.process
WHERE e.kind IN ('exit', 'vanished', 'oom') ORDER BY e.ns;

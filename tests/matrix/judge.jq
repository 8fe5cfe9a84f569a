# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# judge.jq - did memwatch name the call site that leaks?
#
#	jq -n -f judge.jq --argjson truth "$(truth.sh SHAPE.js ...)" \
#		--argjson allow_approximate false [--argjson within_s 30] memwatch.json
#
# A tick is right when the first frame of the user's own code, in the site of the leak's kind that has the
# most bytes, is one of truth.leaks: function, file and line. "match" says how right, best first:
#
#	exact		function, file, line
#	no-line		function and file; memwatch gives no line
#	approximate	marked so by memwatch, and a caller of the leak: right if allowed
#	line-off	function and file, but another line: wrong
#	wrong, none	another function; no such site at all
#
# Passes when the last tick is right, has been since at most within_s seconds after the first record,
# and functions that only make garbage have less than 5 % of the v8-survived bytes (of those and the leak's
# own, where the leak is outside V8's heap and nothing should survive in it). Without a leak (truth.leaks
# is empty) passes if not more than 3 % of what was allocated is said to survive. "names" compares every JavaScript frame of a known file with the source.

def base: if . == null then null else sub(".*/"; "") end;
def pct: if . == null then null else . * 1000 | round / 10 end;
def site_frame: first((.frames // [])[] | select(.origin == "user")) // null;
def is_of($list): . as $f | $f != null and any($list[]; .fn == $f.fn and .file == ($f.file | base));

def match($leaks):
	. as $f |
	[$leaks[] | select(.file == ($f.file | base))] as $here |
	if $f == null then "wrong"
	elif $f | is_of($leaks) then
		if ($f.line // 0) == 0 then "no-line"
		elif any($here[]; .fn == $f.fn and .first <= $f.line and $f.line <= .last) then "exact"
		elif $f.approximate == true then "approximate"
		else "line-off" end
	elif $f.approximate == true and any($leaks[]; .via | index($f.fn)) then "approximate"
	else "wrong" end;

def is_right: . == "exact" or . == "no-line" or (. == "approximate" and $allow_approximate);

# What one frame says, against the functions of its file
def name_fault($functions):
	. as $f | ($f.file | base) as $file |
	[$functions[] | select(.file == $file and .fn == $f.fn)] as $at |
	if ($at | length) == 0 then "function"
	elif ($f.fn_line // 0) == 0 or ($f.line // 0) == 0 then "missing"
	elif any($at[]; .first == $f.fn_line) | not then "fn_line"
	elif any($at[]; .first <= $f.line and $f.line <= .last) | not then "line"
	else null end;

def names($functions):
	([$functions[].file] | unique) as $files |
	[.[].frames[]? | select(.kind == "js" and .approximate != true)] as $js |
	[$js[] | select((.file | base) as $file | $files | index($file)) |
		select((.fn // "(anonymous)") != "(anonymous)")] as $known |
	[$known[] | {fn, file: (.file | base), line, fn_line, fault: name_fault($functions)} | select(.fault)] as $off |
	{
		js_frames: ($js | length),
		complete_pct: (if ($js | length) == 0 then null
			else ([$js[] | select(.fn != null and .file != null and (.fn_line // 0) > 0)] | length) / ($js | length) end | pct),
		with_line_pct: (if ($js | length) == 0 then null
			else ([$js[] | select((.line // 0) > 0)] | length) / ($js | length) end | pct),
		approximate: [.[].frames[]? | select(.approximate == true)] | length,
		checked: ($known | length), wrong: ($off | length),
		wrong_examples: ([$off[]] | unique | .[:5])
	};

def sum_bytes: map(.bytes) | add // 0;
# Of sites of one kind: also those that were not written, if there are more than memwatch writes
def total: (max_by(.bytes) // {}) as $top |
	[sum_bytes, (if ($top.share // 0) > 0 then $top.bytes / $top.share else 0 end)] | max;
def brief: if . == null then null else {kind, bytes, delta_bytes, share, samples,
	frames: [(.frames // [])[:12][] | {fn, file: (.file | base), line, kind, origin, tier, inlined, approximate} |
		with_entries(select(.value != null and .value != false))]} end;

[inputs] as $records |
($ARGS.named.within_s // 30) as $within |
($records[0].ts_ns // 0) as $begin |
[$records[] | select(.type == "site")] as $sites |
([$truth.leaks[].kind] | unique | first) as $kind |
[$sites | group_by(.ts_ns)[] |
	{ts_ns: .[0].ts_ns, top: (map(select(.kind == $kind)) | max_by(.bytes))} |
	.match = if .top == null then "none" else .top | site_frame | match($truth.leaks) end |
	.right = (.match | is_right)] as $ticks |
($sites | if length == 0 then [] else group_by(.ts_ns)[-1] end) as $last |
(reduce range($ticks | length) as $i (null;
	if $ticks[$i].right then . // $ticks[$i].ts_ns else null end)) as $since |
[$last[] | select(.kind == "v8-survived")] as $survived |
[$last[] | select(.kind == $kind)] as $of_kind |
([$survived[] | select(site_frame | is_of($truth.garbage))] | sum_bytes) as $garbage |
(($survived | total) + (if $kind == "external" then $of_kind | total else 0 end)) as $kept |
{
	leak: ($kind != null),
	ticks: ($ticks | length),
	match: (if ($ticks | length) == 0 then "none" else $ticks[-1].match end),
	first_right_s: ([$ticks[] | select(.right) | .ts_ns] | if length == 0 then null else (.[0] - $begin) / 1e8 | round / 10 end),
	right_since_s: (if $since then ($since - $begin) / 1e8 | round / 10 else null end),
	leak_pct: (if ($of_kind | total) == 0 then null
		else ([$of_kind[] | select(site_frame | is_of($truth.leaks))] | sum_bytes) / ($of_kind | total) | pct end),
	garbage_pct: (if $kept == 0 then null else $garbage / $kept | pct end),
	by_function: ([$truth.leaks[] | {fn, file}] | unique | map(. as $leak | $leak + (
		[$of_kind[] | select(site_frame | is_of([$leak]))] |
		{bytes: sum_bytes, samples: (map(.samples) | add // 0)}))),
	samples: ($of_kind | map(.samples) | add // 0),
	totals: ($last | group_by(.kind) | map({key: .[0].kind,
		value: {bytes: total, samples: (map(.samples) | add), sites: length}}) | from_entries),
	top: (if $kind == null then ($survived | max_by(.bytes)) else ($of_kind | max_by(.bytes)) end | brief),
	others: [$last | group_by(.kind)[] | sort_by(-.bytes)[:3][] | brief],
	names: ($last | names($truth.functions)),
	end: ([$records[] | select(.type == "end") | del(.ts_ns, .time)] | last),
	quality: ([$records[] | select(.type == "process" and .sites != null) | .sites] | last)
} |
.survived_of_allocated_pct = ((.totals["v8-survived"].bytes // 0) as $s | (.totals["v8-alloc"].bytes // 0) as $a |
	if $a == 0 then null else $s / $a | pct end) |
.faults = (if .leak then [
		(select(.match | is_right | not) | "the top \($kind) site is \(.match)"),
		(select(.right_since_s != null and .right_since_s > $within) | "right only since \(.right_since_s) s"),
		(select(.garbage_pct != null and .garbage_pct >= 5) | "garbage has \(.garbage_pct) % of v8-survived")
	] else [
		(select((.survived_of_allocated_pct // 0) > 3) | "\(.survived_of_allocated_pct) % of what was allocated is said to survive"),
		(select(.ticks == 0) | "no sites at all")
	] end) |
.passed = (.faults == [])

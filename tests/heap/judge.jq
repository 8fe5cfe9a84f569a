# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# judge.jq - did memwatch say what leaks, and who keeps it?
#
#	jq -n -f judge.jq --argjson truth "$(a line of leaks.js --list)" CENSUSES.ndjson
#
# CENSUSES is what `memwatch heap --every --json` wrote, perhaps with that of --retainers behind. Passes when
#
#	rank		the constructor that leaks is among the 10 that grew most, by bytes, in the last census
#	container	what holds it is called as it should be
#	holder		the name of the variable or property is on the path, or among the owners
#
# by_itself: memwatch looked for its retainers without being asked.

def steps: [(.path // [])[], (.owners // [])[]];
def step_text: [.edge, .node, .file] | map(. // "") | join(" ");
def is_wanted: .kind == $truth.kind and .name == $truth.what;

[inputs] as $records |
[$records[] | select(.type == "constructor" and .delta_bytes != null)] as $grown |
([$grown[].ts_ns] | max) as $last |
[$grown[] | select(.ts_ns == $last)] | sort_by(-.delta_bytes) as $by_growth |
([$by_growth[] | is_wanted] | index(true)) as $rank |
[$records[] | select(.type == "retainer" and .of == $truth.what)] as $retainers |
($retainers | last) as $r |
(($r // {}) | steps | map(step_text)) as $steps |
{
	shape: $truth.shape,
	rank: (if $rank == null then null else $rank + 1 end),
	delta_count: (if $rank == null then null else $by_growth[$rank].delta_count end),
	container: (if $r then $r.container else null end),
	share: (if $r then $r.share else null end),
	steps: $steps,
	container_right: ($r != null and (($r.container // "") | test($truth.container))),
	holder_right: any($steps[]; test($truth.holder)),
	by_itself: any($retainers[]; .ts_ns <= $last)
} |
.passed = (.rank != null and .rank <= 10 and .container_right and .holder_right)

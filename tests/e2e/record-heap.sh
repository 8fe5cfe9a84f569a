#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# record --heap: censuses of a service's heap at both ends, with who keeps what grew; those of a
# program that record runs; and what is said where there can be none.
# shellcheck disable=SC2317 # functions that await calls
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need
command -v sqlite3 >/dev/null || die "sqlite3 is not installed: run make deps"
command -v node >/dev/null || skip_all "no node here"

CALLS=500

# calls PORT: so many, to their end
calls() {
	node "$LOAD" --port "$1" --calls "$CALLS" >"$T/load.out"
	is "$(jq -c '[.calls, .errors]' "$T/load.out")" "[$CALLS,0]" "the calls"
}

# recording ID ARG...
recording() {
	local id=$1
	shift
	start "$id" "$MEMWATCH" record --heap -o "$T/$id.mwr" "$@"
	await 120 "memwatch record $* to record" grep -q ': recording ' "$T/$id.err"
}

# said ID TEXT
said() {
	grep -q "$2" "$T/$1.err"
}

sql() {
	sqlite3 -readonly -cmd '.timeout 5000' "$T/$1.mwr" "$2"
}

# grown ID NAME: objects of a constructor, the end less the begin
grown() {
	sql "$1" "SELECT sum(CASE s.why WHEN 'end' THEN c.count ELSE -c.count END)
		FROM constructor c JOIN census s ON s.id = c.census WHERE c.name = '$2'"
}

# --- a service that is there ---

serve_status leaking leaking
serve_status fixed fixed
serve_status ends leaking
recording both -p "$(pid_of leaking)" -p "$(pid_of fixed)"
recording gone -p "$(pid_of ends)"
recording runs -- node "$SERVICE" --port 0 --mode leaking
await 120 "the census at the begin of one" said both "process $(pid_of leaking) (node) stood still for .* at the begin"
await 120 "and of the other" said both "process $(pid_of fixed) (node) stood still for .* at the begin"
calls "$(port_of leaking)"
calls "$(port_of fixed)"
kill -INT "$(pid_of both)"
ended both 120
is "$STATUS" 0 "stopped by a signal"
is "$(sql both 'PRAGMA integrity_check')" ok "the file is sound"
is "$(sql both "SELECT group_concat(why) FROM (SELECT * FROM census WHERE why != 'leak' ORDER BY ns)
	GROUP BY process" | xargs)" "begin,end begin,end" "a census of each at the begin, and one at the end"
is "$(sql both 'SELECT count(*) FROM process')" 2 "of the processes that are recorded"
is "$(grown both StatusContext)" "$CALLS" "as many contexts more as there were calls"
is "$(sql both "SELECT count(*) FROM census s JOIN retainer r ON r.census = s.id WHERE s.why = 'begin'")" 0 \
	"at the begin nobody is asked who keeps what"
like "$(sql both "SELECT container || ' ' || instances || ' ' || r.path FROM retainer r JOIN census s ON s.id = r.census
	JOIN process p ON p.id = s.process WHERE r.name = 'StatusContext' AND pid = $(pid_of leaking)")" \
	"^Map $CALLS .*handleMap" "at the end, that the Map keeps them"
like "$(err_of both)" "process $(pid_of leaking) \(node\) stood still for [0-9]+ ms: census of its heap at the end" \
	"how long it stood still is said"
for id in leaking fixed; do
	like "$(sed -n 's/^State:\t//p' "/proc/$(pid_of $id)/status")" '^[RS]' "$id runs on"
done

# --- one that ends by itself ---

await 60 "its census at the begin" said gone ' at the begin'
stop ends
ended gone
is "$STATUS" 0 "a service that ends: recorded"
is "$(grep -c 'no census of its heap at the end' "$T/gone.err")" 1 "that there is none at its end is said"
is "$(sql gone 'SELECT why FROM census')" begin "there is the one of its begin"

# --- a program that it runs, which has just begun ---

await 60 "its census at the begin" said runs ' at the begin'
calls "$(port_of runs)"
kill -INT "$(pid_of runs)"
ended runs 120
is "$STATUS" 0 "a program that is told to end"
is "$(sql runs "SELECT group_concat(why) FROM (SELECT * FROM census WHERE why != 'leak' ORDER BY ns)")" "begin,end" \
	"is counted before it does"
is "$(grown runs StatusContext)" "$CALLS" "with all that it keeps"
is "$(sql runs "SELECT count(*) > 0 FROM event e JOIN census s ON s.process = e.process
	WHERE e.kind = 'exit' AND s.why = 'end' AND s.ns < e.ns")" 1 "and then it ends"

stop leaking
stop fixed
done_testing

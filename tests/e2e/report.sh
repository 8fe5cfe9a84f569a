#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# memwatch report: what it tells of a Node service that leaks, as text and as NDJSON; of recordings
# that are still written, or whose writer was killed; what it refuses, and how.
# shellcheck disable=SC2317 # functions that await calls
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need
command -v node >/dev/null || skip_all "no node here"

SECONDS_RECORDED=15

# report NAME ARG...: STATUS, $T/NAME.out, $T/NAME.err
report() {
	local name=$1
	shift
	timeout -k 5 60 "$MEMWATCH" report "$@" >"$T/$name.out" 2>"$T/$name.err" </dev/null
	STATUS=$?
}

told() { # NAME REGEX DESCRIPTION
	if grep -qE -- "$2" "$T/$1.out"; then
		pass "$3"
	else
		fail "$3" "no '$2' in:" "$(head -c 3000 "$T/$1.out")"
	fi
}

# --- a recording: of a service that leaks, while it is called ---

serve_status service leaking
service=$(pid_of service)
start load node "$LOAD" --port "$(port_of service)" --seconds 120
start record "$MEMWATCH" record -o "$T/leak.mw" -d "$SECONDS_RECORDED" --heap --budget 0 -p "$service"

# --- meanwhile: one that is still written, and one whose writer is killed ---

# has_ticks FILE N: so many of them were committed
has_ticks() {
	[ "$("$MEMWATCH" report "$1" --json 2>/dev/null | grep -c '^{"type":"process"')" -ge "$2" ]
}
start w "$WORKLOADS/grow" malloc --step 1M --interval-ms 100 --count 100000
ready w
start killed "$MEMWATCH" record -o "$T/killed.mw" -i 0.2 -p "$(pid_of w)"
await 120 "ticks in a recording that is written" has_ticks "$T/killed.mw" 5
report live "$T/killed.mw"
is "$STATUS" 0 "a recording that is still written is read"
told live "^so far +it has no end yet: process $(pid_of killed) has it open$" "it says who still writes it"
stop killed KILL
report killed "$T/killed.mw"
is "$STATUS $(cat "$T/killed.err")" "0 " "so is one whose writer was killed"
told killed "^cut off +it has no end: memwatch was killed, or the disk was full$" "it says that it has no end"
told killed "^of +process $(pid_of w) \(grow\)$" "what it was of"
told killed "^ +anon .*\+[0-9.]+M" "by how much it grew"
stop w

# --- what is refused: one line, that says what and why ---

refused() { # STATUS TEXT ARG...
	local status=$1 text=$2
	shift 2
	report refused "$@"
	is "$STATUS $(wc -l <"$T/refused.err") $(wc -c <"$T/refused.out")" "$status 1 0" \
		"report $*: status $status and a line"
	like "$(cat "$T/refused.err")" "$text" "it says '$text'"
}

echo '{"type":"meta","schema":1}' >"$T/census.ndjson"
echo 'no recording' >"$T/text"
: >"$T/empty"
sqlite3 "$T/newer.mw" "PRAGMA application_id = 0x4d4d5754; PRAGMA user_version = 99; CREATE TABLE meta (a)"
cp "$T/killed.mw" "$T/damaged.mw"
sqlite3 "$T/unlogged.mw" "PRAGMA application_id = 0x4d4d5754; PRAGMA user_version = 1"
dd if=/dev/zero of="$T/damaged.mw" bs=1000 seek=1 count=5 conv=notrunc status=none
refused 2 "a recording is wanted"
refused 2 "memwatch diff" "$T/killed.mw" "$T/killed.mw"
refused 2 "none of: text" "$T/killed.mw" --format yaml
refused 1 "No such file" "$T/nothing"
refused 1 "directory" "$T"
refused 1 "NDJSON, no recording" "$T/census.ndjson"
refused 1 "no recording of memwatch" "$T/text"
refused 1 "it is empty" "$T/empty"
refused 1 "schema 99" "$T/newer.mw"
refused 1 "damaged" "$T/damaged.mw"
refused 1 "in its log, FILE-wal" "$T/unlogged.mw"
refused 1 "no process 1 in" "$T/killed.mw" -p 1
refused 1 "of the name 'nobody'" "$T/killed.mw" -n nobody
refused 1 "cannot write" "$T/killed.mw" -o "$T/none/there"
for format in html pprof; do
	# script(1) is a terminal
	like "$(script -qec "'$MEMWATCH' report '$T/killed.mw' --format $format" /dev/null </dev/null)" \
		"nothing for a terminal.*-o" "$format is not thrown at a terminal"
done

# --- without stacks there is nothing to fold: it says so ---

sqlite3 "$T/killed.mw" "VACUUM INTO '$T/bare.mw'"
sqlite3 "$T/bare.mw" "DELETE FROM site_state"
report bare "$T/bare.mw" --format folded
is "$STATUS $(wc -c <"$T/bare.out") $(wc -l <"$T/bare.err")" "0 0 1" "folded, of a recording without stacks"
like "$(cat "$T/bare.err")" "has no stacks of any process" "it says why there is nothing"

# --- of the service: text ---

ended record 120
is "$STATUS" 0 "it was recorded"
stop load
stop service
report text "$T/leak.mw"
is "$STATUS $(cat "$T/text.err")" "0 " "a report of it"
told text "^of +process $service \(node\)$" "what was recorded"
told text "^found +(1 of 1 process|no leak|too early)" "what was found"
told text "^ +$service node .*\+[0-9.]+M" "it grew"
told text "^ +anon +[0-9.]+[KM] +[0-9.]+[KM] +\+[0-9.]+M +\+.*/" "by anonymous memory"
told text "v8-(survived|alloc)  .*(handles|status|server)\.js:[0-9]+" "by which code"
told text "^  scavenge +[0-9]" "its collections"
told text "^census of $service \(node\)" "its censuses"
told text "^ +\+[0-9]+ +\+[0-9.]+M .* (string|object|number) +[(A-Z]" "constructors that grew"
told text "^[0-9]+% of [0-9]+ StatusContext handles.js" "the program's own among them"
told text "^  held by Map" "and who keeps them"
is "$(awk 'length > 140' "$T/text.out" | wc -l | awk '{ print ($1 < 6) }')" 1 "few lines are long"
report silent "$T/leak.mw" -n node -r 2 -o "$T/file.out"
is "$STATUS $(stat -c %a "$T/file.out")$(cat "$T/silent.out")" "0 600" "-o makes a file for its owner only"
told file "StatusContext" "which has the report"

# --- and NDJSON ---

report json "$T/leak.mw" --format json
is "$STATUS" 0 "a report as NDJSON"
is "$(unknown_keys json)" "" "each key that is written is in the schema"
is "$(jq_of json .type | sort -u | xargs)" \
	"census constructor end gc meta process retainer site verdict" "its types"
is "$(jq -s 'map(select(.type != "site" and .type != "end") | .ts_ns) | . == sort' "$T/json.out")" true \
	"it is in the order of time"
is "$(jq_of json 'select(.type == "process") | .pid' | sort -u)" "$service" "of that process"
is "$(of_pid json "$service" '[.[-1].anon_bytes - .[0].anon_bytes, (map(.delta.anon_bytes // 0) | add)] |
	.[0] == .[1]')" true "deltas add up to the growth"
is "$(jq_of json 'select(.type == "meta") | [.schema, .targets.pids[0], .interval_ms]')" \
	"[1,$service,1000]" "what the run was"
is "$(jq -s --argjson n "$SECONDS_RECORDED" 'map(select(.type == "process")) | length | . >= $n - 5 and . <= $n + 10' \
	"$T/json.out")" true "a tick a second"
is "$(tail -n 1 "$T/json.out" | jq -c '[.type, .cut]')" '["end",null]' "it has an end"

# --- nothing is written beside it, and a closed pipe is no error ---

is "$(cd "$T" && echo leak.mw*)" leak.mw "no file is left beside the recording"
"$MEMWATCH" report "$T/leak.mw" --json | head -n 1 >"$T/first"
is "${PIPESTATUS[0]} $(jq -r .type "$T/first")" "0 meta" "who reads only the beginning does no harm"

done_testing

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The story that memwatch began with: a service leaks, and a call that ends early does not. Both are
# recorded under the same load and compared, and then the service that is fixed.
# shellcheck disable=SC2317,SC2016 # functions that await calls; JavaScript's quotes
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need
command -v node >/dev/null || skip_all "no node here"

CALLS=2500

has_begun() {
	grep -q "census of its heap at the begin" "$T/record-$1.err"
}

# record_calls MODE FILE: the service in this mode, recorded while CALLS calls are made
record_calls() {
	serve_status "$1" "$1"
	start "record-$1" "$MEMWATCH" record --heap --requests "$CALLS" -o "$T/$2" -p "$(pid_of "$1")"
	await 40 "the census at the begin" has_begun "$1"
	start "load-$1" node "$LOAD" --port "$(port_of "$1")" --calls "$CALLS"
	ended "load-$1" 90
	is "$(jq -c '[.calls, .errors]' "$T/load-$1.out")" "[$CALLS,0]" "$1: all calls are answered"
	kill -TERM "$(pid_of "record-$1")"
	ended "record-$1" 60
	is "$STATUS" 0 "$1: recorded"
	stop "$1"
}

# compare NAME A B ARG...: into NAME.out and NAME.err
compare() {
	local name=$1 a=$2 b=$3
	shift 3
	"$MEMWATCH" diff "$T/$a" "$T/$b" "$@" >"$T/$name.out" 2>"$T/$name.err"
	is "$?$(cat "$T/$name.err")" 0 "$name: status 0, and no complaint"
}

record_calls truncated truncated.mw
record_calls leaking full.mw
record_calls fixed fixed.mw

# --- what the full call has that the truncated one has not ---

compare text truncated.mw full.mw
top=$(head -n 1 "$T/text.out")
note "$top"
like "$top" "^full.mw grows by [0-9.]+K a request more than truncated.mw: " "the top line is the answer"
like "$top" "saveContext handles.js:[0-9]+" "it names the function that keeps"
like "$top" "StatusContext handles.js:17" "what is kept"
like "$top" 'Map, variable `handleMap`' "by what"
like "$top" ": \+2,5[0-9][0-9] objects, \+2[0-9][0-9]\.[0-9]K, by which [0-9.]+M are kept$" "and how much of it"
like "$(cat "$T/text.out")" $'\n +\\+0 +\\+25[0-9][0-9] [^\n]* object  StatusContext ' "constructors, by count"
like "$(cat "$T/text.out")" $'\n +0 +[0-9]+ +0 [^\n]* >99% v8-survived *checkComponent status.js' "sites, with samples"

compare json truncated.mw full.mw --json
is "$(jq -c 'select(.type == "diff") | [.grows, .unit, .basis, .holder.of, .holder.container, .holder.edge, .more > 0.99]' "$T/json.out")" \
	'[true,"request","census","StatusContext","Map","variable `handleMap`",true]' "NDJSON says the same"
# What a call keeps: some 20 KB of this service's. By bytes for a request, so whatever the time.
between 10000 "$(jq 'select(.type == "diff") | .delta_per | floor' "$T/json.out")" 40000 "some 20 KB a request"
between "$CALLS" "$(jq 'select(.name == "StatusContext") | .b_count' "$T/json.out")" $((CALLS + 5)) "one context a request"
is "$(jq -s 'map(select(.type == "site" and .more >= 0.95 and .note == null)) | .[0].frames | any(.fn == "checkComponent")' "$T/json.out")" \
	true "the site that makes most of it leads"
is "$(unknown_keys json)" "" "memwatch schema has all keys"
is "$(jq -c .type "$T/json.out" | sort -u | xargs)" "constructor diff end meta site" "and no other records"

compare html truncated.mw full.mw --format html -o "$T/diff.html"
is "$(wc -c <"$T/html.out")" 0 "--output: nothing on the standard output"
like "$(grep -c '<svg' "$T/diff.html") $(grep -o 'id="headline"><strong>full.mw grows by' "$T/diff.html")" \
	"^[1-9][0-9]* id=" "HTML: the answer, and a flame graph"
is "$(grep -Eic '(src|href)="?(https?:)?//' "$T/diff.html")" 0 "HTML: nothing is fetched"

# --- what is no growth ---

compare fixed truncated.mw fixed.mw
is "$(head -n 1 "$T/fixed.out")" "no growth in fixed.mw that truncated.mw has not" "the fixed service: no growth"
compare fixed-json truncated.mw fixed.mw --json
is "$(jq -c 'select(.type == "diff") | .grows' "$T/fixed-json.out") $(jq -c .type "$T/fixed-json.out" | grep -Ec 'site|constructor')" \
	"false 0" "and no records of any"
compare back full.mw truncated.mw
is "$(head -n 1 "$T/back.out")" "no growth in truncated.mw that full.mw has not" "nor is what went"
compare same full.mw full.mw
is "$(head -n 2 "$T/same.out" | tail -n 1)" "note: both are one recording: there is no difference to see" \
	"one recording with itself: said"

# --- by what ---

compare counts truncated.mw full.mw --requests 5000,1250 --json
is "$(jq -c 'select(.name == "StatusContext") | .b_per / 96 | round' "$T/counts.out")" 2 \
	"--requests: what the user says counts"
is "$("$MEMWATCH" diff "$T/truncated.mw" "$T/full.mw" --requests 5 2>&1)" \
	"memwatch: --requests '5' are not two counts: those of A and of B (2500,2500)" "and has to be two"

# --- files ---

"$MEMWATCH" diff "$T/full.mw" "$T/text.out" >"$T/mixed.out" 2>"$T/mixed.err"
like "$? $(cat "$T/mixed.err")" "^1 memwatch: cannot compare $T/full.mw, a recording, with $T/text.out, which is none" \
	"a recording and something else"
cp "$T/full.mw" "$T/kept.mw"
for command in "diff $T/truncated.mw $T/kept.mw" "report $T/kept.mw"; do
	# shellcheck disable=SC2086 # words
	"$MEMWATCH" $command -o "$T/kept.mw" >"$T/kept.out" 2>"$T/kept.err"
	is "$? $(cat "$T/kept.err")" "1 memwatch: $T/kept.mw is a recording, and is not overwritten: name another file" \
		"${command%% *} -o: a recording is not overwritten"
done
ok "and is as it was" cmp "$T/full.mw" "$T/kept.mw"
"$MEMWATCH" diff "$T/full.mw" "$T/no-such" >"$T/missing.out" 2>"$T/missing.err"
like "$? $(cat "$T/missing.err")" "^1 memwatch: cannot compare $T/no-such: .*No such file" "a recording and nothing"

done_testing

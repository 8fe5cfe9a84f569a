#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The judge of growth sites (matrix/judge.jq), judged: on records written by hand, and on what the
# workloads say of themselves. Needs no root.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
command -v jq >/dev/null || die "jq is not installed: run make deps"

LEAKS=$TESTS/workloads/leaks
TRUTH=$("$TESTS/matrix/truth.sh" "$LEAKS"/{map.js,pace.js,garbage.js})
LINE=$(jq '.leaks[0].first' <<<"$TRUTH")

# --- what the workloads say of themselves ---

for file in "$LEAKS"/*.js "$LEAKS"/*.mjs; do
	is "$("$TESTS/matrix/truth.sh" "$file" | jq -c '.functions as $functions |
		[.leaks[] | . as $leak | select(any($functions[];
			.fn == $leak.fn and .first <= $leak.first and $leak.last <= .last) | not)] +
		[.garbage[] | . as $garbage | select(any($functions[]; .fn == $garbage.fn) | not)]')" "[]" \
		"$(basename "$file"): its comments are about functions that it has"
done
service=$("$TESTS/matrix/truth.sh" "$TESTS"/workloads/status-service/*.js "$LEAKS/status-service.truth")
is "$(jq -c '[.leaks[] | select(.fn == "StatusContext") | .file, .last > .first]' <<<"$service")" \
	'["handles.js",true]' "a truth about a whole function has its lines; a constructor its class's name"

# --- the judge ---

# site TICK KIND BYTES FRAME...: a record; FRAME is FN:FILE:LINE[:KEY=VALUE...], leaf first
site() {
	local tick=$1 kind=$2 bytes=$3 frame frames=''
	shift 3
	for frame in "$@"; do
		IFS=: read -r fn file line more <<<"$frame"
		frames="$frames${frames:+,}$(jq -cn --arg fn "$fn" --arg file "$file" --argjson line "${line:-0}" \
			--arg more "${more:-}" '{fn: $fn, file: "/srv/\($file)", line: $line, fn_line: 11, kind: "js",
			origin: "user"} + ($more | split(":") | map(split("=") | {key: .[0],
			value: (.[1] | if . == "true" then true else . end)}) | from_entries)')"
	done
	printf '{"type":"site","ts_ns":%d,"kind":"%s","bytes":%d,"samples":3,"frames":[%s]}\n' \
		$((tick * 1000000000)) "$kind" "$bytes" "$frames"
}

# judge [APPROXIMATE]: of the records on stdin, the fields that FIELDS names
FIELDS='[.passed, .match, .right_since_s]'
judge() {
	{
		printf '{"type":"meta","ts_ns":0}\n'
		cat
	} | jq -nc -f "$TESTS/matrix/judge.jq" --argjson truth "${JUDGED_BY:-$TRUTH}" \
		--argjson allow_approximate "${1:-false}" | jq -c "$FIELDS"
}

leak=saveContext:map.js:$LINE
garbage=decodeBody:garbage.js:23
internal=set:internal.js:5:origin=runtime
package=put:lru.js:5:origin=dependency

is "$(site 2 v8-survived 100 "$leak" | judge)" '[true,"exact",2]' "the site is right"
is "$(site 2 v8-survived 100 "$internal" "$package" "$leak" | judge)" '[true,"exact",2]' \
	"also below frames that are not the user's"
is "$(site 2 v8-survived 100 "handleStatus:map.js:17" "$leak" | judge)" '[false,"wrong",null]' \
	"but not below another of the user's"
is "$(site 2 v8-survived 100 "saveContext:other.js:$LINE" | judge)" '[false,"wrong",null]' \
	"nor in another file"
is "$(site 2 v8-survived 100 "saveContext:map.js:11" | judge)" '[false,"line-off",null]' \
	"another line of the function is wrong"
is "$(site 2 v8-survived 100 "saveContext:map.js:0" | judge)" '[true,"no-line",2]' "no line is not"
is "$(site 2 v8-alloc 100 "$leak" | judge)" '[false,"none",null]' "another kind of site does not count"
is "$(: | judge)" '[false,"none",null]' "nothing is not right"

approximate=handleStatus:map.js:17:approximate=true
is "$(site 2 v8-survived 100 "$approximate" | judge)" '[false,"approximate",null]' \
	"the physical function is wrong where V8 could tell"
is "$(site 2 v8-survived 100 "$approximate" | judge true)" '[true,"approximate",2]' \
	"and right, and named so, where it cannot"
is "$(site 2 v8-survived 100 "churn:garbage.js:36:approximate=true" | judge true)" \
	'[false,"wrong",null]' "if it is a caller of the leak"

since() { # which ticks are right
	local tick=0 right
	for right in "$@"; do
		tick=$((tick + 1))
		site $tick v8-survived 100 "$leak"
		site $tick v8-survived $((right ? 3 : 200)) "$garbage"
	done
}
is "$(since 0 1 0 1 1 | judge)" '[true,"exact",4]' "right since, not right once"
is "$(since 1 1 1 0 | judge)" '[false,"wrong",null]' "right at last, not right before"
FIELDS='[.passed, .garbage_pct, .faults[0]]'
is "$({ site 40 v8-survived 100 "$leak"; } | judge)" '[false,0,"right only since 40 s"]' "too late"
is "$({ site 2 v8-survived 94 "$leak"; site 2 v8-survived 6 "$garbage"; } | judge)" \
	'[false,6,"garbage has 6 % of v8-survived"]' "garbage that survives"
is "$({ site 2 v8-survived 96 "$leak"; site 2 v8-survived 4 "$garbage"; } | judge)" \
	'[true,4,null]' "a little of it is in flight"
is "$({ site 2 v8-survived 100 "$leak"; site 2 v8-alloc 900 "$garbage"; } | judge)" '[true,0,null]' \
	"garbage that was only allocated does not count"

FIELDS='[.by_function[] | .bytes]'
JUDGED_BY=$("$TESTS/matrix/truth.sh" "$LEAKS/ratio.js")
is "$({ site 2 v8-survived 10 keepSmall:ratio.js:1; site 2 v8-survived 60 keepLarge:ratio.js:1; \
	site 2 v8-survived 10 keepLarge:ratio.js:2; } | judge)" '[70,10]' "bytes by function, of several sites"

FIELDS='[.passed, .survived_of_allocated_pct]'
JUDGED_BY=$("$TESTS/matrix/truth.sh" "$LEAKS"/{churn,garbage}.js)
is "$({ site 2 v8-alloc 1000 "$garbage"; site 2 v8-survived 10 "$garbage"; } | judge)" '[true,1]' \
	"no leak: little survives"
is "$({ site 2 v8-alloc 1000 "$garbage"; site 2 v8-survived 90 "$garbage"; } | judge)" '[false,9]' \
	"a leak that is none"
is "$(: | judge)" '[false,null]' "no leak, but no sites either: nothing was watched"
unset JUDGED_BY

FIELDS='.names | [.checked, .wrong, (.wrong_examples | map(.fault))]'
is "$(site 2 v8-survived 1 "$leak" "nosuch:map.js:12" "saveContext:map.js:40" "saveContext:map.js:0" \
	"saveContext:map.js:12:fn_line=3" | judge)" '[5,4,["fn_line","function","line","missing"]]' \
	"frames are compared with the source"

done_testing

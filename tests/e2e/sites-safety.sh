#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Watching does no harm. On every Node that is here a program that does all that V8 does with memory
# and code (workloads/gc-heavy.js) comes to the same result under all probes as without; attaching and
# detaching many times, and memwatch killed in mid-run, leave a service under load that answers,
# its text as it is in its file, and nothing in the kernel.
#
#	MEMWATCH_SAFETY_SECONDS=60	of each run of that program; 2
#	MEMWATCH_SAFETY_ATTACHES=100	times; 20
# shellcheck disable=SC2317 # functions that await calls
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/probes.sh
. "$(dirname "$0")/../probes.sh"
need
command -v node >/dev/null || skip_all "no node here"

seconds=${MEMWATCH_SAFETY_SECONDS:-2}
attaches=${MEMWATCH_SAFETY_ATTACHES:-20}
HEAVY=$TESTS/workloads/gc-heavy.js
cache=${MEMWATCH_NODES:-/var/cache/memwatch/node}

node_of() {
	if [ "$1" = system ]; then command -v node; else echo "$cache/$1/bin/node"; fi
}

# flags_of NODE: small young generation, so that it is collected often; code is flushed at once
flags_of() {
	echo "--expose-gc --max-semi-space-size=1"
	"$1" --v8-options | grep -oE -- '--stress-flush-(code|bytecode)' | head -n 1
}

none_left "nothing is there before"

# --- the same result ---

# heavy ID NODE ARG...
heavy() {
	local -a flags
	mapfile -t flags < <(flags_of "$2" | xargs -n 1)
	start "$1" "$2" "${flags[@]}" "$HEAVY" --wait-go "${@:3}"
	ready "$1"
}

versions=(system)
mapfile -t -O 1 versions < <("$TESTS/node.sh" --list)
for version in "${versions[@]}"; do
	node=$(node_of "$version")
	heavy plain "$node" --seconds "$seconds"
	go plain
	finished plain $((seconds * 3 + 30))
	ended plain
	is "$STATUS$(err_of plain)" 0 "$version: unwatched it ends with status 0"
	rounds=$(did plain rounds)

	heavy watched "$node" --rounds "$rounds"
	pid=$(pid_of watched)
	watch m -p "$pid" -i 1 --budget 0
	ok "$version: it is probed" wait_for 5 text_is_probed "$pid"
	go watched
	finished watched $((seconds * 6 + 60))
	ended watched
	is "$STATUS$(err_of watched)" 0 "$version: watched it ends with status 0"
	is "$(did watched checksum)" "$(did plain checksum)" "$version: the result is the same ($rounds rounds)"
	ended m
	is "$STATUS" 0 "$version: memwatch ends with it, with status 0"
	samples=$(jq_of m 'select(.type == "site" and (.kind == "v8-alloc" or .kind == "v8-survived")) | .samples' |
		sort -n | tail -n 1)
	between 1 "${samples:-0}" 1000000000 "$version: its allocations were sampled"
	note "$(did plain seconds) s unwatched, $(did watched seconds) s watched"
done
none_left "nothing is left of it"

# --- attached and detached, many times ---

ask() { # METHOD PATH
	node -e "require('http').request({host: '127.0.0.1', port: $port, method: '$1', path: '$2'},
		(r) => r.pipe(process.stdout)).end()"
}
answers() {
	local i
	for i in 1 2 3 4 5; do ask GET "/api/status/same-$i"; done
}

serve_status service fixed
target=$(pid_of service)
port=$(port_of service)
ok "its text is that of its file" text_as_file "$target"
unwatched=$(answers)
start load node "$LOAD" --port "$port" --seconds 100000 --rate 200

failures=0
probed=0
began=${EPOCHREALTIME/./}
for ((i = 0; i < attaches; i++)); do
	start m "$MEMWATCH" --json -p "$target" -d 0.3 -i 0.1
	if ((i % 5 == 0)) && wait_for 3 text_is_probed "$target"; then probed=$((probed + 1)); fi
	# Every other one is interrupted at some point of its start or its end
	if ((i % 2)); then
		elapse "0.$(((i * 37) % 90 + 10))"
		kill -TERM "$(pid_of m)" 2>/dev/null
	fi
	ended m
	# A signal before it has begun to listen ends it as it ends any program.
	[ "$STATUS" = 0 ] || ((i % 2 && STATUS == 143)) || {
		failures=$((failures + 1))
		note "attach $i: status $STATUS: $(err_of m)"
	}
	gone "$target" && break
done
note "$attaches times in $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
is "$failures" 0 "attached and detached $attaches times"
between 1 "$probed" "$attaches" "really: its text was changed meanwhile (seen $probed times)"
ok "the service still runs" kill -0 "$target"
text_restored "its text is that of its file again" "$target"
none_left "nothing is left behind"
is "$(answers)" "$unwatched" "it answers as before"

# --- memwatch dies ---

watch m -p "$target" -i 0.2
ok "its text is changed while it is watched" wait_for 5 text_is_probed "$target"
stop m KILL
is "$STATUS" 137 "memwatch is killed"
text_restored "then too its text is that of its file again" "$target"
none_left "and nothing is left behind"
is "$(answers)" "$unwatched" "it answers as before"

# When a probe is taken away the kernel must write to that program, which it does not for who is killed
# meanwhile: this is done elsewhere. (It samples at times, and takes its probes away in between.)
takes_away() {
	local closer
	closer=$(pgrep -P "$1" -x memwatch-close) || return
	set -- "/proc/$closer/task/"*
	(($# > 1))
}
for i in 1 2 3 4 5; do
	watch m -p "$target" -i 0.2
	await 20 "probes to be taken away" takes_away "$(pid_of m)"
	stop m KILL
	text_restored "killed in the midst of that: its text is that of its file again ($i)" "$target"
done
none_left "nothing is left behind"

stop load
is "$(jq '.errors' "$T/load.out")" 0 "every call of the load was answered"
note "$(cat "$T/load.out")"
stop service
is "$STATUS$(err_of service)" 0 "the service ends with status 0 and no complaint"

done_testing

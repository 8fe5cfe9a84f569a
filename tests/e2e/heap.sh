#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# `memwatch heap`: what it says of V8's heap, against what the program knows and against V8's own heap
# snapshot. On Node 12 and 22; HEAP_ALL=1: on all that `make nodes` has fetched.
# shellcheck disable=SC2317 # functions that await calls
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/heap/lib.sh
. "$TESTS/heap/lib.sh"
need_heap

CALLS=2500
ACCURACY_PCT=1
LIVE_PCT=3
BUFFERS_SLACK=256     # of Node's own that are not of its allocator
RSS_SLACK=$((512 * 1024)) # an idle Node's own, in half a second

# --- what leaks, exactly, and who keeps it ---

censuses() { # ID: that are complete
	grep -c '^{"type":"census"' "$T/$1.out"
}
more_censuses() {
	[ "$(censuses "$1")" -gt "$2" ]
}

calls() { # NODE PORT
	"$1" "$LOAD" --port "$2" --calls "$CALLS" >"$T/load.out" 2>&1
}

leak() { # VERSION NODE
	local version=$1 before

	serve service "$2" "$SERVICE" --port 0 --mode leaking
	ok "$version: the service is warm" calls "$2" "$PORT"
	start h "$MEMWATCH" heap -p "$TARGET" --every 3 --json
	await 60 "a census" more_censuses h 0
	ok "$version: it answers while censuses are taken" calls "$2" "$PORT"
	before=$(censuses h)
	await 60 "a census behind the calls" more_censuses h $((before + 1))
	stop h INT
	is "$STATUS" 0 "$version: a stop that was asked for is no error"
	is "$(jq_of h 'select(.type == "constructor" and .name == "StatusContext") | .delta_count // empty' | paste -sd+ | bc)" \
		"$CALLS" "$version: $CALLS calls are $CALLS StatusContexts more, exactly"
	census r "$TARGET" --retainers StatusContext
	is "$STATUS $(jq_of r 'select(.type == "retainer") | [.of, .container, .share >= 0.99]')" \
		'0 ["StatusContext","Map",true]' "$version: one Map holds them"
	like "$(jq_of r 'select(.type == "retainer") | [.path[], .owners[]] | map("\(.edge) \(.node) \(.file)") | join(" < ")' -r)" \
		'handleMap.*handles\.js' "$version: it is handleMap of handles.js"
	stop service
}

# --- all constructors ---

# compared CENSUS SNAPSHOT KEY
compared() {
	"$(a_node)" --max-old-space-size=3000 "$TESTS/heap/compare.js" "$T/$1.out" "$2" >"$T/$1.verdict" 2>"$T/$1.worst" ||
		die "compare.js: $(cat "$T/$1.worst")"
}
# within ID PERCENT WHAT
within() {
	if [ "$(jq ".count_pct <= $2 and .bytes_pct <= $2" "$T/$1.verdict")" = true ]; then
		pass "$3: $(jq -r '"counts are off by \(.count_pct) %, bytes by \(.bytes_pct) %"' "$T/$1.verdict")"
	else
		fail "$3: within $2 %" "$(cat "$T/$1.verdict" "$T/$1.worst")"
	fi
}

# Its heap is as it is, with garbage; the census comes first.
accuracy() { # VERSION NODE
	local version=$1 rss snapshot=$T/$1.heapsnapshot

	serve app "$2" "$TESTS/heap/app.js"
	"$2" "$LOAD" --port "$PORT" --path '/?' --calls 500 >"$T/load.out" || die "the application does not answer"
	census warm "$TARGET" # libraries are read, and its heap rests
	rss=$(status_bytes "$TARGET" VmRSS)
	census exact "$TARGET"
	between $((-64 * MIB)) $(($(status_bytes "$TARGET" VmRSS) - rss)) $RSS_SLACK "$version: its RSS does not grow"
	is "$STATUS $(jq_of exact 'select(.type == "census") | .live // false')" "0 false" "$version: a census of an application"
	census live "$TARGET" --live
	is "$STATUS $(jq_of live 'select(.type == "census") | [(.live // false), (.pause_ns // 0)]')" "0 [true,0]" "$version: and a live one, which says so"
	fetch "$PORT" "/snapshot?$snapshot" >/dev/null || die "no snapshot"
	compared exact "$snapshot"
	compared live "$snapshot"
	within exact $ACCURACY_PCT "$version: $(jq .constructors.snapshot "$T/exact.verdict") constructors"
	ok "$version: there are 200 and more" jq -e '.constructors.snapshot >= 200' "$T/exact.verdict"
	within live $LIVE_PCT "$version: live"
	note "$version: whole heap and other classes, %: $(jq -c '.heap, (.classes | map_values([.count_pct, .bytes_pct]))' "$T/exact.verdict" | paste -sd' ')"
	rm -f "$snapshot"
	stop app
}

# --- isolates, and what is outside of the heap ---

isolates() { # VERSION NODE
	local version=$1 pid told

	start three "$2" --expose-gc "$TESTS/heap/isolates.js"
	ready three
	pid=$(jq .pid "$T/three.out")
	census i "$pid"
	is "$(jq_of i 'select(.type == "constructor" and .name == "MainThing") | .count')" 1000 "$version: the main isolate's objects"
	is "$(jq_of i 'select(.type == "constructor" and .name == "WorkerThing") | [.isolate, .count]' | jq -sc 'map(.[1]), (map(.[0]) | unique | length)' | paste -sd' ')" \
		"[5000,5000] 2" "$version: the workers', each in an isolate of its own"
	told=$(jq .array_buffers "$T/three.out")
	between "$told" "$(jq_of i 'select(.type == "constructor")' | jq -s '(map(select(.name == "MainThing"))[0].isolate) as $main |
		map(select(.isolate == $main) | .external_bytes // 0) | add')" \
		$((told + BUFFERS_SLACK)) "$version: bytes of ArrayBuffers, as process.memoryUsage() has them"
	stop three
}

while read -r version; do
	node=$(node_of "$version")
	leak "$version" "$node"
	if [ -d "$NODE_PATH/express" ]; then
		accuracy "$version" "$node"
	else
		skip "$version: all constructors, against a snapshot" "no packages: run tests/node.sh modules"
	fi
	isolates "$version" "$node"
done < <(node_versions)

# --- what cannot be read ---

# refused WHAT REGEX PID: fails with one line that says why
refused() {
	census e "$3"
	like "$STATUS $(wc -l <"$T/e.err") $(err_of e)" "^[1-9][0-9]* 1 memwatch: .*($2)" "$1"
}
start c "$WORKLOADS/comm"
ready c
refused "a program without V8" 'V8' "$(pid_of c)"
leave c
refused "no such process" '[Nn]o .*process' 4194303
done_testing

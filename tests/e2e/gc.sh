#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Garbage collections, seen from outside, against the word of the runtimes: programs with USDT probes
# that say what they did (workloads/gc_probes.h), V8's own --trace-gc on every Node that is here, a Java VM and a
# Python that have probes. And what is told where nothing can be seen, and that nothing is left behind.
# shellcheck disable=SC2317 # functions that await calls
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/probes.sh
. "$(dirname "$0")/../probes.sh"
need

TRACED=$TESTS/workloads/gc-traced.js
OLD_SPACE_MIB=200
cache=${MEMWATCH_NODES:-/var/cache/memwatch/node}

none_left "nothing is there before"

# doctor_gc PID: what doctor says of its collections, in one line
doctor_gc() {
	"$MEMWATCH" doctor -p "$1" | sed -n '/^    GC /,/^    [a-z]/p' | grep -v '^    [a-z]' | tr -s ' \n' ' '
}

# --- USDT probes ---

rounds() {
	grep -c '"event":"done"' "$T/$1.out"
}
made_rounds() {
	[ "$(rounds "$1")" -gt "$2" ]
}
# round ID: makes one more
round() {
	local before
	before=$(rounds "$1")
	go "$1"
	await 20 "round $((before + 1)) of $1" made_rounds "$1" "$before"
}
# last_round ID FILTER: what it said of it
last_round() {
	grep '"event":"done"' "$T/$1.out" | tail -n 1 | jq -c "$2"
}
# semaphores_are_down ID: nobody wants its probes, in a new round
semaphores_are_down() {
	round "$1"
	[ "$(last_round "$1" .semaphores)" = "[0,0]" ]
}

# What it says that it did and what memwatch says, in the same words: by thread, in order
told() { # ID KINDS
	jq -c "select(.event == \"gc\") | [.tid, ($2)[.type | tostring], if .isolate == \"0\" then null else .isolate end,
		if .live_bytes > 0 then .live_bytes else null end]" "$T/$1.out" | sort -s -t, -k1,1
}
seen() { # ID
	jq_of "$1" 'select(.type == "gc") | [.tid, .kind, .isolate, .live_bytes]' | sort -s -t, -k1,1
}
# excess PROGRAM MEMWATCH: ns by which the pauses are longer than between the probes, least and median
excess() {
	jq -nc --slurpfile told "$T/$1.out" --slurpfile seen "$T/$2.out" '
		def pauses: map({tid, pause_ns}) | group_by(.tid) | map(map(.pause_ns)) | flatten;
		($told | map(select(.event == "gc")) | pauses) as $t |
		($seen | map(select(.type == "gc")) | pauses) as $s |
		[range($t | length) | $s[.] - $t[.]] | sort | {least: .[0], median: .[length / 2 | floor]}'
}

# usdt PROGRAM KINDS FIRED: all of it
usdt() {
	local pid

	start p "$WORKLOADS/$1"
	ready p
	pid=$(pid_of p)
	round p
	is "$(last_round p '[.semaphores, .fired]')" "[[0,0],0]" "$1: nobody wants its probes before"
	is "$(doctor_gc "$pid" | grep -o 'by USDT probes')" "by USDT probes" "$1: doctor says that USDT probes tell"
	watch m -p "$pid"
	ok "$1: its text is changed" text_is_probed "$pid"
	round p
	tick m
	stop m
	is "$STATUS" 0 "$1: memwatch ends with status 0"
	is "$(last_round p '[(.semaphores | map(. > 0)), .fired]')" "[[true,true],$3]" "$1: they are wanted meanwhile"
	is "$(seen m)" "$(told p "$2")" "$1: each collection is a record: thread, kind, heap, what lives"
	is "$(jq_of m 'select(.type == "gc") | .via' | sort -u)" '"usdt"' "$1: by USDT probes"
	is "$(excess p m | jq '.least >= 0 and .median < 1e6')" true "$1: pauses are those between the probes, and little more"
	note "$1: $(excess p m) ns more"
	ok "$1: nobody wants them after" wait_for 20 semaphores_are_down p
	text_restored "$1: its text is that of its file" "$pid"

	watch m -p "$pid"
	round p
	is "$(last_round p '.semaphores | map(. > 0)')" "[true,true]" "$1: wanted again"
	stop m KILL
	ok "$1: nor when memwatch is killed" wait_for 20 semaphores_are_down p
	text_restored "$1: then too its text is that of its file" "$pid"
	leave p
	is "$(err_of p)" "" "$1: it runs on, and ends with status 0"
}
usdt gc_node '{"1": "scavenge", "2": "minor-mark-sweep", "4": "mark-compact", "8": "other"}' 14
usdt gc_hotspot '{"0": "young", "1": "full"}' 4

# --- many at once ---

MANY=40
COLLECTIONS=14 # of each in a round
STOP_SECONDS=20 # the kernel takes uprobes away one by one, 0.04 to 0.1 s each: two of each process
many=()
for i in $(seq $MANY); do many+=("p$i"); done
# all_rounds: each makes one more
all_rounds() {
	local before id
	before=$(rounds p1)
	for id in "${many[@]}"; do go "$id"; done
	for id in "${many[@]}"; do await 30 "round $((before + 1)) of $id" made_rounds "$id" "$before"; done
}
all_are_down() {
	local id
	all_rounds
	for id in "${many[@]}"; do [ "$(last_round "$id" .semaphores)" = "[0,0]" ] || return 1; done
}
for id in "${many[@]}"; do start "$id" "$WORKLOADS/gc_node"; done
for id in "${many[@]}"; do ready "$id"; done
watch m -p "$(for id in "${many[@]}"; do pid_of "$id"; done | paste -sd,)" --no-stacks
all_rounds
tick m
before=$(boot_ns)
kill -TERM "$(pid_of m)"
ended m 60
took_ms=$((($(boot_ns) - before) / 1000000))
is "$STATUS" 0 "$MANY at once: memwatch ends with status 0"
between 0 "$took_ms" $((STOP_SECONDS * 1000)) "$MANY at once: within seconds"
note "$MANY at once: it took $took_ms ms to end"
is "$(jq_of m 'select(.type == "gc" and .via == "usdt") | .pid' | sort | uniq -c | awk '{ print $1 }' | sort | uniq -c | xargs)" \
	"$MANY $COLLECTIONS" "$MANY at once: each collection of each is seen"
ok "$MANY at once: nobody wants their probes after" wait_for 20 all_are_down
for id in "${many[@]}"; do leave "$id"; done

# --- V8, of every Node ---

node_of() {
	if [ "$1" = system ]; then command -v node; else echo "$cache/$1/bin/node"; fi
}

versions=()
command -v node >/dev/null && versions=(system)
for version in $("$TESTS/node.sh" --list); do
	# Once is enough
	[ "${versions[0]:-}" = system ] && [ "v$version" = "$(node --version)" ] && versions=("${versions[@]:1}")
	versions+=("$version")
done

# trace ID NODE FLAG...: starts it, and memwatch on it (m-ID)
trace() {
	local id=$1 node=$2
	shift 2
	start "$id" stdbuf -oL "$node" --trace-gc --expose-gc "--max-old-space-size=$OLD_SPACE_MIB" "$@" "$TRACED" --seconds 0.7
	ready "$id"
	watch "m-$id" -p "$(pid_of "$id")" --no-stacks -i 0.5
}

# traced ID NAME: waits for it, and compares
traced() {
	local id=$1 name=$2 pid verdict
	pid=$(pid_of "$id")
	finished "$id"
	tick "m-$id"
	stop "m-$id"
	# Of one: sites-safety.sh looks at all
	[ "$id" != n0 ] || text_restored "$name: its text is that of its file" "$pid"
	leave "$id"
	verdict=$(node "$TESTS/e2e/gc-judge.js" "$T/$id.out" "$T/m-$id.out")
	holds() { # FILTER DESCRIPTION
		if [ "$(jq "$1" <<<"$verdict")" = true ]; then pass "$name: $2"; else fail "$name: $2" "$verdict"; fi
	}
	holds '.printed >= 15 and .isolates == 2' "V8 tells of collections in both threads"
	holds '.seen == .printed and .missing == 0 and .extra == 0' "each is a record, and no other"
	holds '.different == 0' "of the same kind, and with what lives after it"
	holds '.pauses_off <= .printed / 10 and .pause_ratio > 0.5 and .pause_ratio < 1.1' "the pauses are V8's"
	holds '.steps == 4 and .live_pct < 3' "what lives after a full collection is used_heap_size"
	if [ "$(uname -m)" = x86_64 ]; then
		holds ".limits == [$((OLD_SPACE_MIB * MIB))]" "the limit is that of its command line"
		holds ".external_pct == null and $(major "$id") < 16 or .external_pct != null and .external_pct < 10" "external bytes grow as Buffers do"
	fi
	note "$name: $(jq -r '"\(.seen) of \(.printed) seen; pause x \(.pause_ratio * 1000 | round / 1000) of V8'\''s (median); " +
		"live off by \(.live_pct * 100 | round / 100) % at most, external by \(.external_pct) %"' <<<"$verdict")"
}
# major ID: of the Node that was started so
declare -A MAJOR=()
major() {
	echo "${MAJOR[$1]}"
}

# Three at a time: most of it is waiting
queue=()
run_queue() {
	local entry
	for entry in "${queue[@]}"; do go "${entry%% *}"; done
	for entry in "${queue[@]}"; do traced "${entry%% *}" "${entry#* }"; done
	queue=()
}
# enqueue NAME NODE FLAG...
enqueue() {
	local id=n${#MAJOR[@]} name=$1 node=$2 version
	version=$("$node" --version)
	MAJOR[$id]=$(cut -d. -f1 <<<"${version#v}")
	shift 2
	trace "$id" "$node" "$@"
	if [[ $(doctor_gc "$(pid_of "$id")") != *"by uprobes on V8's functions"* ]]; then
		if [ "$name" = "system" ]; then
			skip "Node $version: collections are seen" "this system's is stripped: $(doctor_gc "$(pid_of "$id")")"
		else
			fail "Node $version: collections are seen" "$(doctor_gc "$(pid_of "$id")")"
		fi
		stop "m-$id"
		go "$id"
		finished "$id"
		leave "$id"
		return
	fi
	queue+=("$id Node $version${*:+ $*}")
	[ ${#queue[@]} -lt 3 ] || run_queue
}

minor=
for version in ${versions[@]+"${versions[@]}"}; do
	node=$(node_of "$version")
	enqueue "$version" "$node"
	[ "$version" = debian ] || ! "$node" --v8-options | grep -q -- '--minor-ms ' || minor=$node
done
[ -z "$minor" ] || enqueue minor "$minor" --minor-ms
run_queue
if [ ${#versions[@]} = 0 ]; then
	skip "collections of Node" "no node here"
elif [ -n "$minor" ]; then
	is "$(jq_of "m-n$((${#MAJOR[@]} - 1))" 'select(.type == "gc") | .kind' | sort -u | xargs)" "mark-compact minor-mark-sweep" \
		"--minor-ms: the young collections are minor mark-sweeps"
fi

# --- where nothing is to be seen ---

start g "$WORKLOADS/grow" steady --wait-go
ready g
is "$(doctor_gc "$(pid_of g)")" " GC none was found: malloc and free " "doctor: a C program has no collector"
watch m -p "$(pid_of g)"
is "$(jq_of m 'select(.type == "gc")')" "" "nor any collections"
stop m
stop g

# smallest_node: the smallest that has V8 in its own file
smallest_node() {
	local version
	for version in ${versions[@]+"${versions[@]}"}; do realpath "$(node_of "$version")"; done |
		xargs -r -d '\n' stat -L -c '%s %n' | sort -n | awk '$1 > 20000000 { print $2; exit }'
}
small=$(smallest_node)
if [ -n "$small" ] && command -v strip >/dev/null; then
	strip --strip-all -o "$T/node" "$small"
	# Official binaries export V8's functions too, until Node 24.11: here by other names
	sed -i 's/_ZN2v88internal4Heap8ScavengeEv/_ZN2v88internal4Heap8sCAVENGEEv/g
		s/_ZN2v88internal4Heap11MarkCompactEv/_ZN2v88internal4Heap11mARKcOMPACTEv/g' "$T/node"
	start s "$T/node" --expose-gc "$TRACED" --seconds 0.5
	ready s
	like "$(doctor_gc "$(pid_of s)")" "^ GC V8: not seen .*stripped" "doctor: the collections of a stripped Node are not seen, and why"
	watch m -p "$(pid_of s)" --no-stacks
	go s
	finished s
	tick m
	stop m
	is "$STATUS" 0 "memwatch watches it nevertheless"
	between 2 "$(of_pid m "$(pid_of s)" length)" 1000 "it has sizes of it"
	is "$(jq_of m 'select(.type == "gc") | .kind')" "" "and no collections"
	leave s
else
	skip "a stripped Node" "no Node with V8 in its own file, or no strip(1)"
fi

# --- a Java VM ---

has_probes() { # FILE PROVIDER
	readelf -n "$1" 2>/dev/null | grep "Provider: $2\$" >/dev/null # not -q: readelf would fail
}

# java_homes: JDKs whose VM has probes, each once
java_homes() {
	local home
	for home in /usr/lib/jvm/*/; do
		[ -x "$home/bin/javac" ] && has_probes "$home/lib/server/libjvm.so" hotspot && realpath "$home"
	done | sort -u
}

# by_version: the homes on stdin, the oldest first
by_version() {
	local home
	while read -r home; do
		echo "$("$home/bin/javac" -version 2>&1 | cut -d ' ' -f 2) $home"
	done | sort -V | cut -d ' ' -f 2
}

# java HOME: Serial, Parallel and G1 at once, by one memwatch
java() {
	local home=$1 collector name pids=() steps

	name=$(basename "$home")
	for collector in Serial Parallel G1; do
		start "$collector" "$home/bin/java" "-XX:+Use${collector}GC" -Xmx128m -Xshare:auto -cp "$T" Collect
		pids+=("$(pid_of "$collector")")
	done
	for collector in Serial Parallel G1; do await 60 "Java to be ready" says "$collector" ready; done
	is "$(doctor_gc "${pids[0]}" | grep -o 'HotSpot, by USDT probes')" "HotSpot, by USDT probes" "$name: doctor says that USDT probes tell"
	watch m -p "$(IFS=,; echo "${pids[*]}")" --no-stacks
	for collector in Serial Parallel G1; do go "$collector"; done
	for collector in Serial Parallel G1; do finished "$collector" 60; done
	tick m
	stop m
	for collector in Serial Parallel G1; do
		steps=$(jq -nc --slurpfile told "$T/$collector.out" --slurpfile seen "$T/m.out" --argjson pid "$(pid_of "$collector")" '
			[$told[] | select(.event == "step") | .used] as $t |
			[$seen[] | select(.type == "gc" and .pid == $pid and .kind == "full") | .live_bytes] as $s |
			{told: $t, seen: $s, same: (($t | length) == ($s | length) and
			 ([range($t | length) | $s[.] / $t[.] - 1 | fabs] | max < 0.05))}')
		if [ "$(jq .same <<<"$steps")" = true ]; then
			pass "$name: each full collection of ${collector}GC is a record, with what is used after it"
		else
			fail "$name: each full collection of ${collector}GC is a record, with what is used after it" "$steps"
		fi
		leave "$collector"
	done
}

homes=$(java_homes)
if [ -n "$homes" ]; then
	# The oldest compiles: the others run it
	for home in $(by_version <<<"$homes"); do
		[ -e "$T/Collect.class" ] || "$home/bin/javac" -d "$T" "$TESTS/programs/Collect.java"
		java "$home"
	done
else
	skip "full collections of Java" "no JDK here whose VM has USDT probes"
fi

# --- Python: of garbage it collects cycles alone ---

python=
for file in /usr/bin/python3 /usr/local/bin/python3; do
	[ -n "$python" ] || ! has_probes "$(realpath "$file" 2>/dev/null)" python || python=$file
done
if [ -n "$python" ]; then
	start y "$python" -c '
import gc, sys
gc.disable()
print("{\"event\":\"ready\"}", flush=True)
sys.stdin.readline()
for generation in (2, 0, 1, 2): gc.collect(generation)
print("{\"event\":\"done\"}", flush=True)
sys.stdin.read()
gc.set_threshold(0)'
	ready y
	like "$(doctor_gc "$(pid_of y)")" "^ GC reference cycles only, by USDT probes" "doctor: Python's collections are of cycles"
	watch m -p "$(pid_of y)" --no-stacks
	go y
	finished y
	tick m
	stop m
	is "$(jq_of m 'select(.type == "gc") | .kind' | xargs)" "full young young full" "Python's collections are records"
	leave y
else
	skip "Python's collections" "no python3 with USDT probes"
fi

none_left "nothing is left behind"
done_testing

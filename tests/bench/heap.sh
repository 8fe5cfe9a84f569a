#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# make bench, third part: what a census of V8's heap costs the process and the machine, beside V8's own
# heap snapshot.
#
#	MEMWATCH=build/memwatch tests/bench/heap.sh [--quick] [MB...]
#
# Processes with heaps of 50 and 500 MB at once; in each round one census of each, and in the end one with retainers and
# one snapshot of each. The pause is measured twice: by memwatch (pause_ns), and by the process, whose timer is late; beside it how late
# that is anyway. Node 22 where `make nodes` has fetched it, else the system's. A table on stdout, everything in
# build/bench-heap.json. About four minutes; --quick (or BENCH_SECONDS below 120): 50 and 150 MB in one.
# No figure passes or fails; what cannot be measured does. A snapshot of 500 MB takes 8 GB of memory: it is
# left out where there is less.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

json=$build/bench-heap.json
node=${MEMWATCH_NODES:-/var/cache/memwatch/node}/22.23.3/bin/node
[[ -x $node ]] || node=node

rounds=7 sizes=(50 500)
if is_quick "$@"; then
	rounds=3 sizes=(50 150)
	[[ ${1:-} != --quick ]] || shift
fi
[[ $# == 0 ]] || sizes=("$@")

declare -A process=() port=()
clean() {
	[[ ${#process[@]} == 0 ]] || kill "${process[@]}" 2>/dev/null || true
}
need jq

# ask MB PATH: what the process answers
ask() {
	local fd
	exec {fd}<>"/dev/tcp/127.0.0.1/${port[$1]}" || fail "the process of $1 MB does not answer"
	printf 'GET %s HTTP/1.0\r\n\r\n' "$2" >&"$fd"
	timeout 600 sed '1,/^\r$/d' <&"$fd"
	exec {fd}>&-
}

rss() { # PID
	awk '/^VmRSS:/ { print $2 * 1024 }' "/proc/$1/status"
}

for size in "${sizes[@]}"; do
	"$node" --expose-gc --max-old-space-size=6000 tests/bench/heap.js "$size" >"$scratch/$size" &
	process[$size]=$!
done
for size in "${sizes[@]}"; do
	for ((i = 0; i < 1200; i++)); do
		[[ ! -s $scratch/$size ]] || break
		kill -0 "${process[$size]}" 2>/dev/null || fail "the process of $size MB does not start"
		sleep 0.05
	done
	port[$size]=$(jq .listening "$scratch/$size")
done

results=$scratch/results
: >"$results"

one_census() { # MB [ARG...]
	local pid=${process[$1]} idle inside before

	ask "$1" /pause >/dev/null
	sleep 1
	idle=$(ask "$1" /pause | jq .ms)
	before=$(rss "$pid")
	ask "$1" /pause >/dev/null
	"$memwatch" heap -p "$pid" --json "${@:2}" >"$scratch/census" 2>"$scratch/err" || fail "heap: $(cat "$scratch/err")"
	inside=$(ask "$1" /pause | jq .ms)
	jq -nc --argjson mb "$1" --argjson idle "$idle" --argjson inside "$inside" --argjson before "$before" \
		--argjson after "$(rss "$pid")" '[inputs] | (map(select(.type == "census"))[0]) as $c | last as $closing |
		{bench: (if any(.[]; .type == "retainer") then "retainers" else "heap" end), mb: $mb, objects: $c.count, bytes: $c.bytes, pause_ms: ($c.pause_ns / 1e6), inside_ms: $inside,
		 idle_ms: $idle, analysis_ms: ($c.analysis_ns / 1e6), copied: $c.copied_bytes, rss_before: $before, rss_after: $after,
		 gc_waits: ($c.gc_waits // 0), own_peak: $closing.self.peak_rss_bytes, own_cpu_ms: ($closing.self.cpu_ns / 1e6)}' \
		"$scratch/census" >>"$results"
}

one_snapshot() { # MB
	local pid=${process[$1]} free before peak took

	free=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
	((free > $1 * 16)) || {
		echo "  snapshot of $1 MB: left out, it needs some $(($1 * 16)) MB of memory"
		return
	}
	before=$(rss "$pid")
	ask "$1" /pause >/dev/null
	took=$(ask "$1" "/snapshot?$scratch/heapsnapshot" | jq .ms)
	peak=$(awk '/^VmHWM:/ { print $2 * 1024 }' "/proc/$pid/status")
	jq -nc --argjson mb "$1" --argjson took "$took" --argjson before "$before" --argjson peak "$peak" \
		--argjson file "$(stat -c %s "$scratch/heapsnapshot")" --argjson inside "$(ask "$1" /pause | jq .ms)" \
		'{bench: "snapshot", mb: $mb, pause_ms: $took, inside_ms: $inside, rss_before: $before, peak: $peak, file: $file}' >>"$results"
	rm -f "$scratch/heapsnapshot"
}

printf 'A census of the heap of Node %s, %d rounds\n' "$("$node" --version)" "$rounds"
for ((round = 0; round < rounds; round++)); do
	for size in "${sizes[@]}"; do one_census "$size"; done
done
for size in "${sizes[@]}"; do one_census "$size" --retainers Entry; done
for size in "${sizes[@]}"; do one_snapshot "$size"; done

jq -rs 'def r: . * 10 | round / 10 | tostring;
	def mb: . / 1e6 | round | tostring;
	def spread: sort | "\(.[length / 2 | floor] | r) [\(first | r), \(last | r)]";
	group_by(.mb)[] | map(select(.bench == "heap")) as $h | map(select(.bench == "snapshot"))[0] as $s |
	map(select(.bench == "retainers"))[0] as $r |
	"  \($h[0].mb) MB, \($h[0].objects) objects",
	"    pause      \($h | map(.pause_ms) | spread) ms; by the process itself \($h | map(.inside_ms) | spread) ms (idle \($h | map(.idle_ms) | spread) ms)",
	"    afterwards \($h | map(.analysis_ms) | spread) ms of memwatch; CPU in all \($h | map(.own_cpu_ms) | spread) ms",
	"    memory     the process \($h | map(.rss_after - .rss_before) | max / 1024 | round) KiB more at most; memwatch \($h | map(.own_peak) | max | mb) MB, " +
		"budget \($h | map(.rss_before * 1.1 + 12 * .objects) | max | mb) MB",
	"    retainers  too: memwatch \($r.own_peak | mb) MB, CPU in all \($r.own_cpu_ms | r) ms",
	if $s then "    snapshot   pause \($s.pause_ms | r) ms; the process \($s.rss_before | mb) to \($s.peak | mb) MB; file \($s.file | mb) MB" else empty end' \
	"$results"
jq -s --arg kernel "$(uname -r)" --arg date "$(date -u +%FT%TZ)" --arg node "$("$node" --version)" --argjson cpus "$(nproc)" \
	'{date: $date, kernel: $kernel, cpus: $cpus, node: $node, results: .}' "$results" >"$json"
echo "  All of it: $json"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# make bench, second part: what growth sites, and probes at collections, cost a Node service that allocates at
# full speed.
#
#	MEMWATCH=build/memwatch tests/bench/sites.sh [--quick | --gc]
#
# Throughput, p99 and CPU a call with sites, without them (--no-stacks) and unwatched, interleaved
# (http.c); the same with collections, without them (--without gc) and unwatched, all of it without sites
# (--gc: nothing else); then, from memwatch's own end record under the same load, BPF time and memwatch's CPU
# time a sample. Node 22 where `make nodes` has fetched it, else the system's. A table on stdout,
# everything in build/bench-sites.json. About seven minutes; --quick (or BENCH_SECONDS below 120) three.
# No figure passes or fails; what cannot be measured does.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

http=$build/tests/bench/http
json=$build/bench-sites.json
node=${MEMWATCH_NODES:-/var/cache/memwatch/node}/22.23.3/bin/node
[[ -x $node ]] || node=node

pairs=12 own_seconds=15 parts="sites gc own"
[[ ${1:-} != --gc ]] || parts=gc
if is_quick "$@"; then
	pairs=5 own_seconds=8
fi

service='' load=''
clean() {
	[[ -z $load ]] || kill "$load" 2>/dev/null || true
	[[ -z $service ]] || kill "$service" 2>/dev/null || true
}
need jq

results=$scratch/results
: >"$results"

"$node" tests/bench/sites.js >"$scratch/service" &
service=$!
for ((i = 0; i < 400; i++)); do
	[[ ! -s $scratch/service ]] || break
	kill -0 $service 2>/dev/null || fail "the service does not start"
	sleep 0.05
done
port=$(jq .listening "$scratch/service")

show() { # show FILTER WHAT: one line of the table a result
	jq -r "def r: . * 1000 | round / 1000 | tostring;
		def ratio: \"\(.median | r) [\(.low | r), \(.high | r)]\";
		def pad(n): . + \" \" * ([n - length, 0] | max);
		select($1) | \"  \" + ($2)" "$results"
}

printf 'A Node %s service at full speed, watched (default budget)\n' "$("$node" --version)"
for part in sites gc; do
	[[ " $parts " == *" $part "* ]] || continue
	"$http" "$memwatch" "$port" $service $pairs $part >>"$results" || fail "http"
	# shellcheck disable=SC2016 # jq's variables
	show ".bench == \"$part\"" '((.bench + ": " + .variant) | pad(18)) + "calls a second x \(.throughput_ratio | ratio), p99 x \(.p99_ratio | ratio), " +
		"service CPU a call x \(.cpu_ratio | ratio)  (\(.off_calls_per_s.median | round)/s, \(.off_p99_ms.median | r) ms, \(.off_cpu_us.median | round) us)"'
done

save() {
	jq -s --arg kernel "$(uname -r)" --arg date "$(date -u +%FT%TZ)" --arg node "$("$node" --version)" \
		--argjson cpus "$(nproc)" \
		'{date: $date, kernel: $kernel, cpus: $cpus, node: $node, results: .}' "$results" >"$json"
	echo "  All of it: $json"
}
if [[ $parts != *own* ]]; then
	save
	exit
fi

# The same load without end: PAIRS of nothing but memwatch's own run below
"$http" "$memwatch" "$port" $service 1000 load >/dev/null 2>&1 &
load=$!

# own NAME ARG...: memwatch's figures of itself
own() {
	local name=$1
	shift
	"$memwatch" --json -p $service -d "$own_seconds" "$@" >"$scratch/own" 2>/dev/null || fail "memwatch $*"
	jq -nc --arg name "$name" --argjson seconds "$own_seconds" '[inputs] |
		([.[] | select(.type == "site")] | if . == [] then [] else group_by(.ts_ns)[-1] end) as $sites |
		(last | select(.type == "end")) as $closing |
		{bench: "own", name: $name, seconds: $seconds,
		 samples: ($sites | map(.samples) | add // 0),
		 by_kind: ($sites | group_by(.kind) | map({key: .[0].kind, value: (map(.samples) | add)}) | from_entries),
		 cpu_ns: ($closing.self.cpu_pct * 1e7 * $seconds), bpf_ns: $closing.self.bpf_ns, self: $closing.self, lost: $closing.lost}' \
		"$scratch/own" >>"$results"
}
own no-stacks --no-stacks
own sites
# shellcheck disable=SC2016 # jq's variables
jq -rs '(map(select(.bench == "own")) | map({key: .name, value: .}) | from_entries) as $o |
	$o.sites.samples as $n |
	def us: . / 10 | round / 100 | tostring;
	"  of its own in \($o.sites.seconds) s: \($n) samples \($o.sites.by_kind | tojson)",
	"  BPF \(($o.sites.bpf_ns // 0) / 1e6 | round) ms (\(($o["no-stacks"].bpf_ns // 0) / 1e6 | round) without stacks), memwatch \($o.sites.cpu_ns / 1e6 | round) ms of CPU (\($o["no-stacks"].cpu_ns / 1e6 | round) without)",
	if $n > 0 then
	"  a sample: BPF \((($o.sites.bpf_ns // 0) - ($o["no-stacks"].bpf_ns // 0)) / $n | us) us, memwatch \(($o.sites.cpu_ns - $o["no-stacks"].cpu_ns) / $n | us) us"
	else "  no samples" end' "$results"

save

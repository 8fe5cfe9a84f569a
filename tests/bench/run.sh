#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# make bench: what memwatch costs, as ratios that were measured in one interleaved run each.
#
#	MEMWATCH=build/memwatch tests/bench/run.sh [--quick]
#
# A table on stdout, everything in build/bench.json. About four minutes; --quick (or
# BENCH_SECONDS below 120) about one and a half. No figure passes or fails; what cannot be
# measured does.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

bench=$build/tests/bench workloads=$build/tests/workloads
json=$build/bench.json

rounds=100 cycles=12 settled=3 pairs=16 own_seconds=10
if is_quick "$@"; then
	rounds=40 cycles=4 settled=2 pairs=6 own_seconds=4
fi

service='' crowd=''
clean() {
	[[ -z $service ]] || kill "$service" 2>/dev/null || true
	[[ -z $crowd ]] || kill "$crowd" 2>/dev/null || true
}
need jq node

results=$scratch/results
: >"$results"

# wait_line FILE PID: until FILE has a line.
wait_line() {
	local i
	for ((i = 0; i < 400; i++)); do
		[[ ! -s $1 ]] || return 0
		kill -0 "$2" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

crowd_start() {
	"$workloads/crowd" --count 1000 --bytes 256K --hold </dev/null >"$scratch/crowd" &
	crowd=$!
	wait_line "$scratch/crowd" $crowd || fail "the crowd of 1000 processes does not stand"
}

crowd_stop() {
	kill "$crowd"
	wait "$crowd" || true
	crowd=''
}

# own PLACE: what memwatch says it took, idle or crowded.
own() {
	local line
	"$memwatch" --json -d "$own_seconds" >"$scratch/own" 2>/dev/null || fail "memwatch --json"
	jq -c --arg place "$1" 'select(.type == "end") | {bench: "own", place: $place, output: "json"} +
		.self + {ticks}' "$scratch/own" >>"$results"
	"$memwatch" -d "$own_seconds" >"$scratch/own" 2>/dev/null || fail "memwatch"
	line=$(grep '^# memwatch took' "$scratch/own") || fail "no last line in the text"
	[[ $line =~ took\ ([0-9.]+)\ % ]] || fail "cannot read '$line'"
	jq -cn --arg place "$1" --arg line "$line" --argjson pct "${BASH_REMATCH[1]}" \
		'{bench: "own", place: $place, output: "text", cpu_pct: $pct, line: $line}' >>"$results"
}

show() { # show FILTER WHAT: one line of the table a result
	jq -r "def pct: . * 1000 | round / 10 | tostring;
		def r: . * 1000 | round / 1000 | tostring;
		def ratio: \"\(.median | r) [\(.low | r), \(.high | r)]\";
		def ms: . / 1e4 | round / 100 | tostring;
		def pad(n): . + \" \" * ([n - length, 0] | max);
		select($1) | \"  \" + ($2)" "$results"
}

printf 'memwatch %s, Linux %s, %s CPUs, load %s\n' "$("$memwatch" --version | cut -d' ' -f2)" \
	"$(uname -r)" "$(nproc)" "$(cut -d' ' -f1-3 /proc/loadavg)"
echo 'Ratios: median of pairs in one interleaved run [95 % interval]; 1 is no difference.'
echo 'How far "nothing" (no memwatch at all) is from 1 is the noise of this machine.'

echo
echo "Own cost over $own_seconds s"
own idle
crowd_start
own crowd
# shellcheck disable=SC2016 # jq's variables
show '.bench == "own"' '("\(.place), \(.output):" | pad(14)) + "\(.cpu_pct | r) % of a CPU" +
	if .output == "json" then ", BPF \((.bpf_ns // 0) / 1e6 | r) ms in others'"'"' time, rss \(.rss_bytes / 1e4 | round / 100) MB, maps \(.map_bytes / 1e4 | round / 100) MB" else "" end'

echo
echo 'Collecting one tick, CPU time'
"$bench/collect" $rounds >>"$results" || fail "collect: the facts differ from /proc, or no session"
crowd_stop
show '.bench == "collect"' '"\(.processes) processes: \(.session_ns.median | ms) ms (\(.session_ns.median / .processes | round) ns each); " +
	"/proc status + stat \(.proc_ns.median | ms) ms: x \(.proc_ratio | ratio); " +
	"with statm \(.proc_statm_ns.median | ms) ms: x \(.proc_statm_ratio | ratio); \(.checked) compared, \(.different) differ"'

echo
echo 'Being watched (loops; --budget 0: shedding would hide the cost)'
"$bench/overhead" "$memwatch" $cycles $settled >>"$results" || fail "overhead"
show '.bench == "overhead" and .budget == "none"' '(.loop | pad(8)) + (.variant | pad(23)) + "\(.off_ns.median | r) ns, +\(.added_ns.median | r) ns: x \(.ratio | ratio)"'
echo '  with the default budget, settled (one run each, as noisy as a single pair):'
show '.bench == "overhead" and .budget != "none"' '(.loop | pad(8)) + (.variant | pad(23)) + "x \(.ratio.median | r)" +
	if .loop == "fault" and .said != "" then "  (\(.said))" else "" end'

echo
echo 'A Node service at full speed (default budget)'
node tests/workloads/status-service/server.js --port 0 --mode fixed >"$scratch/service" &
service=$!
wait_line "$scratch/service" $service || fail "the service does not start"
"$bench/http" "$memwatch" "$(jq .listening "$scratch/service")" $service $pairs >>"$results" ||
	fail "http"
kill $service
wait $service || true
service=''
show '.bench == "http"' '(.variant | pad(10)) + "calls a second x \(.throughput_ratio | ratio), p99 x \(.p99_ratio | ratio), " +
	"service CPU a call x \(.cpu_ratio | ratio)  (\(.off_calls_per_s.median | round)/s, \(.off_p99_ms.median | r) ms, \(.off_cpu_us.median | round) us)"'

jq -s --arg kernel "$(uname -r)" --arg date "$(date -u +%FT%TZ)" --argjson cpus "$(nproc)" \
	'{date: $date, kernel: $kernel, cpus: $cpus, results: .}' "$results" >"$json"
echo
echo "All of it: $json"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# make bench: what recording a machine with 500 more processes costs beside watching it, once idle,
# once with all of them growing. About a minute and a half; --quick half of that. A table on stdout,
# everything in build/bench-record.json.
#
#	MEMWATCH=build/memwatch tests/bench/record.sh [--quick]
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

workloads=$build/tests/workloads
json=$build/bench-record.json
windows=15
! is_quick "$@" || windows=6

crowd=()
clean() {
	[[ ${#crowd[@]} == 0 ]] || kill "${crowd[@]}" 2>/dev/null || true
}
need jq

# stands: all of the crowd has said that it is ready
stands() {
	local i
	for ((i = 0; i < 600; i++)); do
		[[ $(cat "$scratch"/ready.* 2>/dev/null | wc -l) -lt $1 ]] || return 0
		sleep 0.05
	done
	return 1
}

# measure LOAD
measure() {
	"$build/tests/bench/record" "$memwatch" "$scratch" "$windows" |
		jq -c --arg load "$1" '. + {load: $load}' >>"$scratch/results"
	rm -f "$scratch"/bench.mwr*
}

"$workloads/crowd" --count 500 --bytes 256K --hold </dev/null >"$scratch/ready.0" &
crowd=($!)
stands 1 || fail "the crowd of 500 processes does not stand"
measure idle
kill "${crowd[@]}"
wait "${crowd[@]}" || true

crowd=()
for ((i = 0; i < 500; i++)); do
	"$workloads/grow" malloc --step 4K --interval-ms 1000 --count 100000 --hold </dev/null >"$scratch/ready.$i" &
	crowd+=($!)
done
stands 500 || fail "500 processes that grow do not stand"
measure growing
kill "${crowd[@]}"
wait "${crowd[@]}" || true
crowd=()

echo
echo 'Recording beside watching, CPU time a tick, in the same seconds (--budget 0)'
jq -r 'def r: . * 100 | round / 100 | tostring;
	def ratio: "x \(.median | r) [\(.low | r), \(.high | r)]";
	"  500 more \(.load), \(.processes) in all: record \(.record_ms.median | r) ms, " +
	"watch --json \(.json_ms.median | r) ms: \(.json_ratio | ratio), " +
	"watch as text \(.text_ms.median | r) ms: \(.text_ratio | ratio)"' "$scratch/results"
jq -s --arg kernel "$(uname -r)" --arg date "$(date -u +%FT%TZ)" \
	'{date: $date, kernel: $kernel, results: .}' "$scratch/results" >"$json"

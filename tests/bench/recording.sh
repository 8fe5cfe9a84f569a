#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# make bench, fourth part: how large recordings become, and what a tick of one costs.
#
#	MEMWATCH=build/memwatch tests/bench/recording.sh [--quick | --day]
#
# Some 500 processes of mixed behaviour (most do nothing, some work now and then, some grow, some
# are born and die) are recorded for SOURCE_SECONDS, with all else that runs here. What was seen is
# then replayed into another recording, on a clock that is made: an hour of it, with --day a whole
# day (some minutes). A line on stdout, everything in build/bench-recording.json. About a minute and
# a half; --quick (or BENCH_SECONDS below 120) one. No figure passes or fails; what cannot be
# measured does.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

json=$build/bench-recording.json
processes=500 idle=420

source_seconds=45 hours=1
if is_quick "$@"; then
	source_seconds=20
fi
[[ ${1:-} != --day ]] || hours=24

children=()
clean() {
	local pid
	for pid in ${children[@]+"${children[@]}"}; do
		kill "$pid" 2>/dev/null || true
	done
	wait 2>/dev/null || true
}
need jq node perl

# worker PERIOD STRINGS MOST: every PERIOD seconds so many more strings, of at most MOST
# shellcheck disable=SC2016 # of Perl
worker() {
	perl -e 'my ($s, $n, $most) = @ARGV; my (%h, $i);
		while (1) { $h{$i++ % $most} = "x" x 100 for 1 .. $n; select undef, undef, undef, $s }' \
		"$@" &
	children+=($!)
}

"$build/tests/workloads/crowd" --count $idle --bytes 256K --hold <><(:) >"$scratch/crowd" &
children+=($!)
for ((i = 0; i < 70; i++)); do
	worker $((1 + i % 15)) $((i % 4 * 20)) $((1 + i * 200))
done
for ((i = 0; i < 6; i++)); do
	worker 1 100 100000000
done
for ((i = 1; i <= 4; i++)); do
	node -e 'let kept = [], [period, most] = process.argv.slice(1).map(Number);
		setInterval(() => {
			kept.push(Buffer.alloc(2000), "x".repeat(500));
			if (kept.length > most) kept = [];
		}, period);' $((100 * i)) $((2000 * i)) &
	children+=($!)
done
(while sleep 0.5; do :; done) &
children+=($!)

"$memwatch" record -q --budget 0 -d "$source_seconds" -o "$scratch/source.mwr" ||
	fail "nothing could be recorded"
"$build/tests/bench/recording" "$scratch/source.mwr" "$scratch/replayed.mwr" $hours $processes >"$json"

jq -r '"a recording of \(.hours) h, 500 processes and \(.events / .hours / 3600 | round) events a second: " +
	"\(.mib) MiB (at most \(.most_mib) with its log)\n" +
	"a tick of it: \(.tick_ms_mean) ms of CPU time on average, \(.tick_ms.median * 100 | round / 100) in the median, " +
	"\(.tick_ms_max) at most; the longest took \(.tick_wall_ms_max) ms"' "$json"

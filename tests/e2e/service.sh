#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What memwatch is for: of two Node services on a busy machine, which one leaks; and neither is
# harmed by being watched.
# shellcheck disable=SC2317 # functions that await calls
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need
command -v node >/dev/null || skip_all "no node here"

CALLS=2500
ROUNDS=5
SETTLED=2 # rounds until V8's young generation has its size

listens() {
	grep -q '"listening"' "$T/$1.out"
}

port_of() {
	jq -r .listening "$T/$1.out"
}

health() { # ID METHOD PATH
	local options
	options="{host: '127.0.0.1', port: $(port_of "$1"), method: '$2', path: '$3'}"
	node -e "require('http').request($options, (r) => r.pipe(process.stdout)).end()"
}

# sample PID: RssAnon with its time, as fast as it goes, until it is killed
sample() {
	local up key value
	while read -r up _ </proc/uptime; do
		while read -r key value _; do
			[ "$key" != RssAnon: ] || echo "${up/./}0000000 $((value * 1024))"
		done <"/proc/$1/status"
		read -rt 0.02 _ # stdin is a pipe that nothing comes from
	done
}
export -f sample

for mode in leaking fixed; do
	start $mode node --expose-gc "$SERVICE" --port 0 --mode $mode
	await 20 "the service to listen" listens $mode
done
leaking=$(pid_of leaking)
watch m -i 0.2 --budget 0 -s growth

# load ID...: one round of calls to each
load() {
	local id
	for id in "$@"; do
		start "load-$id" node "$LOAD" --port "$(port_of "$id")" --calls "$CALLS"
	done
	for id in "$@"; do
		ended "load-$id" 60
		cat "$T/load-$id.out" >>"$T/load-$id.all"
	done
}

# rested ID: its anonymous memory twice the same, a moment apart
rested() {
	local before
	before=$(status_bytes "$(pid_of "$1")" RssAnon)
	read -rt 0.3 _ <>"$T/nothing"
	[ "$(status_bytes "$(pid_of "$1")" RssAnon)" = "$before" ]
}
mkfifo "$T/nothing"

# anon_at_rest ID ROUND: what memwatch and the kernel say, when it has come to rest
anon_at_rest() {
	local tolerance proc
	await 20 "$1 to come to rest" rested "$1"
	tick m
	proc=$(status_bytes "$(pid_of "$1")" RssAnon)
	ANON[${1}_$2]=$(of_pid m "$(pid_of "$1")" '.[-1].anon_bytes')
	tolerance=$((proc / 100 > 2 * MIB ? proc / 100 : 2 * MIB))
	between $((proc - tolerance)) "${ANON[${1}_$2]}" $((proc + tolerance)) \
		"$1, round $2: at rest anon is RssAnon ($((proc / MIB)) MiB)"
}
declare -A ANON

# --- found at once ---

# shellcheck disable=SC2016 # of the inner shell
start sampler bash -c 'sample "$1"' - "$leaking"
began=$(boot_ns)
load leaking
loaded=$(boot_ns)
stop sampler
tick m
# The first process of each tick that showed it growing
read -r seen firsts when < <(jq -r 'select(.type == "process") |
	"\(.ts_ns) \(.pid) \(.delta.anon_bytes // 0)"' "$T/m.out" |
	awk -v pid="$leaking" -v began="$began" -v loaded="$loaded" '
	$2 == pid && $1 > began && $1 < loaded && $3 > 524288 {
		seen++
		if ($1 != tick) { firsts++; if (!when) when = $1 }
	}
	{ tick = $1 }
	END { printf "%d %d %.0f\n", seen, firsts, when }')
between 1 "$firsts" "$seen" "the leaking service is the first under -s growth ($firsts of $seen ticks)"
between 0 $((when - began)) 10000000000 "within 10 s"
note "after $(((when - began) / 1000000)) ms"

# Each tick is compared with the samples just before and just after it.
read -r compared worst < <(of_pid m "$leaking" '.[] | "\(.ts_ns) \(.anon_bytes)"' | tr -d '"' |
	awk -v page="$PAGE" '
	NR == FNR { at[NR] = $1; anon[NR] = $2; n = NR; next }
	{
		low = high = -1
		for (i = 1; i < n; i++)
			if (at[i] + 1e7 <= $1 && at[i + 1] >= $1) {
				low = anon[i] < anon[i + 1] ? anon[i] : anon[i + 1]
				high = anon[i] < anon[i + 1] ? anon[i + 1] : anon[i]
			}
		if (low < 0) next
		compared++
		off = $2 < low ? low - $2 : $2 > high ? $2 - high : 0
		allowed = high / 100 > 2097152 ? high / 100 : 2097152
		if (off / allowed > worst) worst = off / allowed
	}
	END { printf "%d %d\n", compared, worst * 100 }' "$T/sampler.out" -)
between 1 "$compared" 1000 "ticks under load are compared with /proc ($compared)"
between 0 "$worst" 100 "under load anon follows RssAnon ($worst % of 1 % or 2 MiB off)"

# --- after equal calls, one is flat and one is not ---

load fixed
for ((round = 2; round <= ROUNDS; round++)); do
	load leaking fixed
	if ((round == SETTLED || round == ROUNDS)); then
		for mode in leaking fixed; do
			health $mode POST /gc >"$T/health"
			anon_at_rest $mode $round
		done
	fi
done
for mode in leaking fixed; do
	calls=$(jq -s 'map(.calls) | add' "$T/load-$mode.all")
	is "$calls $(jq -s 'map(.errors) | add' "$T/load-$mode.all")" "$((CALLS * ROUNDS)) 0" \
		"$mode: all calls answered, no errors"
	note "$mode: p99 $(jq -s -c 'map(.p99_ms)' "$T/load-$mode.all") ms"
done
is "$(health leaking GET /health | jq .handles) $(health fixed GET /health | jq .handles)" \
	"$((CALLS * ROUNDS)) 0" "the leak is the one that is known"
# grown_since_settled MODE
grown_since_settled() {
	local from=${ANON[${1}_$SETTLED]} to=${ANON[${1}_$ROUNDS]}
	echo $((to - from))
}
grown=$(grown_since_settled leaking)
flat=$(grown_since_settled fixed)
note "after the warm-up leaking grew by $((grown / MIB)) MiB, fixed by $((flat / MIB)) MiB"
# Some 20 KB a call are kept.
between $((10000 * CALLS * (ROUNDS - SETTLED))) "$grown" $((40000 * CALLS * (ROUNDS - SETTLED))) \
	"the leaking service keeps growing"
between $((-grown)) "$flat" $((grown / 5)) "the fixed one does not"

stop m
is "$STATUS$(err_of m)" 0 "memwatch ends with status 0"
for mode in leaking fixed; do
	is "$(err_of $mode)" "" "$mode: no complaint"
	ok "$mode: still runs" kill -0 "$(pid_of $mode)"
	stop $mode
	is "$STATUS" 0 "$mode: ends with status 0"
done

done_testing

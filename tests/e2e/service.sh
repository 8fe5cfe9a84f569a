#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What memwatch is for: of three Node services on a busy machine, which one leaks; and none is
# harmed by being watched.
# shellcheck disable=SC2317 # functions that await calls
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need
command -v node >/dev/null || skip_all "no node here"

CALLS=2500
ROUNDS=5
SETTLED=2 # rounds until V8's young generation has its size

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

# answers ID: the service's answers to the same questions
ASKED=50
answers() {
	node -e "const http = require('http');
		const ask = (i) => i < $ASKED && http.get({ host: '127.0.0.1', port: $(port_of "$1"),
			path: '/api/status/same-' + i }, (r) => {
				process.stdout.write(r.statusCode + ' ');
				r.on('end', () => { console.log(); ask(i + 1); }).pipe(process.stdout, { end: false });
			});
		ask(0);"
}

MODES=(leaking fixed truncated)
for mode in "${MODES[@]}"; do
	serve_status "$mode" "$mode" --expose-gc
done
leaking=$(pid_of leaking)
for mode in "${MODES[@]}"; do answers "$mode" >"$T/$mode.unwatched"; done
watch m -i 0.2 --budget 0 -s growth
start text "$MEMWATCH" -i 0.5 -r 1 --budget 0
has_lines() {
	[ "$(grep -c '^[0-9]' "$T/$1.out")" -ge "$2" ]
}
await 20 "a tick in text" has_lines text 2

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

# From 6.2 to 6.15 /proc shows a per-CPU counter without its per-CPU parts; memwatch adds them.
IFS=.- read -r major minor _ < <(uname -r)
cpus=$(nproc --all)
slack=0
if ((major == 6 && minor >= 2 && minor <= 15)); then
	slack=$((cpus * (cpus > 16 ? 2 * cpus : 32) * PAGE))
fi

# anon_equal ID: memwatch and the kernel say the same of one moment, in which nothing changed
anon_equal() {
	local before pid
	pid=$(pid_of "$1")
	before=$(status_bytes "$pid" RssAnon)
	tick m
	AT_REST=$(of_pid m "$pid" '.[-1].anon_bytes')
	PROC=$(status_bytes "$pid" RssAnon)
	((before == PROC && AT_REST >= PROC - slack && AT_REST <= PROC + slack))
}
AT_REST=
PROC=

# anon_at_rest ID ROUND: when it has come to rest
anon_at_rest() {
	if wait_for 20 anon_equal "$1"; then
		pass "$1, round $2: at rest anon is RssAnon, within $slack bytes ($((PROC / MIB)) MiB)"
	else
		fail "$1, round $2: at rest anon is RssAnon, within $slack bytes" "$AT_REST, not $PROC"
	fi
	ANON[${1}_$2]=$AT_REST
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
# Each tick that showed it growing: those that stand before it, on a machine where others work too,
# grow as fast (as -s growth has it: over the last 10 s; a tenth for where those begin).
read -r seen firsts when < <(jq -r 'select(.type == "process") |
	"\(.ts_ns) \(.pid) \(.delta.anon_bytes // 0) \(.rss_bytes + .swap_bytes)"' "$T/m.out" |
	awk -v pid="$leaking" -v began="$began" -v loaded="$loaded" '
	$1 != tick { tick = $1; least = 1e18 }
	{
		n = count[$2]++; at[$2, n] = $1; size[$2, n] = $4
		while (at[$2, from[$2] + 0] < $1 - 1e10) from[$2]++
		first = from[$2] + 0
		rate = n > first ? ($4 - size[$2, first]) / ($1 - at[$2, first]) : 0
	}
	$2 == pid && $1 > began && $1 < loaded && $3 > 524288 {
		seen++
		if (least >= 0.9 * rate) { firsts++; if (!when) when = $1 }
	}
	rate < least { least = rate }
	END { printf "%d %d %.0f\n", seen, firsts, when }')
between 1 "$firsts" "$seen" "the leaking service is the first under -s growth, or after what grows faster ($firsts of $seen ticks)"
between 0 $((when - began)) 10000000000 "within 10 s"
note "after $(((when - began) / 1000000)) ms"
# With -r 1 each line is the first of its tick; the growth is that of the last 10 s.
text_names() {
	grep -Eq "^[0-9:]{8} +$1 +[^ ]+ +\+[0-9.]+M/s " "$T/text.out"
}
ok "text: it stands first within 15 s, growing by MiB a second" wait_for 12 text_names "$leaking"
stop text
is "$STATUS$(err_of text)" 0 "text: memwatch ends with status 0"
note "$(grep " $leaking " "$T/text.out" | tail -n 1)"

# Each tick is compared with the samples just before and just after it.
read -r compared worst < <(of_pid m "$leaking" '.[] | "\(.ts_ns) \(.anon_bytes)"' | tr -d '"' |
	awk -v page="$PAGE" '
	NR == FNR { at[NR] = $1; anon[NR] = $2; n = NR; next }
	{
		# A sample is up to 10 ms younger than it says: the last that is surely older than
		# the tick, the first that is surely younger, and those between.
		if (n == 0 || at[1] + 1e7 > $1 || at[n] < $1) next
		for (i = 1; i < n && at[i + 1] + 1e7 <= $1; i++);
		low = high = anon[i]
		do {
			i++
			if (anon[i] < low) low = anon[i]
			if (anon[i] > high) high = anon[i]
		} while (at[i] < $1)
		compared++
		off = $2 < low ? low - $2 : $2 > high ? $2 - high : 0
		allowed = high / 100 > 2097152 ? high / 100 : 2097152
		if (off / allowed > worst) worst = off / allowed
	}
	END { printf "%d %d\n", compared, worst * 100 }' "$T/sampler.out" -)
between 2 "$compared" 1000 "ticks under load are compared with /proc ($compared)"
between 0 "$worst" 100 "under load anon follows RssAnon ($worst % of 1 % or 2 MiB off)"

# --- after equal calls, one is flat and one is not ---

load fixed truncated
for ((round = 2; round <= ROUNDS; round++)); do
	load leaking fixed truncated
	if ((round == SETTLED || round == ROUNDS)); then
		for mode in "${MODES[@]}"; do
			health "$mode" POST /gc >"$T/health"
			anon_at_rest "$mode" $round
		done
	fi
done
for mode in "${MODES[@]}"; do
	calls=$(jq -s 'map(.calls) | add' "$T/load-$mode.all")
	is "$calls $(jq -s 'map(.errors) | add' "$T/load-$mode.all")" "$((CALLS * ROUNDS)) 0" \
		"$mode: all calls answered, no errors"
	note "$mode: p99 $(jq -s -c 'map(.p99_ms)' "$T/load-$mode.all") ms"
done
for mode in "${MODES[@]}"; do
	answers "$mode" >"$T/$mode.watched"
	is "$(grep -c '^200 {' "$T/$mode.watched")" "$ASKED" "$mode: $ASKED questions are answered"
	ok "$mode: the answers are those of before it was watched" cmp "$T/$mode.unwatched" \
		"$T/$mode.watched"
done
is "$(for mode in "${MODES[@]}"; do health "$mode" GET /health | jq .handles; done | xargs)" \
	"$((CALLS * ROUNDS + 2 * ASKED)) 0 0" "the leak is the one that is known"
# grown_since_settled MODE
grown_since_settled() {
	local from=${ANON[${1}_$SETTLED]} to=${ANON[${1}_$ROUNDS]}
	echo $((to - from))
}
grown=$(grown_since_settled leaking)
flat=$(grown_since_settled fixed)
truncated=$(grown_since_settled truncated)
note "after the warm-up leaking grew by $((grown / MIB)) MiB, fixed by $((flat / MIB)) MiB," \
	"truncated by $((truncated / MIB)) MiB"
# Some 20 KB a call are kept.
between $((10000 * CALLS * (ROUNDS - SETTLED))) "$grown" $((40000 * CALLS * (ROUNDS - SETTLED))) \
	"the leaking service keeps growing"
# V8's young generation may come to its full size in between: two semi-spaces of 16 MiB.
room=$((grown / 5 + 32 * MIB))
between $((-grown)) "$flat" $room "the fixed one does not"
between $((-grown)) "$truncated" $room "nor does the one that leaves early"

stop m
is "$STATUS$(err_of m)" 0 "memwatch ends with status 0"
for mode in "${MODES[@]}"; do
	is "$(err_of "$mode")" "" "$mode: no complaint"
	ok "$mode: still runs" kill -0 "$(pid_of "$mode")"
done

# --- the service is stopped ---

for mode in fixed truncated; do
	stop "$mode"
	is "$STATUS" 0 "$mode: ends with status 0"
done
last=$(status_bytes "$leaking" RssAnon)
watch m -i 0.5 -p "$leaking"
began=$(boot_ns)
stop leaking
is "$STATUS" 0 "leaking: ends with status 0"
ended m
is "$STATUS$(err_of m)" 0 "memwatch ends when the service does"
between 0 $(($(boot_ns) - began)) 5000000000 "soon"
is "$(jq_of m "select(.type == \"exit\" and .pid == $leaking) | [.status, .signal]")" "[0,null]" \
	"and reports how it ended"
between $((last - 8 * MIB)) "$(jq_of m "select(.type == \"exit\") | .peak_rss_bytes")" $((1024 * MIB)) \
	"and its peak"
is "$(tail -n 1 "$T/m.out" | jq -r .type)" end "the last line is the end record"

done_testing

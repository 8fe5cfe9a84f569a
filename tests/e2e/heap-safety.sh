#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# `memwatch heap` and a process that ends, stands still, is traced, or collects garbage all the time; and a
# memwatch that is killed: the process is never left stopped, nothing hangs, nothing crashes.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/heap/lib.sh
. "$TESTS/heap/lib.sh"
need_heap

KILLS=50
ENDS=20
CENSUSES=30 # as many as fit into GC_SECONDS, but some
CENSUSES_MIN=8
GC_SECONDS=30
NODE=$(a_node)
LEAKS=$TESTS/heap/leaks.js

# random_part SECONDS_MS: a random time up to so many ms, in seconds
random_part() {
	printf '%d.%06d' $((RANDOM * $1 / 32768 / 1000)) $((RANDOM * $1 / 32768 % 1000 * 1000 + RANDOM % 1000))
}

# took ID PID ARG...: how long a census takes, in ms; at least 1
took() {
	local from=${EPOCHREALTIME/./}
	census "$@"
	echo $(((${EPOCHREALTIME/./} - from) / 1000 + 1))
}

# --- memwatch is killed ---

serve service "$NODE" "$SERVICE" --port 0 --mode leaking
"$NODE" "$LOAD" --port "$PORT" --calls 2500 >"$T/load.out" || die "no load"
whole=$(for i in 1 2 3; do took first "$TARGET"; done | sort -n | head -n 1)
stopped=0 silent=0 cut=0
for ((i = 0; i < KILLS; i++)); do
	"$MEMWATCH" heap -p "$TARGET" --json >"$T/killed.out" 2>/dev/null &
	killed=$!
	sleep "$(random_part "$whole")"
	kill -KILL $killed 2>/dev/null && cut=$((cut + 1))
	wait $killed 2>/dev/null
	wait_for 2 runs "$TARGET" || stopped=$((stopped + 1))
	fetch "$PORT" /health >/dev/null || silent=$((silent + 1))
done
is "$stopped $silent" "0 0" "memwatch is killed at $KILLS random moments: the service runs on, and answers"
between $((KILLS / 5)) "$cut" $KILLS "many of them within a census"

# --- it is stopped already ---

kill -STOP "$TARGET"
await 5 "the service to stop" is_stopped "$TARGET"
census halted "$TARGET"
is "$STATUS $(count_of halted StatusContext)" "0 2500" "a process that SIGSTOP has stopped can be read"
like "$(grep ^State: "/proc/$TARGET/status")" 'T \(stopped\)' "and stays stopped"
kill -CONT "$TARGET"
await 5 "the service to run" runs "$TARGET"
ok "until SIGCONT" fetch "$PORT" /health

# --- another tracer has it ---

start other "$WORKLOADS/tracer" "$TARGET"
ready other
census traced "$TARGET"
is "$STATUS $(jq_of traced 'select(.type == "census") | .live // false')" "0 true" "where another traces it, it is read while it runs"
like "$(err_of traced)" "tracer.*$(pid_of other)|$(pid_of other).*trac" "which is said, and who"
between 2400 "$(count_of traced StatusContext)" 2600 "and counted"
ok "and it answers" fetch "$PORT" /health
leave other
ok "the service is right to the end" fetch "$PORT" /health
stop service

# --- it ends in mid-census ---

whole=0 crashes=() ended_by_itself=0
for ((i = 0; i < ENDS; i++)); do
	start target "$NODE" "$LEAKS" array
	ready target
	[ "$whole" != 0 ] || whole=$(took t "$(pid_of target)")
	start h "$MEMWATCH" heap -p "$(pid_of target)" --json
	sleep "$(random_part "$whole")"
	stop target KILL
	ended h 30
	case $STATUS in
	0) ended_by_itself=$((ended_by_itself + 1)) ;;
	1) [ "$(wc -l <"$T/h.err")" = 1 ] || crashes+=("status 1: $(err_of h)") ;;
	*) crashes+=("status $STATUS: $(err_of h)") ;;
	esac
done
is "${crashes[*]-}" "" "a process that is killed at $ENDS random moments: the census ends, with one line if it cannot be made"
note "$ended_by_itself of $ENDS censuses were complete"

# --- it collects all the time ---

# churn ID ARG...: gc-heavy.js
churn() {
	start "$1" "$NODE" --expose-gc "$TESTS/workloads/gc-heavy.js" "${@:2}"
	ready "$1"
}
churn heavy --seconds $GC_SECONDS --wait-go
go heavy
bad=() taken=0
for ((i = 0; i < CENSUSES; i++)); do
	! says heavy "done" || break
	census gc "$(pid_of heavy)"
	taken=$((taken + 1))
	[ "$STATUS" = 0 ] || bad+=("status $STATUS: $(err_of gc)")
	[ "$(jq_of gc 'select(.type == "constructor")' | wc -l)" -gt 50 ] || bad+=("few constructors")
	jq_of gc 'select(.type == "census") | [.in_gc // false, .gc_waits // 0, .pause_ns // 0]' >>"$T/gc.list"
done
is "${bad[*]-}" "" "censuses of a process that collects all the time"
between $CENSUSES_MIN "$taken" $CENSUSES "$taken of them in a row"
note "$(jq -sc '{in_gc: map(select(.[0])) | length, waited: map(select(.[1] > 0)) | length, longest_ms: (map(.[2]) | max / 1e6)}' "$T/gc.list")"
finished heavy 120
rounds=$(did heavy rounds)
sum=$(did heavy checksum)
leave heavy
churn again --rounds "$rounds"
finished again 120
is "$(did again checksum)" "$sum" "its result is that of a run that nobody read ($rounds rounds)"
leave again
done_testing

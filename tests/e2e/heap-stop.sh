#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What a process notices of `memwatch heap`: its memory, its signals, its parent. What --live
# does not do, and what happens where memory is short.
# shellcheck disable=SC2317 # functions that await calls
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/heap/lib.sh
. "$TESTS/heap/lib.sh"
need_heap

SIGNALS=100
CENSUSES=5
HEAP_MIB=60
NODE=$(a_node)

start target "$NODE" --max-old-space-size=1000 "$TESTS/workloads/acknowledge.js" $HEAP_MIB
ready target
TARGET=$(pid_of target)

# --- its memory ---

before=$(status_bytes "$TARGET" VmRSS)
bad=()
for ((i = 0; i < 5; i++)); do
	census idle "$TARGET"
	[ "$STATUS" = 0 ] || bad+=("$(err_of idle)")
done
after=$(status_bytes "$TARGET" VmRSS)
is "${bad[*]-}" "" "five censuses of a process that has $((before / MIB)) MiB"
# V8 gives memory back when it is idle
between -$((before)) $((after - before)) $MIB "its RSS does not grow ($((after - before)) bytes)"
note "pause $(jq_of idle 'select(.type == "census") | .pause_ns / 1e6') ms"

# --- its signals ---

signals() {
	grep -c '"event":"signal"' "$T/target.out"
}
told() {
	[ "$(signals)" -ge "$1" ]
}
censuses() {
	grep -c '"type":"census"' "$T/again.out"
}
(while :; do "$MEMWATCH" heap -p "$TARGET" --json; done) >"$T/again.out" 2>"$T/again.err" &
PID[again]=$!
lost=''
for ((i = 1; i <= 5000 && (i <= SIGNALS || $(censuses) < CENSUSES); i++)); do
	kill -USR2 "$TARGET"
	wait_for 10 told $i || lost+=" $i"
done
kill "${PID[again]}"
wait "${PID[again]}" 2>/dev/null
unset 'PID[again]'
is "$lost $(signals)" " $((i - 1))" "$((i - 1)) signals during $(censuses) censuses arrive, each once"
between $CENSUSES "$(censuses)" 100000 "so many there were"

# --- its parent, and job control ---

# Each change of state of its child that a parent can wait for.
cat >"$T/parent.py" <<'PYTHON'
import os, sys
child = os.fork()
if not child:
    os.execv(sys.argv[1], sys.argv[1:])
while True:
    pid, status = os.waitpid(child, os.WUNTRACED | os.WCONTINUED)
    print("ended" if os.WIFSIGNALED(status) else "other %#x" % status, flush=True)
    if not os.WIFSTOPPED(status) and not os.WIFCONTINUED(status):
        break
PYTHON
if command -v python3 >/dev/null; then
	start parent python3 "$T/parent.py" "$NODE" "$TESTS/workloads/acknowledge.js"
	ready parent
	child=$(jq -r .pid "$T/parent.out")
	for ((i = 0; i < 5; i++)); do census of_child "$child"; done
	kill -KILL "$child"
	ended parent
	is "$STATUS $(tail -n +2 "$T/parent.out")" "0 ended" "its parent sees nothing of a census, and then its end"
else
	skip "its parent sees nothing of a census" "no python3 here"
fi

# --- not to be stopped ---

if command -v strace >/dev/null; then
	strace -f -e trace=ptrace -o "$T/live.trace" "$MEMWATCH" heap -p "$TARGET" --live --json >"$T/live.out" 2>"$T/live.err"
	is "$? $(grep -c 'ptrace(' "$T/live.trace")" "0 0" "--live does not trace it"
	is "$(jq_of live 'select(.type == "census") | [.live, .pause_ns // 0]')" "[true,0]" "and says so"
	strace -f -e trace=ptrace -o "$T/traced.trace" "$MEMWATCH" heap -p "$TARGET" --json >"$T/traced.out" 2>&1
	between 10 "$(grep -c 'ptrace(' "$T/traced.trace")" 100000 "which without it would be seen"
else
	skip "--live does not trace it" "no strace here"
fi

# --- where memory is short ---

census small "$TARGET" --max-memory 20M
is "$STATUS $(wc -l <"$T/small.err")" "1 1" "a copy that is larger than --max-memory is refused, in one line"
like "$(err_of small)" 'takes [0-9.]+M, but only 20.0M may be used' "which says how much it would take"
if cgroup_root && cgroup_new "memwatch-heap-$$" $((40 * MIB)); then
	start short bash -c 'in_cgroup "$@"' bash "memwatch-heap-$$" "$MEMWATCH" heap -p "$TARGET" --json
	ended short 30
	is "$STATUS" 1 "nor is one made that does not fit into memwatch's cgroup"
	like "$(err_of short)" 'takes [0-9.]+M, but only [0-9.]+M are free here' "which says so"
else
	skip "nor is one made that does not fit into memwatch's cgroup" "$CGROUP_WHY"
fi
runs "$TARGET"
is "$?" 0 "the process runs"
stop target KILL
done_testing

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# memwatch check: exit statuses, programs that it runs, what becomes of them and of what they start.
# What takes a minute runs beside all the rest.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need

GROW=$WORKLOADS/grow
LEAKING=("$GROW" malloc --step 512K --interval-ms 250 --count 100000)
export GROW

# run NAME ARG...: memwatch check ARG...; STATUS, $T/NAME.out, $T/NAME.err
run() {
	local name=$1
	shift
	timeout -k 5 60 "$MEMWATCH" check "$@" >"$T/$name.out" 2>"$T/$name.err" </dev/null
	STATUS=$?
}

last_line() {
	tail -n 1 "$T/$1.out"
}

# gone_all FILE: all whose PIDs it lists
# shellcheck disable=SC2317 # called by wait_for
gone_all() {
	local pid state
	while read -r pid; do
		state=$(sed 's/.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null) || continue
		[ "$state" = Z ] || return 1 # a zombie is init's, however late that is
	done <"$1"
}

# --- a minute: a leak in a grandchild whose parent is gone; a leak among processes that are named ---

# shellcheck disable=SC2016 # the inner shell's
start tree "$MEMWATCH" check -d 70 -- bash -c '
	(setsid bash -c "echo \$\$ >\"\$1\"; exec \"\${@:2}\"" - "$@" &)
	echo $$ >"$0"; exec "$GROW" steady --hold' "$T/tree.pids" "$T/grandchild.pid" "${LEAKING[@]}"
start leaking "${LEAKING[@]}"
start flat "$GROW" steady --hold
ready leaking
ready flat
start named "$MEMWATCH" check --json -d 70 "$(pid_of leaking)" "$(pid_of flat)"

# --- wrong usage: a line that says why, and status 2 ---

refused() {
	local what=$1
	shift
	run refused "$@"
	is "$STATUS $(wc -l <"$T/refused.err") $(wc -c <"$T/refused.out")" "2 1 0" "$what: status 2 and a line"
}

refused "nothing to check"
refused "no command after --" --
refused "processes and a command" -p 1 -- true
refused "an option of watch alone" -r 5 -p 1
for rate in x 1x/s 0 -1/s 1MiB/day ''; do refused "--max-growth '$rate'" --max-growth "$rate" -p 1; done
run gone -p 4194303
is "$STATUS $(wc -l <"$T/gone.err")" "1 1" "no such process: status 1 and a line"

# --- a program: its output, its input, its status ---

run passes -- bash -c 'echo to-stdout; echo to-stderr >&2; [ ! -t 0 ]'
is "$STATUS $(head -n 1 "$T/passes.out") $(grep -c '^to-stderr$' "$T/passes.err")" "0 to-stdout 1" \
	"what passes: status 0, the program's output before the summary"
like "$(last_line passes)" '^PASS: 1 process, no leak \(no growth seen; watched too briefly' \
	"what is brief passes, and that is said"
is "$(echo fed | timeout 60 "$MEMWATCH" check -q -o /dev/null -- cat)" fed "its input is memwatch's"

run fails -- bash -c 'exit 5'
is "$STATUS $(last_line fails)" "1 FAILED: 'bash' ended with status 5" "a program that fails"
# shellcheck disable=SC2016
run crashes -- bash -c 'ulimit -c 0; kill -SEGV $$'
is "$STATUS $(last_line crashes)" "1 FAILED: 'bash' was killed by signal 11 (SIGSEGV)" \
	"a program that crashes"
for program in /nonexistent/program "$T" ''; do
	run unable -- "$program"
	is "$STATUS $(wc -l <"$T/unable.err") $(wc -c <"$T/unable.out")" "1 1 0" \
		"'${program/$T/a folder}' cannot be run: status 1 and a line"
	like "$(cat "$T/unable.err")" "cannot run '.*': " "'${program/$T/a folder}': the line says so"
done

# --- what the program inherits: as if memwatch were not there ---

state='grep -E "^Sig(Blk|Ign)" /proc/self/status; ls /proc/self/fd | wc -l'
timeout 60 "$MEMWATCH" check -q -o /dev/null -- bash -c "$state" >"$T/inherited" 2>"$T/err" </dev/null
timeout 60 bash -c "$state" >"$T/usual" 2>"$T/err" </dev/null
is "$(cat "$T/inherited")" "$(cat "$T/usual")" "no signal is blocked or ignored, nothing is open"
# Ignored by whoever started memwatch, its end would be lost.
(trap '' CHLD && timeout 60 "$MEMWATCH" check -q -o /dev/null -- bash -c 'exit 5')
is $? 1 "its status is known, though memwatch was started with SIGCHLD ignored"

# --- the end: after -d, by a signal, when the program has ended ---

run timed -d 2 -- "$GROW" steady --hold
is "$STATUS" 0 "after -d it is ended, and that is no failure of its"
like "$(last_line timed)" '^PASS: ' "and passes"

# shellcheck disable=SC2016
run left -- bash -c '(setsid bash -c "trap \"\" TERM; echo \$\$ >\"\$0\"; while :; do sleep 0.1; done" "$0" &)
	until [ -s "$0" ]; do sleep 0.02; done' "$T/left.pids"
is "$STATUS" 0 "a program that leaves a daemon behind"
ok "the daemon is ended, though it ignores SIGTERM" wait_for 10 gone_all "$T/left.pids"
like "$(cat "$T/left.err")" "left processes behind" "and that is said"

# shellcheck disable=SC2016
start stopped "$MEMWATCH" check -- bash -c 'echo $$ >"$0"; "$GROW" steady --hold & echo $! >>"$0"
	echo up; wait' "$T/stopped.pids"
await 20 "the program to be up" grep -q '^up' "$T/stopped.out"
stop stopped
is "$STATUS" 0 "stopped by SIGTERM: judged by what was seen"
ok "what it ran is gone" wait_for 10 gone_all "$T/stopped.pids"

run ends -d 50 -- sleep 0.3
is "$STATUS" 0 "with -d the run ends when all have ended"
between 0 "$(sed -n 's/.*watched for \([0-9]*\)s$/\1/p' "$T/ends.out")" 20 "not when the time is over"

# --- memwatch fails, as here when its output has no room: what it ran is not left behind ---

# shellcheck disable=SC2016
start full bash -c 'trap "" XFSZ; exec "$@"' - "$MEMWATCH" check --json -i 0.2 -d 50 -o "$T/full.ndjson" -- \
	bash -c '(setsid bash -c "trap \"\" TERM; echo \$\$ >\"\$0\"; while :; do sleep 0.1; done" "$0" &)
	until [ -s "$0" ] && [ -e "$1" ]; do sleep 0.1; done' "$T/full.pids" "$T/full.go"
await 20 "its daemon to be up" test -s "$T/full.pids"
elapse 2 # for the program to be judged: its last verdict is what has no room
prlimit --pid "$(pid_of full)" "--fsize=$(stat -c %s "$T/full.ndjson")"
touch "$T/full.go"
ended full 30
is "$STATUS" 1 "what it writes has no room: status 1"
like "$(cat "$T/full.err")" "stopped: File too large" "and that is said"
ok "the daemon is ended all the same, though its parent is gone and it ignores SIGTERM" \
	gone_all "$T/full.pids"
xargs kill -KILL <"$T/full.pids" 2>"$T/err"

# --- growth ---

# Beside each other: most of it is waiting
start over "$MEMWATCH" check -d 16 --max-growth 30M/min -p "$(pid_of leaking)"
start under "$MEMWATCH" check -d 12 --max-growth 1K/h -p "$(pid_of flat)"

run early -d 6 -- "${LEAKING[@]}"
is "$STATUS" 1 "growth that it is too early to judge: status 1"
like "$(last_line early)" '^UNKNOWN: 1 of 1 process: [0-9]+ \(grow\) grew by .* in .*watch for longer \(-d\)$' \
	"it says by how much it grew, and what to do"
like "$(cat "$T/early.out")" "step_malloc|malloc" "and the likeliest sites"

ended over
is "$STATUS" 3 "growth over the bar: status 3"
like "$(last_line over)" '^OVER: 1 of 1 process over \+512\.0K/s: ' "it says so"
ended under
is "$STATUS" 0 "no growth is under every bar: status 0"
like "$(last_line under)" '^PASS: 1 process, no leak, none over ' "it says so"

start brief "$GROW" malloc --step 1M --count 64 --interval-ms 50 --wait-go
ready brief
start sees "$MEMWATCH" check --json -d 30 -p "$(pid_of brief)"
await 20 "memwatch to have attached" has_record sees meta
go brief
finished brief
leave brief
ended sees 20
is "$(jq_of sees 'select(.type == "check") | [.result, .status, .processes]')" '["unknown",1,1]' \
	"a named process that ended while it grew counts"
is "$STATUS" 1 "and its run ends with it: status 1"

run nobody -d 1 -n no-such-program
is "$STATUS $(last_line nobody)" "1 UNKNOWN: no process was seen that is meant" "nobody there: status 1"

if cgroup_root && cgroup_new "memwatch-e2e-$$" 64M; then
	run oom --json -- bash -c "in_cgroup memwatch-e2e-$$ \"\$GROW\" mmap-grow --bytes 256M --interval-ms 50"
	is "$STATUS $(jq_of oom 'select(.type == "check") | [.result, .leaking]')" '3 ["leak",1]' \
		"a program that grew until it was killed for lack of memory never passes"
else
	skip "a program that is killed for lack of memory" "$CGROUP_WHY"
fi

# --- short-lived helpers: each grows all its life ---

# shellcheck disable=SC2016
run helpers -- bash -c 'for i in 1 2 3; do "$GROW" malloc --bytes 16M --interval-ms 100; done >/dev/null
	exec sleep 5'
is "$STATUS" 0 "helpers that grow and soon end do not fail a program"

# shellcheck disable=SC2016
run helper -- bash -c '"$GROW" malloc --step 512K --interval-ms 100 --count 100000 >/dev/null &
	sleep 3; kill $!; wait; exec sleep 5'
is "$STATUS" 0 "nor does one that the program itself stops by a signal"

# --- the minute is over ---

ended tree 120
is "$STATUS" 3 "a leak in a grandchild: status 3"
like "$(tail -n 1 "$T/tree.out")" '^LEAK: 1 of [0-9]+ processes: [0-9]+ \(grow\) \+2\.0M/s$' "it says which"
like "$(tail -n 1 "$T/tree.out")" " $(cat "$T/grandchild.pid") " "it is that one"
like "$(cat "$T/tree.out")" "95 %.*likeliest sites:" "and why, and by what code"
cat "$T/tree.pids" "$T/grandchild.pid" >"$T/all.pids"
ok "nothing of it is left" wait_for 10 gone_all "$T/all.pids"

ended named 120
is "$STATUS" 3 "a leak among two: status 3"
is "$(jq_of named 'select(.type == "check") | [.result, .status, .processes, .leaking, has("command")]')" \
	'["leak",3,2,1,false]' "its record"
between $((19 * MIB / 10)) "$(jq_of named 'select(.type == "check") | .growth_bytes_per_s')" \
	$((21 * MIB / 10)) "the rate"
is "$(jq_of named 'select(.type == "verdict" and .leak) | .pid')" "$(pid_of leaking)" "the verdict on it"
# shellcheck disable=SC2016 # jq's variable
is "$(jq_of named 'select(.type == "verdict" and .pid == $pid) | [.leak, .last]' --argjson pid "$(pid_of flat)")" \
	'[false,true]' "the verdict on the other"
is "$(jq -r .type "$T/named.out" | uniq -c | awk '{ print $1 $2 }' | xargs)" "1meta 2verdict 1check 1end" \
	"a head, a verdict each, the result, the end"
is "$(unknown_keys named)" "" "memwatch schema has all keys"
ok "the processes that it watched live on" kill -0 "$(pid_of leaking)" "$(pid_of flat)"

done_testing

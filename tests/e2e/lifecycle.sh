#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Processes that are born and gone between two ticks, how they end, OOM kills, and what becomes of
# a watch whose processes end.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/lifecycle.sh
. "$(dirname "$0")/../lifecycle.sh"
need

# --- on the whole machine ---

watch m -i 1 --budget 0

children_start children forks
for kind in children forks; do go $kind; done

start status bash -c 'exit 3'
start killed sleep 100
start crashed bash -c 'ulimit -c 0; kill -SEGV $$'
start manythreads "$WORKLOADS/grow" threads --count 16 --step 64K --wait-go
ready manythreads
go manythreads
finished manythreads
declare -A ENDED
for id in status killed crashed manythreads; do ENDED[$id]=$(pid_of $id); done
kill -KILL "${ENDED[killed]}"
leave manythreads
for id in status killed crashed; do ended $id; done
for kind in children forks; do finished $kind; done

# shellcheck disable=SC2016 # the other bash's
start shrunk bash -c 'x=$(head -c 32M /dev/zero | tr "\0" x); echo "{\"event\":\"ready\"}"; read -r _; exec true'
ready shrunk
shrunk=$(pid_of shrunk)
# shellcheck disable=SC2317 # called by await
has_seen_shrunk() {
	jq_of m "select(.pid == $shrunk and .type == \"process\" and .rss_bytes > 32 * $MIB)" | grep -q .
}
await 30 "a tick that sees it large" has_seen_shrunk
go shrunk
ended shrunk

# --- OOM kills, in the same run ---

oom=
if oom_run; then
	oom=1
else
	skip "OOM kill in a memory cgroup" "${CGROUP_WHY:-no memory cgroup can be made}"
fi

tick m
stop m
is "$STATUS" 0 "memwatch ends with status 0"
# A busy machine may have no room for the stacks of all that grows on it.
is "$(jq_of m 'select(.type == "end") | .lost | del(.stacks_full)')" "{}" "nothing was lost"
is "$(unknown_keys m)" "" "each key that was written is in the schema"
for kind in children forks; do
	children_judge $kind
	leave $kind
done

is "$(exit_of m "${ENDED[status]}")" '{"status":3,"signal":null}' "an exit by status 3"
is "$(exit_of m "${ENDED[killed]}")" '{"status":null,"signal":9}' "an end by kill -9"
is "$(exit_of m "${ENDED[crashed]}")" '{"status":null,"signal":11}' "an end by SEGV"
is "$(exit_of m "${ENDED[manythreads]}")" '{"status":0,"signal":null}' \
	"a process of 17 threads ends once"
# Before Linux 6.16 the kernel tells no size at the end, and a peak that no exec resets.
is "$(jq_of m "select(.pid == $shrunk and .type == \"exit\") | (.last.rss_bytes < 16 * $MIB) == (.peak_rss_bytes < 16 * $MIB)")" \
	true "a peak is that of the program that a process became"

if [ -n "$oom" ]; then
	oom_judge
fi

# --- a process moves to another cgroup and is killed there before the next tick ---

if [ -n "$oom" ]; then
	start moving bash -c 'read -r _; in_cgroup "$@"' - "$OOM_CGROUP/inner" "$WORKLOADS/grow" mmap-grow \
		--bytes 96M
	moving=$(pid_of moving)
	watch m -i 30 -p "$moving"
	echo >&"${IN[moving]}"
	ended moving
	ended m
	is "$STATUS" 0 "the run ends with its only process"
	moved=$(jq_of m 'select(.type == "oom")')
	is "$(jq .limit.cgroup_id <<<"$moved")" "$OOM_CGROUP_ID" "moved: the limit that ran out"
	like "$(jq -r '.cgroup // "unknown"' <<<"$moved")" "^(unknown|$OOM_VICTIM_CGROUP)$" \
		"moved: not the cgroup that it was in before"
	like "$(jq -r '.limit.cgroup // "unknown"' <<<"$moved")" "^(unknown|${OOM_VICTIM_CGROUP%/inner})$" \
		"moved: nor its limit"
fi

# --- named processes ---

for id in a b c d; do start $id sleep 1000; done
watch m -i 0.3 -p "$(pid_of a),$(pid_of b)" -p "$(pid_of c)" "$(pid_of d)"
wanted=$(for id in a b c d; do pid_of $id; done | sort -n | xargs)
is "$(jq_of m 'select(.type == "process") | .pid' | sort -nu | xargs)" "$wanted" \
	"several PIDs, as list, repeated and bare"
is "$(jq_of m 'select(.type == "meta") | .targets.pids[]' | sort -n | xargs)" "$wanted" \
	"the meta record names them"
a=$(pid_of a)
b=$(pid_of b)
c=$(pid_of c)
d=$(pid_of d)
kill -KILL "$a"
ended a
tick m
ok "the run goes on with the others" kill -0 "$(pid_of m)"
kill "$b" "$c" "$d"
for id in b c d; do ended $id; done
ended m
is "$STATUS" 0 "it ends with status 0 when all are gone"
is "$(jq_of m 'select(.type == "exit") | .signal' | sort -n | xargs)" "9 15 15 15" \
	"each end is reported with its signal"
is "$(tail -n 1 "$T/m.out" | jq -r .type)" end "the last line is the end record"

start a sleep 1000
a=$(pid_of a)
watch m -i 600 -p "$a"
began=$(boot_ns)
stop a
ended m
is "$STATUS" 0 "a target that ends in mid-tick ends the run"
between 0 $(($(boot_ns) - began)) 3000000000 "at once, not at the next tick"
is "$(jq_of m "select(.type == \"exit\" and .pid == $a) | .signal")" 15 "and is reported"

# One that is in the middle of exec has no memory for a moment: it is not gone.
cat >"$T/again" <<'END'
read -r _
[ "$1" = 0 ] || exec bash "$0" $(($1 - 1)) <<<go
exec sleep 1000
END
start again bash "$T/again" 1000
again=$(pid_of again)
watch m -i 0.1 -p "$again"
go again
# shellcheck disable=SC2317 # called by await
is_sleeping() {
	[ "$(cat "/proc/$again/comm")" = sleep ]
}
await 30 "1000 times exec" is_sleeping
tick m
is "$(jq_of m 'select(.type == "exec")' | wc -l)" 1001 "1000 times exec while ticks are made: all seen"
is "$(jq_of m 'select(.type == "exit")')" "" "and it is never said to have ended"
stop m
stop again

# Between the check of the options and the attaching, held there by SIGSTOP.
# shellcheck disable=SC2317 # called by await
has_loop() {
	find "/proc/$1/fd" -lname '*eventpoll*' 2>/dev/null | grep -q .
}
start a sleep 1000
a=$(pid_of a)
start m "$MEMWATCH" --json -i 0.2 -p "$a"
await 10 "memwatch to start" has_loop "$(pid_of m)"
kill -STOP "$(pid_of m)"
if has_record m meta; then
	skip "a target that ends before memwatch has attached" "memwatch had attached already"
	stop a
	kill -CONT "$(pid_of m)"
	ended m
else
	stop a
	kill -CONT "$(pid_of m)"
	ended m
	is "$STATUS" 0 "a target that ends before memwatch has attached ends the run"
	is "$(tail -n 1 "$T/m.out" | jq -r .type)" end "with an end record"
	like "$(err_of m)$(jq_of m 'select(.type == "exit")')" "$a" "and is not silently missing"
fi

# The same on lines of text.
start a sleep 1000
a=$(pid_of a)
start m "$MEMWATCH" -i 0.2 -p "$a"
# shellcheck disable=SC2317 # called by await
has_line() { grep -q "^[0-9:]* *$2 sleep" "$T/$1.out"; }
await 20 "a line of $a" has_line m "$a"
stop a KILL
ended m
is "$STATUS" 0 "text: the run ends with its process"
like "$(cat "$T/m.out")" "# [0-9:]+ exit: $a \(sleep\) by signal 9 \(SIGKILL\)" "text: and says how"

# --- another program, and the end before the next tick: what was known of the first is gone ---

start other bash -c 'read -r _; exec sleep 1000'
other=$(pid_of other)
start m "$MEMWATCH" -i 60 -p "$other"
# shellcheck disable=SC2317 # called by await
has_text() { grep -qE "$2" "$T/$1.out"; }
await 20 "a line of $other" has_text m "^[0-9:]{8} +$other bash "
go other
await 20 "its exec" has_text m "^# [0-9:]{8} exec: $other "
stop m
is "$STATUS$(err_of m)" 0 "a process that has become another program, at the end: status 0"
is "$(grep "sites of $other " "$T/m.out")" "" "and nothing is told of the program that it was"
stop other

# --- without the hook that reports ends ---

start a sleep 1000
a=$(pid_of a)
watch m -i 0.2 --without exit -p "$a"
stop a
ended m
is "$STATUS" 0 "--without exit: the run ends all the same"
is "$(jq_of m "select(.type == \"exit\" and .pid == $a) | has(\"status\") or has(\"signal\")")" \
	false "--without exit: the end is reported, its status is unknown"

done_testing

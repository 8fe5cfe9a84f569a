#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# memwatch in a PID namespace of its own, as in a container; and PIDs that are used again, which
# only there can be brought about at will: nobody else takes the number.
# shellcheck source=tests/lib.sh
if [ -z "${IN_PIDNS:-}" ] && [ "$(id -u)" = 0 ] && unshare --pid --fork --mount-proc true; then
	IN_PIDNS=1 exec unshare --pid --fork --kill-child --mount-proc bash "$0"
fi
. "$(dirname "$0")/../lib.sh"
need
[ -n "${IN_PIDNS:-}" ] || skip_all "no PID namespace can be made here"

# --- its own PIDs ---

start a "$WORKLOADS/grow" mmap-grow --bytes 8M --wait-go
ready a
a=$(pid_of a)
watch m -i 0.2 --budget 0
is "$(jq_of m 'select(.type == "process" and .pid == 1) | .comm' | sort -u)" '"bash"' \
	"PID 1 is this namespace's"
is "$(jq_of m "select(.type == \"process\" and .pid == $a) | .comm" | sort -u)" '"grow"' \
	"a process of the namespace has the PID that it knows"
highest=$(jq_of m 'select(.type == "process") | .pid' | sort -n | tail -n 1)
read -r _ _ _ _ last </proc/loadavg # the last PID given out in this namespace
between 1 "$highest" "$last" \
	"no process from outside is shown"
go a
finished a
tick m
is "$(of_pid m "$a" '[.[] | .events.mmap_bytes // 0] | add')" $((8 * MIB)) "its calls are counted"
leave a
tick m
is "$(jq_of m "select(.type == \"exit\" and .pid == $a) | .status")" 0 "its end is seen"

# --- PIDs that are used again ---

if [ ! -w /proc/sys/kernel/ns_last_pid ]; then
	skip "PIDs that are used again" "this kernel has no /proc/sys/kernel/ns_last_pid"
	stop m
	done_testing
fi

# start_as PID ID CMD...: needs the PID to be free
start_as() {
	local pid=$1
	shift
	rm -f "$T/$1.in"
	mkfifo "$T/$1.in" # what start would fork for comes before
	echo $((pid - 1)) >/proc/sys/kernel/ns_last_pid
	start_prepared "$@"
	[ "$(pid_of "$1")" = "$pid" ] || die "$1 has PID $(pid_of "$1"), not $pid"
}

start old "$WORKLOADS/grow" mmap-grow --bytes 16M --wait-go
ready old
old=$(pid_of old)
tick m
go old
finished old
tick m
stop old KILL
start_as "$old" new "$WORKLOADS/grow" mmap-grow --bytes 4M --step 1M --wait-go
ready new
tick m
go new
finished new
tick m
leave new
tick m
stop m
is "$STATUS" 0 "memwatch ends with status 0"
starts=$(of_pid m "$old" 'map(.start_ns) | unique | length')
is "$starts" 2 "two processes of one PID are told apart by start_ns"
# shellcheck disable=SC2016 # jq's variable
of_pid m "$old" '(map(.start_ns) | max) as $s | map(select(.start_ns == $s))' >"$T/new.json"
is "$(jq '.[0] | has("delta")' "$T/new.json")" false "the second begins without a delta"
is "$(jq '[.[] | .events.mmap_count // 0] | add' "$T/new.json")" 4 "and with no calls of the first"
is "$(jq '[.[] | .delta.anon_bytes // 0] | add' "$T/new.json")" $((4 * MIB)) "nor its growth"
is "$(jq_of m "select(.type == \"exit\" and .pid == $old) | [.start_ns, .signal, .status]" | wc -l)" \
	2 "both ends are seen"

# --- a named process's PID is used again at once ---

for mode in "" "--without exit"; do
	start old sleep 1000
	old=$(pid_of old)
	# shellcheck disable=SC2086 # none or two words
	watch m -i 0.2 $mode -p "$old"
	first=$(of_pid m "$old" '.[0].start_ns')
	kill -STOP "$(pid_of m)"
	stop old KILL
	start_as "$old" new sleep 1000
	kill -CONT "$(pid_of m)"
	if wait_for 5 gone "$(pid_of m)"; then
		ended m
		is "$STATUS" 0 "the run ends with the process that was named${mode:+ ($mode)}"
	else
		fail "the run ends with the process that was named${mode:+ ($mode)}" "it goes on"
		stop m
	fi
	is "$(of_pid m "$old" "map(select(.start_ns != $first)) | length")" 0 \
		"its successor is not shown in its place${mode:+ ($mode)}"
	stop new KILL
done

done_testing

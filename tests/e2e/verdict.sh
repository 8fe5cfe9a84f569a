#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Verdicts where little can be seen: without the hooks at collections, and on the whole machine,
# where few processes are watched closely. And that no probe is set by what was known of a file
# before it was overwritten.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need

leak() { # ID RATE
	start "$1" "$WORKLOADS/pattern" leak --rate "$2" --churn 4M --hold
	ready "$1"
}

# leak_is_called ID PID
# shellcheck disable=SC2317 # by wait_for
leak_is_called() {
	grep '^{"type":"verdict"' "$T/$1.out" | jq -se --argjson pid "$2" 'any(.pid == $pid and .leak)' >/dev/null
}

# Four that grow faster than those that matter
fast=(f1 f2 f3 f4)
slow=(s1 s2 s3)
for id in "${fast[@]}"; do leak "$id" 3M; done
for id in "${slow[@]}"; do leak "$id" 1M; done
start all "$MEMWATCH" --json --sites 0
start check "$MEMWATCH" check --without gc -d 70 -p "$(pid_of s1)"

# --- meanwhile: the same name and inode, and another program ---

cp "$WORKLOADS/gc_node" "$T/runtime"
inode=$(stat -c %i "$T/runtime")
start named "$MEMWATCH" --json --no-stacks -n runtime -i 0.5
await 20 "memwatch to have attached" has_record named meta

# round NAME KIND: starts it, and a collection of that kind is seen
round() {
	start "$1" "$T/runtime"
	ready "$1"
	await 20 "the first tick with $1" grep -q "^{\"type\":\"process\".*\"pid\":$(pid_of "$1")," "$T/named.out"
	await 20 "collections of $1" seen "$1" "$2"
	leave "$1"
	is "$STATUS" 0 "$1 runs, and ends well"
}
# shellcheck disable=SC2317 # by await
seen() {
	go "$1"
	wait_for 2 grep -q "^{\"type\":\"gc\".*\"pid\":$(pid_of "$1"),.*\"kind\":\"$2\"" "$T/named.out"
}
round before mark-compact
cat "$WORKLOADS/gc_hotspot" >"$T/runtime"
is "$(stat -c %i "$T/runtime")" "$inode" "it was overwritten in place"
round after full
stop named

# --- the verdicts ---

for id in "${slow[@]}"; do
	ok "on the whole machine a leak is called that is not among the fastest ($id)" \
		wait_for 100 leak_is_called all "$(pid_of "$id")"
done
stop all
ended check 60
is "$STATUS" 3 "without hooks at collections a leak of malloc is one"
like "$(cat "$T/check.out")" "LEAK: 1 of 1 process" "and is said to be"
for id in "${fast[@]}" "${slow[@]}"; do stop "$id"; done
done_testing

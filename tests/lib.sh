# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# lib.sh - what the end-to-end tests share: TAP, processes that are started and certainly ended,
# waiting for a condition, and reading memwatch's NDJSON. Source it first:
#
#	. "$(dirname "$0")/../lib.sh"
#	start w "$WORKLOADS/grow" malloc --wait-go; ready w
#	watch m -p "$(pid_of w)"                   its first tick is out: it has attached
#	go w; finished w; tick m
#	stop m; is "$STATUS" 0 "memwatch ends with status 0"
#	is "$(jq_of m 'select(.type == "end") | .ticks > 1')" true "it made ticks"
#	done_testing
#
# A test waits for conditions with a deadline (await), never for time to pass. What cannot be
# waited for ends the test: prove then misses the plan and counts a failure.
set -u -o pipefail
export LC_ALL=C.UTF-8

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$TESTS")
MEMWATCH=$(realpath -m "${MEMWATCH:-$ROOT/build/memwatch}")
WORKLOADS=$(realpath -m "${WORKLOADS:-$ROOT/build/tests/workloads}")
SERVICE=$TESTS/workloads/status-service/server.js
LOAD=$TESTS/workloads/load.js
PAGE=$(getconf PAGESIZE)
MIB=1048576
BPFTOOL=${BPFTOOL:-$(PATH=$PATH:/usr/sbin command -v bpftool || true)}
export TESTS ROOT MEMWATCH WORKLOADS SERVICE LOAD PAGE MIB BPFTOOL

T=$(mktemp -d "${TMPDIR:-/tmp}/memwatch-e2e.XXXXXX")
declare -A PID=() IN=()
CGROUPS=()
CGROUP_ROOT=''
CGROUP_WHY=''
export CGROUP_ROOT
STATUS=''

# bash tells of each child that a signal ended, on its stderr: that is no news here.
exec {REAL_STDERR}>&2 2>"$T/bash.err"

# --- TAP ---

tap_count=0
tap_failed=0
tap_finished=

diag() {
	printf '%s\n' "$@" | sed 's/^/# /' >&"$REAL_STDERR"
}

note() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

pass() {
	printf 'ok %d - %s\n' $((++tap_count)) "${1//#/}"
}

# fail DESCRIPTION [DIAGNOSTIC...]
fail() {
	printf 'not ok %d - %s\n' $((++tap_count)) "${1//#/}"
	tap_failed=$((tap_failed + 1))
	diag "failed: $1"
	shift
	[ $# = 0 ] || diag "$@"
}

skip() {
	printf 'ok %d - %s # SKIP %s\n' $((++tap_count)) "${1//#/}" "$2"
}

skip_all() {
	printf '1..0 # SKIP %s\n' "$*"
	tap_finished=1
	exit 0
}

die() {
	diag "$@"
	exit 1
}

# is GOT WANTED DESCRIPTION
is() {
	if [ "$1" = "$2" ]; then pass "$3"; else fail "$3" "got:    $1" "wanted: $2"; fi
}

# like TEXT REGEX DESCRIPTION
like() {
	if [[ $1 =~ $2 ]]; then pass "$3"; else fail "$3" "got:     $1" "to match: $2"; fi
}

# between LOW GOT HIGH DESCRIPTION; integers
between() {
	if [[ $2 =~ ^-?[0-9]+$ ]] && (($1 <= $2 && $2 <= $3)); then
		pass "$4"
	else
		fail "$4" "got: '$2', not in $1..$3"
	fi
}

# ok DESCRIPTION CMD ARG...
ok() {
	local what=$1 out
	shift
	if out=$("$@" 2>&1); then pass "$what"; else fail "$what" "$out"; fi
}

done_testing() {
	printf '1..%d\n' "$tap_count"
	tap_finished=1
	[ "$tap_failed" = 0 ] || exit 1
	exit 0
}

# --- cleaning up ---

cleanup() {
	local status=$? id dir

	trap - EXIT
	[ -n "$tap_finished" ] || diag "$0 ended before its end, after $tap_count tests"
	for id in "${!PID[@]}"; do
		kill -CONT "${PID[$id]}"
		kill -KILL "${PID[$id]}"
	done 2>/dev/null
	for id in "${!PID[@]}"; do
		wait "${PID[$id]}"
	done 2>/dev/null
	for dir in ${CGROUPS[@]+"${CGROUPS[@]}"}; do
		wait_for 5 rmdir "$dir" 2>/dev/null || diag "cannot remove $dir"
	done
	grep -Ev 'run_apart|Terminated' "$T/bash.err" >&"$REAL_STDERR"
	[ -n "${KEEP:-}" ] || rm -rf "$T"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# --- waiting ---

# CLOCK_BOOTTIME as memwatch's ts_ns; rounded up by at most 10 ms
boot_ns() {
	local up
	read -r up _ </proc/uptime
	echo $((10#${up/./} * 10000000 + 10000000))
}

# wait_for SECONDS CMD ARG...: 0 as soon as CMD succeeds, 1 if it does not in time. An emulated
# machine gets MEMWATCH_PATIENCE times as long.
wait_for() {
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000 * ${MEMWATCH_PATIENCE:-1}))
	shift
	until "$@"; do
		((${EPOCHREALTIME/./} < deadline)) || return 1
		sleep 0.02
	done
}

# await SECONDS WHAT CMD ARG...: the same, but the test cannot go on without
await() {
	wait_for "$1" "${@:3}" && return
	for id in "${!PID[@]}"; do
		diag "$id: $(tail -c 400 "$T/$id.err"; tail -n 2 "$T/$id.out" | cut -c 1-400)"
	done
	die "waited $1 s in vain for $2"
}

# elapse SECONDS: for tests whose subject is that time passes
elapse() {
	sleep "$1"
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

# --- processes ---

run_apart() {
	local fd
	for fd in "${IN[@]}" "$REAL_STDERR"; do exec {fd}>&-; done
	exec "$@"
}

# start ID CMD ARG...: in the background; stdin is a pipe, stdout $T/ID.out, stderr $T/ID.err
start() {
	rm -f "$T/$1.in"
	mkfifo "$T/$1.in"
	start_prepared "$@"
}

# The same, when the pipe is there: the next process that is born is CMD.
start_prepared() {
	local id=$1 fd
	shift
	exec {fd}<>"$T/$id.in"
	IN[$id]=$fd
	: >"$T/$id.out"
	: >"$T/$id.err"
	(run_apart "$@") <"$T/$id.in" >"$T/$id.out" 2>"$T/$id.err" &
	PID[$id]=$!
}

pid_of() {
	echo "${PID[$1]}"
}

close_input() {
	local fd=${IN[$1]:-}
	[ -z "$fd" ] || exec {fd}>&-
	unset "IN[$1]"
}

# ended ID [SECONDS]: waits for its end; STATUS is its exit status. On a machine that is busy it
# takes a memwatch with uprobes some seconds to detach.
ended() {
	local pid=${PID[$1]}
	await "${2:-60}" "the end of $1 (PID $pid)" gone "$pid"
	wait "$pid" 2>/dev/null
	STATUS=$?
	close_input "$1"
	unset "PID[$1]"
}

# stop ID [SIGNAL]: and its end
stop() {
	kill -"${2:-TERM}" "${PID[$1]}"
	ended "$1"
}

err_of() {
	cat "$T/$1.err"
}

# --- workloads: see workloads/README.md ---

says() {
	grep -q "\"event\":\"$2\"" "$T/$1.out"
}

# listens ID: whether a server has said where
listens() {
	grep -q '"listening"' "$T/$1.out"
}

# port_of ID: where it listens
port_of() {
	jq -r .listening "$T/$1.out"
}

# serve_status ID MODE [NODE_OPTION...]: the status service (workloads/status-service), listening
serve_status() {
	local id=$1 mode=$2
	shift 2
	start "$id" node "$@" "$SERVICE" --port 0 --mode "$mode"
	await 60 "$id to listen" listens "$id"
}

ready() {
	await 60 "$1 to be ready" says "$1" ready
}

go() {
	echo go >&"${IN[$1]}"
}

# finished ID [SECONDS]: it has said what it did
finished() {
	await "${2:-30}" "$1 to be done" says "$1" "done"
}

# did ID KEY: a number of its "done" line
did() {
	jq -r "select(.event == \"done\") | .$2 // 0" "$T/$1.out"
}

# leave ID: lets it end; its status must be 0
leave() {
	close_input "$1"
	ended "$1"
	[ "$STATUS" = 0 ] || die "workload $1 ended with status $STATUS: $(err_of "$1")"
}

# --- a real browser ---

# A page needs no more than a moment, but a browser on a busy machine may need long to begin.
BROWSER_SECONDS=120

# in_browser SCRIPT ARG...: what browser/SCRIPT.js checks
in_browser() {
	local result what why

	start browser env TMPDIR="$T" node "$TESTS/browser/$1.js" "${@:2}"
	ended browser $BROWSER_SECONDS
	while IFS=$'\t' read -r result what why; do
		if [ "$result" = ok ]; then pass "$what"; else fail "$what" "$why"; fi
	done <"$T/browser.out"
	is "$STATUS" 0 "the browser came to its end"
	is "$(err_of browser)" "" "without complaints"
}

# --- memwatch ---

need() {
	[ "$(id -u)" = 0 ] || skip_all "needs root: memwatch loads BPF programs"
	[ -x "$MEMWATCH" ] || die "no memwatch at $MEMWATCH: run make, or set MEMWATCH"
	[ -x "$WORKLOADS/grow" ] || die "no workloads in $WORKLOADS: run make workloads"
	command -v jq >/dev/null || die "jq is not installed: run make deps"
}

has_record() {
	grep -q "^{\"type\":\"$2\"" "$T/$1.out"
}

# watch ID ARG...: memwatch --json ARG..., attached and with its first tick out
watch() {
	local id=$1
	shift
	start "$id" "$MEMWATCH" --json "$@"
	await 60 "the first tick of memwatch $*" has_record "$id" process
}

ticked_since() {
	local last
	last=$(tail -c 16384 "$T/$1.out" | grep '^{"type":"process"' | tail -n 1)
	[[ $last =~ \"ts_ns\":([0-9]+) ]] && ((BASH_REMATCH[1] > $2))
}

# tick ID: a tick that began after now
tick() {
	await 60 "a tick of $1" ticked_since "$1" "$(boot_ns)"
}

# jq_of ID FILTER [ARG...]: of all that it has written, a line a result
jq_of() {
	local id=$1 filter=$2
	shift 2
	jq -c "$@" "$filter" "$T/$id.out"
}

# of_pid ID PID FILTER: of all process records of this PID, as an array
of_pid() {
	grep "^{\"type\":\"process\".*\"pid\":$2," "$T/$1.out" | jq -sc "$3"
}

# unknown_keys ID: what it has written that `memwatch schema` does not describe. A description
# that is text may refer: to the keys of "process", or to the causes of "lost".
# shellcheck disable=SC2016 # jq's variables
unknown_keys() {
	"$MEMWATCH" schema >"$T/schema.json"
	jq -nr --slurpfile schema "$T/schema.json" '
		$schema[0] as $s |
		def refers($text; $key):
			($text | type) == "string" and
			(($text | test("\\b" + $key + "\\b")) or
			 ($text | test("the same sizes|as in process")) and $s.types.process.keys[$key] != null or
			 ($text | test("by cause")) and $s.types.lost.keys[$key] != null);
		inputs | .type as $type | $s.types[$type] as $t |
		if $t == null then "type \($type)" else
			to_entries[] | .key as $key | ($t.keys[$key] // $s.common[$key]) as $d |
			if $d == null then
				select(refers($t.description; $key) | not) | "\($type).\($key)"
			else
				.value | objects | keys_unsorted[] |
				select((($d | type) == "object" and $d[.] != null or refers($d; .)) | not) |
				"\($type).\($key).\(.)"
			end
		end' "$T/$1.out" | sort -u
}

# --- memory cgroups, v1 or v2 ---

# cgroup_root: where memory cgroups are made; fails with the reason in CGROUP_WHY
cgroup_root() {
	if grep -q '^[0-9]*:\([^:]*,\)\?memory[,:]' /proc/self/cgroup; then
		CGROUP_ROOT=/sys/fs/cgroup/memory
	else
		CGROUP_ROOT=/sys/fs/cgroup
		if ! { echo +memory >$CGROUP_ROOT/cgroup.subtree_control; } 2>/dev/null; then
			CGROUP_WHY="the memory controller cannot be enabled in $CGROUP_ROOT"
			return 1
		fi
	fi
	# shellcheck disable=SC2034 # for the caller's skip
	CGROUP_WHY="$CGROUP_ROOT is not writable"
	[ -w "$CGROUP_ROOT/cgroup.procs" ]
}

# cgroup_new PATH BYTES: a cgroup below the root with that limit; 0 for none
cgroup_new() {
	local dir=$CGROUP_ROOT/$1

	mkdir "$dir" || return
	CGROUPS=("$dir" "${CGROUPS[@]}")
	if [ -e "$dir/memory.limit_in_bytes" ]; then
		echo 0 >"$dir/memory.swappiness" || return
		[ "$2" = 0 ] || echo "$2" >"$dir/memory.limit_in_bytes"
	else
		[ -e "$dir/memory.max" ] || echo +memory >"${dir%/*}/cgroup.subtree_control" || return
		[ ! -e "$dir/memory.swap.max" ] || echo 0 >"$dir/memory.swap.max"
		[ "$2" = 0 ] || echo "$2" >"$dir/memory.max"
	fi
}

# in_cgroup PATH CMD ARG...: as an argument list for start
in_cgroup() {
	echo $$ >"$CGROUP_ROOT/$1/cgroup.procs" && shift && exec "$@"
}
export -f in_cgroup

# cgroup_of PID: its memory cgroup, as /proc has it
cgroup_of() {
	awk -F: '$2 ~ /(^|,)memory(,|$)/ { print $3; found = 1 }
		$2 == "" { v2 = $3 }
		END { if (!found) print v2 }' "/proc/$1/cgroup"
}

# --- the kernel's own figures ---

# status_bytes PID KEY: of /proc/PID/status, "kB" to bytes
status_bytes() {
	awk -v key="$2:" '$1 == key { print $2 * ($3 == "kB" ? 1024 : 1) }' "/proc/$1/status"
}

# stat_field PID N: of /proc/PID/stat; N > 2, as in proc(5). The name may hold anything.
stat_field() {
	local text
	text=$(tr '\n' ' ' <"/proc/$1/stat")
	text=${text##*) }
	# shellcheck disable=SC2086 # to be split
	set -- "$2" $text
	shift $(($1 - 2))
	echo "$1"
}

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# heap/lib.sh - what the tests of `memwatch heap` share, on top of tests/lib.sh. Source it behind that one.

NODES=${MEMWATCH_NODES:-/var/cache/memwatch/node}
NODE_PATH=$NODES/modules/node_modules
export NODE_PATH

need_heap() {
	[ "$(id -u)" = 0 ] || skip_all "needs root: it reads processes that are not its children"
	[ -x "$MEMWATCH" ] || die "no memwatch at $MEMWATCH: run make, or set MEMWATCH"
	command -v jq >/dev/null || die "jq is not installed: run make deps"
	command -v node >/dev/null || skip_all "no node here"
}

# node_of VERSION: its binary; "system" is that of PATH
node_of() {
	if [ "$1" = system ]; then command -v node; else echo "$NODES/$1/bin/node"; fi
}

# node_versions: an old one and one of today; all that are here if HEAP_ALL is set
node_versions() {
	local name all=()

	mapfile -t all < <("$TESTS/node.sh" --list)
	for name in ${all[@]+"${all[@]}"}; do
		[[ -z ${HEAP_ALL:-} && $name != 12.* && $name != 22.* ]] || echo "$name"
	done
	[ ${#all[@]} != 0 ] || echo system
}

# a_node: the binary that stands for all where the version does not matter
a_node() {
	node_of "$(node_versions | tail -n 1)"
}

# serve ID CMD ARG...: a server, listening; its port in PORT, the PID that it says in TARGET
# shellcheck disable=SC2034 # for the caller
serve() {
	start "$@"
	await 60 "$1 to listen" listens "$1"
	PORT=$(port_of "$1")
	TARGET=$(jq -r .pid "$T/$1.out")
}

# fetch PORT PATH: the answer's body; fails if there is none within 120 s
fetch() {
	local fd text status=''

	exec {fd}<>"/dev/tcp/127.0.0.1/$1" || return
	printf 'GET %s HTTP/1.0\r\n\r\n' "$2" >&"$fd"
	while IFS= read -r -t 120 -u "$fd" text; do
		[[ -n $status ]] || status=$text
		[[ $text != $'\r' ]] || break
	done
	timeout 60 cat <&"$fd"
	exec {fd}>&-
	[[ $status == *' 200 '* ]]
}

# census ID PID ARG...: memwatch heap --json, to its end; STATUS is its exit status
# shellcheck disable=SC2034 # for the caller
census() {
	local id=$1 pid=$2
	shift 2
	timeout -k 5 "${CENSUS_SECONDS:-60}" "$MEMWATCH" heap -p "$pid" --json "$@" >"$T/$id.out" 2>"$T/$id.err"
	STATUS=$?
}

# count_of ID NAME: of the objects of this constructor in all isolates
# shellcheck disable=SC2016 # jq's variables
count_of() {
	jq_of "$1" 'select(.type == "constructor" and .kind == "object" and .name == $name) | .count' --arg name "$2" |
		awk '{ sum += $1 } END { print sum + 0 }'
}

# threads_stopped PID: how many of its threads are stopped or traced
threads_stopped() {
	cat "/proc/$1/task/"*/status 2>/dev/null | grep -Ec '^State:[[:space:]]*[tT]'
}

runs() {
	[ "$(threads_stopped "$1")" = 0 ]
}
is_stopped() {
	[ "$(threads_stopped "$1")" -gt 0 ]
}

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# target.sh - what the runs of truth/ and matrix/ share, which are no tests of lib.sh: waiting for the
# program that is to be watched. Source it.

# await_target PID OUT: until it says in OUT that it is ready, or listens. Fails with the reason in
# TARGET_WHY.
TARGET_WHY=''
await_target() {
	local i

	for ((i = 0; i < 400; i++)); do
		! grep -Eq '"event":"ready"|"listening"' "$2" || return 0
		kill -0 "$1" 2>/dev/null || {
			TARGET_WHY="ended at once: $(tail -n 3 "$2")"
			return 1
		}
		sleep 0.05
	done
	# shellcheck disable=SC2034 # for the caller
	TARGET_WHY='is not ready after 20 s'
	return 1
}

# target_nodes: the paths of the nodes that NODES asks for (22), by version or its beginning, or all
target_nodes() {
	local cache=${MEMWATCH_NODES:-/var/cache/memwatch/node} version asked
	tests/node.sh --list | while read -r version; do
		for asked in ${NODES:-22}; do
			case $version in
			"$asked" | "$asked".*) echo "$cache/$version/bin/node" ;;
			*) [ "$asked" != all ] || echo "$cache/$version/bin/node" ;;
			esac
		done
	done
	[[ " ${NODES:-} " != *" system "* ]] || command -v node
}

# target_label NODE: its major version, "debian", or "system" for what make nodes has not fetched
target_label() {
	case $1 in
	"${MEMWATCH_NODES:-/var/cache/memwatch/node}"/*) basename "$(dirname "$(dirname "$1")")" | sed 's/\..*//' ;;
	*) echo system ;;
	esac
}

# target_command KIND NODE PROGRAMS COMMAND: as a list, as truth/corpus.tsv has them: NAME=VALUE ..., an
# interpreter, the program with its whole path, arguments
target_command() {
	local kind=$1 node=$2 programs=$3 word in_front=1
	for word in $4; do
		if [ -n "$in_front" ] && [[ $word != *=* ]]; then
			in_front=''
			case $kind in
			c) word=$programs/$word ;;
			node | service) echo "$node" && word=$(dirname "${BASH_SOURCE[0]}")/workloads/$word ;;
			python) echo python3 && word=$(dirname "${BASH_SOURCE[0]}")/workloads/$word ;;
			esac
		fi
		echo "$word"
	done
}

# target_is_named NAME PATTERN...: whether one of the patterns (js-*) is of it
target_is_named() {
	local name=$1 pattern
	for pattern in "${@:2}"; do
		# shellcheck disable=SC2053 # patterns they are
		[[ $name != $pattern ]] || return 0
	done
	return 1
}

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

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# checks.sh - TAP for tests that need neither processes nor memwatch (those have lib.sh): a scratch
# folder $work, and check. Source it; end with `exit $failed`.
# shellcheck disable=SC2034 # failed is the caller's
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0 failed=0

# check NAME COMMAND...: one test; what the command prints is shown if it fails.
check() {
	local name=$1
	shift
	n=$((n + 1))
	if "$@" >"$work/log" 2>&1; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		sed 's/^/# /' "$work/log"
		failed=1
	fi
}

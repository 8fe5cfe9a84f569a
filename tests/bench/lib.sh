# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# lib.sh - what the parts of make bench share. To be sourced first:
#
#	. "$(dirname "$0")/lib.sh"
#	clean() { kill ...; }	 # what is started is ended, on every way out
#	need jq node
#
# Leaves the shell at the top of the tree, with $memwatch, $build, and a folder $scratch that goes at
# the end.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck disable=SC2034 # for who sources this
memwatch=${MEMWATCH:-build/memwatch}
# shellcheck disable=SC2034
build=${BUILD:-build}

clean() {
	:
}

scratch=$(mktemp -d)
trap 'clean; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP

fail() {
	echo "bench: $*" >&2
	exit 1
}

# need TOOL...: and root
need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null || fail "$tool is needed; make deps installs it"
	done
	[[ $EUID == 0 ]] || fail "BPF programs are loaded, other processes read: run it as root"
}

# is_quick [ARG]: whether little time is to be taken
is_quick() {
	[[ ${1:-} == --quick || ${BENCH_SECONDS:-240} -lt 120 ]]
}

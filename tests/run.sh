#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# run.sh [TEST...] - all tests by one prove, so that its summary is of all: the sanitized unit
# tests (of user/, and of bpf/ built for this machine), the BPF programs against stored kernel
# types, the runner of test-kernels, and the real thing on this kernel.
# `make test` builds what it needs. Where there are two CPUs and more, what cannot disturb each other runs
# two at a time, by lanes.yml. PROVE_FLAGS=-v shows each test, one at a time.
set -u
cd "$(dirname "$0")/.." || exit 1

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
MEMWATCH=$(realpath -m "${MEMWATCH:-build/memwatch}")
export MEMWATCH

tests=("$@")
if [ $# = 0 ]; then
	for source in tests/unit/test_*.c tests/host/test_*.c; do
		[ -e "$source" ] || continue
		binary=build/sanitize/${source%.c}
		if [ ! -x "$binary" ]; then
			echo "$0: $binary is missing: run make SANITIZE=1 units" >&2
			exit 1
		fi
		tests+=("$binary")
	done
	[ ! -e tests/btf.sh ] || tests+=(tests/btf.sh)
	for test in tests/types.sh tests/verify.sh tests/test-kernels.sh; do
		[ ! -e "$test" ] || tests+=("$test")
	done
	tests+=(tests/e2e/*.sh)
fi

not_root=
if [ "$(id -u)" != 0 ]; then
	not_root="NOT TESTED: memwatch on this kernel (tests/e2e), and on the types of others (tests/types.sh). That needs root: sudo make test"
	echo "$not_root" >&2
elif [ ! -x "$MEMWATCH" ] && [[ " ${tests[*]}" == *.sh* ]]; then
	echo "$0: no memwatch at $MEMWATCH: run make" >&2
	exit 1
fi

# Without rules prove would run any test beside any other.
export HARNESS_RULESFILE=tests/lanes.yml
flags=--timer
if [ "$(nproc)" -gt 1 ] && perl -MCPAN::Meta::YAML -e 1 2>/dev/null; then
	flags="--timer --jobs=2"
fi
while read -r test; do
	[ -e "$test" ] || {
		echo "$0: $HARNESS_RULESFILE names $test, which is not there" >&2
		exit 1
	}
done < <(sed -n 's/^ *- \(tests.*\.sh\)$/\1/p' $HARNESS_RULESFILE)
# shellcheck disable=SC2086 # several words
prove ${PROVE_FLAGS:-$flags} --exec tests/tap.sh "${tests[@]}"
status=$?
[ -z "$not_root" ] || echo "$not_root" >&2
exit $status

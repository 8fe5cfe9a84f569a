#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# test-kernels.sh - that `make test-kernels` fails when a kernel does not do what kernels.tsv says,
# and skips loudly what cannot be had: kernels/run.sh, with stand-ins for what boots and judges.
# Prints TAP.
# shellcheck disable=SC2016 # variables of the stand-ins
set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0 failed=0

# stand_in NAME: what it does, on stdin
stand_in() {
	{ echo '#!/bin/bash' && cat; } >"$work/$1.sh"
	chmod +x "$work/$1.sh"
}

# All is well: each kernel is there, and each capability was seen.
set_up() {
	cp "$here/kernels/run.sh" "$here/kernels/kernels.tsv" "$work/"
	stand_in images <<-'END'
		shift
		for kernel; do echo "$kernel /nowhere/$kernel"; done
	END
	stand_in root </dev/null
	stand_in strip-btf </dev/null
	stand_in boot <<<'echo 0 >"$4/release"; : >"$4/console"'
	stand_in judge <<-'END'
		for about in hooks totals calls faults lifecycle oom gc sites v8 self fexit; do echo "ok 1 - $about: it works"; done
		echo 1..11
	END
}

# runs STATUS SAYS NAME KERNEL...: run.sh on them
runs() {
	local wanted=$1 says=$2 name=$3 status=0
	shift 3
	n=$((n + 1))
	ARCH=x86 BUILD=$work "$work/run.sh" "$@" >"$work/log" 2>&1 || status=$?
	if [ "$status" = "$wanted" ] && grep -q -- "$says" "$work/log"; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		echo "# status $status, not $wanted with '$says':"
		sed 's/^/# /' "$work/log"
		failed=1
	fi
	set_up
}

set_up
runs 0 '22 passed, 0 failed, 0 skipped' "two kernels that do what they must" 6.1 6.12
stand_in judge <<<'echo "ok 1 - totals: right"; echo "not ok 2 - oom: seen"; echo 1..2'
runs 1 'FAILED - oom: seen' "a test that fails" 6.12
stand_in judge <<<'echo "ok 1 - totals: right"; echo "$0: died" >&2; exit 1'
runs 1 'FAILED - judge: it came to its end' "a judge that dies in the middle" 6.12
sed -i 's/ oom / /' "$work/judge.sh"
runs 1 '^oom *FAILED' "a capability of which nothing was seen" 6.12
stand_in boot <<<'echo "it took too long" >&2; exit 124'
runs 1 'FAILED - boot' "a guest that does not come to its end" 6.12
runs 1 'FAILED - hooks: kernels.tsv has no row' "a kernel of which nothing is declared" 4.19
stand_in images <<-'END'
	shift
	for kernel; do [ "$kernel" = 6.13 ] || echo "$kernel /nowhere/$kernel"; done
	echo "images.sh: x86 6.13: the mirror has no such kernel" >&2
	exit 1
END
runs 0 'NOT TESTED: 1 that could not be had' "a kernel that cannot be had, beside one that can" 6.13 6.12
stand_in images <<<'echo "images.sh: x86 6.13: the mirror has no such kernel" >&2; exit 1'
runs 1 'no kernel was tested' "and alone" 6.13
stand_in images <<<'[ "$2" != 6.12 ] || exit 0; echo "images.sh: x86 $2: no such kernel" >&2; exit 1'
runs 1 'images.sh: x86 6.13: no such kernel' "what is said of one without types" 6.13-nobtf
echo "1..$n"
exit $failed

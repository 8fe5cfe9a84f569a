#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# verify.sh - each BPF program, alone, before the running kernel's verifier: it is accepted, or the
# hook's probe says why it cannot be here; and the verifier had no more to do than before. Prints
# TAP. `make kernel-tools` builds what it needs.
# shellcheck disable=SC2016,SC2317 # awk's variables; check() calls functions by name
set -euo pipefail
cd "$(dirname "$0")/.."
readonly verify=${BUILD:-build}/tests/kernels/verify
if [ "$(id -u)" != 0 ]; then
	echo "1..0 # SKIP loading BPF programs needs root"
	exit 0
fi
# shellcheck source=checks.sh
. tests/checks.sh

# compared FILE WANTED: insns.sh fails on it, and says WANTED
compared() {
	if tests/kernels/insns.sh "$1" >/dev/null 2>"$work/said"; then
		echo "insns.sh finds nothing in it"
		return 1
	fi
	grep -qF "$2" "$work/said" || { cat "$work/said" && return 1; }
}

# altered SCRIPT: what verify printed, changed by awk
altered() {
	awk -F '\t' -v OFS='\t' "$1" "$work/rows" >"$work/altered"
}

"$verify" --must totals >"$work/rows" 2>"$work/stderr" || true # what failed is in the rows
check "verify looks at all programs" test ! -s "$work/stderr"
sed 's/^/# /' "$work/stderr"
while IFS=$'\t' read -r program hook result object xlated verified why; do
	[ -n "${hook-}" ] || continue
	n=$((n + 1))
	case $result in
	loaded) echo "ok $n - $program: $object instructions, $verified verified" ;;
	skipped) echo "ok $n - $program: $object instructions # SKIP $why" ;;
	*)
		echo "not ok $n - $program is verified"
		echo "# $why (of $object instructions, $xlated loaded)"
		failed=1
		;;
	esac
done <"$work/rows"

read -r _ _ arch kernel _ <"$work/rows"
if grep -q "^$arch	$kernel	" tests/kernels/insns.tsv; then
	check "no program has grown out of its baseline (insns.sh)" tests/kernels/insns.sh "$work/rows"
	altered '$1 == "mw_tasks" { $4 += 1000 } 1'
	check "one that has would be seen" compared "$work/altered" "mw_tasks: the program grew from"
	altered '$1 == "mw_tasks" { $6 *= 2 } 1'
	check "and if more is verified" compared "$work/altered" "mw_tasks: what is verified grew from"
	altered '$1 == "mw_tasks" { $1 = "mw_new" } 1'
	check "and a program without a baseline" compared "$work/altered" "mw_new: not in the baseline"
else
	n=$((n + 1))
	echo "ok $n - no program has grown # SKIP no baseline for $arch $kernel: tests/kernels/insns.sh --renew"
fi
echo "1..$n"
exit $failed

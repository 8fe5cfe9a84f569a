#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# insns.sh [--renew] [FILE...]: what the verifier had to do, compared with before. FILEs have what
# tests/kernels/verify printed on a kernel each; without any, it runs here (as root).
#
# A table is printed: instructions of each program, and those that the verifier walked through,
# beside those of the baseline, insns.tsv. Status 1 when a program has grown by more than a quarter
# and 200 instructions (compilers differ by less) or is not in the baseline of its kernel, and a
# line on stderr for each; one that has shrunk by as much is told of. A kernel without a baseline
# is said to be without, loudly.
#
# --renew: what the FILEs say is the baseline of their kernels from now on. Look at the diff.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
readonly baseline=$here/insns.tsv
readonly verify=${BUILD:-$here/../../build}/tests/kernels/verify

renew=
[ "${1-}" != --renew ] || { renew=1 && shift; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# = 0 ]; then
	"$verify" >"$work/here" || echo "insns.sh: $verify says that programs failed" >&2
	set -- "$work/here"
fi

# ARCH KERNEL PROGRAM RESULT OBJECT VERIFIED
measured() {
	awk -F '\t' -v OFS='\t' '
		/^# kernel / { split($0, word, " "); arch = word[3]; kernel = word[4]; next }
		NF >= 6 { print arch, kernel, $1, $3, $4, $6 }' "$@"
}

# Programs that are refused where this was measured keep their row; those that are gone go.
renewed() {
	awk -F '\t' -v OFS='\t' '
		/^#/ { next }
		FNR == NR {
			here[$1, $2]
			if ($4 == "loaded") print $1, $2, $3, $5, $6
			else kept[$1, $2, $3]
			next
		}
		!(($1, $2) in here) || ($1, $2, $3) in kept' "$work/measured" "$baseline" |
		LC_ALL=C sort -t "$(printf '\t')" -k 1,1 -k 2,2V -k 3,3
}

compare() {
	awk -F '\t' -v baseline="$baseline" '
		function complain(text) { print "insns.sh: " name ": " text > "/dev/stderr" }
		function judge(what, now, before, by) {
			by = now - before
			if (!now || !before || (by < 0 ? -by : by) <= 200) return
			if (by > before / 4) {
				complain(what " grew from " before " to " now)
				failed = 1
			} else if (-by > before / 4) {
				complain(what " shrank from " before " to " now ": insns.sh --renew")
			}
		}
		/^#/ { next }
		FILENAME == baseline { object[$1, $2, $3] = $4; verified[$1, $2, $3] = $5; known[$1, $2]; next }
		arch != $1 || kernel != $2 {
			arch = $1; kernel = $2; name = arch " " kernel
			printf "%s %-20s %8s %8s %9s %9s\n", name, "", "object", "before", "verified", "before"
			if (!((arch, kernel) in known)) complain("NOT COMPARED: no baseline (insns.sh --renew)")
		}
		$4 != "loaded" { printf "  %-24s %s\n", $3, $4; next }
		{
			name = arch " " kernel " " $3
			if ((arch, kernel) in known && !(($1, $2, $3) in object)) {
				complain("not in the baseline: insns.sh --renew")
				failed = 1
			}
			printf "  %-24s %8d %8s %9d %9s\n", $3, $5, object[$1, $2, $3], $6, verified[$1, $2, $3]
			judge("the program", $5, object[$1, $2, $3])
			judge("what is verified", $6, verified[$1, $2, $3])
		}
		END { exit failed }' "$baseline" "$work/measured"
}

measured "$@" >"$work/measured"
[ -s "$work/measured" ] || { echo "insns.sh: $*: no output of verify" >&2 && exit 2; }
if [ -n "$renew" ]; then
	renewed >"$work/new"
	{
		echo '# Instructions of each BPF program and how many the verifier walks through (0: before'
		echo '# Linux 5.16 it does not say), as tests/kernels/insns.sh --renew measured them.'
		echo '#'
		echo '# ARCH	KERNEL	PROGRAM	OBJECT	VERIFIED'
		cat "$work/new"
	} >"$baseline"
fi
compare

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# types.sh - memwatch's BPF programs against the types of every kernel that it is to run on, without
# booting one: what each access and each hook finds there is what tests/kernels/expect.tsv says,
# and no program can come to an access that finds nothing. Prints TAP. `make kernel-tools` builds
# what it needs, and `make types` makes the stored types.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=kernels/objects.sh
. tests/kernels/objects.sh

readonly store=tests/kernels/types expect=tests/kernels/expect.tsv
readonly relocate=${BUILD:-build}/tests/kernels/relocate
if [ "$(id -u)" != 0 ]; then
	echo "1..0 # SKIP libbpf asks the kernel for maps: that needs root"
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0 failed=0

ok() {
	n=$((n + 1))
	echo "ok $n - $1"
}

# not_ok NAME: and why, on stdin
not_ok() {
	n=$((n + 1)) failed=1
	echo "not ok $n - $1"
	sed 's/^/# /'
}

# expected ARCH KERNEL: the rows of $expect that hold for it
expected() {
	awk -F '\t' -v arch="$1" -v kernel="$2" '
		function number(v, part) { split(v, part, "."); return part[1] * 1000 + part[2] }
		function holds(condition) {
			if (condition == "any") return 1
			if (condition ~ /^>=/) return number(kernel) >= number(substr(condition, 3))
			if (condition ~ /^</) return number(kernel) < number(substr(condition, 2))
			if (condition ~ /^=/) return kernel == substr(condition, 2)
			if (condition ~ /^!/) return kernel != substr(condition, 2)
			print "no condition: " condition
			return 1
		}
		/^(#|$)/ { next }
		NF != 6 { print "not six columns: " $0 }
		$1 != "any" && $1 != arch { next }
		{
			all = 1
			for (i = split($2, conditions, ","); i; i--) all = all && holds(conditions[i])
			if (all) print $3 "\t" $4 "\t" $5
		}' "$expect" | LC_ALL=C sort -u
}

# found ARCH BTF: what is so
found() {
	"$relocate" "$(object_of "$1")" "$2" "$store/PICKS" >"$work/rows" && LC_ALL=C sort -u "$work/rows"
}

# Of `diff expected found`, each line in words.
explain() {
	sed -n 's/^< \(.*\)/expect.tsv says, but it is not so: \1/p
		s/^> picked\t\([^\t]*\).*/\1 was not picked from the types of this kernel: make types/p
		s/^> \(.*\)/it is so, but expect.tsv does not say: \1/p' | tr '\t' ' '
}

# check ARCH KERNEL BTF: 0 if all is as expected; else $work/why
check() {
	expected "$1" "$2" >"$work/expected"
	if ! found "$1" "$3" >"$work/found" 2>"$work/why"; then
		[ -s "$work/why" ] || echo "$relocate failed" >"$work/why"
		return 1
	fi
	! diff "$work/expected" "$work/found" >"$work/diff" || return 0
	explain <"$work/diff" >"$work/why"
	return 1
}

unpack() {
	xz -dc "$store/$1-$2.btf.xz" >"$work/btf"
}

# notices NAME FROM TO WANTED: that FROM in the types, renamed to TO (as long), is noticed as WANTED
notices() {
	LC_ALL=C sed "s/$2/$3/g" "$work/btf" >"$work/changed"
	if check x86 6.12 "$work/changed"; then
		echo "not noticed" | not_ok "$1"
	elif grep -qF "$4" "$work/why"; then
		ok "$1"
	else
		not_ok "$1" <"$work/why"
	fi
}

kernels=$(wc -l <"$store/KERNELS")
echo "1..$((kernels + 5))"
while read -r kernel release; do
	name="$kernel ($release)"
	unpack "${kernel%%-*}" "${kernel#*-}"
	if check "${kernel%%-*}" "${kernel#*-}" "$work/btf"; then
		ok "$name"
	else
		not_ok "$name" <"$work/why"
	fi
done <"$store/KERNELS"

# That it would be seen: types in which something has another name.
unpack x86 6.12
notices "a field that is gone" 'total_vm' 'other_vm' 'does not say: access struct mm_struct.total_vm no'
notices "and that a program comes to it" 'total_vm' 'other_vm' 'does not say: reached mw_tasks '
notices "a tracepoint that is gone" 'btf_trace_sys_exit' 'btf_trace_sys_quit' 'does not say: tracepoint sys_exit -'
notices "a function that is gone" '__x64_sys_mmap' '__x64_sys_nmap' 'does not say: function __x64_sys_mmap -'
notices "a helper that is gone" 'BPF_FUNC_loop' 'BPF_FUNC_poll' 'it is not so: fact has_loop yes'
exit $failed

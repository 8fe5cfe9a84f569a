#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The kernel types of vmlinux/: both headers are short, in step with types.txt, and
# enough for each BPF source, by the Makefile's own rules with warnings as errors;
# and the generator makes such a header from the running kernel. Prints TAP.
# shellcheck disable=SC2317 # check() calls functions by name
set -euo pipefail
cd "$(dirname "$0")/.."

readonly archs=(x86 arm64) max_lines=3000 btf=/sys/kernel/btf/vmlinux
sources=(bpf/*.bpf.c)
machine=$(uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
unset MAKEFLAGS MAKELEVEL
# shellcheck source=checks.sh
. tests/checks.sh

skip() {
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

is_short() {
	local lines
	lines=$(wc -l <"$1")
	echo "$lines lines"
	[ "$lines" -lt "$max_lines" ]
}

# Each struct of types.txt that is not optional is defined in header $1.
in_step() {
	local name missing=0
	while read -r name; do
		grep -q "^struct $name {" "$1" && continue
		echo "no struct $name: run $2"
		missing=1
	done < <(sed -n 's/^struct \([a-z_0-9]*\)\(:.*\)\{0,1\}$/\1/p' vmlinux/types.txt)
	return "$missing"
}

# compiles DIR ARCH SOURCE...: by the Makefile of DIR, into $work.
compiles() {
	local dir=$1 arch=$2 objects=("${@:3}")
	objects=("${objects[@]/#/$work/$arch/}")
	make -s -C "$dir" CI=true ARCH="$arch" BUILD="$work/$arch" "${objects[@]/%.c/.o}"
}

# Each program for uprobes in the objects of ARCH keeps off the kernel's per-CPU stacks (bpf/memwatch.bpf.h):
# helper 12 is bpf_tail_call().
keeps_own_stack() {
	local listing
	listing=$(llvm-objdump -d -j '?uprobe' -j '?uretprobe' "$work/$1"/bpf/{gc,v8,external}.bpf.o |
		awk '/^[0-9a-f]+ <mw_.*>:/ { name = $2; all[name] } /call (12|0xc)$/ { has[name] }
			END { for (name in all) print name, name in has ? "has" : "has no", "tail call" }')
	echo "$listing"
	[ "$(wc -l <<<"$listing")" -ge 27 ] && ! grep -q 'has no' <<<"$listing"
}

generates() {
	mkdir "$work/tree" && cp -r Makefile bpf include vmlinux "$work/tree" &&
		"$work/tree/vmlinux/generate.sh" "$machine" && rm -rf "${work:?}/$machine" &&
		compiles "$work/tree" "$machine" "${sources[@]}"
}

echo "1..$((${#archs[@]} * (3 + ${#sources[@]}) + 1))"
for arch in "${archs[@]}"; do
	header=vmlinux/$arch/vmlinux.h
	check "$header is shorter than $max_lines lines" is_short "$header"
	check "$header has the types of types.txt" in_step "$header" "vmlinux/generate.sh $arch"
	for source in "${sources[@]}"; do
		check "$source compiles for $arch" compiles . "$arch" "$source"
	done
	check "programs for uprobes keep the stack of their thread on $arch" keeps_own_stack "$arch"
done
if [ ! -r $btf ]; then
	skip "the running kernel's types will do" "$btf cannot be read"
elif [ "$(printf '6.2\n%s\n' "$(uname -r)" | sort -V | head -n 1)" != 6.2 ]; then
	skip "the running kernel's types will do" "it is older than 6.2"
else
	check "the running kernel's types will do" generates
fi
exit $failed

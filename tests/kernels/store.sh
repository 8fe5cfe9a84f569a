#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# store.sh [ARCH-KERNEL...]: remakes types/, for tests/types.sh: what memwatch asks for of the types
# of each kernel that it is to run on; also of those named (x86-6.20). `make types` builds what this
# needs (the BPF objects of both architectures, reduce, relocate). Kernels come from images.sh.
#
#	types/PICKS			what was asked for, one a line
#	types/KERNELS			ARCH-KERNEL RELEASE, one a line
#	types/ARCH-KERNEL.btf.xz	those types, with all of their members
#
# What is asked for is what types.txt lists, what the BPF objects' relocations begin at and what
# their programs attach to, and what is likely to come (below). Each is compared: libbpf relocates
# the BPF object to the stored types as to all of that kernel's, instruction by instruction.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
readonly store=tests/kernels/types

# Hooks that are not used but could be: their prototypes.
readonly more='enum bpf_func_id
func bpf_iter_task_vma
func handle_mm_fault
func oom_kill_process
typedef btf_trace_mm_vmscan_direct_reclaim_begin
typedef btf_trace_mm_vmscan_memcg_reclaim_begin
typedef btf_trace_page_fault_user
typedef btf_trace_rss_stat'

die() {
	echo "store.sh: $*" >&2
	exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ "$(id -u)" = 0 ] || die "comparing needs root: sudo make types"

# shellcheck source=objects.sh
. tests/kernels/objects.sh

# "struct mm_struct: brk" is "struct mm_struct"; a lone lower-case name is a typedef.
listed() {
	awk '
		/^(struct|union|enum) / { sub(/[:?]+$/, "", $2); print $1, $2 }
		/^[a-z][a-z_0-9]*[?]?$/ { sub(/[?]$/, ""); print "typedef", $1 }
	' vmlinux/types.txt
}

{
	listed
	"$BUILD/tests/kernels/reduce" --picks "$(object_of x86)" "$(object_of arm64)"
	echo "$more"
} | LC_ALL=C sort -u >"$work/picks"

# keep FILE AS: AS is not touched if it says the same: another xz packs by other bytes.
keep() {
	if [ -e "$2" ] && xz -dcq "$2" 2>/dev/null | cmp -s - "$1"; then
		return
	fi
	xz -9e -c "$1" >"$2"
	echo "  TYPES   $2"
}

# same_relocations ARCH FULL STORED
same_relocations() {
	local object
	object=$(object_of "$1")
	"$BUILD/tests/kernels/relocate" --insns "$object" "$2" >"$work/full" &&
		"$BUILD/tests/kernels/relocate" --insns "$object" "$3" >"$work/stored" &&
		[ -s "$work/full" ] && diff "$work/full" "$work/stored" >&2
}

# store_one ARCH KERNEL
store_one() {
	local folder
	folder=$(tests/kernels/images.sh "$1" "$2" | sed -n 's/^[^ ]* //p')
	[ -n "$folder" ] || die "$1 $2 cannot be had: see above"
	"$BUILD/tests/kernels/reduce" "$folder/btf" "$work/picks" "$work/btf"
	same_relocations "$1" "$folder/btf" "$work/btf" ||
		die "$1 $2: the BPF object is not relocated to the stored types as to all of them"
	keep "$work/btf" "$store/$1-$2.btf.xz"
	echo "$1-$2 $(cat "$folder/release")" >>"$work/kernels"
}

mkdir -p "$store"
[ -e "$store/KERNELS" ] || : >"$store/KERNELS"
: >"$work/kernels"
while read -r name; do
	[[ $name =~ ^(x86|arm64)-[0-9.]+$ ]] || die "'$name' is no kernel such as x86-6.12"
	store_one "${name%%-*}" "${name#*-}"
done < <({ cut -d ' ' -f 1 "$store/KERNELS" && printf '%s\n' "$@"; } | grep . | sort -Vu)
cp "$work/picks" "$store/PICKS"
cp "$work/kernels" "$store/KERNELS"

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# strip-btf.sh FOLDER ROOT OUT: of an x86 kernel by images.sh one without types, as if it had been
# built without CONFIG_DEBUG_INFO_BTF: OUT/vmlinuz (an ELF file, which QEMU boots by its PVH entry),
# OUT/types (what it was robbed of, for --btf) and OUT/release. ROOT: a root by root.sh.
#
# To damage the types is not enough: such a kernel refuses every BPF program. Two functions are made
# to return 0 at once: btf_parse_vmlinux(), as where there is nothing to parse, and
# btf_vmlinux_init(), so that there is no /sys/kernel/btf. Where they are is asked of the kernel
# itself, in a boot; the first instructions (endbr64, the call that ftrace replaces) are left.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=unpack.sh
. "$here/unpack.sh"

die() {
	echo "strip-btf.sh: $*" >&2
	exit 1
}

[ $# = 3 ] || die "usage: tests/kernels/strip-btf.sh FOLDER ROOT OUT"
folder=$1 root=$2 out=$3
[ ! -s "$out/release" ] || exit 0
mkdir -p "$(dirname "$out")"
work=$(mktemp -d "$(dirname "$out")/.stripping.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

image_btf "$folder/vmlinuz" "$work/types" || die "$folder/vmlinuz cannot be unpacked"
readelf -n "$work/unpacked" 2>/dev/null | grep -q '^ *Xen' || die "$folder has no PVH entry"
"$here/boot.sh" x86 "$folder" "$root" "$work/boot" symbols || die "$folder does not boot"

# symbol NAME: its address, as linked: 0xffffffff81000000 is where the text begins
symbol() {
	local address text
	address=$(awk -v name="$1" '$3 == name { print $1 }' "$work/boot/symbols")
	text=$(awk '$3 == "_text" { print $1 }' "$work/boot/symbols")
	if [ -z "$address" ] || [ -z "$text" ]; then
		die "$folder has no symbol $1"
	fi
	printf '%x\n' $((0x$address - 0x$text + 0xffffffff81000000))
}

# file_offset ADDRESS: in the ELF file; segments are {offset, address, size}
file_offset() {
	local offset address size
	while read -r _ offset address _ size _; do
		if ((0x$1 >= address && 0x$1 < address + size)); then
			echo $((0x$1 - address + offset))
			return
		fi
	done < <(readelf -lW "$work/unpacked" 2>/dev/null | awk '$1 == "LOAD"')
	die "no segment has address $1"
}

# bytes OFFSET COUNT
bytes() {
	od -An -v -tx1 -j "$1" -N "$2" "$work/unpacked" | tr -d ' \n'
}

# return_0 NAME: xor %eax,%eax; ret
return_0() {
	local address at
	address=$(symbol "$1") || exit
	at=$(file_offset "$address") || exit
	[ "$(bytes "$at" 4)" != f30f1efa ] || at=$((at + 4))
	case $(bytes "$at" 5) in
	e8* | 0f1f440000) at=$((at + 5)) ;;
	esac
	printf '\x31\xc0\xc3' | dd of="$work/unpacked" bs=1 conv=notrunc status=none seek="$at"
}

return_0 btf_parse_vmlinux
return_0 btf_vmlinux_init
mkdir "$work/new"
mv "$work/unpacked" "$work/new/vmlinuz"
mv "$work/types" "$work/new/types"
cp "$folder/release" "$work/new/release"
mv -T "$work/new" "$out" 2>/dev/null || [ -s "$out/release" ]

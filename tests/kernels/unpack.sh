# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# unpack.sh - what is in a kernel's image. Source it; $work is a folder for scratch.
# shellcheck disable=SC2154 # work

# Offsets in file $1 of the bytes $2, a Perl pattern.
offsets() {
	LC_ALL=C grep -abobUaP "$2" "$1" | cut -d : -f 1
}

# take_btf FILE OUT: the BTF in FILE, the largest if there are several. Its header (struct
# btf_header) is {0xeb9f, version 1, flags 0, hdr_len, type_off 0, type_len, str_off, str_len}.
take_btf() {
	local at hdr str_off str_len size best=1000000 found=1

	for at in $(offsets "$1" '\x9f\xeb\x01\x00.\x00\x00\x00\x00\x00\x00\x00'); do
		read -r hdr str_off str_len < <(od -An -v -tu4 -w24 -j "$at" -N 24 "$1" |
			awk '{print $2, $5, $6}')
		size=$((hdr + str_off + str_len))
		[ "$size" -gt "$best" ] || continue
		tail -c "+$((at + 1))" "$1" | head -c "$size" >"$2" || true
		best=$size found=0
	done
	return $found
}

# take_packed IMAGE OUT MAGIC UNPACK...: from each place in the image that begins like MAGIC
take_packed() {
	local image=$1 out=$2 magic=$3 at
	shift 3
	for at in $(offsets "$image" "$magic"); do
		tail -c "+$((at + 1))" "$image" | "$@" >"$work/unpacked" 2>/dev/null || true
		! take_btf "$work/unpacked" "$out" || return 0
	done
	return 1
}

# image_btf IMAGE OUT: its types; what was unpacked of it, an ELF file, is left as $work/unpacked
image_btf() {
	take_btf "$1" "$2" ||
		take_packed "$1" "$2" '\xfd7zXZ\x00' xz -dcq --single-stream ||
		take_packed "$1" "$2" '\x28\xb5\x2f\xfd' zstd -dcq ||
		take_packed "$1" "$2" '\x02\x21\x4c\x18' lz4 -dcq ||
		take_packed "$1" "$2" '\x1f\x8b\x08' gzip -dcq
}

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# boot.sh ARCH KERNEL ROOT OUT [WORD...]: boots a kernel under QEMU (emulated: no KVM is needed)
# with a root file system by root.sh, runs guest/init with the words, and takes what it has written
# below /out into the folder OUT; OUT/console is the console. KERNEL: a folder by images.sh or
# strip-btf.sh, whose types the guest finds at /run/types, or an image.
#
# ROOT is not changed. Status: that of the guest's tests; 124 after ${SECONDS_MAX:-600} s, 125 if the guest
# did not come to an end (it crashed, or has no such root).
set -euo pipefail
# shellcheck source=qemu.sh
. "$(dirname "$0")/qemu.sh"

[ $# -ge 4 ] || { echo "usage: tests/kernels/boot.sh ARCH KERNEL ROOT OUT [WORD...]" >&2; exit 2; }
arch=$1 kernel=$2 root=$3 out=$4
shift 4
types=$kernel/types

mkdir -p "$out"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# A copy of ROOT, with room for a tar behind it, at $out_mb.
out_mb=$(($(stat -L -c %s "$root") / 1048576 + 1))
qemu_of "$arch" "$kernel" "$scratch/disk" "$out/console" init=/init "out_mb=$out_mb" -- "$@" || {
	echo "boot.sh: '$arch' is neither x86 nor arm64" >&2
	exit 2
}
cp --sparse=auto "$root" "$scratch/disk"
truncate -s "$((out_mb))M" "$scratch/disk"
[ ! -e "$types" ] || tar -c -C "${types%/*}" types >>"$scratch/disk"
truncate -s "$((out_mb + 64))M" "$scratch/disk"

status=0
timeout --foreground -k 5 "${SECONDS_MAX:-600}" "${qemu[@]}" </dev/null >"$out/qemu" 2>&1 || status=$?
[ "$status" != 124 ] || { echo "boot.sh: the guest took more than ${SECONDS_MAX:-600} s" >&2; exit 124; }
# QEMU ends with 0 when the kernel has panicked, too.
tail -c "+$((out_mb * 1048576 + 1))" "$scratch/disk" | tar -x -C "$out" 2>>"$out/qemu" || true
if [ ! -s "$out/status" ]; then
	echo "boot.sh: the guest did not come to its end: $(tail -n 3 "$out/console" "$out/qemu" | tr -d '\r')" >&2
	exit 125
fi
exit "$(cat "$out/status")"

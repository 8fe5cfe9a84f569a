#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# sysroot.sh [arm64] - the libraries that memwatch and its tests are linked with, for another
# architecture than this machine's. Prints the folder that they are in:
# ${MEMWATCH_SYSROOT:-/var/cache/memwatch/sysroot}/arm64, with usr/include, usr/lib/TRIPLET and
# the runtime of C and C++ (lib/TRIPLET), on which Node runs under qemu-user and in a guest.
#
# Debian's packages of this machine's release are unpacked there: nothing is installed, and the
# system's apt is not touched. The compiler, headers of the C library and kernel included, is the
# system's cross compiler. Unpacked beside its place and renamed into it; what is there and of
# this list stays.
set -euo pipefail
# shellcheck source=apt.sh
. "$(dirname "$0")/apt.sh"

die() {
	echo "sysroot.sh: $*" >&2
	exit 1
}

# To link with; libzstd for libelf of Debian 13; then what runs.
readonly PACKAGES=(
	libbpf-dev libelf-dev zlib1g-dev libzstd-dev libiberty-dev libncurses-dev
	libcmocka-dev libjson-c-dev libsqlite3-dev libprotobuf-c-dev systemtap-sdt-dev
	libc6 libgcc-s1 libstdc++6 libatomic1 libcmocka0
)

case ${1:-arm64} in
arm64) debarch=arm64 triplet=aarch64-linux-gnu ;;
*) die "usage: tests/kernels/sysroot.sh [arm64]" ;;
esac
cache=${MEMWATCH_SYSROOT:-/var/cache/memwatch/sysroot}
sysroot=$cache/$debarch

# The list that was unpacked is kept with it.
if [ "$(cat "$sysroot/packages" 2>/dev/null)" = "${PACKAGES[*]}" ]; then
	echo "$sysroot"
	exit 0
fi
command -v "$triplet-gcc" >/dev/null ||
	die "needs $triplet-gcc: 'tests/deps.sh kernels-arm64' installs it (Debian's package: gcc-$triplet)"
mkdir -p "$cache"
work=$(mktemp -d "$cache/.unpacking.XXXXXX")
trap 'rm -rf "$work"' EXIT

suite=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
[ -n "$suite" ] || die "/etc/os-release names no release of Debian"
private_apt "$work/apt" "$debarch" "$suite" || die "the mirror has no lists of $suite for $debarch"

mkdir "$work/root" "$work/debs"
(cd "$work/debs" && apt-get download -qq "${PACKAGES[@]}") || die "the mirror lacks one of ${PACKAGES[*]}"
for deb in "$work"/debs/*.deb; do
	dpkg-deb -x "$deb" "$work/root"
done
rm -rf "$work/root/usr/share"
# Of a library that is there in both forms the static one is linked: it needs nothing where it runs.
for archive in "$work/root/usr/lib/$triplet"/*.a; do
	rm -f "${archive%.a}.so"
done
echo "${PACKAGES[*]}" >"$work/root/packages"
[ ! -e "$sysroot" ] || mv -T "$sysroot" "$work/old"
# Another of these may have been faster: what it unpacked is the same.
mv -T "$work/root" "$sysroot" 2>/dev/null || [ -e "$sysroot/packages" ] || die "cannot write $sysroot"
echo "$sysroot"

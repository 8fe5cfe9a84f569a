#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# root.sh ARCH IMAGE: the root file system of a guest: Debian's bash, jq and the like, Node,
# memwatch (static), the workloads and the tests, below /memwatch as they are here. ARCH: x86 or
# arm64. IMAGE is made: ext4, without a mount.
#
# Debian's packages are unpacked once, below ${MEMWATCH_KERNELS:-/var/cache/memwatch/kernels}.
# What was built must be there: make test-kernels builds it. BUILD names where (build/static), NODE
# the version of Node, which is fetched (tests/node.sh) if it is not there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=apt.sh
. "$here/apt.sh"

die() {
	echo "root.sh: $*" >&2
	exit 1
}

PACKAGES=(bash busybox-static coreutils diffutils findutils grep sed mawk tar util-linux mount procps jq bpftool libc-bin
	libstdc++6 libatomic1)

case ${1-} in
x86) debarch=amd64 nodes=${MEMWATCH_NODES:-/var/cache/memwatch/node} ;;
arm64) debarch=arm64 nodes=${MEMWATCH_NODES:-/var/cache/memwatch/node-arm64} ;;
*) die "usage: tests/kernels/root.sh x86|arm64 IMAGE" ;;
esac
arch=$1 image=${2:?usage: tests/kernels/root.sh x86|arm64 IMAGE}
build=$(realpath "${BUILD:-$top/build/static}")
node=${NODE_BINARY:-$nodes/${NODE:-22.23.3}/bin/node}
cache=${MEMWATCH_KERNELS:-/var/cache/memwatch/kernels}
base=$cache/.root-$arch
[ -x "$build/memwatch" ] || die "no $build/memwatch: run make test-kernels"
if [ ! -x "$node" ]; then
	[ -z "${NODE_BINARY-}" ] || die "no $node"
	ARCH=$arch "$top/tests/node.sh" "${NODE:-22.23.3}" >&2 || die "no $node, and it cannot be had"
fi

# --- Debian's part, once ---

suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
stamp="$suite ${PACKAGES[*]}"
mkdir -p "$cache"
work=$(mktemp -d "$cache/.root.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ "$(cat "$base/stamp" 2>/dev/null)" != "$stamp" ]; then
	exec 3>"$cache/.root-$arch.lock"
	flock 3
	# A state of its own: the kernels' knows of several releases.
	private_apt "$cache/.apt-root-$arch" "$debarch" "$suite" ||
		die "Debian's packages of $suite cannot be had"
	apt-get install -qq --download-only -y -o Debug::NoLocking=1 "${PACKAGES[@]}" >"$work/log" 2>&1 ||
		die "Debian's packages cannot be had: $(tail -n 2 "$work/log")"
	mkdir "$work/debian"
	for deb in "$cache/.apt-root-$arch"/cache/archives/*.deb; do
		dpkg-deb -x "$deb" "$work/debian"
	done
	rm -rf "$work"/debian/usr/share/{doc,man,locale,info} "$cache/.apt-root-$arch"/cache/archives/*.deb
	echo "$stamp" >"$work/debian/stamp"
	rm -rf "$base"
	mv -T "$work/debian" "$base"
fi

# --- ours ---

root=$work/root
mkdir -p "$root" && cp -a "$base/." "$root"
mkdir -p "$root"/{proc,sys,dev,run,tmp,root,memwatch/build/tests} "$root/usr/bin"
ln -sf mawk "$root/usr/bin/awk"
cp "$node" "$root/usr/bin/node"
cp "$here/guest/init" "$root/init"
cp "$build/memwatch" "$root/memwatch/build/"
cp -r "$build/tests/workloads" "$root/memwatch/build/tests/"
[ ! -d "$build/tests/kernels" ] || cp -r "$build/tests/kernels" "$root/memwatch/build/tests/"
find "$root/memwatch/build" -name '*.d' -delete
cp -r "$top/tests" "$root/memwatch/tests"
rm -f "$image"
mke2fs -q -t ext4 -O ^has_journal -d "$root" "$image" $(($(du -sm "$root" | cut -f 1) + 64))M >/dev/null

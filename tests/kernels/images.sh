#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# images.sh ARCH KERNEL...: Debian's cloud kernels, for x86 or arm64, whatever machine this is.
#
# KERNEL: a series (6.12) of which the newest build is taken, one build (5.10.223), `newest`, or
# `all`, the newest of each series that the mirror has. Each goes into
# ${MEMWATCH_KERNELS:-/var/cache/memwatch/kernels}/ARCH/KERNEL:
#
#	vmlinuz		the image, to boot
#	btf		its types
#	release		what uname -r says
#
# and a line "KERNEL FOLDER" is printed for each that is there (`newest` as its series). What is
# there already is not fetched again: the mirror keeps only some builds. Status 1, and a line on
# stderr for each that cannot be had. Nothing is installed or booted.
#
#	images.sh --list ARCH	what is there, without asking the mirror
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=apt.sh
. "$here/apt.sh"
# shellcheck source=unpack.sh
. "$here/unpack.sh"

# Each series has been in one of these.
SUITES=(bullseye bullseye-security bookworm bookworm-security trixie trixie-security trixie-backports)

die() {
	echo "images.sh: $*" >&2
	exit 1
}

list=
[ "${1-}" != --list ] || { list=1 && shift; }
case ${1-} in
x86) debarch=amd64 ;;
arm64) debarch=arm64 ;;
*) die "usage: tests/kernels/images.sh [--list] x86|arm64 [KERNEL|newest|all]..." ;;
esac
arch=$1
shift
root=${MEMWATCH_KERNELS:-/var/cache/memwatch/kernels}
cache=$root/$arch

cached() {
	[ ! -d "$cache" ] || find "$cache" -mindepth 2 -maxdepth 2 -name release -printf '%h\n' |
		sed 's,.*/,,' | sort -V
}

if [ -n "$list" ]; then
	cached
	exit 0
fi

# --- what the mirror has ---

# Since 6.19 the image is in linux-binary-*, and linux-image-* only depends on it.
packages() {
	private_apt_packages |
		grep -E "^linux-(binary|image)-[0-9]+\.[0-9]+\.[0-9]+[-+][^ ]*cloud-$debarch " | sort -u
}

# packages_of KERNEL: of that series or build, the newest first
packages_of() {
	awk -v k="$1" '
		{ v = $2; sub(/^[0-9]+:/, "", v) }
		FNR == NR { all[$1]; next }
		index(v, k) == 1 && substr(v, length(k) + 1, 1) ~ /[-.+~]/ {
			binary = $1
			if (sub(/^linux-image-/, "linux-binary-", binary) && binary in all)
				next
			print v, $1
		}' "$work/packages" "$work/packages" | sort -k 1,1Vr -k 2,2 | cut -d ' ' -f 2
}

series() {
	awk '{ v = $2; sub(/^[0-9]+:/, "", v); split(v, n, "."); print n[1] "." n[2] + 0 }' "$work/packages" |
		sort -Vu
}

# --- fetching ---

complain() {
	echo "images.sh: $arch $1: $2" >&2
	return 1
}

# download PACKAGE: its image into $work/new
download() {
	rm -rf "$work/new" "$work/deb" && mkdir -p "$work/new" "$work/deb"
	(cd "$work/deb" && apt-get download -qq "$1" >"$work/log" 2>&1) &&
		dpkg-deb --fsys-tarfile "$work"/deb/*.deb |
		tar -x -O --wildcards '*/vmlinuz*' >"$work/new/vmlinuz" 2>>"$work/log" &&
		[ -s "$work/new/vmlinuz" ]
}

# fetch KERNEL: into the cache; renamed into place when it is whole. Lists may name builds that are
# gone: the newest few are tried.
fetch() {
	local kernel=$1 package found='' tried=0
	while read -r package; do
		[ $((tried += 1)) -le 4 ] || break
		! download "$package" || { found=$package && break; }
	done < <(packages_of "$kernel")
	if [ -z "$found" ]; then
		complain "$kernel" "the mirror has no such kernel$([ $tried = 0 ] || echo ' to download: it lists some')"
		return 1
	fi
	image_btf "$work/new/vmlinuz" "$work/new/btf" ||
		complain "$kernel" "no types (BTF) in $found's image" || return
	echo "${found#linux-*-}" >"$work/new/release"
	mv -T "$work/new" "$cache/$kernel" 2>/dev/null || [ -s "$cache/$kernel/release" ]
}

for tool in xz zstd dpkg-deb; do
	command -v $tool >/dev/null || die "needs $tool"
done
mkdir -p "$cache"
work=$(mktemp -d "$root/.fetching.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Only when something is not there: lists of many suites take a while.
ask_mirror() {
	[ ! -e "$work/packages" ] || return 0
	exec 3>"$root/.apt-$arch.lock"
	flock 3
	private_apt "$root/.apt-$arch" "$debarch" "${SUITES[@]}" >&2 && packages >"$work/packages" &&
		[ -s "$work/packages" ]
}

failed=0
wanted=()
for kernel; do
	case $kernel in
	newest | all)
		if ask_mirror; then known=$(series); else known=$(cached); fi
		[ "$kernel" = all ] || known=$(tail -n 1 <<<"$known")
		# shellcheck disable=SC2206 # one a word
		wanted+=($known)
		[ -n "$known" ] || complain "$kernel" "neither the mirror nor the cache has any" || failed=1
		;;
	*)
		[[ $kernel =~ ^[0-9]+\.[0-9]+(\.[0-9]+)?$ ]] || die "'$kernel' is no kernel such as 6.12 or 5.10.223"
		wanted+=("$kernel")
		;;
	esac
done
while read -r kernel; do
	[ -n "$kernel" ] || continue
	if [ ! -s "$cache/$kernel/release" ]; then
		ask_mirror || { complain "$kernel" "the mirror cannot be asked" || failed=1; continue; }
		fetch "$kernel" || { failed=1; continue; }
	fi
	echo "$kernel $cache/$kernel"
done < <(printf '%s\n' "${wanted[@]}" | awk '!seen[$0]++')
exit $failed

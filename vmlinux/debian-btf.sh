#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# debian-btf.sh ARCH [MINOR]: the BTF of Debian's newest cloud kernel of MINOR (6.18),
# for x86 or arm64, whatever machine this is. Prints the path of the file made.
#
# For making vmlinux.h of an architecture that is not at hand. Needs Debian's apt,
# which is given a state of its own: the system's is not touched. The mirror is the
# one that the system uses. Nothing is installed or booted.
set -euo pipefail
cd "$(dirname "$0")/.."
die() {
	echo "debian-btf.sh: $*" >&2
	exit 1
}

case ${1-} in
x86) debarch=amd64 ;;
arm64) debarch=arm64 ;;
*) die "usage: vmlinux/debian-btf.sh x86|arm64 [MINOR]" ;;
esac
minor=${2-6.18}
out=$PWD/build/btf
apt=$out/apt-$debarch
mkdir -p "$apt"/{lists/partial,cache/archives/partial}

# --- a private apt ---

# shellcheck disable=SC2016 # apt-get's own variable
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1)
[ -n "$mirror" ] || die "apt's sources name no Debian mirror"
for suite in bookworm trixie trixie-backports; do
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
done >"$apt/sources.list"
: >"$apt/status"
cat >"$apt/conf" <<EOF
APT::Architecture "$debarch";
APT::Architectures { "$debarch"; };
APT::Sandbox::User "";
Acquire::Languages "none";
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
EOF
export APT_CONFIG=$apt/conf
apt-get update -qq

# Since 6.19 the image is in linux-binary-*, and linux-image-* only depends on it.
package=$(apt-cache dumpavail |
	sed -n "s/^Package: \(linux-\(binary\|image\)-${minor//./\\.}[.+].*cloud-$debarch\)$/\1/p" |
	sort -t - -k 3V | tail -n 1)
[ -n "$package" ] || die "the mirror has no Linux $minor for $debarch"
if [[ $package == linux-image-* ]]; then
	binary=linux-binary-${package#linux-image-}
	! apt-cache show "$binary" >/dev/null 2>&1 || package=$binary
fi
version=${package#linux-*-} # 6.18.15+deb13-cloud-arm64
btf=$out/$version.btf

# --- its image, decompressed ---

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download -qq "$package")
dpkg-deb --fsys-tarfile "$work"/*.deb | tar -x -C "$work" --wildcards '*/vmlinuz*' ||
	die "$package holds no vmlinuz"
image=$(find "$work" -name 'vmlinuz*')

# Offsets in file $1 of the bytes $2, a Perl pattern.
offsets() {
	LC_ALL=C grep -abobUaP "$2" "$1" | cut -d : -f 1
}

# The BTF in file $1, the largest if there are several, into $btf. Its header (struct
# btf_header) is {0xeb9f, version 1, flags 0, hdr_len, type_off 0, type_len, str_off, str_len}.
take_btf() {
	local at hdr str_off str_len size best=1000000 found=1

	for at in $(offsets "$1" '\x9f\xeb\x01\x00.\x00\x00\x00\x00\x00\x00\x00'); do
		read -r hdr str_off str_len < <(od -An -v -tu4 -w24 -j "$at" -N 24 "$1" |
			awk '{print $2, $5, $6}')
		size=$((hdr + str_off + str_len))
		[ "$size" -gt "$best" ] || continue
		tail -c "+$((at + 1))" "$1" | head -c "$size" >"$btf" || true
		best=$size found=0
	done
	return $found
}

# Decompresses from each place in the image that begins like @magic.
take_packed() {
	local magic=$1 at
	shift
	for at in $(offsets "$image" "$magic"); do
		tail -c "+$((at + 1))" "$image" | "$@" >"$work/unpacked" 2>/dev/null || true
		! take_btf "$work/unpacked" || return 0
	done
	return 1
}

take_btf "$image" ||
	take_packed '\xfd7zXZ\x00' xz -dcq --single-stream ||
	take_packed '\x28\xb5\x2f\xfd' zstd -dcq ||
	take_packed '\x02\x21\x4c\x18' lz4 -dcq ||
	take_packed '\x1f\x8b\x08' gzip -dcq ||
	die "no BTF in $package's image"
echo "$btf"

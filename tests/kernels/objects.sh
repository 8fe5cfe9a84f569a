# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# objects.sh - the BPF object of each architecture, for what looks at kernel types. Source it in the
# root of the tree.

HOST_ARCH=$(uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')

# object_of ARCH: its path; made by `make $(object_of ARCH)`, with ARCH=ARCH if that is another.
object_of() {
	if [ "$1" = "$HOST_ARCH" ]; then
		echo "${BUILD:-build}/memwatch.bpf.o"
	else
		echo "build/$1/memwatch.bpf.o"
	fi
}

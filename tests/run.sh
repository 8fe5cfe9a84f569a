#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Runs every test by one runner, so that its summary is of all: the sanitized unit tests, the BPF
# sources natively and for every architecture, and the whole program on this kernel.
# What the arguments name, if there are any, instead.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v prove >/dev/null || {
	echo "memwatch: prove (Debian's perl) is missing: run 'sudo make deps'" >&2
	exit 1
}
if [ "$(id -u)" -ne 0 ]; then
	echo "memwatch: not root: the end-to-end tests will be skipped ('sudo make test' runs them)" >&2
fi
export MEMWATCH=${MEMWATCH:-build/memwatch}
if [ $# -eq 0 ]; then
	set -- build/sanitize/tests/unit/test_* build/sanitize/tests/host/test_* tests/btf.sh \
		tests/e2e/*.sh
	files=()
	for file; do
		[[ $file == *.d ]] || files+=("$file")
	done
	set -- "${files[@]}"
fi
exec prove --timer --exec tests/tap.sh "$@"

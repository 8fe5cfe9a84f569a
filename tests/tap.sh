#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# tap.sh TEST: runs a test for prove(1): a script as it is; a cmocka program so that it prints
# TAP, with its skips in TAP's form (cmocka 1.1.5 prints "not ok N # SKIP").
set -uo pipefail

case $1 in
*.sh)
	exec bash "$1"
	;;
*)
	CMOCKA_MESSAGE_OUTPUT=TAP "./$1" | sed 's/^not ok \(.*# *SKIP\)/ok \1/'
	exit "${PIPESTATUS[0]}"
	;;
esac

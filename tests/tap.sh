#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# tap.sh TEST: runs a test for prove(1): a script with SIGINT and SIGHUP as they are by default, for some send them
# (what a shell runs in the background ignores INT, nohup HUP, and so would all that is started there); a
# cmocka program so that it prints TAP, with its skips in TAP's form (cmocka 1.1.5 prints "not ok N
# # SKIP"). By $MEMWATCH_TEST_RUNNER if it is set: a command and its options that runs programs of
# another architecture.
set -uo pipefail

case $1 in
*.sh)
	exec env --default-signal=HUP,INT,QUIT bash "$1"
	;;
*)
	# shellcheck disable=SC2086 # several words
	CMOCKA_MESSAGE_OUTPUT=TAP ${MEMWATCH_TEST_RUNNER:-} "./$1" | sed 's/^not ok \(.*# *SKIP\)/ok \1/'
	exit "${PIPESTATUS[0]}"
	;;
esac

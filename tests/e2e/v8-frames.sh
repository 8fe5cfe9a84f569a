#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Names, files and lines of JavaScript frames, on the system's node and on every Node that `make nodes` has
# fetched, against the source of what runs (tests/v8/frames): functions in all tiers of V8, inlined ones, in
# a worker, a module, a dependency, made by eval(). And which function allocates, if several are inlined
# into one, by what the program itself says that it is doing.
#
# LIMITATIONS: stops the program to look at it (ptrace); what the BPF programs see is walked by their code, but
# not in the kernel.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
[ "$(id -u)" = 0 ] || skip_all "needs root: it stops processes that are not its children"
command -v node >/dev/null || skip_all "no node here"
command -v jq >/dev/null || die "jq is not installed: run make deps"
JSSTACK=$(dirname "$WORKLOADS")/v8/jsstack
[ -x "$JSSTACK" ] || die "no $JSSTACK: run make e2e"

seconds=${V8_FRAMES_SECONDS:-1.5}
STACKS=400 # on a busy machine it takes longer
export MARK='mark-of-jsstack!'
frames=$T/frames
cp -r "$TESTS/v8/frames" "$frames"
mkdir "$frames/node_modules"
mv "$frames/dep" "$frames/node_modules/dep"

check() { # VERSION NODE
	local id=v$1 at=$T/$1
	start "$id" "$2" "$frames/main.js"
	ready "$id"
	if ! "$JSSTACK" -p "$(pid_of "$id")" -d "$seconds" -n "$STACKS" -i 400 -w -m "$MARK" >"$at.stacks" 2>"$at.err"; then
		fail "$1: stacks can be taken" "$(cat "$at.err")"
		stop "$id" KILL
		return
	fi
	stop "$id" KILL
	node "$frames/check.js" "$frames" <"$at.stacks" >"$at.json" || die "check.js failed"
	of() { jq -r "$1" "$at.json"; }
	holds() { # CONDITION WHAT
		if [ "$(of "$1")" = true ]; then pass "$version: $2"; else fail "$version: $2" "$(jq . "$at.json")"; fi
	}
	version=$1
	holds '.own >= 200 and .eval > 0 and .inlined > 0 and .judged >= 200' "frames of the program are seen"
	holds '.identity_pct >= 99' "name, file and line of functions: $(of .identity_pct) % of $(of .own)"
	holds '.line_pct >= 94' "current lines: $(of .line_pct) % of $(of .judged)"
	holds '.origin == .own' "the user's code, and the dependency's"
	holds '.marked_native - .marked_native_right - .marked_native_approximate <= .marked_native * 0.05' \
		"the function that allocates, of $(of .marked_native): $(of .marked_native_right) right, $(of .marked_native_approximate) given up"
	holds '.stats.unreadable <= .stats.js_frames * 0.01' "frames can be read"
	note "$(of '"\(.stats.warm_us_a_stack) us and \(.stats.warm_reads_a_stack) reads a stack of " +
		"\(.stats.frames_a_stack) frames; by tier (lines right of those judged): " +
		(.tiers | to_entries | map("\(.key) \(.value.line)/\(.value.judged)") | join(", "))')"
}

check "$(node -p process.version)" node
while read -r name; do
	check "$name" "${MEMWATCH_NODES:-/var/cache/memwatch/node}/$name/bin/node"
done < <("$TESTS/node.sh" --list)
done_testing

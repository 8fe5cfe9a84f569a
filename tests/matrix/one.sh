#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# one.sh NODE SHAPE DIR [SECONDS] - one leak shape on one Node, watched and judged.
#
# NODE is a version of tests/node.sh, debian, or system. SHAPE is a file of workloads/leaks without
# its suffix, or status-service. Runs `memwatch -p PID --json -d SECONDS -i 1` (30 s) on it, and
# leaves DIR/NODE-SHAPE.json, what judge.jq says, beside what memwatch wrote (.ndjson), said (.err), and
# the target said (.out). RATE, GARBAGE and MAX (workloads/leaks/pace.js) and MEMWATCH_ARGS pass through.
#
# Status 0: judged and passed, 1: judged and failed, 2: could not be run, with a line on stderr; 3: this Node or
# what the shape needs is not here.
set -uo pipefail

here=$(dirname "$(readlink -f "$0")")
tests=$(dirname "$here")
# shellcheck source=tests/target.sh
. "$tests/target.sh"
leaks=$tests/workloads/leaks
memwatch=$(realpath -m "${MEMWATCH:-$tests/../build/memwatch}")
cache=${MEMWATCH_NODES:-/var/cache/memwatch/node}
version=$1 shape=$2 seconds=${4:-30}
out=$3/$version-$shape

scratch=$(mktemp -d)
target='' load=''
clean_up() {
	local pid
	for pid in $load $target; do
		kill -KILL "$pid"
		wait "$pid"
	done 2>/dev/null
	rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

give_up() { # STATUS WHAT
	echo "one.sh: $version $shape: $2" >&2
	exit "$1"
}

if [ "$version" = system ]; then
	node=$(command -v node) || give_up 3 "no node here"
else
	node=$cache/$version/bin/node
	[ -x "$node" ] || give_up 3 "no $node: run make nodes"
fi

# What is run, and where the truth about it stands
case $shape in
status-service)
	run=("$tests/workloads/status-service/server.js" --port 0 --mode leaking)
	truth=("$tests"/workloads/status-service/*.js "$leaks/status-service.truth")
	;;
esm)
	run=("$leaks/esm.mjs")
	truth=("$leaks"/{esm.mjs,esm-orders.mjs,pace.js,garbage.js})
	;;
*)
	run=("$leaks/$shape.js")
	truth=("$leaks"/{"$shape.js",pace.js,garbage.js})
	;;
esac
[ -e "${run[0]}" ] || give_up 2 "there is no such shape"
export NODE_PATH=$cache/modules/node_modules
if [ "$shape" = npm ] && [ ! -d "$NODE_PATH" ]; then
	give_up 3 "no $NODE_PATH: run make nodes"
fi

mkdir -p "$3" || exit 2
mkfifo "$scratch/in"
exec 9<>"$scratch/in" # the target ends when this does
"$node" "${run[@]}" <"$scratch/in" >"$out.out" 2>&1 9>&- &
target=$!

await_target "$target" "$out.out" || give_up 2 "$TARGET_WHY"

if [ "$shape" = status-service ]; then
	# 20 KB are kept a call
	node "$tests/workloads/load.js" --port "$(jq -r 'select(.listening) | .listening' "$out.out")" \
		--seconds $((seconds + 20)) --rate "${CALLS:-150}" >"$out.load" 2>&1 9>&- &
	load=$!
fi

# shellcheck disable=SC2086 # several words
"$memwatch" -p "$target" --json -d "$seconds" -i 1 ${MEMWATCH_ARGS:-} >"$out.ndjson" 2>"$out.err" 9>&-
status=$?
[ "$status" = 0 ] || give_up 2 "memwatch ended with status $status: $(tail -n 1 "$out.err")"
kill -0 "$target" 2>/dev/null || give_up 1 "the target has ended: $(tail -n 3 "$out.out")"

# From Node 26 on V8 does not say which of the inlined functions an allocation is in.
approximate=false
[ "${version%%.*}" != 26 ] || approximate=true
jq -n -f "$here/judge.jq" --argjson truth "$("$here/truth.sh" "${truth[@]}")" \
	--argjson allow_approximate $approximate "$out.ndjson" |
	jq --arg version "$version" --arg shape "$shape" --arg said "$(head -c 1000 "$out.err")" \
		'{version: $version, shape: $shape, said: $said} + .' >"$out.json" || give_up 2 "cannot judge"
[ "$(jq .passed "$out.json")" = true ]

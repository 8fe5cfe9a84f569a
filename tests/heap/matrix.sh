#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# matrix.sh [NODE...] [-s SHAPE]... [-j JOBS] [-o DIR] - which leaks `memwatch heap` explains on which Node:
# make heap-matrix.
#
# Each pair is one run of leaks.js, `memwatch heap --every 2 -d 5 --json` on it, and judge.jq. Where it does not look
# for the retainers of what leaks by itself, it is asked (--retainers). All versions that are here (make nodes)
# and all shapes, two at a time; some 15 minutes. A cell of the table:
#
#	ok 1	right: what leaks is the first by growth, its container and who holds that are named
#	ok? 3	the same, but the retainers had to be asked for
#	WRONG	and why, below
#
# Details of each run: DIR (build/heap-matrix) /NODE-SHAPE.{json,ndjson,err,out}. Status 1 if one fails.
set -uo pipefail

here=$(dirname "$(readlink -f "$0")")
cd "$here/../.." || exit 1
# shellcheck source=tests/target.sh
. tests/target.sh

memwatch=$(realpath -m "${MEMWATCH:-build/memwatch}")
cache=${MEMWATCH_NODES:-/var/cache/memwatch/node}
versions=() shapes=()
jobs=2 dir=${BUILD:-build}/heap-matrix

usage() {
	sed -n '4,5s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	-s | -j | -o)
		[ $# -gt 1 ] || usage
		case $1 in
		-s) shapes+=("$2") ;;
		-j) jobs=$2 ;;
		-o) dir=$2 ;;
		esac
		shift 2
		;;
	-*) usage ;;
	*)
		versions+=("$1")
		shift
		;;
	esac
done
[ ${#versions[@]} -gt 0 ] || mapfile -t versions < <(tests/node.sh --list)
[ ${#versions[@]} -gt 0 ] || {
	echo "matrix.sh: no Node here: run make nodes" >&2
	exit 1
}
[ "$(id -u)" = 0 ] || {
	echo "matrix.sh: memwatch reads other processes: run it as root" >&2
	exit 1
}
truth=$("$cache/${versions[0]}/bin/node" tests/heap/leaks.js --list) || exit 1
[ ${#shapes[@]} -gt 0 ] || mapfile -t shapes < <(jq -r .shape <<<"$truth")
mkdir -p "$dir" || exit 1

trap 'kill $(jobs -p) 2>/dev/null; wait; exit 130' INT TERM HUP

# run NODE SHAPE: one run, judged; fails with a line on stderr if there is nothing to be judged
run() (
	local at=$dir/$1-$2 target pid wanted what

	wanted=$(jq -c --arg shape "$2" 'select(.shape == $shape)' <<<"$truth")
	what=$(jq -r .what <<<"$wanted")
	rm -f "$at".*
	: >"$at.out"
	"$cache/$1/bin/node" tests/heap/leaks.js "$2" >"$at.out" 2>&1 &
	target=$!
	trap 'kill -KILL $target ${pid:-} 2>/dev/null' EXIT
	trap 'exit 143' TERM
	await_target "$target" "$at.out" || {
		echo "$1 $2: $TARGET_WHY" >&2
		return 1
	}
	pid=$(jq -r .pid "$at.out") # Debian's is the child of a shell
	timeout 60 "$memwatch" heap -p "$pid" --every 2 -d 5 --json >"$at.ndjson" 2>"$at.err" &&
		jq -n -f tests/heap/judge.jq --argjson truth "$wanted" "$at.ndjson" >"$at.json" || return 1
	[ "$(jq .by_itself "$at.json")" = true ] ||
		timeout 60 "$memwatch" heap -p "$pid" --retainers "$what" --json >>"$at.ndjson" 2>>"$at.err"
	jq -n -f tests/heap/judge.jq --argjson truth "$wanted" "$at.ndjson" >"$at.json"
)

# cell NODE SHAPE
cell() {
	jq -r 'if .passed | not then "WRONG" elif .by_itself then "ok \(.rank)" else "ok? \(.rank)" end' \
		"$dir/$1-$2.json" 2>/dev/null || echo BROKEN
}

for version in "${versions[@]}"; do
	for shape in "${shapes[@]}"; do
		while [ "$(jobs -pr | wc -l)" -ge "$jobs" ]; do wait -n; done
		{
			run "$version" "$shape"
			echo "$version $shape: $(cell "$version" "$shape")" >&2
		} &
	done
done
wait

# --- the table ---

short() {
	[[ $1 =~ ^[0-9]+\. ]] && echo "${1%%.*}" || echo "$1"
}

passed=0 failed=0
faults=()
printf '%-15s' shape
for version in "${versions[@]}"; do printf '%-8s' "$(short "$version")"; done
printf '\n'
for shape in "${shapes[@]}"; do
	printf '%-15s' "$shape"
	for version in "${versions[@]}"; do
		text=$(cell "$version" "$shape")
		printf '%-8s' "$text"
		[[ $text != ok* ]] || {
			passed=$((passed + 1))
			continue
		}
		failed=$((failed + 1))
		faults+=("$version $shape: $(jq -r '[
			if .rank == null then "does not grow" elif .rank > 10 then "only the \(.rank)th to grow" else empty end,
			if .container_right then empty else "container \(.container)" end,
			if .holder_right then empty else "holder is not in: " + (.steps | join(" < ") | .[:300]) end] | join("; ")' \
			"$dir/$version-$shape.json" 2>/dev/null || tail -n 1 "$dir/$version-$shape.err")")
	done
	printf '\n'
done
[ ${#faults[@]} = 0 ] || printf '  %s\n' "${faults[@]}"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

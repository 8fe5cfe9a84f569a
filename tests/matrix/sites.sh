#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# sites.sh [NODE...] [-s SHAPE]... [-d SECONDS] [-j JOBS] [-o DIR] - which leak shapes memwatch finds on
# which Node: make matrix.
#
# Each pair is one run of one.sh: `memwatch -p PID --json -d 30 -i 1` on a program whose leaking call
# site is known. All versions that are here (make nodes) and all shapes, two at a time; that is
# some 40 minutes. A cell of the table:
#
#	ok 3 0.4	right; 3 s after the first record and since then; garbage-only functions have
#			0.4 % of v8-survived
#	ok~ 3 0.4	right, but only the physical function, marked as approximate (Node 26)
#	ok? 3 0.4	right, without a line
#	WRONG ...	and why, below
#
# Details of each run: DIR (build/matrix) /NODE-SHAPE.{json,ndjson,err,out}. Status 1 if one fails.
set -uo pipefail

here=$(dirname "$(readlink -f "$0")")
cd "$here/../.." || exit 1

all_shapes=(status-service array map closure listener timers private buffer-alloc buffer-slice large json
	promise string worker npm esm churn)
shapes=()
versions=()
seconds=30 jobs=2 dir=${BUILD:-build}/matrix

usage() {
	sed -n '4,7s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	-s | -d | -j | -o)
		[ $# -gt 1 ] || usage
		case $1 in
		-s) shapes+=("$2") ;;
		-d) seconds=$2 ;;
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
[ ${#shapes[@]} -gt 0 ] || shapes=("${all_shapes[@]}")
[ ${#versions[@]} -gt 0 ] || mapfile -t versions < <(tests/node.sh --list)
[ ${#versions[@]} -gt 0 ] || {
	echo "sites.sh: no Node here: run make nodes" >&2
	exit 1
}
[ "$(id -u)" = 0 ] || {
	echo "sites.sh: memwatch loads BPF programs: run it as root" >&2
	exit 1
}
mkdir -p "$dir" || exit 1

trap 'kill $(jobs -p) 2>/dev/null; wait; exit 130' INT TERM HUP

# run NODE SHAPE: its status goes into a file beside the details
run() {
	rm -f "$dir/$1-$2".*
	"$here/one.sh" "$1" "$2" "$dir" "$seconds" 2>"$dir/$1-$2.run"
	echo $? >"$dir/$1-$2.status"
	echo "$1 $2: $(cell "$1" "$2")" >&2
}

# cell NODE SHAPE
cell() {
	local at=$dir/$1-$2
	case $(cat "$at.status" 2>/dev/null) in
	0 | 1)
		jq -r '(if .passed | not then "WRONG"
			elif .match == "approximate" then "ok~"
			elif .match == "no-line" then "ok?" else "ok" end) +
			(if .leak then " \(.right_since_s // "-") \(.garbage_pct // "-")"
			 else " \(.survived_of_allocated_pct // "-")" end)' "$at.json" 2>/dev/null || echo "WRONG"
		;;
	3) echo "not here" ;;
	*) echo "BROKEN" ;;
	esac
}

for version in "${versions[@]}"; do
	for shape in "${shapes[@]}"; do
		while [ "$(jobs -pr | wc -l)" -ge "$jobs" ]; do wait -n; done
		run "$version" "$shape" &
	done
done
wait

# --- the table ---

short() {
	[[ $1 =~ ^[0-9]+\. ]] && echo "${1%%.*}" || echo "$1"
}

passed=0 failed=0 absent=0
faults=()
printf '%-15s' shape
for version in "${versions[@]}"; do printf '%-14s' "$(short "$version")"; done
printf '\n'
for shape in "${shapes[@]}"; do
	printf '%-15s' "$shape"
	for version in "${versions[@]}"; do
		text=$(cell "$version" "$shape")
		printf '%-14s' "$text"
		case $text in
		ok*) passed=$((passed + 1)) ;;
		not*) absent=$((absent + 1)) ;;
		*)
			failed=$((failed + 1))
			at=$dir/$version-$shape
			faults+=("$version $shape: $(jq -r '"\(.faults | join("; ")). On top: " +
				((.top // {}).frames // [] | map("\(.fn // "?") \(.file // "")\(if .line then ":\(.line)" else "" end)") |
				.[:4] | join(" < "))' "$at.json" 2>/dev/null || tail -n 1 "$at.run")")
			;;
		esac
	done
	printf '\n'
done
printf '\nCells: verdict, seconds until right, %% of v8-survived that garbage has; churn: %% of allocated.\n'
[ ${#faults[@]} = 0 ] || printf '  %s\n' "${faults[@]}"
for version in "${versions[@]}"; do
	details=()
	for shape in "${shapes[@]}"; do
		[ ! -s "$dir/$version-$shape.json" ] || details+=("$dir/$version-$shape.json")
	done
	[ ${#details[@]} -gt 0 ] || continue
	jq -s -r --arg version "$(short "$version")" '[.[].names | select(.js_frames > 0)] |
		(map(.js_frames) | add // 0) as $n | (map(.checked) | add // 0) as $c |
		if $n == 0 then empty else
		"  \($version): \($n) JS frames, " +
		"\(map(.complete_pct * .js_frames / $n) | add * 10 | round / 10) % with function, file and its line, " +
		"\(map(.with_line_pct * .js_frames / $n) | add * 10 | round / 10) % with the current line; " +
		"of \($c) compared with the source \(map(.wrong) | add) are wrong; \(map(.approximate) | add) approximate"
		end' "${details[@]}"
done
[ "$absent" = 0 ] || echo "  $absent not here (make nodes)"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

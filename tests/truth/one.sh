#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# one.sh NAME NODE DIR ID - one program of the corpus, watched and judged.
#
# NAME is of corpus.tsv; NODE is the path of a node, or - if the program needs none. Runs
# `memwatch --json -p PID -d SECONDS` on it and leaves in DIR, by ID: what memwatch
# wrote, but sites (.ndjson), and said (.err), what the program said (.out), and what judge.jq says
# (.json). With REJUDGE=kept only the last, of the verdicts that were kept; with REJUDGE=replay of those
# that the analysis of this build gives on what was kept (replay.c).
#
# Status 0: judged, without a fault; 1: with one; 2: could not be run, with a line on stderr; 3: what
# it needs is not here.
set -uo pipefail

here=$(dirname "$(readlink -f "$0")")
tests=$(dirname "$here")
# shellcheck source=tests/target.sh
. "$tests/target.sh"
memwatch=$(realpath -m "${MEMWATCH:-$tests/../build/memwatch}")
programs=$(realpath -m "${WORKLOADS:-$tests/../build/tests/workloads}")
replay=$(realpath -m "${BUILD:-$tests/../build}/tests/truth/replay")
name=$1 node=$2 dir=$3 out=$3/$4

scratch=$(mktemp -d)
target='' load='' watcher=''
clean_up() {
	local pid
	[ -z "$load" ] || kill -TERM "$load" # it ends what it started
	for pid in $watcher $target; do
		kill -KILL "$pid"
	done 2>/dev/null
	for pid in $load $watcher $target; do
		wait "$pid"
	done 2>/dev/null
	rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

IFS=$'\t' read -r _ kind run calls wait seconds rate expected < <(awk -F'\t' -v name="$name" '$1 == name' "$here/corpus.tsv")
[ -n "${expected:-}" ] || {
	echo "one.sh: no $name in corpus.tsv" >&2
	exit 2
}

give_up() { # STATUS WHAT
	echo "one.sh: ${out##*/}: $2" >&2
	exit "$1"
}

# judge FILE
judge() {
	jq -n -f "$here/judge.jq" --arg name "${out##*/}" --arg expected "$expected" --argjson rate "$rate" \
		"$1" >"$out.json" || give_up 2 "cannot judge"
	[ "$(jq ".faults == []" "$out.json")" = true ]
}

if [ -n "${REJUDGE:-}" ]; then
	[ -s "$out.ndjson" ] || give_up 3 "no recording of it in $dir"
	[ "$REJUDGE" = replay ] || { judge "$out.ndjson"; exit; }
	"$replay" "$out.ndjson" >"$out.replay" || give_up 2 "cannot replay"
	judge "$out.replay"
	exit
fi

case $kind in
python) command -v python3 >/dev/null || give_up 3 "no python3 here" ;;
esac
mapfile -t words < <(target_command "$kind" "$node" "$programs" "$run")

mkdir -p "$dir" || exit 2
rm -f "$out".{ndjson,err,out,json,replay}
mkfifo "$scratch/in" "$scratch/records"
exec 9<>"$scratch/in" # the program ends when this does
env "${words[@]}" <"$scratch/in" >"$out.out" 2>&1 9>&- &
target=$!

await_target "$target" "$out.out" || give_up 2 "$TARGET_WHY"

# load_in_turns PORT CALLS...: ends when it is killed, with the program that it started
load_in_turns() {
	local port=$1 span=15 rate pid
	shift
	[ $# -gt 1 ] || span=$((seconds + 60))
	trap 'kill -KILL "$pid"; exit' TERM
	while :; do
		for rate; do
			"$node" "$tests/workloads/load.js" --port "$port" --seconds $span --rate "$rate" &
			pid=$!
			wait $pid
		done
	done
}
if [ "$kind" = service ]; then
	# shellcheck disable=SC2086 # several words
	load_in_turns "$(jq -r 'select(.listening) | .listening' "$out.out")" ${calls//\// } >"$scratch/load" 2>&1 9>&- &
	load=$!
fi

sleep "$wait" # as a user comes, when it has run for a while
grep -v '^{"type":"site"' <"$scratch/records" >"$out.ndjson" 9>&- &
filter=$!
"$memwatch" -p "$target" --json -d "$seconds" >"$scratch/records" 2>"$out.err" 9>&- &
watcher=$!
wait $watcher # a signal ends this, and all
status=$?
watcher=''
wait $filter
[ "$status" = 0 ] || give_up 2 "memwatch ended with status $status: $(tail -n 1 "$out.err")"
kill -0 "$target" 2>/dev/null || give_up 2 "the program has ended: $(tail -n 3 "$out.out")"
judge "$out.ndjson"

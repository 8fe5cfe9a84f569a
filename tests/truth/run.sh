#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# run.sh [-j JOBS] [-o DIR] [--rejudge | --replay] [NAME...] - is memwatch right about leaks? make truth.
#
# Each program of corpus.tsv (or those named; patterns as js-* work) runs under `memwatch --json`, two
# at a time, what needs Node on each of NODES (22; as "12 26", or all). Then tables: what was
# expected and what was said, and how often a verdict was right by its confidence, at each second.
# The last line sums up. Status 1 if a leak was missed or cried in vain, or confidence was not earned;
# 2 if a program could not be run.
#
# All that memwatch wrote stays in DIR (build/truth). --rejudge judges that again and runs nothing;
# --replay has the analysis of this build give its verdicts on it first.
set -uo pipefail

here=$(dirname "$(readlink -f "$0")")
cd "$here/../.." || exit 1
# shellcheck source=tests/target.sh
. tests/target.sh

jobs=2 dir=${BUILD:-build}/truth
patterns=()
while [ $# -gt 0 ]; do
	case $1 in
	-j | -o)
		[ $# -gt 1 ] || exit 2
		[ "$1" = -j ] && jobs=$2 || dir=$2
		shift
		;;
	--rejudge) export REJUDGE=kept ;;
	--replay) export REJUDGE=replay ;;
	-*)
		sed -n '4,14s/^# \{0,1\}//p' "$0" >&2
		exit 2
		;;
	*) patterns+=("$1") ;;
	esac
	shift
done
[ ${#patterns[@]} -gt 0 ] || patterns=('*')
[ -n "${REJUDGE:-}" ] || [ "$(id -u)" = 0 ] || {
	echo "run.sh: memwatch loads BPF programs: run it as root" >&2
	exit 2
}

mapfile -t nodes < <(target_nodes)
[ ${#nodes[@]} -gt 0 ] || echo "run.sh: no Node '${NODES:-22}' here, so none of its programs: run make nodes" >&2

trap 'kill $(jobs -p) 2>/dev/null; wait; exit 130' INT TERM HUP
mkdir -p "$dir" || exit 2
results=()

# run NAME NODE
run() {
	local id=$1
	[ "$2" = - ] || id+=@$(target_label "$2")
	results+=("$id")
	while [ "$(jobs -pr | wc -l)" -ge "$jobs" ]; do wait -n; done
	{
		trap 'kill "$one"; wait "$one"; exit' TERM
		"$here/one.sh" "$1" "$2" "$dir" "$id" 2>"$dir/$id.run" &
		one=$!
		wait $one
		echo $? >"$dir/$id.status"
		[ -n "${REJUDGE:-}" ] || echo "$id: $(jq -r '"\(.final) \(.confidence)  \(.faults | join("; "))"' "$dir/$id.json" 2>/dev/null || tail -n 1 "$dir/$id.run")" >&2
	} &
}

# The longest first, so that none is left for the end
while IFS=$'\t' read -r name kind _; do
	target_is_named "$name" "${patterns[@]}" || continue
	case $kind in
	c | python) run "$name" - ;;
	*) for node in ${nodes[@]+"${nodes[@]}"}; do run "$name" "$node"; done ;;
	esac
done < <(grep -v '^#' "$here/corpus.tsv" | sort -t $'\t' -s -k6,6nr)
wait

broken=0
judged=()
for id in ${results[@]+"${results[@]}"}; do
	case $(cat "$dir/$id.status") in
	0 | 1) judged+=("$dir/$id.json") ;;
	3) echo "not run: $(tail -n 1 "$dir/$id.run")" ;;
	*) broken=1 && echo "BROKEN: $(tail -n 1 "$dir/$id.run")" ;;
	esac
done
[ ${#judged[@]} -gt 0 ] || exit 2
summary=$(jq -s -r -f "$here/summary.jq" "${judged[@]}") || exit 2
echo "$summary"
[ "$broken" = 0 ] || exit 2
[[ $summary == *passed ]]

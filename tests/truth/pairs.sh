#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# pairs.sh [-j JOBS] [-o DIR] [--rejudge] [NAME...] - is memwatch diff right? make diff-matrix.
#
# Records the runs of pairs.tsv that its pairs need (all, or those named; patterns as map* work), two at a
# time, what needs Node on each of NODES (22; as "12 26", or all), and compares. A line for each pair:
#
#	right	 B grows if it does, what is named is right, and so is the amount, by a factor of 2.5
#		 (but where a census is missing, and levels are compared)
#	early	 too little to say, which is never wrong
#	MISSED	 B grows, and it is not said; ALARM: it does not, and is said to
#	NAME	 it grows, but something else is named; AMOUNT: the amount is off
#
# Recordings stay in DIR (build/pairs); --rejudge compares them again and records only what is missing.
# Status 1 if a pair is wrong, 2 if one could not be recorded.
set -uo pipefail

here=$(dirname "$(readlink -f "$0")")
cd "$here/../.." || exit 1
# shellcheck source=tests/target.sh
. tests/target.sh

memwatch=$(realpath -m "${MEMWATCH:-build/memwatch}")
programs=$(realpath -m "${WORKLOADS:-build/tests/workloads}")
jobs=2 dir=${BUILD:-build}/pairs rejudge=''
patterns=()
while [ $# -gt 0 ]; do
	case $1 in
	-j | -o)
		[ $# -gt 1 ] || exit 2
		[ "$1" = -j ] && jobs=$2 || dir=$2
		shift
		;;
	--rejudge) rejudge=1 ;;
	-*)
		sed -n '4,16s/^# \{0,1\}//p' "$0" >&2
		exit 2
		;;
	*) patterns+=("$1") ;;
	esac
	shift
done
[ ${#patterns[@]} -gt 0 ] || patterns=('*')
[ "$(id -u)" = 0 ] || {
	echo "pairs.sh: memwatch loads BPF programs: run it as root" >&2
	exit 2
}
mapfile -t nodes < <(target_nodes)
mkdir -p "$dir" || exit 2
trap 'kill $(jobs -p) 2>/dev/null; wait; exit 130' INT TERM HUP

# rows WHAT: of pairs.tsv, without that word
rows() {
	awk -F'\t' -v what="$1" '$1 == what' "$here/pairs.tsv" | cut -f 2-
}

# record OUT NODE KIND WAIT SECONDS OPTIONS COMMAND: one run, into OUT.mw
record() (
	local out=$1 node=$2 kind=$3 wait=$4 seconds=$5 options=$6 target='' words children
	mapfile -t words < <(target_command "$kind" "$node" "$programs" "$7")
	[ "$options" != - ] || options=''
	rm -f "$out".{mw,out,err}
	: >"$out.out"
	exec 9<> <(:) # the program ends when this does
	env "${words[@]}" </dev/fd/9 >"$out.out" 2>&1 9>&- &
	target=$!
	trap 'kill -KILL $target' EXIT
	trap 'exit 143' TERM
	await_target "$target" "$out.out" || {
		echo "$TARGET_WHY" >"$out.err"
		return 1
	}
	sleep "$wait" # as a user comes, when it has run for a while
	children=$(cat "/proc/$target/task/$target/children") # of a cluster
	# shellcheck disable=SC2086 # several words
	"$memwatch" record -o "$out.mw" -p "$target" $children -d "$seconds" $options >"$out.said" 2>"$out.err"
)

# --- recordings ---

declare -A run_of=() # NAME: its row
while IFS=$'\t' read -r name row; do run_of[$name]=$row; done < <(rows run)

# id_of RUN NODE: what its recording is called
id_of() {
	if [[ ${run_of[$1]} = node* ]]; then echo "$1@$(target_label "$2")"; else echo "$1"; fi
}

# Of one pair, for each node if a run of it needs one: NODE (or -), a tab, and its row
cases() {
	local name a b rest node
	while IFS=$'\t' read -r name a b rest; do
		target_is_named "$name" "${patterns[@]}" || continue
		if [[ ${run_of[$a]} = node* || ${run_of[$b]} = node* ]]; then
			for node in ${nodes[@]+"${nodes[@]}"}; do printf '%s\t%s\t%s\t%s\t%s\n' "$node" "$name" "$a" "$b" "$rest"; done
		else
			printf -- '-\t%s\t%s\t%s\t%s\n' "$name" "$a" "$b" "$rest"
		fi
	done < <(rows pair)
}
mapfile -t all < <(cases)

declare -A begun=()
for one in ${all[@]+"${all[@]}"}; do
	IFS=$'\t' read -r node _ a b _ <<<"$one"
	for run in "$a" "$b"; do
		id=$(id_of "$run" "$node")
		[ -z "${begun[$id]:-}" ] || continue
		begun[$id]=1
		[ -z "$rejudge" ] || [ ! -s "$dir/$id.mw" ] || continue
		while [ "$(jobs -pr | wc -l)" -ge "$jobs" ]; do wait -n; done
		IFS=$'\t' read -r kind wait seconds options command <<<"${run_of[$run]}"
		{
			record "$dir/$id" "$node" "$kind" "$wait" "$seconds" "$options" "$command" ||
				echo "$id: not recorded: $(tail -n 1 "$dir/$id.err")" >&2
		} &
	done
done
wait

# --- comparisons ---

# judge RATE EXPECTED TOP: what the first line, and the NDJSON on stdin, are worth
judge() {
	local rate=$1 expected=$2 top=$3 grows basis delta

	IFS=$'\t' read -r grows basis delta < <(jq -r 'select(.type == "diff") | [.grows, .basis // "nothing", .delta_per // 0] | @tsv')
	if [ "$basis" = nothing ] || [ -z "$basis" ]; then
		echo early
	elif [ "$expected" = none ]; then
		[ "$grows" = true ] && echo ALARM || echo right
	elif [ "$grows" != true ]; then
		echo MISSED
	elif [ "$expected" != some ] && ! grep -Eq -- "$expected" <<<"${top#*: }"; then
		echo NAME
	elif [ "$basis" != level ] && awk -v d="$delta" -v r="$rate" 'BEGIN { exit !(d < r / 2.5 || d > r * 2.5) }'; then
		echo AMOUNT
	else
		echo right
	fi
}

declare -A count=()
for one in ${all[@]+"${all[@]}"}; do
	IFS=$'\t' read -r node name a b options rate expected <<<"$one"
	a=$dir/$(id_of "$a" "$node").mw b=$dir/$(id_of "$b" "$node").mw
	[ "$node" = - ] || name+=@$(target_label "$node")
	[ "$options" != - ] || options=''
	# shellcheck disable=SC2086 # several words
	if top=$("$memwatch" diff "$a" "$b" $options 2>&1 | tee "$dir/$name.diff" | head -n 1) &&
		"$memwatch" diff "$a" "$b" $options --json >"$dir/$name.ndjson" 2>/dev/null; then
		verdict=$(judge "$rate" "$expected" "$top" <"$dir/$name.ndjson")
	else
		verdict=BROKEN
	fi
	count[$verdict]=$((${count[$verdict]:-0} + 1))
	printf '%-7s %-28s %s\n' "$verdict" "$name" "$top"
done
wrong=0
for verdict in MISSED ALARM NAME AMOUNT; do wrong=$((wrong + ${count[$verdict]:-0})); done
echo "${count[right]:-0} right, ${count[early]:-0} too early to say, $wrong wrong, ${count[BROKEN]:-0} not compared"
[ -z "${count[BROKEN]:-}" ] || exit 2
[ "$wrong" = 0 ]

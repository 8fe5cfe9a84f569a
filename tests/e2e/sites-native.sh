#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Growth sites of native programs (workloads/native): of C with and without frame pointers, C++, Rust, Go
# and Python, the function that leaks is on top, with its line; one that allocates four times as
# much and gives it back is not.
# shellcheck disable=SC2317 # functions that await calls
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need
command -v cc >/dev/null || skip_all "no C compiler here"

NATIVE=$TESTS/workloads/native
SECONDS_WATCHED=${SITES_SECONDS:-10}

# --- built as users build ---

C="cc -std=gnu11 -D_GNU_SOURCE -O2"
build() { # ID SOURCE COMMAND...
	local out
	out=$("${@:3}" -o "$T/$1" "$NATIVE/$2" 2>&1) || {
		fail "$2 compiles for $1" "$out"
		return 1
	}
}

ids=()
declare -A SOURCE=() LEAKS=() GARBAGE=()
# add ID SOURCE LEAKING-FUNCTION GARBAGE-FUNCTION CMD ARG...: one more process to watch; functions
# are regular expressions
add() {
	ids+=("$1")
	SOURCE[$1]=$2
	LEAKS[$1]=$3
	GARBAGE[$1]=$4
	start "$1" "${@:5}"
}

# shellcheck disable=SC2086 # several words
{
	build fp leak.c $C -g -fno-omit-frame-pointer
	build nofp leak.c $C -g -fomit-frame-pointer
	build nodebug leak.c $C -fomit-frame-pointer
}
[ "$tap_failed" = 0 ] || done_testing
for kind in malloc mmap brk; do
	for how in fp nofp; do
		add "$kind-$how" leak.c "store_$kind" build_reply "$T/$how" $kind --wait-go
	done
done
add mmap-scratch leak.c store_mmap borrow_mmap "$T/fp" mmap-scratch --wait-go
add malloc-nodebug leak.c store_malloc build_reply "$T/nodebug" malloc --wait-go

if command -v c++ >/dev/null; then
	build cxx leak.cc c++ -O2 -g &&
		add cxx leak.cc 'store::Registry<store::Session>::insert|store::Session::Session' web::render "$T/cxx"
else
	skip "C++" "no c++ here"
fi
if command -v rustc >/dev/null; then
	build rust leak.rs rustc -O -g && add rust leak.rs "store::Registry>?::insert" web::render "$T/rust"
else
	skip "Rust" "no rustc here"
fi
if type -P go >/dev/null; then
	export GOCACHE=$T/gocache GO111MODULE=off # "go" is also a function of lib.sh
	build go leak.go env go build && add go leak.go 'main[.][(][*]Registry[)][.]Insert' main.render "$T/go"
else
	skip "Go" "no go here"
fi
if command -v python3 >/dev/null; then
	add python leak.py '' '' "$(python3 -c 'import sys; print(sys.executable)')" "$NATIVE/leak.py"
else
	skip "Python" "no python3 here"
fi

for id in "${ids[@]}"; do ready "$id"; done
for id in "${ids[@]}"; do
	[ "${SOURCE[$id]}" != leak.c ] || go "$id"
done

# --- watched, all at once ---

pids=
for id in "${ids[@]}"; do pids="$pids $(pid_of "$id")"; done
# shellcheck disable=SC2086 # several, as of $(pidof ...)
start m "$MEMWATCH" --json --budget 0 -i 1 -d "$SECONDS_WATCHED" -p $pids
ended m $((SECONDS_WATCHED + 30))
is "$STATUS$(err_of m)" 0 "memwatch ends with status 0"

# What the last tick says of each process
jq_of m 'select(.type == "site")' | jq -c -n 'reduce inputs as $s ({};
	($s.pid | tostring) as $pid |
	if .[$pid].ts_ns == $s.ts_ns then .[$pid].sites += [$s] else .[$pid] = {ts_ns: $s.ts_ns, sites: [$s]} end)' \
	>"$T/last"

# top ID KIND: the site of that kind with the most bytes
top() {
	jq -c --arg pid "$(pid_of "$1")" --arg kind "$2" '
		[(.[$pid].sites // [])[] | select(.kind == $kind)] | max_by(.bytes)' "$T/last"
}

# brief SITE: for people
brief() {
	jq -r 'if . == null then "no such site" else "\(.bytes) bytes, share \(.share), \(.samples) samples: " +
		([.frames[:8][] | "\(.fn // "?")\(if .file then " \(.file | sub(".*/"; "")):\(.line)" else "" end) (\(.origin // .kind))"] |
		join(" < ")) end' <<<"$1"
}

# share_of ID KIND FUNCTION: in percent of the kind's bytes, by the first frame of the program's own
share_of() {
	jq -r --arg pid "$(pid_of "$1")" --arg kind "$2" --arg fn "$3" '
		[(.[$pid].sites // [])[] | select(.kind == $kind)] |
		(map(.bytes) | add // 0) as $all |
		(map(select(first(.frames[] | select(.origin == "user")) | (.fn // "") | test($fn)) | .bytes) | add // 0) |
		if $all > 0 then . * 100 / $all | round else 0 end' "$T/last"
}

# judge ID KIND
judge() {
	local id=$1 kind=$2 site source=${SOURCE[$1]} fn file line lines
	site=$(top "$id" "$kind")
	IFS=$'\t' read -r fn file line < <(jq -r 'first((.frames // [])[] | select(.origin == "user")) // {} |
		"\(.fn // "?")\t\(.file // "?" | sub(".*/"; ""))\t\(.line // 0)"' <<<"$site")
	if [[ $fn =~ ${LEAKS[$id]} ]]; then
		pass "$id: ${LEAKS[$id]} is the top $kind site"
	else
		fail "$id: ${LEAKS[$id]} is the top $kind site" "$(brief "$site")"
	fi
	note "$(brief "$site" | cut -c 1-300)"
	[ "$id" != malloc-nodebug ] || return 0
	lines=$(grep -n '\(//\|/\*\) LEAK' "$NATIVE/$source" | cut -d: -f1 | xargs)
	case " $lines " in
	*" $line "*) is "$file" "$source" "$id: in a line that leaks ($file:$line)" ;;
	*) fail "$id: in a line that leaks" "$file:$line is none of $lines" "$(brief "$site")" ;;
	esac
}

for id in "${ids[@]}"; do
	case $id in
	mmap-scratch)
		# What is mapped and unmapped again is not taken off: told, not judged.
		for kind in fault mmap; do
			note "beside as much that is unmapped, of $kind the leak has $(share_of "$id" "$kind" store_mmap) %," \
				"the other $(share_of "$id" "$kind" borrow_mmap) %"
		done
		continue
		;;
	python)
		site=$(top "$id" fault)
		like "$(jq -r '[.frames[]? | .fn // ""] | join(" ")' <<<"$site")" '(^| )_?Py[A-Za-z]' \
			"python: the interpreter's functions are named"
		note "$(brief "$site" | cut -c 1-300)"
		continue
		;;
	malloc-* | brk-*) kinds="fault brk" ;;
	mmap-*) kinds="fault mmap" ;;
	*) kinds=fault ;;
	esac
	for kind in $kinds; do
		judge "$id" "$kind"
		between 0 "$(share_of "$id" "$kind" "${GARBAGE[$id]}")" 5 \
			"$id: ${GARBAGE[$id]} has less than 5 % of $kind"
		between 80 "$(share_of "$id" "$kind" "${LEAKS[$id]}")" 100 "$id: the leak has 80 % of $kind or more"
	done
	ok "$id: still runs" kill -0 "$(pid_of "$id")"
done

for id in "${ids[@]}"; do
	stop "$id"
	is "$STATUS" 143 "$id: ended by our signal alone"
done

done_testing

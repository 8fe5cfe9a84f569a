#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Names that break careless printers and parsers: terminal escapes, invalid UTF-8, quotes, newlines.
# None of it may reach a terminal or a JSON reader as it is.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need

# is_clean FILE DESCRIPTION: printable UTF-8 and newlines, nothing else
is_clean() {
	local bad
	bad=$(LC_ALL=C tr -d '\n\040-\176\200-\377' <"$1" | od -An -tx1)
	is "$bad" "" "$2: no control characters"
	ok "$2: valid UTF-8" iconv -f UTF-8 -t UTF-8 -o /dev/null "$1"
	# U+0080..U+009F, U+2028, U+2029, and what turns the direction of writing
	is "$(LC_ALL=C grep -aoP '\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9\xaa-\xae]|\xe2\x81[\xa6-\xa9]' "$1" |
		od -An -tx1 | sort -u)" "" "$2: no controls beyond ASCII"
}

# In hexadecimal: the workload's own name; C1 controls; bidi override; cut UTF-8; 0x7f; format
# characters; a name that looks like a line of ours.
names="default c29b324ac285 e280ae6162e281a6 e282 7f7f1b5d303b61 25732525366e 0a232068690d e2a882ffc080"
pids=
i=0
for name in $names; do
	i=$((i + 1))
	if [ "$name" = default ]; then
		start c$i "$WORKLOADS/comm"
	else
		start c$i "$WORKLOADS/comm" --hex "$name"
	fi
	ready c$i
	pids="$pids $(pid_of c$i)"
done
is "$(jq -r .comm_hex "$T/c1.out")" 1b5b324affc328225c0a2920522007 "the names are hostile"

# Programs with such paths, that exec between the ticks: quotes, escapes, invalid UTF-8, a newline.
bad=$T/$'dir \e]0;x\a"\\\xff\n{}\xc2\x9b'
mkdir "$bad"
cp "$(command -v sleep)" "$bad/"$'sl\x1b[2J\xfe"\n'
exec_path="$bad/"$'sl\x1b[2J\xfe"\n'

start text "$MEMWATCH" -i 0.2 -r 1000
start stdout "$MEMWATCH" -i 0.2 -n $'sl\x1b[2J\xfe"\n'
watch m -i 0.2
# shellcheck disable=SC2317 # called by await
lines_of() { # three ticks
	(($(grep -c "^[0-9:]* *$2 " "$T/$1.out") > 2))
}
last=${pids##* }
await 20 "lines of text" lines_of text "$last"
for n in 1 2; do
	start exec$n "$exec_path" 0.5
done
# shellcheck disable=SC2086 # several
start named "$MEMWATCH" -v -i 0.2 -p $pids
await 20 "lines of text" lines_of named "$last"
for n in 1 2; do
	ended exec$n
done
tick m
for id in m text stdout; do
	stop $id
	is "$STATUS" 0 "memwatch ($id) ends with status 0"
done
for n in $(seq $i); do
	leave "c$n"
done
ended named
is "$STATUS" 0 "memwatch (named) ends with its processes"

is_clean "$T/m.out" "NDJSON"
is_clean "$T/m.err" "NDJSON, stderr"
ok "jq reads each line" jq -e . "$T/m.out"
is "$(wc -l <"$T/m.out")" "$(jq -c . "$T/m.out" | wc -l)" "a line a record"
is "$(jq_of m "select(.type == \"process\" and .pid == $(echo "$pids" | awk '{ print $1 }')) | .comm" |
	sort -u)" '"�[2J��(\"\\�) R �"' "what cannot be shown is U+FFFD, the rest as it is"
is "$(jq_of m 'select(.type == "process") | .pid' | sort -u |
	grep -cxF "$(tr ' ' '\n' <<<"${pids# }")")" "$i" "none is left out"
is "$(jq_of m 'select(.type == "exec" and (.path | contains("memwatch-e2e"))) | .path' | wc -l)" 2 \
	"exec of a hostile path is reported"
note "$(jq_of m 'select(.type == "exec" and (.path | contains("memwatch-e2e"))) | .path' | head -n 1)"

for id in text stdout named; do
	is_clean "$T/$id.out" "text ($id)"
	is_clean "$T/$id.err" "text ($id), stderr"
	is "$(grep -Ecv '^(# TIME |[0-9:]{8} +[0-9]+ |# [0-9:]{8} (exec|exit|gone|lost|OOM kill): |# memwatch took )' \
		"$T/$id.out")" 0 "text ($id): no name begins a line of its own"
done
is "$(grep -c '^# [0-9:]* exec: .*memwatch-e2e' "$T/stdout.out")" 2 "text: exec of a hostile path is reported"
widths=$(grep '^[0-9]' "$T/text.out" | while IFS= read -r line; do echo "${#line}"; done | sort -u)
is "$(wc -l <<<"$widths")" 1 "text: columns stand below each other"

# --- where the user's own words are quoted ---

for option in -p -i -s -r -n -c -o --budget --without $'--\e[2J'; do
	timeout 10 "$MEMWATCH" -d 0.1 "$option" $'/\e[2J\xff\n"x' >"$T/quoted.out" 2>"$T/quoted.err" </dev/null
	is_clean "$T/quoted.err" "$(printf 'error message of %q' "$option")"
done
"$MEMWATCH" $'\e[2J\n' 2>"$T/quoted.err"
is_clean "$T/quoted.err" "error message of a command"
"$MEMWATCH" --json -d 0.1 -n $'\e[2J\xff"' >"$T/quoted.out"
is_clean "$T/quoted.out" "the meta record"
ok "the meta record is JSON" jq -e . "$T/quoted.out"

start sleeper "$exec_path" 1000
"$MEMWATCH" doctor -p "$(pid_of sleeper)" >"$T/doctor" 2>&1
is_clean "$T/doctor" "doctor -p"

done_testing

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

# A cgroup, too; of all bytes only a newline and a slash cannot be in its name.
cgroup=
if cgroup_root && cgroup_new "memwatch-e2e-$$"$'\e[2J\xff"\\\x7f\xc2\x9b) R\xe2\x80\xae' 16M; then
	cgroup=${CGROUPS[0]##*/}
	shown="memwatch-e2e-$$"'�[2J�"\��) R�'
	start inside bash -c 'in_cgroup "$@"' - "$cgroup" "$WORKLOADS/comm"
	ready inside
	pids="$pids $(pid_of inside)"
	start inside_json "$MEMWATCH" --json -i 0.2 -c "$CGROUP_ROOT/$cgroup"
	start inside_text "$MEMWATCH" -i 0.2 -c "$CGROUP_ROOT/$cgroup"
fi

# By name: it has them, and no others.
start byname "$MEMWATCH" --json -i 0.2 -n $'\e[2J\xff\xc3("\\\n) R \a'
start text "$MEMWATCH" -i 0.2 -r 1000
start stdout "$MEMWATCH" -i 0.2 -n $'sl\x1b[2J\xfe"\n'
watch m -i 0.2
# shellcheck disable=SC2317 # called by await
lines_of() { # three ticks
	(($(grep -c "^[0-9:]* *$2 " "$T/$1.out") > 2))
}
last=$(pid_of c$i)
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
watched="text stdout"
if [ -n "$cgroup" ]; then
	await 20 "a line of the cgroup" lines_of inside_text "$(pid_of inside)"
	tick inside_json
	start victim bash -c 'in_cgroup "$@"' - "$cgroup" "$WORKLOADS/grow" mmap-grow --bytes 64M
	ended victim
	is "$STATUS" 137 "the OOM killer strikes in the cgroup"
	tick inside_json
	watched="$watched inside_text"
fi
tick m
tick byname
for id in m byname $watched ${cgroup:+inside_json}; do
	stop "$id"
	is "$STATUS" 0 "memwatch ($id) ends with status 0"
done
# shellcheck disable=SC2086 # several
"$MEMWATCH" doctor $pids >"$T/doctor-names" 2>&1
is "$? $(grep -c '^  process [0-9]' "$T/doctor-names")" "0 $(wc -w <<<"$pids")" \
	"doctor has something to say of each"
for n in $(seq $i); do
	leave "c$n"
done
[ -z "$cgroup" ] || leave inside
ended named
is "$STATUS" 0 "memwatch (named) ends with its processes"

for id in m byname ${cgroup:+inside_json}; do
	is_clean "$T/$id.out" "NDJSON ($id)"
	is_clean "$T/$id.err" "NDJSON ($id), stderr"
	# One by one: what ends a line must end a record.
	is "$(jq -Rc 'fromjson? | objects | .type' "$T/$id.out" | wc -l)" "$(wc -l <"$T/$id.out")" \
		"jq reads each line ($id)"
done
# In the order of their names: what cannot be shown is U+FFFD, the rest as it is.
n=0
while IFS= read -r wanted; do
	n=$((n + 1))
	is "$(jq -r "select(.type == \"process\" and .pid == $(jq .pid "$T/c$n.out")) | .comm" "$T/m.out" |
		sort -u)" "$wanted" "$(jq -r .comm_hex "$T/c$n.out") is $wanted"
done <<'END'
�[2J��("\�) R �
�2J�
�ab�
�
���]0;a
%s%%6n
�# hi�
⨂���
END
is "$n" "$i" "none is left out"
is "$(jq_of byname 'select(.type == "process") | .pid' | sort -u | xargs)" \
	"$(jq -r .pid "$T/c1.out" ${cgroup:+"$T/inside.out"} | sort | xargs)" \
	"-n with such a name finds those of that name, and no others"
is "$(jq_of byname 'select(.type == "meta") | .targets.comm')" '"�[2J��(\"\\�) R �"' \
	"the meta record has it in the same way"

if [ -z "$cgroup" ]; then
	skip "hostile names of cgroups" "${CGROUP_WHY:-no memory cgroup can be made}"
else
	is "$(jq_of m "select(.type == \"process\" and .pid == $(jq .pid "$T/inside.out")) |
		.cgroup | endswith($(jq -R . <<<"$shown"))" | sort -u)" true \
		"a cgroup's name is shown in the same way"
	is "$(jq_of inside_json 'select(.type == "process" and .comm != "grow") | .pid' | sort -u | xargs)" \
		"$(jq .pid "$T/inside.out")" "-c with such a path finds what is in it, and nothing else"
	# shellcheck disable=SC2016 # jq's variable
	is "$(jq_of inside_json 'select(.type == "oom") | .comm, (.cgroup, .limit.cgroup |
		endswith($shown))' --arg shown "$shown" | xargs)" "grow true true" \
		"an OOM kill there is reported, with its cgroup, also if no tick saw the victim"
	like "$(grep 'OOM kill' "$T/inside_text.out")" "\(grow\) .* of cgroup .*\) R�$" \
		"on lines of text, too"
fi
is "$(jq_of m 'select(.type == "exec" and (.path | contains("memwatch-e2e"))) | .path' | wc -l)" 2 \
	"exec of a hostile path is reported"
note "$(jq_of m 'select(.type == "exec" and (.path | contains("memwatch-e2e"))) | .path' | head -n 1)"

# All lines that there are. Those of sites: a head, titles, a line a site, and how well it went.
kinds='v8-survived|external|fault|brk|mmap|v8-alloc'
lines="^(# TIME |[0-9:]{8} +[0-9]+ |# [0-9:]{8} (exec|exit|gone|lost|OOM kill): |# memwatch took |\
# [0-9:]{8} sites of [0-9]+ \\(|#    BYTES      RATE SHARE KIND         SITE\$|\
# +[0-9.]+[KMGT]? +[+-]?[0-9.]+[KMGT]?/s +[0-9]+% ($kinds) +[^ ]|\
#  (no growth was sampled yet|JavaScript by [a-z ]+: |[0-9.]+k? stacks)|\
# [0-9:]{8} verdict of [0-9]+ \\(|\
#  (too few minima|it has ended|it ended |private memory |.* ran out of memory [0-9a-z]+ ago: ))"
for id in named $watched; do
	is_clean "$T/$id.out" "text ($id)"
	is_clean "$T/$id.err" "text ($id), stderr"
	is "$(grep -Ev "$lines" "$T/$id.out")" "" "text ($id): no name begins a line of its own"
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
"$MEMWATCH" -q --json -d 0.1 -n $'\e[2J\xff"' >"$T/quoted.out"
is_clean "$T/quoted.out" "the meta record"
ok "the meta record is JSON" jq -e . "$T/quoted.out"

start sleeper "$exec_path" 1000
"$MEMWATCH" doctor -p "$(pid_of sleeper)" >"$T/doctor" 2>&1
is_clean "$T/doctor" "doctor -p"
like "$(cat "$T/doctor")" "program +$T/dir �\]0;x�\"\\\\��\{\}�/sl�\[2J�\"�" \
	"doctor -p shows the program's path"
is_clean "$T/doctor-names" "doctor -p of hostile names"
stop sleeper

done_testing

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A recording in the formats of others, read by their own readers: folded stacks by flamegraph.pl,
# the profile by `go tool pprof`; all of them say the same. And names for a stripped program whose
# symbols come to hand after it was recorded.
# shellcheck disable=SC2317 # functions that await calls
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need
FLAMEGRAPH=${FLAMEGRAPH:-/usr/share/perl5/Devel/NYTProf/flamegraph.pl}
for tool in node chromium cc strip sqlite3 go "$FLAMEGRAPH"; do
	command -v "$tool" >/dev/null || die "$tool is not installed: run make deps"
done
SECONDS_RECORDED=8

# --- a recording of two ---

# Not position-independent: what its symbols say is no offset, neither in memory nor in the file
cc -std=gnu11 -D_GNU_SOURCE -O2 -g -fno-omit-frame-pointer -no-pie -Wl,--build-id -o "$T/full" \
	"$TESTS/workloads/native/leak.c" || die "leak.c does not compile"
strip -o "$T/app" "$T/full" || die "it cannot be stripped"
start app "$T/app" malloc --rate 4 --wait-go
start js node "$TESTS/workloads/leaks/map.js"
ready app
ready js
app=$(pid_of app)
js=$(pid_of js)
go app
start record "$MEMWATCH" record -q -o "$T/r" -d ${SECONDS_RECORDED}s -p "$app,$js"
ended record $((SECONDS_RECORDED + 30))
is "$STATUS" 0 "memwatch record"
is "$(err_of record)" "" "without complaints"
stop app
stop js

# report FORMAT ARG...: into $T/FORMAT
report() {
	ok "report --format $*" "$MEMWATCH" report "$T/r" -o "$T/$1" --format "$@"
}
report folded
report pprof
report flamegraph
cp "$T/flamegraph" "$T/flame.svg"

# --- folded ---

total=$(awk '{ sum += $NF } END { printf "%d", sum }' "$T/folded")
between $((8 * MIB)) "$total" $((400 * MIB)) "bytes of growth: $total"
is "$(grep -cvE '^[^;]+(;[^;]+)* [0-9]+$' "$T/folded")" 0 "each line is a stack and a number"
like "$(grep -m 1 saveContext "$T/folded")" "^node \($js\);.*;handleStatus map.js:[0-9]+;saveContext map.js:" \
	"root first, below its process"

ok "flamegraph.pl reads it" "$FLAMEGRAPH" --minwidth 0 "$T/folded"
"$FLAMEGRAPH" --minwidth 0 "$T/folded" >"$T/theirs.svg" 2>/dev/null
sed -n 's/.*<title>\(.*\) ([0-9,]* samples, [0-9.]*%)<.*/\1/p' "$T/theirs.svg" | sort -u >"$T/drawn"
sed 's/ [0-9]*$//' "$T/folded" | tr ';<>' '\n()' | sed 's/&/\&amp;/g' | sort -u >"$T/functions"
between 10 "$(wc -l <"$T/functions")" 5000 "functions in it"
is "$(comm -23 "$T/functions" "$T/drawn" | head -n 3)" "" "and draws every one of them"
is "$(sed -n 's/.*<title>all (\([0-9,]*\) samples, 100%)<.*/\1/p' "$T/theirs.svg" | tr -d ,)" "$total" \
	"and all of the bytes"

# --- pprof ---

export HOME=$T PPROF_TMPDIR=$T
pprof() { # ARG...: of the profile
	command go tool pprof -unit=B "$@" "$T/pprof" 2>>"$T/pprof.err"
}
sum_of() { # SAMPLE_INDEX [ARG...]: of what is in focus
	pprof -raw -sample_index="$1" "${@:2}" |
		awk -v column="$([ "$1" = alloc_space ] && echo 1 || echo 2)" '
			/^Locations/ { exit } inside && /^ +[0-9]+ +[0-9]+: / {
				sub(":", "", $2); sum += $column }
			/^Samples:/ { inside = 1 } END { printf "%d", sum }'
}
pprof -top >"$T/top"
pprof -top -sample_index=alloc_space >"$T/top.alloc"
is "$(cat "$T/pprof.err")" "" "go tool pprof reads it"
like "$(cat "$T/top")" "Type: inuse_space" "what is in use is what it shows"
is "$(sed -n 's/.*Total samples = \([0-9]*\)B.*/\1/p' "$T/top")" "$total" "as many bytes as folded"
top_function=$(awk '$2 ~ /%$/ && $4 ~ /B$/ { print $6; exit }' "$T/top")
top_flat=$(awk '$2 ~ /%$/ && $4 ~ /B$/ { sub("B", "", $1); print $1; exit }' "$T/top")
is "$(awk -v fn="$top_function" '{ bytes = $NF; sub(/ [0-9]+$/, ""); n = split($0, f, ";")
	split(f[n], name, " "); if (name[1] == fn) sum += bytes } END { printf "%d", sum }' "$T/folded")" \
	"$top_flat" "and as many of the top function ($top_function)"
is "$(sum_of inuse_space)" "$total" "each sample once"
between $((16 * MIB)) "$(sum_of alloc_space)" $((4000 * MIB)) "what was asked for, garbage with it"
js_folded=$(grep -F "node ($js);" "$T/folded" | awk '{ sum += $NF } END { printf "%d", sum }')
is "$(sum_of inuse_space -tagfocus=comm=node)" "$js_folded" "-tagfocus=comm=node: that process"
is "$(sum_of inuse_space "-tagfocus=pid=$js")" "$js_folded" "-tagfocus=pid=..., too"
like "$(pprof -traces -tagroot=process)" "node \($js\)" "-tagroot=process: below their processes, as folded"
between $((4 * MIB)) "$(sum_of inuse_space -tagfocus=kind=v8-survived)" "$js_folded" "-tagfocus=kind=v8-survived"
build_id=$(sqlite3 "$T/r" "SELECT build_id FROM module WHERE path = '$T/app'")
like "$build_id" '^[0-9a-f]{40}$' "the build id was recorded"
like "$(pprof -raw | sed -n '/^Mappings/,$p')" "$T/app $build_id" "and is in the mappings"

# --- SVG ---

if command -v xmllint >/dev/null; then
	ok "the flame graph is XML" xmllint --noout "$T/flamegraph"
elif ! command -v python3 >/dev/null; then
	skip "the flame graph is XML" "neither xmllint nor python3 here"
else
	ok "the flame graph is XML" python3 -c \
		'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' "$T/flamegraph"
fi
like "$(cat "$T/flamegraph")" '<text x="3" y="12">saveContext map.js:' "with the function that leaks"
is "$(grep -oE '[a-z]+://[^"'"'"' ]*' "$T/flamegraph" | grep -v '^http://www.w3.org/' | head -n 1)" "" \
	"it refers to nothing outside"

in_browser flame "$T/flame.svg" saveContext

# --- symbols that come later ---

app_folded() {
	"$MEMWATCH" report "$T/r" --format folded -p "$app"
}
is "$(app_folded | grep -c store_malloc)" 0 "a stripped program has no names"
like "$(app_folded)" "0x[0-9a-f]+ \(app\)" "but addresses in its file"
# Where distributions put debug files, seen by this report only
# shellcheck disable=SC2016 # for the shell that it runs
debug_dir() {
	unshare -m sh -c 'mkdir -p /usr/lib/debug && mount -t tmpfs none /usr/lib/debug &&
		id=$2 && mkdir -p "/usr/lib/debug/.build-id/${id%"${id#??}"}" &&
		cp "$1" "/usr/lib/debug/.build-id/${id%"${id#??}"}/${id#??}.debug" && shift 2 && "$@"' \
		debug_dir "$T/full" "$build_id" "$@"
}
like "$(debug_dir "$MEMWATCH" report "$T/r" --format folded -p "$app")" "store_malloc leak.c:[0-9]+" \
	"its debug file names them, by the build id"
rm "$T/app"
like "$(debug_dir "$MEMWATCH" report "$T/r" --format folded -p "$app")" "store_malloc leak.c:[0-9]+" \
	"also when the program is gone"
is "$(app_folded | grep -c store_malloc)" 0 "(which was the debug file's work)"
cp /bin/true "$T/app"
is "$(app_folded | grep -c store_malloc)" 0 "another program at its path does not"
cp "$T/full" "$T/app"
like "$(app_folded)" "store_malloc leak.c:[0-9]+" "the same with symbols does"
like "$("$MEMWATCH" report "$T/r" -p "$app")" "store_malloc" "in the text, too"
is "$(grep -c store_malloc "$T/top")" 0 "the profile has no such names"
like "$(pprof -top)" "[0-9]B .* store_malloc" "but what go tool pprof takes to look them up in the program"
is "$(pprof -raw | sed -n '/^Locations/,/^Mappings/p' | grep -c "saveContext $TESTS")" \
	"$(pprof -raw -symbolize=none | sed -n '/^Locations/,/^Mappings/p' | grep -c "saveContext $TESTS")" \
	"and it leaves alone what has names"
done_testing

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# `memwatch heap` and `memwatch diff` as commands: the tables, how often and how long, files, names that
# are none, and who stops it or does not read it. Whether the numbers are right: heap.sh.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/heap/lib.sh
. "$TESTS/heap/lib.sh"
need_heap

# A Node that keeps 1,000 more Things in a Map at each line on its stdin, and says so.
cat >"$T/things.js" <<'END'
class Thing { constructor(i) { this.label = 'thing ' + i; } }
class Late { constructor() { this.at = 1; } }
const registry = new Map();
const late = [];
function more() { for (let i = 0; i < 1000; i++) registry.set(registry.size, new Thing(i)); }
more();
process.stdin.on('data', (d) => {
  for (const line of String(d).trim().split('\n')) {
    if (line === 'late') late.push(...Array.from({ length: 200 }, () => new Late()));
    more();
    console.log(JSON.stringify({ things: registry.size, late: late.length }));
  }
});
console.log(JSON.stringify({ pid: process.pid }));
END
mkfifo "$T/in"
# shellcheck disable=SC2016 # the inner shell's
start things bash -c 'exec "$0" "$1" <"$2"' "$(a_node)" "$T/things.js" "$T/in"
exec {in}>"$T/in"
# shellcheck disable=SC2317 # called by await, as those below
says() { # TEXT
	grep -q "$1" "$T/things.out"
}
await 60 "the target to run" says '"pid"'
target=$(pid_of things)
things=1000
# grow [late]: 1,000 more
grow() {
	things=$((things + 1000))
	echo "${1:-more}" >&"$in"
	await 20 "$things things" says "\"things\":$things,"
}

# heap ID ARG...: to its end
heap() {
	local id=$1
	shift
	timeout -k 5 60 "$MEMWATCH" heap -p "$target" "$@" >"$T/$id.out" 2>"$T/$id.err"
	STATUS=$?
}

# --- one census ---

heap one
is "$STATUS" 0 "a census"
like "$(cat "$T/one.err")" "^memwatch: process $target stands still for a moment" "that it is stopped is said"
like "$(head -n 1 "$T/one.out")" "^$target \([^)]+\)  V8 [0-9.]+  [-0-9]+ [0-9:]+ UTC  RSS " "whose it is, and when"
like "$(cat "$T/one.out")" $'\n'" +1000 +[0-9.]+[KB] +[0-9]+% .*object  Thing $T/things.js"$'(:[0-9]+)?\n' \
	"a row for Thing, with its file"
is "$(awk '/^ +COUNT/ { on = 1; next } / in all, / { print sum == $1, $(NF - 1) == rows } on { sum += $1; rows++ }' "$T/one.out")" \
	"1 1" "the counts of all rows add up to the last line, and so do the rows"
heap rows -r 3 -q
is "$(awk '/^ +COUNT/ { on = 1 } on' "$T/rows.out" | wc -l) $(cat "$T/rows.err")" "6 " \
	"-r 3: titles, 3 rows, what is left out, all; -q: no word on stderr"
is "$(awk '/^ +COUNT/ { on = 1; next } / in all, / { print sum == $1; exit } on { sum += $1 }' "$T/rows.out")" 1 \
	"what is left out is summed up"
heap live --live
is "$STATUS $(grep -c 'read while it ran: counts are ±' "$T/live.out") $(cat "$T/live.err")" "0 1 " "--live says that it is not exact"

heap j --json
is "$(jq -r .type "$T/j.out" | uniq | xargs) $(cat "$T/j.err")" "meta census constructor end " "--json: records in order, no word on stderr"
is "$(jq -s '(map(select(.type == "census"))[0]) as $c | map(select(.type == "constructor")) |
	[length == $c.constructors, (map(.count) | add) == $c.count, (map(.bytes) | add) == $c.bytes]' -c "$T/j.out")" \
	"[true,true,true]" "constructors add up to the census"

# --- names ---

heap name --retainers thing
is "$STATUS $(grep -v 'stands still' "$T/name.err")" \
	"1 memwatch: no constructor is called 'thing' in process $target; did you mean 'Thing'?" "a name that is none"
heap name --retainers Thing --retainers nothing-of-the-kind
like "$STATUS $(cat "$T/name.err")" "^1 .*no constructor is called 'nothing-of-the-kind' in process $target; 'memwatch heap" \
	"and one that is like none"
heap kept --retainers Thing
like "$STATUS $(cat "$T/kept.out")" $'^0 .*\n100% of 1000 Thing [^\n]*\n  held by Map, which keeps [^\n]*\n(.*\n)?    ← [^\n]*registry' \
	"--retainers: the Map, and the variable that it is in"

# --- two and more ---

heap first -o "$T/a.census" -q
is "$STATUS $(jq -r .type "$T/a.census" | uniq | xargs)" "0 meta census constructor end" "-o keeps a census; the table is shown as well"
grow
start two "$MEMWATCH" heap -p "$target" -d 5 -o "$T/two.census"
# shellcheck disable=SC2317
shown() { # ID TEXT
	grep -q "$2" "$T/$1.out"
}
await 30 "the first census" shown two ' in all, '
grow late
ended two 60
is "$STATUS" 0 "-d 5: two censuses"
is "$(grep -c '^growth since' "$T/two.out")" 1 "and one comparison"
like "$(cat "$T/two.out")" $'\n +\+1000 [^\n]* object  Thing ' "what grew"
like "$(cat "$T/two.out")" $'\n +\+200 [^\n]* object  Late ' "what is new"
like "$(cat "$T/two.out")" $'\n100% of 3000 Thing ' "and who keeps what grew fastest, unasked"
is "$(jq -r .type "$T/two.census" | uniq | xargs)" "meta census constructor retainer end" "the file is of the last census, with retainers"

heap since --base "$T/a.census"
like "$(cat "$T/since.out")" $'\n +\\+2000 [^\n]* object  Thing ' "--base: what grew since the census that was kept"
is "$(grep -c '^growth since' "$T/since.out")" 1 "by one census more"
like "$(cat "$T/since.out")" $'\n100% of [0-9]+ Thing ' "and who keeps it"
heap nobase --base "$T/none"
is "$STATUS $(wc -l <"$T/nobase.err") $(wc -c <"$T/nobase.out")" "1 1 0" "a base that is not there: status 1 and a line"

start m "$MEMWATCH" heap -p "$target" --every 1 --json -o "$T/last.census"
# shellcheck disable=SC2317
many() {
	[ "$(grep -c '"census"' "$T/m.out")" -ge "$1" ]
}
await 60 "three censuses" many 3
grow
n=$(grep -c '"census"' "$T/m.out")
await 60 "two more" many $((n + 2))
stop m INT
is "$STATUS $(tail -n 1 "$T/m.out" | jq -r .type)" "0 end" "--every: SIGINT ends it in order"
is "$(jq_of m 'select(.type == "meta") | .interval_ms')" 1000 "the meta record has the time between"
is "$(jq_of m 'select(.type == "end") | .censuses')" "$(jq_of m 'select(.type == "census")' | wc -l)" "the end record, how many there were"
is "$(jq_of m 'select(.type == "constructor" and .name == "Thing") | [.since_count // .delta_count // 0, .count]' | tail -n 1)" \
	"[1000,4000]" "growth is since the first"
is "$(jq_of m 'select(.type == "constructor" and .name == "Thing") | .delta_count // 0' | paste -sd+ | bc)" 1000 "and since the one before"
is "$(jq -c 'select(.name == "Thing") | [.count, .delta_count]' "$T/last.census")" "[4000,null]" "-o: the last census by itself"

# --- files ---

"$MEMWATCH" diff "$T/a.census" "$T/last.census" >"$T/diff.out" 2>"$T/diff.err"
is "$?$(cat "$T/diff.err")" 0 "diff: of two files"
like "$(cat "$T/diff.out")" $'\n +\+3000 [^\n]* 4000 [^\n]* object  Thing ' "diff: what grew between them"
is "$("$MEMWATCH" diff "$T/last.census" "$T/a.census" --json | jq -c 'select(.name == "Thing") | [.count, .delta_count]')" \
	"[1000,-3000]" "diff --json: and what shrank, the other way round"
is "$("$MEMWATCH" diff "$T/a.census" "$T/m.out" --json | jq -c 'select(.name == "Thing") | .delta_count')" 3000 \
	"a stream of several censuses is a file, too: the last counts"
head -c 20000 "$T/last.census" >"$T/cut"
"$MEMWATCH" diff "$T/a.census" "$T/cut" >"$T/diff.out" 2>"$T/diff.err"
like "$? $(cat "$T/diff.err")" "^0 memwatch: warning: $T/cut was cut off before its end" "a file that was cut off is said to be"
for bad in "$T/things.js:it is no NDJSON" "/dev/null:it is empty" "$T:.*directory"; do
	"$MEMWATCH" diff "$T/a.census" "${bad%%:*}" >"$T/diff.out" 2>"$T/diff.err"
	like "$? $(wc -l <"$T/diff.err") $(cat "$T/diff.err")" "^1 1 memwatch: cannot compare ${bad%%:*}: ${bad#*:}" "no census: ${bad#*:}"
done
sed '1s/"schema":1/"schema":2/' "$T/a.census" >"$T/newer"
like "$("$MEMWATCH" diff "$T/newer" "$T/a.census" 2>&1)" "cannot compare $T/newer: it is of schema 2, and this memwatch knows 1" \
	"a newer schema is refused"

# --- who does not read, and who stops it ---

"$MEMWATCH" heap -p "$target" --every 1 -q | head -n 2 >"$T/head.out"
is "${PIPESTATUS[0]} $(wc -l <"$T/head.out")" "0 2" "it ends when nobody reads any more"
"$MEMWATCH" heap -p "$target" -q >/dev/full 2>"$T/full.err"
like "$? $(cat "$T/full.err")" "^1 memwatch: " "a full disk is an error"
timeout -k 5 60 "$MEMWATCH" heap -p "$target" -q -o /dev/full >/dev/null 2>"$T/full.err"
like "$? $(cat "$T/full.err")" "^1 memwatch: cannot write /dev/full: No space left" "and so is one for -o"
start gone "$MEMWATCH" heap -p "$target" --every 1
await 30 "the first census" shown gone ' in all, '
stop things KILL
ended gone 30
like "$STATUS $(tail -n 1 "$T/gone.err")" "^0 memwatch: process $target has ended after [0-9]+ census" "it ends with the process"
done_testing

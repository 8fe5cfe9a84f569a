#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# memwatch record: exit statuses, processes that are there, programs that it runs, how a recording
# ends; and what is in the file, beside /proc and what a watch of the same time tells.
# shellcheck disable=SC2317 # functions that await and start call
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need
command -v sqlite3 >/dev/null || die "sqlite3 is not installed: run make deps"
command -v node >/dev/null || skip_all "no node here"

GROW=$WORKLOADS/grow
export GROW

# run NAME ARG...: memwatch record -o $T/NAME.mwr ARG...; STATUS, $T/NAME.out, $T/NAME.err
run() {
	local name=$1
	shift
	timeout -k 5 180 "$MEMWATCH" record -o "$T/$name.mwr" "$@" >"$T/$name.out" 2>"$T/$name.err" </dev/null
	STATUS=$?
}

# sql NAME QUERY: a line a row, columns between |
sql() {
	sqlite3 -readonly -cmd '.timeout 5000' "$T/$1.mwr" "$2"
}

# recording ID ARG...: starts memwatch record -o $T/ID.mwr ARG..., and waits until it is attached
recording() {
	local id=$1
	shift
	start "$id" "$MEMWATCH" record -o "$T/$id.mwr" "$@"
	await 120 "memwatch record $* to record" grep -q ': recording ' "$T/$id.err"
}

# rows_since ID NS: a tick that began after NS is in the file
rows_since() {
	[ "$(sql "$1" "SELECT count(*) FROM tick WHERE ns > $2" 2>"$T/err")" -gt 0 ]
}

# gone_all FILE: all whose PIDs it lists; a zombie is init's
gone_all() {
	local pid state
	while read -r pid; do
		state=$(sed 's/.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null) || continue
		[ "$state" = Z ] || return 1
	done <"$1"
}

# --- what takes its time runs beside the rest: a service, recorded and watched at once ---

serve_status service leaking
start both "$MEMWATCH" --json --sites 1000 --budget 0 -p "$(pid_of service)"
await 120 "the watch's first tick" has_record both process
recording sites --budget 0 -p "$(pid_of service)"
start load node "$LOAD" --port "$(port_of service)" --calls 2500

# --- wrong usage: a line that says why, status 2, and no file ---

refused() {
	local what=$1
	shift
	timeout 20 "$MEMWATCH" record "$@" >"$T/refused.out" 2>"$T/refused.err" </dev/null
	is "$? $(wc -l <"$T/refused.err") $(wc -c <"$T/refused.out")" "2 1 0" "$what: status 2 and a line"
}

refused "no file" -d 1
refused "a stream" -o - -d 1
refused "no name" -o '' -d 1
refused "no command after --" -o "$T/refused.mwr" --
refused "processes and a command" -o "$T/refused.mwr" -p 1 -- true
refused "an option of watch alone" -o "$T/refused.mwr" -r 5
for size in 1K 0 x ''; do refused "--max-size '$size'" -o "$T/refused.mwr" --max-size "$size"; done
for n in 0 -1 x ''; do refused "--requests '$n'" -o "$T/refused.mwr" --requests "$n"; done
refused "--json" -o "$T/refused.mwr" --json
like "$(cat "$T/refused.err")" "report --format json" "--json: the line says what there is instead"
ok "nothing was made" test ! -e "$T/refused.mwr"

# --- where it cannot be written: a line, status 1, and nothing is run ---

# unwritable WHAT FILE
unwritable() {
	timeout -k 5 120 "$MEMWATCH" record -o "$2" -- touch "$T/was-run" >"$T/u.out" 2>"$T/u.err" </dev/null
	is "$? $(wc -l <"$T/u.err") $(wc -c <"$T/u.out")" "1 1 0" "$1: status 1 and a line"
}

echo "not to be lost" >"$T/text"
unwritable "no such folder" "$T/none/x.mwr"
unwritable "a folder" "$T"
unwritable "what is no recording" "$T/text"
is "$(cat "$T/text")" "not to be lost" "what is no recording is not touched"
ok "and the program is not run" test ! -e "$T/was-run"

# --- a program: its output, its input, its status; what it starts ---

# shellcheck disable=SC2016 # of the inner shell
run tree --requests 12 -- bash -c 'ulimit -c 0; echo to-stdout; [ ! -t 0 ] || exit 9
	(exec -a five bash -c "exit 5"); (bash -c "kill -SEGV \$\$"); sleep 1.5 & wait'
is "$STATUS $(cat "$T/tree.out")" "0 to-stdout" "a program that passes: status 0, its output alone on stdout"
like "$(cat "$T/tree.err")" "recorded [1-9][0-9]*s, [0-9]+ processes, .* into $T/tree.mwr \([0-9.]+K\)" "what was recorded is said"
like "$(tail -n 1 "$T/tree.err")" "next: memwatch report $T/tree.mwr" "and what is next"
is "$(sql tree 'PRAGMA integrity_check')" ok "the file is sound"
is "$(sql tree "SELECT count(*) FROM meta WHERE key = 'ended'")" 1 "and whole"
like "$(sql tree "SELECT value FROM meta WHERE key = 'command'")" '^bash -c .*echo to-stdout' "the command is in it"
is "$(sql tree "SELECT value FROM meta WHERE key = 'requests'")" 12 "and the requests"
is "$(sql tree 'SELECT count(*) FROM ended WHERE status = 5')" 1 "the status of a child"
is "$(sql tree 'SELECT count(*) FROM ended WHERE signal = 11')" 1 "the signal that killed one"
is "$(sql tree "SELECT DISTINCT named FROM process p JOIN process_tick t ON t.process = p.id")" 1 "all are the program's"
is "$(sql tree "SELECT count(*) FROM process WHERE comm = 'memwatch'")" 0 "memwatch is not among them"
is "$(stat -c %a "$T/tree.mwr")" 600 "the file is for its owner only"
is "$(compgen -G "$T/tree.mwr?*")" "" "and the only one"

run tree -d 1 -- sleep 30
is "$STATUS" 0 "after -d the program is ended, and that is no failure of its"
ok "the recording that was there is kept" test -e "$T/tree.mwr.old"
run fails -- bash -c 'exit 5'
is "$STATUS" 1 "a program that fails: status 1"
like "$(tail -n 1 "$T/fails.err")" "'bash' ended with status 5" "the last line says so"
run quiet -q -- true
is "$STATUS $(wc -c <"$T/quiet.err")" "0 0" "-q: not a word"
cp "$T/quiet.mwr" "$T/unable.mwr"
run unable -- /nonexistent/program
is "$STATUS" 1 "a program that cannot be run: status 1"
like "$(tail -n 1 "$T/unable.err")" "cannot run '/nonexistent/program': No such file" "the last line says so"
is "$(compgen -G "$T/unable.mwr*")" "$T/unable.mwr" "and there is no recording of that"
ok "the one that was there is left alone" cmp -s "$T/quiet.mwr" "$T/unable.mwr"
run unable -- memwatch-no-such-program
is "$STATUS" 1 "nor is one that is nowhere in PATH"

# shellcheck disable=SC2016
start stopped "$MEMWATCH" record -o "$T/stopped.mwr" -- bash -c '"$GROW" steady --hold & echo $$ $! | xargs -n 1 >"$0"
	echo up; wait' "$T/stopped.pids"
await 30 "the program to be up" grep -q '^up' "$T/stopped.out"
stop stopped INT
is "$STATUS" 0 "stopped by a signal: recorded"
is "$(sql stopped "SELECT count(*) FROM meta WHERE key = 'ended'")" 1 "as far as it went, whole"
ok "what it ran is gone" wait_for 10 gone_all "$T/stopped.pids"

# --- processes that are there ---

start grows "$GROW" mmap-grow --bytes 64M --wait-go
ready grows
start lasts "$GROW" steady --hold
ready lasts
# With all that there is to see, whatever it costs: what is not counted would not be told.
recording named -i 0.5 --budget 0 -p "$(pid_of grows)"
recording machine -i 0.5 --budget 0
go grows
finished grows
now=$(boot_ns)
await 60 "a tick with all of it" rows_since named "$now"
await 60 "a tick of the machine" rows_since machine "$now"
rss=$(awk '/^RssAnon/ { print $2 * 1024 }' "/proc/$(pid_of grows)/status")
for id in named machine; do
	is "$(sql $id "SELECT t.anon_bytes FROM process_tick t JOIN process p ON p.id = t.process
		WHERE p.pid = $(pid_of grows) ORDER BY t.ns DESC LIMIT 1")" "$rss" "$id: its last totals are those of /proc"
	between $((64 * MIB)) "$(sql $id "SELECT grown_bytes FROM growth WHERE pid = $(pid_of grows)")" $((65 * MIB)) \
		"$id: its growth"
done
is "$(sql named "SELECT sum(mmap_count) >= $(did grows mmap_count) FROM process_tick")" 1 "its calls"
leave grows
ended named
is "$STATUS" 0 "the run ends with the process"
is "$(sql named "SELECT kind, status, peak_rss_bytes > $rss FROM ended")" "exit|0|1" "whose end is in it"
is "$(sql named "SELECT end_ns > 0 FROM process WHERE pid = $(pid_of service) OR named")" 1 "and no other process"
stop machine
is "$STATUS" 0 "a machine, stopped by a signal"
is "$(sql machine "SELECT count(*) FROM process WHERE pid = $(pid_of lasts) AND named")" 0 "nobody was named"
between 3 "$(sql machine 'SELECT count(DISTINCT process) FROM process_tick')" 100000 "all processes are in it"
is "$(sql machine "SELECT count(*) FROM event WHERE kind = 'exit' AND process =
	(SELECT id FROM process WHERE pid = $(sql named 'SELECT pid FROM process WHERE named'))")" 1 "and who ended"

# --- killed; and no room ---

recording killed -i 0.5 --budget 0 -p "$(pid_of lasts)"
await 60 "some ticks" rows_since killed "$(boot_ns)"
elapse 2
now=$(boot_ns)
stop killed KILL
is "$(sqlite3 "$T/killed.mwr" 'PRAGMA integrity_check')" ok "killed: the file is sound"
late=$(sqlite3 "$T/killed.mwr" 'SELECT coalesce(max(late), 0) FROM (SELECT ns - lag(ns) OVER (ORDER BY ns) AS late FROM tick)')
between 0 $(((now - $(sqlite3 "$T/killed.mwr" 'SELECT max(ns) FROM tick')) / 1000000)) $((2000 + 2 * late / 1000000)) \
	"and but for the last second, and ticks that come late, all is there, as ms"
is "$(sqlite3 "$T/killed.mwr" "SELECT count(*) FROM meta WHERE key = 'ended'")" 0 "it has no end"

mkdir "$T/small" "$T/copy"
# Births and ends fill it, on an idle machine, too.
start births "$WORKLOADS/grow" forks --step 4K --bytes 4G --lifetime-ms 1
# Its mount is gone with it: what was written is copied before.
# shellcheck disable=SC2016
timeout -k 5 180 unshare -m bash -c 'mount -t tmpfs -o size=1M none "$0/small" &&
	"$@" -o "$0/small/full.mwr" -i 0.1 -d 50 --budget 0; echo $? >"$0/full.status"
	cp -a "$0/small/." "$0/copy"' "$T" "$MEMWATCH" record >"$T/full.out" 2>"$T/full.err" </dev/null
stop births
is "$(cat "$T/full.status")" 1 "a disk that is full: status 1"
like "$(tail -n 1 "$T/full.err")" "cannot record: .*disk is full" "the last line says so"
is "$(sqlite3 "$T/copy/full.mwr" 'PRAGMA integrity_check')" ok "what was written is sound"
between 1 "$(sqlite3 "$T/copy/full.mwr" 'SELECT count(*) FROM tick')" 499 "and has ticks"
ok "processes run on" kill -0 "$(pid_of lasts)"

# --- sites, beside those of a watch ---

ended load 180
is "$(jq -r .calls "$T/load.out")" 2500 "the service was called"
stop sites
is "$STATUS" 0 "its recording"
stop both
survived=$(jq_of both 'select(.type == "site" and .kind == "v8-survived") | [.ts_ns, .bytes]' |
	jq -s 'max_by(.[0])[0] as $last | map(select(.[0] == $last) | .[1]) | add')
between $((survived * 85 / 100)) "$(sql sites "SELECT sum(bytes) FROM site WHERE kind = 'v8-survived'")" \
	$((survived * 115 / 100)) "what survives, in all, as the watch of the same time tells it ($survived)"
like "$(sql sites "SELECT stack FROM top_sites WHERE kind = 'v8-survived' LIMIT 1")" 'status\.js' "by whom"
between 1 "$(sql sites "SELECT sum(count) FROM collections WHERE kind = 'scavenge'")" 100000 "its collections"
stop service
stop lasts
done_testing

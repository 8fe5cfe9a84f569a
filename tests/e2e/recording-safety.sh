#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A recording whose writer is killed, whose disk is full, whose file may not grow, that others have
# locked or read: what was committed is there, and SQLite finds the file whole.
# shellcheck disable=SC2317 # functions that await calls
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

DRIVE=$(realpath -m "${BUILD:-$ROOT/build}/tests/store/drive")
[ -x "$DRIVE" ] || die "$DRIVE is missing: make $DRIVE"
need

DRIVEN=10 # kills of the writer alone
KILLS=20  # of memwatch
FILE=$T/run.mw

# ask FILE SQL: of a file that may be written to meanwhile
ask() {
	sqlite3 -cmd '.timeout 5000' "$1" "$2"
}

whole() {
	[ "$(ask "$1" 'PRAGMA integrity_check')" = ok ]
}

has_tick() {
	[ -s "$FILE" ] && [ "$(ask "$FILE" 'SELECT count(*) FROM tick' 2>/dev/null || echo 0)" -gt 0 ]
}

# has_acked ID COUNT
has_acked() {
	[ "$(wc -l <"$T/$1.out")" -gt "$2" ]
}

# has_passed ID NS
has_passed() {
	[ "$(acked "$1")" -gt "$2" ]
}

random_part() {
	printf '0.%03d' $((RANDOM % $1))
}

# acked ID: the last tick that the driver said was in the file
acked() {
	tail -n 1 "$T/$1.out"
}

# --- killed, the writer alone: thousands of ticks a second, with a log that is moved all the time ---

lost=0 broken=0 ticks=0
for ((i = 0; i < DRIVEN; i++)); do
	rm -f "$FILE"*
	start w "$DRIVE" "$FILE" 0 0 4194304
	await 20 "the first tick" [ -s "$T/w.out" ]
	sleep "$(random_part 400)"
	stop w KILL
	sed -i '${/^[0-9]*$/!d}' "$T/w.out"
	last=$(ask "$FILE" 'SELECT max(ns) FROM tick')
	[ "${last:-0}" -ge "$(acked w)" ] || lost=$((lost + 1))
	whole "$FILE" || broken=$((broken + 1))
	ticks=$((ticks + $(wc -l <"$T/w.out")))
done
is "$lost" 0 "killed $DRIVEN times after $ticks ticks: each that was acknowledged is in the file"
is "$broken" 0 "and the file is whole"

# --- a file that is there ---

start w "$DRIVE" "$FILE" 5
ended w 30
last=$(ask "$FILE.old" 'SELECT max(ns) FROM tick')
between "$(sed -n 1p "$T/w.out")" "$last" 999999999999999 "a recording that was there is kept, with its log"
ok "and whole" whole "$FILE.old"
is "$(find "$T" -name 'run.mw*' | wc -l)" 2 "one file each"
echo text >"$T/text"
start w "$DRIVE" "$T/text" 5
ended w 30
like "$(err_of w)" 'text: that is there and no recording' "what is no recording is not touched"
is "$(cat "$T/text")" text "it is not"
start w "$DRIVE" "$T" 5
ended w 30
like "$(err_of w)" 'is a directory' "a directory is refused"
rm -f "$FILE"*
start w "$DRIVE" "$FILE" 0 1000
await 20 "the first tick" [ -s "$T/w.out" ]
start other "$DRIVE" "$FILE" 5
ended other 30
like "$(err_of other)" "process $(pid_of w) has that recording open" "one that is being written to, too"
ok "which goes on" wait_for 20 has_acked w 20

# --- others have it open ---

before=$(wc -l <"$T/w.out")
sqlite3 "$FILE" >"$T/reader.out" 2>&1 < <(
	echo 'BEGIN; SELECT count(*) FROM tick;'
	sleep 2
	echo 'COMMIT;'
) &
reader=$!
await 20 "a reader" [ -s "$T/reader.out" ]
ok "somebody reads: it goes on" wait_for 20 has_acked w $((before + 50))
wait $reader
sqlite3 -cmd '.timeout 5000' "$FILE" >"$T/locker.out" 2>&1 < <(
	echo 'BEGIN IMMEDIATE; SELECT 1;'
	sleep 2
	echo 'ROLLBACK;'
) &
locker=$!
await 20 "a lock" [ -s "$T/locker.out" ]
before=$(acked w)
wait $locker
await 20 "ticks after the lock" has_passed w $((before + 100000000000))
stop w TERM
last=$(ask "$FILE" 'SELECT max(ns) FROM tick')
is "$(ask "$FILE" "SELECT sum(fault_bytes) / 4096 - (max(ns) - 1000000000000) / 1000000000
	FROM process_tick JOIN process ON id = process WHERE pid = 100")" 0 \
	"somebody locks it: what was done meanwhile is told afterwards"
ok "it is whole" whole "$FILE"

# --- no room ---

if unshare -m true 2>/dev/null; then
	mkdir "$T/small"
	# shellcheck disable=SC2016 # of the inner shell
	unshare -m bash -c 'mount -t tmpfs -o size=2m none "$1/small" || exit 9
		"$2" "$1/small/run.mw" 0 100 >"$1/full.out" 2>"$1/full.err"
		echo $? >"$1/full.status"
		sqlite3 "$1/small/run.mw" "PRAGMA integrity_check; SELECT max(ns) FROM tick" >"$1/full.asked" 2>&1
		cp "$1/small/run.mw"* "$1"' -- "$T" "$DRIVE" || die "no small disk"
	is "$(cat "$T/full.status")" 1 "the disk is full: it ends with status 1"
	like "$(cat "$T/full.err")" 'run.mw: the disk is full; what was recorded until [0-9:]{8} can be read' "and says so"
	is "$(cat "$T/full.asked")" "ok
$(acked full)" "all that was acknowledged is there, on the full disk"
else
	skip "a full disk" "mounting is not permitted"
fi
rm -f "$FILE"*
(
	ulimit -f 400
	"$DRIVE" "$FILE" 0 0 >"$T/limit.out" 2>"$T/limit.err"
	echo $? >"$T/limit.status"
)
is "$(cat "$T/limit.status")" 1 "a file that may not grow: status 1"
like "$(cat "$T/limit.err")" 'may not become larger \(ulimit -f\); what was' "and why"
is "$(ask "$FILE" 'PRAGMA integrity_check; SELECT max(ns) FROM tick')" "ok
$(acked limit)" "all that was acknowledged is there"

# --- killed, the whole of memwatch ---

start target "$WORKLOADS/grow" malloc --wait-go
ready target
lost=0 broken=0
for ((i = 0; i < KILLS; i++)); do
	rm -f "$FILE"*
	start m "$MEMWATCH" record -o "$FILE" -p "$(pid_of target)" -i 0.1
	await 120 "a tick" has_tick
	sleep "$(random_part 200)"
	seen=$(ask "$FILE" 'SELECT max(ns) FROM tick')
	stop m KILL
	[ "$(ask "$FILE" 'SELECT max(ns) FROM tick')" -ge "$seen" ] || lost=$((lost + 1))
	whole "$FILE" || broken=$((broken + 1))
done
is "$lost $broken" "0 0" "memwatch record, killed $KILLS times: nothing that was there is lost, and it is whole"
stop target

done_testing

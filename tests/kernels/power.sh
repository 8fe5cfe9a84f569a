#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# power.sh [KERNEL]: the power goes while memwatch records: what is on the disk is whole, and lacks the
# last moment only. A guest (KERNEL, as images.sh takes it: 6.12) records onto its own disk, ext4 with its
# defaults. QEMU is stopped at random moments, the last time killed, and its disk looked at as a boot
# would find it: what was in the guest's page cache only is gone. `make test-kernels` builds what it
# needs. Environment: BUILD, what is booted (build/static); RESULTS, where what was found goes.
#
# LIMITATIONS: the disk keeps whatever the guest's kernel wrote to it, so what is told is that the kernel
# was told to write, not that a disk with a cache of its own was told to flush that.
set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=qemu.sh
. "$here/qemu.sh"
export BUILD=${BUILD:-$top/build/static}
results=${RESULTS:-$BUILD/kernels/power}
CUTS=4	      # after the one right at the begin
AT_RISK_MAX=3 # s of the guest; half a second, and what an emulated machine takes for it
WAIT=300      # s, for the guest to come as far as that

scratch=$(mktemp -d)
guest=
trap '[ -z "$guest" ] || kill -KILL $guest 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
failed=0 passed=0

die() {
	echo "power.sh: $*" >&2
	exit 1
}

# judge WHAT COMMAND...
judge() {
	local what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "           FAILED - power: $what"
	fi
}

# at: the lines of the console that are whole
at() {
	tr -d '\r' <"$1" | awk '$1 == "at" && NF == 3 && /[0-9]$/' | sed '$d'
}

# await_progress SECONDS: until the guest has recorded for so long since the last cut, by its own clock
await_progress() {
	local until=$((SECONDS + WAIT)) from
	from=$(at "$scratch/console" | wc -l)
	until at "$scratch/console" | tail -n "+$((from + 1))" |
		awk -v least="$1" 'NR == 1 { first = $2 } END { exit !(NR && $2 - first >= least) }'; do
		kill -0 $guest 2>/dev/null || die "the guest has ended: $(tail -n 3 "$scratch/console" "$scratch/qemu")"
		[ $SECONDS -lt $until ] || die "nothing comes from the guest: $(tail -n 3 "$scratch/console")"
		sleep 0.1
	done
}

# cut_power NAME SIGNAL: the disk and the console of that moment
cut_power() {
	kill "-$2" $guest
	if [ "$2" = KILL ]; then
		wait $guest 2>/dev/null
		guest=
	else
		until grep -q '^State:.*T' /proc/$guest/status; do sleep 0.01; done
	fi
	mkdir -p "$results/$1"
	cp "$scratch/console" "$results/$1/console"
	cp --sparse=always "$scratch/disk" "$scratch/disk.$1"
	[ "$2" = KILL ] || kill -CONT $guest
}

# take NAME: what a boot would find: the journal replayed; status of e2fsck 0 or 1, it was corrected
take() {
	local status=0
	e2fsck -fy "$scratch/disk.$1" >"$results/$1/fsck" 2>&1 || status=$?
	debugfs -R "rdump /recorded $results/$1" "$scratch/disk.$1" >/dev/null 2>&1
	rm -f "$scratch/disk.$1"
	[ $status -le 1 ]
}

# reads NAME: memwatch does, a copy, as it was found
reads() {
	rm -rf "$scratch/copy"
	cp -r "$results/$1/recorded" "$scratch/copy"
	"$BUILD/memwatch" report "$scratch/copy/run.mw" >"$results/$1/report" 2>&1
}

is_whole() {
	[ "$(sqlite3 "$results/$1/recorded/run.mw" 'PRAGMA integrity_check' 2>&1)" = ok ]
}

# at_risk NAME: for how long what is not on the disk had been in the log, s of the guest. What is there are
# whole transactions, of frames of 24 bytes and a page, behind a header of 32 (sqlite.org/fileformat2, 4)
at_risk() {
	local frames
	cp -r "$results/$1/recorded" "$scratch/log"
	frames=$(sqlite3 "$scratch/log/run.mw" 'PRAGMA wal_checkpoint' 2>/dev/null | cut -d '|' -f 2)
	rm -rf "$scratch/log"
	at "$results/$1/console" | awk -v there=$((32 + ${frames:-0} * 4120)) '
		$3 > there && !lost { lost = $2 } END { print lost ? $2 - lost : 0 }'
}

is_at_most() {
	awk -v a="$1" -v most="$2" 'BEGIN { exit !(a <= most) }'
}

# Nothing may be there yet, but that is said, and it is not called damaged.
judge_begin() {
	judge "at the begin: the file system" take 0
	[ -e "$results/0/recorded/run.mw" ] || return
	reads 0 || judge "at the begin: it is refused: $(cat "$results/0/report")" \
		grep -Eq 'nothing is in it: its recording had just begun|it is empty$' "$results/0/report"
	judge "at the begin: it is whole" is_whole 0
}

judge_cut() {
	local risk
	judge "cut $1: the file system" take "$1"
	judge "cut $1: memwatch report reads it: $(tail -n 1 "$results/$1/report" 2>/dev/null)" reads "$1"
	risk=$(at_risk "$1")
	judge "cut $1: it lacks what was $risk s old" is_at_most "$risk" $AT_RISK_MAX
	judge "cut $1: it is whole" is_whole "$1"
	worst=$(printf '%s\n' "$worst" "$risk" | sort -g | tail -n 1)
}

# --- the guest ---

folder=$("$here/images.sh" x86 "${1:-6.12}" | cut -d ' ' -f 2)
[ -n "$folder" ] || { echo "NOT TESTED: a cut of the power: no kernel could be had"; exit 0; }
"$here/root.sh" x86 "$scratch/disk" || exit 1
tune2fs -j "$scratch/disk" >/dev/null 2>&1 || die "the disk has no journal"
rm -rf "$results" && mkdir -p "$results"
: >"$scratch/console"
qemu_of x86 "$folder" "$scratch/disk" "$scratch/console" init=/memwatch/tests/kernels/guest/power
"${qemu[@]}" </dev/null >"$scratch/qemu" 2>&1 &
guest=$!
began=$SECONDS worst=0
await_progress "0.$((RANDOM % 10))"
cut_power 0 STOP
judge_begin
for ((i = 1; i <= CUTS; i++)); do
	# Long enough for a log that nobody makes durable to be that old.
	await_progress "$((AT_RISK_MAX + 2)).$((RANDOM % 1000))"
	if [ $i = $CUTS ]; then cut_power $i KILL; else cut_power $i STOP; fi
	judge_cut $i
done
echo "  power: $passed passed, $failed failed, $((SECONDS - began)) s: at most the last $worst s were lost"
[ $failed = 0 ]

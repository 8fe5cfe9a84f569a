#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Much at once, and what goes wrong around memwatch: nothing may be lost without being said, and
# nothing may stay behind.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need

# --- a million pairs of mmap and munmap in 10 s, without and with a budget, and 4,000 processes ---

PAIRS=1000000
BORN=2000

start mmaps "$WORKLOADS/mmaps" --count $PAIRS --seconds 10 --wait-go
start slow "$WORKLOADS/grow" mmap-grow --bytes 32M --step 512K --interval-ms 120 --wait-go
start forks "$WORKLOADS/spawn" --count $BORN --seconds 10 --wait-go
start execs "$WORKLOADS/spawn" --count $BORN --seconds 10 --exec --wait-go
for id in mmaps slow forks execs; do ready $id; done
mmaps=$(pid_of mmaps)
slow=$(pid_of slow)
watch exact --budget 0 -p "$mmaps"
watch thrifty --budget 0.2 -i 0.5 -p "$mmaps,$slow"
watch all --budget 0 -i 2
for id in mmaps slow forks execs; do go $id; done
for id in mmaps slow forks execs; do finished $id 60; done
for id in exact all thrifty; do
	tick $id
	stop $id
	is "$STATUS" 0 "memwatch ($id) ends with status 0"
done
note "a million pairs took $(did mmaps seconds) s"
for id in exact all; do
	is "$(of_pid $id "$mmaps" '[.[].events // {}] |
		map(.mmap_count), map(.mmap_bytes), map(.munmap_count), map(.munmap_bytes) | add' | xargs)" \
		"$PAIRS $((PAIRS * PAGE)) $PAIRS $((PAIRS * PAGE))" \
		"$id: each mmap and munmap is counted, and its bytes"
	# Of a busy machine there may be no room for the stacks of all that grows on it.
	excused=.ts_ns
	[ $id != all ] || excused=.stacks_full
	is "$(jq_of $id "del($excused) | (select(.type == \"lost\") | del(.type, .ts_ns, .time) | select(. != {})),
		(select(.type == \"end\") | .lost | del($excused))")" "{}" \
		"$id: nothing was lost"
	is "$(err_of $id)" "" "$id: and nothing is said"
done

like "$(err_of thrifty)" "budget 0.20 %: gave up [^$'\n']*calls" \
	"with too small a budget it gives up the calls, and says so"
# As of each tick: what its lost record names (null without one), and whether the calls have keys.
# shellcheck disable=SC2016 # jq's variables
jq -sc --argjson pid "$mmaps" '
	(map(select(.type == "lost") | {key: "\(.ts_ns)", value: .}) | from_entries) as $lost |
	.[] | select(.type == "process" and .pid == $pid and .events) | {
		shed: $lost["\(.ts_ns)"].shed,
		shed_ticks: ($lost["\(.ts_ns)"].shed_ticks // 0),
		calls: (.events | keys | map(select(test("^(mmap|munmap|mremap|brk)_"))) | length),
		mmaps: (.events.mmap_count // 0),
		faults: (.events | has("fault_count"))
	}' "$T/thrifty.out" >"$T/ticks"
shed=$(jq -c 'select(.shed_ticks > 0)' "$T/ticks" | wc -l)
note "$(jq -c '.shed' "$T/ticks" | uniq -c | xargs -d '\n')"
between 5 "$shed" 100 "lost records say for which ticks"
is "$(jq -c 'select(.shed_ticks > 0 and (.shed | type) != "string")' "$T/ticks")" "" \
	"and each what was given up"
is "$(jq_of thrifty 'select(.type == "lost") | .shed_ticks // 0' | jq -s add)" \
	"$(jq_of thrifty 'select(.type == "end") | .lost.shed_ticks')" "they add up to the end record"
is "$(jq -c 'select((.shed // "" | contains("calls")) and .calls > 0)' "$T/ticks")" "" \
	"what was not counted over the whole interval has no key"
is "$(jq -c 'select(.faults | not)' "$T/ticks")" "" "while the rest of events stays"
between 0 "$(jq -s 'map(.mmaps) | add' "$T/ticks")" $PAIRS "no call is counted twice"
is "$(of_pid thrifty "$slow" '[.[].delta.anon_bytes // 0] | add')" $((32 * MIB)) \
	"the deltas still add up"
for id in mmaps slow; do
	pid=$(pid_of $id)
	is "$(of_pid thrifty "$pid" '.[-1] | .anon_bytes, .vm_bytes, .pgtable_bytes, .threads' | xargs)" \
		"$(for key in RssAnon VmSize VmPTE Threads; do status_bytes "$pid" $key; done | xargs)" \
		"$id: the totals are /proc's"
done
note "self.cpu_pct: $(jq_of thrifty 'select(.type == "end") | .self.cpu_pct') with a budget of 0.2, $(
	jq_of exact 'select(.type == "end") | .self.cpu_pct') without"

# events_of ID PARENT: what happened to its children, as $T/PARENT.fork, .exec and .exit
events_of() {
	local kind
	jq -r "select(.ppid == $(pid_of "$2") and (.type | IN(\"fork\", \"exec\", \"exit\"))) |
		\"\(.type) \(.pid) \(.start_ns)\"" "$T/$1.out" | sort >"$T/born"
	for kind in fork exec exit; do
		sed -n "s/^$kind //p" "$T/born" >"$T/$2.$kind"
	done
}
for id in forks execs; do
	events_of all $id
	is "$(cat "$T/$id".{fork,exec,exit} | wc -l)" \
		"$(($(did $id forks) + $(did $id execs) + $(did $id exits)))" \
		"$id: $BORN processes born and gone are all seen"
	is "$(sort -u "$T/$id.fork" | wc -l)" $BORN "$id: none of them twice"
	ok "$id: who is born ends" cmp "$T/$id.fork" "$T/$id.exit"
done
ok "execs: and becomes a program" cmp "$T/execs.fork" "$T/execs.exec"
is "$(wc -l <"$T/forks.exec")" 0 "forks: none of them becomes one"
for id in mmaps slow forks execs; do leave $id; done

# --- stopped for so long that the ring buffer is full ---

# Waiting that starts no process: each would be one more that is lost.
mkfifo "$T/never"
exec {NEVER}<>"$T/never"
# quietly_finished ID SECONDS
quietly_finished() {
	local deadline=$((${EPOCHREALTIME/./} + $2 * 1000000)) lines=()
	until [[ ${lines[*]} == *'"event":"done"'* ]]; do
		((${EPOCHREALTIME/./} < deadline)) || die "waited $2 s in vain for $1"
		read -r -t 0.05 -u "$NEVER"
		mapfile -t lines <"$T/$1.out"
	done
}
# FORKS: processes and threads born since the machine started
count_forks() {
	local key value
	while read -r key value; do
		[ "$key" != processes ] || FORKS=$value
	done </proc/stat
}

BORN=20000
start flood "$WORKLOADS/spawn" --count $BORN --seconds 0 --wait-go
start grow "$WORKLOADS/grow" mmap-grow --bytes 32M --wait-go
ready flood
ready grow
watch m -i 0.5 --budget 0
grow=$(pid_of grow)
m=$(pid_of m)
kill -STOP "$m"
count_forks
before=$FORKS
go grow
quietly_finished grow 60
go flood
quietly_finished flood 60
kill -CONT "$m"
read -r -t 0.5 -u "$NEVER" # until it has made room
count_forks
others=$((FORKS - before - BORN))
tick m
tick m
stop m
is "$STATUS" 0 "stopped and continued, memwatch ends with status 0"
is "$(err_of m)" "" "and says nothing"
is "$(unknown_keys m)" "" "each key that was written is in the schema"
events_of m flood
seen=$(wc -l <"$T/born")
ring_full=$(jq_of m 'select(.type == "end") | .lost.ring_full // 0')
note "ring full: $seen of $((2 * BORN)) records seen, $ring_full lost, in $(did flood seconds) s;" \
	"$others other processes were born"
between 1 "$seen" $((2 * BORN - 1)) "what fits into the ring buffer is seen"
is "$(uniq -d "$T/born")" "" "once"
# A process that does not fork can exec and end, too.
between $((2 * BORN)) $((seen + ring_full)) $((2 * BORN + 5 * others + 20)) \
	"what was seen and what was lost adds up"
is "$(jq_of m 'select(.type == "lost") | .ring_full // 0' | jq -s add)" "$ring_full" \
	"the lost records add up to the end record"
is "$(of_pid m "$grow" '[.[].delta.anon_bytes // 0] | add')" $((32 * MIB)) \
	"the deltas go on right over the gap"
is "$(of_pid m "$grow" '[.[].events.mmap_count // 0] | add')" "$(did grow mmap_count)" \
	"so do the counts"
leave flood
leave grow

# --- stopped for three ticks ---

start grow "$WORKLOADS/grow" mmap-grow --bytes 32M --step 512K --interval-ms 40 --wait-go
ready grow
grow=$(pid_of grow)
watch m -i 0.5 --budget 0 -p "$grow"
go grow
tick m
began=$(boot_ns)
kill -STOP "$(pid_of m)"
elapse 1.6
kill -CONT "$(pid_of m)"
missed=$((($(boot_ns) - began) / 500000000))
finished grow
tick m
stop m
is "$STATUS" 0 "stopped for a while, memwatch ends with status 0"
# The first tick after it is late, not missed.
between $((missed - 2)) "$(jq_of m 'select(.type == "end") | .lost.ticks // 0')" $((missed + 1)) \
	"the ticks that did not happen are counted (stopped for $missed)"
is "$(jq_of m 'select(.type == "lost") | .ticks // 0' | jq -s add)" \
	"$(jq_of m 'select(.type == "end") | .lost.ticks')" "the lost records add up to the end record"
is "$(of_pid m "$grow" '[.[].delta.anon_bytes // 0] | add')" $((32 * MIB)) "the deltas add up"
is "$(of_pid m "$grow" '[.[].events.mmap_count // 0] | add')" "$(did grow mmap_count)" \
	"so do the counts"
is "$(of_pid m "$grow" 'map(.ts_ns) | . == (sort | unique)')" true "time goes on"
leave grow

# --- ends ---

# What is started in the background ignores INT and QUIT.
for signal in TERM INT HUP QUIT; do
	start m env --default-signal=INT,QUIT "$MEMWATCH" --json -i 0.2
	await 20 "the first tick" has_record m process
	stop m $signal
	is "$STATUS" 0 "SIG$signal: status 0"
	is "$(tail -n 1 "$T/m.out" | jq -r .type)$(err_of m)" end "SIG$signal: an end record, no talk"
done
start m "$MEMWATCH" -i 0.2
# shellcheck disable=SC2317 # called by await
has_line() { grep -q '^[0-9]' "$T/$1.out"; }
await 20 "the first line" has_line m
stop m
like "$STATUS $(tail -n 1 "$T/m.out")" "^0 # memwatch took .*; lost: nothing$" "text: as a last line"

# piped LINES ARG...: memwatch into head; its status, head's, and stderr are in $T/m.*
piped() {
	local began=${EPOCHREALTIME/./}
	# shellcheck disable=SC2016 # of the inner shell
	start m bash -c 'lines=$1; shift; "$@" | head -n "$lines" >/dev/null; echo "${PIPESTATUS[@]}"' - \
		"$1" "$MEMWATCH" "${@:2}"
	wait_for 10 gone "$(pid_of m)" || pkill -P "$(pid_of m)" # memwatch is the child that is left
	ended m
	is "$(cat "$T/m.out")$(err_of m)" "0 0" "a reader that goes away ends it with status 0 (${*:2})"
	between 0 $((${EPOCHREALTIME/./} - began)) 5000000 "soon (${*:2})"
}
piped 3 --json -i 0.2
piped 3 -i 0.2
# Here there is nothing more to write, by which it would see it.
piped 1 -q --json -i 0.2 -n no-such-program
piped 1 -q -i 0.2 -n no-such-program

# A reader that stays, but does not read: the pipe is full from the beginning.
mkfifo "$T/stalled"
exec {STALLED}<>"$T/stalled"
dd if=/dev/zero of="$T/stalled" bs=4096 count=4096 oflag=nonblock conv=notrunc 2>/dev/null
# Its signalfd takes TERM. That TERM is blocked does not say so: bash forks with it blocked.
# shellcheck disable=SC2317 # called by await
takes_term() { grep -qs '^sigmask:.*[4-7c-f]...$' "/proc/$1/fdinfo/"*; }
for mode in --json -q; do
	start m "$MEMWATCH" "$mode" -i 0.1 -o "$T/stalled"
	await 10 "memwatch to start" takes_term "$(pid_of m)"
	elapse 0.5
	ok "a reader that stalls: it waits ($mode)" kill -0 "$(pid_of m)"
	began=${EPOCHREALTIME/./}
	stop m
	is "$STATUS$(err_of m)" 0 "a reader that stalls does not keep it from ending ($mode)"
	between 0 $((${EPOCHREALTIME/./} - began)) 3000000 "soon ($mode)"
done
exec {STALLED}>&-

# What is closed must not become a file of its own.
start m bash -c '"$@" 2>&-' - "$MEMWATCH" --json -i 0.1 -d 3 --budget 0.001 -o "$T/alone"
ended m
is "$STATUS" 0 "stderr is closed: status 0"
between 1 "$(tail -n 1 "$T/alone" | jq '.lost.shed_ticks')" 100 "there was something to say"
is "$(grep -vc '^{' "$T/alone")" 0 "none of it in the output"
start m bash -c '"$@" >&-' - "$MEMWATCH" --json -i 0.1
ended m
is "$STATUS $(err_of m)" "1 memwatch: stopped: Bad file descriptor" "stdout is closed: status 1, and why"

# shellcheck disable=SC2016 # of the inner shell
for mode in --json --budget=0 '--json -o /dev/full'; do
	read -r -a options <<<"$mode"
	start m bash -c '"$@" >/dev/full' - "$MEMWATCH" -i 0.2 "${options[@]}"
	ended m
	is "$STATUS" 1 "a full disk: status 1 ($mode)"
	is "$(err_of m | wc -l)" 1 "one line ($mode)"
	like "$(err_of m)" "^memwatch: .*No space left on device" "that says why ($mode)"
done

# --- killed: nothing stays ---

# The BPF objects that a process holds: "prog 12", "map 34", "link 56". By these, not by their
# names, for another memwatch may run.
bpf_objects() {
	awk '/^(prog|map|link)_id:/ { sub("_id:", "", $1); print $1, $2 }' "/proc/$1/fdinfo/"* |
		sort -u
}

# bpf_left: those of the list $T/bpf that are in the kernel now
bpf_left() {
	local kind
	for kind in prog map link; do
		"$BPFTOOL" -j "$kind" show | jq -r ".[].id | \"$kind \(.)\""
	done >"$T/bpf.now"
	grep -xFf "$T/bpf" "$T/bpf.now"
}
# shellcheck disable=SC2317 # called by wait_for
bpf_is_free() {
	! bpf_left >/dev/null
}

if [ -z "$BPFTOOL" ]; then
	skip "no BPF object stays" "no bpftool"
else
	for signal in KILL TERM; do
		watch m -i 0.2
		bpf_objects "$(pid_of m)" >"$T/bpf"
		note "it holds $(cut -d' ' -f1 "$T/bpf" | uniq -c | xargs)"
		for kind in prog map link; do
			between 1 "$(grep -c "^$kind" "$T/bpf")" 100 "it holds ${kind}s"
		done
		is "$(bpf_left | sort)" "$(cat "$T/bpf")" "as long as it runs they are there"
		for kind in prog map; do
			names=$("$BPFTOOL" -j $kind show | jq -r ".[] | \"$kind \(.id) \(.name)\"" |
				grep -Ff <(grep "^$kind" "$T/bpf" | sed 's/$/ /') | cut -d' ' -f3)
			[ $kind = map ] || is "$(grep -v '^mw_' <<<"$names")" "" "its ${kind}s are named mw_*"
		done
		stop m $signal
		ok "SIG$signal: no program, map or link stays" wait_for 10 bpf_is_free
	done

	: >"$T/bpf"
	ends=
	for n in {1..20}; do
		start m "$MEMWATCH" --json
		await 20 "its first record" has_record m meta
		bpf_objects "$(pid_of m)" >>"$T/bpf"
		stop m "$([ $((n % 4)) = 0 ] && echo KILL || echo TERM)"
		ends="$ends $STATUS"
	done
	is "$ends" "$(printf ' 0 0 0 137%.0s' {1..5})" "20 quick starts and ends"
	between 200 "$(sort -u "$T/bpf" | wc -l)" 2000 "have made as many objects"
	ok "and leave none" wait_for 10 bpf_is_free
	[ -z "$(bpf_left)" ] || diag "left: $(bpf_left | xargs)"
	is "$(awk '$3 == "bpf" { print $2 }' /proc/mounts | xargs -r -I{} find {} -name 'mw_*' \
		-o -name '*memwatch*')" "" "nothing is pinned"
fi

done_testing

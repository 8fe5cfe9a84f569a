#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Much at once, and what goes wrong around memwatch: nothing may be lost without being said, and
# nothing may stay behind.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need

# --- a million pairs of mmap and munmap in 10 s, without and with a budget, and 2,000 processes ---

start mmaps "$WORKLOADS/mmaps" --count 1000000 --seconds 10 --wait-go
start spawn "$WORKLOADS/spawn" --count 2000 --seconds 10 --wait-go
ready mmaps
ready spawn
mmaps=$(pid_of mmaps)
spawn=$(pid_of spawn)
watch exact --budget 0 -p "$mmaps"
watch thrifty -p "$mmaps"
watch all --budget 0 -i 2
go mmaps
go spawn
finished mmaps 60
finished spawn 60
seconds=$(did mmaps seconds)
tick exact
tick all
for id in exact thrifty all; do
	stop $id
	is "$STATUS" 0 "memwatch ($id) ends with status 0"
done
note "a million pairs took $seconds s"
for key in mmap munmap; do
	for id in exact all; do
		is "$(of_pid $id "$mmaps" "[.[] | .events.${key}_count // 0] | add")" \
			"$(did mmaps ${key}_count)" "$id: each $key is counted"
		is "$(of_pid $id "$mmaps" "[.[] | .events.${key}_bytes // 0] | add")" \
			"$(did mmaps ${key}_bytes)" "$id: and its bytes"
	done
done
is "$(jq_of exact 'select(.type == "lost" or .type == "end") | .lost // .')" "{}" \
	"nothing was lost"

like "$(err_of thrifty)" "gave up.*calls" "with the default budget it gives up the calls, and says so"
shed=$(jq_of thrifty 'select(.type == "lost" and .shed_ticks > 0) | .shed' | grep -c calls)
between 1 "$shed" 100 "and each lost record names what was given up"
between "$shed" "$(jq_of thrifty 'select(.type == "end") | .lost.shed_ticks')" 100 \
	"the end record counts those ticks"
is "$(jq -c 'select(.type == "process" or .type == "lost")' "$T/thrifty.out" | jq -sc '
	(map(select(.type == "lost" and ((.shed // "") | contains("calls"))) | .ts_ns)) as $shed |
	map(select(.type == "process" and (.ts_ns | IN($shed[])) and (.events | has("mmap_count")))) |
	length')" 0 "what was not counted over the whole interval has no key"
between 1 "$(of_pid thrifty "$mmaps" 'map(select((.events | has("mmap_count") | not) and
	(.events | has("fault_count")))) | length')" 100 "while the rest of events stays"
cost=$(jq_of thrifty 'select(.type == "end") | .self.cpu_pct')
note "self.cpu_pct: $cost with the default budget, $(jq_of exact \
	'select(.type == "end") | .self.cpu_pct') without"

jq -r "select(.ppid == $spawn and (.type == \"fork\" or .type == \"exit\")) |
	\"\(.type) \(.pid) \(.start_ns)\"" "$T/all.out" | sort >"$T/born"
is "$(grep -c fork "$T/born") $(grep -c exit "$T/born")" "2000 2000" \
	"2,000 processes born and gone are all seen"
is "$(uniq -d "$T/born")" "" "none of them twice"
is "$(grep fork "$T/born" | cut -d' ' -f2- | cmp - <(grep exit "$T/born" | cut -d' ' -f2-) 2>&1)" "" \
	"who is born ends"
leave mmaps
leave spawn

# --- stopped: ring buffer full, ticks lost ---

start spawn "$WORKLOADS/spawn" --count 8000 --seconds 0 --wait-go
start grow "$WORKLOADS/grow" mmap-grow --bytes 32M --wait-go
ready spawn
ready grow
spawn=$(pid_of spawn)
grow=$(pid_of grow)
watch m -i 0.2 --budget 0
kill -STOP "$(pid_of m)"
forks_before=$(awk '$1 == "processes" { print $2 }' /proc/stat)
go grow
finished grow
go spawn
finished spawn 60
elapse 1 # that there are ticks to lose
forks_after=$(awk '$1 == "processes" { print $2 }' /proc/stat)
kill -CONT "$(pid_of m)"
tick m
tick m
stop m
is "$STATUS" 0 "stopped and continued, memwatch ends with status 0"
is "$(unknown_keys m)" "" "each key that was written is in the schema"
ring_full=$(jq_of m 'select(.type == "end") | .lost.ring_full // 0')
ticks=$(jq_of m 'select(.type == "end") | .lost.ticks // 0')
seen=$(jq_of m "select(.ppid == $spawn and (.type == \"fork\" or .type == \"exit\")) | .type" | wc -l)
others=$((forks_after - forks_before - 8000))
note "ring full: $seen records of 16000 seen, $ring_full lost ($others other processes were born)"
between 1 "$ring_full" 100000 "a full ring buffer is reported"
between 16000 $((seen + ring_full)) $((16000 + 5 * others + 50)) "what was seen and what was lost adds up"
is "$(jq_of m 'select(.type == "lost") | .ring_full // 0' | paste -sd+ | bc)" "$ring_full" \
	"the lost records add up to the end record"
between 5 "$ticks" 1000 "the ticks that did not happen are counted"
is "$(of_pid m "$grow" '[.[] | .delta.anon_bytes // 0] | add')" $((32 * MIB)) \
	"the deltas go on right over the gap"
is "$(of_pid m "$grow" '[.[] | .events.mmap_count // 0] | add')" 32 "so do the counts"
is "$(of_pid m "$grow" 'map(.ts_ns) | . == (sort | unique)')" true "time goes on"
leave spawn
leave grow

# --- ends ---

for signal in TERM INT HUP QUIT; do
	start m env --default-signal=INT,QUIT "$MEMWATCH" --json -i 0.2
	await 20 "the first tick" has_record m process
	stop m $signal
	is "$STATUS" 0 "SIG$signal: status 0"
	is "$(tail -n 1 "$T/m.out" | jq -r .type)$(err_of m)" end "SIG$signal: an end record, no talk"
done

for mode in --json --; do
	# shellcheck disable=SC2016 # of the inner shell
	start m bash -c 'mode=$2; [ "$2" != -- ] || mode=-q
		"$1" $mode -i 0.1 -r 1 | head -n 3 >/dev/null; echo "${PIPESTATUS[@]}"' - "$MEMWATCH" $mode
	ended m 15
	is "$(cat "$T/m.out")$(err_of m)" "0 0" "a reader that goes away ends it with status 0 ($mode)"
done

for mode in --json -q; do
	start m bash -c '"$@" >/dev/full' - "$MEMWATCH" $mode -i 0.1
	ended m
	is "$STATUS" 1 "a full disk: status 1 ($mode)"
	is "$(err_of m | wc -l)" 1 "one line"
	like "$(err_of m)" "^memwatch: .*[Nn]o space left" "that says why ($mode)"
done
start m "$MEMWATCH" --json -i 0.1 -o /dev/full
ended m
is "$STATUS" 1 "a full disk with -o: status 1"
like "$(err_of m)" "No space left" "that says why"

# --- killed: nothing stays ---

# The BPF objects that a process holds: "prog 12", "map 34", "link 56"
bpf_objects() {
	awk '/^(prog|map|link)_id:/ { sub("_id:", "", $1); print $1, $2 }' "/proc/$1/fdinfo/"* |
		sort -u
}

# No object of the list $T/bpf is in the kernel any more.
# shellcheck disable=SC2317 # called by wait_for
bpf_is_free() {
	local kind
	for kind in prog map link; do
		"$BPFTOOL" -j "$kind" show | jq -r ".[].id | \"$kind \(.)\""
	done >"$T/bpf.now"
	! grep -qxFf "$T/bpf" "$T/bpf.now"
}

if [ -z "$BPFTOOL" ]; then
	skip "SIGKILL: no BPF object stays" "no bpftool"
else
	watch m -i 0.2
	bpf_objects "$(pid_of m)" >"$T/bpf"
	note "it holds $(cut -d' ' -f1 "$T/bpf" | uniq -c | xargs)"
	for kind in prog map link; do
		between 1 "$(grep -c "^$kind" "$T/bpf")" 100 "it holds ${kind}s"
	done
	names=$("$BPFTOOL" -j prog show | jq -r '.[] | "prog \(.id) \(.name)"' |
		grep -Ff <(grep '^prog' "$T/bpf" | sed 's/$/ /') | cut -d' ' -f3)
	is "$(grep -v '^mw_' <<<"$names")" "" "its programs are named mw_*"
	ok "as long as it runs they are there" [ "$(bpf_is_free && echo free)" != free ]
	stop m KILL
	ok "SIGKILL: no program, map or link stays" wait_for 10 bpf_is_free
	is "$(find /sys/fs/bpf -name 'mw_*' -o -name '*memwatch*' 2>/dev/null)" "" "nothing is pinned"

	watch m -i 0.2
	bpf_objects "$(pid_of m)" >"$T/bpf"
	stop m
	ok "SIGTERM: nor then" wait_for 10 bpf_is_free
fi

done_testing

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Each kind of growth, against what the program itself did and what /proc says at the same moment.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need

CALLS="mmap_bytes mmap_count munmap_bytes munmap_count brk_bytes brk_count mremap_bytes mremap_count"
TOTALS="anon_bytes file_bytes shmem_bytes swap_bytes pgtable_bytes vm_bytes data_bytes stack_bytes
	heap_bytes threads minflt majflt"

# The same figures from /proc, in the order of TOTALS.
proc_totals() {
	local pid=$1 key brk

	for key in RssAnon RssFile RssShmem VmSwap VmPTE VmSize VmData VmStk; do
		printf '%s ' "$(status_bytes "$pid" "$key")"
	done
	# The break is not in /proc; [heap] is the mapping below it, whole pages.
	brk=$(awk '$6 == "[heap]" { split($1, a, "-"); print a[1], a[2] }' "/proc/$pid/maps")
	if [ -n "$brk" ]; then
		printf '%d ' $((0x${brk#* } - 0x${brk% *}))
	else
		printf '0 '
	fi
	printf '%s %s %s\n' "$(status_bytes "$pid" Threads)" "$(stat_field "$pid" 10)" \
		"$(stat_field "$pid" 12)"
}

# Sums over all ticks but the first as SUM[delta_KEY], SUM[events_KEY]; the last tick's totals and
# its differences from the first as SUM[last_KEY], SUM[grown_KEY].
declare -A SUM DID
sum_up() {
	local key value

	SUM=()
	# shellcheck disable=SC2016 # jq's variables
	while read -r key value; do
		SUM[$key]=$value
	done < <(of_pid m "$1" '
		def sums(of): reduce (.[] | of // {} | to_entries[]) as $e ({}; .[$e.key] += $e.value);
		def lines(prefix): to_entries[] | "\(prefix)_\(.key) \(.value)";
		def totals: map_values(numbers);
		(sums(.delta) | lines("delta")), (sums(.events) | lines("events")),
		(.[-1] | totals | lines("last")),
		(.[0] as $first | .[-1] | totals | with_entries(.value -= $first[.key]) | lines("grown"))' | tr -d '"')
}

# What the workload says that it did, as DID[KEY]
read_done() {
	local key value

	DID=()
	while read -r key value; do
		DID[$key]=$value
	done < <(jq -r 'select(.event == "done") | to_entries[] | "\(.key) \(.value)"' "$T/$1.out")
}

# check_kind ID
check_kind() {
	local id=$1 pid pages=0 key wanted faults got=

	pid=$(pid_of "$id")
	sum_up "$pid"
	read_done "$id"
	[ "$id" != malloc ] || pages=1 # which one its first chunk begins in

	# The break is not in /proc; [heap] is the mapping below it, whole pages.
	wanted=${SUM[last_heap_bytes]}
	SUM[last_heap_bytes]=$(((wanted + PAGE - 1) / PAGE * PAGE))
	for key in $TOTALS; do got="$got${SUM[last_$key]} "; done
	is "${got% }" "$(cat "$T/$id.proc")" "$id: totals at rest are /proc's"

	for key in anon file shmem; do
		wanted=0
		[ "${DID[memory]}" != "$key" ] || wanted=${DID[bytes]}
		between $((wanted - pages * PAGE)) "${SUM[delta_${key}_bytes]}" \
			$((wanted + pages * PAGE)) "$id: $key grew by $wanted bytes"
	done
	is "${SUM[delta_threads]}" "${DID[threads]:-0}" "$id: threads born are seen"
	for key in $TOTALS; do
		[ "${SUM[delta_$key]}" = "${SUM[grown_$key]}" ] ||
			fail "$id: deltas of $key add up" "${SUM[delta_$key]}, not ${SUM[grown_$key]}"
	done

	if [ "$id" = malloc ]; then
		between "${DID[requested_bytes]}" $((SUM[events_brk_bytes] + SUM[events_mmap_bytes])) \
			$((DID[bytes] + MIB)) "malloc: brk and mmap cover what was asked for"
		is "${SUM[events_brk_bytes]}" "${SUM[grown_heap_bytes]}" "malloc: brk made the heap grow"
	else
		got=''
		wanted=''
		for key in $CALLS; do
			got="$got ${SUM[events_$key]}"
			wanted="$wanted ${DID[$key]}"
		done
		is "$got" "$wanted" "$id: calls and their bytes are all counted"
	fi

	read -r -d '' got wanted <"$T/$id.faults"
	faults=$((wanted - got))
	is "${SUM[events_fault_count]}" "$faults" "$id: page faults are /proc's"
	if [ "$id" != file ] && [ "$id" != huge ]; then
		between $((DID[touched_bytes] / PAGE)) "$faults" \
			$((DID[touched_bytes] / PAGE + 2 + 2 * ${DID[threads]:-0})) "$id: a fault a page"
	fi
	between "${DID[bytes]}" "${SUM[events_fault_bytes]}" $((DID[touched_bytes] + 64 * PAGE)) \
		"$id: bytes made resident by faults"
}

faults_of() {
	echo $(($(stat_field "$1" 10) + $(stat_field "$1" 12)))
}

# --- processes that were named ---

kinds="malloc brk mmap-grow mmap-churn mremap file shmem memfd threads"
thp=$(cat /sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null || echo '[never]')
case $thp in
*'[never]'*) skip "huge: growth by huge pages" "this kernel has no transparent huge pages" ;;
*) kinds="$kinds huge" ;;
esac

for kind in $kinds; do
	case $kind in
	malloc) set -- --step 4080 --count 4096 ;;
	threads) set -- --step 64K --count 16 ;;
	huge) set -- --bytes 32M --thp ;;
	*) set -- --bytes 16M --step 64K ;;
	esac
	start "$kind" "$WORKLOADS/grow" "$kind" --wait-go "$@"
done
pids=
for kind in $kinds; do
	ready "$kind"
	pids="$pids $(pid_of "$kind")"
done

# shellcheck disable=SC2086 # several, as of $(pidof node)
watch m -i 0.2 --budget 0 -p $pids
for kind in $kinds; do
	faults_of "$(pid_of "$kind")" >"$T/$kind.faults"
	go "$kind"
done
for kind in $kinds; do
	finished "$kind"
	faults_of "$(pid_of "$kind")" >>"$T/$kind.faults"
done
for kind in $kinds; do
	proc_totals "$(pid_of "$kind")" >"$T/$kind.proc"
done
tick m
for kind in $kinds; do
	is "$(proc_totals "$(pid_of "$kind")")" "$(cat "$T/$kind.proc")" "$kind: it rests"
done
stop m
is "$STATUS" 0 "memwatch ends with status 0"
is "$(err_of m)" "" "and says nothing"
is "$(jq_of m 'select(.type == "process" and .rss_bytes != .anon_bytes + .file_bytes + .shmem_bytes)')" \
	"" "rss is anon + file + shmem, always"
is "$(jq_of m 'select(.type == "process" and .peak_rss_bytes < .rss_bytes)')" "" \
	"the peak is never below the size"
is "$(jq_of m 'select(.type == "end") | .lost')" "{}" "nothing was lost"

for kind in $kinds; do
	check_kind "$kind"
	leave "$kind"
done

# --- the whole machine ---

start grower "$WORKLOADS/grow" mmap-grow --wait-go --bytes 768M --step 8M --interval-ms 30
ready grower
watch m -i 0.5 --budget 0 -s growth
go grower
finished grower
tick m
stop m
sum_up "$(pid_of grower)"
read_done grower
is "${SUM[delta_anon_bytes]}" "${DID[bytes]}" "system-wide: the growth is all seen"
is "${SUM[events_mmap_count]}" "${DID[mmap_count]}" "system-wide: so are the calls"
is "${SUM[events_mmap_bytes]}" "${DID[mmap_bytes]}" "system-wide: and their bytes"
# A compiler on the same machine may grow faster for a moment, hardly over the whole time.
read -r seen firsts < <(jq -r 'select(.type == "process") | "\(.ts_ns) \(.pid) \(.delta.anon_bytes // 0)"' \
	"$T/m.out" | awk -v pid="$(pid_of grower)" '
	$2 == pid && $3 >= 50 * 1048576 { seen++; firsts += $1 != tick }
	{ tick = $1 }
	END { print seen + 0, firsts + 0 }')
between $(((seen + 1) / 2)) "$firsts" "$seen" "system-wide: it stands first under -s growth ($firsts of $seen ticks)"
leave grower

done_testing

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# growth.sh - each kind of growth (workloads/grow), and what memwatch must say of it, against what
# the program itself did and what /proc says at the same moment. Source it behind lib.sh.
#
#	growth_start KIND...	processes that wait for "go"
#	growth_run KIND...	they grow, and rest; memwatch (watch m) must have attached
#	tick m; stop m
#	growth_judge KIND	tests
#
# Up to Linux 6.1 each thread keeps what so many of its faults brought back from everybody:
# RSS_KEPT_BACK=64 (TASK_RSS_EVENTS_THRESH, mm/memory.c). That is a page each, of files up to 16.
#
# MISSED=N: calls that may be missing, as memwatch itself told (lost.missed), on a preemptible kernel.
#
# EMULATED=1: under QEMU a page more may come for each thread, and a fault be taken twice (as /proc has
# it, too).
#
# growth_run leaves in $T, beside what they said, KIND.proc (proc_totals, when it rested after it)
# and KIND.faults (faults_of before and after).

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

# growth_judge KIND: all of it
growth_judge() {
	growth_read "$1"
	growth_judge_totals "$1"
	growth_judge_calls "$1"
	growth_judge_faults "$1"
}

# growth_read KIND: before one of the following
growth_read() {
	sum_up "$(pid_of "$1")"
	read_done "$1"
}

# growth_slack KIND MEMORY: bytes that what is seen may differ by
growth_slack() {
	local pages=0 kept=$((${RSS_KEPT_BACK:-0} * (1 + ${DID[threads]:-0})))

	[ "$1" != malloc ] || pages=1 # which one its first chunk begins in
	pages=$((pages + ${EMULATED:-0} * (1 + ${DID[threads]:-0})))
	[ "$2" != file ] || kept=$((kept * 16))
	echo $(((pages + kept) * PAGE))
}

growth_judge_totals() {
	local id=$1 slack key wanted got=

	# The break is not in /proc; [heap] is the mapping below it, whole pages.
	wanted=${SUM[last_heap_bytes]}
	SUM[last_heap_bytes]=$(((wanted + PAGE - 1) / PAGE * PAGE))
	for key in $TOTALS; do got="$got${SUM[last_$key]} "; done
	is "${got% }" "$(cat "$T/$id.proc")" "$id: totals at rest are /proc's"

	for key in anon file shmem; do
		wanted=0
		[ "${DID[memory]}" != "$key" ] || wanted=${DID[bytes]}
		slack=$(growth_slack "$id" $key)
		between $((wanted - slack)) "${SUM[delta_${key}_bytes]}" $((wanted + slack)) \
			"$id: $key grew by $wanted bytes"
	done
	is "${SUM[delta_threads]}" "${DID[threads]:-0}" "$id: threads born are seen"
	for key in $TOTALS; do
		[ "${SUM[delta_$key]}" = "${SUM[grown_$key]}" ] ||
			fail "$id: deltas of $key add up" "${SUM[delta_$key]}, not ${SUM[grown_$key]}"
	done
}

growth_judge_calls() {
	local id=$1 key wanted='' got='' absent extra='' missed=0

	if [ "$id" = malloc ]; then
		between "${DID[requested_bytes]}" $((SUM[events_brk_bytes] + SUM[events_mmap_bytes])) \
			$((DID[bytes] + MIB)) "malloc: brk and mmap cover what was asked for"
		is "${SUM[events_brk_bytes]}" "${SUM[grown_heap_bytes]}" "malloc: brk made the heap grow"
		return
	fi
	for key in $CALLS; do
		got="$got ${SUM[events_$key]}"
		wanted="$wanted ${DID[$key]}"
		absent=$((${DID[$key]} - ${SUM[events_$key]}))
		[ "$absent" -ge 0 ] || extra=1
		[[ $key != *_count ]] || missed=$((missed + absent))
	done
	if [ "${MISSED:-0}" -gt 0 ] && [ -z "$extra" ] && [ "$got" != "$wanted" ]; then
		between 1 "$missed" "$MISSED" "$id: calls and their bytes are all counted, or told to be missed"
	else
		is "$got" "$wanted" "$id: calls and their bytes are all counted"
	fi
}

growth_judge_faults() {
	local id=$1 got wanted faults slack

	read -r -d '' got wanted <"$T/$id.faults"
	faults=$((wanted - got))
	is "${SUM[events_fault_count]}" "$faults" "$id: page faults are /proc's"
	if [ "$id" != file ] && [ "$id" != huge ]; then
		between $((DID[touched_bytes] / PAGE)) "$faults" \
			$((DID[touched_bytes] * (1 + ${EMULATED:-0}) / PAGE + 2 + 2 * ${DID[threads]:-0})) "$id: a fault a page"
	fi
	slack=$((${RSS_KEPT_BACK:-0} * 16 * PAGE * (1 + ${DID[threads]:-0})))
	wanted=$((DID[touched_bytes] > faults * PAGE ? DID[touched_bytes] : faults * PAGE))
	between $((DID[bytes] - slack)) "${SUM[events_fault_bytes]}" $((wanted + 64 * PAGE + slack)) \
		"$id: bytes made resident by faults"
}

faults_of() {
	echo $(($(stat_field "$1" 10) + $(stat_field "$1" 12)))
}

growth_start() {
	local kind

	for kind; do
		case $kind in
		malloc) set -- --step 4080 --count 4096 ;;
		threads) set -- --step 64K --count 16 ;;
		huge) set -- --bytes 32M --thp ;;
		*) set -- --bytes 16M --step 64K ;;
		esac
		start "$kind" "$WORKLOADS/grow" "$kind" --wait-go "$@"
	done
}

growth_run() {
	local kind

	for kind; do
		faults_of "$(pid_of "$kind")" >"$T/$kind.faults"
		go "$kind"
	done
	for kind; do
		finished "$kind"
		faults_of "$(pid_of "$kind")" >>"$T/$kind.faults"
	done
	for kind; do proc_totals "$(pid_of "$kind")" >"$T/$kind.proc"; done
}

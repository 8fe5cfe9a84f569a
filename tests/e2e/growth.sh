#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Each kind of growth, against what the program itself did and what /proc says at the same moment.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/growth.sh
. "$(dirname "$0")/../growth.sh"
need

# --- processes that were named ---

kinds="malloc brk mmap-grow mmap-churn mremap file shmem memfd threads"
thp=$(cat /sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null || echo '[never]')
case $thp in
*'[never]'*) skip "huge: growth by huge pages" "this kernel has no transparent huge pages" ;;
*) kinds="$kinds huge" ;;
esac

# shellcheck disable=SC2086 # several
growth_start $kinds
pids=
for kind in $kinds; do
	ready "$kind"
	pids="$pids $(pid_of "$kind")"
done

# shellcheck disable=SC2086 # several, as of $(pidof node)
watch m -i 0.2 --budget 0 -p $pids
# shellcheck disable=SC2086
growth_run $kinds
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
	growth_judge "$kind"
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

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The demonstration: starts the bundled Node service, which leaks a context
# object a request, and a load on it; runs memwatch on it and on the whole machine for
# DEMO_SECONDS; prints what it found, at last which code it is; stops everything that it
# started.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
memwatch=${MEMWATCH:-build/memwatch}
seconds=${DEMO_SECONDS:-20}
work=$(mktemp -d)
service=
load=

clean_up() {
	[ -z "$load" ] || kill "$load" 2>/dev/null || true
	[ -z "$service" ] || kill "$service" 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ "$(id -u)" -ne 0 ]; then
	echo "memwatch: the demo loads BPF programs: run 'sudo make demo'" >&2
	exit 1
fi

echo "Starting the leaking service (tests/workloads/status-service) and its load ..."
node "$here/workloads/status-service/server.js" --port 0 --mode leaking >"$work/service" &
service=$!
for _ in $(seq 100); do
	port=$(jq -r .listening "$work/service" 2>/dev/null || true)
	[ -z "$port" ] || break
	sleep 0.1
done
if [ -z "${port:-}" ]; then
	echo "memwatch: the service did not start" >&2
	exit 1
fi
node "$here/workloads/load.js" --port "$port" --seconds $((seconds + 5)) >"$work/load" &
load=$!

# Two at once: one on the service, one on the whole machine that leaves stacks alone.
"$memwatch" -d "$seconds" --json --no-stacks -o "$work/json" -q &
machine=$!
echo "\$ memwatch -p $service -d $seconds -i 2"
"$memwatch" -p "$service" -d "$seconds" -i 2 | tee "$work/text"
wait "$machine"

echo
echo "\$ memwatch --json | jq   (the last tick of node, in part)"
jq -c --argjson pid "$service" 'select(.type == "process" and .pid == $pid) |
	{pid, comm, rss_bytes, anon_bytes, delta: {anon_bytes: .delta.anon_bytes},
	 events: {fault_count: .events.fault_count, mmap_bytes: .events.mmap_bytes}}' \
	"$work/json" | tail -1

echo
jq -rs --argjson pid "$service" --argjson kernel "$(awk '/^RssAnon/ {print $2 * 1024}' "/proc/$service/status")" '
	def mib: . / 1048576 * 10 | round / 10;
	[.[] | select(.type == "process")] as $all |
	[$all[] | select(.pid == $pid)] as $p | $p[0] as $a | $p[-1] as $b |
	(($b.ts_ns - $a.ts_ns) / 1e9) as $s |
	([$all | group_by(.pid)[] | .[-1] + {grown: (.[-1].rss_bytes - .[0].rss_bytes)}] | max_by(.grown)) as $top |
	"node (PID \($b.pid)) grew by \($b.anon_bytes - $a.anon_bytes | mib) MiB of anonymous memory in \($s | round) s:",
	"  \(($b.anon_bytes - $a.anon_bytes) / $s | mib) MiB/s; file-backed \($b.file_bytes - $a.file_bytes | mib) MiB, shared \($b.shmem_bytes - $a.shmem_bytes | mib) MiB, brk heap \($b.heap_bytes - $a.heap_bytes | mib) MiB.",
	"  RssAnon in /proc/PID/status a moment later: \($kernel | mib) MiB; memwatch at its last tick: \($b.anon_bytes | mib) MiB.",
	"The top grower of the whole machine: PID \($top.pid) (\($top.comm)), by \($top.grown | mib) MiB."
	' "$work/json" || true

echo
echo "Which code it is, by what survived in the heap of V8 (all sites: above):"
awk '/^# [0-9:]* sites of / { n = 0 } /^#.*(v8-survived|external|fault) / && n < 3 { line[n++] = $0 } END { for (i = 0; i < n; i++) print line[i] }' \
	"$work/text"

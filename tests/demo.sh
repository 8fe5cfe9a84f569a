#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The demonstration: starts the bundled Node service, which leaks a context
# object a request, and a load on it; runs memwatch on the whole machine for
# DEMO_SECONDS; prints what it found; stops everything that it started.
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

echo "\$ memwatch -d $seconds -r 3          (the whole machine; node is PID $service)"
"$memwatch" -d "$seconds" -r 3 -i 2 | tee "$work/text" &
text=$!
"$memwatch" -d "$seconds" --json -o "$work/json" -q -p "$service"
wait "$text"

echo
echo "\$ memwatch -p $service --json | jq   (the last tick)"
jq -c 'select(.type == "process") |
	{pid, comm, rss_bytes, anon_bytes, delta: {anon_bytes: .delta.anon_bytes},
	 events: {fault_count: .events.fault_count, mmap_bytes: .events.mmap_bytes}}' \
	"$work/json" | tail -1

echo
jq -rs --argjson kernel "$(awk '/^RssAnon/ {print $2 * 1024}' "/proc/$service/status")" '
	def mib: . / 1048576 * 10 | round / 10;
	[.[] | select(.type == "process")] as $p | $p[0] as $a | $p[-1] as $b |
	(($b.ts_ns - $a.ts_ns) / 1e9) as $s |
	"node (PID \($b.pid)) grew by \($b.anon_bytes - $a.anon_bytes | mib) MiB of anonymous memory in \($s | round) s:",
	"  \(($b.anon_bytes - $a.anon_bytes) / $s | mib) MiB/s; file-backed \($b.file_bytes - $a.file_bytes | mib) MiB, shared \($b.shmem_bytes - $a.shmem_bytes | mib) MiB, brk heap \($b.heap_bytes - $a.heap_bytes | mib) MiB.",
	"  RssAnon in /proc/PID/status a moment later: \($kernel | mib) MiB; memwatch at its last tick: \($b.anon_bytes | mib) MiB.",
	(.[-1] | "  memwatch took \(.self.cpu_pct) % of a CPU, \(.self.rss_bytes | mib) MiB and \(.self.map_bytes | mib) MiB of maps; lost: \(if .lost == {} then "nothing" else .lost end).")
	' "$work/json"
echo "The top grower of the whole machine at the last tick: $(awk '!/^#/ && $1 != t {t = $1; l = $2 " (" $3 ") " $4} END {print l}' "$work/text")"

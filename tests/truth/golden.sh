#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# golden.sh NAME... - recordings of build/truth as small text, for tests/golden/courses: what the analysis is
# tested on without a kernel (unit/test_analysis_recorded.c).
#
# A line is of one kind: "expected" and "rate" as in corpus.tsv, "collector", "start" (ms that it had run
# for), "tick" (ms since the first, then KiB: anon + swap, file, shmem, brk, vm; threads), "gc" (ms, kind,
# isolate by number, bytes: live, external, limit).
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
cd "$here/../.."

for name; do
	IFS=$'\t' read -r _ _ _ _ _ _ rate expected < <(awk -F'\t' -v name="${name%@*}" '$1 == name' "$here/corpus.tsv")
	jq -n -r --arg rate "$rate" --arg expected "$expected" '
		[inputs] as $all | ([$all[] | select(.type == "process")][0]) as $first |
		def ms: ((.ts_ns - $first.ts_ns) / 1e6 | floor);
		([$all[] | select(.type == "gc" and .isolate != null) | .isolate] | unique) as $isolates |
		"# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause",
		"expected \($expected)", "rate \($rate)",
		"collector \(if any($all[]; .type == "gc" and .live_bytes != null) then "live" else "none" end)",
		"start \(($first.ts_ns - $first.start_ns) / 1e6 | floor)",
		($all[] | . as $r | if .type == "process" then
			"tick \(ms) \([.anon_bytes + .swap_bytes, .file_bytes, .shmem_bytes, .heap_bytes, .vm_bytes] |
				map(. / 1024 | floor | tostring) | join(" ")) \(.threads)"
		elif .type == "gc" then
			"gc \(ms) \(.kind) \(($isolates | index($r.isolate)) + 1) \(.live_bytes // 0) \(.external_bytes // 0) \(.limit_bytes // 0)"
		else empty end)' "build/truth/$name.ndjson" >"tests/golden/courses/$name.txt"
done

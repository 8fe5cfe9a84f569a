#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Is it a leak? The quick part of `make truth`: some programs of the corpus, all at once, for they mostly
# sleep. Each must be judged without a fault at every second: leaks found in time and by their
# class, nothing else called one.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need

programs=(c-malloc c-mmap c-threads c-shmem c-file c-burst-kept c-cache-zipf c-waves)
on_node=(js-map js-buffer js-churn js-cache-zipf)
if mapfile -t versions < <("$TESTS/node.sh" --list | grep '^22\.') && [ ${#versions[@]} -gt 0 ]; then
	programs+=("${on_node[@]}")
else
	skip "programs on Node" "no Node 22 here: make nodes"
fi

MEMWATCH=$MEMWATCH "$TESTS/truth/run.sh" -j 12 -o "$T/truth" "${programs[@]}" >"$T/summary" 2>"$T/progress"
for name in "${programs[@]}"; do
	for file in "$T/truth/$name"{,@22}.json; do
		[ -e "$file" ] && is "$(jq -r '.faults | join("; ")' "$file")" "" \
			"$(jq -r '"\(.name): \(.final)" + if .right_since_s then " after \(.right_since_s) s" else "" end' "$file")"
	done
done
is "$(find "$T/truth" -name '*.json' -size +0 | wc -l)" ${#programs[@]} "all of them could be run"
note "$(tail -n 1 "$T/summary")"
done_testing

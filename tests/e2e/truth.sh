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
if "$TESTS/node.sh" --list | grep -q '^22\.'; then
	export NODES=22
	programs+=("${on_node[@]}")
elif command -v node >/dev/null; then
	export NODES=system
	programs+=("${on_node[@]}")
else
	skip "programs on Node" "no Node here"
fi

MEMWATCH=$MEMWATCH "$TESTS/truth/run.sh" -j 12 -o "$T/truth" "${programs[@]}" >"$T/summary" 2>"$T/progress"
is "$?" 0 "the runner has run and judged them"
for name in "${programs[@]}"; do
	for file in "$T/truth/$name.json" "$T/truth/$name"@*.json; do
		[ -e "$file" ] && is "$(jq -r '.faults | join("; ")' "$file")" "" \
			"$(jq -r '"\(.name): \(.final)" + if .right_since_s then " after \(.right_since_s) s" else "" end' "$file")"
	done
done
is "$(find "$T/truth" -name '*.json' -size +0 | wc -l)" ${#programs[@]} "all of them could be run"
note "$(tail -n 1 "$T/summary")"
done_testing

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Growth sites of Node services, the quick part of `make matrix`: on the system's node the bundled service
# and other leak shapes, on every Node that `make nodes` has fetched one of them. The true call site is the top
# one, and functions that only make garbage are not among the survivors. Three at a time: each
# takes some 5 s of CPU time in 35 s, most of it as it begins; starved of it, V8 collects too rarely to be judged.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need
command -v node >/dev/null || skip_all "no node here"

seconds=${SITES_SECONDS:-30}
runs=()
for shape in status-service map json buffer-alloc; do runs+=("system $shape"); done
mapfile -t versions < <("$TESTS/node.sh" --list)
shapes=(map closure private worker)
for i in "${!versions[@]}"; do
	runs+=("${versions[$i]} ${shapes[$((i % ${#shapes[@]}))]}")
done
[ ${#versions[@]} -gt 0 ] || skip "other versions of Node" "none here: make nodes"

run() { # NODE SHAPE
	"$TESTS/matrix/one.sh" "$1" "$2" "$T" "$seconds" 2>"$T/$1-$2.run"
	echo $? >"$T/$1-$2.status"
}

for pair in "${runs[@]}"; do
	while [ "$(jobs -pr | wc -l)" -ge 3 ]; do wait -n; done
	# shellcheck disable=SC2086 # two words
	run $pair &
done
wait

for pair in "${runs[@]}"; do
	read -r version shape <<<"$pair"
	at=$T/$version-$shape
	what="$version, $shape: the true call site is on top"
	case $(cat "$at.status") in
	0) pass "$what" ;;
	1) fail "$what" "$(jq -r '.faults[], (.others[] | "\(.kind) \(.bytes) " +
		([.frames[:6][] | "\(.fn // "?") \(.file // ""):\(.line // 0) (\(.origin // .kind))"] | join(" < ")))' "$at.json")" ;;
	*) fail "$what" "$(cat "$at.run")" ;;
	esac
	[ ! -s "$at.json" ] || note "$(jq -r '"\(.match), since \(.right_since_s) s; leak \(.leak_pct) %, garbage \(.garbage_pct) %, " +
		"\(.samples) samples; names: \(.names.checked) compared, \(.names.wrong) wrong"' "$at.json")"
done

done_testing

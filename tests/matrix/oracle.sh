#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# oracle.sh [NODE] [SHAPE...] - are the leak shapes what they say? V8's own sampling heap profiler judges
# them, from inside (oracle.js), on one Node (the first of 20, 22, system that is here), without
# optimisation: that profiler knows nothing of inlined functions.
#
# Of the functions of the user's own code those with a LEAK comment must hold 95 % of what is alive,
# those with a GARBAGE comment less than 2 %; 2 to 4 MB a second must be retained, in V8's heap or outside
# it as the comment says; and 5 times as much must have been allocated (Node 20 and newer can tell).
set -uo pipefail

here=$(dirname "$(readlink -f "$0")")
leaks=$(dirname "$here")/workloads/leaks
cache=${MEMWATCH_NODES:-/var/cache/memwatch/node}
export NODE_PATH=$cache/modules/node_modules ORACLE_SECONDS=${ORACLE_SECONDS:-5}

version=${1:-}
shift || true
for name in ${version:-20.20.2 22.23.3 system}; do
	node=$cache/$name/bin/node
	[ "$name" != system ] || node=$(command -v node)
	[ ! -x "$node" ] || break
done
[ -x "$node" ] || {
	echo "oracle.sh: no Node here: run make nodes" >&2
	exit 1
}
major=$("$node" -p 'parseInt(process.versions.node)')

plain=(--no-opt)
[ "$major" -lt 22 ] || plain+=(--no-maglev)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP

# ask SHAPE FILE
ask() {
	"$node" "${plain[@]}" --expose-gc -r "$here/oracle.js" "$2" </dev/null >"$scratch/$1" 2>"$scratch/$1.err" &
	[ "$major" -lt 20 ] || ORACLE_ALL=1 "$node" "${plain[@]}" --expose-gc -r "$here/oracle.js" "$2" \
		</dev/null >"$scratch/$1.all" 2>>"$scratch/$1.err" &
	wait
}

failed=0
for file in "$leaks"/*.js "$leaks"/*.mjs; do
	shape=$(basename "${file%.*}")
	case $shape in pace | garbage | esm-orders) continue ;; esac
	[ $# = 0 ] || [[ " $* " == *" $shape "* ]] || continue
	ask "$shape" "$file"
	truth=$("$here/truth.sh" "$leaks"/{pace,garbage}.js "$leaks/$shape"*js)
	jq -nre --arg shape "$shape" --argjson truth "$truth" \
		--slurpfile live "$scratch/$shape" --slurpfile all <(cat "$scratch/$shape.all" 2>/dev/null) '
		def base: sub(".*/"; "");
		def bytes_of($list): [.[] | . as $f | select(any($list[]; .fn == $f.fn and .file == ($f.file | base))) | .bytes] | add // 0;
		def mb: . / 1e5 | round / 10;
		def pct: . * 1000 | round / 10;
		[$live[] | select(.event == "oracle")] as $o |
		([$o[].live[] | select(.file | test("/workloads/"))]) as $user |
		($truth.leaks[0].kind) as $kind |
		([$o[] | if $kind == "external" then .external_bytes else .heap_bytes end] | add // 0) as $kept |
		(if ($all | length) > 0 then [$all[] | select(.event == "oracle") | .allocated[].bytes] | add else null end) as $made |
		($user | map(.bytes) | add // 0) as $total |
		($kept / 1e6 / ($o[0].seconds // 1)) as $rate |
		[
			(select($o == []) | "it did not run"),
			(select($kind == "v8-survived" and $total > 0 and ($user | bytes_of($truth.leaks)) / $total < 0.95) |
				"leaks hold \(($user | bytes_of($truth.leaks)) / $total | pct) % of what is alive"),
			(select($kind != null and $total > 0 and ($user | bytes_of($truth.garbage)) > ([$kept, $total] | max) * 0.02) |
				"garbage holds \(($user | bytes_of($truth.garbage)) / $total | pct) %"),
			(select($kind != null and ($rate < 2 or $rate > 4)) | "retains \($rate | . * 10 | round / 10) MB/s"),
			(select($kind == null and $kept > 3e5) | "retains \($kept) bytes"),
			(select($kind == "v8-survived" and $made != null and $made < 5 * $kept) | "allocates only \($made | mb) MB")
		] as $faults |
		(if $faults == [] then "ok  " else "BAD " end) + $shape +
		": \($kept | mb) MB kept (\($kind // "none")), \(if $made then $made | mb else "?" end) MB allocated in V8" +
		(if $faults == [] then "" else ": " + ($faults | join("; ")) end) |
		if $faults == [] then . else ., false end' | grep -v '^false$'
	[ "${PIPESTATUS[0]}" = 0 ] || {
		failed=$((failed + 1))
		tail -n 2 "$scratch/$shape.err" | sed 's/^/  /'
	}
done
[ "$failed" = 0 ]

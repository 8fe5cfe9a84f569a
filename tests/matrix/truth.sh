#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# truth.sh FILE... - what the comments and the text of workloads say of them, as one JSON object:
#
#	leaks		[{fn, file, first, last, kind, weight, via: [callers]}]
#	garbage		[{fn, file}]
#	functions	[{fn, file, first, last}]	the lines where each named function begins and ends
#
# A comment at the end of a line, "// LEAK fn=NAME kind=KIND [via=CALLER,...] [weight=N]", is about
# that line; a line of a file NAME.truth, "LEAK fn=... file=FILE ...", about all of the function.
# "GARBAGE fn=NAME [file=FILE]" likewise. file is a base name. LIMITATIONS: functions are found by this project's layout, not parsed: one
# begins a line, and ends at the first "}" as deep as that line is indented.
set -euo pipefail

awk '
function base(path) {
	sub(/.*\//, "", path)
	return path
}

function value(key) {
	if (!match($0, key "=[^ ]+")) return ""
	return substr($0, RSTART + length(key) + 1, RLENGTH - length(key) - 1)
}

# Of the function that the line begins: its name; a constructor has that of its class.
function name_of(line) {
	if (match(line, /function [A-Za-z_$][A-Za-z0-9_$]*\(/)) {
		line = substr(line, RSTART + 9, RLENGTH - 10)
	} else if (match(line, /^ *(export )?(const|let) [A-Za-z_$][A-Za-z0-9_$]* = (async )?\([^()]*\) =>/)) {
		sub(/^ *(export )?(const|let) /, "", line)
		sub(/ .*/, "", line)
	} else if (match(line, /^ +(async |static )?[A-Za-z_$][A-Za-z0-9_$]*\([^()]*\) \{/) &&
		   line !~ /^ *(if|for|while|switch|catch)\(? /) {
		sub(/\(.*/, "", line)
		sub(/^ *((async|static) )*/, "", line)
		if (line == "constructor") line = class
	} else {
		line = ""
	}
	return line
}

function depth(line) {
	match(line, /^ */)
	return RLENGTH
}

FNR == 1 { open = 0 }

{
	while (open && $0 ~ /^ *\}/ && depth($0) <= indent[open]) {
		if (depth($0) == indent[open])
			printf "F %s %s %d %d\n", fn[open], base(FILENAME), first[open], FNR
		open--
	}
	if (/^ *class [A-Z]/) class = $2
	if ((name = name_of($0)) != "" && !/^ *\/\//) {
		if (!/\{( \/\/.*)?$/) {
			printf "F %s %s %d %d\n", name, base(FILENAME), FNR, FNR
		} else {
			fn[++open] = name
			first[open] = FNR
			indent[open] = depth($0)
		}
	}
}

/^\/\// { next }

/(^|\/\/ )LEAK fn=/ {
	file = value("file"); via = value("via"); weight = value("weight")
	printf "L %s %s %d %s %s %s\n", value("fn"), file == "" ? base(FILENAME) : file, file == "" ? FNR : 0,
		value("kind"), weight == "" ? 1 : weight, via == "" ? "-" : via
}

/(^|\/\/ )GARBAGE fn=/ {
	file = value("file")
	printf "G %s %s\n", value("fn"), file == "" ? base(FILENAME) : file
}
' "$@" | jq -nRc '
	reduce (inputs | split(" ")) as $l ({leaks: [], garbage: [], functions: []};
		if $l[0] == "L" then
			.leaks += [{fn: $l[1], file: $l[2], first: ($l[3] | tonumber), kind: $l[4],
				weight: ($l[5] | tonumber), via: (if $l[6] == "-" then [] else $l[6] | split(",") end)}]
		elif $l[0] == "G" then
			.garbage += [{fn: $l[1], file: $l[2]}]
		else
			.functions += [{fn: $l[1], file: $l[2], first: ($l[3] | tonumber), last: ($l[4] | tonumber)}]
		end) |
	.functions as $functions |
	.leaks[] |= if .first > 0 then .last = .first else
		. as $leak | ($functions[] | select(.fn == $leak.fn and .file == $leak.file)) as $f |
		.first = $f.first | .last = $f.last
	end'

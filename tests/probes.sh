# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# shellcheck disable=SC2317 # functions that wait_for calls
#
# probes.sh - whether programs are probed, and whether anything is left of it: in their text, in the
# kernel. Source it behind lib.sh.

# Node's own, the workloads', a Java VM's
PROBED_FILES='/(node|libnode\.so[^/]*|gc_node|gc_hotspot|libjvm\.so)$'

# text_as_file PID: all executable mappings of the files that are probed are what the files hold
text_as_file() {
	local range flags offset path start length same=0 compared=0
	while read -r range flags offset _ _ path; do
		[[ $flags == r-x* && $path =~ $PROBED_FILES ]] || continue
		start=$((16#${range%-*}))
		length=$((16#${range#*-} - start))
		compared=$((compared + 1))
		# Not -s: that compares the sizes first, and /proc/PID/mem has none.
		cmp --ignore-initial="$start:$((16#$offset))" --bytes="$length" \
			"/proc/$1/mem" "/proc/$1/root$path" >/dev/null || same=1
	done <"/proc/$1/maps"
	[ "$compared" -gt 0 ] && return "$same"
}

# probed_places PID: addresses at which it is not
probed_places() {
	local range flags offset path start
	while read -r range flags offset _ _ path; do
		[[ $flags == r-x* && $path =~ $PROBED_FILES ]] || continue
		start=$((16#${range%-*}))
		cmp -l --ignore-initial="$start:$((16#$offset))" --bytes=$((16#${range#*-} - start)) \
			"/proc/$1/mem" "/proc/$1/root$path" | awk -v start=$start '{ printf "%x\n", start + $1 - 1 }'
	done <"/proc/$1/maps" 2>/dev/null | head -n 20 | xargs
}

text_is_probed() {
	! text_as_file "$1"
}

# left_behind: BPF programs, maps and links of memwatch's that no process holds by a file descriptor
left_behind() {
	local kind held
	held=$(cat /proc/[0-9]*/fdinfo/* 2>/dev/null | awk '/^(prog|map|link)_id:/ { print $1 $2 }' | sort -u | jq -nRc '[inputs]')
	for kind in prog map link; do
		"$BPFTOOL" -j $kind show 2>/dev/null | jq -c --arg kind $kind --argjson held "$held" '
			.[]? | select($kind == "link" or (.name // "" | startswith("mw_"))) |
			"\($kind)_id:\(.id)" as $key | select($held | index($key) | not) | [$kind, .id, .name // .type]'
	done
	# Other kinds of tracing leave names
	cat /sys/kernel/tracing/uprobe_events 2>/dev/null
}
# What another memwatch loads between the two lists seems to have no holder, but only once.
still_left_behind() {
	comm -12 <(left_behind | sort) <(left_behind | sort)
}
# What is there from the first look on: another memwatch that ends leaves some for moments, too.
left_since() {
	comm -12 "$T/left-behind" <(left_behind | sort) >"$T/left-behind.now"
	mv "$T/left-behind.now" "$T/left-behind"
	[ ! -s "$T/left-behind" ]
}
# none_left DESCRIPTION
none_left() {
	still_left_behind >"$T/left-behind"
	if wait_for 30 left_since; then pass "$1"; else fail "$1" "$(cat "$T/left-behind")"; fi
}
# watchers: processes that hold programs of memwatch's
watchers() {
	grep -l '^prog_id:' /proc/[0-9]*/fdinfo/* 2>/dev/null | cut -d/ -f3 | sort -u | xargs -r ps -o pid=,args= -p
}
# text_restored DESCRIPTION PID; another memwatch, of the whole machine, may have taken it up for a moment
text_restored() {
	if wait_for 20 text_as_file "$2"; then
		pass "$1"
	else
		fail "$1" "watching: $(watchers)" "$(probed_places "$2")"
	fi
}

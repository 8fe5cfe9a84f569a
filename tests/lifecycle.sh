# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# lifecycle.sh - processes that are born and gone between two ticks, and OOM kills, and what memwatch
# must say of them. Source it behind lib.sh.
#
#	children_start ID...	ID is children (fork and exec) or forks: 16 of 4 MiB that live for 50 ms
#	children_judge ID
#	oom_run			two OOM kills, while watch m runs; 1 where no memory cgroup can be made
#	oom_judge
#
# Behind children_start come go, finished; before a judge, tick m; stop m.
# shellcheck disable=SC2034,SC2154 # variables of lib.sh

OOM_BYTES=$((48 * MIB))

children_start() {
	local id

	for id; do
		start "$id" "$WORKLOADS/grow" "$id" --wait-go --count 16 --step 4M --lifetime-ms 50 --parallel 4
		ready "$id"
	done
}

# children_judge ID
children_judge() {
	local id=$1 parent kind ids

	parent=$(pid_of "$id")
	jq -c "select(.ppid == $parent and (.type | IN(\"fork\", \"exec\", \"exit\")))" "$T/m.out" \
		>"$T/$id.events"
	for kind in fork exec exit; do
		ids=$(jq -r "select(.type == \"$kind\") | \"\(.pid) \(.start_ns)\"" "$T/$id.events" | sort)
		printf '%s\n' "$ids" >"$T/$id.$kind"
		# MISSED: records that may be absent, as memwatch itself told (lost.missed; see growth.sh)
		between $(($(did "$id" "${kind}s") - ${MISSED:-0})) "$(grep -c . "$T/$id.$kind")" \
			"$(did "$id" "${kind}s")" "$id: every $kind is seen, or told to be missed"
		is "$(uniq -d "$T/$id.$kind")" "" "$id: no $kind is seen twice"
	done
	[ "${MISSED:-0}" != 0 ] || ok "$id: who is born ends" cmp "$T/$id.fork" "$T/$id.exit"
	[ "$id" != children ] || [ "${MISSED:-0}" != 0 ] || ok "children: who is born becomes a program" cmp "$T/$id.fork" "$T/$id.exec"
	is "$(jq -c 'select(.type == "exit" and .status != 0)' "$T/$id.events")" "" \
		"$id: all ended with status 0"
	is "$(jq -c "select(.type == \"exit\" and
		(.peak_rss_bytes < 4 * $MIB or .peak_rss_bytes > 8 * $MIB))" "$T/$id.events")" "" \
		"$id: their peak is what they touched, and little more"
	is "$(jq -c 'select(.type == "exit" and (.last.rss_bytes > .peak_rss_bytes))' "$T/$id.events")" \
		"" "$id: no last size is above the peak"
	is "$(jq -c "select(.type == \"exit\" and (.lifetime_ns < 50e6 or .lifetime_ns > 5e9))" \
		"$T/$id.events")" "" "$id: they lived for 50 ms or, on a busy machine, longer"
}

# exit_of ID PID: how it ended, once
exit_of() {
	jq_of "$1" "select(.type == \"exit\" and .pid == $2) | {status, signal}"
}

# oom_run: one victim that a tick has seen, one that lives and dies between two. Leaves in $T/oom
# what is known of them, as assignments.
oom_run() {
	local victim unseen name=memwatch-e2e-$$

	cgroup_root && cgroup_new "$name" 48M && cgroup_new "$name/inner" 0 || return 1
	start victim bash -c 'in_cgroup "$@"' - "$name/inner" "$WORKLOADS/grow" mmap-grow --bytes 96M \
		--step 1M --wait-go
	ready victim
	victim=$(pid_of victim)
	{
		echo "OOM_CGROUP=$name OOM_CGROUP_ID=$(stat -c %i "$CGROUP_ROOT/$name")"
		echo "OOM_VICTIM=$victim OOM_VICTIM_CGROUP=$(cgroup_of "$victim")"
	} >"$T/oom"
	tick m
	go victim
	ended victim
	echo "OOM_STATUS=$STATUS" >>"$T/oom"
	start unseen bash -c 'in_cgroup "$@"' - "$name/inner" "$WORKLOADS/grow" mmap-grow --bytes 96M
	unseen=$(pid_of unseen)
	ended unseen
	echo "OOM_UNSEEN=$unseen" >>"$T/oom"
}

oom_judge() {
	local id pid

	# shellcheck disable=SC1091 # by oom_run
	. "$T/oom"
	is "$OOM_STATUS" 137 "the victim was killed by signal 9"
	for id in victim unseen; do
		pid=$OOM_VICTIM
		[ $id = victim ] || pid=$OOM_UNSEEN
		jq_of m "select(.type == \"oom\" and .pid == $pid)" >"$T/$id.oom"
		note "$(cat "$T/$id.oom")"
		is "$(wc -l <"$T/$id.oom")" 1 "$id: one OOM kill"
		is "$(jq -c '[.comm, .limit.kind, .limit.bytes, .limit.cgroup_id]' "$T/$id.oom")" \
			"[\"grow\",\"cgroup\",$OOM_BYTES,$OOM_CGROUP_ID]" "$id: the limit that ran out"
		between $((OOM_BYTES - 256 * PAGE)) "$(jq .limit.usage_bytes "$T/$id.oom")" $OOM_BYTES \
			"$id: it was used up"
		between $((40 * MIB)) "$(jq .anon_bytes "$T/$id.oom")" $OOM_BYTES "$id: the victim's size"
		is "$(exit_of m "$pid")" '{"status":null,"signal":9}' "$id: its end by signal 9 follows"
	done
	is "$(jq -r .cgroup "$T/victim.oom")" "$OOM_VICTIM_CGROUP" "the victim's cgroup"
	is "$(jq -r .limit.cgroup "$T/victim.oom")" "${OOM_VICTIM_CGROUP%/inner}" "whose limit it is, above it"
	# What cannot be known must not be guessed.
	like "$(jq -r '.cgroup // "unknown"' "$T/unseen.oom")" "^(unknown|$OOM_VICTIM_CGROUP)$" \
		"the cgroup of a victim that no tick saw"
}

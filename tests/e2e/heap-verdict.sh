#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# --heap: a leak that is called is looked into, and the verdict names what is kept and by whom. Not
# what does not leak, not without --heap; and nothing is left behind by a run that is killed.
# shellcheck disable=SC2317 # functions that await calls
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need
command -v node >/dev/null || skip_all "no node here"

SECONDS_WATCHED=60

# service ID MODE RATE: with calls that do not end before the test
service() {
	serve_status "$1" "$2"
	start "load-$1" node "$LOAD" --port "$(port_of "$1")" --seconds 600 --rate "$3"
}

# child_of ID: sets CHILD to the census that it runs
child_of() {
	local pid ppid
	while read -r pid ppid; do
		[ "$ppid" = "$(pid_of "$1")" ] || continue
		grep -qz '^heap$' "/proc/$pid/cmdline" 2>/dev/null || continue
		CHILD=$pid
		return
	done < <(ps -eo pid=,ppid=)
	return 1
}

# verdict_of ID FILTER: of its last one
verdict_of() {
	grep '^{"type":"verdict"' "$T/$1.out" | tail -n 1 | jq -c "$2"
}

# calls_leak ID
calls_leak() {
	[ "$(verdict_of "$1" .leak)" = true ]
}

# still_answers ID
still_answers() {
	node -e "require('http').get({ host: '127.0.0.1', port: $(port_of "$1"),
		path: '/health', timeout: 5000 }, (r) => process.exit(r.statusCode === 200 ? 0 : 1))
		.on('error', () => process.exit(1))"
}

service leaking leaking 120
service other leaking 120
service fixed fixed 60
# Whether a service that has just begun still warms up is not what is asked here.
node "$LOAD" --port "$(port_of fixed)" --calls 3000 >"$T/warm-up.out"
start check "$MEMWATCH" check --heap --json --budget 0 -d "$SECONDS_WATCHED" -p "$(pid_of leaking)"
start calm "$MEMWATCH" check --heap --budget 0 -d "$SECONDS_WATCHED" -p "$(pid_of fixed)"
start forbidden "$MEMWATCH" --json --budget 0 -p "$(pid_of other)"
start killed "$MEMWATCH" --json --heap --budget 0 -p "$(pid_of other)"

# --- memwatch is killed while a census runs ---

await 100 "a census of what leaks" child_of killed
stop killed KILL
ok "killed, it leaves no census behind" wait_for 5 gone "$CHILD"
like "$(sed -n 's/^State:\t//p' "/proc/$(pid_of other)/status")" '^[RSD]' "who was looked at runs on"
ok "and answers" still_answers other
is "$(sed -n 's/^TracerPid:\t//p' "/proc/$(pid_of other)/status")" 0 "nobody traces it"

# --- without --heap ---

await 60 "the same leak to be called without --heap" calls_leak forbidden
ok "without --heap there is no census" test -z "$(child_of forbidden && echo "$CHILD")"
stop forbidden
is "$(grep -c '"constructors"' "$T/forbidden.out") $(grep -c 'stood still' "$T/forbidden.err")" "0 0" \
	"and nothing of one is told"

# --- a check ---

ended check $((SECONDS_WATCHED + 60))
is "$STATUS" 3 "what leaks does not pass"
is "$(verdict_of check '[.class, .leak, .last]')" '["leak",true,true]' "the last verdict"
status_context='.constructors[] | select(.name == "StatusContext")'
is "$(verdict_of check "$status_context | [.kind, (.file | test(\"handles.js\$\")), .delta_count > 100]")" \
	'["object",true,true]' "names the class that grows"
is "$(verdict_of check "$status_context | .retainer |
	[.container, (.edge | test(\"handleMap\")), .share > 0.9]")" '["Map",true,true]' \
	"and the Map that keeps it"
like "$(err_of check)" "process $(pid_of leaking) \(node\) stood still for [0-9]+ and [0-9]+ ms" \
	"it says for how long it stopped the process"
is "$(unknown_keys check)" "" "memwatch schema has all keys"
ok "the service answers" still_answers leaking

ended calm $((SECONDS_WATCHED + 60))
is "$STATUS" 0 "what does not leak passes"
is "$(grep -c 'stood still' "$T/calm.err") $(grep -c "V8's heap within" "$T/calm.out")" "0 0" \
	"and is never looked into"

for id in leaking other fixed; do
	stop "load-$id"
	stop "$id"
done
done_testing

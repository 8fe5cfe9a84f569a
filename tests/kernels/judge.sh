#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# judge.sh OUT HOOK=KIND,...: what guest/run has left in OUT, judged. One HOOK for each capability, with
# what must be in use; "-": nothing. Prints TAP; each description begins with what it is about:
#
#	hooks		what is in use is what was declared
#	types		where the kernel has none: what is said
#	totals, calls, faults, lifecycle (fork, exec, exit), oom, self
#	programs	each that is for this kernel loads, and the verifier has no more to do than before
#	HOOK		calls by that hook: counted, and what other calls pay
#	missed		runs that a preemptible kernel leaves out: all of them are told
#	sites, v8	functions that grow, native and JavaScript
#	gc, usdt	collections
#	end		nothing was lost, and nothing is left
# shellcheck disable=SC2034 # variables of lib.sh
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/growth.sh
. "$TESTS/growth.sh"
# shellcheck source=tests/lifecycle.sh
. "$TESTS/lifecycle.sh"

rm -rf "$T"
T=$(realpath "${1:?usage: judge.sh OUT HOOK=KIND...}")
KEEP=1
shift
declare -A DECLARED=() IDS=()
for word; do DECLARED[${word%%=*}]=${word#*=}; done
# Not PID: those processes were in the guest.
while read -r id pid; do IDS[$id]=$pid; done <"$T/pids"
pid_of() {
	echo "${IDS[$1]:-0}"
}

CAP=
about() {
	CAP=$1
}
eval "plain_$(declare -f pass)" && eval "plain_$(declare -f fail)"
pass() { plain_pass "$CAP: $1"; }
fail() { plain_fail "$CAP: $1" "${@:2}"; }

must() {
	[ "${DECLARED[$1]:--}" != - ]
}

# --- what is in use ---

about hooks
for capability in "${!DECLARED[@]}"; do
	kind=${DECLARED[$capability]%%,*}
	run=m
	[[ $capability != @(sites|v8) ]] || run=named # the other takes no stacks
	used=$(jq_of $run "select(.type == \"meta\") | .hooks.$capability" | tr -d '"')
	if [ "$kind" = - ]; then
		is "$used" null "$capability is not to be had"
	else
		like "$used" "^$kind" "$capability by $kind"
	fi
done

# results_of CAPABILITY HOOK: what became of its programs, by name: a kernel has one of mark_victim's
results_of() {
	awk -F '\t' -v capability="$1" -v hook="$2" '
		capability == "gc" { hook = "uprobe and USDT" }
		(capability == "gc" || capability == "v8") && $2 != hook { next }
		index($2, hook) == 1 && $2 !~ /mark_victim/ { printf "%s ", $3 == "loaded" ? $3 : $1 ": " $7 }' "$T/verify"
}

# --- a kernel without types; else the programs, one by one ---

if [ -e "$T/none.status" ]; then
	about types
	like "$(cat "$T/btf")" "No such file" "the kernel shows none"
	like "$(cat "$T/none.status" "$T/none.err")" "^1.memwatch: this kernel has no BTF, .*--btf FILE" \
		"without --btf, one line says what is missing"
	like "$(cat "$T/doctor")" "BTF in /run/types; the kernel has none itself" "doctor says whose they are"
else
	about programs
	# What may be missing is said by the row: no hook that was declared.
	is "$(awk -F '\t' '$3 == "failed" { print $1, $2 ": " $7 }' "$T/verify")" "" "none is refused that should load"
	for capability in "${!DECLARED[@]}"; do
		for hook in ${DECLARED[$capability]//,/ }; do
			[ "$hook" != - ] || continue
			like "$(results_of "$capability" "$hook")" '^(loaded )*$' "$capability: all of $hook load"
		done
	done
	between 20 "$(grep -c "$(printf '\t')loaded" "$T/verify")" 1000 "so many load"
	if said=$("$TESTS/kernels/insns.sh" "$T/verify" 2>&1 >"$T/insns"); then
		pass "the verifier has no more to do than before"
	else
		fail "the verifier has no more to do than before" "$said"
	fi
	[ -z "$said" ] || note "$said"
fi

# --- the whole machine ---

release=$(<"$T/release")
if [ "$(printf '6.2\n%s\n' "$release" | sort -V | head -n 1)" != 6.2 ]; then
	RSS_KEPT_BACK=64
fi
EMULATED=1
# On a preemptible kernel a few runs are left out (see preempted() in guest/run), whose-ever they were.
MISSED=0
if [ -e "$T/preemptible" ]; then
	MISSED=$(jq_of m 'select(.type == "end") | .lost.missed // 0')
	note "runs left out: $MISSED"
fi
kinds=$(cd "$T" && for file in *.proc; do echo "${file%.proc}"; done)
for kind in $kinds; do
	growth_read "$kind"
	about totals
	growth_judge_totals "$kind"
	about calls
	growth_judge_calls "$kind"
	about faults
	growth_judge_faults "$kind"
done
about totals
is "$(jq_of m 'select(.type == "process" and .approximate)' | wc -l)" 0 "sizes are exact"
about lifecycle
for kind in children forks; do children_judge $kind; done
is "$(exit_of m "$(pid_of failed)")" '{"status":3,"signal":null}' "an exit by status 3"
about oom
if must oom; then
	if grep -q '^OOM_UNSEEN' "$T/oom"; then oom_judge; else fail "two OOM kills" "$(cat "$T/oom")"; fi
fi
about self
is "$(jq_of m 'select(.type == "end") | .self.bpf_ns > 0')" true "the time in its own BPF programs"
about end
is "$(cat "$T/m.status" "$T/m.err")" 0 "memwatch ends with status 0 and says nothing"
is "$(jq_of m "select(.type == \"end\") | .lost | if .missed == $MISSED then del(.missed) else . end")" "{}" \
	"nothing was lost"
between 0 "$MISSED" 50 "next to nothing was left out"
is "$(cat "$T/left")" 0 "no BPF program is left when it has ended"

# --- the calls, by each hook ---

least_ns() {
	jq .min_ns_per_iteration "$T/$1"
}
for hook in ${DECLARED[calls]//,/ }; do
	id=${hook%%/*}
	about "$hook"
	like "$(jq_of "m-$id" 'select(.type == "meta") | .hooks.calls' | tr -d '"')" "^$hook" "calls are counted by it"
	missed=0
	[ ! -e "$T/preemptible" ] || missed=$(jq_of "m-$id" 'select(.type == "end") | .lost.missed // 0')
	# shellcheck disable=SC2016 # jq's variables
	is "$(jq_of "m-$id" "select(.type == \"process\" and .pid == $(pid_of "$id")) | .events // {}" |
		jq -sc --argjson missed "$missed" '
		def sum(of): map(of // 0) | add;
		def but_missed: if . < 3000 and . + $missed >= 3000 then 3000 else . end;
		[sum(.mmap_count), sum(.munmap_count)] as $counts |
		($counts | map(but_missed)), [sum(.mmap_bytes), sum(.munmap_bytes)] == ($counts | map(. * 8192))')" \
		"$(printf '[3000,3000]\ntrue')" "each mmap and munmap, and their bytes"
	[ "$missed" = 0 ] || note "$hook: $missed runs left out"
	is "$(grep -c sys_exit "$T/$id.programs")" "$([ "$id" = "$hook" ] && echo 0 || echo 1)" \
		"system calls in general are $([ "$id" = "$hook" ] && echo not) traced"
	is "$(cat "$T/m-$id.status")" 0 "memwatch ends with status 0"
	note "$hook: getppid takes x $(jq -n "$(least_ns "$id.meanwhile") / $(least_ns "$id.before") * 100 | round / 100")"
done

# --- runs that the kernel leaves out ---

about missed
# Every kernel of these architectures is preemptible since 7.0.
if must calls && [[ ${DECLARED[calls]} == fexit* ]] &&
	{ [ -e "$T/preemptible" ] || [ "$(printf '7.0\n%s\n' "$release" | sort -V | head -n 1)" = 7.0 ]; }; then
	ok "the kernel is preemptible: $(head -n 1 "$T/preemption")" test -e "$T/preemptible"
	missed=$(jq_of m-preempted 'select(.type == "end") | .lost.missed // 0')
	called=$(jq -s 'map(select(.event == "done") | .mmap_count + .munmap_count) | add' "$T"/{busy,due}.out)
	seen=$(jq_of m-preempted 'select(.type == "process") | .events // {} | .mmap_count // 0, .munmap_count // 0' |
		jq -s add)
	# Some may be of others, which share the other CPU. How many there are is up to chance: mostly a
	# hundred or more, as many as the one makes when it is due.
	between "$called" $((seen + missed)) $((called + 99)) "what was counted and what was left out adds up"
	note "$seen of $called calls counted, $missed runs left out"
fi

# --- stacks, V8, collections ---

# of_named ID: the records of that process
of_named() {
	jq_of named "select(.pid == $(pid_of "$1"))"
}
last_sites() { # ID KIND
	of_named "$1" | jq -sc --arg kind "$2" 'map(select(.type == "site" and .kind == $kind)) |
		(map(.ts_ns) | max) as $last | map(select(.ts_ns == $last))'
}
about sites
if must sites; then
	for kind in malloc:grow_malloc:brk mmap:grow_mmap:mmap brk:grow_brk:brk; do
		IFS=: read -r id function calls <<<"$kind"
		for by in fault "$calls"; do
			got=$(last_sites "site-$id" "$by" | jq --arg fn "$function" '(map(.bytes) | add // 0) as $all |
				map(select(any(.frames[]; .fn == $fn)) | .bytes) | add // 0 |
				if $all > 0 then . * 100 / $all | round else 0 end')
			between 80 "$got" 100 "$id: by $by it is $function that grows, percent"
		done
	done
fi
about v8
if must v8; then
	verdict=$(of_named map | jq -nc -f "$TESTS/matrix/judge.jq" --argjson allow_approximate false \
		--argjson truth "$("$TESTS/matrix/truth.sh" "$TESTS"/workloads/leaks/{map,pace,garbage}.js)")
	like "$(jq -r .match <<<"$verdict")" "^exact$" "map.js: the line that leaks is the first"
	between 0 "$(jq '.garbage_pct | floor' <<<"$verdict")" 5 "map.js: what makes garbage has less than 5 %"
	between 95 "$(jq '.names | if .checked < 10 then 0 else (.checked - .wrong) * 100 / .checked | floor end' <<<"$verdict")" 100 \
		"JavaScript functions and lines are those of the source, percent"
	note "$(jq -c '{match, right_since_s, leak_pct, garbage_pct, samples, names}' <<<"$verdict")"
fi
about gc
if must gc; then
	of_named traced >"$T/traced.gc"
	verdict=$(node "$TESTS/e2e/gc-judge.js" "$T/traced.out" "$T/traced.gc")
	is "$(jq -c '[.printed >= 10, .seen == .printed, .missing, .extra, .different]' <<<"$verdict")" \
		"[true,true,0,0,0]" "each collection that V8 tells of is a record, of its kind"
	is "$(jq -c '.steps == 4 and .live_pct < 3' <<<"$verdict")" true "what lives after a full one is V8's word"
	is "$(jq -c .limits <<<"$verdict")" "[$((200 * MIB))]" "the limit is that of its command line"
	note "$(jq -c 'del(.examples)' <<<"$verdict")"
	about usdt
	is "$(of_named usdt | jq -c 'select(.type == "gc" and .via == "usdt") | .kind' | wc -l)" 14 \
		"each collection that its probes tell of"
	is "$(grep '"event":"done"' "$T/usdt.out" | jq -c '.semaphores | map(. > 0)' | xargs)" \
		"[true,true] [false,false]" "its semaphores are up meanwhile, and down after"
fi
about record
is "$(cat "$T/rec.status")" 0 "memwatch record ends with status 0"
is "$(ls "$T"/rec.mwr*)" "$T/rec.mwr" "it leaves one file"
is "$(sqlite3 -readonly "$T/rec.mwr" 'PRAGMA integrity_check')" ok "which is whole"
"$MEMWATCH" report --format json "$T/rec.mwr" >"$T/rec.json"
is "$(jq -r 'select(.type == "meta") | .kernel' "$T/rec.json")" "$release" "and of this kernel"
grown=$(jq -c 'select(.comm == "grow")' "$T/rec.json" | jq -sc '
	([.[] | select(.type == "process") | .anon_bytes] | [length, max - min]) +
	(.[] | select(.type == "exit") | [.status, .peak_rss_bytes])')
note "grow: ticks, growth between them, status, peak: $grown"
between 2 "$(jq '.[0]' <<<"$grown")" 1000 "ticks of the program that it ran"
between $((4 * MIB)) "$(jq '.[1]' <<<"$grown")" $((36 * MIB)) "what that grew by from the first to the last"
is "$(jq '.[2]' <<<"$grown")" 0 "how it ended"
between $((32 * MIB)) "$(jq '.[3]' <<<"$grown")" $((48 * MIB)) "and how large it had been"
about end
is "$(cat "$T/named.status" "$T/named.err")" 0 "memwatch ends with status 0 on named processes, and says nothing"
left_out=
[ ! -e "$T/preemptible" ] || left_out=", .missed"
is "$(jq_of named "select(.type == \"end\") | .lost | del(.ticks, .stacks_full, .v8_samples_full$left_out)")" "{}" \
	"nothing was lost of them, but what an emulated machine is too slow for"
is "$(cat "$T/gone")" "" "every process that was watched runs on"
is "$(cat "$T/console" "$T/dmesg" 2>&1 | grep -aE 'BUG:|Oops|WARNING:|rcu.*stall|hung_task|No such file' | head -n 5)" "" \
	"the kernel has nothing to complain of"
done_testing

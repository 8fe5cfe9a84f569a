#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The command line: what is refused and how that is said, help, schema, doctor, filters, and what
# other users than root can do.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need

# --- refused ---

# refused STATUS REGEX ARG...: one line on stderr, that matches; nothing on stdout
refused() {
	local status=$1 regex=$2
	shift 2
	timeout 20 "$MEMWATCH" "$@" >"$T/stdout" 2>"$T/stderr" </dev/null
	STATUS=$?
	if [ "$STATUS" = "$status" ] && [ "$(wc -l <"$T/stderr")" = 1 ] && [ ! -s "$T/stdout" ] &&
		grep -Eq "^memwatch: .*($regex)" "$T/stderr"; then
		pass "refused with status $status: memwatch $*"
	else
		fail "refused with status $status: memwatch $*" "status $STATUS, to match: $regex" \
			"$(cat "$T/stderr")" "stdout: $(head -n 3 "$T/stdout")"
	fi
}

start sleeper sleep 1000
sleeper=$(pid_of sleeper)
start ended true
ended=$(pid_of ended)
ended ended

refused 2 "'abc' is not a process id: give" -p abc
refused 2 "'0' is not a process id: give" -p 0
refused 2 "'-1' is not a process id: give" -p -1
refused 2 "'1x' is not a process id: give" -p 1x
refused 2 "'x' is not a process id: give" -p "$sleeper,x"
refused 2 "'99999999999999999999' is not a process id" -p 99999999999999999999
refused 2 "no process id given: is the program running" -p ""
refused 2 "no process id given: is the program running" ""
refused 2 "'-p' needs a value \(PID\); see --help" -p
refused 2 "'--pid' needs a value \(PID\); see --help" --pid
refused 1 "no process with PID 4194304: it has ended" -p 4194304 # the largest that a kernel allows
refused 2 "'4194305' is not a process id: give" -p 4194305
refused 1 "no process with PID $ended: it has ended" -p "$ended"
refused 1 "no process with PID $ended: it has ended" -p "$sleeper" "$ended"
kthread=$(pgrep -x kthreadd || true)
if [ -n "$kthread" ]; then
	refused 1 "PID $kthread is a kernel thread" -p "$kthread"
	refused 1 "PID $kthread is a kernel thread" doctor -p "$kthread"
else
	skip "a kernel thread is refused" "no kernel thread is visible in this PID namespace"
fi
refused 2 "unknown option '--bogus'; see --help" --bogus
refused 2 "unknown option '-Z'; see --help" -Z
refused 2 "'--json' takes no value; see --help" --json=yes
refused 2 "unknown option '--bogus'; see --help" doctor --bogus
refused 2 "'bogus' is not a command; see 'memwatch --help'" bogus
refused 2 "'bogus' is not a process id" watch bogus
refused 2 "'bogus'" schema bogus
refused 2 "unknown option '--bogus'; see --help" schema --bogus
refused 2 "'bogus' is not a process id" doctor bogus
refused 2 "'-i' needs a value \(SEC\); see --help" -i
refused 2 "'--without' needs a value \(HOOK,...\); see --help" doctor --without
for bad in 0 0.05 x -1 1e9999 nan "" 1q; do
	refused 2 "-i '$bad' is no interval: seconds" -i "$bad"
done
for bad in x -1 0 ""; do
	refused 2 "-d '$bad' is no duration: seconds" -d "$bad"
done
refused 2 "cannot sort by 'bogus'; there are: .*growth" -s bogus
refused 2 "cannot sort by ''; there are: .*growth" -s ""
for bad in 0 x -3 99999999999; do
	refused 2 "-r '$bad' is no number of rows: give" -r "$bad"
done
for bad in x -3 1001 ""; do
	refused 2 "--sites '$bad' is no number of sites: give 0" --sites "$bad"
done
for bad in x -1 nan "" 1x; do
	refused 2 "--budget '$bad' is no share of a CPU: percent" --budget "$bad"
done
refused 2 "--without 'bogus' names no hook; 'memwatch doctor' lists them" --without calls,bogus
refused 2 "--without 'bogus' names no hook; 'memwatch doctor' lists them" doctor --without bogus
refused 2 "-n needs the name of a program" -n ""
refused 2 "-c needs a path" -c relative
refused 2 "no cgroup '/does/not/exist': see /proc/PID/cgroup" -c /does/not/exist
refused 1 "cannot write /does/not/exist: No such file" -o /does/not/exist -d 1
refused 1 "cannot write /: Is a directory" -o / -d 1
refused 1 "no process with PID $ended: it has ended" doctor -p "$ended"

refused 2 "of which process\? Name it: memwatch heap -p PID" heap
refused 1 "no process with PID $ended: it has ended" heap -p "$ended"
refused 2 "a census is of one process, and 2 are named" heap "$sleeper" $$
refused 1 "no census of process $sleeper: .*V8" heap -p "$sleeper"
refused 1 "no census of process $sleeper: .*V8" heap --json -p "$sleeper"
for bad in 0 0.5 x -1 ""; do
	refused 2 "--every '$bad' is no time between censuses: seconds" heap -p "$sleeper" --every "$bad"
done
refused 2 "-d is shorter than --every" heap -p "$sleeper" --every 5 -d 3
refused 2 "-d is too short for two censuses" heap -p "$sleeper" -d 0.5
refused 2 "--retainers needs the name of a constructor" heap -p "$sleeper" --retainers ""
refused 2 "--max-memory 'x' is no size" heap -p "$sleeper" --max-memory x
refused 1 "cannot write /does/not/exist: No such file" heap -p "$sleeper" -o /does/not/exist
refused 1 "cannot write /: Is a directory" heap -p "$sleeper" -o /
refused 2 "two files are compared: memwatch diff A B" diff
refused 2 "two files are compared: memwatch diff A B" diff "$0"
refused 2 "two files can be compared, and '3' is a third" diff 1 2 3
refused 1 "cannot compare /does/not/exist: No such file" diff /does/not/exist "$0"
refused 1 "cannot compare /bin/ls: it is no NDJSON" diff /bin/ls "$0"

# --- help ---

commands=$("$MEMWATCH" --help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }')
for command in watch record report heap diff doctor schema; do
	like " ${commands//$'\n'/ } " " $command " "--help names the command $command"
done
for command in "" $commands; do
	for option in -h --help; do
		# shellcheck disable=SC2086 # none or one
		"$MEMWATCH" $command $option >"$T/help" 2>"$T/stderr"
		is "$?$(cat "$T/stderr")" 0 "$command $option: status 0, on stdout"
		is "$(awk 'length > 80' "$T/help")" "" "$command $option: fits 80 columns"
		between 3 "$(wc -l <"$T/help")" 100 "$command $option: says something"
	done
	# An option's help that begins in a column goes on there, and wastes no line for a word.
	is "$("$MEMWATCH" ${command:+"$command"} -h |
		awk 'lone { print lone; lone = "" } NF == 1 && /^ {10,}/ && !/[.)]$/ { lone = $0 } /^$/ { lone = "" }
			/^ +-/ { lone = "" }' | xargs)" "" "$command -h: no line of one word in mid-sentence"
done
for option in -p --pid -n --comm -c --cgroup -i --interval -d --duration -r --rows -s --sort --sites --json \
	-o --output --budget --without --no-stacks -v --verbose -q --quiet -h --help; do
	"$MEMWATCH" watch -h | grep -Eq -- "^  .*$option\b" || fail "watch -h lists $option"
done
"$MEMWATCH" watch -h | grep -oE -- '--[a-z-]+' | sort -u >"$T/options"
between 12 "$(wc -l <"$T/options")" 40 "watch -h lists the options"

# documented NAME: all options of all commands, long and short, are in the text on stdin
documented() {
	local option missing='' text
	text=$(cat)
	for option in $(cat "$T/options" "$T/options.short") --version; do
		grep -Eq -- "(^|[^A-Za-z-])$option([^a-z-]|$)" <<<"$text" || missing="$missing $option"
	done
	is "$missing" "" "$1 has all options"
}
for command in $commands; do "$MEMWATCH" "$command" -h; done >"$T/help"
grep -oE -- '^ +(-[a-zA-Z], )?--[a-z-]+' "$T/help" | grep -oE -- '--[a-z-]+' | sort -u >"$T/options"
grep -oE -- '^ +-[a-zA-Z]' "$T/help" | tr -d ' ' | sort -u >"$T/options.short"
between 8 "$(wc -l <"$T/options.short")" 40 "options have short names, too"
share=$ROOT/user/share
documented "the man page" < <(sed -n 's/Fl \([-a-z]\)/-\1/gp' "$share/memwatch.8")
documented "the completion of bash" <"$share/memwatch.bash"
# {-p+,--pid=} there
documented "the completion of zsh" < <(tr '{},+=' ' ' <"$share/_memwatch")
for command in $commands; do
	like "$(cat "$share/memwatch.8")" $'\n'"\.(Ss|Cm) $command"$'\n' "the man page has the command $command"
	like "$(cat "$share/_memwatch")" $'\n'"\s+'$command:" "zsh completes the command $command"
done

# completed WORD...: what bash offers for the last word
completed() {
	# shellcheck disable=SC2016 # of the inner shell
	bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _memwatch
		printf "%s\n" "${COMPREPLY[@]}"' - "$share/memwatch.bash" memwatch "$@" | xargs
}
is "$(completed --bud)" "--budget" "bash completes an option"
for command in $commands; do
	like " $(completed "$command") " " $command " "bash completes the command $command"
done
is "$(completed report day.mwr -f '' | tr ' ' '\n' | sort | xargs)" \
	"$("$MEMWATCH" report day.mwr -f bogus 2>&1 | sed 's/.*none of: //' | tr -d , | tr ' ' '\n' | sort | xargs)" \
	"bash completes every format of report"
is "$(completed diff a.mwr b.mwr -f '' | tr ' ' '\n' | sort | xargs)" \
	"$("$MEMWATCH" diff a.mwr b.mwr -f bogus 2>&1 | sed 's/.*none of: //' | tr -d , | tr ' ' '\n' | sort | xargs)" \
	"bash completes the formats of diff, and no others"
is "$(completed watch -s gro)" "growth" "bash completes a field"
is "$(completed -s '' | tr ' ' '\n' | sort | xargs)" \
	"$("$MEMWATCH" -s bogus 2>&1 | sed 's/.*there are: //' | tr ' ' '\n' | sort | xargs)" \
	"bash completes every field that -s takes"

for option in --version -V; do
	like "$("$MEMWATCH" $option)" '^memwatch [0-9]+\.[0-9]+\.[0-9]+$' "$option"
done

# --- filters and outputs ---

start one "$WORKLOADS/grow" steady --wait-go
start two "$WORKLOADS/grow" steady --wait-go
start hold sleep 1000
ready one
ready two
watch m -i 0.2 -d 2 --budget 0 -n grow
start other true
ended other
ended m
is "$STATUS" 0 "-d: ends with status 0"
is "$(jq_of m 'select(.type == "process") | .comm' | sort -u)" '"grow"' "-n: only that name"
is "$(jq_of m 'select(.type == "process") | .pid' | sort -nu | grep -cx "$(pid_of one)\|$(pid_of two)")" \
	2 "-n: all of that name"
is "$(jq_of m 'select(.comm != null and .comm != "grow" and .type != "oom")')" "" \
	"-n: no events of others"
is "$(jq_of m 'select(.type == "meta") | [.interval_ms, .schema, .targets.comm]')" '[200,1,"grow"]' \
	"the meta record says what was asked for"
between 8 "$(jq_of m 'select(.type == "end") | .ticks')" 12 "-i 0.2 -d 2: some 10 ticks"
is "$(head -n 1 "$T/m.out" | jq -r .type) $(tail -n 1 "$T/m.out" | jq -r .type)" "meta end" \
	"the first line is meta, the last one end"

"$MEMWATCH" --json -d 0.3 -i 0.1 -r 2 -s rss >"$T/m.out"
is "$(jq_of m 'select(.type == "process") | .ts_ns' | uniq -c | awk '$1 != 2')" "" "-r 2: two a tick"
is "$(jq -sc 'map(select(.type == "process") | .rss_bytes) | . == (sort | reverse)' \
	<(jq_of m 'select(.type == "process")' | head -n 2))" true "-s rss: the largest first"
for key in $("$MEMWATCH" -s bogus 2>&1 | sed 's/.*there are: //'); do
	"$MEMWATCH" -d 0.1 -s "$key" >"$T/stdout" 2>&1 || fail "-s $key" "$(cat "$T/stdout")"
done
pass "-s takes every field that it names"

"$MEMWATCH" -d 0.3 -o "$T/file" -p "$sleeper" >"$T/stdout" 2>&1
is "$?$(cat "$T/stdout")" 0 "-o: nothing on the terminal"
like "$(cat "$T/file")" "# TIME .*$sleeper sleep .*# memwatch took" "-o: all in the file"
"$MEMWATCH" --json -d 0.1 -o "$T/file" -p "$sleeper"
is "$(jq -r .type "$T/file" | xargs)" "meta process verdict end" "-o --json: NDJSON in the file, anew"
"$MEMWATCH" -d 0.1 "$sleeper" 2>"$T/stderr" | grep -v '^#' >"$T/stdout"
like "$(cat "$T/stdout")" "^[0-9:]{8} +$sleeper sleep( +[-0-9.+KM/s]+){10} [-a-z]+ +-$" "a line a process"

cp "$T/file" "$T/m.out" # of -o above
"$MEMWATCH" --json -d 0.1 -p "$sleeper" >"$T/stdout"
is "$(jq -c 'paths | map(select(type == "string"))' "$T/m.out" | sort -u)" \
	"$(jq -c 'paths | map(select(type == "string"))' "$T/stdout" | sort -u)" \
	"-o: the same records and keys as on stdout"

one=$(pid_of one)
two=$(pid_of two)
wanted=$(printf '%s\n' "$one" "$two" | sort -n | xargs)
for form in "-p $one,$two" "-p $one -p $two" "-p $one $two" "$one $two" "--pid=$one --pid $two" \
	"watch -p $one,$two,$one" "$one --pid $two -p $one"; do
	# shellcheck disable=SC2086 # several words
	"$MEMWATCH" $form --json -d 0.1 >"$T/m.out" 2>"$T/stderr"
	form=${form//$one/ONE}
	is "$(jq_of m 'select(.type == "process") | .pid' | sort -nu | xargs)$(cat "$T/stderr")" \
		"$wanted" "${form//$two/TWO}: both"
done

start threads "$WORKLOADS/grow" threads --count 2 --step 64K --wait-go
ready threads
go threads
finished threads
threads=$(pid_of threads)
# shellcheck disable=SC2012 # numbers
thread=$(ls "/proc/$threads/task" | sort -n | tail -n 1)
"$MEMWATCH" --json -d 0.1 -p "$thread" >"$T/m.out" 2>"$T/stderr"
is "$(jq_of m 'select(.type == "process") | .pid' | sort -u)" "$threads" \
	"a thread's id stands for its process"
like "$(cat "$T/stderr")" "^memwatch: $thread is a thread of process $threads" "and that is said"
"$MEMWATCH" --json -d 0.1 -p "$thread,$threads" >"$T/m.out" 2>"$T/stderr"
is "$(jq_of m 'select(.type == "process") | .pid' | uniq -c | xargs)" "1 $threads" \
	"a thread and its process are one"
leave threads

if cgroup_root && cgroup_new "memwatch-e2e-$$" 0 && cgroup_new "memwatch-e2e-$$/inner" 0; then
	for id in outer inner; do
		path=memwatch-e2e-$$
		[ $id = outer ] || path=$path/inner
		# shellcheck disable=SC2016 # of the inner shell
		start $id bash -c 'in_cgroup "$@"' - "$path" "$WORKLOADS/grow" steady --wait-go
		ready $id
	done
	wanted=$(printf '%s\n' "$(pid_of outer)" "$(pid_of inner)" | sort -n | xargs)
	for path in "$(cgroup_of "$(pid_of outer)")" "$CGROUP_ROOT/memwatch-e2e-$$" \
		"$CGROUP_ROOT/memwatch-e2e-$$/"; do
		"$MEMWATCH" --json -d 0.1 -c "$path" >"$T/m.out"
		is "$(jq_of m 'select(.type == "process") | .pid' | sort -nu | xargs)" "$wanted" \
			"-c ${path//$$/PID}: those in it and below it"
	done
	is "$(jq_of m 'select(.type == "process") | .cgroup' | sort -u | xargs)" \
		"$(cgroup_of "$(pid_of outer)") $(cgroup_of "$(pid_of inner)")" \
		"the cgroup of a process is /proc's"
	leave outer
	leave inner
else
	skip "-c: a cgroup and below it" "${CGROUP_WHY:-no memory cgroup can be made}"
fi

# --- without some hooks ---

watch m -i 0.2 --budget 0 --without calls,faults,fork,exec,exit,oom,gc,sites,v8,self
start short sleep 0.01
ended short
tick m
stop m
is "$STATUS$(err_of m)" 0 "--without all that is optional: it works"
is "$(jq_of m 'select(.type == "meta") | .hooks | map(select(. != null))')" '["iter/task"]' \
	"the meta record says which hooks are missing"
is "$(of_pid m "$(pid_of one)" '.[-1].events | keys')" '["fault_bytes","fault_count"]' \
	"what is not counted has no key"
is "$(jq_of m 'select(.type | IN("fork", "exec")) | .type')" "" "nor records"
is "$(jq_of m 'select(.type == "end") | .self | has("bpf_ns")')" false "nor a guess at its own cost"
watch m -i 0.2 --budget 0 --without faults
tick m
stop m
is "$(of_pid m "$(pid_of one)" '.[-1].events | [has("mmap_count"), has("fault_mmap"),
	has("fault_count")]')" "[true,false,true]" "--without faults: only the places are missing"

start target sleep 1000
target=$(pid_of target)
watch m -i 0.2 --without fork,exec,exit -p "$target"
is "$(jq_of m 'select(.type == "meta") | .hooks | [.fork, .exec, .exit]')" "[null,null,null]" \
	"--without fork,exec,exit: the meta record says so"
stop target
ended m
is "$STATUS" 0 "--without fork,exec,exit: the run ends with its process"
is "$(jq_of m 'select(.type == "exit") | [.pid, has("status"), has("signal")]')" \
	"[$target,false,false]" "--without fork,exec,exit: its end is reported, how is unknown"

# --- growth sites ---

start grower "$WORKLOADS/grow" mmap-grow --bytes 3G --step 4M --interval-ms 100
ready grower
grower=$(pid_of grower)
watch m -i 0.2 --budget 0 -p "$grower"
await 20 "its sites" has_record m site
tick m
stop m
is "$(jq_of m 'select(.type == "site") | .pid' | sort -u)" "$grower" "sites of the process that was named"
is "$(jq_of m 'select(.type == "site" and .kind == "fault") | [.frames[] | select(.origin == "user")][0].fn' |
	sort -u)" '"touch"' "the function that grows, by its name"
is "$(of_pid m "$grower" '.[-1].sites | [.begin_ns > 0, .total_bytes.fault > 0, .stacks > 0]')" \
	"[true,true,true]" "the process's record says what they sum up to, and how well they are told"
watch m -i 0.2 --budget 0 --sites 1 -p "$grower"
await 20 "its sites" has_record m site
stop m
is "$(jq_of m 'select(.type == "site") | "\(.ts_ns) \(.kind)"' | sort | uniq -d)" "" \
	"--sites 1: one a kind at each tick"
watch m -i 0.2 --budget 0 --sites 0 -p "$grower"
tick m
tick m
stop m
is "$(jq_of m 'select(.type == "site")')" "" "--sites 0: no records of sites"
watch m -i 0.2 --budget 0 --no-stacks -p "$grower"
tick m
tick m
stop m
is "$(jq_of m 'select(.type == "site" or has("sites"))')" "" "--no-stacks: no sites at all"
start m "$MEMWATCH" -d 2 --budget 0 -p "$grower"
ended m
like "$(cat "$T/m.out")" "# [0-9:]{8} sites of $grower \(grow\)"$'\n'"# +BYTES +RATE SHARE KIND +SITE"$'\n'".* fault +touch grow\.c:[0-9]+ ← grow_mmap" \
	"text: the sites at the end"

# --- schema ---

watch m -i 0.2 --budget 0
await 20 "sites of the fastest grower" has_record m site
await 60 "a verdict that is not 'too early'" has_record m verdict
start short sleep 0.01
ended short
kill -STOP "$(pid_of m)"
elapse 0.7 # for ticks to be lost
kill -CONT "$(pid_of m)"
tick m
stop m
stop grower
is "$(jq_of m .type | grep -v gc | sort -u | tr -d '"' | xargs)" "end exec exit fork lost meta process site verdict" \
	"a run has every type of record but oom, and gc where nothing collects"
is "$(unknown_keys m)" "" "each key that was written is in the schema"
is "$(jq -r '.types | keys[]' "$T/schema.json" | xargs)" "census check constructor diff end exec exit fork gc lost meta oom process retainer site verdict" \
	"the schema has these types"
like "$(jq -r .common.type "$T/schema.json")" "ignore unknown types" \
	"the schema says that unknown types are to be ignored"
is "$(jq_of m 'select(.ts_ns == null or .time == null or (.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]+Z$") | not))')" \
	"" "each record has ts_ns and an RFC 3339 time"
is "$(jq_of m 'select(.type | IN("process", "fork", "exec", "exit")) |
	select(.pid == null or .start_ns == null or .comm == null)')" "" \
	"each record of a process has pid, start_ns and comm"
is "$(jq_of m 'select(.type == "process") | .ts_ns' | sort -nc 2>&1)" "" "ticks never go back in time"
jq -nRc 'input | split(" ")' >"$T/keys" <<<"rss_bytes anon_bytes file_bytes shmem_bytes swap_bytes \
pgtable_bytes vm_bytes data_bytes stack_bytes heap_bytes threads minflt majflt"
is "$(jq_of m "select(.type == \"process\") | $(cat "$T/keys") - keys" | sort -u)" "[]" \
	"each process record has all totals"
is "$(jq_of m "select(.type == \"process\" and .delta) | .delta | keys" | sort -u)" \
	"$(jq -c sort "$T/keys")" "and each delta their changes"
is "$(jq_of m 'del(.self.cpu_pct, .self.once_pct, .share, .confidence) | [.. | numbers | select(. != floor)] | length' | sort -u)" 0 \
	"numbers are integers, but for percentages, shares and confidence"
now=$(date +%s)
between $((now - 60)) "$(jq_of m 'select(.type == "end") | .time[:19] + "Z" | fromdate')" $((now + 5)) \
	"its time is now"

# --- doctor ---

"$MEMWATCH" doctor >"$T/doctor" 2>"$T/stderr"
is "$?$(cat "$T/stderr")" 0 "doctor: status 0"
while read -r capability hook; do
	like "$(cat "$T/doctor")" "\+ $capability +${hook//\*/\\*}" "doctor: $capability by $hook, as in meta"
done < <(jq_of m 'select(.type == "meta") | .hooks | to_entries[] | select(.value) | "\(.key) \(.value)"' |
	tr -d '"')
for capability in $("$MEMWATCH" schema | jq -r '.types.meta.keys.hooks | keys[]'); do
	like "$(cat "$T/doctor")" $'\n'"  [-+] $capability +[^ ]" "doctor: lists $capability"
done
like "$(cat "$T/doctor")" "sizes are exact" "doctor: sizes are exact"
"$MEMWATCH" doctor --without calls >"$T/doctor"
like "$(cat "$T/doctor")" "- calls +not available.*lost: .*switched off by --without" \
	"doctor --without: says what is lost, and why"
if command -v node >/dev/null; then
	start node node -e 'console.log("{\"event\":\"ready\"}"); process.stdin.resume()'
	ready node
	"$MEMWATCH" doctor -p "$(pid_of node)" >"$T/doctor" 2>&1
	is "$?" 0 "doctor -p: status 0"
	version=$(node -p 'process.versions.v8' | grep -oE '^[0-9]+\.[0-9]+\.[0-9]+')
	like "$(cat "$T/doctor")" "V8 +${version//./\\.} in " "doctor -p: V8 $version"
	like "$(cat "$T/doctor")" "program +$(realpath "$(command -v node)")" "doctor -p: the program"
	kill "$(pid_of node)"
	ended node
else
	skip "doctor -p: V8's version" "no node here"
fi

# --- other users ---

chmod 755 "$T"
install -m 755 "$MEMWATCH" "$T/memwatch"
NOBODY=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all)
for command in watch doctor; do
	timeout 20 "${NOBODY[@]}" "$T/memwatch" $command >"$T/stdout" 2>"$T/stderr"
	is "$? $(wc -l <"$T/stderr")" "1 1" "$command as nobody: status 1, one line on stderr"
	like "$(cat "$T/stderr")" "^memwatch: no permission: .*root.*CAP_BPF and CAP_PERFMON" \
		"$command as nobody: what to do"
done

CAPS=-all,+bpf,+perfmon,+sys_ptrace
if ! setpriv --reuid=65534 --clear-groups --inh-caps=$CAPS --ambient-caps=$CAPS true 2>"$T/stderr"; then
	skip "with CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE only" "$(cat "$T/stderr")"
else
	CAPABLE=(setpriv --reuid=65534 --regid=65534 --clear-groups "--inh-caps=$CAPS"
		"--ambient-caps=$CAPS")
	start m "${CAPABLE[@]}" "$T/memwatch" --json -i 0.2 --budget 0
	await 20 "the first tick" has_record m process
	go one
	finished one
	tick m
	stop m
	is "$STATUS$(err_of m)" 0 "with capabilities only: it works"
	is "$(jq_of m 'select(.type == "meta") | [.hooks.totals, .hooks.self]')" '["iter/task",null]' \
		"with capabilities only: the meta record says what is lost"
	is "$(of_pid m "$(pid_of one)" '.[-1] | [.anon_bytes, .threads]')" \
		"[$(status_bytes "$(pid_of one)" RssAnon),1]" "with capabilities only: sizes of root's processes"
	is "$(of_pid m "$(pid_of one)" '.[-1] | has("approximate")')" false "and they are exact"
	is "$(jq_of m 'select(.type == "end") | .self | has("bpf_ns")')" false \
		"with capabilities only: what cannot be measured is absent"
	"${CAPABLE[@]}" "$T/memwatch" --json -d 0.1 -p "$(pid_of two)" >"$T/m.out" 2>"$T/stderr"
	is "$?$(cat "$T/stderr")" 0 "with capabilities only: -p works"
	is "$(of_pid m "$(pid_of two)" 'map(.anon_bytes) | unique')" \
		"[$(status_bytes "$(pid_of two)" RssAnon)]" "with capabilities only: -p: the size is exact"
	"${CAPABLE[@]}" "$T/memwatch" doctor -p "$sleeper" >"$T/doctor" 2>&1
	is "$?" 0 "doctor with capabilities only: status 0"
	like "$(cat "$T/doctor")" "without CAP_SYS_ADMIN" "doctor: what is missing"
	like "$(cat "$T/doctor")" "- self +not available.*lost: .*CAP_SYS_ADMIN" \
		"doctor: what is lost by that, and how to get it"
	like "$(cat "$T/doctor")" "program +$(realpath "/proc/$sleeper/exe")" \
		"doctor: root's program, by CAP_SYS_PTRACE"
fi
leave one
leave two

# --- installing ---

# "all" has nothing to build here: it is this very binary that is to be installed.
install_build=$T/build
mkdir "$install_build"
# made TARGET: make without what it would build first
# shellcheck disable=SC2317 # called by ok
made() {
	make -C "$ROOT" -o all BUILD="$install_build" DESTDIR="$T/root" PREFIX=/usr "$1" 2>&1
}
cp "$MEMWATCH" "$install_build/memwatch"
ok "make install" made install
is "$(cd "$T/root" && find . -type f | sort | xargs)" "./usr/sbin/memwatch \
./usr/share/bash-completion/completions/memwatch ./usr/share/man/man8/memwatch.8 \
./usr/share/zsh/site-functions/_memwatch" "make install: program, man page, completions"
is "$(stat -c %a "$T/root/usr/sbin/memwatch")" 755 "the program may be run by all"
is "$(stat -c %a "$T/root/usr/share/man/man8/memwatch.8")" 644 "the man page is for all"
is "$("$T/root/usr/sbin/memwatch" --version)" "$("$MEMWATCH" --version)" "and it runs from there"
ok "make uninstall" made uninstall
is "$(find "$T/root" -type f)" "" "make uninstall leaves nothing"

done_testing

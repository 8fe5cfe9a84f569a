#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A kernel that shows no types of its own: what is said, and what is had with a file of them (--btf);
# files that are not this kernel's; and totals by /proc against the iterator's. The kernel's types are
# hidden by a mount in a namespace of its own: the rest of the machine goes on seeing them.
# shellcheck disable=SC2317 # functions that await calls
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/growth.sh
. "$(dirname "$0")/../growth.sh"
# shellcheck source=tests/lifecycle.sh
. "$(dirname "$0")/../lifecycle.sh"
need
BTF=/sys/kernel/btf/vmlinux
[ -r $BTF ] || skip_all "this kernel has no types that could be hidden"
unshare -m true 2>/dev/null || skip_all "no mount namespace can be made here"

cp $BTF "$T/types"
cat >"$T/hidden" <<EOS
#!/bin/bash
exec unshare -m bash -c 'mount -t tmpfs none /sys/kernel/btf && exec "\$@"' - "$MEMWATCH" "\$@"
EOS
chmod +x "$T/hidden"
OPEN=$MEMWATCH HIDDEN=$T/hidden

# --- what is said ---

# one_line REGEX CMD...: status 1, and one line on stderr that matches
one_line() {
	local regex=$1
	shift
	timeout 30 "$@" >"$T/stdout" 2>"$T/stderr" </dev/null
	is "$? $(wc -l <"$T/stderr")" "1 1" "${*##*/}: status 1, one line on stderr"
	like "$(cat "$T/stderr")" "$regex" "${*##*/}: what is wrong"
}

none="^memwatch: this kernel has no BTF, .*CONFIG_DEBUG_INFO_BTF.*--btf FILE.*memwatch\(8\)"
for command in watch "check -n bash -d 1" doctor; do
	# shellcheck disable=SC2086 # a command and its options
	one_line "$none" "$HIDDEN" $command
done
like "$("$HIDDEN" doctor 2>/dev/null)" "types +no BTF: $BTF is not there; see --btf" \
	"doctor: that there are no types"
cat >"$T/malformed" <<EOS
#!/bin/bash
exec unshare -m bash -c 'mount -t tmpfs none /sys/kernel/btf && echo x >$BTF && exec "\$@"' - "$MEMWATCH" "\$@"
EOS
chmod +x "$T/malformed"
one_line "^memwatch: this kernel's BTF \($BTF\) is malformed" "$T/malformed"

# --- files that will not do ---

echo "some text" >"$T/text"
: >"$T/empty"
head -c 100000 "$T/types" >"$T/cut"
head -c 4 "$T/types" | cat - /dev/urandom | head -c 100000 >"$T/noise"
refused_file() {
	one_line "^memwatch: cannot use --btf $1: $2; it takes the BTF of Linux $(uname -r)" "$HIDDEN" \
		--btf "$1" -d 1
}
refused_file "$T/missing" "No such file or directory"
refused_file "$T" "Is a directory"
for bad in "$T/text" "$T/empty" "$T/cut" "$T/noise" "$MEMWATCH" /dev/zero; do
	refused_file "$bad" "it is neither BTF nor an ELF file with BTF in it \(section .BTF\)"
done
# What libbpf can read, but whose references lead astray: refused, or it does not matter.
crashes=0
for seed in {1..20}; do
	cp "$T/types" "$T/damaged"
	size=$(stat -c %s "$T/types")
	RANDOM=$seed
	for _ in {1..20}; do
		# shellcheck disable=SC2059 # an escape
		printf "\\x$(printf %02x $((RANDOM % 256)))" | dd of="$T/damaged" bs=1 conv=notrunc status=none \
			seek=$(((RANDOM * 32768 + RANDOM) % (size / 2)))
	done
	timeout 60 "$HIDDEN" --btf "$T/damaged" -d 0.1 -r 1 >/dev/null 2>"$T/stderr" </dev/null
	[ $? -le 1 ] || crashes=$((crashes + 1))
done
is $crashes 0 "damaged types: no crash, no hanging"
for other in "${MEMWATCH_KERNELS:-/var/cache/memwatch/kernels}"/*/*/btf; do
	[ -e "$other" ] || continue
	[ "$(cat "${other%/btf}/release")" != "$(uname -r)" ] || continue
	refused_file "$other" "it is of another (kernel version or build: its struct .*|architecture's kernel)"
	"$OPEN" --btf "$other" -d 1 >/dev/null 2>"$T/stderr"
	is "$? $(wc -l <"$T/stderr")" "1 1" "$other: refused also where the kernel has types"
done

# --- with the right one ---

# hooks_are RUN CAPABILITY HOOK...
hooks_are() {
	local run=$1
	shift
	while [ $# -gt 0 ]; do
		is "$(jq_of "$run" "select(.type == \"meta\") | .hooks[\"$1\"]" -r)" "$2" "$1 by $2"
		shift 2
	done
}

# run_all ARG...: all kinds of growth, of ends and of OOM kills, and what memwatch must say of them
run_all() {
	watch m -i 1 --budget 0 "$@"
	children_start children forks
	growth_start malloc mmap-grow brk
	tick m
	for id in children forks; do go $id; done
	growth_run malloc mmap-grow brk
	for id in children forks; do finished $id; done
	has_oom=1
	oom_run || has_oom=
	tick m
	stop m
	is "$STATUS" 0 "memwatch ends with status 0"
	for id in children forks; do children_judge $id; done
	for kind in malloc mmap-grow brk; do growth_judge $kind; done
	[ -z "$has_oom" ] || oom_judge
	for id in children forks malloc mmap-grow brk; do leave $id; done
}

note "a kernel without types, and a file of them"
MEMWATCH=$HIDDEN
run_all --btf "$T/types"
hooks_are m totals proc calls raw_tp/sys_exit fork raw_tp/sched_process_fork \
	exec raw_tp/sched_process_exec exit raw_tp/sched_process_exit oom raw_tp/mark_victim \
	sites null v8 null
like "$("$HIDDEN" doctor --btf "$T/types" 2>&1)" \
	"types +BTF in $T/types; the kernel has none itself.*- sites +not available.*does not know its own types" \
	"doctor: whose types they are, and what cannot be had"

note "the file on a kernel that has types"
MEMWATCH=$OPEN
watch m --btf "$T/types" -d 1
ended m
is "$STATUS" 0 "memwatch ends with status 0"
hooks_are m totals iter/task fork tp_btf/sched_process_fork
like "$("$OPEN" doctor --btf "$T/types" 2>&1)" "BTF in $T/types; the kernel has its own, too" \
	"doctor: that the kernel has its own"

# --- totals by /proc, and by the iterator ---

note "totals by /proc where there is the iterator"
growth_start malloc
start threads "$WORKLOADS/grow" threads --count 16 --step 64K --wait-go
ready threads
go threads
finished threads
cp "$(command -v sleep)" "$T/) R 1 (x"
start odd "$T/) R 1 (x" 1000
at_rest="$(pid_of malloc) $(pid_of threads) $(pid_of odd)"
figures() { # RUN: of what they are at the last tick
	jq_of "$1" 'select(.type == "process") | {pid, ppid, comm, cgroup, threads, rss_bytes, anon_bytes, file_bytes,
		shmem_bytes, swap_bytes, pgtable_bytes, vm_bytes, data_bytes, stack_bytes, heap_bytes, minflt,
		majflt, peak_rss_bytes, tens_of_ms: (.start_ns / 1e7 | floor)}' | sort -u
}
# shellcheck disable=SC2086 # several
{
	start iter "$MEMWATCH" --json -d 0.5 $at_rest
	ended iter
	start proc "$MEMWATCH" --json -d 0.5 --without iter $at_rest
	ended proc
}
hooks_are proc totals proc sites "stack walk"
is "$(figures iter | wc -l)" 3 "the iterator shows three processes at rest"
is "$(figures proc)" "$(figures iter)" "and /proc shows the same"

# The identity of a process is the same in all records.
watch m --without iter,tp_btf -i 1 --budget 0
children_start children
go children
finished children
tick m
stop m
hooks_are m fork raw_tp/sched_process_fork
children_judge children
parent=$(pid_of children)
is "$(jq_of m "select(.pid == $parent) | .start_ns" | sort -u | wc -l)" 1 "a process has one start"
leave children

if unshare --pid --fork --mount-proc true 2>/dev/null; then
	one_line "^memwatch: memwatch is in a PID namespace.*--pid=host" \
		unshare --pid --fork --mount-proc "$OPEN" --without iter -d 1
fi
if unshare --time --boottime 1000 true 2>/dev/null; then
	one_line "^memwatch: memwatch is in a time namespace" \
		unshare --time --boottime 1000 "$OPEN" --without iter -d 1
fi
for id in malloc threads; do leave $id; done

done_testing

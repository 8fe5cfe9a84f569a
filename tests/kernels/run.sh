#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# run.sh [KERNEL...]: memwatch on other kernels, each booted under QEMU: what must work there
# (kernels.tsv) is judged, and shown as a table. `make test-kernels` builds what it needs.
#
# KERNEL: as images.sh takes it: a series, a build, newest, all; on x86 also one of these without types
# (6.18-nobtf, by strip-btf.sh), where memwatch is given a file of them; without any, 5.10, 6.1, 6.12, 6.18 and
# the newest, on arm64 6.1, 6.12 and the newest. Environment:
#
#	ARCH		x86 (default) or arm64
#	BUILD		what is booted: build/static
#	RESULTS		where each guest's files and judgement go: $BUILD/kernels
#	JOBS		guests at a time: 2, of a core each
#
# A kernel whose image cannot be had is skipped, loudly. Status 1 if anything failed.
set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
arch=${ARCH:-x86}
build=$(realpath "${BUILD:-$top/build/static}")
results=${RESULTS:-$build/kernels}
export BUILD=$build
COLUMNS_OF_TABLE="totals calls faults fork exec exit oom gc sites v8 self"

if [ $# = 0 ]; then
	set -- 6.1 6.12 newest
	[ "$arch" = arm64 ] || set -- 5.10 6.1 6.12 6.18 newest
fi
scratch=$(mktemp -d)
# boot.sh waits for QEMU before it heeds a signal.
trap 'kill $(jobs -pr) 2>/dev/null; pkill -f "qemu-.*file=$scratch/"; wait; rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# declared KERNEL: its row, as HOOK=KIND words; that of the newest kernel before it, if it has none
declared() {
	awk -F '\t+' -v arch="$arch" -v kernel="$1" '
		function order(v, n) { split(v, n, "."); return n[1] * 1e6 + n[2] * 1e3 + n[3] }
		$1 == "#arch" { for (i = 3; i <= NF; i++) name[i] = $i }
		(kernel ~ /-nobtf$/) != ($2 ~ /-nobtf$/) { next }
		$1 == arch && ($2 == kernel || order($2) <= order(kernel) && !exact && order($2) >= best && $2 !~ /\..*\./) {
			best = order($2); exact = $2 == kernel; row = ""
			for (i = 3; i <= NF; i++) row = row (row == "" ? "" : " ") name[i] "=" $i
		}
		END { print row }' "$here/kernels.tsv"
}

# words ROW...: what guest/run is told
words() {
	local word
	for word; do
		case $word in
		calls=*) tr ',' ' ' <<<"${word#calls=}" ;;
		sites=-) ;;
		sites=*) echo sites ;;
		esac
	done | xargs
}

# one KERNEL FOLDER: booted and judged; a line of how long it took
one() {
	local kernel=$1 image=$2 out=$results/$arch-$1 row status=0 began=$SECONDS
	rm -rf "$out" && mkdir -p "$out"
	row=$(declared "$kernel")
	# shellcheck disable=SC2046,SC2086 # several words
	TMPDIR=$scratch "$here/boot.sh" "$arch" "$image" "$scratch/root" "$out" $(words $row) 2>"$out/boot" || status=$?
	if [ "$status" = 0 ]; then
		# shellcheck disable=SC2086 # several words
		MEMWATCH=$build/memwatch "$here/judge.sh" "$out" $row >"$out/tap" 2>"$out/judge"
		grep -q '^1\.\.' "$out/tap" ||
			echo "not ok 0 - judge: it came to its end: $(tail -n 1 "$out/judge")" >>"$out/tap"
		[ -n "$row" ] || echo "not ok 0 - hooks: kernels.tsv has no row for it, nor for one before it" >>"$out/tap"
	else
		{ echo "not ok 1 - boot: it came to its end"; cat "$out/boot"; tail -n 5 "$out/console"; } >"$out/tap"
	fi
	printf '  %-8s %-8s %4d s  %s: %s passed, %s failed\n' "$arch" "$kernel" $((SECONDS - began)) \
		"$(cat "$out/release" 2>/dev/null)" "$(grep -c '^ok' "$out/tap")" "$(grep -c '^not ok' "$out/tap")"
	grep '^not ok' "$out/tap" | sed 's/^not ok [0-9]*/           FAILED/'
}

# --- images, root, guests ---

fetched=() stripped=()
for kernel; do
	if [[ $kernel == *-nobtf ]]; then stripped+=("${kernel%-nobtf}"); else fetched+=("$kernel"); fi
done
: >"$scratch/images" && : >"$scratch/images.err"
[ ${#fetched[@]} = 0 ] || "$here/images.sh" "$arch" "${fetched[@]}" >"$scratch/images" 2>"$scratch/images.err"
"$here/root.sh" "$arch" "$scratch/root" || exit 1
for kernel in ${stripped[@]+"${stripped[@]}"}; do
	folder=$("$here/images.sh" "$arch" "$kernel" 2>>"$scratch/images.err" | cut -d ' ' -f 2)
	[ -n "$folder" ] || continue
	# Where that fails there is nothing to boot: a failure, and no skip.
	"$here/strip-btf.sh" "$folder" "$scratch/root" "$folder-nobtf"
	echo "$kernel-nobtf $folder-nobtf" >>"$scratch/images"
done
cat "$scratch/images.err" >&2
mkdir -p "$results"
mapfile -t kernels < <(cut -d ' ' -f 1 "$scratch/images")
# The newest take the longest: first.
while read -r kernel folder; do
	while [ "$(jobs -pr | wc -l)" -ge "${JOBS:-2}" ]; do wait -n; done
	one "$kernel" "$folder" &
done < <(tac "$scratch/images")
wait

# --- the table ---

# cell KERNEL CAPABILITY: the hook by which it works; FAILED; - where it is not to be had
cell() {
	local out=$results/$arch-$1 kind about=$2 hook
	kind=$(declared "$1" | tr ' ' '\n' | sed -n "s/^$2=//p")
	case $2 in
	fork | exec | exit) about=lifecycle ;;
	calls) about="calls|${kind//,/|}" ;;
	gc) about="gc|usdt" ;;
	esac
	if grep -Eq "^not ok [0-9]+ - ($about|boot): |^not ok [0-9]+ - hooks: $2 " "$out/tap"; then
		echo FAILED
	elif [ "$kind" = - ]; then
		echo -
	elif ! grep -Eq "^ok [0-9]+ - ($about): " "$out/tap"; then
		echo FAILED # nothing was seen of it
	else
		for hook in ${kind//,/ }; do basename "$hook"; done | paste -sd,
	fi
}

passed=0 failed=0
{
	printf 'on %s\t' "$arch"
	printf '%s\t' "${kernels[@]}"
	echo
	for capability in $COLUMNS_OF_TABLE; do
		printf '%s\t' "$capability"
		for kernel in "${kernels[@]}"; do printf '%s\t' "$(cell "$kernel" "$capability")"; done
		echo
	done
} >"$scratch/table"
echo
column -t -s $'\t' "$scratch/table"
echo
for kernel in "${kernels[@]}"; do
	passed=$((passed + $(grep -c '^ok' "$results/$arch-$kernel/tap")))
	failed=$((failed + $(grep -c '^not ok' "$results/$arch-$kernel/tap")))
done
skipped=$(grep -c '^images\.sh:' "$scratch/images.err") # apt has its own words there
[ "$skipped" = 0 ] || echo "NOT TESTED: $skipped that could not be had, see above"
[ ${#kernels[@]} -gt 0 ] || { echo "no kernel was tested" >&2; exit 1; }
for kernel in "${kernels[@]}"; do
	grep -h 'NOT COMPARED' "$results/$arch-$kernel/tap"
done
echo "$passed passed, $failed failed, $skipped skipped"
# A cell may be FAILED because nothing was seen of it.
[ "$failed" = 0 ] && ! grep -qw FAILED "$scratch/table"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# layers.sh - that each layer of user/ includes only what it may (docs: architecture), that only
# session*.c know the BPF skeleton, and that each source says its licence. Prints offenders.
set -u
cd "${1:-$(dirname "$0")/..}" || exit 1

# layer: what it may include besides itself. include/memwatch/ is open to all.
declare -A MAY=(
	[base]=""
	[model]="base"
	[sym]="base model"
	[v8]="base model sym"
	[census]="base model sym v8"
	[collect]="base model sym v8"
	[analysis]="base model"
	[store]="base model analysis"
	[output]="base model analysis"
	[cmd]="base model sym v8 census collect analysis store output"
	[.]="base cmd" # main.c
)
SKELETON_USERS='user/collect/session*.c'

offenders=0
offend() {
	printf '%s\n' "$*"
	offenders=$((offenders + 1))
}

# check_include FILE LAYER LINE INCLUDED
check_include() {
	local file=$1 layer=$2 line=$3 included=$4 of

	case $included in
	memwatch/abi.h | memwatch/gc.h | memwatch/sites.h | memwatch/usdt.h) return ;;
	profile.pb-c.h)
		[ "$file" = user/output/pprof.c ] ||
			offend "$file:$line: only user/output/pprof.c includes pprof's format"
		return
		;;
	memwatch.skel.h)
		# shellcheck disable=SC2053 # a pattern
		[[ $file == $SKELETON_USERS ]] ||
			offend "$file:$line: only $SKELETON_USERS include the skeleton"
		return
		;;
	esac
	if [ ! -e "user/$included" ]; then
		offend "$file:$line: \"$included\" is no file below user/: name it by its layer"
		return
	fi
	of=${included%%/*}
	if [[ " $layer ${MAY[$layer]} " != *" $of "* ]]; then
		if [ "$of" = cmd ]; then
			offend "$file:$line: nothing includes cmd/ ($included)"
		else
			offend "$file:$line: $layer must not include $of ($included)"
		fi
	fi
}

files=0
while IFS= read -r file; do
	layer=$(dirname "${file#user/}")
	files=$((files + 1))
	if [ -z "${MAY[$layer]+known}" ]; then
		offend "$file: '$layer' is no layer"
		continue
	fi
	while IFS=: read -r line text; do
		included=${text#*\"}
		check_include "$file" "$layer" "$line" "${included%%\"*}"
	done < <(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$file")
done < <(find user -name '*.[ch]' | sort)
[ "$files" -gt 0 ] || offend "no sources below user/ in $PWD"

# Generated, so without one: vmlinux.h.
while IFS= read -r file; do
	[[ $file == vmlinux/*/vmlinux.h ]] && continue
	head -n 3 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause' ||
		offend "$file: no SPDX line"
done < <(find . \( -name .git -o -name build -o -name node_modules \) -prune -o -type f \
	\( -name '*.[ch]' -o -name '*.sh' -o -name '*.js' -o -name Makefile -o -path './.ci/run' \) -print |
	sed 's,^\./,,' | sort)

[ "$offenders" = 0 ] || exit 1

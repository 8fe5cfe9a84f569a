#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Keeps the layers apart: what a file in user/LAYER may include, that only one file knows the
# skeleton, and that every source file names its licence. Prints offenders; status 1 if any.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A may=(
	[base]="base"
	[model]="base model"
	[sym]="base model sym"
	[v8]="base model sym v8"
	[collect]="base model sym v8 collect"
	[analysis]="base model analysis"
	[store]="base model store"
	[output]="base model analysis output"
	[cmd]="base model sym v8 collect analysis store output cmd"
)
bad=0

complain() {
	echo "layers: $*" >&2
	bad=1
}

for layer in user/*/; do
	layer=${layer#user/}
	layer=${layer%/}
	[ "$layer" != share ] || continue
	allowed=${may[$layer]:-}
	[ -n "$allowed" ] || {
		complain "user/$layer is not a layer that tests/layers.sh knows"
		continue
	}
	while IFS=: read -r file line include; do
		other=${include#*\"}
		other=${other%%/*}
		case $include in
		*'"memwatch/abi.h"'*) continue ;;
		*'"memwatch.skel.h"'*)
			[ "$file" = user/collect/session.c ] ||
				complain "$file:$line: only user/collect/session.c uses the skeleton"
			continue
			;;
		esac
		[[ " $allowed " == *" $other "* ]] ||
			complain "$file:$line: $layer may not include from $other ($allowed)"
	done < <(grep -n '^#include "' "user/$layer"/*.[ch] | sed 's/#include //')
done
while IFS= read -r file; do
	head -n 3 "$file" | grep -q 'SPDX-License-Identifier: ' || complain "$file: no SPDX line"
done < <(git ls-files -co --exclude-standard '*.c' '*.h' '*.sh' '*.js' '*.awk' Makefile .ci/run \
	user/share | while IFS= read -r file; do [ ! -f "$file" ] || echo "$file"; done)
exit $bad

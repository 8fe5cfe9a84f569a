#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# corpus.sh DIR - what the fuzzers of user/sym begin with: small ELF files as several compilers and options
# make them, their frame descriptions, and lines of maps. Below DIR, a folder a fuzzer.
set -euo pipefail
dir=${1:?usage: corpus.sh DIR}
mkdir -p "$dir"/fuzz_{elf,symbols,cfi,maps}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cat >"$scratch/a.c" <<'END'
static volatile int v;
static inline __attribute__((always_inline)) int in(int x) { return v += x; }
__attribute__((noinline)) int f(int n) { volatile char a[n % 9 + 1]; a[0] = in(n); return n ? f(n - 1) + a[0] : 0; }
int main(int c, char **a) { return f(c) + in(*a[0]); }
END
n=0
while read -r flags; do
	n=$((n + 1))
	# shellcheck disable=SC2086 # words
	gcc $flags -o "$scratch/$n" "$scratch/a.c" || continue
	for fuzzer in elf symbols; do
		cp "$scratch/$n" "$dir/fuzz_$fuzzer/$n"
	done
	for section in eh_frame debug_frame; do
		rm -f "$scratch/frame"
		objcopy --dump-section ".$section=$scratch/frame" "$scratch/$n" 2>/dev/null || true
		[ -s "$scratch/frame" ] || continue
		{ if [ $section = eh_frame ]; then printf '\0'; else printf '\1'; fi
			printf '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'; cat "$scratch/frame"; } \
			>"$dir/fuzz_cfi/$section-$n"
	done
done <<'END'
-O2 -g -nostartfiles -Wl,-emain -shared -fPIC
-O0 -g -gdwarf-4 -nostartfiles -Wl,-emain
-O2 -g -gz -nostartfiles -Wl,-emain
-O2 -g -gz=zlib-gnu -nostartfiles -Wl,-emain
-O2 -g3 -gdwarf-3 -fno-omit-frame-pointer -nostartfiles -Wl,-emain
-O1 -g -fno-asynchronous-unwind-tables -nostartfiles -Wl,-emain
-O2 -s
END

cat >"$dir/fuzz_maps/maps" <<'END'
7f00-7f01 r-xp 00002000 fd:01 1311                       /usr/lib/a b.so (deleted)
END
printf '7f00aa 40 LazyCompile:*save /app/handles.js:12:24' >"$dir/fuzz_maps/js"
printf '7f00aa 40 py::save:/app/handles.py' >"$dir/fuzz_maps/python"
printf '_ZNSt6vectorINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEESaIS5_EE17_M_realloc_insertIJRKS5_EEEvN9__gnu_cxx17__normal_iteratorIPS5_S7_EEDpOT_' >"$dir/fuzz_maps/cxx"
printf '_RINvC1a1fThhETB7_B7_EE' >"$dir/fuzz_maps/rust"
printf '_ZN3app6Handle4save17h0123456789abcdefE.llvm.12' >"$dir/fuzz_maps/legacy"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# corpus.sh DIR - what the fuzzers of user/sym and user/store begin with: small ELF files as several compilers
# and options make them, their frame descriptions, lines of maps, a census. Below DIR, a folder a fuzzer.
set -euo pipefail
dir=${1:?usage: corpus.sh DIR}
mkdir -p "$dir"/fuzz_{heap,elf,symbols,cfi,go,maps,usdt,census_file}
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

# A table of two functions, as of Go 1.16 and 1.18.
cat >"$scratch/go.c" <<'END'
#include <stdint.h>
#include <stdio.h>
#include <string.h>
static unsigned char t[400];
static void put(int at, uint64_t v, int bytes) { memcpy(t + at, &v, bytes); }
int main(int c, char **a)
{
	int is_118 = c > 1, at = 8, size = is_118 ? 4 : 8, f = 160, text = is_118 ? 0 : 0x401000;
	uint64_t parts[] = {80, 100, 108, 130, f};
	put(0, is_118 ? 0xfffffff0 : 0xfffffffa, 4), t[6] = 1, t[7] = 8;
	put(at, 2, 8), put(at += 8, 1, 8);
	if (is_118)
		put(at += 8, 0x401000, 8);
	for (int i = 0; i < 5; i++)
		put(at += 8, parts[i], 8);
	strcpy((char *)t + 80, "main.f"), strcpy((char *)t + 90, "main.g");
	put(100, 0, 4), strcpy((char *)t + 108, "/app/main.go");
	memcpy(t + 131, "\2\x40\0\x16\x20\x14\x20\0", 8); /* 0 for 64 bytes; then lines */
	for (int i = 0; i < 3; i++)
		put(f + 2 * i * size, text + 32 * i, size), put(f + (2 * i + 1) * size, 80 + 48 * i, size);
	for (int i = 0; i < 2; i++) {
		int d = f + 80 + 48 * i + (is_118 ? 4 : 8);
		put(d, 10 * i, 4), put(d + 16, 1, 4), put(d + 20, 4, 4);
	}
	fwrite(t, 1, sizeof(t), stdout);
}
END
gcc -w -o "$scratch/go" "$scratch/go.c"
"$scratch/go" >"$dir/fuzz_go/116"
"$scratch/go" 118 >"$dir/fuzz_go/118"

cat >"$dir/fuzz_maps/maps" <<'END'
7f00-7f01 r-xp 00002000 fd:01 1311                       /usr/lib/a b.so (deleted)
END
printf '7f00aa 40 LazyCompile:*save /app/handles.js:12:24' >"$dir/fuzz_maps/js"
printf '7f00aa 40 py::save:/app/handles.py' >"$dir/fuzz_maps/python"
printf '_ZNSt6vectorINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEESaIS5_EE17_M_realloc_insertIJRKS5_EEEvN9__gnu_cxx17__normal_iteratorIPS5_S7_EEDpOT_' >"$dir/fuzz_maps/cxx"
printf '_RINvC1a1fThhETB7_B7_EE' >"$dir/fuzz_maps/rust"
printf '_ZN3app6Handle4save17h0123456789abcdefE.llvm.12' >"$dir/fuzz_maps/legacy"
# shellcheck disable=SC2016 # the assembler's dollar
printf '4@%%edi -4@$3 8@-8(%%rbp) 8@8(%%rax,%%rdx,4) 1@%%ah' >"$dir/fuzz_usdt/x86"
printf '4@x0 -4@w30 8@[sp, 16] 8@[x1, x2, lsl 3] 4@5' >"$dir/fuzz_usdt/arm64"

cat >"$dir/fuzz_census_file/census" <<'END'
{"type":"meta","ts_ns":1,"time":"2026-11-26T22:10:01.000Z","schema":1,"version":"0.1.0","targets":{"pids":[4711]},"hooks":{}}
{"type":"census","ts_ns":1,"time":"2026-11-26T22:10:01.000Z","pid":4711,"start_ns":5,"comm":"node","runtime":"V8 12.4.254","pause_ns":18200000,"live":true,"gc_waits":1,"isolates":[{"isolate":"0x7f001000","count":3000,"bytes":192000,"external_bytes":1,"page_bytes":262144}],"lost":{"names":1}}
{"type":"constructor","name":"StatusContext","class":"Object","kind":"object","file":"/app/handles.js","line":25,"isolate":"0x7f001000","count":3000,"bytes":192000,"external_bytes":7,"delta_count":1}
{"type":"retainer","of":"StatusContext","kind":"object","isolate":"0x7f001000","instances":3000,"container":"Map","share":0.9981,"count":41007,"bytes":2044723,"path":[{"edge":"variable `handleMap`","node":"Context","file":"/app/handles.js","line":12}],"left_out":2,"owners":[{"edge":".a","node":"Object"}],"owners_left_out":1}
{"type":"end","censuses":1}
END

# Changes of words: records of 12 bytes behind one, at random, the same each time
for n in 1 4 16; do
	LC_ALL=C awk -v n="$n" 'BEGIN {
		srand(n)
		for (i = 0; i <= 12 * n; i++)
			printf "%c", int(rand() * 256)
	}' >"$dir/fuzz_heap/changes-$n"
done

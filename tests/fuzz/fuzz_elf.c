/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libFuzzer: the input is an ELF file (in a memfd); everything in it is walked.
 *
 *   clang-14 -std=gnu11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined -Iuser -Iinclude \
 *	tests/fuzz/fuzz_elf.c user/sym/elf_file.c -lelf -o /tmp/fuzz_elf
 *   mkdir /tmp/corpus && cp /bin/true /tmp/corpus && /tmp/fuzz_elf -max_total_time=60 /tmp/corpus
 *
 * LIMITATIONS: libelf itself is not instrumented. Its heap overflows are still
 * seen where ASan replaces malloc and memcpy, not where it loads directly.
 */
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "../unit/elf_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_walk w;
	char path[32];
	int fd = elf_build_memfd(data, size, path);

	if (fd < 0)
		return -1;
	elf_walk_path(path, &w);
	close(fd);
	return 0;
}

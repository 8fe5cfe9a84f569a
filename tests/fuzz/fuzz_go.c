/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libFuzzer: the input is a section .gopclntab; functions are looked up around the addresses that a
 * small one has.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "section_elf.h"
#include "sym/go_table.h"

#define MAX_BYTES (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct go_function function;
	struct go_table *t;
	struct elf_file *f;
	char path[32];
	int fd;

	if (size > MAX_BYTES)
		return -1;
	fd = section_elf_write(".gopclntab", data, size);
	if (fd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	f = elf_file_open(path);
	close(fd);
	t = f ? go_table_open(f) : NULL;
	for (uint64_t at = 0x401000; t && at < 0x401100; at += 8) {
		if (go_table_find(t, at, &function))
			continue;
		if (!memchr(function.fn, '\0', sizeof(function.fn)) || !*function.fn ||
		    !memchr(function.file, '\0', sizeof(function.file)))
			abort();
	}
	go_table_free(t);
	elf_file_free(f);
	return 0;
}

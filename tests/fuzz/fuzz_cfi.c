/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libFuzzer: the input is a section .eh_frame (or, by its first byte, .debug_frame) at address
 * 0x1000, after 16 bytes that say where to begin. It is judged, and unwound from several addresses
 * with a stack that holds whatever it is asked for.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "section_elf.h"
#include "sym/cfi.h"

#define HEAD_BYTES 16
#define MAX_BYTES  (1u << 20)

static int read_any(void *arg, uint64_t addr, uint64_t *out)
{
	unsigned *reads = arg;

	++*reads;
	*out = addr * 0x9e3779b97f4a7c15;
	return addr % 7 ? 0 : -EFAULT;
}

static void unwind(struct cfi *c, uint64_t pc)
{
	struct cfi_regs regs = {.known = UINT32_MAX};
	unsigned reads = 0;
	bool signal = false;
	int ret;

	for (unsigned i = 0; i < MW_REGS; i++)
		regs.v[i] = 0x7fff0000 + 8 * i;
	ret = cfi_step(c, pc, 0x10000, &regs, read_any, &reads, &signal);
	if (ret > CFI_OUTERMOST || reads > 64 * (MW_REGS + 1))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_file *f;
	struct cfi *c;
	char path[32];
	uint64_t pc;
	double share;
	int fd;

	if (size < HEAD_BYTES || size > MAX_BYTES)
		return -1;
	fd = section_elf_write(data[0] & 1 ? ".debug_frame" : ".eh_frame", data + HEAD_BYTES,
			       size - HEAD_BYTES);
	if (fd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	f = elf_file_open(path);
	close(fd);
	c = f ? cfi_load(f) : NULL;
	if (c) {
		share = cfi_frame_pointers(c);
		if (share > 1 || (share < 0 && share != -1))
			abort();
		memcpy(&pc, data + 8, sizeof(pc));
		unwind(c, pc);
		for (size_t i = 0; i < 64 && i < cfi_count(c); i++)
			unwind(c, cfi_address(c, i) + data[1] % 64);
	}
	cfi_free(c);
	elf_file_free(f);
	return 0;
}

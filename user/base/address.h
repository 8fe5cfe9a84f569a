/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Addresses of programs on this machine.
 *
 * arm64 kernels are built for address spaces of several sizes, and processors with pointer
 * authentication sign return addresses in the bits above.
 */
#ifndef MEMWATCH_BASE_ADDRESS_H
#define MEMWATCH_BASE_ADDRESS_H

#include <stdint.h>

/**
 * address_bits - how many bits an address in user space has
 *
 * On arm64 by where the kernel has put this program's stack: at the top of the address space, in
 * that part of it that mmap(2) uses without being asked for more (CONFIG_ARM64_VA_BITS, of 52
 * bits 48: Documentation/arch/arm64/memory.rst). Elsewhere all: nothing is signed.
 */
unsigned address_bits(void);

/** address_of_code - @v without the signature that a return address may have */
uint64_t address_of_code(uint64_t v);

#endif

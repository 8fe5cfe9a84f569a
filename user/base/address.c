/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How wide addresses are: see the header. */
#include "base/address.h"

#if defined(__aarch64__)
#include <sys/auxv.h>

unsigned address_bits(void)
{
	/* With pages of 16 KiB 36, 47 and 48; of 64 KiB 42 and 48; of 4 KiB 39 and 48 */
	static const unsigned sizes[] = {36, 39, 42, 47};
	unsigned long on_stack = getauxval(AT_RANDOM);

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (!(on_stack >> sizes[i]))
			return sizes[i];
	}
	return 48;
}
#else
unsigned address_bits(void)
{
	return 64;
}
#endif

uint64_t address_of_code(uint64_t v)
{
	unsigned bits = address_bits();

	return bits < 64 ? v & ((1ULL << bits) - 1) : v;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* SHA-256 (FIPS 180-4), as a Content-Security-Policy names what may run. Not for secrets. */
#ifndef MEMWATCH_BASE_SHA256_H
#define MEMWATCH_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES  32
#define SHA256_BASE64 45 /* with its NUL */

/** sha256 - of @len bytes at @data */
void sha256(uint8_t out[SHA256_BYTES], const void *data, size_t len);
/** sha256_base64 - the same in base64 (RFC 4648, with padding). Returns @out. */
char *sha256_base64(char out[SHA256_BASE64], const void *data, size_t len);

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* SHA-256 as FIPS 180-4, 6.2 has it, a block of 64 bytes after the other. */
#include "base/sha256.h"

#include <string.h>

#define BLOCK  64
#define LENGTH 8 /* bytes of the message's length, at the end of the last block */
#define ROUNDS 64

static const uint32_t round_keys[ROUNDS] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t rotate(uint32_t x, unsigned by)
{
	return x >> by | x << (32 - by);
}

static uint32_t read_be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void schedule(uint32_t w[ROUNDS], const uint8_t *block)
{
	for (int t = 0; t < 16; t++)
		w[t] = read_be32(block + (size_t)4 * t);
	for (int t = 16; t < ROUNDS; t++) {
		uint32_t a = w[t - 15], b = w[t - 2];

		w[t] = w[t - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[t - 7] +
		       (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
}

static void take_block(uint32_t state[8], const uint8_t *block)
{
	uint32_t w[ROUNDS], v[8];

	schedule(w, block);
	memcpy(v, state, sizeof(v));
	for (int t = 0; t < ROUNDS; t++) {
		uint32_t a = v[0], e = v[4];
		uint32_t t1 = v[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
			      ((e & v[5]) ^ (~e & v[6])) + round_keys[t] + w[t];
		uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
			      ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof(v[0]));
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		state[i] += v[i];
}

void sha256(uint8_t out[SHA256_BYTES], const void *data, size_t len)
{
	uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
			     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	uint8_t last[2 * BLOCK] = {0};
	const uint8_t *at = data;
	size_t rest = len % BLOCK, padded = rest + 1 + LENGTH > BLOCK ? 2 * BLOCK : BLOCK;

	for (size_t i = 0; i + BLOCK <= len; i += BLOCK)
		take_block(state, at + i);
	if (rest)
		memcpy(last, at + len - rest, rest);
	last[rest] = 0x80;
	for (int i = 0; i < LENGTH; i++)
		last[padded - 1 - i] = (uint8_t)((uint64_t)len * 8 >> 8 * i);
	for (size_t i = 0; i < padded; i += BLOCK)
		take_block(state, last + i);
	for (int i = 0; i < SHA256_BYTES; i++)
		out[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

char *sha256_base64(char out[SHA256_BASE64], const void *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t sum[SHA256_BYTES + 1] = {
		0}; /* 33 bytes are 44 digits; of the last no bit is ours */
	char *to = out;

	sha256(sum, data, len);
	for (int i = 0; i < SHA256_BYTES; i += 3) {
		uint32_t three = (uint32_t)sum[i] << 16 | (uint32_t)sum[i + 1] << 8 | sum[i + 2];

		for (int shift = 18; shift >= 0; shift -= 6)
			*to++ = digits[three >> shift & 63];
	}
	to[-1] = '=';
	*to = '\0';
	return out;
}

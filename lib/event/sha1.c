/* SPDX-License-Identifier: BSD-3-Clause */
#include "event_private.h"

enum { BLOCK_BYTES = 64, BLOCK_WORDS = 16, LENGTH_BYTES = 8, ROUNDS = 80 };

static uint32_t
rotate_left(uint32_t value, unsigned bits)
{
	return value << bits | value >> (32 - bits);
}

/* The function and constant of a round (FIPS 180-4, 4.1.1 and 4.2.1), added up. */
static uint32_t
mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
	switch (round / 20) {
	case 0:
		return ((b & c) | (~b & d)) + 0x5a827999;
	case 1:
		return (b ^ c ^ d) + 0x6ed9eba1;
	case 2:
		return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
	default:
		return (b ^ c ^ d) + 0xca62c1d6;
	}
}

static void
digest_block(uint32_t state[5], const uint8_t *block)
{
	uint32_t schedule[ROUNDS];
	uint32_t word[5];

	for (unsigned i = 0; i < BLOCK_WORDS; i++)
		schedule[i] = jbr_load_be32(block + 4 * i);
	for (unsigned i = BLOCK_WORDS; i < ROUNDS; i++) {
		uint32_t mixed = schedule[i - 3] ^ schedule[i - 8] ^ schedule[i - 14] ^
			schedule[i - 16];

		schedule[i] = rotate_left(mixed, 1);
	}
	memcpy(word, state, sizeof(word));
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint32_t next = rotate_left(word[0], 5) + mix(i, word[1], word[2], word[3]) +
			word[4] + schedule[i];

		word[4] = word[3];
		word[3] = word[2];
		word[2] = rotate_left(word[1], 30);
		word[1] = word[0];
		word[0] = next;
	}
	for (unsigned i = 0; i < 5; i++)
		state[i] += word[i];
}

static void
store_be32(uint8_t *to, uint32_t value)
{
	value = __builtin_bswap32(value);
	memcpy(to, &value, sizeof(value));
}

void
jbr_event_sha1(const void *bytes, size_t length, uint8_t ret_digest[JBR_SHA1_SIZE])
{
	uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	uint64_t bits = (uint64_t)length * 8;
	uint8_t tail[2 * BLOCK_BYTES] = {0};
	const uint8_t *at = bytes;
	size_t left = length;
	size_t tail_length;

	for (; left >= BLOCK_BYTES; left -= BLOCK_BYTES, at += BLOCK_BYTES)
		digest_block(state, at);
	/* a one bit, zeros, and the length in the last 8 bytes: one block, or two */
	if (left > 0)
		memcpy(tail, at, left);
	tail[left] = 0x80;
	tail_length = left + 1 + LENGTH_BYTES <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
	store_be32(tail + tail_length - 8, (uint32_t)(bits >> 32));
	store_be32(tail + tail_length - 4, (uint32_t)bits);
	for (size_t i = 0; i < tail_length; i += BLOCK_BYTES)
		digest_block(state, tail + i);
	for (unsigned i = 0; i < 5; i++)
		store_be32(ret_digest + 4 * i, state[i]);
}

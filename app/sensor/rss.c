/* SPDX-License-Identifier: BSD-3-Clause */
#include "rss.h"

#include <string.h>

#include <rte_thash.h>

enum { KEY_LEAST = 40, TUPLES = 64 };

void
rss_symmetric_key(uint8_t *ret_key, size_t length)
{
	for (size_t i = 0; i < length && i < RSS_KEY_MAX; i++)
		ret_key[i] = i % 2 == 0 ? 0x6d : 0x5a;
}

/* Numbers that differ, the same each time. */
static uint32_t
next_number(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 32);
}

/* @param words  32-bit words of an address: 1 or 4 */
static bool
is_symmetric_for(const uint8_t *key, unsigned words, bool has_ports, uint64_t *state)
{
	uint32_t there[9];
	uint32_t back[9];
	unsigned count = 2 * words;

	for (unsigned i = 0; i < words; i++) {
		there[i] = next_number(state);
		there[words + i] = next_number(state);
		back[i] = there[words + i];
		back[words + i] = there[i];
	}
	if (has_ports) {
		there[count] = next_number(state);
		back[count] = there[count] << 16 | there[count] >> 16;
		count++;
	}
	return rte_softrss(there, count, key) == rte_softrss(back, count, key);
}

bool
rss_is_symmetric(const uint8_t *key, size_t length)
{
	uint64_t state = 1;

	if (length < KEY_LEAST)
		return false;
	for (unsigned i = 0; i < TUPLES; i++)
		if (!is_symmetric_for(key, i % 2 == 0 ? 1 : 4, i % 4 < 2, &state))
			return false;
	return true;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file jbr_host.h
 * The busiest hosts and services, in fixed memory however many there are.
 *
 * Method:  Space-Saving (Metwally, Agrawal, El Abbadi, 2005): a newcomer takes the place of the smallest
 *          count and inherits it as what its own may be over. Whoever has more than 1/JBR_TOP_ENTRIES of
 *          all is in the list.
 * Threads: one owner at a time.
 * Memory:  the caller's; all zeros is an empty list.
 */
#pragma once
#include <stdint.h>

#include "jbr_base.h"

enum { JBR_TOP_ENTRIES = 40 };

/** Of whom. */
struct jbr_top_key {
	uint8_t address[16]; /**< IPv4 in the first 4 bytes, zeros after */
	uint16_t port;       /**< of a service, else 0 */
	uint8_t ip_version;
	uint8_t unused[5];
};

struct jbr_top_entry {
	struct jbr_top_key key;
	uint64_t count; /**< at most so many; 0 = unused */
	uint64_t over;  /**< and at least so many less */
	uint64_t last_ns;
};

struct jbr_top {
	struct jbr_top_entry entries[JBR_TOP_ENTRIES];
	uint64_t total;
};

/** Count @p times for @p key at @p now_ns. */
void jbr_top_add(struct jbr_top *top, const struct jbr_top_key *key, uint64_t times,
	uint64_t now_ns);
/** Copy up to @p max entries, the largest count first; equal ones by key.
 * @return how many */
uint32_t jbr_top_list(const struct jbr_top *top, struct jbr_top_entry *ret_entries, uint32_t max);

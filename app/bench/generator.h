/* SPDX-License-Identifier: BSD-3-Clause */
/** @file generator.h
 * Writes packet after packet into buffers: connections set up by a real handshake, then the segments
 * of their script, floods beside.
 *
 * Owns:    the traffic. A connection's addresses, ports and numbers are computed from its index, and
 *          uniform traffic visits every connection once in an order without pattern, then again: so it
 *          keeps no memory per connection that would compete for the cache. Only Zipf traffic keeps
 *          4 bytes for each.
 * Threads: one owner at a time.
 * Frames:  Ethernet; the IPv4 header checksum is right, the TCP checksum is not computed: the buffers
 *          are marked as a NIC marks frames with good checksums.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "jbr_base.h"
#include "scenario.h"

enum {
	GENERATOR_BURST = 32,
	GENERATOR_FLOWS_MAX = 1 << 24, /* each has a client address of its own in 10.0.0.0/8 */
	GENERATOR_ZIPF_STEPS = 1024,
};

struct rte_mbuf;
struct generator;

struct generator_params {
	const struct scenario *scenario;
	uint32_t flows; /**< 1..GENERATOR_FLOWS_MAX */
	uint8_t flood;  /**< FLOOD_*, not 0 where the scenario has a share of it */
	uint32_t
		first_flood; /**< number of the first flood packet: another one gives other tuples */
};

/** What was written so far. */
struct generator_counts {
	uint64_t established; /**< segments of established connections, set-up included */
	uint64_t flood;
};

/** Create a generator.
 * @return it, or NULL with errno ENOMEM or EINVAL. */
struct generator *generator_create(const struct generator_params *params);
/** Release; NULL is fine. */
void generator_free(struct generator *generator);
/** Write the bytes that never change into @p count buffers. They must have room for 1,514. */
void generator_prepare(const struct generator *generator, struct rte_mbuf **mbufs, unsigned count);
/** The next up to @p count packets that set connections up, up to GENERATOR_BURST: handshakes, and as
 * many segments of the script as spread the connections over it.
 * @return how many; 0 when all are set up. */
unsigned generator_set_up(struct generator *generator, struct rte_mbuf **mbufs, unsigned count);
/** The next @p count packets of the scenario, up to GENERATOR_BURST. */
void generator_fill(struct generator *generator, struct rte_mbuf **mbufs, unsigned count);
/** The next @p count packets of the flood alone. */
void generator_flood(struct generator *generator, struct rte_mbuf **mbufs, unsigned count);
/** After traffic: visit every connection with its next segment, so that one that was lost shows. Call
 * until it returns 0; then start over.
 * @return how many packets were written. */
unsigned generator_visit(struct generator *generator, struct rte_mbuf **mbufs, unsigned count);
/** What was written so far. */
struct generator_counts generator_counts(const struct generator *generator);

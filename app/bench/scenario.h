/* SPDX-License-Identifier: BSD-3-Clause */
/** @file scenario.h
 * What traffic a measurement is made of.
 *
 * Owns:    the named scenarios, and the order of the segments inside an established connection.
 * Threads: constants and pure functions.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "jbr_base.h"

enum { TURNS_MAX = 16 };

/** One segment of a connection's cycle. One side sends data, the other acknowledges it. */
struct turn {
	bool is_reply;    /**< from the side that acknowledges */
	uint16_t payload; /**< bytes */
	uint16_t sent;    /**< of the cycle's bytes, those sent before this segment */
	uint16_t acked;   /**< of the cycle's bytes, those this segment acknowledges */
};

/** The cycle that every established connection goes through again and again: each segment is the next
 * in order, each reply acknowledges something new. */
struct script {
	uint8_t count;  /**< segments of a cycle, up to TURNS_MAX */
	uint16_t bytes; /**< payload of a cycle */
	struct turn turns[TURNS_MAX];
};

/** Kinds of packets of a flood, a bit each; every one has a tuple of its own. */
enum {
	FLOOD_SYN = 1 << 0,  /**< with an MSS option */
	FLOOD_ACK = 1 << 1,  /**< pure ACK */
	FLOOD_DATA = 1 << 2, /**< ACK with 6 bytes */
	FLOOD_RST = 1 << 3,
	FLOOD_FIN = 1 << 4, /**< FIN and ACK */
	FLOOD_KINDS = 5,
};

/** How much of the traffic is flood. */
enum flood_share { SHARE_NONE, SHARE_HALF, SHARE_ALL };

struct scenario {
	const char *name;
	const char *summary;
	const struct script *script;
	uint8_t ip_version; /**< 4 or 6 */
	uint8_t share;      /**< enum flood_share */
	uint8_t flood;      /**< FLOOD_*; of the default */
	bool is_zipf;       /**< connections are drawn by Zipf's law, exponent 1 */
	bool is_later;      /**< not there yet */
};

/** All of them; @p ret_count receives how many. */
const struct scenario *scenario_all(unsigned *ret_count);
/** The one called @p name, or NULL. */
const struct scenario *scenario_find(const char *name);
/** Read a list like `syn,rst` into FLOOD_* bits.
 * @return 0, or -EINVAL with the names that exist in @p error. */
int scenario_read_flood(const char *list, uint8_t *ret_flood, struct jbr_error *error);
/** Write FLOOD_* bits as such a list. */
void scenario_write_flood(uint8_t flood, char text[32]);

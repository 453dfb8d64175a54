/* SPDX-License-Identifier: BSD-3-Clause */
/** @file lane.h
 * One worker with a table, a generator and buffers of its own, and the loops that are timed on it.
 *
 * Threads: a lane's functions run on one thread at a time, pinned by the caller.
 * Time:    cycles are those of the TSC. Packets have a clock of their own, LANE_SPACING_NS apart.
 * Honesty: a loop round (one burst) that took longer than LANE_GAP_US, and than four times the mean of
 *          the warm-up, is taken out of the sums, because the machine was elsewhere; how many and how
 *          long they were is counted.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "generator.h"
#include "jbr_base.h"
#include "jbr_packet.h"
#include "jbr_stats.h"

enum {
	LANE_SPACING_NS = 67, /* 14.9 million packets/s, 10G at 64 bytes */
	LANE_GAP_US = 20,
	LANE_EXPIRE_BURSTS = 32, /* timers are looked at once in so many bursts */
	LANE_PUBLISH_US = 10000, /* as the sensor's loop: its figures for the stats segment */
};

/** How much of a packet's way a timed loop does. Each holds the one before. */
enum part {
	PART_GENERATOR, /**< packets are written into buffers */
	PART_FRAMES,    /**< and frames made of buffers */
	PART_PARSE,     /**< and parsed */
	PART_LOCATE,    /**< and hashed, the bucket brought near */
	PART_FIND,      /**< and looked up */
	PART_BURST,     /**< instead of the last three: pipeline_burst(), timers, publishing */
	PART_COUNT
};

/** What one timed loop took. */
struct span {
	uint64_t packets; /**< those that were timed */
	uint64_t cycles;  /**< for them */
	uint64_t gaps;    /**< rounds taken out */
	uint64_t gap_cycles;
	uint64_t publish_cycles; /**< among cycles: for publishing figures; PART_BURST only */
};

struct lane_params {
	const struct jbr_config *config;
	const struct scenario *scenario;
	uint32_t flows;
	uint32_t capacity;    /**< of the table */
	uint8_t flood;        /**< FLOOD_* */
	bool wants_all;       /**< records of everything, for a digest of the whole run */
	uint64_t spacing_ns;  /**< of packets */
	double cycles_per_us; /**< of the TSC */
	unsigned index;
	/** is shown every burst before it is analysed; NULL = nobody is */
	void (*witness)(void *context, const struct jbr_frame *frames, unsigned count);
	void *witness_context;
};

/** What the lane has done since it was created. */
struct lane_account {
	struct jbr_counters counters;
	struct generator_counts generated;
	uint64_t flows;   /**< in the table now */
	uint64_t inserts; /**< connections made */
	uint64_t evictions;
	uint64_t flows_at_first_eviction; /**< 0 = there was none */
	uint64_t now_ns;
	uint64_t gap_cycles; /**< a longer round is taken out */
};

struct lane;
struct rte_mbuf;

/** Create a lane over BUFFERS_COUNT buffers, which stay the caller's.
 * @return 0, or -errno. */
int lane_create(const struct lane_params *params, struct rte_mbuf **mbufs, struct lane **ret_lane,
	struct jbr_error *error);
/** Release; NULL is fine. */
void lane_free(struct lane *lane);
/** Set the connections up, and fill the table with flood where the scenario has one. */
void lane_set_up(struct lane *lane);
/** Send @p packets packets of the scenario, a multiple of a burst, to warm up and to learn how long a
 * burst takes.
 * @return what they took, nothing taken out. */
struct span lane_warm_up(struct lane *lane, uint64_t packets);
/** Time @p packets packets, a multiple of a burst, through @p part. Parts other than PART_BURST run on
 * a second generator, so that the connections miss nothing. */
struct span lane_time(struct lane *lane, enum part part, uint64_t packets);
/** Send every established connection its next segment.
 * @return how many connections had to be made for it: so many had been lost. */
uint64_t lane_visit(struct lane *lane);
/** What was done so far. */
struct lane_account lane_account(const struct lane *lane);
/** End every connection as it stands. @return the digest of all that was recorded and counted. */
uint64_t lane_finish(struct lane *lane);
/** Bytes the table may take at most. */
uint64_t lane_table_bytes(const struct lane *lane);

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file run.h
 * A measurement from its set-up to its result.
 *
 * Threads: main() calls; a lane has a thread, pinned to a CPU, of its own.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "host.h"
#include "lane.h"
#include "options.h"
#include "samples.h"

/** What came out. Cycles are of the TSC, per packet, of one worker (of several: their mean). */
struct result {
	const struct options *options;
	struct host host;
	double tsc_hz;
	bool has_hugepages;
	struct spread cycles[PART_COUNT]; /**< of the loop that goes as far as this part */
	struct spread stages[PART_COUNT]; /**< what the part adds to the one before */
	struct spread publish;            /**< cycles per packet for publishing figures */
	struct spread net;                /**< burst loop without the generator */
	struct spread packets_per_second; /**< of the burst loop, all workers together */
	struct spread scaling;            /**< that, over the speed of one worker alone */
	uint64_t packets;                 /**< in timed burst loops, all workers */
	uint64_t gaps;                    /**< loop rounds taken out of all timed loops */
	double gap_us;                    /**< a longer one is taken out */
	double gap_share;                 /**< of their cycles in all */
	double steal_s;                   /**< what the hypervisor took meanwhile, all CPUs */
	/* counted between set-up and end, all workers */
	uint64_t lookups;
	uint64_t hits;
	uint64_t established; /**< segments that were made for connections that exist */
	uint64_t inserts;
	uint64_t not_inserted; /**< new tuples that got no place */
	uint64_t evictions;
	uint64_t flows; /**< in the tables at the end of the timed loops */
	uint64_t lost;  /**< established connections that were not there any more */
	uint64_t flows_at_first_eviction;
	uint64_t capacity;
	uint64_t table_bytes;
	uint64_t memory_bytes; /**< by which the process grew in creation and set-up */
	uint64_t digest;
};

/** Measure.
 * @param error  what failed, or what does not add up
 * @return 0; -EBADMSG when something does not add up, @p ret_result is written; else another -errno. */
int run_measure(const struct options *options, struct result *ret_result, struct jbr_error *error);

/** The places of a table for @p options. */
uint32_t run_capacity(const struct options *options);

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file jbr_stats.h
 * Counters of one worker, and their sum.
 *
 * Owns:    numbers only.
 * Threads: one writer per block, the worker; control code reads when the worker has stopped or,
 *          later, through the stats segment.
 * Identity: received == tcp + sum(not_analysed), and
 *          segments[RST] == sum(resets) + resets_pending, at every read between two packets.
 */
#pragma once
#include <stdint.h>

#include "jbr_base.h"
#include "jbr_catalog.h"

/** What one worker has counted. */
struct jbr_counters {
	uint64_t received;       /**< packets */
	uint64_t received_bytes; /**< on the wire */
	uint64_t tcp;            /**< decoded TCP segments, tap duplicates among them */
	uint64_t duplicate;      /**< tap duplicates among tcp */
	uint64_t not_analysed[JBR_NOT_ANALYSED_COUNT];
	uint64_t segments[JBR_SEGMENT_COUNT];
	uint64_t anomalies[JBR_ANOM_COUNT]; /**< packets or connections, by the row's scope */
	uint64_t resets[JBR_RESET_COUNT];   /**< settled */
	uint64_t resets_pending;
	uint64_t connections;                 /**< ended, or still open when the capture ended */
	uint64_t outcomes[JBR_OUTCOME_COUNT]; /**< sum == connections */
	uint64_t conn_states[JBR_OUTCOME_ZEEK_COUNT]; /**< sum == connections */
	uint64_t midstream;                           /**< connections whose start was not seen */
	uint64_t one_way;     /**< connections with segments in one direction only,
	                                         an unanswered SYN not counted */
	uint64_t acks;        /**< segments that acknowledge new data */
	uint64_t acks_unseen; /**< of them, those that acknowledge bytes never seen */
	uint64_t evictions[JBR_FLOW_CLASSES]; /**< connections ended because the table was full */
};

/** Add every counter of @p from to @p to. */
void jbr_counters_add(struct jbr_counters *to, const struct jbr_counters *from);

/** Sum of the reasons. */
uint64_t jbr_counters_not_analysed(const struct jbr_counters *counters);

/** Sum of the evictions. */
uint64_t jbr_counters_evictions(const struct jbr_counters *counters);

/** Check the identities stated above.
 * @param error  says which one does not hold, with the numbers
 * @return 0, or -EINVAL. */
int jbr_counters_check(const struct jbr_counters *counters, struct jbr_error *error);

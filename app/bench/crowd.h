/* SPDX-License-Identifier: BSD-3-Clause */
/** @file crowd.h
 * The lanes on their threads: each order is carried out by all of them at once.
 *
 * Threads: main() gives orders and sleeps until they are done.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "lane.h"
#include "options.h"

struct crowd;

/** What one lane has to show for an order. */
struct crowd_answer {
	struct span span;            /**< of CROWD_WARM_UP and CROWD_TIME */
	uint64_t value;              /**< of CROWD_VISIT and CROWD_FINISH */
	struct lane_account account; /**< after the order */
};

enum crowd_task { CROWD_SET_UP, CROWD_WARM_UP, CROWD_TIME, CROWD_VISIT, CROWD_FINISH, CROWD_STOP };

struct crowd_order {
	enum crowd_task task;
	enum part part;   /**< of CROWD_TIME */
	uint64_t packets; /**< of each lane */
	bool is_solo;     /**< for the first lane only; the others sleep */
};

/** Start one thread for each of @p count lanes, lane i on @p cpus[i].
 * @return 0, or -errno. */
int crowd_create(struct lane **lanes, const unsigned *cpus, unsigned count,
	struct crowd **ret_crowd, struct jbr_error *error);
/** Stop the threads, release; NULL is fine. The lanes stay. */
void crowd_free(struct crowd *crowd);
/** Carry out @p order.
 * @return the answers, one a lane, valid until the next order. */
const struct crowd_answer *crowd_do(struct crowd *crowd, const struct crowd_order *order);

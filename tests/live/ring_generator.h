/* SPDX-License-Identifier: BSD-3-Clause */
/** @file ring_generator.h
 * Sends the traffic of ring_traffic.h into rings, paced or as fast as it can, and counts each frame by its
 * kind: on a ring, or refused by one that is full.
 *
 * Threads: a thread of its own on `cpu`; the control thread starts and ends it, phase by phase, and writes
 *          `allowed` and `may_end` while it runs, atomically. All else is to be read after it has ended.
 */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "ring_traffic.h"

struct rte_mempool;
struct rte_ring;

enum { RING_GENERATOR_BURST = 32, RING_GENERATOR_WIRES_MAX = 2 };

struct ring_generator {
	const struct builder_trace *traffic; /**< sent in turn, again and again */
	struct rte_mempool *pool;            /**< of frames large enough */
	unsigned cpu;
	struct rte_ring *wires[RING_GENERATOR_WIRES_MAX]; /**< a burst to each in turn */
	unsigned nb_wires;
	size_t at; /**< in the traffic */
	/* of the phase */
	uint64_t frames;      /**< to be made, at least */
	uint64_t burst_ticks; /**< of the TSC from burst to burst; 0 = as fast as it can */
	uint64_t limit_ms;    /**< it ends then, whatever has been sent */
	uint64_t allowed;     /**< frames of all phases that may be sent by now */
	bool may_end;         /**< what the phase is for was seen */
	bool is_done;
	/* of all phases */
	uint64_t generated;
	uint64_t enqueued[KINDS];
	uint64_t refused[KINDS];
	pthread_t thread;
};

/** Start a phase. @return 0, or an error number */
int ring_generator_start(struct ring_generator *generator);
/** Has the phase not ended yet? */
bool ring_generator_runs(const struct ring_generator *generator);
/** Wait for its end. @return 0, or an error number */
int ring_generator_end(struct ring_generator *generator);

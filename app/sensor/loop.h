/* SPDX-License-Identifier: BSD-3-Clause */
/** @file loop.h
 * The loop of a live worker: fetch frames from its queues, analyse them, hand on what belongs to other
 * workers, run timers, tell the control thread.
 *
 * Owner:   a frame is counted by the worker that has its connection. Frames of no connection, and ICMP
 *          errors that quote a segment, are counted by the worker that fetched them: its number says
 *          so (number % workers == index), which is what worker.sees_all goes by. A quote is handed on
 *          as well, for the connection's sake, and not counted again.
 * Time:    one reading of the TSC a turn; all frames of a turn have its time.
 * Threads: loop_run() is the worker's. `order` is the control thread's to write and `reached` the
 *          worker's; the counts may be read by the control thread at any time, one by one, and agree
 *          with each other when the worker has stopped.
 * Identity: polled + ring_in == tcp + not_analysed + ring_out, of a worker; quotes stand beside it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "gap.h"
#include "outbox.h"
#include "pipeline.h"

struct rte_mbuf;
struct rte_ring;

enum {
	LOOP_QUEUES_MAX = 128,
	LOOP_DRY_TURNS = 32,    /* empty ones in a row, after which nothing is believed to come */
	LOOP_TIMERS_US = 1000,  /* between two looks at the timers */
	LOOP_OUTPUT_US = 10000, /* that a record or finding waits for company */
	LOOP_TICK_US = 1000000, /* between two LOOP_TICK */
};

/** What a worker is to do; in this order. */
enum loop_order {
	LOOP_POLL,   /**< all of it */
	LOOP_DRAIN,  /**< the same; reached after LOOP_DRY_TURNS without a frame */
	LOOP_RINGS,  /**< no port any more; reached at once */
	LOOP_SETTLE, /**< the rings until they are empty; no worker adds to them any more */
	LOOP_FINISH, /**< end every connection as it stands */
};

/** Why loop_run() came back. */
enum loop_pause {
	LOOP_TICK, /**< about a second has passed: call again */
	LOOP_IDLE, /**< nothing came for so many turns: rest, and call again */
	LOOP_WAIT, /**< at the end, no block is free: rest, and call again */
	LOOP_DONE, /**< LOOP_FINISH is reached */
};

/** A receive queue. */
struct loop_queue {
	uint16_t port_id; /**< DPDK's */
	uint16_t queue;
	uint16_t port; /**< index among the configured ones */
	uint64_t polled;
};

/** An element of the rings between workers. */
struct loop_passed {
	struct rte_mbuf *mbuf;
	uint64_t number;
};

struct loop {
	struct worker *worker;
	struct clock_reader clock;
	struct outbox outbox;
	struct loop_queue queues[LOOP_QUEUES_MAX];
	unsigned nb_queues;
	struct rte_ring *in[WORKERS_MAX];  /**< from each other worker; NULL = none */
	struct rte_ring *out[WORKERS_MAX]; /**< to each other worker */
	unsigned index;
	unsigned workers;
	uint64_t turns_to_rest; /**< empty turns before LOOP_IDLE; UINT64_MAX = never rest */
	bool pauses;            /**< an empty turn is a pause for the core */
	uint64_t ticks_per_us;  /**< of the TSC, about */
	struct jbr_shm_block_head *block; /**< for what readers see; NULL = nobody does */
	/* from here on the worker's */
	JBR_CACHE_ALIGNED uint64_t polled; /**< frames of all its queues */
	uint64_t ring_in;                  /**< segments from other workers */
	uint64_t ring_out;                 /**< segments to them */
	uint64_t ring_full;                /**< segments lost on the way; among not_analysed */
	uint64_t quotes_in;
	uint64_t quotes_out;
	uint64_t quotes_lost;
	uint64_t turns;
	uint64_t busy_ticks; /**< of turns that had a frame */
	uint64_t all_ticks;
	uint64_t first_ns; /**< time of the first and the last frame; 0 = none yet */
	uint64_t last_ns;
	struct gap gap; /**< from turn to turn, in ticks */
	uint64_t last_tsc;
	uint64_t timers_tsc;
	uint64_t output_tsc;
	uint64_t tick_tsc;
	struct jbr_worker_figures figures; /**< as they were published last */
	uint32_t answered;                 /**< the last asking that was answered */
	uint64_t empty_turns;              /**< in a row */
	bool had_frames;                   /**< the last turn */
	uint32_t reached;                  /**< enum loop_order */
	/* the control thread's */
	JBR_CACHE_ALIGNED uint32_t order; /**< enum loop_order */
	const struct jbr_config
		*config; /**< for the worker from its next turn on; NULL = as it is */
	uint32_t asked;  /**< how often figures of this moment were wanted */
};

/** [data] Work until there is a reason to pause; call it again unless it is LOOP_DONE. */
enum loop_pause loop_run(struct loop *loop);

/** [control] Tell what to do next. */
static inline void
loop_order(struct loop *loop, enum loop_order order)
{
	__atomic_store_n(&loop->order, order, __ATOMIC_RELEASE);
}

/** [control] Want the figures of this moment published. */
static inline void
loop_ask(struct loop *loop)
{
	__atomic_store_n(&loop->asked, loop->asked + 1, __ATOMIC_RELEASE);
}

/** [control] Have they been? */
static inline bool
loop_has_answered(const struct loop *loop)
{
	return __atomic_load_n(&loop->answered, __ATOMIC_ACQUIRE) == loop->asked;
}

/** [control] Give the worker another configuration; @p config has to stay until it holds no more. */
static inline void
loop_give_config(struct loop *loop, const struct jbr_config *config)
{
	__atomic_store_n(&loop->config, config, __ATOMIC_RELEASE);
}

/** [control] Does the worker work by @p config, and look at the one before no more? */
static inline bool
loop_has_config(const struct loop *loop, const struct jbr_config *config)
{
	return __atomic_load_n(&loop->worker->config, __ATOMIC_ACQUIRE) == config;
}

/** [control] How often has it turned? Between two readings of a worker that lives it differs. */
static inline uint64_t
loop_turns(const struct loop *loop)
{
	return __atomic_load_n(&loop->turns, __ATOMIC_RELAXED);
}

/** [control] Is @p order done? What the worker wrote before is seen. */
static inline bool
loop_has_reached(const struct loop *loop, enum loop_order order)
{
	return __atomic_load_n(&loop->reached, __ATOMIC_ACQUIRE) >= order;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file live.h
 * The live data plane: ports, one loop a worker, tables, and the ways between them.
 *
 * Steering: how both directions of a connection reach one worker.
 *          one_worker  there is only one.
 *          rss         each port spreads connections over as many queues as there are workers by a
 *                      symmetric hash; each worker has a table of its own.
 *          software    a worker owns shards of one table and is handed by the others what belongs there.
 * Threads: the control thread calls everything here; the workers run on DPDK's lcores.
 * End:     live_drain() fetches what lies in queues and rings, ends every connection and leaves nothing
 *          on the way; after it the counts of live_report() agree.
 */
#pragma once
#include "jbr_base.h"
#include "live_plan.h"
#include "pipeline.h"
#include "report_live.h"

struct live;

enum { LIVE_PORTS_MS = 100 };

struct live_params {
	const struct jbr_config *config; /**< must outlive it */
	const struct live_plan *plan;    /**< the same */
	const struct machine *machine;   /**< the same */
	bool wants_records;
	bool wants_findings;
};

/** Receives what a worker tells; valid during the call. */
typedef void live_tell_fn(void *context, const struct output *output);

/** Set everything up; DPDK runs, no port is started.
 * @param notes  receives lines that the user should see
 * @return 0, or -errno with @p error. */
int live_create(const struct live_params *params, struct live **ret_live, struct jbr_buffer *notes,
	struct jbr_error *error);
/** Start the ports, wait for their links up to a limit, start the workers. @return as live_create(). */
int live_start(struct live *live, struct jbr_buffer *notes, struct jbr_error *error);
/** The worker @p index tells readers of itself in @p block from live_start() on. */
void live_publish(struct live *live, unsigned index, struct jbr_shm_block_head *block);
/** Have every worker publish its figures of this moment; waits for up to 20 ms.
 * @return whether all did. */
bool live_ask(struct live *live);
/** To be called about once a second: keeps the clock. */
void live_tick(struct live *live);
/** The time of the stamps. Valid once it was started, also after its end. */
uint64_t live_now_ns(const struct live *live);
/** To be called every LIVE_PORTS_MS: reads what the ports count, which live_report() tells until the next
 * time. Losses are so known soon after they happen. */
void live_read_ports(struct live *live);
/** Pass on what the workers have told so far. */
void live_collect(struct live *live, live_tell_fn *tell, void *context);
/** Stop receiving, finish what was received, end the workers, and pass on the rest.
 * @return whether every queue was found empty within the limit of a second. */
bool live_drain(struct live *live, live_tell_fn *tell, void *context);
/** Stop what runs and release; NULL is fine. */
void live_free(struct live *live);

/** What is known at the moment, of ports at the last live_read_ports(); after live_drain() it is exact. */
void live_report(struct live *live, struct live_report *ret_report);
/** Sum of all counters; as exact. */
void live_counters(const struct live *live, struct jbr_counters *ret_counters);
/** Time of the first and last frame; first > last when there was none. */
void live_interval(const struct live *live, uint64_t *ret_first_ns, uint64_t *ret_last_ns);

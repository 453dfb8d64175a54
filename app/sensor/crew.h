/* SPDX-License-Identifier: BSD-3-Clause */
/** @file crew.h
 * The workers of a replay: every frame is given to all of them, and what they have to tell comes back
 * in one order, batch by batch, whatever their number.
 *
 * Threads: crew_*() is called by one thread, which works too; the others wait between batches.
 * Order:   finished connections by their end, then their first packet; findings by packet number, then
 *          anomaly.
 */
#pragma once
#include "jbr_base.h"
#include "pipeline.h"

struct crew;

/** What the crew tells after a batch; valid until the next call. */
struct crew_news {
	const struct jbr_flow_record *records;
	size_t nb_records;
	const struct jbr_finding *findings;
	size_t nb_findings;
};

struct crew_params {
	const struct jbr_config *config;
	uint32_t workers;
	bool wants_records;
	bool wants_findings;
};

/** Start. @return 0, or -errno with @p error set. */
int crew_create(const struct crew_params *params, struct crew **ret_crew, struct jbr_error *error);
/** Stop and release; NULL is fine. */
void crew_free(struct crew *crew);

/** Analyse frames, in the order given. They may be released after the call. */
void crew_feed(struct crew *crew, const struct jbr_frame *frames, size_t count);
/** End a batch: run all timers due up to @p now_ns, share what the shards have learned, and collect the
 * news. Where batches end must follow from the packets alone, for the results depend on it.
 * @return 0, or -ENOMEM when the news could not be kept. */
int crew_end_batch(struct crew *crew, uint64_t now_ns, struct crew_news *ret_news);
/** End every connection as it stands. @return as crew_end_batch(). */
int crew_finish(struct crew *crew, uint64_t now_ns, struct crew_news *ret_news);
/** What the worker @p index tells of itself, between two calls of crew_*(). */
void crew_figures(const struct crew *crew, uint32_t index, struct jbr_worker_figures *ret_figures);
/** Sum of all counters. */
void crew_counters(const struct crew *crew, struct jbr_counters *ret_counters);

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file pipeline.h
 * One burst of frames through the rooms; the one place where they are joined.
 *
 * Threads: a struct worker has one thread. [data] functions run on it; they neither allocate nor call
 *          the system. [control] functions run while it does not.
 * Source:  a burst is an array of frames, wherever they come from: a capture, a NIC, a fuzzer.
 * Output:  finished connections and findings go into the worker's two fixed arrays; who drives it
 *          empties them when worker_is_nearly_full() says so.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "jbr_catalog.h"
#include "jbr_detect.h"
#include "jbr_event.h"
#include "jbr_flow.h"
#include "jbr_packet.h"
#include "jbr_stats.h"
#include "jbr_tcp.h"

enum {
	BURST_MAX = 32,
	WORKERS_MAX = JBR_FLOW_SHARDS,
	OUTPUT_RECORDS = 256,
	OUTPUT_FINDINGS = 2048,
	/* what one packet may add: two connections ended, its own findings and the step's */
	RECORDS_PER_PACKET = 3,
	FINDINGS_PER_PACKET = JBR_PACKET_FINDINGS_MAX + JBR_TCP_STEP_FINDINGS_MAX + 4,
};

/** What a worker has to tell. */
struct output {
	struct jbr_flow_record records[OUTPUT_RECORDS];
	struct jbr_finding findings[OUTPUT_FINDINGS];
	uint32_t nb_records;
	uint32_t nb_findings;
};

/** How much of a frame was looked at. */
enum seen {
	SEEN_WHOLE,   /**< all: it is in the worker's packets */
	SEEN_SEGMENT, /**< its outline: it may be the next segment of a connection */
	SEEN_SYN,     /**< its outline: it may open one, and nothing is odd about it */
};

/** A frame of the burst on its way. */
struct item {
	const struct jbr_frame *frame;
	struct jbr_flow_shard *shard; /**< once it is located */
	struct jbr_outline outline;   /**< unless SEEN_WHOLE */
	struct jbr_flow_probe probe;
	uint8_t seen; /**< enum seen */
} JBR_CACHE_ALIGNED;

/** Everything one worker needs. */
struct worker {
	const struct jbr_config *config;
	struct jbr_packet_options packet_options;
	struct jbr_flow_table *table; /**< of all workers; this one touches only its shards */
	struct jbr_flow_shard *shards[JBR_FLOW_SHARDS];
	bool owns[JBR_FLOW_SHARDS];
	unsigned index; /**< owns the shards s with s % workers == index */
	unsigned workers;
	bool sees_all; /**< a frame that belongs to no connection is counted by the worker whose turn
	                    its number is (number % workers): by one of all in replay, where every
	                    worker is given every frame; live by the one that polled it, which gives
	                    out numbers so. False: by whoever is given it */
	bool wants_records;
	bool wants_findings;
	/* of the last burst: frames that belong to another worker's shards, not counted here */
	uint8_t foreign[BURST_MAX];    /**< their places in the burst */
	uint8_t foreign_to[BURST_MAX]; /**< the workers they belong to */
	uint8_t nb_foreign;
	struct jbr_counters counters;
	struct jbr_histogram handshake_rtt;
	struct jbr_histogram server_response;
	struct output output;
	/* working space of one burst and one step */
	struct item items[BURST_MAX];
	struct jbr_packet packets[BURST_MAX]; /**< of those that are not outlined */
	struct jbr_tcp_conn before;
	struct jbr_tcp_conn conn;
	/* a record that is in no table */
	struct jbr_flow_line spare_line;
	struct jbr_flow_rest spare_rest;
};

/** [control] Prepare @p worker, whose memory is the caller's; sees_all is set. */
void worker_init(struct worker *worker, const struct jbr_config *config,
	struct jbr_flow_table *table, unsigned index, unsigned workers);

/** [data] All that @p worker tells of itself; what its loop counts is left as it stands. */
void worker_figures(const struct worker *worker, struct jbr_worker_figures *figures);

/** [data] Is there too little room for the output of @p packets more packets? */
bool worker_is_nearly_full(const struct worker *worker, unsigned packets);

/** [data] Analyse up to BURST_MAX frames, in order. Frames of other workers' shards are passed over, so
 * that every worker may be given every frame; `foreign` says which they were. */
void pipeline_burst(struct worker *worker, const struct jbr_frame *frames, unsigned count);

/** [data] Run the timers due at or before @p now_ns in the worker's shards, as far as the output has
 * room.
 * @return true when all have run; false: empty the output and call again. */
bool pipeline_expire(struct worker *worker, uint64_t now_ns);

/** [data] End every connection of the worker's shards as it stands, as far as the output has room.
 * @return as pipeline_expire(). */
bool pipeline_finish(struct worker *worker, uint64_t now_ns);

/* ---- opening_dp.c: how a connection begins; used by pipeline_dp.c ---- */

/** [data] End @p victim because there is no room. */
void opening_evict(struct worker *worker, struct jbr_flow_shard *shard, struct jbr_flow victim,
	uint64_t now_ns);
/** [data] Begin the record of @p probe with the segment of @p input, whose step is still to be taken;
 * its sender is side 0. Somebody may have to go for it. */
struct jbr_flow opening_make(struct worker *worker, struct jbr_flow_shard *shard,
	const struct jbr_flow_probe *probe, struct jbr_tcp_input *input);
/** [data] Begin with @p syn a connection of whose tuple nothing is known, and take its step.
 * @return it is done; false: it is too odd for an embryo, opening_make() */
bool opening_make_embryo(struct worker *worker, struct jbr_flow_shard *shard,
	const struct jbr_flow_probe *probe, const struct jbr_tcp_syn *syn);
/** [data] The record of @p probe, if there was an embryo of it so far and it is not due at @p now_ns;
 * one that is due has ended. */
struct jbr_flow opening_find_embryo(struct worker *worker, struct jbr_flow_shard *shard,
	const struct jbr_flow_probe *probe, uint64_t now_ns);
/** [data] The SYN of @p input opens the tuple of @p old anew: the record that takes its place. */
struct jbr_flow opening_reopen(struct worker *worker, struct jbr_flow_shard *shard,
	const struct jbr_flow_probe *probe, struct jbr_flow old, struct jbr_tcp_input *input);
/** [data] The SYN-ACK of @p input answers a SYN that was seen inside @p old: the record that takes its
 * place, the step of that SYN taken. */
struct jbr_flow opening_split(struct worker *worker, struct jbr_flow_shard *shard,
	const struct jbr_flow_probe *probe, struct jbr_flow old, struct jbr_tcp_input *input);

/* ---- lifecycle_dp.c: how a connection ends; used by pipeline_dp.c ---- */

/** [data] Run what is due for @p flow at @p now_ns and arm it again.
 * @return the flow, or none when it ended. */
struct jbr_flow lifecycle_run(struct worker *worker, struct jbr_flow_shard *shard,
	struct jbr_flow flow, uint64_t now_ns);
/** [data] End @p flow. @param order_ns  when, for the order of the output */
void lifecycle_end(struct worker *worker, struct jbr_flow_shard *shard, struct jbr_flow flow,
	enum jbr_end_reason reason, uint64_t order_ns);
/** [data] The same of a SYN that nothing has followed; JBR_END_EVICTED is for the one in the next one's
 * way. */
void lifecycle_end_embryo(struct worker *worker, struct jbr_flow_shard *shard,
	struct jbr_flow_embryo *embryo, enum jbr_end_reason reason, uint64_t order_ns);
/** [data] When is @p embryo due? */
uint64_t lifecycle_embryo_deadline(const struct worker *worker,
	const struct jbr_flow_embryo *embryo);
/** [data] When is @p flow to be looked at next? */
uint64_t lifecycle_deadline(const struct worker *worker, struct jbr_flow flow,
	const struct jbr_tcp_ext *ext);
/** [data] Write down a finding of the packet, if findings are wanted and its action is not count. */
void output_finding(struct worker *worker, const struct jbr_frame *frame,
	const struct jbr_packet *packet, struct jbr_flow flow, enum jbr_anomaly anomaly);
/** [data] The stable id of a connection, 1..2^53-1. */
uint64_t output_flow_id(struct jbr_flow flow);

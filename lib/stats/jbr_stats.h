/* SPDX-License-Identifier: BSD-3-Clause */
/** @file jbr_stats.h
 * Counters of one worker, their sum, and the writing side of the stats segment (jbr_shm.h has its
 * layout and reads it).
 *
 * Owns:    numbers only.
 * Threads: a worker's counters are its own; it copies them into its block of the segment between two
 *          bursts. All else of a publisher is the control thread's.
 * Identity: received == tcp + sum(not_analysed), and
 *          segments[RST] == sum(resets) + resets_pending, at every read between two packets; so they
 *          hold in every block, and in every snapshot, which is the sum of blocks.
 */
#pragma once
#include <stdint.h>

#include "jbr_base.h"
#include "jbr_catalog.h"
#include "jbr_shm.h"

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
static inline uint64_t
jbr_counters_not_analysed(const struct jbr_counters *counters)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < JBR_NOT_ANALYSED_COUNT; i++)
		sum += counters->not_analysed[i];
	return sum;
}

/** Sum of the evictions. */
uint64_t jbr_counters_evictions(const struct jbr_counters *counters);

/** Check the identities stated above.
 * @param error  says which one does not hold, with the numbers
 * @return 0, or -EINVAL. */
int jbr_counters_check(const struct jbr_counters *counters, struct jbr_error *error);

/* ---- histograms ---- */

enum {
	JBR_HISTOGRAM_FIRST = 10, /* the first bound is 2^10 ns, about a microsecond */
	JBR_HISTOGRAM_POWERS = 27,
	JBR_HISTOGRAM_BOUNDS = 1 + 2 * JBR_HISTOGRAM_POWERS, /* the last is 2^37 ns, 137 s */
};

/** Times in ns, two steps to each power of two: a quantile read from it is at most half too high. */
struct jbr_histogram {
	uint64_t counts[JBR_HISTOGRAM_BOUNDS + 1]; /**< the last: beyond all bounds */
	uint64_t sum;
};

/** The largest time that belongs to the bucket @p index. */
static inline uint64_t
jbr_histogram_bound(unsigned index)
{
	unsigned power = JBR_HISTOGRAM_FIRST + index / 2;

	return index % 2 == 0 ? UINT64_C(1) << power : UINT64_C(3) << (power - 1);
}

/** The bucket of @p ns. */
static inline unsigned
jbr_histogram_bucket(uint64_t ns)
{
	unsigned power;

	if (ns <= UINT64_C(1) << JBR_HISTOGRAM_FIRST)
		return 0;
	power = 63 - (unsigned)__builtin_clzll(ns - 1);
	if (power >= JBR_HISTOGRAM_FIRST + JBR_HISTOGRAM_POWERS)
		return JBR_HISTOGRAM_BOUNDS;
	return (power - JBR_HISTOGRAM_FIRST) * 2 + (unsigned)((ns - 1) >> (power - 1) & 1) + 1;
}

/** [data] Note one time. */
static inline void
jbr_histogram_add(struct jbr_histogram *histogram, uint64_t ns)
{
	histogram->counts[jbr_histogram_bucket(ns)]++;
	histogram->sum += ns;
}

/* ---- publishing ---- */

/** All that a worker tells of itself; metrics.def names the members.
 * Identity: polled + ring_in == counters.tcp + not_analysed + ring_out. */
struct jbr_worker_figures {
	struct jbr_counters counters;
	uint64_t not_analysed; /**< sum of the reasons */
	uint64_t polled;
	uint64_t ring_in;
	uint64_t ring_out;
	uint64_t polls;
	uint64_t busy_cycles;
	uint64_t cycles;
	uint64_t lost_records;
	uint64_t lost_findings;
	uint64_t open[JBR_FLOW_CLASSES];
	uint64_t port_polled[JBR_CONFIG_MAX_ports]; /**< sum == polled, in live mode */
	struct jbr_histogram poll_gap;
	struct jbr_histogram handshake_rtt;
	struct jbr_histogram server_response;
};

enum { JBR_WORKER_VALUES = sizeof(struct jbr_worker_figures) / sizeof(uint64_t) };

/** [data] Make @p figures, the worker's own, what readers of @p block see. A few hundred stores. */
void jbr_publish_block(struct jbr_shm_block_head *block, const struct jbr_worker_figures *figures);

/** A series of a row JBR_OF_SENSOR_LABELLED. */
struct jbr_series_name {
	enum jbr_metric metric;
	const char *value; /**< of its label */
	uint32_t port;     /**< it is about, as a second label; UINT32_MAX = none */
};

struct jbr_publisher_params {
	const char *folder;   /**< made where it is missing; NULL = JBR_SHM_FOLDER */
	const char *instance; /**< name of the file */
	const char *version;
	const char *sensor;
	const char *mode;
	uint32_t nb_workers;
	uint32_t nb_ports;
	const char *const *ports; /**< devices */
	const struct jbr_series_name *names;
	uint32_t nb_names;
	uint32_t interval_ms;
	uint32_t nb_snapshots; /**< kept, 2 or more */
	uint32_t nb_events;
	uint32_t nb_hosts;
	uint64_t start_ns;
};

struct jbr_publisher;

/** Make the segment: its state is JBR_SHM_STARTING, all of its memory is taken. A file of the same
 * name that no running sensor holds is replaced, so that its readers keep what they have.
 * @return 0, or with @p error: -EBUSY another sensor has that name; -EPERM the folder is somebody else's;
 *         -errno. */
int jbr_publisher_create(const struct jbr_publisher_params *params,
	struct jbr_publisher **ret_publisher, struct jbr_error *error);
/** Release; the file stays, with the last figures. NULL is fine. */
void jbr_publisher_free(struct jbr_publisher *publisher);
/** The block of the worker @p index, for jbr_publish_block(). */
struct jbr_shm_block_head *jbr_publisher_block(const struct jbr_publisher *publisher,
	uint32_t index);
/** Bytes of the file. */
uint64_t jbr_publisher_bytes(const struct jbr_publisher *publisher);

/** What the next snapshots say of @p metric: a row JBR_OF_SENSOR (@p index 0), JBR_OF_EACH_PORT (the
 * port), JBR_OF_EACH_OUTPUT (enum jbr_output), or JBR_OF_SENSOR_LABELLED (the place among @ref jbr_publisher_params.names of its metric). */
void jbr_publisher_set(struct jbr_publisher *publisher, enum jbr_metric metric, uint32_t index,
	int64_t value);
/** Read all blocks: the sum of the workers' figures goes to @p ret_sum, which may be NULL, and into the
 * next snapshot. */
void jbr_publisher_gather(struct jbr_publisher *publisher, struct jbr_worker_figures *ret_sum);
/** Write what was gathered and set as a snapshot. @param monotonic_ns  CLOCK_MONOTONIC, the heartbeat */
void jbr_publisher_snapshot(struct jbr_publisher *publisher, uint64_t time_ns,
	uint64_t monotonic_ns);
/** Write an event; its number is set here. */
void jbr_publisher_event(struct jbr_publisher *publisher, struct jbr_shm_event *event);
/** Write the table of hosts, of which as many as the segment has room for are taken. */
void jbr_publisher_hosts(struct jbr_publisher *publisher, const struct jbr_shm_host *hosts,
	uint32_t count);
/** The sensor is well. */
void jbr_publisher_beat(struct jbr_publisher *publisher, uint64_t monotonic_ns);
/** Say what state the sensor is in. */
void jbr_publisher_state(struct jbr_publisher *publisher, enum jbr_shm_state state);

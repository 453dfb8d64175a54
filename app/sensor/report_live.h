/* SPDX-License-Identifier: BSD-3-Clause */
/** @file report_live.h
 * What a live run says beside what it found: ports, workers, and where every frame went.
 *
 * Threads: control code; a report is a value.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "jbr_base.h"
#include "live_plan.h"
#include "sink.h"

struct live_port_report {
	const char *device;
	const char *driver;
	uint32_t queues;
	uint32_t rx_descriptors;
	bool has_link;
	uint64_t received; /**< that reached a queue */
	uint64_t polled;   /**< fetched from a queue */
	uint64_t missed;   /**< lost for want of a descriptor */
	uint64_t no_buffer;
	uint64_t errors;
};

struct live_worker_report {
	unsigned cpu;
	uint64_t polled;
	uint64_t ring_in;
	uint64_t ring_out;
	uint64_t ring_full; /**< among not_analysed */
	uint64_t quotes_in;
	uint64_t quotes_out;
	uint64_t quotes_lost;
	uint64_t tcp;
	uint64_t not_analysed;
	uint64_t lost_records;
	uint64_t lost_findings;
	uint64_t turns;
	uint64_t busy_ticks;
	uint64_t all_ticks;
	uint64_t gap_max_ticks;
	uint64_t gap_p9999_ticks;
};

/** An output: events, or connection records. */
struct live_output_report {
	enum jbr_output output;
	const char *target;
	uint64_t offered;    /**< events or connections that would have a line each */
	uint64_t aggregated; /**< that were gathered by service instead */
	uint64_t aggregates; /**< lines of those */
	uint64_t left_out;   /**< beyond the budget */
	struct sink_status status;
};

struct live_report {
	const char *steering; /**< one_worker, rss, software */
	const char *idle;     /**< worker.idle */
	bool has_hugepages;
	uint64_t tsc_hz;
	int64_t clock_offset_ns; /**< of the wall clock against the stamps */
	struct live_port_report ports[LIVE_PORTS_MAX];
	uint32_t nb_ports;
	struct live_worker_report workers[WORKERS_MAX];
	uint32_t nb_workers;
	struct live_output_report outputs[JBR_OUTPUT_COUNT];
	uint32_t nb_outputs;
};

/** Frames that the ports lost before they could be fetched. */
uint64_t live_report_missed(const struct live_report *report);
/** After a drain: does every frame appear exactly once?
 *     of a worker:  polled + ring_in == tcp + not_analysed + ring_out
 *     of a port:    polled <= received, and no more than its descriptors may hold remain
 *     of all:       ring_in == ring_out, and quotes alike
 * and every line:
 *     of an output: offered + aggregates == emitted + aggregated + left_out
 *                   emitted == written + queued + lost_queue + lost_write + lost_long
 * @param is_over  the queues of the ports were emptied: nothing may remain
 * @return 0, or -EINVAL with @p error: which one does not hold, with the numbers. */
int live_report_check(const struct live_report *report, bool is_over, struct jbr_error *error);

/** Append as the member "live" of an object. */
void live_report_json(struct jbr_json *json, const struct live_report *report);
/** Append as a part of the page. */
void live_report_text(struct jbr_buffer *out, const struct live_report *report);

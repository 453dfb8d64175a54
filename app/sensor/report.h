/* SPDX-License-Identifier: BSD-3-Clause */
/** @file report.h
 * The report at the end of a run: as one JSON object for programs, as a page for people.
 *
 * Threads: control code, when the workers have stopped.
 * Memory:  the text grows in the caller's buffer; check its `failed` before using it.
 * Output:  integer arithmetic only, so the same counters give the same bytes on every machine. In
 *          JSON all keys of the catalogue are printed, zeros too; the page leaves zeros out.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "jbr_base.h"
#include "jbr_stats.h"

struct live_report;

/** What a report is about. Of a replay, what stands from elapsed_ns on may differ between two runs
 * over the same captures; nothing else may. */
struct report {
	const struct jbr_counters *counters; /**< of all workers */
	const char *version;                 /**< of jabiru */
	const char *mode;                    /**< "replay" or "run" */
	uint64_t start_ns;                   /**< time of the first packet, since the epoch */
	uint64_t end_ns;            /**< of the last one; both are ignored without a packet */
	uint64_t missed;            /**< packets the NICs lost; not among received */
	uint64_t findings_left_out; /**< jbr_event_limiter_left_out(); page only */
	bool is_capture_broken;     /**< reading ended before the capture did; page only */
	uint32_t workers;
	uint64_t elapsed_ns;            /**< wall clock */
	uint64_t cycles;                /**< TSC cycles of all workers together; 0 = not known */
	uint64_t memory_bytes;          /**< peak of the process */
	const struct live_report *live; /**< of a live run; NULL for a replay */
};

/** Append the report as one JSON object on one line, with its newline. Ratios have six decimals,
 * rounded half up; a ratio of nothing is 0. */
void report_write_json(struct jbr_buffer *out, const struct report *report);

/** Append the report as a page of at most 100 columns.
 * @param colour  with ANSI colours, for a terminal */
void report_write_text(struct jbr_buffer *out, const struct report *report, bool colour);

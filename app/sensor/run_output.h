/* SPDX-License-Identifier: BSD-3-Clause */
/** @file run_output.h
 * What a live run writes as it goes: events and connection records, within their budgets, each into a
 * sink of its own.
 *
 * Where:   --events and --flows, else output.events and output.flows; see sink_target.h for the names.
 * How many: findings pass the limiter (event.interval_s, event.entities_per_s), then the budget of
 *          events, of which a quarter is kept for alerts; records the budget of records, of which half
 *          is kept for connections that were established. Half-open ones beyond it are gathered by
 *          service. All by the stamps' time.
 * Identity: of each output, offered + aggregates == emitted + aggregated + left_out.
 * Threads: the control thread; the sinks have theirs.
 */
#pragma once
#include "args.h"
#include "pipeline.h"
#include "report_live.h"

struct publish;
struct run_output;

/** Open what is asked for.
 * @param config, host  must outlive it
 * @return 0, or -errno with @p error. */
int run_output_open(const struct args *args, const struct jbr_config *config, const char *host,
	struct run_output **ret_output, struct jbr_error *error);
/** Start the threads that write, on the CPUs of the caller. @return 0, or -errno with @p error. */
int run_output_start(struct run_output *output, struct jbr_error *error);
/** Give findings and events to @p publish too (NULL: do not). Its events are not held to the budget:
 * their ring is bounded and says what a reader missed. */
void run_output_publish(struct run_output *output, struct publish *publish);
/** Write what people call addresses; @p names must outlive it. */
void run_output_names(struct run_output *output, const struct jbr_event_names *names);
/** Are workers to tell findings: for events, or for what is published? */
bool run_output_wants_findings(const struct run_output *output);
/** Are they to tell connections? */
bool run_output_wants_records(const struct run_output *output);
/** Does either go to standard output? */
bool run_output_has_stdout(const struct run_output *output);

/** Take what a worker tells; a live_tell_fn, @p context being the struct run_output. Never waits. */
void run_output_tell(void *context, const struct output *told);
/** Write aggregates that are due at @p now_ns, the stamps' time, and have all written that was told.
 * @param notes  receives lines that the user should see */
void run_output_tick(struct run_output *output, uint64_t now_ns, struct jbr_buffer *notes);
/** Have the files opened anew; how that went is among the notes. */
void run_output_reopen(struct run_output *output);
/** How the last run_output_reopen() went.
 * @return 0; -EAGAIN: not done yet; else -errno with @p error: the first that failed. */
int run_output_reopened(struct run_output *output, struct jbr_error *error);
/** Write what was held back so far, and ask the threads to end. To be called once, when nothing more will
 * be told. */
void run_output_end(struct run_output *output, uint64_t now_ns);
/** Have they ended? A slow reader or disk is waited for a few seconds. Call it until it is true.
 * @param notes  as for run_output_tick() */
bool run_output_is_over(struct run_output *output, struct jbr_buffer *notes);

/** Add the outputs to @p report. */
void run_output_report(const struct run_output *output, struct live_report *report);
/** Findings that no line tells of, for one of the limits. */
uint64_t run_output_findings_left_out(const struct run_output *output);
/** Release; NULL is fine. */
void run_output_free(struct run_output *output);

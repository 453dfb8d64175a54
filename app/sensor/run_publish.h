/* SPDX-License-Identifier: BSD-3-Clause */
/** @file run_publish.h
 * What a live run publishes: all of publish.h, and the ports' own statistics.
 *
 * Threads: the control thread.
 */
#pragma once
#include "live.h"
#include "publish.h"

struct run_output;
struct run_publish;

/** Make the segment, and have the workers of @p live, which is not started yet, write to it.
 * @return it, or NULL with @p error: the sensor works without. */
struct run_publish *run_publish_create(struct live *live, const struct live_plan *plan,
	const struct jbr_config *config, const char *sensor, struct jbr_error *error);
/** Say that the run is over, and release; NULL is fine. To be called after live_free(). */
void run_publish_free(struct run_publish *publish);
/** To be called every few ms: the heartbeat, and a snapshot when one is due or @p is_end.
 * @param output  told of as well */
void run_publish_turn(struct run_publish *publish, const struct run_output *output, bool is_end);
/** For findings, events and the state; NULL when @p publish is. */
struct publish *run_publish_of(struct run_publish *publish);

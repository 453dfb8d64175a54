/* SPDX-License-Identifier: BSD-3-Clause */
/** @file stages.h
 * The first stages of pipeline_dp.c one by one, without effect on any connection, so that each can be
 * timed. Only what the burst function calls is called here, in its order; where that changes, this
 * follows.
 *
 * Threads: that of the worker, between bursts.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "lane.h"
#include "pipeline.h"

/** Working space. */
struct stages {
	struct jbr_packet packets[BURST_MAX];
	struct jbr_outline outlines[BURST_MAX];
	struct jbr_flow_probe probes[BURST_MAX];
	bool is_outlined[BURST_MAX];
	uintptr_t sink; /**< what look-ups found, so that they are made */
};

/** Take a whole burst as far as @p part, PART_PARSE to PART_FIND. */
void stages_look(const struct worker *worker, const struct jbr_frame *frames, enum part part,
	struct stages *stages);

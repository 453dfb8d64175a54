/* SPDX-License-Identifier: BSD-3-Clause */
/** @file live_plan_private.h
 * What the files of live_plan.h share.
 *
 * Threads: as live_plan.h.
 */
#pragma once
#include "live_plan.h"

/** Keep @p error as a problem where @p code, of what was tried, is negative. @param port  its place in the
 * configuration */
void live_plan_problem(struct live_plan *plan, enum live_part part, uint32_t port, int code,
	const struct jbr_error *error);

/** Plan memory; ports and workers are planned (live_memory.c). */
void live_plan_memory(const struct jbr_config *config, const struct machine *machine,
	struct live_plan *plan);

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file eal.h
 * DPDK's environment of this process: started from a plan, and ended without a trace.
 *
 * Threads: main(), once per process: DPDK cannot be started twice.
 */
#pragma once
#include "eal_diagnosis.h"
#include "jbr_base.h"
#include "live_plan.h"

/** Start it; the calling thread becomes the control lcore, each worker's waits for work.
 * @param error  one sentence with the fix (eal_diagnosis.h)
 * @return 0, or -errno. */
int eal_start(const struct jbr_config *config, struct live_plan *plan,
	const struct machine *machine, struct jbr_error *error);
/** End it and remove its files. */
void eal_stop(void);

/** Set @p error to the diagnosis of @p failure. @return @p code */
int eal_fail(const struct eal_failure *failure, const struct machine *machine, int code,
	struct jbr_error *error);

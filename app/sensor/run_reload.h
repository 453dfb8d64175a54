/* SPDX-License-Identifier: BSD-3-Clause */
/** @file run_reload.h
 * HUP while it runs: read the configuration again, all of it or nothing, and remember how that went.
 *
 * Threads: the control thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "args.h"
#include "live.h"
#include "run_output.h"

/** How the last reload went. */
struct run_reload {
	char text[1024]; /**< one line; empty before the first */
	uint64_t time_s; /**< of the last that was taken, since the epoch; 0 = none was */
	bool has_failed;
};

/** What a reload works on. */
struct run_reload_params {
	const struct args *args;
	struct jbr_config *config; /**< the running one; changed when the new one is good */
	struct live *live;
	struct run_output *output;
};

/** Read and check the configuration named on the command line, with the ports given there.
 * Every error is printed.
 * @return 0; -EINVAL or -errno: @p reload says so and nothing has changed. */
int run_reload_read(const struct args *args, struct jbr_config *ret_fresh,
	struct run_reload *reload);
/** Let it hold: for the control thread at once, for the workers at their next burst.
 * Prints what was taken and what takes a restart. */
void run_reload_take(const struct run_reload_params *params, const struct jbr_config *fresh,
	struct run_reload *reload);
/** Say and remember that it was not taken, and why. */
void run_reload_refuse(struct run_reload *reload, const char *why);

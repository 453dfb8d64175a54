/* SPDX-License-Identifier: BSD-3-Clause */
/** @file options.h
 * The command line as a struct.
 *
 * Threads: main(), before anything else starts.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "cli.h"
#include "scenario.h"

enum { OPTIONS_WORKERS_MAX = 64 };

struct options {
	const struct scenario *scenario;
	uint32_t flows; /**< established connections of each worker */
	uint32_t room;  /**< places in its table beside them */
	uint32_t workers;
	uint32_t rounds;
	uint32_t spacing_ns;
	uint64_t packets; /**< of all rounds of a worker; 0 = as many as fit into the seconds */
	double seconds;   /**< of all timed loops */
	uint8_t flood;    /**< FLOOD_* */
	bool json;
	bool verify;          /**< compare with the slow reference, instead of timing */
	struct cli_call call; /**< help and version are answered by cli_answer() */
};

/** What `jabiru-bench` takes. */
extern const struct cli_program options_program;

/** Read the command line.
 * @param error  what is wrong with it
 * @return 0, or -EINVAL. */
int options_parse(int argc, char **argv, struct options *ret_options, struct jbr_error *error);

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file args.h
 * The command line as a struct.
 *
 * Threads: main(), before anything else starts.
 * Memory:  strings point into argv.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jbr_base.h"

enum { ARGS_PORTS_MAX = 16 };

/** Exit codes of every program. */
enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

enum verb { VERB_RUN, VERB_REPLAY, VERB_CHECK, VERB_CATALOG, VERB_DOCTOR, VERB_VERSION, VERB_HELP };

struct args {
	enum verb verb;
	const char *help_of; /**< with VERB_HELP: the verb asked about, or NULL */
	const char *const *captures;
	size_t nb_captures;
	const char *config_path; /**< NULL = the defaults */
	const char *events_path; /**< NULL = none, "-" = standard output */
	const char *flows_path;  /**< the same */
	const char *format;      /**< of catalog */
	const char *eal;         /**< of run: words for DPDK, or NULL */
	const char *ports
		[ARGS_PORTS_MAX]; /**< of run and doctor: devices, instead of the configuration's */
	size_t nb_ports;
	uint32_t duration_s; /**< of run; 0 = until a signal */
	uint32_t workers;
	uint32_t loop;
	double speed; /**< times real time; 0 = as fast as possible */
	bool json;
	bool publish; /**< of replay: into the stats segment */
	bool migrate; /**< of check: print the file as this version wants it */
};

/** Read the command line.
 * @param error  what is wrong with it
 * @return 0, or -EINVAL: say @p error and end with EXIT_USAGE. */
int args_parse(int argc, char **argv, struct args *ret_args, struct jbr_error *error);

/** Append the help page: of the program (NULL) or of a verb. */
void args_help(const char *verb, struct jbr_buffer *out);

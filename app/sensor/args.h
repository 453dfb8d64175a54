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

#include "cli.h"

enum { ARGS_PORTS_MAX = 16 };

/** Rows of the verbs and of the options, in the order of the help pages. */
enum verb { VERB_RUN, VERB_REPLAY, VERB_CHECK, VERB_CATALOG, VERB_DOCTOR };
enum args_option {
	OPTION_CONFIG,
	OPTION_CONFIG_WANTED,
	OPTION_PORT,
	OPTION_PORT_LOOK,
	OPTION_DURATION,
	OPTION_JSON,
	OPTION_JSON_FINDINGS,
	OPTION_EVENTS_APPEND,
	OPTION_EVENTS,
	OPTION_FLOWS_APPEND,
	OPTION_FLOWS,
	OPTION_EAL,
	OPTION_WORKERS,
	OPTION_LOOP,
	OPTION_SPEED,
	OPTION_PUBLISH,
	OPTION_MIGRATE,
	OPTION_FORMAT,
};

/** What `jabiru` takes, args_table.c: help, man page and completion come out of it too. */
extern const struct cli_program args_program;

struct args {
	struct cli_call call; /**< help and version are answered by cli_answer() */
	enum verb verb;
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

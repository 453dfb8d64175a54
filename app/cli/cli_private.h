/* SPDX-License-Identifier: BSD-3-Clause */
/** @file cli_private.h
 * What the writers of pages share.
 *
 * Threads: as cli.h.
 */
#pragma once
#include <assert.h>

#include "cli.h"

/** A command line being read. */
struct cli_parse {
	const struct cli_program *program;
	struct cli_call call;
	uint64_t given; /**< bit i: option i was there */
};

static_assert(CLI_OPTIONS_MAX <= 64, "a bit each");

/** Has the program verbs, or does it do one thing? */
bool cli_has_verbs(const struct cli_program *program);
/** Is @p option one of that verb's? */
bool cli_belongs(const struct cli_option *option, unsigned verb);
/** Append the names of the choices, with commas. */
void cli_list_choices(cli_choice_fn *choice, struct jbr_buffer *out);
/** Has any choice a summary, so that they are listed line by line? */
bool cli_has_summaries(cli_choice_fn *choice);
/** Append the help of an option with its range, choices and default. */
void cli_describe(const struct cli_option *option, struct jbr_buffer *out);

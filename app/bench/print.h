/* SPDX-License-Identifier: BSD-3-Clause */
/** @file print.h
 * A result as text and as JSON.
 *
 * Threads: main().
 */
#pragma once
#include "run.h"
#include "verify.h"

/** Append @p result as one JSON object and a newline. */
void print_json(struct jbr_buffer *out, const struct result *result);
/** Append @p result for a person. */
void print_text(struct jbr_buffer *out, const struct result *result);
/** Append what came out of --verify as one JSON object and a newline. */
void print_verification_json(struct jbr_buffer *out, const struct options *options,
	const struct verification *verification);
/** The same for a person. */
void print_verification_text(struct jbr_buffer *out, const struct options *options,
	const struct verification *verification);

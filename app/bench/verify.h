/* SPDX-License-Identifier: BSD-3-Clause */
/** @file verify.h
 * The sensor's burst function against the slow reference, on the same packets.
 *
 * Threads: main().
 */
#pragma once
#include <stdint.h>

#include "options.h"

struct verification {
	uint64_t packets;
	uint64_t connections;
	uint64_t timeouts;         /**< of them those that ended before the last packet */
	uint64_t digest;           /**< of the burst function */
	uint64_t reference_digest; /**< of the reference */
};

/** Run both.
 * @param error  what failed, or the first difference
 * @return 0; -EBADMSG where they differ, @p ret_verification is written; else another -errno. */
int verify_run(const struct options *options, struct verification *ret_verification,
	struct jbr_error *error);

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file reference.h
 * The same analysis, as simply as it can be written: every packet is parsed in full, looked up in a
 * chained hash table and taken through jbr_tcp_step(). No short way for plain segments, no bursts, no
 * prefetching, no timer wheel. What the sensor records and counts must come out the same.
 *
 * Owns:    its table; it grows without limit, so nothing is evicted.
 * Threads: one.
 * Limits:  it follows frames of the generator. What it does not know (a tap's copies, wrong checksums,
 *          ICMP, a SYN inside a connection that is answered) it reports as a problem.
 */
#pragma once
#include <stdint.h>

#include "jbr_base.h"
#include "jbr_catalog.h"
#include "jbr_packet.h"
#include "jbr_stats.h"

struct reference;

/** Create one for about @p flows connections; @p config must live as long.
 * @return it, or NULL with errno ENOMEM. */
struct reference *reference_create(const struct jbr_config *config, uint32_t flows);
/** Release; NULL is fine. */
void reference_free(struct reference *reference);
/** Analyse @p count frames, in order. */
void reference_burst(struct reference *reference, const struct jbr_frame *frames, unsigned count);
/** End what is due at @p now_ns and then every connection as it stands.
 * @return the digest of all that was recorded and counted. */
uint64_t reference_finish(struct reference *reference, uint64_t now_ns);
/** What was counted. */
const struct jbr_counters *reference_counters(const struct reference *reference);
/** Digest of the records alone. */
uint64_t reference_records(const struct reference *reference);
/** What it met that it does not know; NULL = nothing. */
const char *reference_problem(const struct reference *reference);

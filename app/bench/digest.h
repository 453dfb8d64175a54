/* SPDX-License-Identifier: BSD-3-Clause */
/** @file digest.h
 * Flow records and counters folded into 64 bits, whatever their order.
 *
 * Threads: pure functions over values.
 */
#pragma once
#include <stdint.h>

#include "jbr_event.h"
#include "jbr_stats.h"

/** Of one record, every field but flow_id, which follows from tuple and first packet. Digests of records are added up. */
uint64_t digest_record(const struct jbr_flow_record *record);
/** Of counters; evictions and the digest of records are to be added. */
uint64_t digest_counters(const struct jbr_counters *counters);

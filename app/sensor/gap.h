/* SPDX-License-Identifier: BSD-3-Clause */
/** @file gap.h
 * How long a worker left its ports alone: a log-linear histogram, eight steps to each power of two, so
 * what it says is at most 1/8 too high.
 *
 * Threads: one writer, the worker; control code reads when it has stopped.
 */
#pragma once
#include <stdint.h>

#include "jbr_base.h"

enum { GAP_STEPS = 8, GAP_BUCKETS = 64 * GAP_STEPS };

struct gap {
	uint64_t counts[GAP_BUCKETS];
	uint64_t total;
	uint64_t max; /**< exact */
};

/** The bucket of @p cycles. */
static inline unsigned
gap_bucket(uint64_t cycles)
{
	unsigned power;

	if (cycles < 2 * GAP_STEPS)
		return (unsigned)cycles;
	power = 63 - (unsigned)__builtin_clzll(cycles);
	return (power - 2) * GAP_STEPS + (unsigned)(cycles >> (power - 3)) - GAP_STEPS;
}

/** [data] Note one. */
static inline void
gap_add(struct gap *gap, uint64_t cycles)
{
	gap->counts[gap_bucket(cycles)]++;
	gap->total++;
	gap->max = jbr_max_u64(gap->max, cycles);
}

/** The largest number of cycles in the bucket @p index, and not beyond 64 bits. */
static inline uint64_t
gap_bound(unsigned index)
{
	unsigned power = index / GAP_STEPS + 2;

	if (index + 1 < 2 * GAP_STEPS)
		return index;
	return ((uint64_t)(index % GAP_STEPS + GAP_STEPS + 1) << (power - 3)) - 1;
}

/** Cycles that @p per_10000 of 10,000 gaps do not exceed, up to a step too high; 0 without a gap. */
static inline uint64_t
gap_quantile(const struct gap *gap, unsigned per_10000)
{
	uint64_t wanted = (uint64_t)(((unsigned __int128)gap->total * per_10000 + 9999) / 10000);
	uint64_t seen = 0;

	for (unsigned i = 0; i < GAP_BUCKETS && gap->total > 0; i++) {
		seen += gap->counts[i];
		if (seen >= wanted)
			return jbr_min_u64(gap_bound(i), gap->max);
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file xstats.h
 * The ports' own statistics, under the names that their drivers give them (DPDK's xstats).
 *
 * Threads: the control thread.
 * Memory:  names stand in the struct: it must stay where it is while they are used.
 */
#pragma once
#include <stdint.h>

#include "jbr_base.h"
#include "jbr_stats.h"

enum { XSTATS_MAX = 4096, XSTATS_NAME_SIZE = 64 };

struct xstats {
	struct jbr_series_name series[XSTATS_MAX]; /**< in the order of their ports */
	char names[XSTATS_MAX][XSTATS_NAME_SIZE];
	uint16_t port_ids[XSTATS_MAX]; /**< DPDK's */
	uint64_t ids[XSTATS_MAX];      /**< of each in its port */
	uint32_t count;
};

/** Add those of the port @p port, DPDK's @p port_id; those beyond XSTATS_MAX in all are left out. */
void xstats_add(struct xstats *xstats, uint32_t port, uint16_t port_id);
/** Read the first @p count of what was added, in its order; where a driver fails, 0. */
void xstats_read(const struct xstats *xstats, uint64_t *ret_values, uint32_t count);

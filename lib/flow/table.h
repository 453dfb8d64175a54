/* SPDX-License-Identifier: BSD-3-Clause */
/** @file table.h  The inside of a table; for the files of this room only. */
#pragma once
#include "shard.h"

struct jbr_flow_table {
	uint64_t seed;
	size_t bytes;                  /* of the whole stretch that begins here */
	struct jbr_flow_memory memory; /* zero: mapped by create() */
	uint64_t learned_lag_ns[JBR_FLOW_PORTS];
	struct jbr_flow_shard shards[JBR_FLOW_SHARDS];
};

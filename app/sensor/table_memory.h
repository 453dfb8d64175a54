/* SPDX-License-Identifier: BSD-3-Clause */
/** @file table_memory.h
 * Memory for connection tables, taken whole when it is asked for: from huge pages where enough are
 * free, else from ordinary memory in large pages as far as the kernel has them.
 *
 * Threads: control code, before the workers start and after they have ended.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "jbr_flow.h"

/** Of huge pages; no others are tried. */
enum { TABLE_MEMORY_PAGE_BYTES = 2 << 20 };

/** Where to take it, and what it came to. Must outlive the tables. */
struct table_memory {
	int node;          /**< PLACEMENT_NODE_UNKNOWN = wherever */
	bool may_use_huge; /**< try the reserved huge pages first */
	bool uses_huge;    /**< the last table lies on them */
};

/** What a table for @p capacity connections takes, in whole pages. */
uint64_t table_memory_bytes(uint32_t capacity);

/** What jbr_flow_params.memory wants. Its take() returns NULL when the memory is not there; it never
 * takes less than all. */
struct jbr_flow_memory table_memory_for(struct table_memory *where);

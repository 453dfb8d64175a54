/* SPDX-License-Identifier: BSD-3-Clause */
/** @file outbox.h
 * From a live worker to the control thread: what it has to tell, in blocks. Each block is either free,
 * or full, or in one of the two threads' hands. A worker never waits for a block: without a free one
 * what it had to tell is lost, and counted.
 *
 * Threads: outbox_post() is the worker's; outbox_take() and outbox_give_back() are the control thread's,
 *          at the same time; the rest runs while no worker does.
 * Memory:  all taken in outbox_create().
 */
#pragma once
#include <stdint.h>

#include "jbr_base.h"
#include "pipeline.h"

struct rte_ring;

enum { OUTBOX_BLOCKS = 32 };

struct outbox {
	struct rte_ring *free; /**< single producer, single consumer, both */
	struct rte_ring *full;
	struct output *blocks;
	uint64_t lost_records; /**< the worker's to write */
	uint64_t lost_findings;
};

/** [control] Prepare @p outbox of the worker @p index on the NUMA node @p node (-1 = any).
 * @return 0, or -errno with @p error. */
int outbox_create(struct outbox *outbox, unsigned index, int node, struct jbr_error *error);
/** [control] Release; one that is all zeros is fine. */
void outbox_free(struct outbox *outbox);

/** [data] Is there a free block? */
bool outbox_has_room(const struct outbox *outbox);
/** [data] Hand over what stands in @p output, or count it as lost; @p output is empty after. */
void outbox_post(struct outbox *outbox, struct output *output);

/** [control] The next full block, the control thread's until it is given back; NULL if there is none. */
const struct output *outbox_take(struct outbox *outbox);
/** [control] Give back a block that was taken. */
void outbox_give_back(struct outbox *outbox, const struct output *block);

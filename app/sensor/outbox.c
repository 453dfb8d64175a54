/* SPDX-License-Identifier: BSD-3-Clause */
#include "outbox.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_ring.h>

static struct rte_ring *
create_ring(const char *what, unsigned index, int node)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%s_%u", what, index);
	/* a ring holds one less than its size */
	return rte_ring_create(name, OUTBOX_BLOCKS * 2, node, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

int
outbox_create(struct outbox *outbox, unsigned index, int node, struct jbr_error *error)
{
	memset(outbox, 0, sizeof(*outbox));
	outbox->blocks = aligned_alloc(64, OUTBOX_BLOCKS * sizeof(*outbox->blocks));
	if (outbox->blocks == NULL)
		return jbr_error_set(error, -ENOMEM, "cannot have the output of worker %u: %s",
			index, strerror(ENOMEM));
	outbox->free = create_ring("outbox_free", index, node);
	outbox->full = create_ring("outbox_full", index, node);
	if (outbox->free == NULL || outbox->full == NULL)
		return jbr_error_set(error, -rte_errno, "cannot have the output of worker %u: %s",
			index, rte_strerror(rte_errno));
	for (unsigned i = 0; i < OUTBOX_BLOCKS; i++)
		(void)rte_ring_sp_enqueue(outbox->free, &outbox->blocks[i]);
	return 0;
}

void
outbox_free(struct outbox *outbox)
{
	rte_ring_free(outbox->free);
	rte_ring_free(outbox->full);
	free(outbox->blocks);
	memset(outbox, 0, sizeof(*outbox));
}

const struct output *
outbox_take(struct outbox *outbox)
{
	void *block;

	return rte_ring_sc_dequeue(outbox->full, &block) == 0 ? block : NULL;
}

void
outbox_give_back(struct outbox *outbox, const struct output *block)
{
	(void)rte_ring_sp_enqueue(outbox->free, (void *)(uintptr_t)block);
}

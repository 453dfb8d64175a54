/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_stats.h"

void
jbr_publish_block(struct jbr_shm_block_head *block, const struct jbr_worker_figures *figures)
{
	uint64_t next = block->sequence + 1;
	uint64_t *copy = (uint64_t *)(block + 1) + (next & 1) * JBR_WORKER_VALUES;
	const uint64_t *values = (const uint64_t *)figures;

	/* who still reads this copy has to see that the other one is whole since long */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (unsigned i = 0; i < JBR_WORKER_VALUES; i++)
		__atomic_store_n(&copy[i], values[i], __ATOMIC_RELAXED);
	__atomic_store_n(&block->sequence, next, __ATOMIC_RELEASE);
}

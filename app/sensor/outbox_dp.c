/* SPDX-License-Identifier: BSD-3-Clause */
#include "outbox.h"

#include <rte_ring.h>

bool
outbox_has_room(const struct outbox *outbox)
{
	return rte_ring_count(outbox->free) > 0;
}

void
outbox_post(struct outbox *outbox, struct output *output)
{
	void *at;
	struct output *block;

	if (output->nb_records == 0 && output->nb_findings == 0)
		return;
	if (rte_ring_sc_dequeue(outbox->free, &at) == 0) {
		block = at;
		memcpy(block->records, output->records,
			output->nb_records * sizeof(output->records[0]));
		memcpy(block->findings, output->findings,
			output->nb_findings * sizeof(output->findings[0]));
		block->nb_records = output->nb_records;
		block->nb_findings = output->nb_findings;
		/* never full: it holds as many as there are blocks */
		(void)rte_ring_sp_enqueue(outbox->full, block);
	} else {
		outbox->lost_records += output->nb_records;
		outbox->lost_findings += output->nb_findings;
	}
	output->nb_records = 0;
	output->nb_findings = 0;
}

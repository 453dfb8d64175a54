/* SPDX-License-Identifier: BSD-3-Clause */
#include "stages.h"

enum { GROUP = 8 }; /* as in pipeline_dp.c */

static void
parse(const struct worker *worker, const struct jbr_frame *frame, struct stages *stages,
	unsigned at)
{
	stages->is_outlined[at] = jbr_packet_outline(frame, &worker->packet_options,
		&stages->outlines[at]);
	if (!stages->is_outlined[at])
		jbr_packet_parse(frame, &worker->packet_options, &stages->packets[at]);
}

static void
locate(const struct worker *worker, struct stages *stages, unsigned at)
{
	struct jbr_flow_probe *probe = &stages->probes[at];

	if (stages->is_outlined[at])
		jbr_flow_locate_outline(worker->table, &stages->outlines[at], probe);
	else
		jbr_flow_locate(worker->table, &stages->packets[at], probe);
	jbr_flow_prefetch(worker->shards[probe->shard], probe);
}

void
stages_look(const struct worker *worker, const struct jbr_frame *frames, enum part part,
	struct stages *stages)
{
	struct jbr_flow_probe *probes = stages->probes;

	for (unsigned i = 0; i < BURST_MAX + 2 * GROUP; i++) {
		if (i < BURST_MAX)
			parse(worker, &frames[i], stages, i);
		if (i < BURST_MAX && part >= PART_LOCATE)
			locate(worker, stages, i);
		if (part < PART_FIND)
			continue;
		if (i >= GROUP && i < BURST_MAX + GROUP) {
			struct jbr_flow_probe *probe = &probes[i - GROUP];

			jbr_flow_prefetch_record(worker->shards[probe->shard], probe);
		}
		if (i >= 2 * GROUP) {
			const struct jbr_flow_probe *probe = &probes[i - 2 * GROUP];

			stages->sink +=
				(uintptr_t)jbr_flow_find(worker->shards[probe->shard], probe).line;
		}
	}
}

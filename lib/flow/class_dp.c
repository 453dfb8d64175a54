/* SPDX-License-Identifier: BSD-3-Clause */
/* Who goes when there is no room. A flood of packets that answer nothing fills the lowest class only,
 * and gives way to itself. */
#include "jbr_flow.h"
#include "shard.h"

enum {
	IDLE_LOOKED_AT = 8,
	SPARE_SHARE = 16, /* one place in sixteen is not for proven connections */
};

void
jbr_flow_enqueue(struct jbr_flow_shard *shard, uint32_t index, enum jbr_flow_class rank)
{
	struct queue *queue = &shard->queues[rank];
	struct timer *link = &shard->timers[index];

	link->rank = (uint8_t)rank;
	link->newer = JBR_FLOW_NONE;
	link->older = queue->newest;
	if (queue->newest == JBR_FLOW_NONE)
		queue->oldest = index;
	else
		shard->timers[queue->newest].newer = index;
	queue->newest = index;
	queue->count++;
}

void
jbr_flow_dequeue(struct jbr_flow_shard *shard, uint32_t index)
{
	const struct timer *link = &shard->timers[index];
	struct queue *queue = &shard->queues[link->rank];

	if (link->older == JBR_FLOW_NONE)
		queue->oldest = link->newer;
	else
		shard->timers[link->older].newer = link->newer;
	if (link->newer == JBR_FLOW_NONE)
		queue->newest = link->older;
	else
		shard->timers[link->newer].older = link->older;
	queue->count--;
}

static enum jbr_flow_class
class_of(const struct jbr_tcp_hot *hot)
{
	bool is_proven = (hot->flags & ((uint32_t)JBR_TCP_PROVEN | JBR_TCP_HANDSHAKE)) != 0;

	switch ((enum jbr_tcp_state)hot->state) {
	case JBR_TCP_STATE_SYN_SENT:
	case JBR_TCP_STATE_SYNACK_ONLY:
		return JBR_FLOW_UNANSWERED;
	case JBR_TCP_STATE_SYN_RECEIVED:
	case JBR_TCP_STATE_CROSSED:
		return JBR_FLOW_HALF_OPEN;
	case JBR_TCP_STATE_RESET:
	case JBR_TCP_STATE_TIME_WAIT:
		return is_proven ? JBR_FLOW_CLOSED : JBR_FLOW_UNANSWERED;
	default:
		return is_proven ? JBR_FLOW_PROVEN : JBR_FLOW_UNANSWERED;
	}
}

enum jbr_flow_class
jbr_flow_classify(struct jbr_flow_shard *shard, struct jbr_flow flow)
{
	uint32_t index = jbr_flow_index(shard, flow);
	enum jbr_flow_class rank = class_of(&flow.line->hot);

	if (rank != shard->timers[index].rank) {
		jbr_flow_dequeue(shard, index);
		jbr_flow_enqueue(shard, index, rank);
	}
	return rank;
}

enum jbr_flow_class
jbr_flow_class(const struct jbr_flow_shard *shard, struct jbr_flow flow)
{
	return (enum jbr_flow_class)shard->timers[jbr_flow_index(shard, flow)].rank;
}

struct jbr_flow
jbr_flow_victim(const struct jbr_flow_shard *shard)
{
	for (unsigned rank = 0; rank < JBR_FLOW_PROVEN; rank++)
		if (shard->queues[rank].oldest != JBR_FLOW_NONE)
			return jbr_flow_at(shard, shard->queues[rank].oldest);
	return (struct jbr_flow){0};
}

void
jbr_flow_prefetch_victim(const struct jbr_flow_shard *shard)
{
	const struct queue *queue = &shard->queues[JBR_FLOW_UNANSWERED];
	uint32_t next = queue->oldest;
	uint32_t second;
	uint32_t third;

	if (queue->count < 3)
		return;
	/* each was fetched one call earlier by the line below its own */
	second = shard->timers[next].newer;
	third = shard->timers[second].newer;
	__builtin_prefetch(&shard->buckets[jbr_flow_bucket(shard, shard->rests[next].hash)], 1);
	__builtin_prefetch(&shard->lines[second], 1);
	__builtin_prefetch((const char *)&shard->lines[second] + 64, 1);
	for (size_t at = 0; at < sizeof(struct jbr_flow_rest); at += 64)
		__builtin_prefetch((const char *)&shard->rests[second] + at, 1);
	__builtin_prefetch(&shard->timers[third], 1);
}

bool
jbr_flow_is_crowded(const struct jbr_flow_shard *shard)
{
	return shard->queues[JBR_FLOW_PROVEN].count >
		shard->capacity - shard->capacity / SPARE_SHARE;
}

/* Those that were looked at and may stay go to the new end, so that all come round. */
struct jbr_flow
jbr_flow_idle(struct jbr_flow_shard *shard)
{
	const struct queue *queue = &shard->queues[JBR_FLOW_PROVEN];
	struct jbr_flow idle = {0};

	for (unsigned i = 0; i < IDLE_LOOKED_AT && i < queue->count; i++) {
		uint32_t index = queue->oldest;
		struct jbr_flow flow = jbr_flow_at(shard, index);

		if (idle.line == NULL || flow.line->hot.last_ns < idle.line->hot.last_ns)
			idle = flow;
		jbr_flow_dequeue(shard, index);
		jbr_flow_enqueue(shard, index, JBR_FLOW_PROVEN);
	}
	return idle;
}

uint32_t
jbr_flow_class_count(const struct jbr_flow_shard *shard, enum jbr_flow_class rank)
{
	uint32_t embryos = rank == JBR_FLOW_UNANSWERED ? shard->nb_embryos : 0;

	return shard->queues[rank].count + embryos;
}

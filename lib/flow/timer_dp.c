/* SPDX-License-Identifier: BSD-3-Clause */
/* One wheel a shard. A record hangs in the slot of its armed deadline, or in the last slot when that
 * is further than once around; it is looked at again when the slot comes. */
#include "jbr_flow.h"
#include "shard.h"

enum {
	BACK_TICKS = 2, /* about a second */
};

static unsigned
slot_at(uint64_t tick)
{
	return (unsigned)(tick % WHEEL_SLOTS);
}

void
jbr_flow_disarm(struct jbr_flow_shard *shard, uint32_t index)
{
	struct timer *timer = &shard->timers[index];

	if (timer->slot == SLOT_NONE)
		return;
	if (timer->previous == JBR_FLOW_NONE)
		shard->heads[timer->slot] = timer->next;
	else
		shard->timers[timer->previous].next = timer->next;
	if (timer->next != JBR_FLOW_NONE)
		shard->timers[timer->next].previous = timer->previous;
	timer->slot = SLOT_NONE;
}

static void
hang(struct jbr_flow_shard *shard, uint32_t index, uint64_t deadline_ns)
{
	struct timer *timer = &shard->timers[index];
	uint64_t tick = deadline_ns >> WHEEL_SHIFT;

	if (tick < shard->wheel_tick)
		tick = shard->wheel_tick;
	if (tick > shard->wheel_tick + WHEEL_SLOTS - 1)
		tick = shard->wheel_tick + WHEEL_SLOTS - 1;
	timer->slot = (uint16_t)slot_at(tick);
	timer->previous = JBR_FLOW_NONE;
	timer->next = shard->heads[timer->slot];
	if (timer->next != JBR_FLOW_NONE)
		shard->timers[timer->next].previous = index;
	shard->heads[timer->slot] = index;
}

void
jbr_flow_arm(struct jbr_flow_shard *shard, struct jbr_flow flow, uint64_t deadline_ns)
{
	uint32_t index = jbr_flow_index(shard, flow);

	if (shard->timers[index].slot != SLOT_NONE && deadline_ns >= flow.rest->deadline_ns)
		return;
	if (shard->wheel_tick == 0)
		shard->wheel_tick = flow.line->hot.last_ns >> WHEEL_SHIFT;
	jbr_flow_disarm(shard, index);
	flow.rest->deadline_ns = deadline_ns;
	flow.line->wake = (uint32_t)(deadline_ns >> JBR_FLOW_WAKE_SHIFT);
	hang(shard, index, deadline_ns);
}

void
jbr_flow_rearm(struct jbr_flow_shard *shard, struct jbr_flow flow, uint64_t deadline_ns)
{
	jbr_flow_disarm(shard, jbr_flow_index(shard, flow));
	jbr_flow_arm(shard, flow, deadline_ns);
}

/* The first record of the slot that is due; those hung there for want of a later slot go on. */
static struct jbr_flow
due_in_slot(struct jbr_flow_shard *shard, unsigned slot, uint64_t now_ns)
{
	uint32_t index = shard->heads[slot];

	while (index != JBR_FLOW_NONE) {
		struct jbr_flow flow = jbr_flow_at(shard, index);
		uint32_t next = shard->timers[index].next;

		if (flow.rest->deadline_ns <= now_ns) {
			jbr_flow_disarm(shard, index);
			return flow;
		}
		if (slot_at(flow.rest->deadline_ns >> WHEEL_SHIFT) != slot ||
			(flow.rest->deadline_ns >> WHEEL_SHIFT) > shard->wheel_tick) {
			jbr_flow_disarm(shard, index);
			hang(shard, index, flow.rest->deadline_ns);
		}
		index = next;
	}
	return (struct jbr_flow){0};
}

/* The clock has gone back: where a timer hangs follows from the present. */
static void
hang_anew(struct jbr_flow_shard *shard, uint64_t now_tick)
{
	shard->wheel_tick = now_tick;
	for (uint32_t index = 0; index < shard->nb_fresh_flows; index++) {
		if (shard->timers[index].slot == SLOT_NONE)
			continue;
		jbr_flow_disarm(shard, index);
		hang(shard, index, shard->rests[index].deadline_ns);
	}
}

struct jbr_flow
jbr_flow_due(struct jbr_flow_shard *shard, uint64_t now_ns)
{
	uint64_t now_tick = now_ns >> WHEEL_SHIFT;

	if (shard->nb_flows == 0) {
		shard->wheel_tick = now_tick;
		return (struct jbr_flow){0};
	}
	if (now_tick + BACK_TICKS < shard->wheel_tick)
		hang_anew(shard, now_tick);
	/* after a gap longer than the wheel every slot is looked at once */
	if (now_tick >= WHEEL_SLOTS && shard->wheel_tick + WHEEL_SLOTS < now_tick)
		shard->wheel_tick = now_tick - WHEEL_SLOTS;
	for (;;) {
		struct jbr_flow flow = due_in_slot(shard, slot_at(shard->wheel_tick), now_ns);

		if (flow.line != NULL)
			return flow;
		if (shard->wheel_tick >= now_tick)
			return (struct jbr_flow){0};
		shard->wheel_tick++;
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Tap duplicates: a small memory of segments, the newest of each place kept. */
#include "jbr_flow.h"
#include "shard.h"

enum {
	LAG_EQUAL_MS = 10, /* same TTL and VLAN */
	LAG_MOVED_MS = 2,  /* lower TTL, or another VLAN */
	LOOP_FALLS = 2,
};

/* Where the clock jumps back, what is remembered is of another time: forget it. */
static bool
is_time_going_on(struct jbr_flow_shard *shard, uint64_t now_ns)
{
	bool goes_on = now_ns + LAG_EQUAL_MS * JBR_NS_PER_MS >= shard->latest_ns;

	if (!goes_on)
		memset(shard->copies, 0, sizeof(shard->copies));
	if (!goes_on || now_ns > shard->latest_ns)
		shard->latest_ns = now_ns;
	return goes_on;
}

/* How late a copy of @p old may come; 0 = none is believed. */
static uint64_t
lag_limit_ns(const struct seen *old, const struct seen *now, bool has_id, uint64_t learned_ns)
{
	uint64_t limit_ns = LAG_EQUAL_MS * JBR_NS_PER_MS;

	if (now->ttl != old->ttl || now->vlan != old->vlan)
		limit_ns = LAG_MOVED_MS * JBR_NS_PER_MS;
	return has_id ? limit_ns : jbr_min_u64(limit_ns, learned_ns);
}

static inline struct seen
seen_of(uint64_t fingerprint, uint16_t vlan, uint8_t ttl, uint64_t now_ns)
{
	return (struct seen){.time_ns = now_ns,
		.hash = (uint32_t)(fingerprint >> 32),
		.vlan = vlan,
		.ttl = ttl};
}

void
jbr_flow_remember(struct jbr_flow_shard *shard, uint64_t fingerprint, uint16_t vlan, uint8_t ttl,
	uint64_t now_ns)
{
	(void)is_time_going_on(shard, now_ns);
	shard->copies[fingerprint % COPY_SLOTS] = seen_of(fingerprint, vlan, ttl, now_ns);
}

enum jbr_copy
jbr_flow_check_copy(struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe,
	const struct jbr_packet *packet, const struct jbr_frame *frame, bool can_be_copy)
{
	struct seen *old = &shard->copies[probe->fingerprint % COPY_SLOTS];
	struct seen now = seen_of(probe->fingerprint, packet->vlan[0], packet->ttl, frame->time_ns);
	unsigned port = frame->port % JBR_FLOW_PORTS;
	bool has_id = (packet->ip_id & 0xffff) != 0;
	uint64_t lag_ns = now.time_ns > old->time_ns ? now.time_ns - old->time_ns : 0;
	uint64_t limit_ns;

	if (!is_time_going_on(shard, now.time_ns) || !can_be_copy || old->hash != now.hash ||
		now.ttl > old->ttl) {
		*old = now;
		return JBR_COPY_NOT;
	}
	limit_ns = lag_limit_ns(old, &now, has_id,
		__atomic_load_n(&shard->learned_lag_ns[port], __ATOMIC_RELAXED));
	if (lag_ns > limit_ns || limit_ns == 0) {
		*old = now;
		return JBR_COPY_NOT;
	}
	if (has_id && lag_ns + 1 > shard->seen_lag_ns[port])
		__atomic_store_n(&shard->seen_lag_ns[port], lag_ns + 1, __ATOMIC_RELAXED);
	now.falls = (uint8_t)(old->falls + (now.ttl < old->ttl && old->falls < LOOP_FALLS));
	*old = now;
	return now.falls >= LOOP_FALLS ? JBR_COPY_LOOP : JBR_COPY_DUPLICATE;
}

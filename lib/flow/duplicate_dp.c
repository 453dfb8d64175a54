/* SPDX-License-Identifier: BSD-3-Clause */
/* Tap duplicates: a small memory of fingerprints, the newest of each place kept. A slot holds 34 bits
 * of the hash, the TTL, how often it has fallen, and the time in 2^16 ns. */
#include "jbr_flow.h"
#include "shard.h"

enum {
	TIME_SHIFT = 16,
	TIME_BITS = 20,
	FALLS_BITS = 2,
	TTL_BITS = 8,
	HASH_SHIFT = TIME_BITS + FALLS_BITS + TTL_BITS,
	LAG_EQUAL_MS = 10, /* same TTL */
	LAG_MOVED_MS = 2,  /* lower TTL, or another VLAN */
};

static const uint64_t time_mask = (UINT64_C(1) << TIME_BITS) - 1;

static uint64_t
slot_value(uint64_t hash, unsigned ttl, unsigned falls, uint64_t now_ns)
{
	return hash >> HASH_SHIFT << HASH_SHIFT | (uint64_t)ttl << (TIME_BITS + FALLS_BITS) |
		(uint64_t)falls << TIME_BITS | ((now_ns >> TIME_SHIFT) & time_mask);
}

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

enum jbr_copy
jbr_flow_check_copy(struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe,
	const struct jbr_packet *packet, const struct jbr_frame *frame, bool can_be_copy)
{
	uint64_t hash = probe->fingerprint;
	uint64_t now_ns = frame->time_ns;
	unsigned port = frame->port % JBR_FLOW_PORTS;
	bool goes_on = is_time_going_on(shard, now_ns);
	uint64_t *slot = &shard->copies[hash % COPY_SLOTS];
	uint64_t old = *slot;
	uint64_t lag_ns = (((now_ns >> TIME_SHIFT) - old) & time_mask) << TIME_SHIFT;
	unsigned ttl = (unsigned)(old >> (TIME_BITS + FALLS_BITS)) & 0xff;
	unsigned falls = (unsigned)(old >> TIME_BITS) & 3;
	bool has_id = (packet->ip_id & 0xffff) != 0;
	uint64_t lag_max_ns = LAG_EQUAL_MS * JBR_NS_PER_MS;

	if (!goes_on || !can_be_copy || (old ^ hash) >> HASH_SHIFT != 0 || packet->ttl > ttl) {
		*slot = slot_value(hash, packet->ttl, 0, now_ns);
		return JBR_COPY_NOT;
	}
	if (packet->ttl + 1u == ttl)
		lag_max_ns = LAG_MOVED_MS * JBR_NS_PER_MS;
	if (!has_id)
		lag_max_ns = shard->learned_lag_ns[port];
	/* a time in units of 65 us: one unit of grace */
	if (lag_ns > lag_max_ns + (UINT64_C(1) << TIME_SHIFT) || (!has_id && lag_max_ns == 0)) {
		*slot = slot_value(hash, packet->ttl, 0, now_ns);
		return JBR_COPY_NOT;
	}
	if (has_id && lag_ns + 1 > shard->seen_lag_ns[port])
		shard->seen_lag_ns[port] = lag_ns + 1;
	if (packet->ttl < ttl && falls < 3)
		falls++;
	*slot = slot_value(hash, packet->ttl, falls, now_ns);
	return falls >= 2 ? JBR_COPY_LOOP : JBR_COPY_DUPLICATE;
}

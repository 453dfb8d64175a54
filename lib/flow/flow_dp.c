/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_flow.h"
#include <emmintrin.h>

#include "table.h"

enum {
	RECORD_LINES = 3, /* that a plain packet touches */
	ANY_AHEAD = 4,    /* records whose buckets are fetched ahead at the end of a run */
};

/* A free slot is marked by index 0, so that fresh zero pages are empty buckets: the slot holds the
 * record's index plus one. */
static uint32_t
slot_of(uint32_t index)
{
	return index + 1;
}

struct jbr_flow_shard *
jbr_flow_shard_at(struct jbr_flow_table *table, unsigned index)
{
	return &table->shards[index];
}

static uint64_t
fingerprint(uint64_t tuple_hash, const struct jbr_packet *packet)
{
	uint64_t numbers = (uint64_t)packet->seq << 32 | packet->ack;
	uint64_t form = (uint64_t)(packet->ip_id & 0xffff) << 48 | (uint64_t)packet->flags << 36 |
		(uint64_t)packet->tcp_checksum << 16 | (packet->payload_length & 0xffff);

	return jbr_mix64(tuple_hash ^ numbers, form ^ UINT64_C(0x9e3779b97f4a7c15));
}

void
jbr_flow_locate(const struct jbr_flow_table *table, const struct jbr_packet *packet,
	struct jbr_flow_probe *ret_probe)
{
	static const uint64_t odd[] = {
		UINT64_C(0x9e3779b97f4a7c15),
		UINT64_C(0xc2b2ae3d27d4eb4f),
		UINT64_C(0x165667b19e3779f9),
		UINT64_C(0xd6e8feb86659fd93),
	};
	struct jbr_flow_key *key = &ret_probe->key;
	bool is_low_first;
	unsigned src;
	uint64_t hash;

	if (packet->src.halves[1] != packet->dst.halves[1])
		is_low_first = packet->src.halves[1] < packet->dst.halves[1];
	else if (packet->src.halves[0] != packet->dst.halves[0])
		is_low_first = packet->src.halves[0] < packet->dst.halves[0];
	else
		is_low_first = packet->src_port <= packet->dst_port;
	src = is_low_first ? 0 : 1;
	key->address[src] = packet->src;
	key->address[src ^ 1] = packet->dst;
	key->port[src] = packet->src_port;
	key->port[src ^ 1] = packet->dst_port;
	key->tenant = packet->tenant;
	hash = jbr_mix64(key->address[0].halves[0] ^ odd[0] ^ table->seed,
		key->address[0].halves[1] ^ odd[1]);
	hash ^= jbr_mix64(key->address[1].halves[0] ^ odd[2], key->address[1].halves[1] ^ odd[3]);
	hash = jbr_mix64(hash ^ odd[1], ((uint64_t)key->port[0] << 16 | key->port[1]) ^ odd[0]);
	ret_probe->shard = (uint8_t)(hash % JBR_FLOW_SHARDS);
	ret_probe->fingerprint = fingerprint(hash ^ (uint64_t)src << 63, packet);
	ret_probe->hash = packet->tenant == 0 ? hash
					      : jbr_mix64(hash ^ odd[3], packet->tenant ^ odd[2]);
	ret_probe->sender = (uint8_t)src;
}

static uint32_t
bucket_of(const struct jbr_flow_shard *shard, uint64_t hash)
{
	return (uint32_t)(hash >> 6) & shard->bucket_mask;
}

static uint16_t
tag_of(uint64_t hash)
{
	return (uint16_t)(hash >> 48);
}

void
jbr_flow_prefetch(const struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe)
{
	__builtin_prefetch(&shard->buckets[bucket_of(shard, probe->hash)]);
	__builtin_prefetch(&shard->copies[probe->fingerprint % COPY_SLOTS], 1);
}

/* Two bits for each slot of the bucket whose tag is @p tag. */
static unsigned
matches(const struct bucket *bucket, uint16_t tag)
{
	__m128i tags = _mm_load_si128((const __m128i *)(const void *)bucket->tag);

	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi16(tags, _mm_set1_epi16((short)tag)));
}

void
jbr_flow_prefetch_record(const struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe)
{
	const struct bucket *bucket = &shard->buckets[bucket_of(shard, probe->hash)];
	unsigned bits = matches(bucket, tag_of(probe->hash));
	const char *flow;
	uint32_t index;

	if (bits == 0)
		return;
	index = bucket->index[__builtin_ctz(bits) / 2];
	if (index == 0)
		return;
	flow = (const char *)&shard->flows[index - 1];
	for (unsigned line = 0; line < RECORD_LINES; line++)
		__builtin_prefetch(flow + line * 64, 1);
}

static bool
is_key_equal(const struct jbr_flow_key *a, const struct jbr_flow_key *b)
{
	return ((a->address[0].halves[0] ^ b->address[0].halves[0]) |
		       (a->address[0].halves[1] ^ b->address[0].halves[1]) |
		       (a->address[1].halves[0] ^ b->address[1].halves[0]) |
		       (a->address[1].halves[1] ^ b->address[1].halves[1]) |
		       (a->tenant ^ b->tenant) |
		       (uint64_t)((a->port[0] ^ b->port[0]) | (a->port[1] ^ b->port[1]))) == 0;
}

struct jbr_flow *
jbr_flow_find(struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe)
{
	uint32_t at = bucket_of(shard, probe->hash);
	uint16_t tag = tag_of(probe->hash);

	for (uint32_t step = 0; step <= shard->bucket_mask; step++) {
		const struct bucket *bucket = &shard->buckets[at];

		for (unsigned bits = matches(bucket, tag); bits != 0;
			bits &= bits - 1, bits &= bits - 1) {
			uint32_t index = bucket->index[__builtin_ctz(bits) / 2];

			if (index != 0 && is_key_equal(&shard->flows[index - 1].key, &probe->key))
				return &shard->flows[index - 1];
		}
		if (bucket->passed == 0)
			return NULL;
		at = (at + 1) & shard->bucket_mask;
	}
	return NULL;
}

bool
jbr_flow_is_full(const struct jbr_flow_shard *shard)
{
	return shard->nb_flows == shard->capacity;
}

uint32_t
jbr_flow_count(const struct jbr_flow_shard *shard)
{
	return shard->nb_flows;
}

static void
place(struct jbr_flow_shard *shard, uint64_t hash, uint32_t index)
{
	uint32_t at = bucket_of(shard, hash);

	/* the table holds twice the capacity, so a free slot exists */
	for (;; at = (at + 1) & shard->bucket_mask) {
		struct bucket *bucket = &shard->buckets[at];

		for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
			if (bucket->index[i] != 0)
				continue;
			bucket->index[i] = slot_of(index);
			bucket->tag[i] = tag_of(hash);
			return;
		}
		bucket->passed++;
	}
}

static void
unplace(struct jbr_flow_shard *shard, uint32_t at, uint32_t index)
{
	for (uint32_t step = 0; step <= shard->bucket_mask; step++) {
		struct bucket *bucket = &shard->buckets[at];

		for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
			if (bucket->index[i] != slot_of(index))
				continue;
			bucket->index[i] = 0;
			return;
		}
		bucket->passed--;
		at = (at + 1) & shard->bucket_mask;
	}
}

struct jbr_flow *
jbr_flow_insert(struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe)
{
	uint32_t index;
	struct jbr_flow *flow;

	if (shard->nb_free_flows > 0)
		index = shard->free_flows[--shard->nb_free_flows];
	else
		index = shard->nb_fresh_flows++;
	shard->nb_flows++;
	flow = &shard->flows[index];
	flow->key = probe->key;
	flow->bucket = bucket_of(shard, probe->hash);
	flow->deadline_ns = 0;
	flow->ext = JBR_FLOW_NONE;
	flow->originator = probe->sender;
	shard->timers[index].slot = SLOT_NONE;
	place(shard, probe->hash, index);
	return flow;
}

static uint32_t
index_of(const struct jbr_flow_shard *shard, const struct jbr_flow *flow)
{
	return (uint32_t)(flow - shard->flows);
}

void
jbr_flow_remove(struct jbr_flow_shard *shard, struct jbr_flow *flow)
{
	uint32_t index = index_of(shard, flow);

	jbr_flow_disarm(shard, index);
	if (flow->ext != JBR_FLOW_NONE)
		shard->free_exts[shard->nb_free_exts++] = flow->ext;
	flow->ext = JBR_FLOW_NONE;
	unplace(shard, flow->bucket, index);
	shard->free_flows[shard->nb_free_flows++] = index;
	shard->nb_flows--;
}

struct jbr_tcp_ext *
jbr_flow_ext(struct jbr_flow_shard *shard, const struct jbr_flow *flow)
{
	return flow->ext == JBR_FLOW_NONE ? NULL : &shard->exts[flow->ext];
}

struct jbr_tcp_ext *
jbr_flow_ext_get(struct jbr_flow_shard *shard, struct jbr_flow *flow)
{
	if (flow->ext != JBR_FLOW_NONE)
		return &shard->exts[flow->ext];
	if (shard->nb_free_exts > 0)
		flow->ext = shard->free_exts[--shard->nb_free_exts];
	else if (shard->nb_fresh_exts < shard->exts_capacity)
		flow->ext = shard->nb_fresh_exts++;
	else
		return NULL;
	return &shard->exts[flow->ext];
}

/* Records lie in the order they were first used; a free one has no timer. */
struct jbr_flow *
jbr_flow_any(struct jbr_flow_shard *shard)
{
	if (shard->nb_flows == 0)
		return NULL;
	for (uint32_t step = 0; step <= shard->nb_fresh_flows; step++) {
		uint32_t index = shard->any_at;
		uint32_t ahead = index + ANY_AHEAD;

		if (index >= shard->nb_fresh_flows) {
			shard->any_at = 0;
			continue;
		}
		if (shard->timers[index].slot != SLOT_NONE)
			return &shard->flows[index];
		shard->any_at++;
		if (ahead < shard->nb_fresh_flows)
			__builtin_prefetch(&shard->buckets[shard->flows[ahead].bucket], 1);
	}
	return NULL;
}

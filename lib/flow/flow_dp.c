/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_flow.h"
#include <emmintrin.h>

#include "table.h"

enum {
	ANY_AHEAD = 4, /* records whose buckets are fetched ahead at the end of a run */
};

struct jbr_flow_shard *
jbr_flow_shard_at(struct jbr_flow_table *table, unsigned index)
{
	return &table->shards[index];
}

static const uint64_t odd[] = {
	UINT64_C(0x9e3779b97f4a7c15),
	UINT64_C(0xc2b2ae3d27d4eb4f),
	UINT64_C(0x165667b19e3779f9),
	UINT64_C(0xd6e8feb86659fd93),
};

/* What a tap's copy repeats, whatever it changes on the way: numbers and form of the segment. */
static inline uint64_t
fingerprint(uint64_t hash, unsigned src, uint64_t numbers, uint64_t form)
{
	return jbr_mix64(hash ^ (uint64_t)src << 63 ^ numbers, form ^ odd[0]);
}

static inline uint64_t
form_of(uint32_t ip_id, uint32_t flags, uint32_t checksum, uint32_t payload_length)
{
	return (uint64_t)(ip_id & 0xffff) << 48 | (uint64_t)flags << 36 | (uint64_t)checksum << 16 |
		(payload_length & 0xffff);
}

/* Which end comes first is as good as random, so nothing here branches on it. */
static inline uint32_t
ports_of(unsigned src, uint16_t src_port, uint16_t dst_port)
{
	uint32_t ports = (uint32_t)src_port << 16 | dst_port;

	return ports << (16 * src) | ports >> (-(16 * src) & 31);
}

/* Both addresses as they lie in a packet; of an IPv4 tuple the whole key is this and the ports. */
static inline uint64_t
set_narrow(const struct jbr_flow_table *table, uint32_t src_be, uint32_t dst_be, unsigned src,
	struct jbr_flow_probe *probe)
{
	uint64_t ends = (uint64_t)src_be << 32 | dst_be;
	uint64_t hash;

	probe->narrow = ends << (32 * src) | ends >> (-(32 * src) & 63);
	probe->form = 0;
	hash = jbr_mix64(probe->narrow ^ odd[0] ^ table->seed, probe->ports ^ odd[1]);
	return jbr_mix64(hash ^ odd[2], odd[3] ^ table->seed);
}

static inline uint64_t
hash_wide(uint64_t seed, const union jbr_address *address, uint32_t ports)
{
	uint64_t hash = jbr_mix64(address[0].halves[0] ^ odd[0] ^ seed,
		address[0].halves[1] ^ odd[1]);

	hash ^= jbr_mix64(address[1].halves[0] ^ odd[2], address[1].halves[1] ^ odd[3]);
	return jbr_mix64(hash ^ odd[1], ports ^ odd[0]);
}

uint64_t
jbr_flow_hash_wide(uint64_t seed, const union jbr_address address[2], uint32_t ports)
{
	return hash_wide(seed, address, ports);
}

static inline uint64_t
set_wide(const struct jbr_flow_table *table, struct jbr_flow_probe *probe)
{
	uint64_t hash = hash_wide(table->seed, probe->key.address, probe->ports);

	probe->narrow = hash;
	probe->form = JBR_FLOW_WIDE;
	return hash;
}

/* Which end comes first? @return the place of the sender */
static inline unsigned
order_of(const union jbr_address *src, const union jbr_address *dst, uint16_t src_port,
	uint16_t dst_port)
{
	if (src->halves[1] != dst->halves[1])
		return src->halves[1] > dst->halves[1];
	if (src->halves[0] != dst->halves[0])
		return src->halves[0] > dst->halves[0];
	return src_port > dst_port;
}

static inline void
set_addresses(struct jbr_flow_key *key, const union jbr_address *src_address,
	const union jbr_address *dst_address, unsigned src)
{
	key->address[src] = *src_address;
	key->address[src ^ 1] = *dst_address;
}

static inline void
set_place(struct jbr_flow_probe *probe, uint64_t hash, unsigned src)
{
	probe->shard = (uint8_t)(hash % JBR_FLOW_SHARDS);
	probe->candidate = JBR_FLOW_NONE;
	probe->sender = (uint8_t)src;
	probe->hash = hash;
}

void
jbr_flow_locate(const struct jbr_flow_table *table, const struct jbr_packet *packet,
	struct jbr_flow_probe *ret_probe)
{
	struct jbr_flow_key *key = &ret_probe->key;
	unsigned src = order_of(&packet->src, &packet->dst, packet->src_port, packet->dst_port);
	uint64_t hash;

	set_addresses(key, &packet->src, &packet->dst, src);
	key->port[src] = packet->src_port;
	key->port[src ^ 1] = packet->dst_port;
	key->tenant = packet->tenant;
	ret_probe->ports = ports_of(src, packet->src_port, packet->dst_port);
	if (jbr_address_is_ipv4(&packet->src) && jbr_address_is_ipv4(&packet->dst))
		hash = set_narrow(table, packet->src.words_be[3], packet->dst.words_be[3], src,
			ret_probe);
	else
		hash = set_wide(table, ret_probe);
	set_place(ret_probe, hash, src);
	ret_probe->fingerprint = fingerprint(hash, src, (uint64_t)packet->seq << 32 | packet->ack,
		form_of(packet->ip_id, packet->flags, packet->tcp_checksum,
			packet->payload_length));
	if (packet->tenant != 0) {
		ret_probe->hash = jbr_mix64(hash ^ odd[3], packet->tenant ^ odd[2]);
		ret_probe->narrow = ret_probe->hash;
		ret_probe->form = JBR_FLOW_WIDE;
	}
}

/* A tuple of IPv4 addresses is not written out: what is to be found needs the short form only. */
void
jbr_flow_locate_outline(const struct jbr_flow_table *table, const struct jbr_outline *outline,
	struct jbr_flow_probe *ret_probe)
{
	uint16_t src_port = jbr_load_be16(outline->tcp);
	uint16_t dst_port = jbr_load_be16(outline->tcp + 2);
	union jbr_address ends[2];
	uint32_t words_be[2];
	uint64_t hash;
	unsigned src;

	if (JBR_LIKELY(outline->ip_version == 4)) {
		memcpy(words_be, outline->ip + 12, sizeof(words_be));
		src = words_be[0] > words_be[1];
		if (JBR_UNLIKELY(words_be[0] == words_be[1]))
			src = src_port > dst_port;
		ret_probe->ports = ports_of(src, src_port, dst_port);
		hash = set_narrow(table, words_be[0], words_be[1], src, ret_probe);
	} else {
		memcpy(ends, outline->ip + 8, sizeof(ends));
		src = order_of(&ends[0], &ends[1], src_port, dst_port);
		set_addresses(&ret_probe->key, &ends[0], &ends[1], src);
		ret_probe->key.tenant = 0;
		ret_probe->ports = ports_of(src, src_port, dst_port);
		hash = set_wide(table, ret_probe);
	}
	set_place(ret_probe, hash, src);
}

uint64_t
jbr_flow_fingerprint(const struct jbr_flow_probe *probe, const struct jbr_glance *glance)
{
	return fingerprint(probe->hash, probe->sender, (uint64_t)glance->seq << 32 | glance->ack,
		form_of(glance->ip_id, glance->flags, glance->tcp_checksum,
			glance->payload_length));
}

static uint32_t
next_bucket(const struct jbr_flow_shard *shard, uint32_t at)
{
	return at + 1 == shard->nb_buckets ? 0 : at + 1;
}

static uint16_t
tag_of(uint64_t hash)
{
	return (uint16_t)(hash >> 48);
}

void
jbr_flow_prefetch(const struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe)
{
	__builtin_prefetch(&shard->buckets[jbr_flow_bucket(shard, probe->hash)]);
}

/* Two bits for each slot of the bucket whose tag is @p tag. */
static unsigned
matches(const struct bucket *bucket, uint16_t tag)
{
	__m128i tags = _mm_load_si128((const __m128i *)(const void *)bucket->tag);

	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi16(tags, _mm_set1_epi16((short)tag)));
}

static inline void
prefetch_line(const struct jbr_flow_shard *shard, uint32_t index)
{
	const char *line = (const char *)&shard->lines[index];

	__builtin_prefetch(line, 1);
	__builtin_prefetch(line + 64, 1);
}

static inline void
prefetch_rest(const struct jbr_flow_shard *shard, uint32_t index)
{
	const char *rest = (const char *)&shard->rests[index];

	for (size_t at = 0; at < sizeof(struct jbr_flow_rest); at += 64)
		__builtin_prefetch(rest + at, 1);
}

/* An embryo, and the record that it will most likely become; apart, as most records are none. */
static __attribute__((noinline)) void
prefetch_embryo(const struct jbr_flow_shard *shard, uint32_t place)
{
	uint32_t next = shard->nb_free_flows > 0 ? shard->free_flows[shard->nb_free_flows - 1]
						 : shard->nb_fresh_flows;

	__builtin_prefetch(&shard->embryos[place], 1);
	if (jbr_flow_is_full(shard))
		return;
	prefetch_line(shard, next);
	prefetch_rest(shard, next);
	__builtin_prefetch(&shard->timers[next], 1);
}

void
jbr_flow_prefetch_record(const struct jbr_flow_shard *shard, struct jbr_flow_probe *probe)
{
	const struct bucket *bucket = &shard->buckets[jbr_flow_bucket(shard, probe->hash)];
	unsigned bits = matches(bucket, tag_of(probe->hash));
	uint32_t slot;

	if (bits == 0)
		return;
	slot = bucket->index[__builtin_ctz(bits) / 2];
	if (slot == 0)
		return;
	if (JBR_UNLIKELY(is_embryo_slot(slot))) {
		prefetch_embryo(shard, place_of_slot(slot));
		return;
	}
	probe->candidate = index_of_slot(slot);
	prefetch_line(shard, probe->candidate);
	if (probe->form != 0)
		__builtin_prefetch(&shard->rests[probe->candidate]);
}

void
jbr_flow_prefetch_rest(const struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe)
{
	if (probe->candidate != JBR_FLOW_NONE)
		prefetch_rest(shard, probe->candidate);
}

static bool
is_key_equal(const struct jbr_flow_key *a, const struct jbr_flow_key *b)
{
	return ((a->address[0].halves[0] ^ b->address[0].halves[0]) |
		       (a->address[0].halves[1] ^ b->address[0].halves[1]) |
		       (a->address[1].halves[0] ^ b->address[1].halves[0]) |
		       (a->address[1].halves[1] ^ b->address[1].halves[1]) |
		       (a->tenant ^ b->tenant)) == 0;
}

static inline bool
is_it(struct jbr_flow flow, const struct jbr_flow_probe *probe)
{
	const struct jbr_flow_line *line = flow.line;
	unsigned form = line->hot.place & (JBR_FLOW_WIDE | JBR_FLOW_FREE);

	if (line->narrow != probe->narrow || line->ports != probe->ports || form != probe->form)
		return false;
	return JBR_LIKELY(form == 0) || is_key_equal(&flow.rest->key, &probe->key);
}

/* Is what hangs at @p slot the one of @p probe? */
static inline bool
is_at(const struct jbr_flow_shard *shard, uint32_t slot, const struct jbr_flow_probe *probe)
{
	if (slot == 0)
		return false;
	if (JBR_UNLIKELY(is_embryo_slot(slot)))
		return slot == jbr_flow_embryo_slot(shard, place_of_slot(slot)) &&
			jbr_flow_is_embryo(&shard->embryos[place_of_slot(slot)], probe);
	return is_it(jbr_flow_at(shard, index_of_slot(slot)), probe);
}

/* The slot of what @p probe belongs to; 0 = none. */
static uint32_t
search(const struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe)
{
	uint32_t at = jbr_flow_bucket(shard, probe->hash);
	uint16_t tag = tag_of(probe->hash);

	for (uint32_t step = 0; step < shard->nb_buckets; step++) {
		const struct bucket *bucket = &shard->buckets[at];

		for (unsigned bits = matches(bucket, tag); bits != 0;
			bits &= bits - 1, bits &= bits - 1) {
			uint32_t slot = bucket->index[__builtin_ctz(bits) / 2];

			if (is_at(shard, slot, probe))
				return slot;
		}
		if (bucket->passed == 0)
			break;
		at = next_bucket(shard, at);
	}
	return 0;
}

struct jbr_flow
jbr_flow_find(const struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe)
{
	uint32_t slot;

	/* the candidate may be gone or another one by now: its key says so */
	if (probe->candidate != JBR_FLOW_NONE && is_it(jbr_flow_at(shard, probe->candidate), probe))
		return jbr_flow_at(shard, probe->candidate);
	slot = search(shard, probe);
	if (slot == 0 || is_embryo_slot(slot))
		return (struct jbr_flow){0};
	return jbr_flow_at(shard, index_of_slot(slot));
}

struct jbr_flow_embryo *
jbr_flow_find_embryo(const struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe)
{
	uint32_t slot = search(shard, probe);

	return is_embryo_slot(slot) ? &shard->embryos[place_of_slot(slot)] : NULL;
}

bool
jbr_flow_is_known(const struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe)
{
	const struct bucket *bucket = &shard->buckets[jbr_flow_bucket(shard, probe->hash)];

	if (JBR_LIKELY((matches(bucket, tag_of(probe->hash)) | bucket->passed) == 0))
		return false;
	return search(shard, probe) != 0;
}

bool
jbr_flow_is_full(const struct jbr_flow_shard *shard)
{
	return shard->nb_flows == shard->capacity;
}

uint32_t
jbr_flow_count(const struct jbr_flow_shard *shard)
{
	return shard->nb_flows + shard->nb_embryos;
}

/* A bit for each slot of the bucket that holds @p slot. */
static inline unsigned
slots_with(const struct bucket *bucket, uint32_t slot)
{
	const __m128i *indexes = (const __m128i *)(const void *)bucket->index;
	__m128i wanted = _mm_set1_epi32((int)slot);
	__m128i low = _mm_cmpeq_epi32(_mm_load_si128(indexes), wanted);
	__m128i high = _mm_cmpeq_epi32(_mm_load_si128(indexes + 1), wanted);
	__m128i words = _mm_packs_epi32(low, high);

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(words, _mm_setzero_si128()));
}

/* All ones in each of four lanes whose slot is free, or was an embryo's that has been overwritten since:
 * four times jbr_flow_embryo_slot(). */
static inline __m128i
free_lanes(const struct jbr_flow_shard *shard, __m128i slots)
{
	__m128i places = _mm_and_si128(slots, _mm_set1_epi32((1 << PLACE_BITS) - 1));
	__m128i is_before = _mm_cmplt_epi32(places, _mm_set1_epi32((int)shard->embryo_head));
	__m128i rounds = _mm_sub_epi32(_mm_set1_epi32((int)shard->embryo_round - 1), is_before);
	__m128i wrong = _mm_xor_si128(_mm_slli_epi32(rounds, PLACE_BITS), slots);
	__m128i is_fresh = _mm_cmpeq_epi32(_mm_and_si128(wrong,
						   _mm_set1_epi32((int)((uint32_t)ROUND_MASK
							   << PLACE_BITS))),
		_mm_setzero_si128());
	__m128i is_stale = _mm_andnot_si128(is_fresh, _mm_srai_epi32(slots, 31));

	return _mm_or_si128(is_stale, _mm_cmpeq_epi32(slots, _mm_setzero_si128()));
}

/* A bit for each slot of the bucket that may be taken. */
static inline unsigned
free_slots(const struct jbr_flow_shard *shard, const struct bucket *bucket)
{
	const __m128i *slots = (const __m128i *)(const void *)bucket->index;
	__m128i words = _mm_packs_epi32(free_lanes(shard, _mm_load_si128(slots)),
		free_lanes(shard, _mm_load_si128(slots + 1)));

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(words, _mm_setzero_si128()));
}

bool
jbr_flow_place(struct jbr_flow_shard *shard, uint64_t hash, uint32_t slot)
{
	uint32_t at = jbr_flow_bucket(shard, hash);
	bool has_passed = false;

	/* there are more slots than what may hang in them, so a free one exists */
	for (;; at = next_bucket(shard, at)) {
		struct bucket *bucket = &shard->buckets[at];
		unsigned free = free_slots(shard, bucket);

		if (JBR_LIKELY(free != 0)) {
			unsigned i = (unsigned)__builtin_ctz(free);

			bucket->index[i] = slot;
			bucket->tag[i] = tag_of(hash);
			return has_passed;
		}
		bucket->passed++;
		has_passed = true;
	}
}

/* The place of @p slot in the index. @param is_gone  it will hang there no more */
static uint32_t *
slot_at(struct jbr_flow_shard *shard, uint64_t hash, uint32_t slot, bool is_gone)
{
	uint32_t at = jbr_flow_bucket(shard, hash);

	for (uint32_t step = 0; step < shard->nb_buckets; step++) {
		struct bucket *bucket = &shard->buckets[at];
		unsigned here = slots_with(bucket, slot);

		if (JBR_LIKELY(here != 0))
			return &bucket->index[__builtin_ctz(here)];
		bucket->passed -= is_gone;
		at = next_bucket(shard, at);
	}
	return NULL;
}

void
jbr_flow_unplace(struct jbr_flow_shard *shard, uint64_t hash, uint32_t slot)
{
	uint32_t *place = slot_at(shard, hash, slot, true);

	if (place != NULL)
		*place = 0;
}

void
jbr_flow_replace(struct jbr_flow_shard *shard, uint64_t hash, uint32_t slot, uint32_t other)
{
	uint32_t *place = slot_at(shard, hash, slot, false);

	if (place != NULL)
		*place = other;
}

/* Twice the buckets, and everything placed anew. */
static void
grow(struct jbr_flow_shard *shard)
{
	shard->nb_buckets = jbr_min_u32(shard->nb_buckets * 2, shard->max_buckets);
	memset(shard->buckets, 0, shard->nb_buckets * sizeof(*shard->buckets));
	for (uint32_t index = 0; index < shard->nb_fresh_flows; index++)
		if (shard->lines[index].hot.place != JBR_FLOW_FREE)
			jbr_flow_place(shard, shard->rests[index].hash, slot_of(index));
	jbr_flow_place_embryos(shard);
}

void
jbr_flow_make_room(struct jbr_flow_shard *shard)
{
	if (JBR_UNLIKELY(jbr_flow_count(shard) >= shard->nb_buckets * BUCKET_FILL &&
		    shard->nb_buckets < shard->max_buckets))
		grow(shard);
}

uint32_t
jbr_flow_take(struct jbr_flow_shard *shard)
{
	uint32_t index;

	if (shard->nb_free_flows > 0)
		index = shard->free_flows[--shard->nb_free_flows];
	else
		index = shard->nb_fresh_flows++;
	shard->nb_flows++;
	shard->timers[index].slot = SLOT_NONE;
	jbr_flow_enqueue(shard, index, JBR_FLOW_UNANSWERED);
	return index;
}

struct jbr_flow
jbr_flow_insert(struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe)
{
	uint32_t index;
	struct jbr_flow flow;

	jbr_flow_make_room(shard);
	index = jbr_flow_take(shard);
	flow = jbr_flow_at(shard, index);
	flow.line->narrow = probe->narrow;
	flow.line->ports = probe->ports;
	flow.line->wake = 0;
	flow.line->hot.place = (uint8_t)(probe->sender | probe->form);
	flow.rest->key = probe->key;
	flow.rest->hash = probe->hash;
	flow.rest->deadline_ns = 0;
	flow.rest->ext = JBR_FLOW_NONE;
	jbr_flow_place(shard, probe->hash, slot_of(index));
	return flow;
}

void
jbr_flow_remove(struct jbr_flow_shard *shard, struct jbr_flow flow)
{
	uint32_t index = jbr_flow_index(shard, flow);

	jbr_flow_disarm(shard, index);
	jbr_flow_dequeue(shard, index);
	if (flow.rest->ext != JBR_FLOW_NONE)
		shard->free_exts[shard->nb_free_exts++] = flow.rest->ext;
	flow.rest->ext = JBR_FLOW_NONE;
	flow.line->hot.place = JBR_FLOW_FREE;
	jbr_flow_unplace(shard, flow.rest->hash, slot_of(index));
	shard->free_flows[shard->nb_free_flows++] = index;
	shard->nb_flows--;
}

struct jbr_tcp_ext *
jbr_flow_ext(struct jbr_flow_shard *shard, struct jbr_flow flow)
{
	return flow.rest->ext == JBR_FLOW_NONE ? NULL : &shard->exts[flow.rest->ext];
}

struct jbr_tcp_ext *
jbr_flow_ext_get(struct jbr_flow_shard *shard, struct jbr_flow flow)
{
	if (flow.rest->ext != JBR_FLOW_NONE)
		return &shard->exts[flow.rest->ext];
	if (shard->nb_free_exts > 0)
		flow.rest->ext = shard->free_exts[--shard->nb_free_exts];
	else if (shard->nb_fresh_exts < shard->exts_capacity)
		flow.rest->ext = shard->nb_fresh_exts++;
	else
		return NULL;
	return &shard->exts[flow.rest->ext];
}

/* Records lie in the order they were first used; a free one has no timer. */
struct jbr_flow
jbr_flow_any(struct jbr_flow_shard *shard)
{
	if (shard->nb_flows == 0)
		return (struct jbr_flow){0};
	for (uint32_t step = 0; step <= shard->nb_fresh_flows; step++) {
		uint32_t index = shard->any_at;
		uint32_t ahead = index + ANY_AHEAD;

		if (index >= shard->nb_fresh_flows) {
			shard->any_at = 0;
			continue;
		}
		if (shard->timers[index].slot != SLOT_NONE)
			return jbr_flow_at(shard, index);
		shard->any_at++;
		if (ahead < shard->nb_fresh_flows)
			__builtin_prefetch(&shard->buckets[jbr_flow_bucket(shard,
						   shard->rests[ahead].hash)],
				1);
	}
	return (struct jbr_flow){0};
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections of one SYN. They lie in a ring in the order in which they came; what was removed from the
 * middle stays there, dead, until the ring's old end has passed it. */
#include "jbr_flow.h"
#include "shard.h"

enum {
	LATE_MAX_NS = 1000000,
	SCALE_NONE = 15,
	NUMBER_BITS = 48,
	BASE_NARROW = 20, /* bytes of IP without options */
	BASE_WIDE = 40,
	AHEAD = 2, /* embryos that will be overwritten next and are fetched now */
};

static inline uint32_t
place_after(const struct jbr_flow_shard *shard, uint32_t place, uint32_t steps)
{
	uint32_t sum = place + steps;

	return sum >= shard->capacity ? sum - shard->capacity : sum;
}

/* Of the oldest that may be live. */
static inline uint32_t
tail_of(const struct jbr_flow_shard *shard)
{
	return place_after(shard, shard->embryo_head, shard->capacity - shard->embryo_span);
}

uint64_t
jbr_flow_embryo_hash(const struct jbr_flow_shard *shard, const struct jbr_flow_embryo *embryo)
{
	return embryo->is_wide
		? jbr_flow_hash_wide(shard->seed, embryo->ends.address, embryo->ports)
		: embryo->ends.ipv4.hash;
}

bool
jbr_flow_is_embryo(const struct jbr_flow_embryo *embryo, const struct jbr_flow_probe *probe)
{
	if (embryo->ports != probe->ports || embryo->is_wide != (probe->form != 0))
		return false;
	if (!embryo->is_wide)
		return embryo->ends.ipv4.narrow == probe->narrow;
	return probe->key.tenant == 0 &&
		memcmp(embryo->ends.address, probe->key.address, sizeof(probe->key.address)) == 0;
}

void
jbr_flow_place_embryos(struct jbr_flow_shard *shard)
{
	uint32_t place = tail_of(shard);

	for (uint32_t i = 0; i < shard->embryo_span; i++) {
		const struct jbr_flow_embryo *embryo = &shard->embryos[place];

		if (embryo->is_live)
			jbr_flow_place(shard, jbr_flow_embryo_hash(shard, embryo),
				slot_of_embryo(place));
		place = place_after(shard, place, 1);
	}
}

/* ---- in ---- */

static inline uint32_t
base_of(bool is_wide)
{
	return is_wide ? BASE_WIDE : BASE_NARROW;
}

bool
jbr_flow_takes_embryo(const struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe,
	const struct jbr_tcp_syn *syn)
{
	uint32_t rest = syn->ip_length - base_of(probe->form != 0);

	if (rest > 15 * 4 || rest % 4 != 0 || syn->vlan > 0xfff)
		return false;
	if (probe->form != 0 && (probe->key.tenant != 0 || syn->ip_id != 0))
		return false;
	return shard->nb_embryos == 0 || syn->now_ns + LATE_MAX_NS >= shard->embryo_latest_ns;
}

bool
jbr_flow_is_embryo_full(const struct jbr_flow_shard *shard)
{
	return shard->nb_embryos == shard->capacity;
}

struct jbr_flow_embryo *
jbr_flow_embryo_in_way(struct jbr_flow_shard *shard)
{
	struct jbr_flow_embryo *embryo = &shard->embryos[shard->embryo_head];

	if (JBR_LIKELY(shard->embryo_span < shard->capacity))
		return NULL;
	if (embryo->is_live)
		return embryo;
	shard->embryo_span--;
	return NULL;
}

static void
note_time(struct jbr_flow_shard *shard, uint64_t now_ns)
{
	if (shard->nb_embryos == 0) {
		shard->embryo_latest_ns = now_ns;
		shard->embryo_late_ns = 0;
	} else if (JBR_LIKELY(now_ns >= shard->embryo_latest_ns)) {
		shard->embryo_latest_ns = now_ns;
	} else {
		shard->embryo_late_ns = jbr_max_u64(shard->embryo_late_ns,
			shard->embryo_latest_ns - now_ns);
	}
}

/* Where the ring is full, those that are next to be overwritten are fetched step by step. */
static void
prefetch_next(const struct jbr_flow_shard *shard)
{
	const struct jbr_flow_embryo *next = &shard->embryos[shard->embryo_head];

	__builtin_prefetch(&shard->embryos[place_after(shard, shard->embryo_head, AHEAD)], 1);
	if (shard->embryo_span == shard->capacity)
		__builtin_prefetch(&shard->buckets[jbr_flow_bucket(shard,
					   jbr_flow_embryo_hash(shard, next))],
			1);
}

void
jbr_flow_add_embryo(struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe,
	const struct jbr_tcp_syn *syn)
{
	uint32_t place = shard->embryo_head;
	struct jbr_flow_embryo *embryo = &shard->embryos[place];
	bool is_wide = probe->form != 0;

	jbr_flow_make_room(shard);
	note_time(shard, syn->now_ns);
	if (is_wide) {
		memcpy(embryo->ends.address, probe->key.address, sizeof(probe->key.address));
	} else {
		embryo->ends.ipv4.narrow = probe->narrow;
		embryo->ends.ipv4.hash = probe->hash;
		embryo->ends.ipv4.ip_id = syn->ip_id;
	}
	embryo->time_ns = syn->now_ns;
	embryo->ports = probe->ports;
	embryo->seq = syn->seq;
	embryo->ts_value = syn->ts_value;
	embryo->number = (uint32_t)syn->number;
	embryo->number_high = (uint16_t)(syn->number >> 32);
	embryo->mss = syn->mss;
	embryo->vlan = syn->vlan & 0xfff;
	embryo->is_live = 1;
	embryo->is_wide = is_wide;
	embryo->sender = probe->sender & 1;
	embryo->has_ts = syn->has_ts;
	embryo->ttl = syn->ttl;
	embryo->scale = syn->scale == JBR_TCP_SCALE_NONE ? SCALE_NONE : syn->scale & 15;
	embryo->words = (syn->ip_length - base_of(is_wide)) / 4 & 15;
	shard->embryo_number = syn->number;
	shard->embryo_head = place_after(shard, place, 1);
	shard->embryo_span++;
	shard->nb_embryos++;
	jbr_flow_place(shard, probe->hash, slot_of_embryo(place));
	prefetch_next(shard);
}

/* ---- out ---- */

static uint32_t
place_of(const struct jbr_flow_shard *shard, const struct jbr_flow_embryo *embryo)
{
	return (uint32_t)(embryo - shard->embryos);
}

static void
bury(struct jbr_flow_shard *shard, struct jbr_flow_embryo *embryo)
{
	embryo->is_live = 0;
	shard->nb_embryos--;
	if (place_of(shard, embryo) == tail_of(shard))
		shard->embryo_span--;
}

void
jbr_flow_remove_embryo(struct jbr_flow_shard *shard, struct jbr_flow_embryo *embryo)
{
	jbr_flow_unplace(shard, jbr_flow_embryo_hash(shard, embryo),
		slot_of_embryo(place_of(shard, embryo)));
	bury(shard, embryo);
}

static union jbr_address
mapped(uint32_t word_be)
{
	return (union jbr_address){.words_be = {0, 0, __builtin_bswap32(0xffff), word_be}};
}

void
jbr_flow_unfold(const struct jbr_flow_shard *shard, const struct jbr_flow_embryo *embryo,
	struct jbr_flow flow)
{
	struct jbr_flow_key *key = &flow.rest->key;
	uint64_t hash = jbr_flow_embryo_hash(shard, embryo);

	if (embryo->is_wide) {
		memcpy(key->address, embryo->ends.address, sizeof(key->address));
	} else {
		key->address[0] = mapped((uint32_t)(embryo->ends.ipv4.narrow >> 32));
		key->address[1] = mapped((uint32_t)embryo->ends.ipv4.narrow);
	}
	key->port[0] = (uint16_t)(embryo->ports >> 16);
	key->port[1] = (uint16_t)embryo->ports;
	key->tenant = 0;
	flow.line->narrow = embryo->is_wide ? hash : embryo->ends.ipv4.narrow;
	flow.line->ports = embryo->ports;
	flow.line->wake = 0;
	flow.line->hot.place = (uint8_t)(embryo->sender | (embryo->is_wide ? JBR_FLOW_WIDE : 0));
	flow.rest->hash = hash;
	flow.rest->deadline_ns = 0;
	flow.rest->ext = JBR_FLOW_NONE;
}

struct jbr_flow
jbr_flow_hatch(struct jbr_flow_shard *shard, struct jbr_flow_embryo *embryo)
{
	uint32_t index = jbr_flow_take(shard);
	struct jbr_flow flow = jbr_flow_at(shard, index);

	jbr_flow_unfold(shard, embryo, flow);
	jbr_flow_replace(shard, flow.rest->hash, slot_of_embryo(place_of(shard, embryo)),
		slot_of(index));
	bury(shard, embryo);
	return flow;
}

/* The number nearest to that of the last embryo with the bits that were kept. */
static uint64_t
number_of(const struct jbr_flow_shard *shard, const struct jbr_flow_embryo *embryo)
{
	uint64_t low = (uint64_t)embryo->number_high << 32 | embryo->number;
	uint64_t behind = (shard->embryo_number - low) << (64 - NUMBER_BITS);

	return shard->embryo_number - (uint64_t)((int64_t)behind >> (64 - NUMBER_BITS));
}

void
jbr_flow_embryo_syn(const struct jbr_flow_shard *shard, const struct jbr_flow_embryo *embryo,
	struct jbr_tcp_syn *ret_syn)
{
	bool is_wide = embryo->is_wide;

	*ret_syn = (struct jbr_tcp_syn){
		.now_ns = embryo->time_ns,
		.number = number_of(shard, embryo),
		.seq = embryo->seq,
		.ts_value = embryo->ts_value,
		.ip_length = (uint16_t)(base_of(is_wide) + embryo->words * 4u),
		.ip_id = is_wide ? 0 : embryo->ends.ipv4.ip_id,
		.mss = embryo->mss,
		.vlan = embryo->vlan,
		.ttl = embryo->ttl,
		.scale = embryo->scale == SCALE_NONE ? JBR_TCP_SCALE_NONE : embryo->scale,
		.has_ts = embryo->has_ts,
	};
}

struct jbr_flow_embryo *
jbr_flow_any_embryo(struct jbr_flow_shard *shard)
{
	for (; shard->embryo_span > 0; shard->embryo_span--) {
		struct jbr_flow_embryo *embryo = &shard->embryos[tail_of(shard)];

		if (embryo->is_live)
			return embryo;
	}
	return NULL;
}

struct jbr_flow_embryo *
jbr_flow_due_embryo(struct jbr_flow_shard *shard, uint64_t until_ns)
{
	struct jbr_flow_embryo *embryo = jbr_flow_any_embryo(shard);
	uint32_t place = tail_of(shard);

	/* a younger one may lie before an older one, by no more than the latest has been late */
	for (uint32_t i = 0; embryo != NULL && i < shard->embryo_span; i++) {
		embryo = &shard->embryos[place];
		if (embryo->is_live && embryo->time_ns <= until_ns)
			return embryo;
		if (embryo->is_live && embryo->time_ns > until_ns + shard->embryo_late_ns)
			return NULL;
		place = place_after(shard, place, 1);
	}
	return NULL;
}

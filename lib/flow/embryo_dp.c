/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections of one SYN. They lie in a ring in the order in which they came; what was removed from the
 * middle stays there, dead, until the ring's old end has passed it. */
#include "jbr_flow.h"
#include "shard.h"

static const uint64_t NUMBER_MASK = (UINT64_C(1) << 48) - 1;

enum {
	LATE_MAX_NS = 1000000,
	NUMBER_BITS = 48,
	BASE_NARROW = 20, /* bytes of IP without options */
	BASE_WIDE = 40,
	AHEAD = 2, /* embryos that will be overwritten next and are fetched now */
};

/* What stands in jbr_flow_embryo.bits: an outer VLAN id of 12 bits, TTL of 8, window scale of 4 (15 = not
 * offered), bytes of the TCP header in units of 4, of 4 (0 = the embryo is dead), and */
enum {
	TTL_AT = 12,
	SCALE_AT = 20,
	WORDS_AT = 24,
	HAS_PASSED = 1 << 28, /* a full bucket of the index */
	IS_WIDE = 1 << 29,    /* a tuple with JBR_FLOW_WIDE */
	SENDER_AT = 30,       /* index in the key of who sent it */
	HAS_TS_AT = 31,
	VLAN_MAX = (1 << TTL_AT) - 1,
	FOUR_BITS = 15,
};

static inline bool
is_live(const struct jbr_flow_embryo *embryo)
{
	return (embryo->bits & (uint32_t)FOUR_BITS << WORDS_AT) != 0;
}

static inline bool
is_wide(const struct jbr_flow_embryo *embryo)
{
	return (embryo->bits & IS_WIDE) != 0;
}

static inline uint32_t
place_after(const struct jbr_flow_shard *shard, uint32_t place)
{
	return place + 1 == shard->capacity ? 0 : place + 1;
}

/* Of the oldest that may be live. */
static inline uint32_t
tail_of(const struct jbr_flow_shard *shard)
{
	uint32_t head = shard->embryo_head;

	return head - shard->embryo_span + (head < shard->embryo_span ? shard->capacity : 0);
}

uint64_t
jbr_flow_embryo_hash(const struct jbr_flow_shard *shard, const struct jbr_flow_embryo *embryo)
{
	return is_wide(embryo)
		? jbr_flow_hash_wide(shard->seed, embryo->ends.address, embryo->ports)
		: embryo->ends.ipv4.hash;
}

bool
jbr_flow_is_embryo(const struct jbr_flow_embryo *embryo, const struct jbr_flow_probe *probe)
{
	if (!is_live(embryo) || embryo->ports != probe->ports ||
		is_wide(embryo) != (probe->form != 0))
		return false;
	if (!is_wide(embryo))
		return embryo->ends.ipv4.narrow == probe->narrow;
	return probe->key.tenant == 0 &&
		memcmp(embryo->ends.address, probe->key.address, sizeof(probe->key.address)) == 0;
}

static inline uint32_t
place_of(const struct jbr_flow_shard *shard, const struct jbr_flow_embryo *embryo)
{
	return (uint32_t)(embryo - shard->embryos);
}

static inline uint32_t
slot_of_embryo(const struct jbr_flow_shard *shard, const struct jbr_flow_embryo *embryo)
{
	return jbr_flow_embryo_slot(shard, place_of(shard, embryo));
}

/* Hang the one at @p place into the index; of a new one nothing has been said of that. */
static inline void
hang(struct jbr_flow_shard *shard, uint32_t place, uint64_t hash)
{
	if (JBR_UNLIKELY(jbr_flow_place(shard, hash, jbr_flow_embryo_slot(shard, place))))
		shard->embryos[place].bits |= HAS_PASSED;
}

void
jbr_flow_place_embryos(struct jbr_flow_shard *shard)
{
	uint32_t place = tail_of(shard);

	for (uint32_t i = 0; i < shard->embryo_span; i++) {
		struct jbr_flow_embryo *embryo = &shard->embryos[place];

		embryo->bits &= ~(uint32_t)HAS_PASSED;
		if (is_live(embryo))
			hang(shard, place, jbr_flow_embryo_hash(shard, embryo));
		place = place_after(shard, place);
	}
}

/* ---- in ---- */

static inline uint32_t
base_of(bool has_wide)
{
	return has_wide ? BASE_WIDE : BASE_NARROW;
}

bool
jbr_flow_takes_embryo(const struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe,
	const struct jbr_tcp_syn *syn)
{
	uint32_t rest = syn->ip_length - base_of(probe->form != 0);

	if (rest == 0 || rest > FOUR_BITS * 4 || rest % 4 != 0 || syn->vlan > VLAN_MAX)
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
	if (is_live(embryo))
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

	/* beyond the last place nothing bad comes of it */
	__builtin_prefetch(next + AHEAD, 1);
	if (shard->embryo_span == shard->capacity && (next->bits & HAS_PASSED))
		__builtin_prefetch(&shard->buckets[jbr_flow_bucket(shard,
					   jbr_flow_embryo_hash(shard, next))],
			1);
}

static inline uint32_t
bits_of(const struct jbr_flow_probe *probe, const struct jbr_tcp_syn *syn)
{
	bool has_wide = probe->form != 0;
	uint32_t words = (syn->ip_length - base_of(has_wide)) / 4;

	_Static_assert((JBR_TCP_SCALE_NONE & FOUR_BITS) == FOUR_BITS, "beyond every scale");
	return syn->vlan | (uint32_t)syn->ttl << TTL_AT |
		(uint32_t)(syn->scale & FOUR_BITS) << SCALE_AT | words << WORDS_AT |
		(has_wide ? IS_WIDE : 0) | (uint32_t)probe->sender << SENDER_AT |
		(uint32_t)syn->has_ts << HAS_TS_AT;
}

void
jbr_flow_add_embryo(struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe,
	const struct jbr_tcp_syn *syn)
{
	uint32_t place = shard->embryo_head;
	struct jbr_flow_embryo *embryo = &shard->embryos[place];

	jbr_flow_make_room(shard);
	note_time(shard, syn->now_ns);
	if (probe->form != 0) {
		memcpy(embryo->ends.address, probe->key.address, sizeof(probe->key.address));
	} else {
		embryo->ends.ipv4.narrow = probe->narrow;
		embryo->ends.ipv4.hash = probe->hash;
		embryo->ends.ipv4.ip_id = syn->ip_id;
	}
	embryo->time_ns = syn->now_ns;
	embryo->number_mss = (syn->number & NUMBER_MASK) | (uint64_t)syn->mss << NUMBER_BITS;
	embryo->ports = probe->ports;
	embryo->seq = syn->seq;
	embryo->ts_value = syn->ts_value;
	embryo->bits = bits_of(probe, syn);
	shard->embryo_number = syn->number;
	shard->embryo_head = place_after(shard, place);
	shard->embryo_round += shard->embryo_head == 0;
	shard->embryo_span++;
	shard->nb_embryos++;
	hang(shard, place, probe->hash);
	prefetch_next(shard);
}

/* ---- out ---- */

/* Where none is left, the ring begins anew where its memory is near: ordinary SYNs are answered soon, and
 * walk through few places so. */
static void
bury(struct jbr_flow_shard *shard, struct jbr_flow_embryo *embryo)
{
	embryo->bits &= ~((uint32_t)FOUR_BITS << WORDS_AT);
	shard->nb_embryos--;
	if (shard->nb_embryos == 0) {
		shard->embryo_head = 0;
		shard->embryo_round++;
		shard->embryo_span = 0;
	} else if (place_of(shard, embryo) == tail_of(shard)) {
		shard->embryo_span--;
	}
}

static void
unhang(struct jbr_flow_shard *shard, const struct jbr_flow_embryo *embryo)
{
	jbr_flow_unplace(shard, jbr_flow_embryo_hash(shard, embryo), slot_of_embryo(shard, embryo));
}

void
jbr_flow_remove_embryo(struct jbr_flow_shard *shard, struct jbr_flow_embryo *embryo)
{
	unhang(shard, embryo);
	bury(shard, embryo);
}

void
jbr_flow_drop_embryo(struct jbr_flow_shard *shard, struct jbr_flow_embryo *embryo)
{
	/* its slot is free as soon as the place is written anew; the buckets that it passed count it */
	if (JBR_UNLIKELY(embryo->bits & HAS_PASSED))
		unhang(shard, embryo);
	shard->embryo_span--;
	shard->nb_embryos--;
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

	if (is_wide(embryo)) {
		memcpy(key->address, embryo->ends.address, sizeof(key->address));
	} else {
		key->address[0] = mapped((uint32_t)(embryo->ends.ipv4.narrow >> 32));
		key->address[1] = mapped((uint32_t)embryo->ends.ipv4.narrow);
	}
	key->port[0] = (uint16_t)(embryo->ports >> 16);
	key->port[1] = (uint16_t)embryo->ports;
	key->tenant = 0;
	flow.line->narrow = is_wide(embryo) ? hash : embryo->ends.ipv4.narrow;
	flow.line->ports = embryo->ports;
	flow.line->wake = 0;
	flow.line->hot.place = (uint8_t)((embryo->bits >> SENDER_AT & 1) |
		(is_wide(embryo) ? JBR_FLOW_WIDE : 0));
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
	jbr_flow_replace(shard, flow.rest->hash, slot_of_embryo(shard, embryo), slot_of(index));
	bury(shard, embryo);
	return flow;
}

/* The number nearest to that of the last embryo with the bits that were kept. */
static uint64_t
number_of(const struct jbr_flow_shard *shard, const struct jbr_flow_embryo *embryo)
{
	uint64_t behind = (shard->embryo_number - embryo->number_mss) << (64 - NUMBER_BITS);

	return shard->embryo_number - (uint64_t)((int64_t)behind >> (64 - NUMBER_BITS));
}

void
jbr_flow_embryo_syn(const struct jbr_flow_shard *shard, const struct jbr_flow_embryo *embryo,
	struct jbr_tcp_syn *ret_syn)
{
	uint32_t bits = embryo->bits;
	unsigned scale = bits >> SCALE_AT & FOUR_BITS;
	bool has_wide = is_wide(embryo);

	*ret_syn = (struct jbr_tcp_syn){
		.now_ns = embryo->time_ns,
		.number = number_of(shard, embryo),
		.seq = embryo->seq,
		.ts_value = embryo->ts_value,
		.ip_length = (uint16_t)(base_of(has_wide) + (bits >> WORDS_AT & FOUR_BITS) * 4),
		.ip_id = has_wide ? 0 : embryo->ends.ipv4.ip_id,
		.mss = (uint16_t)(embryo->number_mss >> NUMBER_BITS),
		.vlan = bits & VLAN_MAX,
		.ttl = (uint8_t)(bits >> TTL_AT),
		.scale = (uint8_t)(scale == FOUR_BITS ? JBR_TCP_SCALE_NONE : scale),
		.has_ts = bits >> HAS_TS_AT & 1,
	};
}

struct jbr_flow_embryo *
jbr_flow_any_embryo(struct jbr_flow_shard *shard)
{
	for (; shard->embryo_span > 0; shard->embryo_span--) {
		struct jbr_flow_embryo *embryo = &shard->embryos[tail_of(shard)];

		if (is_live(embryo))
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
		if (is_live(embryo) && embryo->time_ns <= until_ns)
			return embryo;
		if (is_live(embryo) && embryo->time_ns > until_ns + shard->embryo_late_ns)
			return NULL;
		place = place_after(shard, place);
	}
	return NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file shard.h  The inside of a shard; for the files of this room only. */
#pragma once
#include "jbr_flow.h"

enum {
	BUCKET_SLOTS = 8,
	BUCKET_FILL = 6, /* of them, on average, at most */
	FIRST_BUCKETS = 16,
	WHEEL_SLOTS = 1024,
	WHEEL_SHIFT = JBR_FLOW_WAKE_SHIFT, /* 2^29 ns = 0.54 s a slot, 550 s around */
	COPY_SLOTS = 128,
	EXT_SHARE = 8, /* an extension for one connection in eight */
};

/** One cache line: 16 bits of the hash decide most look-ups without touching a record. */
struct bucket {
	uint16_t tag[BUCKET_SLOTS];
	uint32_t index[BUCKET_SLOTS]; /* what hangs here, see below; 0 = free */
	uint32_t passed; /* records that found this bucket full and went on to the next ones */
	uint32_t unused[3];
} JBR_CACHE_ALIGNED;

_Static_assert(sizeof(struct bucket) == 64, "a bucket is one cache line");

/* A free slot is marked by 0, so that fresh zero pages are empty buckets: a slot holds the index of a
 * record plus one; or with the highest bit the place of an embryo, and above it the round of the ring in
 * which it was written there. An embryo that is overwritten leaves its slot behind: the round tells that
 * nothing hangs in it any more. (After 1024 rounds it may seem to; then the embryo's tuple tells.) */
enum { SLOT_EMBRYO = INT32_MIN, PLACE_BITS = 21, ROUND_MASK = 0x3ff };

static inline uint32_t
slot_of(uint32_t index)
{
	return index + 1;
}

static inline uint32_t
index_of_slot(uint32_t slot)
{
	return slot - 1;
}

static inline bool
is_embryo_slot(uint32_t slot)
{
	return (slot & (uint32_t)SLOT_EMBRYO) != 0;
}

static inline uint32_t
place_of_slot(uint32_t slot)
{
	return slot & ((UINT32_C(1) << PLACE_BITS) - 1);
}

/** Where a record hangs, outside it: in the wheel by its timer, and in its class. */
struct timer {
	uint32_t previous; /* in the slot's list; JBR_FLOW_NONE = first */
	uint32_t next;
	uint32_t older; /* in its class; JBR_FLOW_NONE = oldest */
	uint32_t newer;
	uint16_t slot; /* SLOT_NONE = not armed */
	uint8_t rank;  /* enum jbr_flow_class */
};

/** The connections of a class, by the time at which they came into it (of JBR_FLOW_PROVEN: or at which
 * jbr_flow_idle() passed them over). */
struct queue {
	uint32_t oldest; /* JBR_FLOW_NONE = the class is empty */
	uint32_t newest;
	uint32_t count;
};

enum { SLOT_NONE = UINT16_MAX };

/** What is remembered of a segment. */
struct seen {
	uint64_t time_ns;
	uint32_t hash; /* of the fingerprint, the part that does not choose the place */
	uint16_t vlan; /* the outer one; 0 = none */
	uint8_t ttl;
	uint8_t falls; /* how often the TTL fell from copy to copy */
};

struct jbr_flow_shard {
	struct bucket *buckets;
	struct jbr_flow_line *lines; /* of the table, this shard's part */
	struct jbr_flow_rest *rests;
	struct timer *timers;
	struct jbr_flow_embryo *embryos; /* ring of `capacity` places */
	uint32_t *free_flows;            /* stack */
	struct jbr_tcp_ext *exts;
	uint32_t *free_exts;
	const uint64_t *learned_lag_ns; /* of the table, per port; atomic, as seen_lag_ns */
	uint64_t latest_ns;             /* of a segment, since the clock last jumped back */
	uint64_t wheel_tick;            /* the slot that time stands in; 0 = no time seen yet */
	uint64_t seed;                  /* of the table */
	uint64_t embryo_number;         /* of the packet that made the last embryo */
	uint64_t embryo_latest_ns;      /* time of the youngest one, if there is any */
	uint64_t embryo_late_ns;        /* how much older an embryo may be than one before it */
	uint32_t embryo_head;           /* place of the next one */
	uint32_t
		embryo_round; /* in which it will be written; those behind it are of the one before */
	uint32_t embryo_span; /* places behind it that may be live */
	uint32_t nb_embryos;  /* that are */
	uint32_t nb_buckets;  /* in use: the index doubles as long as there is room for more */
	uint32_t max_buckets;
	uint32_t capacity;
	uint32_t exts_capacity;
	uint32_t nb_flows;
	uint32_t nb_free_flows;  /* on the stack */
	uint32_t nb_fresh_flows; /* records from the start that were ever used */
	uint32_t nb_free_exts;
	uint32_t nb_fresh_exts;
	uint32_t any_at; /* record where jbr_flow_any() goes on */
	struct queue queues[JBR_FLOW_CLASSES];
	uint32_t heads[WHEEL_SLOTS];
	uint64_t seen_lag_ns[JBR_FLOW_PORTS];
	struct seen copies[COPY_SLOTS];
} JBR_CACHE_ALIGNED;

/** The connection at @p index. */
static inline struct jbr_flow
jbr_flow_at(const struct jbr_flow_shard *shard, uint32_t index)
{
	return (struct jbr_flow){&shard->lines[index], &shard->rests[index]};
}

/** The slot of the embryo at @p place. */
static inline uint32_t
jbr_flow_embryo_slot(const struct jbr_flow_shard *shard, uint32_t place)
{
	uint32_t round = shard->embryo_round - (place >= shard->embryo_head);

	return (round & ROUND_MASK) << PLACE_BITS | place | (uint32_t)SLOT_EMBRYO;
}

/** Where the search for a key with @p hash begins: the low bits have chosen the shard, the high ones are
 * the tag. */
static inline uint32_t
jbr_flow_bucket(const struct jbr_flow_shard *shard, uint64_t hash)
{
	return (uint32_t)((uint64_t)(uint32_t)(hash >> 6) * shard->nb_buckets >> 32);
}

/** Its place among the shard's. */
static inline uint32_t
jbr_flow_index(const struct jbr_flow_shard *shard, struct jbr_flow flow)
{
	return (uint32_t)(flow.line - shard->lines);
}

/** The tuple of a record or an embryo by its two addresses, and their and the ports' hash. */
uint64_t jbr_flow_hash_wide(uint64_t seed, const union jbr_address address[2], uint32_t ports);

/** Hang @p slot into the index; there must be fewer than the index has room for.
 * @return whether it had to pass a full bucket: only then must it be taken out when an embryo is dropped */
bool jbr_flow_place(struct jbr_flow_shard *shard, uint64_t hash, uint32_t slot);
/** Take it out, or put @p other into its place. */
void jbr_flow_unplace(struct jbr_flow_shard *shard, uint64_t hash, uint32_t slot);
void jbr_flow_replace(struct jbr_flow_shard *shard, uint64_t hash, uint32_t slot, uint32_t other);
/** Let the index grow, if one more asks for it. */
void jbr_flow_make_room(struct jbr_flow_shard *shard);

/** Take a record that is free, and link it: no timer, no extension, JBR_FLOW_UNANSWERED.
 * @return its index */
uint32_t jbr_flow_take(struct jbr_flow_shard *shard);

/** Is @p embryo the one of @p probe? */
bool jbr_flow_is_embryo(const struct jbr_flow_embryo *embryo, const struct jbr_flow_probe *probe);
/** Where its search begins. */
uint64_t jbr_flow_embryo_hash(const struct jbr_flow_shard *shard,
	const struct jbr_flow_embryo *embryo);
/** Hang all embryos anew. */
void jbr_flow_place_embryos(struct jbr_flow_shard *shard);

/** Put the record at @p index at the new end of the class @p rank, or take it out of its class. */
void jbr_flow_enqueue(struct jbr_flow_shard *shard, uint32_t index, enum jbr_flow_class rank);
void jbr_flow_dequeue(struct jbr_flow_shard *shard, uint32_t index);

/** Take the timer of the record at @p index out of the wheel. */
void jbr_flow_disarm(struct jbr_flow_shard *shard, uint32_t index);

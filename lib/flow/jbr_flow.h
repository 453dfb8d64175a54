/* SPDX-License-Identifier: BSD-3-Clause */
/** @file jbr_flow.h
 * The connection table: finds, makes and ends the one record of a TCP connection; its timers; and
 * the memory for tap duplicates.
 *
 * Owns:    records, their places, deadlines, extensions. Knows nothing of anomalies.
 * Shards:  a tuple belongs to one of JBR_FLOW_SHARDS by its hash, whatever the number of workers; a
 *          worker owns whole shards. Nothing in a shard depends on another one within a batch, so the
 *          results are the same with any number of workers.
 * Classes: evictions.def; a newcomer, which proves nothing, never takes the place of a proven one.
 * Embryos: an ordinary SYN that opens a new tuple makes no record but an embryo, one cache line that
 *          holds all there is to say of it. Embryos lie in a ring in the order in which they came, which
 *          is that of their age, of their time-outs and of who has to go: nothing links them, and they
 *          need no timer. The next packet of the tuple makes the record, as if it had always been there.
 * Threads: [data] functions of a shard are its worker's alone; [control] ones run while no worker does.
 * Memory:  one stretch for the whole capacity, from create(). Unless the caller brings it, its pages
 *          are taken as they are touched, and the index grows with the connections, so that a few of
 *          them need little. [data] functions never allocate.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jbr_base.h"
#include "jbr_packet.h"
#include "jbr_tcp.h"

enum {
	JBR_FLOW_SHARDS = 64,
	JBR_FLOW_PORTS = 16, /* capture ports beyond share a place in the learned lag of copies */
};

/** A tuple in canonical order: the smaller endpoint first. */
struct jbr_flow_key {
	union jbr_address address[2];
	uint64_t tenant;
	uint16_t port[2];
};

/** A packet's place: made once, used for finding and making. */
struct jbr_flow_probe {
	uint64_t hash;
	uint64_t narrow;      /**< as in struct jbr_flow_line */
	uint64_t fingerprint; /**< of the segment, without tenant: what a tap's copy repeats */
	uint32_t ports;       /**< as in struct jbr_flow_line */
	uint32_t candidate;   /**< the record it will most likely find, JBR_FLOW_NONE = none */
	uint8_t shard;
	uint8_t sender; /**< index in the key of the endpoint that sent the packet */
	uint8_t form;   /**< 0, or JBR_FLOW_WIDE */
	struct jbr_flow_key key;
};

/** What stands in @ref jbr_tcp_hot.place of a record. */
enum {
	JBR_FLOW_ORIGINATOR = 1 << 0, /**< index in the key of the originator's endpoint */
	JBR_FLOW_WIDE =
		1 << 1, /**< the tuple does not fit the first line: IPv6, or with a tenant */
	JBR_FLOW_FREE = 1 << 2, /**< no connection; never found */
	JBR_FLOW_QUIET =
		1 << 3, /**< for the owner of the table: nothing is odd about the tuple itself */
};

/** What a plain packet touches of a connection: two cache lines. */
struct jbr_flow_line {
	uint64_t narrow; /**< both IPv4 addresses in the key's order; of a wide tuple its hash */
	uint32_t ports;  /**< the same of the ports */
	uint32_t wake;   /**< @ref jbr_flow_rest.deadline_ns in units of 2^29 ns, rounded down */
	struct jbr_tcp_hot hot;
} JBR_CACHE_ALIGNED;

_Static_assert(sizeof(struct jbr_flow_line) == 128, "two cache lines");

/** All else; of a wide tuple a look-up touches the first line too. */
struct jbr_flow_rest {
	struct jbr_flow_key key;
	uint64_t
		deadline_ns; /**< what the timer was armed for; a packet may have moved it on since */
	uint64_t hash;       /**< of the key: where its search begins */
	uint32_t ext;        /**< index of its extension, JBR_FLOW_NONE = none */
	struct jbr_tcp_cold cold;
} JBR_CACHE_ALIGNED;

/** A connection: where its two parts lie. The parts of many lie apart, so that what every packet
 * needs is spread over as few pages as it can be. */
struct jbr_flow {
	struct jbr_flow_line *line; /**< NULL = no connection */
	struct jbr_flow_rest *rest;
};

/** A SYN that nothing has followed yet: its tuple and struct jbr_tcp_syn, packed. */
struct jbr_flow_embryo {
	union {
		union jbr_address address[2]; /**< of a wide tuple, in the key's order */
		struct {
			uint64_t narrow; /**< as in struct jbr_flow_line */
			uint64_t hash;   /**< of the key */
			uint16_t ip_id;
		} ipv4;
	} ends;
	uint64_t time_ns;
	uint64_t number_mss; /**< number of the packet, its low 48 bits; MSS, the high 16 */
	uint32_t ports;      /**< as in struct jbr_flow_line */
	uint32_t seq;
	uint32_t ts_value;
	uint32_t bits; /**< the rest, as embryo_dp.c has it */
} JBR_CACHE_ALIGNED;

_Static_assert(sizeof(struct jbr_flow_embryo) == 64, "one cache line");

enum { JBR_FLOW_NONE = UINT32_MAX };

/** [data] Index in the key of the originator's endpoint. */
static inline unsigned
jbr_flow_originator(struct jbr_flow flow)
{
	return flow.line->hot.place & JBR_FLOW_ORIGINATOR;
}

enum { JBR_FLOW_WAKE_SHIFT = 29 };

/** [data] Is what the timer of @p flow was armed for due at @p now_ns? Reads the record's first lines
 * only, unless it is nearly due. */
static inline bool
jbr_flow_is_due(struct jbr_flow flow, uint64_t now_ns)
{
	int32_t ahead = (int32_t)((uint32_t)(now_ns >> JBR_FLOW_WAKE_SHIFT) - flow.line->wake);
	/* after decades, or with a clock that goes back, the short form of the deadline says nothing */
	uint64_t idle_ns = now_ns - flow.line->hot.last_ns;

	return JBR_UNLIKELY(ahead >= 0 || idle_ns >> 59 != 0) && flow.rest->deadline_ns <= now_ns;
}

struct jbr_flow_shard;
struct jbr_flow_table;

/** Where a table's memory comes from, where it is not taken as needed: huge pages of a NUMA node. */
struct jbr_flow_memory {
	/** @return @p bytes of zeroed memory, aligned to 64 bytes, or NULL */
	void *(*take)(void *context, size_t bytes);
	void (*give_back)(void *context, void *memory, size_t bytes);
	void *context;
};

struct jbr_flow_params {
	uint32_t capacity; /**< places for records over all shards, rounded up to a multiple of
	                        64 * 8, and as many for embryos; see jbr_flow_places() */
	uint64_t seed;     /**< of the hash: fixed in replay, random live */
	const struct jbr_flow_memory *memory; /**< copied; NULL = pages come as they are touched */
};

/** Places for a table that shall hold @p connections open ones: one in sixteen is for newcomers, and
 * connections fall into the shards by chance (below some ten thousand the fullest shard may still give
 * one away early). */
static inline uint32_t
jbr_flow_places(uint32_t connections)
{
	return connections + connections / 8;
}

/** [control] Create a table.
 * @return it, or NULL with errno ENOMEM or EINVAL. */
struct jbr_flow_table *jbr_flow_table_create(const struct jbr_flow_params *params);
/** [control] Release; NULL is fine. */
void jbr_flow_table_free(struct jbr_flow_table *table);
/** [control] Forget everything: as after create(). */
void jbr_flow_table_clear(struct jbr_flow_table *table);
/** [data] The shard at @p index. */
struct jbr_flow_shard *jbr_flow_shard_at(struct jbr_flow_table *table, unsigned index);

/** [data] Where does @p packet (a TCP segment, or a quoted one) belong? */
void jbr_flow_locate(const struct jbr_flow_table *table, const struct jbr_packet *packet,
	struct jbr_flow_probe *ret_probe);
/** [data] The same by an outline, for finding only, and without fingerprint: jbr_flow_insert() needs the
 * other. The frame is not such that its tenant counts. */
void jbr_flow_locate_outline(const struct jbr_flow_table *table, const struct jbr_outline *outline,
	struct jbr_flow_probe *ret_probe);
/** [data] The fingerprint that jbr_flow_locate() would have set. */
uint64_t jbr_flow_fingerprint(const struct jbr_flow_probe *probe, const struct jbr_glance *glance);
/** [data] Bring the bucket near. */
void jbr_flow_prefetch(const struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe);
/** [data] Note the record that @p probe will most likely find, and bring near what a plain packet needs
 * of it; its bucket should be near by now. */
void jbr_flow_prefetch_record(const struct jbr_flow_shard *shard, struct jbr_flow_probe *probe);
/** [data] Bring the rest of that record near. */
void jbr_flow_prefetch_rest(const struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe);
/** [data] The connection of @p probe, or none. Valid until it is removed. Embryos are not looked at. */
struct jbr_flow jbr_flow_find(const struct jbr_flow_shard *shard,
	const struct jbr_flow_probe *probe);
/** [data] Room for one more record? */
bool jbr_flow_is_full(const struct jbr_flow_shard *shard);
/** [data] Which one should go when the shard is full: the one that is longest in the lowest class that
 * has any, JBR_FLOW_PROVEN left out. There is one, if the shard is never left crowded. */
struct jbr_flow jbr_flow_victim(const struct jbr_flow_shard *shard);
/** [data] Bring the victims after the next one near, step by step: under a flood each newcomer takes
 * one. To be called after each. */
void jbr_flow_prefetch_victim(const struct jbr_flow_shard *shard);
/** [data] Put @p flow, after its state or flags have changed, into its class.
 * @return the class */
enum jbr_flow_class jbr_flow_classify(struct jbr_flow_shard *shard, struct jbr_flow flow);
/** [data] The class @p flow was put into last. */
enum jbr_flow_class jbr_flow_class(const struct jbr_flow_shard *shard, struct jbr_flow flow);
/** [data] Are there more proven connections than fifteen in sixteen of the capacity? Then one of them,
 * jbr_flow_idle(), has to go, so that newcomers always find room without them. */
bool jbr_flow_is_crowded(const struct jbr_flow_shard *shard);
/** [data] Of a few proven connections the longest without a packet; none when there is no proven one. */
struct jbr_flow jbr_flow_idle(struct jbr_flow_shard *shard);
/** [data] Make the record of @p probe, key, hash and place set, the rest of hot and cold not yet, no
 * timer, JBR_FLOW_UNANSWERED; its sender is the originator. The shard must not be full and the tuple
 * not present. */
struct jbr_flow jbr_flow_insert(struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe);
/** [data] Take @p flow out, with its timer and its extension. */
void jbr_flow_remove(struct jbr_flow_shard *shard, struct jbr_flow flow);
/** [data] Connections in the shard, embryos among them. */
uint32_t jbr_flow_count(const struct jbr_flow_shard *shard);

/** [data] Of them those in @p rank; embryos are JBR_FLOW_UNANSWERED. */
uint32_t jbr_flow_class_count(const struct jbr_flow_shard *shard, enum jbr_flow_class rank);

/** [data] The extension of @p flow, or NULL. */
struct jbr_tcp_ext *jbr_flow_ext(struct jbr_flow_shard *shard, struct jbr_flow flow);
/** [data] The extension of @p flow, a new one if it had none; NULL when the pool is empty. */
struct jbr_tcp_ext *jbr_flow_ext_get(struct jbr_flow_shard *shard, struct jbr_flow flow);

/** [data] The timer of @p flow is due at @p deadline_ns at the latest. Moving it on is free: only an
 * earlier deadline than the armed one touches the wheel. */
void jbr_flow_arm(struct jbr_flow_shard *shard, struct jbr_flow flow, uint64_t deadline_ns);
/** [data] Arm anew, whether earlier or later than before. */
void jbr_flow_rearm(struct jbr_flow_shard *shard, struct jbr_flow flow, uint64_t deadline_ns);
/** [data] The next connection whose armed deadline is at or before @p now_ns, its timer taken out;
 * none when there is none. The caller removes it, or arms it again for later than @p now_ns.
 * Where @p now_ns goes back by more than a second, all timers are hung anew: that takes time. */
struct jbr_flow jbr_flow_due(struct jbr_flow_shard *shard, uint64_t now_ns);
/** [data] Any connection that has a timer, for the end of a run; none when there is none. */
struct jbr_flow jbr_flow_any(struct jbr_flow_shard *shard);

/** [data] The embryo of @p probe, or NULL. Valid until it is removed or hatched, or others are added. */
struct jbr_flow_embryo *jbr_flow_find_embryo(const struct jbr_flow_shard *shard,
	const struct jbr_flow_probe *probe);
/** [data] Is there a record or an embryo of @p probe? */
bool jbr_flow_is_known(const struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe);
/** [data] Can an embryo hold @p syn of @p probe? Not with a tenant, IP options or extension headers, nor
 * where it is more than 1 ms older than an embryo before it: they would not lie in the order of time. */
bool jbr_flow_takes_embryo(const struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe,
	const struct jbr_tcp_syn *syn);
/** [data] The embryo that the next one would overwrite, the oldest; NULL: none. */
struct jbr_flow_embryo *jbr_flow_embryo_in_way(struct jbr_flow_shard *shard);
/** [data] Is the ring full of embryos? Else one that is in the way has outlived many younger ones. */
bool jbr_flow_is_embryo_full(const struct jbr_flow_shard *shard);
/** [data] Add the embryo of a tuple that is not there; jbr_flow_takes_embryo() and nobody in its way. */
void jbr_flow_add_embryo(struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe,
	const struct jbr_tcp_syn *syn);
/** [data] Forget the one that is in the way; jbr_flow_add_embryo() must follow. */
void jbr_flow_drop_embryo(struct jbr_flow_shard *shard, struct jbr_flow_embryo *embryo);
/** [data] Forget @p embryo. */
void jbr_flow_remove_embryo(struct jbr_flow_shard *shard, struct jbr_flow_embryo *embryo);
/** [data] Make a record in place of @p embryo: as jbr_flow_insert() does for its SYN's probe. The shard
 * must not be full. */
struct jbr_flow jbr_flow_hatch(struct jbr_flow_shard *shard, struct jbr_flow_embryo *embryo);
/** [data] Write what jbr_flow_hatch() sets into @p flow, which need not be in a table. */
void jbr_flow_unfold(const struct jbr_flow_shard *shard, const struct jbr_flow_embryo *embryo,
	struct jbr_flow flow);
/** [data] The SYN of @p embryo. */
void jbr_flow_embryo_syn(const struct jbr_flow_shard *shard, const struct jbr_flow_embryo *embryo,
	struct jbr_tcp_syn *ret_syn);
/** [data] An embryo whose SYN is of @p until_ns or before; NULL: none. The caller removes it. Work is
 * little for each one that was ever added. */
struct jbr_flow_embryo *jbr_flow_due_embryo(struct jbr_flow_shard *shard, uint64_t until_ns);
/** [data] The oldest embryo, NULL = none. */
struct jbr_flow_embryo *jbr_flow_any_embryo(struct jbr_flow_shard *shard);

/** What a segment is to the tap. */
enum jbr_copy { JBR_COPY_NOT, JBR_COPY_DUPLICATE, JBR_COPY_LOOP };

/** [data] Remember a segment that cannot be a copy: it brings its connection forward. */
void jbr_flow_remember(struct jbr_flow_shard *shard, uint64_t fingerprint, uint16_t vlan,
	uint8_t ttl, uint64_t now_ns);
/** [data] Remember the segment and, if @p can_be_copy (it changes nothing a repetition would not), ask
 * whether it is a copy of one seen shortly before: same IP id, numbers, flags, length and checksum;
 * equal TTL within 10 ms, a lower one or another VLAN within 2 ms. Without an IP id (IPv6, id 0) only
 * on a port where copies with one were seen, within their lag. Copies whose TTL falls twice are a
 * routing loop.
 * @param frame  its time and its capture port count */
enum jbr_copy jbr_flow_check_copy(struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe,
	const struct jbr_packet *packet, const struct jbr_frame *frame, bool can_be_copy);

/** [any] What the shards have learned of copies' lag becomes known to all. One thread at a time; others may
 * work on the shards meanwhile, and know of it soon. In replay only between batches, so that it does not
 * depend on who is quicker. */
void jbr_flow_merge(struct jbr_flow_table *table);

/** [control] Bytes of memory the table may take at most. */
size_t jbr_flow_table_bytes(const struct jbr_flow_table *table);
/** [control] The same of a table that is yet to be made, for a valid @p capacity. */
size_t jbr_flow_table_need(uint32_t capacity);

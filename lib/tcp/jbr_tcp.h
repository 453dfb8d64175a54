/* SPDX-License-Identifier: BSD-3-Clause */
/** @file jbr_tcp.h
 * One TCP connection as a tap sees it: its state, its sequence space, and Zeek's view of it.
 *
 * Owns:    the state table, the sequence predicates, one step of a connection, and the outcome.
 *          Knows no flow table, no clock, no thread; compiles and tests without DPDK.
 * Threads: pure functions over values.
 * Time:    `now_ns` is the packet's time, never less than the connection's last.
 * Sides:   0 = originator, 1 = responder. "X's" nxt, una, edge are about the bytes that X sends.
 *          Sequence numbers are compared by their signed 32-bit difference.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "jbr_base.h"
#include "jbr_catalog.h"
#include "jbr_packet.h"

enum { JBR_TCP_SIDES = 2 };

/** What a segment is to the state table. A segment may be several events, taken in this order. */
enum jbr_tcp_event {
	JBR_TCP_EVENT_SYN,
	JBR_TCP_EVENT_SYNACK,
	JBR_TCP_EVENT_ACK, /**< nothing of the handshake or teardown */
	JBR_TCP_EVENT_ACK_SYN, /**< acknowledges the peer's SYN; from the responder: beyond the SYN-ACK's */
	JBR_TCP_EVENT_ACK_FIN, /**< acknowledges the peer's FIN */
	JBR_TCP_EVENT_FIN,
	JBR_TCP_EVENT_RST, /**< one that the receiver accepts */
	JBR_TCP_EVENT_COUNT
};

/** A cell: where the event leads, and what is odd about it there. */
struct jbr_tcp_cell {
	uint8_t next;    /**< enum jbr_tcp_state */
	uint8_t finding; /**< enum jbr_anomaly, JBR_ANOM_NONE = nothing */
};

/** [state][side that sends][event] */
extern const struct jbr_tcp_cell jbr_tcp_table[JBR_TCP_STATE_COUNT][JBR_TCP_SIDES]
					      [JBR_TCP_EVENT_COUNT];

/** Flags of @ref jbr_tcp_hot.flags. */
enum {
	JBR_TCP_PLAIN = 1 << 0,     /**< established, no hole, no open zero window:
	                                  jbr_tcp_step_plain() may run */
	JBR_TCP_HANDSHAKE = 1 << 1, /**< the final ACK was seen */
	JBR_TCP_SEEN_O = 1 << 2,    /**< nxt[0] is valid */
	JBR_TCP_SEEN_R = 1 << 3,
	JBR_TCP_ACKED_O =
		1 << 4, /**< una[0] and edge[0] are valid: the responder has acknowledged */
	JBR_TCP_ACKED_R = 1 << 5,
	JBR_TCP_SCALE_KNOWN = 1 << 6, /**< both window scales are known */
	JBR_TCP_LAST_DATA_R = 1 << 7, /**< the last payload was the responder's */
	JBR_TCP_HAD_DATA_O = 1 << 8,
	JBR_TCP_HAD_DATA_R = 1 << 9,
	JBR_TCP_HALF_OPEN = 1 << 10, /**< 30 s passed after the SYN-ACK without the final ACK */
	JBR_TCP_ONLY_RST = 1 << 11,  /**< nothing but RSTs so far */
	JBR_TCP_SAW_SYN = 1 << 12,
	JBR_TCP_SAW_SYNACK = 1 << 13,
	JBR_TCP_ANSWERED_BY_ACK = 1 << 14, /**< the SYN was answered by a bare ACK */
	JBR_TCP_ICMP_REJECTED = 1 << 15,
	JBR_TCP_HAS_TS_O = 1 << 16, /**< ts[0] is valid */
	JBR_TCP_HAS_TS_R = 1 << 17,
	JBR_TCP_FLIPPED = 1 << 18,       /**< Zeek's originator is our responder */
	JBR_TCP_CHALLENGED = 1 << 19,    /**< an in-window RST awaits what follows */
	JBR_TCP_CUT_SHORT = 1 << 20,     /**< evicted before its end, or no extension was free */
	JBR_TCP_LETTER_DATA_O = 1 << 21, /**< Zeek's letters that are written once are written */
	JBR_TCP_LETTER_DATA_R = 1 << 22,
	JBR_TCP_LETTER_ACK_O = 1 << 23,
	JBR_TCP_LETTER_ACK_R = 1 << 24,
	JBR_TCP_TOLD_O = 1 << 25, /**< a segment with ACK = una[0] reached the originator after its
	                                   FIN or RST */
	JBR_TCP_TOLD_R = 1 << 26,
	JBR_TCP_RESET_BY_O = 1 << 27, /**< it has sent a RST that was accepted */
	JBR_TCP_RESET_BY_R = 1 << 28,
	JBR_TCP_ESTIMATED_O =
		1 << 29, /**< nxt[0] is only the peer's ACK: nothing of the side was seen */
	JBR_TCP_ESTIMATED_R = 1 << 30,
	JBR_TCP_PROVEN = INT32_MIN, /**< two segments fit together: an answer inside the window, or
	                                 a second segment in sequence; no single packet, made up by
	                                 whoever, does that */
};

/** What every packet touches: with the short form of the tuple two cache lines. */
struct jbr_tcp_hot {
	uint64_t last_ns; /**< of the last packet */
	uint64_t last_number;
	uint64_t data_ns; /**< of the last payload, either way */
	uint32_t bytes
		[JBR_TCP_SIDES]; /**< IP lengths since the last full step; the older ones are in
	                                    struct jbr_tcp_cold */
	uint32_t payload[JBR_TCP_SIDES]; /**< the same of payload */
	uint32_t packets[JBR_TCP_SIDES];
	uint32_t nxt[JBR_TCP_SIDES];        /**< highest end seen */
	uint32_t una[JBR_TCP_SIDES];        /**< highest ACK of the peer */
	uint32_t edge[JBR_TCP_SIDES];       /**< highest right edge the peer has offered */
	uint32_t window[JBR_TCP_SIDES];     /**< last offered by that side, scaled */
	uint32_t ts[JBR_TCP_SIDES];         /**< last TSval of that side */
	uint32_t unacked_at[JBR_TCP_SIDES]; /**< since when bytes of that side await their ACK, in
	                                         jbr_tcp_units(); 0 = none do */
	uint32_t flags;                     /**< JBR_TCP_* above */
	uint16_t ip_id[JBR_TCP_SIDES];      /**< low 16 bits, of the last segment without RST */
	uint8_t ttl[JBR_TCP_SIDES];         /**< the same; 0 = none */
	uint8_t scale[JBR_TCP_SIDES]; /**< 0..14, JBR_TCP_SCALE_NONE = not offered, or not seen */
	uint8_t state;                /**< enum jbr_tcp_state */
	uint8_t place;                /**< for the owner of the record, which steps leave alone */
	uint8_t ip_id_steps[JBR_TCP_SIDES]; /**< small forward steps of the IP id in a row */
};

_Static_assert(sizeof(struct jbr_tcp_hot) == 112, "two cache lines with a 16 byte key");

/** Time in units of 2^20 ns (about 1 ms), never 0; differences are right up to 52 days. */
static inline uint32_t
jbr_tcp_units(uint64_t time_ns)
{
	uint32_t units = (uint32_t)(time_ns >> 20);

	return units != 0 ? units : 1;
}

enum { JBR_TCP_SCALE_NONE = 255, JBR_TCP_SCALE_ASSUMED = 14, JBR_TCP_HISTORY_SIZE = 40 };

/** Zeek's endpoint states. */
enum jbr_zeek_state {
	JBR_ZEEK_INACTIVE,
	JBR_ZEEK_SYN_SENT,
	JBR_ZEEK_SYN_ACK_SENT,
	JBR_ZEEK_PARTIAL,
	JBR_ZEEK_ESTABLISHED,
	JBR_ZEEK_CLOSED,
	JBR_ZEEK_RESET
};

/** Zeek's view of one endpoint; index 0 is Zeek's originator, which JBR_TCP_FLIPPED may turn. */
struct jbr_zeek_side {
	uint32_t start;
	uint32_t last;   /**< end of the highest segment */
	uint32_t ack;    /**< highest ACK for its bytes */
	uint32_t syn_at; /**< relative numbers of the last SYN, FIN, RST that got a letter */
	uint32_t fin_at;
	uint32_t rst_at;
	uint16_t letters;       /**< bit per letter written once */
	uint16_t retransmitted; /**< saturated counts, for the letters at 1, 10, 100, ... */
	uint16_t zero_windows;
	uint16_t bad_checksums;
	uint16_t gaps;
	uint8_t state;
	uint8_t previous;
	bool has_fin;
	bool did_close;
};

/** Bytes of one direction that are contiguous, and ranges beyond a hole. */
enum { JBR_TCP_RANGES_MAX = 4 };
struct jbr_tcp_ranges {
	uint32_t next; /**< first byte not yet contiguous */
	uint32_t left[JBR_TCP_RANGES_MAX];
	uint32_t right[JBR_TCP_RANGES_MAX];
	uint8_t count;
};

/** What the packets of handshake and teardown touch. */
struct jbr_tcp_cold {
	uint64_t bytes[JBR_TCP_SIDES]; /**< up to the last full step, see struct jbr_tcp_hot */
	uint64_t payload[JBR_TCP_SIDES];
	uint64_t first_ns;
	uint64_t first_number;
	uint64_t syn_ns;    /**< of the last SYN before the SYN-ACK */
	uint64_t synack_ns; /**< of the first SYN-ACK; 0 = none */
	uint64_t synack_last_ns;
	uint64_t final_ns;              /**< of the final ACK; 0 = none */
	uint64_t fin_ns[JBR_TCP_SIDES]; /**< 0 = no FIN */
	uint64_t close_ns;              /**< when Zeek saw the connection closed; 0 = not */
	uint64_t anomalies[(JBR_ANOM_COUNT + 63) / 64]; /**< rows of scope FLOW already counted */
	uint32_t isn[JBR_TCP_SIDES];
	uint32_t fin_end[JBR_TCP_SIDES]; /**< number after the FIN */
	uint32_t synack_ack;             /**< ACK field of the SYN-ACK */
	uint32_t
		strange_ack; /**< ACK field of a handshake segment that acknowledges no SYN of the peer */
	uint32_t syn_data;   /**< payload on the SYN */
	uint32_t old_isn[2]; /**< of earlier SYNs on the tuple, newest first */
	uint32_t bad_checksums[JBR_TCP_SIDES];
	struct jbr_zeek_side zeek[JBR_TCP_SIDES];
	uint16_t mss[JBR_TCP_SIDES];
	uint16_t trust; /**< JBR_TRUST_* */
	uint16_t vlan[2];
	uint32_t tunnel;
	uint8_t old_isn_count;
	uint8_t syn_count;
	uint8_t history_length;
	char history[JBR_TCP_HISTORY_SIZE];
};

enum { JBR_TCP_RESETS_MAX = 4, JBR_TCP_CLOSED_ACKS_MAX = 4 };

/** One RST of the connection. */
struct jbr_tcp_reset {
	uint64_t number;
	uint64_t time_ns;
	uint32_t seq;
	uint32_t ack;
	uint32_t expected;   /**< una of its sender then */
	uint32_t window_end; /**< edge of its sender then */
	uint32_t sent;       /**< nxt of its sender then */
	uint32_t peer_acked; /**< highest ACK of its sender then */
	uint16_t flags;
	uint16_t window;
	uint16_t payload_length;
	uint16_t ip_id;
	uint16_t evidence; /**< bit i: D(i+1) */
	uint8_t ttl;
	uint8_t ttl_usual;
	uint8_t by;    /**< side */
	uint8_t cause; /**< enum jbr_reset_cause, provisional until settled */
	uint8_t fit;   /**< enum jbr_tcp_fit */
	bool is_settled;
	bool is_expected_known;
};

/** What only disturbed connections need; from a pool. */
struct jbr_tcp_ext {
	struct jbr_tcp_ranges ranges[JBR_TCP_SIDES];
	uint64_t missing[JBR_TCP_SIDES];        /**< bytes acknowledged, never seen */
	uint64_t zero_window_ns[JBR_TCP_SIDES]; /**< total of closed episodes */
	uint64_t zero_since_ns[JBR_TCP_SIDES];  /**< start of the open one; 0 = open window */
	uint64_t inexact_first_ns;  /**< first of the in-window, inexact RSTs of the present 10 s */
	uint64_t inexact_second_ns; /**< start of the present second of them */
	uint64_t candidate_ns; /**< a SYN inside the connection that may open it anew; 0 = none */
	uint64_t candidate_number;
	uint32_t candidate_isn;
	uint32_t candidate_ack; /**< ACK field of the challenge ACK to it */
	uint32_t retransmitted[JBR_TCP_SIDES];
	uint32_t retransmit_seq[JBR_TCP_SIDES];
	uint32_t stale_ts_ack
		[JBR_TCP_SIDES]; /**< ACK field of that side's last segment with an old TSval */
	uint32_t closed_acks[JBR_TCP_SIDES]
			    [JBR_TCP_CLOSED_ACKS_MAX]; /**< ACK fields that reached that
	                                  side after its FIN or RST */
	uint32_t inexact_count;
	uint32_t inexact_second_count;
	uint16_t retransmit_copies[JBR_TCP_SIDES]; /**< of the segment at retransmit_seq */
	uint16_t keepalives[JBR_TCP_SIDES];        /**< unanswered ones of that side */
	uint16_t probes[JBR_TCP_SIDES];            /**< of that side into the peer's zero window */
	uint8_t closed_acks_count[JBR_TCP_SIDES];
	uint8_t candidate_side;
	bool has_stale_ts[JBR_TCP_SIDES];
	bool has_challenge;    /**< candidate_ack is valid */
	bool has_ranges;       /**< ranges[] are valid */
	uint32_t resets_count; /**< all RSTs */
	struct jbr_tcp_reset resets[JBR_TCP_RESETS_MAX];
};

/** How a RST's number fits the receiver's window (RFC 5961 3.2, as far as a tap knows it). */
enum jbr_tcp_fit {
	JBR_TCP_FIT_EXACT, /**< next byte by the receiver's last ACK or by the sender's own last segment */
	JBR_TCP_FIT_IN_WINDOW, /**< inside, elsewhere */
	JBR_TCP_FIT_OUTSIDE,
	JBR_TCP_FIT_UNKNOWN /**< no ACK of the receiver was seen */
};

/** One segment and where it stands. */
struct jbr_tcp_input {
	const struct jbr_packet *packet;
	uint64_t now_ns;
	uint64_t number;
	uint8_t from; /**< side that sent it */
};

/** A segment seen at a glance, and where it stands. */
struct jbr_tcp_segment {
	const struct jbr_glance *glance;
	uint64_t now_ns;
	uint64_t number;
	uint8_t from; /**< side that sent it */
};

enum { JBR_TCP_STEP_FINDINGS_MAX = 8 };

/** A connection as a value: what a step starts from and what it makes. */
struct jbr_tcp_conn {
	struct jbr_tcp_hot hot;
	struct jbr_tcp_cold cold;
	struct jbr_tcp_ext ext; /**< valid if has_ext; a step may begin to use it */
	bool has_ext;
};

/** What a step says beside the new state. */
struct jbr_tcp_result {
	uint16_t findings[JBR_TCP_STEP_FINDINGS_MAX]; /**< enum jbr_anomaly */
	uint8_t findings_count;
	uint8_t fit;            /**< enum jbr_tcp_fit, for a RST */
	bool acks_new;          /**< acknowledges bytes not acknowledged before */
	bool acks_unseen;       /**< of them some that never passed the tap */
	bool goes_on_after_rst; /**< test D2: the sender of an accepted RST goes on */
	bool is_swapped;        /**< the sides were exchanged: the SYN came after its SYN-ACK */
};

/* ---- sequence space: pure predicates ---- */

/** a - b as a signed distance. */
static inline int32_t
jbr_tcp_distance(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static inline bool
jbr_tcp_is_before(uint32_t a, uint32_t b)
{
	return jbr_tcp_distance(a, b) < 0;
}

/** Sequence space the segment takes: payload, SYN and FIN; a RST takes none. */
static inline uint32_t
jbr_tcp_segment_length(const struct jbr_packet *packet)
{
	if (packet->flags & JBR_TCP_RST)
		return 0;
	return packet->payload_length + !!(packet->flags & JBR_TCP_SYN) +
		!!(packet->flags & JBR_TCP_FIN);
}

/** IP bytes that @p side has sent. */
static inline uint64_t
jbr_tcp_bytes(const struct jbr_tcp_hot *hot, const struct jbr_tcp_cold *cold, unsigned side)
{
	return cold->bytes[side] + hot->bytes[side];
}

/** Payload bytes that @p side has sent, retransmissions included. */
static inline uint64_t
jbr_tcp_payload(const struct jbr_tcp_hot *hot, const struct jbr_tcp_cold *cold, unsigned side)
{
	return cold->payload[side] + hot->payload[side];
}

/** How far the window field of a segment without SYN of side @p from is to be shifted. */
static inline unsigned
jbr_tcp_window_shift(const struct jbr_tcp_hot *hot, unsigned from)
{
	if (!(hot->flags & JBR_TCP_SCALE_KNOWN))
		return JBR_TCP_SCALE_ASSUMED;
	return hot->scale[0] != JBR_TCP_SCALE_NONE && hot->scale[1] != JBR_TCP_SCALE_NONE
		? hot->scale[from]
		: 0;
}

/** How much of a window field is meant: the scale applies outside SYNs, and only where both sides
 * offered one (RFC 7323 2.2); unknown = 14, so that nothing is called outside wrongly. */
uint32_t jbr_tcp_scaled_window(const struct jbr_tcp_hot *hot, const struct jbr_packet *packet,
	unsigned from);

/** How the RST @p packet of side @p from fits. */
enum jbr_tcp_fit jbr_tcp_reset_fit(const struct jbr_tcp_hot *hot, const struct jbr_packet *packet,
	unsigned from);

/** Is it a keepalive: at most one byte, just before the next one, no SYN, FIN, RST (RFC 9293 3.8.4)? */
bool jbr_tcp_is_keepalive(const struct jbr_tcp_hot *hot, const struct jbr_packet *packet,
	unsigned from);

/** Take the extension of @p conn, empty where it had none. */
struct jbr_tcp_ext *jbr_tcp_extend(struct jbr_tcp_conn *conn);

/** Does the segment change nothing a repetition would not: sequence, ACK, timestamp? Only such a
 * segment can be a tap's copy. (The window says nothing: a copy may come after a younger segment.) */
bool jbr_tcp_is_repetition(const struct jbr_tcp_hot *hot, const struct jbr_packet *packet,
	unsigned from);

/** Add the range [seq, end). @return true if any byte of it is new. */
bool jbr_tcp_ranges_add(struct jbr_tcp_ranges *ranges, uint32_t seq, uint32_t end);

/** Everything before @p ack was acknowledged: give up holes below it.
 * @param ret_missing  bytes of the holes
 * @return number of holes given up. */
unsigned jbr_tcp_ranges_acknowledge(struct jbr_tcp_ranges *ranges, uint32_t ack,
	uint32_t *ret_missing);

/* ---- a lone SYN ---- */

/** A SYN that opens a connection: all that a connection keeps of it. */
struct jbr_tcp_syn {
	uint64_t now_ns;
	uint64_t number;
	uint32_t seq;
	uint32_t ts_value; /**< 0 without has_ts */
	uint16_t ip_length;
	uint16_t ip_id; /**< low 16 bits */
	uint16_t mss;   /**< 0 = not offered */
	uint16_t vlan;  /**< outer id */
	uint8_t ttl;
	uint8_t scale; /**< 0..14, or JBR_TCP_SCALE_NONE */
	bool has_ts;
};

/** Is the packet of @p input no more than that: no payload, window zero, second tag, tunnel, fragment,
 * wrong checksum, nor longer than 64 kB?
 * @param ret_syn  set when true */
bool jbr_tcp_syn_of(const struct jbr_tcp_input *input, struct jbr_tcp_syn *ret_syn);
/** The same of a SYN of which there is an outline.
 * @param segment  its glance, time and number */
static inline void
jbr_tcp_syn_at(const struct jbr_outline *outline, const struct jbr_tcp_segment *segment,
	struct jbr_tcp_syn *ret_syn)
{
	const struct jbr_glance *glance = segment->glance;

	ret_syn->now_ns = segment->now_ns;
	ret_syn->number = segment->number;
	ret_syn->seq = glance->seq;
	ret_syn->ts_value = glance->ts_value;
	ret_syn->ip_length = (uint16_t)glance->ip_length;
	ret_syn->ip_id = (uint16_t)glance->ip_id;
	ret_syn->mss = outline->mss;
	ret_syn->vlan = glance->vlan;
	ret_syn->ttl = glance->ttl;
	ret_syn->scale = outline->wscale;
	ret_syn->has_ts = glance->has_ts;
}
/** The connection that @p syn opens: what jbr_tcp_begin() and jbr_tcp_step() make of it, which find
 * nothing. @ref jbr_tcp_hot.place is left as it is. */
void jbr_tcp_open(const struct jbr_tcp_syn *syn, struct jbr_tcp_hot *hot,
	struct jbr_tcp_cold *cold);

/* ---- steps ---- */

/** Begin a connection with its first segment; then call jbr_tcp_step() with it. */
void jbr_tcp_begin(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input);

/** What a plain step changes beside the counts: the new values. */
struct jbr_tcp_plain {
	uint32_t nxt;    /**< of the sender */
	uint32_t una;    /**< of the receiver's bytes: the ACK */
	uint32_t edge;   /**< of the receiver: what its peer offers now */
	uint32_t window; /**< the sender's, scaled */
	bool acks_new;
};

/** Try the plain case: the next segment in order of an undisturbed, established connection.
 * @return true: @p ret_plain holds the new state for jbr_tcp_commit_plain(), nothing else changes and
 *         nothing is odd; false: call jbr_tcp_step(). */
bool jbr_tcp_step_plain(const struct jbr_tcp_hot *hot, const struct jbr_tcp_segment *segment,
	struct jbr_tcp_plain *ret_plain);

/** Commit a plain step. */
void jbr_tcp_commit_plain(struct jbr_tcp_hot *hot, const struct jbr_tcp_segment *segment,
	const struct jbr_tcp_plain *plain);

/** One segment. @p conn holds the state before and receives the one after; the caller commits it
 * once the verdict is known. */
void jbr_tcp_step(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	struct jbr_tcp_result *ret_result);

/** A segment with a wrong checksum that is not believed: only counters and history change. */
void jbr_tcp_step_corrupt(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input);

/** Is one more wrong checksum of side @p from believed? It is when most of what that side sent, this
 * segment included, has one: then the tap's own host leaves the sums to its NIC. */
bool jbr_tcp_is_checksum_believed(const struct jbr_tcp_hot *hot, const struct jbr_tcp_cold *cold,
	unsigned from);

/** Does a SYN or SYN-ACK open the tuple anew instead of belonging to the connection? */
bool jbr_tcp_is_reuse(const struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input);

/** Does the SYN-ACK answer the SYN that was remembered inside an established connection? */
bool jbr_tcp_answers_candidate(const struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input);

/** Exchange the sides. */
void jbr_tcp_swap(struct jbr_tcp_conn *conn);

/** Remember in @p conn that the flow row @p anomaly was counted. @return true the first time. */
static inline bool
jbr_tcp_mark(struct jbr_tcp_cold *cold, enum jbr_anomaly anomaly)
{
	uint64_t bit = UINT64_C(1) << (anomaly % 64);
	bool is_first = (cold->anomalies[anomaly / 64] & bit) == 0;

	cold->anomalies[anomaly / 64] |= bit;
	return is_first;
}

/* ---- Zeek's view ---- */

/** A lone SYN of side 0 in @p cold, which is all zeros: jbr_zeek_begin() and jbr_zeek_step() of it. */
void jbr_zeek_open(struct jbr_tcp_cold *cold, uint32_t seq);
/** Begin: who would Zeek call originator? Adds '^' where it flips (its likely_server_ports). */
void jbr_zeek_begin(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input);
/** One segment, checksum good or believed. @param gaps  holes its ACK made Zeek give up */
void jbr_zeek_step(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input, unsigned gaps);
/** Bring Zeek's numbers up to date after plain steps. */
void jbr_zeek_sync(struct jbr_tcp_conn *conn);
/** After a plain step: is the segment the first of its kind and side, so that a letter is due? */
static inline bool
jbr_zeek_lacks_letter(const struct jbr_tcp_hot *hot, bool has_payload, unsigned from)
{
	/* as good as random, so it is no branch */
	unsigned shift = from + (has_payload ? 0u : 1u) * 2;

	_Static_assert(JBR_TCP_LETTER_ACK_O == JBR_TCP_LETTER_DATA_O << 2, "in this order");
	return (hot->flags & ((uint32_t)JBR_TCP_LETTER_DATA_O << shift)) == 0;
}
/** After a plain step: write the letter. */
void jbr_zeek_plain(struct jbr_tcp_hot *hot, struct jbr_tcp_cold *cold, bool has_payload,
	unsigned from);
/** One segment with a wrong checksum. */
void jbr_zeek_corrupt(struct jbr_tcp_conn *conn, unsigned from);
/** conn_state, one of the codes < JBR_OUTCOME_ZEEK_COUNT. */
enum jbr_outcome jbr_zeek_conn_state(const struct jbr_tcp_conn *conn);

/* ---- the end ---- */

/** jabiru's outcome: the order of docs/architecture.md, "Outcomes".
 * @param is_ended  false where the capture, or an eviction, came first */
enum jbr_outcome jbr_tcp_outcome(const struct jbr_tcp_conn *conn, bool is_ended);

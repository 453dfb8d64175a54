/* SPDX-License-Identifier: BSD-3-Clause */
/** @file jbr_event.h
 * Flow records and anomaly events: their plain structs, how many of them are written, and the JSON
 * line of each, in the shape of Suricata's EVE.
 *
 * Owns:    the line format and the limits. Knows nothing of packets or of the flow table: the
 *          structs are filled in by the pipeline.
 * Threads: control code; one writer. The structs cross threads by value.
 * Memory:  a limiter, and aggregates, take all their memory in create().
 * Output:  two runs over the same records give the same bytes.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jbr_base.h"
#include "jbr_catalog.h"

enum { JBR_ORIGINATOR, JBR_RESPONDER, JBR_SIDES };

/** The tuple of a connection or packet as events show it. IPv4 in the first 4 bytes. */
struct jbr_event_tuple {
	uint8_t src[16]; /**< originator, or sender of the packet; network order */
	uint8_t dst[16];
	uint16_t src_port;
	uint16_t dst_port;
	uint16_t vlan[2];   /**< outer first; 0 = none */
	uint32_t tunnel;    /**< id; 0 = none */
	uint8_t ip_version; /**< 4 or 6 */
};

enum {
	JBR_RECORD_RESETS_MAX = 4,
	JBR_RECORD_HISTORY_SIZE = 48,
	JBR_RECORD_ANOMALIES_WORDS = (JBR_ANOM_COUNT + 63) / 64
};

/** One reset of a connection, with the arithmetic that can be checked against the capture. */
struct jbr_reset_record {
	uint64_t packet; /**< number */
	uint64_t time_ns;
	uint32_t seq;
	uint32_t ack;
	uint32_t expected;   /**< next byte the receiver expected (RCV.NXT as the tap saw it) */
	uint32_t window_end; /**< right edge of the receiver's window */
	uint16_t flags;
	uint16_t window;
	uint16_t payload_length; /**< saturated */
	uint16_t evidence;       /**< bit i: injection test D(i+1) held */
	uint8_t ttl;
	uint8_t ttl_usual;      /**< of that side's other segments; 0 = none seen */
	uint8_t by;             /**< JBR_ORIGINATOR or JBR_RESPONDER */
	uint8_t cause;          /**< enum jbr_reset_cause */
	bool is_expected_known; /**< the receiver had acknowledged something */
};

/** Everything a flow line says. */
struct jbr_flow_record {
	struct jbr_event_tuple
		tuple; /**< src = originator: sender of the first SYN, else of the first packet */
	uint64_t flow_id;      /**< stable between replays */
	uint64_t order_ns;     /**< when it ended; first sort key */
	uint64_t first_packet; /**< number; second sort key */
	uint64_t last_packet;
	uint64_t start_ns;
	uint64_t end_ns; /**< of the last packet */
	uint64_t packets[JBR_SIDES];
	uint64_t bytes[JBR_SIDES];         /**< IP lengths */
	uint64_t payload[JBR_SIDES];       /**< payload bytes sent, retransmissions included */
	uint64_t retransmitted[JBR_SIDES]; /**< segments that repeat bytes */
	uint64_t missing[JBR_SIDES];       /**< bytes acknowledged but never seen from that side */
	uint64_t rtt_server_ns; /**< last SYN before the SYN-ACK to the SYN-ACK; 0 = not seen */
	uint64_t rtt_client_ns; /**< SYN-ACK to final ACK; 0 = not seen */
	uint64_t zero_window_ns[JBR_SIDES]; /**< time that side held its window at zero */
	uint32_t resets_count;              /**< seen; the first JBR_RECORD_RESETS_MAX are kept */
	struct jbr_reset_record resets[JBR_RECORD_RESETS_MAX];
	uint64_t anomalies[JBR_RECORD_ANOMALIES_WORDS]; /**< bit per enum jbr_anomaly */
	uint16_t trust;                                 /**< JBR_TRUST_* */
	uint16_t mss[JBR_SIDES];
	uint8_t wscale[JBR_SIDES]; /**< 255 = not offered */
	uint8_t conn_state;        /**< enum jbr_outcome, Zeek's */
	uint8_t outcome;           /**< enum jbr_outcome */
	uint8_t end_reason;        /**< enum jbr_end_reason */
	uint8_t state;             /**< enum jbr_tcp_state; names of both endpoints in jbr_states */
	char history[JBR_RECORD_HISTORY_SIZE]; /**< zero-terminated */
};

/** Why a record was written. */
enum jbr_end_reason {
	JBR_END_TIMEOUT, /**< no packet for the state's time */
	JBR_END_REUSE,   /**< a new SYN opened the tuple again */
	JBR_END_EVICTED, /**< the table was full */
	JBR_END_CAPTURE, /**< the capture or the run ended; the connection stands as it is */
	JBR_END_COUNT
};
extern const char *const jbr_end_reason_names[JBR_END_COUNT];

/** What an event is about. */
enum jbr_entity { JBR_ENTITY_FLOW, JBR_ENTITY_SOURCE, JBR_ENTITY_COUNT };

/** One finding that may become an event. */
struct jbr_finding {
	struct jbr_event_tuple tuple; /**< sender to receiver of the packet */
	uint64_t time_ns;
	uint64_t packet;  /**< number; with time the sort key, then anomaly */
	uint64_t flow_id; /**< 0 = no flow */
	uint32_t seq;
	uint32_t ack;
	uint32_t expected; /**< next byte expected from the sender, where known */
	uint32_t edge;     /**< right edge of the window offered to the sender, where known */
	uint16_t anomaly;  /**< enum jbr_anomaly */
	uint16_t flags;
	uint16_t window;
	uint16_t payload_length; /**< saturated */
	uint16_t trust;          /**< JBR_TRUST_* of the flow */
	uint16_t value; /**< the number the row is about (MSS, TTL, option kind); 0 = none */
	uint8_t ttl;
	bool is_expected_known;
};

struct jbr_event_limiter;

/** How many events are let through; the meaning is in configuration.def, section event. */
struct jbr_event_limits {
	uint32_t interval_s;
	uint32_t entities_per_s;
	uint32_t
		entities_max; /**< remembered at once, 1024..2^24; the least recently seen goes first */
};

/** Create a limiter.
 * @return it, or NULL with errno ENOMEM or EINVAL. */
struct jbr_event_limiter *jbr_event_limiter_create(const struct jbr_event_limits *limits);
/** Release; NULL is fine. */
void jbr_event_limiter_free(struct jbr_event_limiter *limiter);

/** One event to be written: a finding, how often it was seen since the last line, and when. */
struct jbr_event {
	struct jbr_finding finding; /**< the latest */
	uint64_t
		count; /**< findings since the last line of this key and entity, this one included */
	uint64_t first_ns; /**< of them */
	uint64_t last_ns;
	uint8_t entity; /**< enum jbr_entity */
};

/** Offer @p finding, in the order of the output.
 * Packet rows are limited per key and source address, flow rows per key and flow_id.
 * @return true: write @p ret_event now; false: it was counted for a later line, or left out. */
bool jbr_event_limiter_offer(struct jbr_event_limiter *limiter, const struct jbr_finding *finding,
	struct jbr_event *ret_event);
/** At the end: the next entity with findings that no line has told of, oldest entity first.
 * @return true: write @p ret_event and call again; false: there is none left. */
bool jbr_event_limiter_drain(struct jbr_event_limiter *limiter, struct jbr_event *ret_event);
/** Findings of new entities beyond entities_per_s, which no line tells of. */
uint64_t jbr_event_limiter_left_out(const struct jbr_event_limiter *limiter);

/** So many lines a second and no more than a second's worth at once, by the time of what they tell.
 * Time that goes back a little adds nothing; set back by more than a minute, it goes on from there. */
struct jbr_event_budget {
	uint64_t credit; /* in 10^-9 lines */
	uint64_t now_ns; /* latest time seen */
	uint32_t per_s;
};

/** Set up, with a second's worth. @param per_s  1..2^32-1 */
void jbr_event_budget_init(struct jbr_event_budget *budget, uint32_t per_s);
/** Ask for one line at @p now_ns.
 * @param keep  lines that must remain for what matters more, less than per_s
 * @return true: write it; false: beyond the budget. */
bool jbr_event_budget_take(struct jbr_event_budget *budget, uint64_t now_ns, uint32_t keep);

/** Connections to one service (address and port of the responder) that have no record of their own. */
struct jbr_aggregate {
	uint8_t address[16]; /**< network order; IPv4 in the first 4 bytes */
	uint16_t port;
	uint8_t ip_version;
	uint64_t connections;
	uint64_t conn_states[JBR_OUTCOME_ZEEK_COUNT]; /**< sum == connections */
	uint64_t packets[JBR_SIDES];
	uint64_t bytes[JBR_SIDES];
	uint64_t start_ns; /**< of the earliest packet */
	uint64_t end_ns;   /**< of the latest packet */
	uint64_t time_ns;  /**< when the latest of them ended */
};

struct jbr_event_aggregates;

/** Create an empty set.
 * @param interval_s    1..2^32-1 s that a service is gathered for
 * @param services_max  in one interval, 16..2^20
 * @return it, or NULL with errno ENOMEM or EINVAL. */
struct jbr_event_aggregates *jbr_event_aggregates_create(uint32_t interval_s,
	uint32_t services_max);
/** Release; NULL is fine. */
void jbr_event_aggregates_free(struct jbr_event_aggregates *aggregates);
/** Did the connection begin with a SYN and never leave half-open: no answer, refused, or ended before
 * its final ACK? */
bool jbr_event_is_half_open(const struct jbr_flow_record *record);
/** Add @p record to its service; the first of an interval begins it at @p now_ns.
 * @return false: there is no room for one more service, or the interval is being told. */
bool jbr_event_aggregates_add(struct jbr_event_aggregates *aggregates,
	const struct jbr_flow_record *record, uint64_t now_ns);
/** When the interval is over at @p now_ns (or time was set back by as much), the next of its services,
 * in the order in which they came. UINT64_MAX ends it at once.
 * @return true: write @p ret_aggregate and call again; false: there is none, a new interval may begin. */
bool jbr_event_aggregates_tell(struct jbr_event_aggregates *aggregates, uint64_t now_ns,
	struct jbr_aggregate *ret_aggregate);

/** What people call addresses. */
struct jbr_event_names {
	/** @return the name of an address, valid during the call that asks, or NULL */
	const char *(*find)(const void *context, const uint8_t address[16], uint8_t ip_version);
	const void *context;
};

/** Append the EVE line of a flow, with its newline.
 * @param host   name of the sensor
 * @param names  NULL = none are known; else jabiru.src_alias and dest_alias say those that there are */
void jbr_event_write_flow(struct jbr_buffer *out, const struct jbr_flow_record *record,
	const char *host, const struct jbr_event_names *names);
/** Append the EVE line of an anomaly event, with its newline. */
void jbr_event_write_anomaly(struct jbr_buffer *out, const struct jbr_event *event,
	const char *host, const struct jbr_event_names *names);
/** Append the line of an aggregate, with its newline. */
void jbr_event_write_aggregate(struct jbr_buffer *out, const struct jbr_aggregate *aggregate,
	const char *host, const struct jbr_event_names *names);
/** Append what the summary of an event says beside its row's condition: from whom to whom, the numbers,
 * how often. */
void jbr_event_put_facts(struct jbr_buffer *text, const struct jbr_event *event);
/** Confidence of an anomaly on a flow with these trust flags, in hundredths: 10..100. */
unsigned jbr_event_confidence(unsigned anomaly, uint16_t trust);

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file step.h  Parts of a step; for the files of this room only. Each changes the connection by one
 * aspect of the segment; jbr_tcp_step() calls them in order. */
#pragma once
#include "jbr_tcp.h"

/** A number further ahead than this needs a second opinion: loss at the tap, or a blind segment. */
enum { JBR_STEP_JUMP_MAX = 1 << 20 };

/** Is the flag set for @p side? @p flag_of_originator is the pair's first. */
static inline bool
jbr_step_has(const struct jbr_tcp_hot *hot, unsigned flag_of_originator, unsigned side)
{
	return (hot->flags & (flag_of_originator << side)) != 0;
}

/** Add a finding of the step; JBR_ANOM_NONE and those beyond the room are left out. */
static inline void
jbr_step_find(struct jbr_tcp_result *result, enum jbr_anomaly anomaly)
{
	if (anomaly != JBR_ANOM_NONE && result->findings_count < JBR_TCP_STEP_FINDINGS_MAX)
		result->findings[result->findings_count++] = (uint16_t)anomaly;
}

/** Take the table's cell for an event; @p is_quiet leaves its finding out. */
static inline void
jbr_step_apply(struct jbr_tcp_conn *conn, unsigned from, enum jbr_tcp_event event, bool is_quiet,
	struct jbr_tcp_result *result)
{
	const struct jbr_tcp_cell *cell = &jbr_tcp_table[conn->hot.state][from][event];

	if (!is_quiet)
		jbr_step_find(result, (enum jbr_anomaly)cell->finding);
	conn->hot.state = cell->next;
}

/* plain_dp.c */
/** Count packet and bytes. */
void jbr_step_count(struct jbr_tcp_hot *hot, const struct jbr_tcp_input *input);
/** Take the time; one that goes back is flagged and not taken. */
void jbr_step_time(struct jbr_tcp_hot *hot, struct jbr_tcp_cold *cold, uint64_t now_ns);
/** TTL and IP id (the low 16 bits; @p ip_id 0 = none) of a segment that is no RST. */
static inline void
jbr_step_identity(struct jbr_tcp_hot *hot, uint32_t ip_id, uint8_t ttl, unsigned from)
{
	uint16_t step = (uint16_t)(ip_id - hot->ip_id[from]);
	bool goes_on = hot->ttl[from] != 0 && ip_id != 0 && step > 0 && step < 256;
	uint8_t steps = hot->ip_id_steps[from];

	hot->ip_id_steps[from] = goes_on ? (uint8_t)(steps + (steps < UINT8_MAX)) : 0;
	hot->ip_id[from] = (uint16_t)ip_id;
	hot->ttl[from] = ttl;
}
/** A segment with payload. */
void jbr_step_data(struct jbr_tcp_hot *hot, uint64_t now_ns, unsigned from);
/** Since when do bytes of @p side await their ACK? */
void jbr_step_waiting(struct jbr_tcp_hot *hot, unsigned side, uint64_t now_ns, bool has_moved);

/* handshake_dp.c */
/** Does @p ack acknowledge the originator's SYN, or an earlier one of the tuple? */
bool jbr_step_acks_syn(const struct jbr_tcp_cold *cold, uint32_t ack);
/** A segment with SYN. @return its numbers belong to this connection */
bool jbr_step_handshake(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	struct jbr_tcp_result *result);
/** A segment without SYN and RST: ACK and FIN events. @return as jbr_step_handshake() */
bool jbr_step_synchronised(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	struct jbr_tcp_result *result);

/* numbers_dp.c */
/** Sequence numbers of a segment. */
void jbr_step_sequence(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input);
/** The acknowledgement and the window. @return holes given up */
unsigned jbr_step_ack(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	struct jbr_tcp_result *result);
/** Episodes of window zero. */
void jbr_step_zero_window(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input);
/** Keepalives and window probes, before the question of retransmission. @return it is one */
bool jbr_step_probe(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input);
/** The timestamp option. */
void jbr_step_timestamp(struct jbr_tcp_conn *conn, const struct jbr_packet *packet, unsigned from);
/** ACK fields that reach a side after its FIN or RST: a RST with such a number only answers them. */
void jbr_step_late_ack(struct jbr_tcp_conn *conn, const struct jbr_packet *packet, unsigned from);
/** Test D2: the sender of a RST that was taken, or lay inside the window, goes on, and no reordering
 * explains it.
 * @param nxt_before  its nxt before the segment */
void jbr_step_after_reset(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	uint32_t nxt_before, struct jbr_tcp_result *result);

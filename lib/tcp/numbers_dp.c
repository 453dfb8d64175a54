/* SPDX-License-Identifier: BSD-3-Clause */
/* Sequence numbers, acknowledgements, windows, timestamps of a segment, and what comes after an end. */
#include "step.h"

enum { REORDER_MS = 3 };

/* ---- sequence space ---- */

/* Ranges are kept from the first hole on; before, everything up to nxt is contiguous. */
static struct jbr_tcp_ranges *
ranges_of(struct jbr_tcp_conn *conn, unsigned side)
{
	struct jbr_tcp_ext *ext = jbr_tcp_extend(conn);

	if (!ext->has_ranges) {
		ext->has_ranges = true;
		for (unsigned s = 0; s < JBR_TCP_SIDES; s++) {
			ext->ranges[s].next = conn->hot.nxt[s];
			ext->ranges[s].count = 0;
		}
	}
	return &ext->ranges[side];
}

static void
note_retransmission(struct jbr_tcp_conn *conn, const struct jbr_packet *packet, unsigned from)
{
	struct jbr_tcp_ext *ext = jbr_tcp_extend(conn);

	ext->retransmitted[from]++;
	if (ext->retransmit_copies[from] > 0 && ext->retransmit_seq[from] == packet->seq) {
		if (ext->retransmit_copies[from] < UINT16_MAX)
			ext->retransmit_copies[from]++;
		return;
	}
	ext->retransmit_seq[from] = packet->seq;
	ext->retransmit_copies[from] = 2; /* the first one and this */
}

/* Sequence numbers of a segment that takes some: new, a hole, or a repetition. */
void
jbr_step_sequence(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;
	struct jbr_tcp_hot *hot = &conn->hot;
	unsigned from = input->from;
	uint32_t end = packet->seq + jbr_tcp_segment_length(packet);
	bool is_new;

	if (!jbr_step_has(hot, JBR_TCP_SEEN_O, from) ||
		jbr_step_has(hot, JBR_TCP_ESTIMATED_O, from)) {
		if (conn->has_ext && conn->ext.has_ranges)
			conn->ext.ranges[from].next = end;
		hot->nxt[from] = end;
		hot->flags |= JBR_TCP_SEEN_O << from;
		hot->flags &= ~((uint32_t)JBR_TCP_ESTIMATED_O << from);
		return;
	}
	if (end == packet->seq)
		return;
	if (jbr_tcp_distance(packet->seq, hot->nxt[from]) > JBR_STEP_JUMP_MAX &&
		!(conn->cold.trust & JBR_TRUST_LOSSY)) {
		conn->cold.trust |= JBR_TRUST_LOSSY;
		return;
	}
	if (packet->seq == hot->nxt[from] && !(conn->has_ext && conn->ext.has_ranges)) {
		hot->nxt[from] = end;
		return;
	}
	if (packet->seq != hot->nxt[from] && !jbr_tcp_is_before(hot->nxt[from], end) &&
		!(conn->has_ext && conn->ext.has_ranges)) {
		note_retransmission(conn, packet, from);
		return;
	}
	is_new = jbr_tcp_ranges_add(ranges_of(conn, from), packet->seq, end);
	if (!is_new)
		note_retransmission(conn, packet, from);
	if (jbr_tcp_is_before(hot->nxt[from], end))
		hot->nxt[from] = end;
}

/* Bytes below @p ack that never came by. @return holes given up */
static unsigned
take_holes(struct jbr_tcp_conn *conn, unsigned to, uint32_t ack, struct jbr_tcp_result *result)
{
	uint32_t missing = 0;
	unsigned holes;

	if (!jbr_tcp_is_before(conn->hot.nxt[to], ack) && !(conn->has_ext && conn->ext.has_ranges))
		return 0;
	holes = jbr_tcp_ranges_acknowledge(ranges_of(conn, to), ack, &missing);
	if (holes == 0)
		return 0;
	if (conn->cold.trust & JBR_TRUST_FRAGMENTED)
		return 0; /* they may have come in later fragments, which are not read */
	if (jbr_step_has(&conn->hot, JBR_TCP_ESTIMATED_O, to))
		return 0; /* the side was never seen: one-way view, not loss */
	conn->ext.missing[to] += missing;
	conn->cold.trust |= JBR_TRUST_LOSSY;
	result->acks_unseen = true;
	return holes;
}

/* The acknowledgement and the window. @return holes given up */
unsigned
jbr_step_ack(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	struct jbr_tcp_result *result)
{
	const struct jbr_packet *packet = input->packet;
	struct jbr_tcp_hot *hot = &conn->hot;
	unsigned from = input->from;
	unsigned to = from ^ 1;
	uint32_t scaled = jbr_tcp_scaled_window(hot, packet, from);
	unsigned holes = 0;

	if (!jbr_step_has(hot, JBR_TCP_SEEN_O, to)) {
		hot->nxt[to] = packet->ack;
		hot->flags |= (JBR_TCP_SEEN_O | JBR_TCP_ESTIMATED_O) << to;
	}
	if (jbr_tcp_distance(packet->ack, hot->nxt[to]) > JBR_STEP_JUMP_MAX)
		return 0; /* of no byte that is near: it moves nothing */
	if (!jbr_step_has(hot, JBR_TCP_ACKED_O, to)) {
		hot->flags |= JBR_TCP_ACKED_O << to;
		hot->una[to] = packet->ack;
		hot->edge[to] = packet->ack + scaled;
		result->acks_new = true;
	} else if (jbr_tcp_is_before(hot->una[to], packet->ack)) {
		hot->una[to] = packet->ack;
		result->acks_new = true;
	}
	if (result->acks_new) {
		holes = take_holes(conn, to, packet->ack, result);
		if (jbr_tcp_is_before(hot->nxt[to], packet->ack))
			hot->nxt[to] = packet->ack;
	}
	if (!jbr_tcp_is_before(packet->ack, hot->una[to])) {
		hot->window[from] = scaled;
		if (jbr_tcp_is_before(hot->edge[to], packet->ack + scaled))
			hot->edge[to] = packet->ack + scaled;
	}
	jbr_step_waiting(hot, to, input->now_ns, result->acks_new);
	return holes;
}

/* ---- window, keepalive, timestamps ---- */

void
jbr_step_zero_window(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;
	unsigned from = input->from;
	bool is_open_episode = conn->has_ext && conn->ext.zero_since_ns[from] != 0;

	if ((packet->flags & (JBR_TCP_ACK | JBR_TCP_SYN | JBR_TCP_FIN | JBR_TCP_RST)) !=
		JBR_TCP_ACK)
		return;
	if (packet->window == 0 && !is_open_episode) {
		jbr_tcp_extend(conn)->zero_since_ns[from] = input->now_ns;
	} else if (packet->window != 0 && is_open_episode) {
		conn->ext.zero_window_ns[from] += conn->hot.last_ns - conn->ext.zero_since_ns[from];
		conn->ext.zero_since_ns[from] = 0;
		conn->ext.probes[from ^ 1] = 0;
	}
}

/* Keepalives and window probes come before the question of retransmission. @return it is one */
bool
jbr_step_probe(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;
	unsigned from = input->from;
	unsigned to = from ^ 1;
	bool is_into_zero = conn->has_ext && conn->ext.zero_since_ns[to] != 0;
	bool is_keepalive = jbr_tcp_is_keepalive(&conn->hot, packet, from);

	if (conn->has_ext && conn->ext.keepalives[to] > 0)
		conn->ext.keepalives[to] = 0; /* the peer lives */
	if (packet->flags & (JBR_TCP_SYN | JBR_TCP_FIN | JBR_TCP_RST))
		return false;
	if (is_into_zero && (is_keepalive || packet->payload_length == 1)) {
		if (conn->ext.probes[from] < UINT16_MAX)
			conn->ext.probes[from]++;
		return true;
	}
	if (!is_keepalive || conn->hot.state < JBR_TCP_STATE_ESTABLISHED)
		return false;
	if (jbr_tcp_extend(conn)->keepalives[from] < UINT16_MAX)
		conn->ext.keepalives[from]++;
	return true;
}

void
jbr_step_timestamp(struct jbr_tcp_conn *conn, const struct jbr_packet *packet, unsigned from)
{
	struct jbr_tcp_hot *hot = &conn->hot;

	if (!(packet->options & JBR_OPT_TIMESTAMP)) {
		hot->flags &= ~((uint32_t)JBR_TCP_HAS_TS_O << from);
		return;
	}
	if (jbr_step_has(hot, JBR_TCP_HAS_TS_O, from) &&
		jbr_tcp_is_before(packet->ts_value, hot->ts[from])) {
		struct jbr_tcp_ext *ext = jbr_tcp_extend(conn);

		ext->has_stale_ts[from] = true;
		ext->stale_ts_ack[from] = packet->ack;
		return;
	}
	hot->flags |= (uint32_t)JBR_TCP_HAS_TS_O << from;
	hot->ts[from] = packet->ts_value;
}

/* ---- after the end ---- */

/* ACK fields that reach a side after its FIN or RST: a RST with such a number only answers them. */
void
jbr_step_late_ack(struct jbr_tcp_conn *conn, const struct jbr_packet *packet, unsigned from)
{
	unsigned to = from ^ 1;
	struct jbr_tcp_ext *ext;

	if (!(packet->flags & JBR_TCP_ACK) ||
		(conn->cold.fin_ns[to] == 0 && !jbr_step_has(&conn->hot, JBR_TCP_RESET_BY_O, to)))
		return;
	if (jbr_step_has(&conn->hot, JBR_TCP_ACKED_O, to) && packet->ack == conn->hot.una[to]) {
		conn->hot.flags |= JBR_TCP_TOLD_O << to;
		return;
	}
	ext = jbr_tcp_extend(conn);
	for (unsigned i = 0; i < ext->closed_acks_count[to]; i++)
		if (ext->closed_acks[to][i] == packet->ack)
			return;
	if (ext->closed_acks_count[to] < JBR_TCP_CLOSED_ACKS_MAX)
		ext->closed_acks[to][ext->closed_acks_count[to]++] = packet->ack;
}

/* Its sender goes on after a RST that could have ended the connection: new data or a new ACK, and no
 * reordering explains it. */
void
jbr_step_after_reset(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	uint32_t nxt_before, struct jbr_tcp_result *result)
{
	const struct jbr_packet *packet = input->packet;
	const struct jbr_tcp_reset *reset = NULL;
	unsigned from = input->from;
	uint64_t round_trip_ns = REORDER_MS * JBR_NS_PER_MS;
	bool has_moved = jbr_tcp_is_before(nxt_before, conn->hot.nxt[from]) || result->acks_new;
	bool was_accepted = jbr_step_has(&conn->hot, JBR_TCP_RESET_BY_O, from);

	if ((!was_accepted && !(conn->hot.flags & JBR_TCP_CHALLENGED)) || !conn->has_ext)
		return;
	if ((packet->flags & JBR_TCP_SYN) || !has_moved)
		return;
	for (unsigned i = 0; i < JBR_TCP_RESETS_MAX && reset == NULL; i++)
		if (i < conn->ext.resets_count && conn->ext.resets[i].by == from &&
			conn->ext.resets[i].fit != JBR_TCP_FIT_OUTSIDE)
			reset = &conn->ext.resets[i];
	if (reset == NULL)
		return;
	if (conn->cold.final_ns > conn->cold.syn_ns && conn->cold.syn_ns != 0)
		round_trip_ns = jbr_max_u64(round_trip_ns, conn->cold.final_ns - conn->cold.syn_ns);
	if (jbr_tcp_is_before(packet->seq, reset->seq) &&
		input->now_ns - reset->time_ns <= round_trip_ns)
		return;
	if (packet->payload_length == 0 &&
		input->now_ns - reset->time_ns <= REORDER_MS * JBR_NS_PER_MS)
		return;
	result->goes_on_after_rst = true;
	if (was_accepted)
		jbr_step_find(result, JBR_ANOM_TRAFFIC_AFTER_RST_SENT);
}

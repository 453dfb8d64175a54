/* SPDX-License-Identifier: BSD-3-Clause */
/* One step of a connection; jbr_tcp_step() at the end is where to begin reading. */
#include "step.h"

struct jbr_tcp_ext *
jbr_tcp_extend(struct jbr_tcp_conn *conn)
{
	if (!conn->has_ext) {
		memset(&conn->ext, 0, sizeof(conn->ext));
		conn->has_ext = true;
	}
	return &conn->ext;
}

void
jbr_tcp_begin(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input)
{
	uint8_t place = conn->hot.place;

	memset(&conn->hot, 0, sizeof(conn->hot));
	memset(&conn->cold, 0, sizeof(conn->cold));
	conn->hot.place = place;
	conn->has_ext = false;
	conn->hot.state = JBR_TCP_STATE_NEW;
	conn->hot.last_ns = input->now_ns;
	conn->hot.scale[0] = JBR_TCP_SCALE_NONE;
	conn->hot.scale[1] = JBR_TCP_SCALE_NONE;
	conn->hot.flags = JBR_TCP_ONLY_RST;
	conn->cold.first_ns = input->now_ns;
	conn->cold.first_number = input->number;
	conn->cold.vlan[0] = input->packet->vlan[0];
	conn->cold.vlan[1] = input->packet->vlan[1];
	conn->cold.tunnel = input->packet->tunnel;
	jbr_zeek_begin(conn, input);
}

/* Would the receiver take the RST (RFC 9293 3.10.7, RFC 5961 3.2)? */
static bool
is_reset_accepted(const struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	enum jbr_tcp_fit fit)
{
	const struct jbr_packet *packet = input->packet;

	if (packet->flags & (JBR_TCP_SYN | JBR_TCP_FIN))
		return conn->hot.state == JBR_TCP_STATE_NEW;
	if (conn->hot.state == JBR_TCP_STATE_SYN_SENT && input->from == 1)
		return (packet->flags & JBR_TCP_ACK) && jbr_step_acks_syn(&conn->cold, packet->ack);
	return fit == JBR_TCP_FIT_EXACT || fit == JBR_TCP_FIT_UNKNOWN;
}

static void
step_reset(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	struct jbr_tcp_result *result)
{
	const struct jbr_packet *packet = input->packet;
	struct jbr_tcp_hot *hot = &conn->hot;
	unsigned from = input->from;
	enum jbr_tcp_fit fit = jbr_tcp_reset_fit(hot, packet, from);

	/* some stacks send FIN, then RST with the FIN's own number */
	if (conn->cold.fin_ns[from] != 0 && packet->seq == conn->cold.fin_end[from] - 1)
		fit = JBR_TCP_FIT_EXACT;
	result->fit = (uint8_t)fit;
	if (is_reset_accepted(conn, input, fit)) {
		jbr_step_apply(conn, from, JBR_TCP_EVENT_RST, false, result);
		hot->flags |= JBR_TCP_RESET_BY_O << from;
		return;
	}
	if (hot->state < JBR_TCP_STATE_ESTABLISHED || hot->state == JBR_TCP_STATE_RESET)
		return;
	if (fit == JBR_TCP_FIT_IN_WINDOW) {
		hot->flags |= JBR_TCP_CHALLENGED;
		jbr_step_find(result, JBR_ANOM_RST_IN_WINDOW_INEXACT);
	} else if (fit == JBR_TCP_FIT_OUTSIDE) {
		jbr_step_find(result, JBR_ANOM_RST_OUT_OF_WINDOW);
	}
}

/* May jbr_tcp_step_plain() take the next segment? */
static bool
is_plain(const struct jbr_tcp_conn *conn)
{
	const struct jbr_tcp_hot *hot = &conn->hot;
	const uint32_t wanted = JBR_TCP_SEEN_O | JBR_TCP_SEEN_R | JBR_TCP_ACKED_O | JBR_TCP_ACKED_R;
	const uint32_t unwanted = JBR_TCP_ESTIMATED_O | JBR_TCP_ESTIMATED_R | JBR_TCP_CHALLENGED;

	if (hot->state != JBR_TCP_STATE_ESTABLISHED && hot->state != JBR_TCP_STATE_MIDSTREAM)
		return false;
	if ((hot->flags & (wanted | unwanted)) != wanted || conn->cold.close_ns != 0)
		return false;
	for (unsigned side = 0; side < JBR_TCP_SIDES; side++) {
		unsigned index = side ^ ((hot->flags & JBR_TCP_FLIPPED) != 0);
		const struct jbr_zeek_side *z = &conn->cold.zeek[index];

		if (z->last != hot->nxt[side] || z->ack != hot->una[side] ||
			(z->state != JBR_ZEEK_ESTABLISHED && z->state != JBR_ZEEK_PARTIAL))
			return false;
		if (!conn->has_ext)
			continue;
		if (conn->ext.zero_since_ns[side] != 0 || conn->ext.keepalives[side] != 0 ||
			conn->ext.candidate_ns != 0 || conn->ext.resets_count != 0)
			return false;
		if (conn->ext.has_ranges &&
			(conn->ext.ranges[side].count != 0 ||
				conn->ext.ranges[side].next != hot->nxt[side]))
			return false;
	}
	return true;
}

static void
set_plain(struct jbr_tcp_conn *conn)
{
	enum { DATA = 1 << 4, ACK = 1 << 5 }; /* Zeek's letters, as zeek_dp.c numbers them */

	conn->hot.flags &= ~(uint32_t)JBR_TCP_PLAIN;
	if (is_plain(conn))
		conn->hot.flags |= JBR_TCP_PLAIN;
	for (unsigned side = 0; side < JBR_TCP_SIDES; side++) {
		unsigned index = side ^ ((conn->hot.flags & JBR_TCP_FLIPPED) != 0);

		if (conn->cold.zeek[index].letters & DATA)
			conn->hot.flags |= JBR_TCP_LETTER_DATA_O << side;
		if (conn->cold.zeek[index].letters & ACK)
			conn->hot.flags |= JBR_TCP_LETTER_ACK_O << side;
	}
}

/* The counts of the hot part are narrow. */
static void
keep_counts(struct jbr_tcp_conn *conn)
{
	for (unsigned side = 0; side < JBR_TCP_SIDES; side++) {
		conn->cold.bytes[side] += conn->hot.bytes[side];
		conn->cold.payload[side] += conn->hot.payload[side];
		conn->hot.bytes[side] = 0;
		conn->hot.payload[side] = 0;
	}
}

/* What plain steps left behind. */
static void
leave_plain(struct jbr_tcp_conn *conn)
{
	if (!(conn->hot.flags & JBR_TCP_PLAIN))
		return;
	jbr_zeek_sync(conn);
	if (!conn->has_ext || !conn->ext.has_ranges)
		return;
	for (unsigned side = 0; side < JBR_TCP_SIDES; side++)
		conn->ext.ranges[side].next = conn->hot.nxt[side];
}

static void
note_trust(struct jbr_tcp_conn *conn, const struct jbr_packet *packet, unsigned from)
{
	if (packet->checksum == JBR_CHECKSUM_BAD) {
		conn->cold.trust |= JBR_TRUST_BAD_CHECKSUM;
		conn->cold.bad_checksums[from]++;
	}
	if (packet->is_fragment)
		conn->cold.trust |= JBR_TRUST_FRAGMENTED;
	else if (packet->payload_captured < packet->payload_length)
		conn->cold.trust |= JBR_TRUST_SNAPPED;
}

/* Does the segment fit to an earlier one of the connection? The numbers of @p conn are those before it;
 * its own handshake event has been taken. */
static bool
is_proof(const struct jbr_tcp_conn *conn, const struct jbr_packet *packet, unsigned from)
{
	const struct jbr_tcp_hot *hot = &conn->hot;
	unsigned to = from ^ 1;
	bool has_ack = (packet->flags & JBR_TCP_ACK) != 0;
	bool knows_from = jbr_step_has(hot, JBR_TCP_SEEN_O, from) &&
		!jbr_step_has(hot, JBR_TCP_ESTIMATED_O, from);
	bool knows_to = jbr_step_has(hot, JBR_TCP_SEEN_O, to) &&
		!jbr_step_has(hot, JBR_TCP_ESTIMATED_O, to);

	if (has_ack && knows_to && hot->nxt[to] - packet->ack <= JBR_STEP_JUMP_MAX)
		return true;
	if (!knows_from || packet->seq != hot->nxt[from])
		return false;
	/* the same segment twice is a repetition, not a sequence */
	return packet->payload_length > 0 || jbr_tcp_payload(hot, &conn->cold, from) > 0 ||
		(hot->flags & JBR_TCP_SAW_SYN) ||
		(has_ack && jbr_step_has(hot, JBR_TCP_ACKED_O, to) &&
			packet->ack - hot->una[to] - 1 < JBR_STEP_JUMP_MAX);
}

/* Everything but a RST. @return holes its ACK made us give up */
static unsigned
step_segment(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	struct jbr_tcp_result *result)
{
	const struct jbr_packet *packet = input->packet;
	struct jbr_tcp_input turned = *input;
	unsigned holes = 0;
	uint32_t nxt_before;
	bool is_probe;

	conn->hot.flags &= ~(uint32_t)JBR_TCP_ONLY_RST;
	if (!(packet->flags & JBR_TCP_SYN ? jbr_step_handshake(conn, input, result)
					  : jbr_step_synchronised(conn, input, result)))
		return 0;
	if (result->is_swapped)
		turned.from ^= 1;
	nxt_before = conn->hot.nxt[turned.from];
	if (!(conn->hot.flags & JBR_TCP_PROVEN) && is_proof(conn, packet, turned.from))
		conn->hot.flags |= (uint32_t)JBR_TCP_PROVEN;
	if (conn->cold.fin_ns[turned.from] != 0 && packet->payload_length > 0 &&
		jbr_tcp_is_before(conn->cold.fin_end[turned.from],
			packet->seq + packet->payload_length))
		jbr_step_find(result, JBR_ANOM_DATA_AFTER_FIN);
	is_probe = jbr_step_probe(conn, &turned);
	if (!is_probe)
		jbr_step_sequence(conn, &turned);
	if (packet->flags & JBR_TCP_ACK) {
		holes = jbr_step_ack(conn, &turned, result);
		jbr_step_zero_window(conn, &turned);
		jbr_step_late_ack(conn, packet, turned.from);
	}
	jbr_step_timestamp(conn, packet, turned.from);
	if (packet->payload_length > 0 && !is_probe)
		jbr_step_data(&conn->hot, turned.now_ns, turned.from);
	jbr_step_waiting(&conn->hot, turned.from, input->now_ns, false);
	jbr_step_identity(&conn->hot, packet->ip_id, packet->ttl, turned.from);
	jbr_step_after_reset(conn, &turned, nxt_before, result);
	/* the challenge ACK to a SYN inside the connection */
	if (conn->has_ext && conn->ext.candidate_ns != 0 && !conn->ext.has_challenge &&
		turned.from != conn->ext.candidate_side && (packet->flags & JBR_TCP_ACK) &&
		packet->payload_length == 0) {
		conn->ext.has_challenge = true;
		conn->ext.candidate_ack = packet->ack;
	}
	return holes;
}

void
jbr_tcp_step(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	struct jbr_tcp_result *ret_result)
{
	struct jbr_tcp_input turned = *input;
	unsigned holes = 0;

	memset(ret_result, 0, sizeof(*ret_result));
	ret_result->fit = JBR_TCP_FIT_UNKNOWN;
	leave_plain(conn);
	keep_counts(conn);
	jbr_step_time(&conn->hot, &conn->cold, input->now_ns);
	note_trust(conn, input->packet, input->from);
	jbr_step_count(&conn->hot, input);
	if (input->packet->flags & JBR_TCP_RST)
		step_reset(conn, input, ret_result);
	else
		holes = step_segment(conn, input, ret_result);
	if (ret_result->is_swapped)
		turned.from ^= 1;
	jbr_zeek_step(conn, &turned, holes);
	set_plain(conn);
}

void
jbr_tcp_step_corrupt(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input)
{
	keep_counts(conn);
	jbr_step_time(&conn->hot, &conn->cold, input->now_ns);
	jbr_step_count(&conn->hot, input);
	conn->hot.payload[input->from] -= input->packet->payload_length;
	conn->cold.bad_checksums[input->from]++;
	jbr_zeek_corrupt(conn, input->from);
}

bool
jbr_tcp_is_checksum_believed(const struct jbr_tcp_hot *hot, const struct jbr_tcp_cold *cold,
	unsigned from)
{
	return (cold->bad_checksums[from] + UINT64_C(1)) * 2 > hot->packets[from] + UINT64_C(1);
}

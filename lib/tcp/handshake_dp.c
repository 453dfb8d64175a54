/* SPDX-License-Identifier: BSD-3-Clause */
/* SYN, SYN-ACK, the ACK that completes them, and FIN: what moves the state table. */
#include "step.h"

static void
take_syn_options(struct jbr_tcp_conn *conn, const struct jbr_packet *packet, unsigned from)
{
	struct jbr_tcp_hot *hot = &conn->hot;
	bool is_synack = (packet->flags & JBR_TCP_ACK) != 0;

	conn->cold.mss[from] = packet->options & JBR_OPT_MSS ? packet->mss : 0;
	hot->scale[from] = packet->options & JBR_OPT_WSCALE ? packet->wscale : JBR_TCP_SCALE_NONE;
	hot->flags |= is_synack ? JBR_TCP_SAW_SYNACK : JBR_TCP_SAW_SYN;
	if ((hot->flags & (JBR_TCP_SAW_SYN | JBR_TCP_SAW_SYNACK)) ==
			(JBR_TCP_SAW_SYN | JBR_TCP_SAW_SYNACK) ||
		hot->state == JBR_TCP_STATE_CROSSED)
		hot->flags |= JBR_TCP_SCALE_KNOWN;
}

/* A SYN without ACK, as the handshake has it. */
enum syn { SYN_OPENS, SYN_REPEATS, SYN_STRANGE };

static enum syn
take_syn(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;
	struct jbr_tcp_cold *cold = &conn->cold;
	unsigned from = input->from;
	struct jbr_tcp_ext *ext;

	if (conn->hot.state == JBR_TCP_STATE_NEW || conn->hot.state == JBR_TCP_STATE_SYNACK_ONLY ||
		(conn->hot.state == JBR_TCP_STATE_SYN_SENT && from == 1)) {
		cold->isn[from] = packet->seq;
		cold->syn_ns = input->now_ns;
		cold->syn_count = 1;
		cold->syn_data = packet->payload_length;
		take_syn_options(conn, packet, from);
		return SYN_OPENS;
	}
	if (packet->seq == cold->isn[from] && (conn->hot.flags & JBR_TCP_SAW_SYN)) {
		if (cold->syn_count < UINT8_MAX)
			cold->syn_count++;
		if (conn->hot.state == JBR_TCP_STATE_SYN_SENT)
			cold->syn_ns = input->now_ns;
		return SYN_REPEATS;
	}
	ext = jbr_tcp_extend(conn);
	ext->candidate_ns = input->now_ns;
	ext->candidate_number = input->number;
	ext->candidate_isn = packet->seq;
	ext->candidate_side = (uint8_t)from;
	ext->has_challenge = false;
	return SYN_STRANGE;
}

bool
jbr_step_acks_syn(const struct jbr_tcp_cold *cold, uint32_t ack)
{
	if (ack - cold->isn[0] >= 1 && ack - cold->isn[0] <= 1 + cold->syn_data)
		return true;
	for (unsigned i = 0; i < cold->old_isn_count; i++)
		if (ack == cold->old_isn[i] + 1)
			return true;
	return false;
}

/* A SYN-ACK. @return it acknowledges the SYN, so the table may move */
static bool
take_synack(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	struct jbr_tcp_result *result)
{
	const struct jbr_packet *packet = input->packet;
	struct jbr_tcp_cold *cold = &conn->cold;

	if (conn->hot.state == JBR_TCP_STATE_NEW) {
		cold->isn[0] = packet->seq;
		cold->synack_ack = packet->ack;
		cold->synack_ns = input->now_ns;
		take_syn_options(conn, packet, 0);
		return true;
	}
	if (conn->hot.state == JBR_TCP_STATE_SYN_SENT && input->from == 1) {
		if (!jbr_step_acks_syn(cold, packet->ack)) {
			cold->strange_ack = packet->ack;
			jbr_step_find(result, JBR_ANOM_SYNACK_BAD_ACK);
			return false;
		}
		cold->isn[1] = packet->seq;
		cold->synack_ack = packet->ack;
		cold->synack_ns = input->now_ns;
		take_syn_options(conn, packet, 1);
	}
	if (input->from == 1)
		cold->synack_last_ns = input->now_ns;
	return true;
}

/* Does an ACK without SYN answer the peer's SYN? -1: it is no event at all. */
static int
handshake_event(const struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;
	const struct jbr_tcp_cold *cold = &conn->cold;
	unsigned to = input->from ^ 1;
	uint32_t beyond = packet->ack - cold->isn[to];
	uint32_t sent = conn->hot.nxt[to] - cold->isn[to];

	switch ((enum jbr_tcp_state)conn->hot.state) {
	case JBR_TCP_STATE_SYN_SENT:
		if (input->from == 0)
			return JBR_TCP_EVENT_ACK;
		if (beyond < 1 || beyond > sent)
			return JBR_TCP_EVENT_ACK;
		/* some servers acknowledge the SYN before they answer it */
		return packet->payload_length == 0 && beyond == 1 ? -1 : JBR_TCP_EVENT_ACK_SYN;
	case JBR_TCP_STATE_SYN_RECEIVED:
		if (input->from == 1)
			return beyond > 1 + cold->syn_data && beyond <= sent ? JBR_TCP_EVENT_ACK_SYN
									     : JBR_TCP_EVENT_ACK;
		/* data that acknowledges a little more than the tap saw: loss, not another connection */
		if (packet->payload_length > 0)
			sent += JBR_STEP_JUMP_MAX;
		return beyond >= 1 && beyond <= sent ? JBR_TCP_EVENT_ACK_SYN : JBR_TCP_EVENT_ACK;
	case JBR_TCP_STATE_CROSSED:
	case JBR_TCP_STATE_SYNACK_ONLY:
		return beyond >= 1 && beyond <= sent ? JBR_TCP_EVENT_ACK_SYN : JBR_TCP_EVENT_ACK;
	default:
		return JBR_TCP_EVENT_ACK;
	}
}

/* @return the segment's numbers belong to this connection */
bool
jbr_step_handshake(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	struct jbr_tcp_result *result)
{
	const struct jbr_packet *packet = input->packet;
	unsigned from = input->from;
	enum syn syn;

	if (packet->flags & JBR_TCP_ACK) {
		if (!take_synack(conn, input, result))
			return false;
		jbr_step_apply(conn, from, JBR_TCP_EVENT_SYNACK, false, result);
		return true;
	}
	if (conn->hot.state == JBR_TCP_STATE_SYNACK_ONLY && from == 1) {
		/* the SYN came after its SYN-ACK: its sender is the originator after all */
		jbr_tcp_swap(conn);
		result->is_swapped = true;
		conn->cold.isn[0] = packet->seq;
		conn->cold.syn_ns = 0; /* later than its answer: no round trip can be told */
		conn->cold.syn_count = 1;
		take_syn_options(conn, packet, 0);
		conn->hot.state = JBR_TCP_STATE_SYN_RECEIVED;
		return true;
	}
	syn = take_syn(conn, input);
	jbr_step_apply(conn, from, JBR_TCP_EVENT_SYN, syn == SYN_REPEATS, result);
	return syn != SYN_STRANGE;
}

/* The event of the segment's acknowledgement; -1 = none. */
static int
ack_event(const struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;
	unsigned to = input->from ^ 1;
	int event;

	if (!(packet->flags & JBR_TCP_ACK))
		return conn->hot.state == JBR_TCP_STATE_NEW ? (int)JBR_TCP_EVENT_ACK : -1;
	event = handshake_event(conn, input);
	if (event == JBR_TCP_EVENT_ACK && conn->cold.fin_ns[to] != 0 &&
		!jbr_tcp_is_before(packet->ack, conn->cold.fin_end[to]))
		event = JBR_TCP_EVENT_ACK_FIN;
	return event;
}

/* An ACK that acknowledges no SYN of the peer is of another connection: it draws a RST. */
static bool
is_ack_strange(const struct jbr_tcp_conn *conn, unsigned from, int event)
{
	return event == JBR_TCP_EVENT_ACK &&
		((conn->hot.state == JBR_TCP_STATE_SYN_SENT && from == 1) ||
			(conn->hot.state == JBR_TCP_STATE_SYN_RECEIVED && from == 0));
}

static void
take_fin(struct jbr_tcp_cold *cold, const struct jbr_tcp_input *input)
{
	if (cold->fin_ns[input->from] != 0)
		return;
	cold->fin_ns[input->from] = input->now_ns;
	cold->fin_end[input->from] = input->packet->seq + input->packet->payload_length + 1;
}

bool
jbr_step_synchronised(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	struct jbr_tcp_result *result)
{
	bool is_fin = (input->packet->flags & JBR_TCP_FIN) != 0;
	bool is_first = conn->hot.state == JBR_TCP_STATE_NEW;
	uint8_t before = conn->hot.state;
	int event = ack_event(conn, input);
	bool is_strange = is_ack_strange(conn, input->from, event);

	if (is_strange) {
		conn->cold.strange_ack = input->packet->ack;
		if (before == JBR_TCP_STATE_SYN_SENT)
			conn->hot.flags |= JBR_TCP_ANSWERED_BY_ACK;
	}
	if (event >= 0 && !(is_first && is_fin))
		jbr_step_apply(conn, input->from, (enum jbr_tcp_event)event, false, result);
	if (conn->hot.state == JBR_TCP_STATE_ESTABLISHED && before != conn->hot.state) {
		conn->hot.flags |= JBR_TCP_HANDSHAKE;
		conn->cold.final_ns = input->now_ns;
		/* without the SYN-ACK, or on the responder's word alone */
		if (before == JBR_TCP_STATE_SYN_SENT || before == JBR_TCP_STATE_SYNACK_ONLY ||
			(before == JBR_TCP_STATE_SYN_RECEIVED && input->from == 1))
			conn->cold.trust |= JBR_TRUST_LOSSY;
	}
	if (is_strange)
		return false;
	if (is_fin) {
		jbr_step_apply(conn, input->from, JBR_TCP_EVENT_FIN, false, result);
		take_fin(&conn->cold, input);
	}
	return true;
}

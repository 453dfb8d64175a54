/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a RST comes from: the rules in their order, the first that matches decides. The injection
 * tests D1 to D9 follow Weaver, Sommer and Paxson (NDSS 2009) and its successors. */
#include "jbr_detect.h"

enum {
	TTL_DELTA = 3,
	IP_ID_STEPS_MIN = 8,
	IP_ID_STEP_MAX = 1024,
	FIN_THEN_RST_MS = 10,
	OVERFLOW_S = 1,
	UNREAD_S = 1,
	USER_TIMEOUT_S = 10,
	COPIES_MIN = 5,
	KEEPALIVES_MIN = 3,
	PAIR_S = 2,
	BLIND_MIN = 3,
	BLIND_S = 10,
	PROBE_MIN = 50,
	LATE_MAX = 1 << 20,  /* bytes */
	MPTCP_FASTCLOSE = 7, /* subtypes, RFC 8684 */
	MPTCP_RST = 8,
};

enum { D1, D2, D3, D4, D5, D6, D7, D8, D9 };

static bool
has(const struct jbr_tcp_conn *conn, unsigned flag_of_originator, unsigned side)
{
	return (conn->hot.flags & (flag_of_originator << side)) != 0;
}

static uint32_t
kept(const struct jbr_tcp_conn *conn)
{
	return conn->has_ext ? jbr_min_u32(conn->ext.resets_count, JBR_TCP_RESETS_MAX) : 0;
}

static bool
is_within(uint64_t now_ns, uint64_t then_ns, uint64_t limit_ns)
{
	return then_ns != 0 && now_ns - then_ns <= limit_ns;
}

/* SYN to final ACK; 0 = not known. */
static uint64_t
round_trip_ns(const struct jbr_tcp_conn *conn)
{
	const struct jbr_tcp_cold *cold = &conn->cold;

	if (cold->syn_ns == 0 || cold->final_ns <= cold->syn_ns)
		return 0;
	return cold->final_ns - cold->syn_ns;
}

/* ---- evidence of forgery ---- */

static unsigned
initial_ttl(unsigned ttl)
{
	if (ttl <= 64)
		return 64;
	return ttl <= 128 ? 128 : 255;
}

/* Another path, not another initial value: some hosts send RSTs with another one. */
static bool
is_ttl_foreign(unsigned ttl, unsigned usual)
{
	unsigned hops = initial_ttl(ttl) - ttl;
	unsigned usual_hops = initial_ttl(usual) - usual;
	unsigned delta = ttl > usual ? ttl - usual : usual - ttl;
	unsigned hops_delta = hops > usual_hops ? hops - usual_hops : usual_hops - hops;

	if (usual == 0 || delta < TTL_DELTA)
		return false;
	return initial_ttl(ttl) == initial_ttl(usual) || hops_delta >= TTL_DELTA;
}

static bool
is_ip_id_foreign(const struct jbr_tcp_conn *before, const struct jbr_packet *packet, unsigned from)
{
	uint16_t step = (uint16_t)(packet->ip_id - before->hot.ip_id[from]);

	if ((packet->ip_id & 0xffff) == 0 || before->hot.ip_id_steps[from] < IP_ID_STEPS_MIN)
		return false;
	return step == 0 || step > IP_ID_STEP_MAX;
}

static bool
is_both_ways_at_once(const struct jbr_tcp_conn *before, const struct jbr_tcp_input *input)
{
	uint64_t limit_ns = round_trip_ns(before) / 2;

	for (uint32_t i = 0; i < kept(before); i++)
		if (before->ext.resets[i].by != input->from &&
			input->now_ns - before->ext.resets[i].time_ns < limit_ns)
			return true;
	return false;
}

static bool
has_odd_window(const struct jbr_tcp_conn *before, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;

	if (packet->window == 0)
		return false;
	if (!(packet->flags & JBR_TCP_ACK))
		return true;
	for (uint32_t i = 0; i < kept(before); i++)
		if (before->ext.resets[i].by == input->from && before->ext.resets[i].window != 0 &&
			before->ext.resets[i].ttl != packet->ttl)
			return true;
	return false;
}

static bool
is_after_trigger(const struct jbr_tcp_conn *before, const struct jbr_tcp_input *input)
{
	uint64_t limit_ns = round_trip_ns(before);

	return limit_ns != 0 && input->from == 1 && has(before, JBR_TCP_HAD_DATA_O, 0) &&
		!has(before, JBR_TCP_HAD_DATA_O, 1) && before->cold.fin_ns[0] == 0 &&
		before->cold.fin_ns[1] == 0 &&
		is_within(input->now_ns, before->hot.data_ns, limit_ns);
}

static uint16_t
evidence_of(const struct jbr_tcp_conn *before, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;
	const struct jbr_tcp_hot *hot = &before->hot;
	unsigned from = input->from;
	bool is_clean = (before->cold.trust & (JBR_TRUST_LOSSY | JBR_TRUST_MIDSTREAM)) == 0;
	uint16_t evidence = 0;

	if (is_clean && has(before, JBR_TCP_HAD_DATA_O, from) &&
		has(before, JBR_TCP_ACKED_O, from) &&
		jbr_tcp_is_before(packet->seq, hot->nxt[from]) && packet->seq != hot->una[from] &&
		before->cold.fin_ns[from] == 0 && !has(before, JBR_TCP_RESET_BY_O, from))
		evidence |= 1 << D3;
	if (is_ttl_foreign(packet->ttl, hot->ttl[from]))
		evidence |= 1 << D4;
	if (is_ip_id_foreign(before, packet, from))
		evidence |= 1 << D5;
	if (is_both_ways_at_once(before, input))
		evidence |= 1 << D7;
	if (has_odd_window(before, input))
		evidence |= 1 << D8;
	if (is_after_trigger(before, input))
		evidence |= 1 << D9;
	return evidence;
}

static bool
is_forged(uint16_t evidence)
{
	if (evidence & (1 << D1 | 1 << D2))
		return true;
	return __builtin_popcount(evidence) >= 2;
}

/* ---- the rules ---- */

/* Rule 3: nothing but this host's own answer is known of the connection. */
static bool
is_connection_unknown(const struct jbr_tcp_conn *before, unsigned from)
{
	switch ((enum jbr_tcp_state)before->hot.state) {
	case JBR_TCP_STATE_NEW:
		return true;
	case JBR_TCP_STATE_SYNACK_ONLY:
	case JBR_TCP_STATE_MIDSTREAM:
	case JBR_TCP_STATE_FIN_O:
		return from == 1 && before->hot.packets[1] == 0 && !has(before, JBR_TCP_SAW_SYN, 0);
	default:
		return (before->hot.flags & JBR_TCP_ONLY_RST) != 0;
	}
}

static enum jbr_reset_cause
unknown_connection(const struct jbr_tcp_conn *before, const struct jbr_packet *packet)
{
	if (before->hot.state == JBR_TCP_STATE_SYNACK_ONLY &&
		packet->seq == before->cold.synack_ack)
		return JBR_RESET_UNSOLICITED_SYNACK;
	return packet->flags & JBR_TCP_ACK ? JBR_RESET_NO_FLOW : JBR_RESET_UNSOLICITED_ACK;
}

static bool
answers_late_segment(const struct jbr_tcp_conn *before, const struct jbr_packet *packet,
	unsigned from)
{
	if (before->cold.fin_ns[from] == 0 && !has(before, JBR_TCP_RESET_BY_O, from))
		return false;
	if (has(before, JBR_TCP_TOLD_O, from) && packet->seq == before->hot.una[from])
		return true;
	if (!before->has_ext)
		return false;
	for (unsigned i = 0; i < before->ext.closed_acks_count[from]; i++)
		if (before->ext.closed_acks[from][i] == packet->seq)
			return true;
	return false;
}

/* What passed the tap before the FIN may have reached the sender after it: a RST without ACK repeats
 * the ACK field of what it answers, so one that lies behind is such an answer. */
static bool
answers_earlier_segment(const struct jbr_tcp_conn *before, const struct jbr_packet *packet,
	unsigned from)
{
	if (before->cold.fin_ns[from] == 0 && !has(before, JBR_TCP_RESET_BY_O, from))
		return false;
	return !(packet->flags & JBR_TCP_ACK) && has(before, JBR_TCP_ACKED_O, from) &&
		!jbr_tcp_is_before(before->hot.una[from], packet->seq) &&
		before->hot.una[from] - packet->seq < LATE_MAX;
}

/* Rule 4. @return JBR_RESET_COUNT when it does not match */
static enum jbr_reset_cause
consequence(const struct jbr_tcp_conn *before, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;
	unsigned from = input->from;

	if (answers_late_segment(before, packet, from))
		return JBR_RESET_LATE_DATA;
	for (uint32_t i = 0; i < kept(before); i++)
		if (before->ext.resets[i].by == from && before->ext.resets[i].seq == packet->seq &&
			before->hot.state == JBR_TCP_STATE_RESET)
			return (enum jbr_reset_cause)before->ext.resets[i].cause;
	if (answers_earlier_segment(before, packet, from))
		return JBR_RESET_LATE_DATA;
	if (is_within(input->now_ns, before->cold.fin_ns[from], FIN_THEN_RST_MS * JBR_NS_PER_MS))
		return JBR_RESET_CLIENT_ABORT_AFTER_FIN;
	if (before->hot.state == JBR_TCP_STATE_TIME_WAIT)
		return JBR_RESET_TIME_WAIT_ASSASSINATION;
	return JBR_RESET_COUNT;
}

static enum jbr_reset_cause
before_synack(const struct jbr_tcp_conn *before, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;
	uint32_t acked = packet->ack - before->cold.isn[0];

	if (input->from == 1) {
		if ((packet->flags & JBR_TCP_ACK) && acked >= 1 &&
			acked <= 1 + before->cold.syn_data)
			return JBR_RESET_REFUSED;
		return JBR_RESET_UNCLASSIFIED;
	}
	if (before->cold.strange_ack != 0 && packet->seq == before->cold.strange_ack)
		return before->hot.flags & JBR_TCP_ANSWERED_BY_ACK ? JBR_RESET_PORT_REUSE
								   : JBR_RESET_SAFE_RESET;
	return JBR_RESET_APP_ABORT;
}

static enum jbr_reset_cause
half_open(const struct jbr_tcp_conn *before, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;
	const struct jbr_tcp_cold *cold = &before->cold;

	if (input->from == 0)
		return has(before, JBR_TCP_HAD_DATA_O, 0) ? JBR_RESET_UNCLASSIFIED
							  : JBR_RESET_SYN_SCAN;
	if (cold->strange_ack != 0 && packet->seq == cold->strange_ack)
		return JBR_RESET_BAD_COOKIE;
	if (packet->seq != cold->isn[1] + 1)
		return JBR_RESET_UNCLASSIFIED;
	if (!(packet->flags & JBR_TCP_ACK))
		return JBR_RESET_ACCEPT_OVERFLOW;
	return cold->synack_last_ns > cold->synack_ns ? JBR_RESET_RETRANSMISSION_TIMEOUT
						      : JBR_RESET_APP_ABORT;
}

/* Rule 6. */
static enum jbr_reset_cause
handshake(const struct jbr_tcp_conn *before, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;

	switch ((enum jbr_tcp_state)before->hot.state) {
	case JBR_TCP_STATE_SYN_SENT:
		return before_synack(before, input);
	case JBR_TCP_STATE_SYN_RECEIVED:
		return half_open(before, input);
	case JBR_TCP_STATE_ESTABLISHED:
		if (input->from == 1 && !(packet->flags & JBR_TCP_ACK) &&
			has(before, JBR_TCP_SAW_SYNACK, 0) && !has(before, JBR_TCP_HAD_DATA_O, 1) &&
			packet->seq == before->cold.isn[1] + 1 &&
			is_within(input->now_ns, before->cold.final_ns, OVERFLOW_S * JBR_NS_PER_S))
			return JBR_RESET_ACCEPT_OVERFLOW;
		return JBR_RESET_COUNT;
	default:
		return JBR_RESET_COUNT;
	}
}

static bool
is_syn_inside(const struct jbr_tcp_ext *ext, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;

	if (ext->candidate_ns == 0)
		return false;
	if (input->from == ext->candidate_side)
		return ext->has_challenge && packet->seq == ext->candidate_ack;
	return (packet->flags & JBR_TCP_ACK) && packet->ack == ext->candidate_isn + 1;
}

/* Rule 9, what only a disturbed connection can be reset for. */
static enum jbr_reset_cause
disturbed(const struct jbr_tcp_conn *before, const struct jbr_tcp_input *input)
{
	const struct jbr_tcp_ext *ext = &before->ext;
	unsigned from = input->from;
	unsigned to = from ^ 1;

	if (!before->has_ext)
		return JBR_RESET_COUNT;
	if (ext->retransmit_copies[from] >= COPIES_MIN &&
		!jbr_tcp_is_before(ext->retransmit_seq[from], before->hot.una[from]))
		return JBR_RESET_RETRANSMISSION_TIMEOUT;
	if (ext->keepalives[from] >= KEEPALIVES_MIN)
		return JBR_RESET_KEEPALIVE_FAILURE;
	if (ext->zero_since_ns[to] != 0 && ext->probes[from] > 0)
		return JBR_RESET_PERSIST_ABORT;
	return JBR_RESET_COUNT;
}

static bool
is_unread(const struct jbr_tcp_conn *before, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;
	const struct jbr_tcp_hot *hot = &before->hot;
	unsigned to = input->from ^ 1;
	bool is_last_of_peer = ((hot->flags & JBR_TCP_LAST_DATA_R) != 0) == (to == 1);
	uint32_t end = hot->nxt[to] - (before->cold.fin_ns[to] != 0);
	bool is_acked = has(before, JBR_TCP_ACKED_O, to) && !jbr_tcp_is_before(hot->una[to], end);

	/* the RST may be the first to acknowledge it */
	if ((packet->flags & JBR_TCP_ACK) && !jbr_tcp_is_before(packet->ack, end))
		is_acked = true;
	return is_last_of_peer && has(before, JBR_TCP_HAD_DATA_O, to) && is_acked &&
		is_within(input->now_ns, hot->data_ns, UNREAD_S * JBR_NS_PER_S);
}

/* Rule 9 and 10. */
static enum jbr_reset_cause
established(const struct jbr_tcp_conn *before, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;
	const struct jbr_tcp_hot *hot = &before->hot;
	unsigned from = input->from;
	unsigned to = from ^ 1;
	enum jbr_reset_cause cause = disturbed(before, input);

	if (cause != JBR_RESET_COUNT)
		return cause;
	if (hot->unacked_at[from] != 0 &&
		jbr_tcp_units(input->now_ns) - hot->unacked_at[from] >=
			USER_TIMEOUT_S * JBR_NS_PER_S >> 20)
		return JBR_RESET_USER_TIMEOUT;
	if (before->has_ext && before->ext.has_stale_ts[to] &&
		packet->seq == before->ext.stale_ts_ack[to])
		return JBR_RESET_PAWS;
	if (before->has_ext && is_syn_inside(&before->ext, input))
		return JBR_RESET_SYN_IN_ESTABLISHED;
	if (from == 0 && (hot->flags & JBR_TCP_HANDSHAKE) &&
		jbr_tcp_payload(hot, &before->cold, 0) + jbr_tcp_payload(hot, &before->cold, 1) ==
			0)
		return JBR_RESET_HEALTH_CHECK;
	if ((packet->options & JBR_OPT_MPTCP) &&
		(packet->mptcp_subtype == MPTCP_RST || packet->mptcp_subtype == MPTCP_FASTCLOSE))
		return JBR_RESET_MPTCP;
	if (is_unread(before, input))
		return JBR_RESET_APP_ABORT_UNREAD;
	if (hot->state >= JBR_TCP_STATE_ESTABLISHED)
		return JBR_RESET_APP_ABORT;
	return JBR_RESET_UNCLASSIFIED;
}

static enum jbr_reset_cause
cause_of(const struct jbr_tcp_conn *before, const struct jbr_tcp_input *input,
	const struct jbr_tcp_result *result, uint16_t evidence)
{
	enum jbr_reset_cause cause;

	if (input->packet->flags & (JBR_TCP_SYN | JBR_TCP_FIN))
		return JBR_RESET_MALFORMED;
	if (is_connection_unknown(before, input->from))
		return unknown_connection(before, input->packet);
	cause = consequence(before, input);
	if (cause != JBR_RESET_COUNT)
		return cause;
	if (is_forged(evidence))
		return JBR_RESET_INJECTED;
	if (before->hot.state >= JBR_TCP_STATE_ESTABLISHED && result->fit == JBR_TCP_FIT_OUTSIDE)
		return JBR_RESET_OUT_OF_WINDOW;
	cause = handshake(before, input);
	return cause != JBR_RESET_COUNT ? cause : established(before, input);
}

void
jbr_detect_reset(const struct jbr_tcp_conn *before, const struct jbr_tcp_input *input,
	const struct jbr_tcp_result *result, struct jbr_tcp_reset *ret_reset)
{
	const struct jbr_packet *packet = input->packet;
	unsigned from = input->from;

	memset(ret_reset, 0, sizeof(*ret_reset));
	ret_reset->number = input->number;
	ret_reset->time_ns = input->now_ns;
	ret_reset->seq = packet->seq;
	ret_reset->ack = packet->ack;
	ret_reset->expected = before->hot.una[from];
	ret_reset->window_end = before->hot.una[from] + before->hot.window[from ^ 1];
	ret_reset->sent = before->hot.nxt[from];
	ret_reset->peer_acked = before->hot.una[from];
	ret_reset->flags = packet->flags;
	ret_reset->window = packet->window;
	ret_reset->payload_length = (uint16_t)jbr_min_u32(packet->payload_length, UINT16_MAX);
	ret_reset->ip_id = (uint16_t)packet->ip_id;
	ret_reset->ttl = packet->ttl;
	ret_reset->ttl_usual = before->hot.ttl[from];
	ret_reset->by = (uint8_t)from;
	ret_reset->fit = result->fit;
	ret_reset->is_expected_known = has(before, JBR_TCP_ACKED_O, from);
	ret_reset->evidence = evidence_of(before, input);
	ret_reset->cause = (uint8_t)cause_of(before, input, result, ret_reset->evidence);
}

/* ---- what other RSTs and later segments show ---- */

/* Only these may turn out to be forged; a refusal or a consequence is explained already. */
static bool
can_be_revised(const struct jbr_tcp_reset *reset)
{
	return !reset->is_settled && jbr_resets[reset->cause].rule >= 5;
}

static void
revise_all(struct jbr_tcp_conn *conn, unsigned by, unsigned test, enum jbr_reset_cause cause)
{
	for (uint32_t i = 0; i < kept(conn); i++) {
		struct jbr_tcp_reset *reset = &conn->ext.resets[i];

		if (reset->by != by || !can_be_revised(reset))
			continue;
		reset->evidence |= (uint16_t)(1u << test);
		reset->cause = (uint8_t)cause;
	}
}

/* D1: a second RST beyond everything its sender sent and the peer acknowledged. A stack's RSTs are in
 * sequence or echo an ACK field. */
static bool
is_sequence_changed(const struct jbr_tcp_conn *conn, const struct jbr_tcp_reset *second)
{
	for (uint32_t i = 0; i < kept(conn); i++) {
		const struct jbr_tcp_reset *first = &conn->ext.resets[i];

		if (first->by != second->by)
			return false; /* the other side reset before: these may answer it */
		if (!first->is_expected_known ||
			second->time_ns - first->time_ns >= PAIR_S * JBR_NS_PER_S)
			continue;
		if (jbr_tcp_distance(second->seq, first->seq) > 2 &&
			jbr_tcp_is_before(first->sent, second->seq) &&
			jbr_tcp_distance(second->seq, first->peer_acked) > 2 &&
			conn->cold.fin_ns[second->by] == 0)
			return true;
	}
	return false;
}

static void
count_inexact(struct jbr_tcp_ext *ext, uint64_t now_ns)
{
	if (now_ns - ext->inexact_first_ns > BLIND_S * JBR_NS_PER_S) {
		ext->inexact_first_ns = now_ns;
		ext->inexact_count = 0;
	}
	if (now_ns - ext->inexact_second_ns > JBR_NS_PER_S) {
		ext->inexact_second_ns = now_ns;
		ext->inexact_second_count = 0;
	}
	ext->inexact_count++;
	ext->inexact_second_count++;
}

/* Many RSTs inside the window that are not at the next byte are a search for it. */
static void
compare_inexact(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	struct jbr_tcp_reset *reset)
{
	enum jbr_reset_cause cause = JBR_RESET_BLIND_IN_WINDOW;

	count_inexact(&conn->ext, input->now_ns);
	if (conn->ext.inexact_second_count >= PROBE_MIN)
		cause = JBR_RESET_CHALLENGE_ACK_PROBE;
	else if (conn->ext.inexact_count < BLIND_MIN)
		return;
	reset->cause = (uint8_t)cause;
	for (uint32_t i = 0; i < kept(conn); i++)
		if (conn->ext.resets[i].fit == JBR_TCP_FIT_IN_WINDOW &&
			can_be_revised(&conn->ext.resets[i]))
			conn->ext.resets[i].cause = (uint8_t)cause;
}

void
jbr_detect_reset_compare(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	struct jbr_tcp_reset *reset)
{
	if (reset->fit == JBR_TCP_FIT_IN_WINDOW && can_be_revised(reset))
		compare_inexact(conn, input, reset);
	if (!can_be_revised(reset) || (conn->cold.trust & JBR_TRUST_LOSSY) ||
		!is_sequence_changed(conn, reset))
		return;
	reset->evidence |= 1 << D1;
	reset->cause = JBR_RESET_INJECTED;
	revise_all(conn, reset->by, D1, JBR_RESET_INJECTED);
}

void
jbr_detect_reset_revise(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	const struct jbr_tcp_result *result)
{
	const struct jbr_packet *packet = input->packet;
	bool is_synack = (packet->flags & (JBR_TCP_SYN | JBR_TCP_ACK | JBR_TCP_RST)) ==
		(JBR_TCP_SYN | JBR_TCP_ACK);

	if (result->goes_on_after_rst)
		revise_all(conn, input->from, D2, JBR_RESET_INJECTED);
	if (!is_synack)
		return;
	for (uint32_t i = 0; i < kept(conn); i++) {
		struct jbr_tcp_reset *reset = &conn->ext.resets[i];

		if (reset->is_settled || reset->by != input->from)
			continue;
		if (reset->cause != JBR_RESET_UNCLASSIFIED && reset->window == 0)
			continue;
		reset->evidence |= 1 << D6;
		if (reset->ttl_usual == 0 && is_ttl_foreign(reset->ttl, packet->ttl))
			reset->evidence |= 1 << D4;
		if (conn->cold.syn_ns <= reset->time_ns)
			reset->evidence |= 1
				<< D2; /* it reset the SYN, then answers that same SYN */
		if (is_forged(reset->evidence))
			reset->cause = JBR_RESET_INJECTED;
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* How a connection ended, and whether a SYN begins another one. */
#include "jbr_tcp.h"

/* Shorter than this nobody waits for an answer: an upload closed at once, a request aborted. */
enum { OWED_MIN_S = 1 };

static bool
has_both_fins(const struct jbr_tcp_conn *conn)
{
	return conn->cold.fin_ns[0] != 0 && conn->cold.fin_ns[1] != 0;
}

/* The reset that ended it, or NULL. */
static const struct jbr_tcp_reset *
ending_reset(const struct jbr_tcp_conn *conn)
{
	uint32_t kept = jbr_min_u32(conn->ext.resets_count, JBR_TCP_RESETS_MAX);

	if (!conn->has_ext || conn->hot.state != JBR_TCP_STATE_RESET)
		return NULL;
	for (uint32_t i = 0; i < kept; i++)
		if (conn->ext.resets[i].fit == JBR_TCP_FIT_EXACT ||
			conn->ext.resets[i].fit == JBR_TCP_FIT_UNKNOWN)
			return &conn->ext.resets[i];
	return NULL;
}

static bool
has_reset_of(const struct jbr_tcp_conn *conn, enum jbr_reset_cause cause)
{
	uint32_t kept = jbr_min_u32(conn->ext.resets_count, JBR_TCP_RESETS_MAX);

	for (uint32_t i = 0; conn->has_ext && i < kept; i++)
		if (conn->ext.resets[i].cause == cause)
			return true;
	return false;
}

static bool
is_in_zero_window(const struct jbr_tcp_conn *conn)
{
	return conn->has_ext && !has_both_fins(conn) &&
		(conn->ext.zero_since_ns[0] != 0 || conn->ext.zero_since_ns[1] != 0);
}

/* FIN-WAIT-1 with more than the FIN outstanding. */
static bool
is_orphan(const struct jbr_tcp_conn *conn)
{
	unsigned side = conn->hot.state == JBR_TCP_STATE_FIN_R;

	if (conn->hot.state != JBR_TCP_STATE_FIN_O && conn->hot.state != JBR_TCP_STATE_FIN_R)
		return false;
	return (conn->hot.flags & (JBR_TCP_ACKED_O << side)) &&
		jbr_tcp_is_before(conn->hot.una[side], conn->cold.fin_end[side] - 1);
}

/* The originator's last payload was acknowledged, and nothing came back for it. A time-out is waiting
 * enough; an end by FIN or RST must have come after a while. */
static bool
is_answer_owed(const struct jbr_tcp_conn *conn)
{
	const struct jbr_tcp_hot *hot = &conn->hot;
	uint64_t until = hot->last_ns;
	uint32_t end = hot->nxt[0];

	if (!(hot->flags & JBR_TCP_HANDSHAKE) || !(hot->flags & JBR_TCP_HAD_DATA_O) ||
		(hot->flags & JBR_TCP_LAST_DATA_R) || !(hot->flags & JBR_TCP_SEEN_R) ||
		(conn->cold.trust & (JBR_TRUST_LOSSY | JBR_TRUST_MIDSTREAM)))
		return false;
	if (conn->cold.fin_ns[0] != 0) {
		end = conn->cold.fin_end[0] - 1;
		until = conn->cold.fin_ns[0];
	}
	if (jbr_tcp_is_before(hot->una[0], end))
		return false;
	if (conn->cold.fin_ns[0] == 0 && conn->cold.fin_ns[1] == 0 &&
		hot->state != JBR_TCP_STATE_RESET)
		return true;
	if (conn->cold.fin_ns[1] != 0)
		until = jbr_min_u64(until, conn->cold.fin_ns[1]);
	return until >= hot->data_ns + OWED_MIN_S * JBR_NS_PER_S;
}

static bool
is_cut(const struct jbr_tcp_conn *conn)
{
	const struct jbr_tcp_hot *hot = &conn->hot;

	if (has_reset_of(conn, JBR_RESET_APP_ABORT_UNREAD))
		return true;
	for (unsigned side = 0; side < JBR_TCP_SIDES; side++)
		if ((hot->flags & (JBR_TCP_ACKED_O << side)) &&
			!(hot->flags & (JBR_TCP_ESTIMATED_O << side)) &&
			(hot->flags & (JBR_TCP_HAD_DATA_O << side)) &&
			jbr_tcp_is_before(hot->una[side],
				hot->nxt[side] - (conn->cold.fin_ns[side] != 0)))
			return true;
	return false;
}

/* Zeek believes any RST. Where the receiver took none, the code is the one without it. */
static enum jbr_outcome
code_of(const struct jbr_tcp_conn *conn)
{
	enum jbr_outcome zeek = jbr_zeek_conn_state(conn);
	bool is_reset = zeek == JBR_OUTCOME_REJ || zeek == JBR_OUTCOME_RSTO ||
		zeek == JBR_OUTCOME_RSTR || zeek == JBR_OUTCOME_RSTOS0 || zeek == JBR_OUTCOME_RSTRH;
	bool has_synack = (conn->hot.flags & JBR_TCP_SAW_SYNACK) != 0;

	if (!is_reset || (conn->hot.flags & (JBR_TCP_RESET_BY_O | JBR_TCP_RESET_BY_R)))
		return zeek;
	if (has_both_fins(conn))
		return JBR_OUTCOME_SF;
	if (conn->cold.fin_ns[0] != 0)
		return has_synack ? JBR_OUTCOME_S2 : JBR_OUTCOME_SH;
	if (conn->cold.fin_ns[1] != 0)
		return conn->hot.flags & JBR_TCP_SAW_SYN ? JBR_OUTCOME_S3 : JBR_OUTCOME_SHR;
	if (!(conn->hot.flags & JBR_TCP_SAW_SYN))
		return JBR_OUTCOME_OTH;
	return has_synack ? JBR_OUTCOME_S1 : JBR_OUTCOME_S0;
}

enum jbr_outcome
jbr_tcp_outcome(const struct jbr_tcp_conn *conn, bool is_ended)
{
	const struct jbr_tcp_hot *hot = &conn->hot;
	enum jbr_outcome code = code_of(conn);
	const struct jbr_tcp_reset *reset = ending_reset(conn);
	bool is_over = is_ended || hot->state >= JBR_TCP_STATE_TIME_WAIT;
	bool has_payload = (hot->flags & (JBR_TCP_HAD_DATA_O | JBR_TCP_HAD_DATA_R)) != 0;

	if (hot->flags & JBR_TCP_ICMP_REJECTED)
		return JBR_OUTCOME_RJI;
	if (has_reset_of(conn, JBR_RESET_PORT_REUSE) ||
		has_reset_of(conn, JBR_RESET_SYN_IN_ESTABLISHED))
		return JBR_OUTCOME_DESYNC;
	if (reset != NULL && reset->cause == JBR_RESET_INJECTED)
		return JBR_OUTCOME_RSTI;
	if (is_over && is_in_zero_window(conn))
		return JBR_OUTCOME_PERSIST;
	if (is_over && is_orphan(conn))
		return JBR_OUTCOME_ORPH;
	if (is_over && is_answer_owed(conn))
		return JBR_OUTCOME_STALL;
	if (reset != NULL && is_cut(conn))
		return JBR_OUTCOME_RSTA;
	if (is_over && (hot->flags & JBR_TCP_HANDSHAKE) && !has_payload && code != JBR_OUTCOME_SF &&
		!(conn->cold.trust & JBR_TRUST_LOSSY))
		return JBR_OUTCOME_EMPTY;
	if (hot->flags & JBR_TCP_HALF_OPEN)
		return JBR_OUTCOME_HO;
	if (hot->flags & JBR_TCP_CUT_SHORT)
		return JBR_OUTCOME_LIM;
	return code;
}

static bool
is_syn_reuse(const struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input)
{
	const struct jbr_tcp_cold *cold = &conn->cold;
	uint32_t seq = input->packet->seq;
	bool is_first_isn = input->from == 0 && (conn->hot.flags & JBR_TCP_SAW_SYN) &&
		seq == cold->isn[0];

	switch ((enum jbr_tcp_state)conn->hot.state) {
	case JBR_TCP_STATE_INVALID:
	case JBR_TCP_STATE_NEW:
	case JBR_TCP_STATE_COUNT:
		return false;
	case JBR_TCP_STATE_SYN_SENT:
	case JBR_TCP_STATE_SYN_RECEIVED:
		return input->from == 0 && !is_first_isn;
	case JBR_TCP_STATE_CROSSED:
		return seq != cold->isn[input->from];
	case JBR_TCP_STATE_SYNACK_ONLY:
		return input->from == 0 || seq != cold->synack_ack - 1;
	case JBR_TCP_STATE_ESTABLISHED:
		return false; /* a SYN alone must not end it: see jbr_tcp_answers_candidate() */
	case JBR_TCP_STATE_MIDSTREAM:
		return true;
	/* once a side has closed or reset, any SYN begins anew, as in Zeek: a refused SYN that is
	 * sent again is another attempt */
	case JBR_TCP_STATE_RESET:
	case JBR_TCP_STATE_FIN_O:
	case JBR_TCP_STATE_FIN_O_ACKED:
	case JBR_TCP_STATE_FIN_R:
	case JBR_TCP_STATE_FIN_R_ACKED:
	case JBR_TCP_STATE_FIN_BOTH:
	case JBR_TCP_STATE_FIN_BOTH_O_ACKED:
	case JBR_TCP_STATE_FIN_BOTH_R_ACKED:
	case JBR_TCP_STATE_TIME_WAIT:
		return true;
	}
	return false;
}

bool
jbr_tcp_is_reuse(const struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input)
{
	unsigned flags = input->packet->flags;

	if (!(flags & JBR_TCP_SYN) || (flags & (JBR_TCP_RST | JBR_TCP_FIN)))
		return false;
	if (!(flags & JBR_TCP_ACK))
		return is_syn_reuse(conn, input);
	return conn->hot.state == JBR_TCP_STATE_SYNACK_ONLY && input->from == 0 &&
		input->packet->seq != conn->cold.isn[0];
}

bool
jbr_tcp_answers_candidate(const struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;

	return conn->has_ext && conn->ext.candidate_ns != 0 &&
		(packet->flags & (JBR_TCP_SYN | JBR_TCP_ACK | JBR_TCP_RST | JBR_TCP_FIN)) ==
		(JBR_TCP_SYN | JBR_TCP_ACK) &&
		input->from != conn->ext.candidate_side &&
		packet->ack == conn->ext.candidate_isn + 1;
}
